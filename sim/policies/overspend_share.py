"""What an acute overspend does: how much of it next year's prevention pays.

Claim     money.kappa[silo] <- path. What it does: feedback/overspend_recovery.py.
Evidence  D12 [PBE], D13 [DS9], D18 [IFS24]: direction; size assumed.
Limits    The same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="overspend_share",
    label="Part of an overspend that prevention pays",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.5,
    step=0.05,
    source="D12 [PBE], D13 [DS9], D18 [IFS24]: direction; size assumed",
    meaning="Part of an acute overspend that the same silo's prevention loses next year; "
    "the centre bails out the rest.",
    axis="place",
)


@mechanism(Phase.POLICY, NoParams, writes="money.kappa", lever="overspend_share")
@kernel
def set_share(w: World, path: np.ndarray, clock: Clock) -> None:
    for f in range(w.money.kappa.size):
        w.money.kappa[f] = path[clock.month, 0]
