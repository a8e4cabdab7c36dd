"""A shorter week and carers' leave give people time to look after their own.

Claim     rules.time_to_care <- path, 0 none to 1: relaxes what care at home costs the carer (people/resilience.py) and
          raises how much it holds off (people/need.py).
Evidence  assumed.
Limits    Wages and output play no part.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="time_to_care",
    label="Time to care",
    section="Outside services",
    unit="0-1",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed: 1 is about a day a week",
    meaning="Time freed to care for one's own: a shorter week, carers' leave.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.time_to_care", lever="time_to_care")
@kernel
def free_time(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.time_to_care.size):
        w.rules.time_to_care[n] = path[clock.month, n]
