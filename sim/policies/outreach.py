"""Workers look for need before people ask for help; they find some of it, and are sometimes wrong.

Claim     places.outreach <- path: monthly probability that need without help is found and put forward
          (people/help_seeking.py). People without need who are singled out lose trust (people/trust.py).
Evidence  assumed. Direction: F08 [TF] protection plans, F01 age 1: finding raises recorded demand first.
Limits    The probability is the same for all domains. Outreach workers do not count as staff.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="outreach",
    label="Outreach",
    section="Who gets in",
    unit="per month",
    low=0.0,
    high=0.1,
    baseline=0.0,
    step=0.005,
    source="assumed",
    meaning="Monthly probability that need without help is found and put forward for help.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="places.outreach", lever="outreach")
@kernel
def look(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.places.outreach.size):
        w.places.outreach[n] = path[clock.month, n]
