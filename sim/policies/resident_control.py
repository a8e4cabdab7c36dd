"""Residents decide how community money is used: some areas do better, and some are captured by a few people.

Claim     rules.resident_control <- path. Effects: networks/groups.py.
Evidence  M82, M87 (Big Local): direction; size assumed.
Limits    The lever acts on groups, not on services.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="resident_control",
    label="Community money decided by residents",
    section="Who decides",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M82, M87: direction",
    meaning="Share of community money whose use residents decide.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.resident_control", lever="resident_control")
@kernel
def hand_over(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.resident_control.size):
        w.rules.resident_control[n] = path[clock.month, n]
