"""How much of an acute overspend is paid out of next year's prevention.

Claim     money.kappa[silo] <- path. Effects: feedback/overspend_recovery.py.
Evidence  D12 [PBE], D13 [DS9], D18 [IFS24]: direction; size assumed.
Limits    The share is the same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="overspend_share",
    label="Share of overspends paid by prevention",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.5,
    baseline_range=(0.0, 1.0),
    baseline_source="assumed: equal to reinvestment_share, so that chance alone neither starves nor feeds prevention",
    step=0.05,
    source="D12 [PBE], D13 [DS9], D18 [IFS24]: direction; size assumed",
    meaning="Share of an acute overspend that the same budget holder's prevention loses next year. The centre "
    "pays the rest.",
    axis="place",
    acts="year end",
)


@mechanism(Phase.POLICY, NoParams, writes="money.kappa", lever="overspend_share")
@kernel
def set_share(w: World, path: np.ndarray, clock: Clock) -> None:
    for f in range(w.money.kappa.size):
        w.money.kappa[f] = path[clock.month, 0]
