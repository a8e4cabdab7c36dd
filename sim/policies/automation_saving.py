"""Machines do routine administration, and posts are closed for it.

Claim     services.automation_saving <- path; posts are closed for the time it frees (services/workforce.py), the money
          stays in the account.
Evidence  assumed; M57 gives the direction.
Limits    As automation; what becomes of the saving: reinvestment_share.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="automation_saving",
    label="Administration automated, posts closed",
    section="How staff work",
    unit="share of routine administration",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Part of routine administration that machines do, with posts closed for the time they free.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.automation_saving", lever="automation_saving")
@kernel
def automate(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.automation_saving.size):
        w.services.automation_saving[s] = path[clock.month, s]
