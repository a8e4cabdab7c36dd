"""One key worker sees people through, so that nobody is lost between one service and the next.

Claim     rules.joined_up <- path: the share of hand-overs between services in which nobody is lost. Effects:
          people/help_seeking.py.
Evidence  F08 [TF]: one worker for a family cut care entries by a third; F21. The share of hand-overs reached: assumed.
Limits    The costs of joining up in the first year are not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="joined_up",
    label="Joined-up services with a key worker",
    section="Who gets in",
    unit="share of hand-overs",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; F08 [TF], F21 [KPMG]: direction",
    meaning="Share of hand-overs between services in which nobody is lost.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.joined_up", lever="joined_up")
@kernel
def join_up(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.joined_up.size):
        w.rules.joined_up[n] = path[clock.month, n]
