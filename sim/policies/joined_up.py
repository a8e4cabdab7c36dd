"""One worker for a whole life: nobody is lost on the way from one service to the next.

Claim     rules.joined_up <- path: the part of hand-overs between services in which nobody gets lost. What it does:
          people/help_seeking.py.
Evidence  F08 [TF]: one worker for a family cut care entries by a third; F21. How far hand-overs go: assumed.
Limits    Says nothing of what joining up costs in the first year.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="joined_up",
    label="Joined-up services, a key worker",
    section="Who gets in",
    unit="share of hand-overs",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; F08 [TF], F21 [KPMG]: direction",
    meaning="Part of the hand-overs between services in which nobody gets lost.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.joined_up", lever="joined_up")
@kernel
def join_up(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.joined_up.size):
        w.rules.joined_up[n] = path[clock.month, n]
