"""How far staff from abroad are made to feel at home.

Claim     services.belonging <- path. Staff from abroad leave more or less often (feedback/burnout.py).
Evidence  assumed; M12 gives the direction.
Limits    The scale is relative: 0.5 is today's. The share of staff from abroad is fixed.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="staff_inclusion",
    label="Welcome for staff from abroad",
    section="How staff work",
    unit="0 none, 0.5 today, 1 full",
    low=0.0,
    high=1.0,
    baseline=0.5,
    step=0.05,
    source="assumed; M12: direction",
    meaning="How far staff who came from abroad feel at home and stay.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.belonging", lever="staff_inclusion")
@kernel
def welcome(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.belonging.size):
        w.services.belonging[s] = path[clock.month, s]
