"""How far services respond to feedback from the people they help.

Claim     services.feedback <- path. It takes time (services/hours.py), help fits better (services/quality.py), and
          places learn (services/practice.py).
Evidence  assumed; M15, M34, M94 give the direction.
Limits    All feedback counts alike. People who stay away give none.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="user_feedback",
    label="Weight of feedback from people helped",
    section="Who decides",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="How far the ratings of the people helped decide what is done.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.feedback", lever="user_feedback")
@kernel
def listen(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.feedback.size):
        w.services.feedback[s] = path[clock.month, s]
