"""Services accept some of the requests that they turned away at baseline.

Claim     refused[s] <- max(0, refused[s] - path * refused_base[s]) each month. refused[s] is set again each month,
          from refused_base[s], before policies change it (services/budget_lines.py): the effect does not accumulate.
Evidence  assumed.
Limits    The assessor needs no time for the second look.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="second_look",
    label="Second look at refused requests",
    section="Who gets in",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed",
    meaning="Part of the requests turned away at baseline that services accept.",
    aims=("service",),
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="services.refused services.refused_base",
    writes="services.refused",
    after="threshold",
    lever="second_look",
)
@kernel
def accept(w: World, path: np.ndarray, clock: Clock) -> None:
    services = w.services
    for s in range(services.refused.size):
        services.refused[s] = max(0.0, services.refused[s] - path[clock.month, s] * services.refused_base[s])
