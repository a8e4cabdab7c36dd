"""Community money may grow groups, slowly and for long, or buy them, at once and while it lasts.

Claim     rules.seeded <- path. What it does: networks/groups.py.
Evidence  M32, M33, M61: direction; size assumed.
Limits    Grants and contracts do not change in length.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="grown_or_commissioned",
    label="Community money given to grow groups",
    section="Community",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=1.0,
    step=0.05,
    source="assumed; M32, M61: direction",
    meaning="Part of community money that lets groups grow; the rest commissions groups, which vanish with the money.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.seeded", lever="grown_or_commissioned")
@kernel
def seed(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.seeded.size):
        w.rules.seeded[n] = path[clock.month, n]
