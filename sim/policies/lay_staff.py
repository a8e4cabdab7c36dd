"""Lay helpers work with paid staff: neighbours, parents, people who were helped before.

Claim     services.lay_staff <- path. Recruiting: services/lay_helpers.py. Effects: services/hours.py,
          services/quality.py.
Evidence  A18 [CLS18] for how many there are; the rest assumed. M33, M55, M56 give the direction.
Limits    Helpers are unpaid; recruiting and supervising them costs money and time.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="lay_staff",
    label="Lay helpers per paid worker",
    section="How staff work",
    unit="helpers per paid worker",
    low=0.0,
    high=3.0,
    baseline=0.0,
    step=0.1,
    source="assumed; A18 [CLS18]",
    meaning="Lay helpers wanted for each paid worker, each for a few hours a week.",
    aims=("service",),
    acts_on=("helps by name",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.lay_staff", lever="lay_staff")
@kernel
def invite(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.lay_staff.size):
        w.services.lay_staff[s] = path[clock.month, s]
