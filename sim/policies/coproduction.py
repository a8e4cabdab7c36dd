"""People have a say in the help they get, through personal budgets and plans.

Claim     services.coproduction <- path. Uptake: services/coproduction_uptake.py. Effects: services/quality.py,
          services/hours.py.
Evidence  assumed; M21, M58, M60, M73, M90 give the direction.
Limits    Money paid out in personal budgets stays within the service.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="coproduction",
    label="Help planned with people",
    section="How staff work",
    unit="share of people helped",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of people helped who are offered a personal budget or a plan of their own.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.coproduction", lever="coproduction")
@kernel
def offer(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.coproduction.size):
        w.services.coproduction[s] = path[clock.month, s]
