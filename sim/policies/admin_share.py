"""How much recording and reporting is asked of staff.

Claim     services.admin_share <- path; administration is the catalogue's share times it (services/hours.py).
Evidence  E21 [CCN]: half of social workers' time; direct work could go from 20 to 45 %.
Limits    Nothing is lost with what is not recorded.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="admin_share",
    label="Administration asked of staff",
    section="How staff work",
    unit="multiple of baseline",
    low=0.5,
    high=1.3,
    baseline=1.0,
    step=0.05,
    source="E21 [CCN]: recording could fall from 50 to some 25 % of time",
    meaning="Multiplies the share of working time that recording and administration take.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.admin_share", lever="admin_share")
@kernel
def ask(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.admin_share.size):
        w.services.admin_share[s] = path[clock.month, s]
