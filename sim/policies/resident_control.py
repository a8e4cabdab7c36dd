"""Residents decide what community money is for: some places do better, some are captured by a few.

Claim     rules.resident_control <- path. What it does: networks/groups.py.
Evidence  M82, M87 (Big Local): direction; size assumed.
Limits    Acts on groups, not on services.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="resident_control",
    label="Community money that residents decide on",
    section="Who decides",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M82, M87: direction",
    meaning="Part of community money whose use residents decide.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.resident_control", lever="resident_control")
@kernel
def hand_over(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.resident_control.size):
        w.rules.resident_control[n] = path[clock.month, n]
