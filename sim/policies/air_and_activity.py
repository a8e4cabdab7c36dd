"""Cleaner air, parks, sport and leisure for everybody in a neighbourhood.

Claim     rules.air_and_activity <- path. Effects: networks/exposure.py, networks/groups.py.
Evidence  M35, M37, F11 [Masters]: direction; size assumed.
Limits    The lever is one programme; its parts cannot be moved separately.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="air_and_activity",
    label="Air, parks and activity",
    section="Outside services",
    unit="share of a programme",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M37, F11 [Masters]: direction",
    meaning="Size of the programme for clean air, parks and activity, as a share of a full programme, paid with "
    "new money.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.air_and_activity", lever="air_and_activity")
@kernel
def clear_air(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.air_and_activity.size):
        w.rules.air_and_activity[n] = path[clock.month, n]
