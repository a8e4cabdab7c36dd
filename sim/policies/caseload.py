"""How many people each worker helps: more of them, or more time for each.

Claim     services.caseload <- path. What it does: services/hours.py (places, time), feedback/burnout.py,
          services/quality.py.
Evidence  E20 [CSWW]: children's social workers hold 16.0 cases, 16.9 in 2019. Range assumed.
Limits    The same factor for every worker of a service. Acute services take who comes.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

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
    meaning="Cases a worker is given: more reach more people with less time for each, and wear staff out.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.caseload", lever="caseload")
@kernel
def allot(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.caseload.size):
        w.services.caseload[s] = path[clock.month, s]
