"""Community money can grow groups, slowly and lastingly, or commission them, at once and while the money lasts.

Claim     rules.seeded <- path. Effects: networks/groups.py.
Evidence  M32, M33, M61: direction; size assumed.
Limits    The length of grants and contracts does not change.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="grown_or_commissioned",
    label="Share of community money that grows groups",
    section="Community",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=1.0,
    step=0.05,
    source="assumed; M32, M61: direction",
    meaning="Share of community money that helps groups grow. The rest commissions groups, which end when the "
    "money ends.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.seeded", lever="grown_or_commissioned")
@kernel
def seed(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.seeded.size):
        w.rules.seeded[n] = path[clock.month, n]
