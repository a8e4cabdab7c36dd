"""Software does routine administration, and posts are closed for the time saved.

Claim     services.automation_saving <- path. Posts are closed for the time saved (services/workforce.py). The money
          stays in the account.
Evidence  assumed; M57 gives the direction.
Limits    As for automation. The use of the saving: reinvestment_share.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="automation_saving",
    label="Automated administration, posts closed",
    section="How staff work",
    unit="share of routine administration",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of routine administration that is automated. Posts are closed for the time saved.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.automation_saving", lever="automation_saving")
@kernel
def automate(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.automation_saving.size):
        w.services.automation_saving[s] = path[clock.month, s]
