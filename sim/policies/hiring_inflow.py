"""How many people can be found for vacant posts.

Claim     services.hiring_inflow <- path; hires are multiplied by it (services/workforce.py).
Evidence  assumed; M12 gives the direction: an inflow that is shut, by migration rules for one, shows as vacancies.
Limits    Those who come stay as long as others do.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="hiring_inflow",
    label="People to be found for vacant posts",
    section="How staff work",
    unit="multiple of baseline",
    low=0.4,
    high=1.5,
    baseline=1.0,
    step=0.05,
    source="assumed",
    meaning="Multiplies the number of people who can be hired in a month.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.hiring_inflow", lever="hiring_inflow")
@kernel
def recruit(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.hiring_inflow.size):
        w.services.hiring_inflow[s] = path[clock.month, s]
