"""Over how many organisations the same work is spread.

Claim     services.providers <- path. Hand-overs take time (services/hours.py) and part people from workers
          (services/quality.py).
Evidence  assumed; M18, M52 give the direction.
Limits    Providers do not differ from one another, and nobody chooses between them.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="provider_fragmentation",
    label="Organisations sharing the work",
    section="Who decides",
    unit="multiple of baseline",
    low=0.5,
    high=3.0,
    baseline=1.0,
    step=0.25,
    source="assumed",
    meaning="Multiplies the number of organisations between which the work is divided.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.providers", lever="provider_fragmentation")
@kernel
def divide(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.providers.size):
        w.services.providers[s] = path[clock.month, s]
