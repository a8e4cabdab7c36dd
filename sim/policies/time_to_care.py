"""A shorter week and carers' leave give people time to care for their own family and friends.

Claim     rules.time_to_care <- path, from 0 (none) to 1. It lowers what care at home costs the carer
          (people/resilience.py) and raises how much need that care holds back (people/need.py).
Evidence  assumed.
Limits    Wages and output play no part.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="time_to_care",
    label="Time to care",
    section="Outside services",
    unit="0 none, 1 about a day a week",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed: 1 is about a day a week",
    meaning="Time freed to care for family and friends, by a shorter week and carers' leave.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.time_to_care", lever="time_to_care")
@kernel
def free_time(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.time_to_care.size):
        w.rules.time_to_care[n] = path[clock.month, n]
