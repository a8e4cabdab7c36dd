"""How many people each worker helps.

Claim     services.caseload <- path. Effects: services/hours.py (places, time), feedback/burnout.py,
          services/quality.py.
Evidence  E20 [CSWW]: children's social workers hold 16.0 cases, 16.9 in 2019. Range assumed.
Limits    The factor is the same for every worker of a service. Acute services take everybody who comes.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="caseload",
    label="Cases per worker",
    section="How staff work",
    unit="multiple of baseline",
    low=0.6,
    high=1.8,
    baseline=1.0,
    step=0.05,
    source="E20 [CSWW] for the level; range assumed",
    meaning="Number of cases for each worker. More cases reach more people, leave less time for each, and wear "
    "staff out.",
    aims=("service",),
    acts_on=("staffed", "not acute"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.caseload", lever="caseload")
@kernel
def allot(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.caseload.size):
        w.services.caseload[s] = path[clock.month, s]
