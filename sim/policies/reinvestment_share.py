"""How much of a saving is kept and spent on prevention.

Claim     money.rho[silo] <- path. Effects: feedback/overspend_recovery.py.
Evidence  assumed.
Limits    The share is the same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="reinvestment_share",
    label="Share of savings reinvested in prevention",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.5,
    baseline_range=(0.0, 1.0),
    baseline_source="assumed: equal to overspend_share, so that chance alone neither starves nor feeds prevention",
    step=0.05,
    source="assumed",
    meaning="Share of a saving that a budget holder keeps and adds to prevention next year. The rest goes back "
    "to the centre.",
    axis="place",
    acts="year end",
)


@mechanism(Phase.POLICY, NoParams, writes="money.rho", lever="reinvestment_share")
@kernel
def set_share(w: World, path: np.ndarray, clock: Clock) -> None:
    for f in range(w.money.rho.size):
        w.money.rho[f] = path[clock.month, 0]
