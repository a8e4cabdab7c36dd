"""What becomes of a saving: how much of it is kept and spent on prevention.

Claim     money.rho[silo] <- path. What it does: feedback/overspend_recovery.py.
Evidence  assumed.
Limits    The same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="reinvestment_share",
    label="Part of a saving that is kept for prevention",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.5,
    step=0.05,
    source="assumed",
    meaning="Part of a saving that a silo keeps and adds to prevention next year; the rest is clawed back.",
    axis="place",
)


@mechanism(Phase.POLICY, NoParams, writes="money.rho", lever="reinvestment_share")
@kernel
def set_share(w: World, path: np.ndarray, clock: Clock) -> None:
    for f in range(w.money.rho.size):
        w.money.rho[f] = path[clock.month, 0]
