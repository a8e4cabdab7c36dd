"""How many people are available for vacant posts.

Claim     services.hiring_inflow <- path. It multiplies hires (services/workforce.py).
Evidence  assumed; M12 gives the direction: a closed inflow, for example through migration rules, shows as vacancies.
Limits    People who come through a larger inflow stay as long as others do.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="hiring_inflow",
    label="People available for vacant posts",
    section="How staff work",
    unit="multiple of baseline",
    low=0.4,
    high=1.5,
    baseline=1.0,
    step=0.05,
    source="assumed",
    meaning="Multiplies the number of people who can be hired in a month.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.hiring_inflow", lever="hiring_inflow")
@kernel
def recruit(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.hiring_inflow.size):
        w.services.hiring_inflow[s] = path[clock.month, s]
