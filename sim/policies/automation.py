"""Machines do routine administration, and the time they free is kept for people.

Claim     services.automation <- path. What it frees and costs: services/hours.py, services/workforce.py.
Evidence  assumed; M57 gives the direction.
Limits    Machines make no mistakes and exclude nobody here.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="automation",
    label="Administration automated, time kept for people",
    section="How staff work",
    unit="share of routine administration",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Part of routine administration that machines do; staff have the time for the people they help.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.automation", lever="automation")
@kernel
def automate(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.automation.size):
        w.services.automation[s] = path[clock.month, s]
