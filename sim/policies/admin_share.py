"""How much recording and reporting staff must do.

Claim     services.admin_share <- path. Administration takes the catalogue's share of working time times this value
          (services/hours.py).
Evidence  E21 [CCN]: half of social workers' time; direct work could go from 20 to 45 %.
Limits    Recording less has no harmful effect in the model.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="admin_share",
    label="Administration required of staff",
    section="How staff work",
    unit="multiple of baseline",
    low=0.5,
    high=1.3,
    baseline=1.0,
    step=0.05,
    source="E21 [CCN]: recording could fall from 50 to some 25 % of time",
    meaning="Multiplies the share of working time that goes to recording and administration.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.admin_share", lever="admin_share")
@kernel
def ask(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.admin_share.size):
        w.services.admin_share[s] = path[clock.month, s]
