"""Software does routine administration, and staff spend the time saved on the people they help.

Claim     services.automation <- path. Time saved: services/hours.py. Cost: services/workforce.py.
Evidence  assumed; M57 gives the direction.
Limits    Automation makes no mistakes and excludes nobody in the model.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="automation",
    label="Automated administration, time kept for people",
    section="How staff work",
    unit="share of routine administration",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of routine administration that is automated. Staff spend the time saved on the people they help.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.automation", lever="automation")
@kernel
def automate(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.automation.size):
        w.services.automation[s] = path[clock.month, s]
