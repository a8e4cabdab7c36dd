"""How far services answer to what the people they help say of them.

Claim     services.feedback <- path. It takes time (services/hours.py), help fits better (services/quality.py), places
          learn (services/practice.py).
Evidence  assumed; M15, M34, M94 give the direction.
Limits    Everybody's word counts alike; those who stay away say nothing.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="user_feedback",
    label="Weight of what people helped say",
    section="Who decides",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="How far the ratings of those helped decide what is done.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.feedback", lever="user_feedback")
@kernel
def listen(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.feedback.size):
        w.services.feedback[s] = path[clock.month, s]
