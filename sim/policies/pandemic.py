"""A shock: people are kept from meeting, and neighbours help each other.

Claim     rules.pandemic <- path. Effects: networks/support.py, networks/exposure.py, networks/mutual_help.py.
Evidence  M40: direction; size assumed.
Limits    Deaths by the infection and cancelled operations are not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="pandemic",
    label="Pandemic",
    section="Shocks",
    unit="share of a full pandemic",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M40: direction",
    meaning="How far people are kept from meeting.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.pandemic", lever="pandemic")
@kernel
def part(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.pandemic.size):
        w.rules.pandemic[n] = path[clock.month, n]
