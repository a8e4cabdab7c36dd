"""Homes are made warm, safe and secure.

Claim     rules.housing_quality <- path. Effects: networks/exposure.py.
Evidence  M38: direction; size assumed.
Limits    Rents and house building are not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="housing_quality",
    label="Quality and security of homes",
    section="Outside services",
    unit="share of a programme",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M38: direction",
    meaning="Size of the programme for warm, safe and secure homes, as a share of a full programme, paid with "
    "new money.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.housing_quality", lever="housing_quality")
@kernel
def improve_homes(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.housing_quality.size):
        w.rules.housing_quality[n] = path[clock.month, n]
