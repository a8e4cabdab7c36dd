"""Neighbourhood teams learn from one another: meetings, visits, evidence selected and passed on.

Claim     places.spine <- path. Meetings and what is taken over, rightly or wrongly: services/practice.py.
Evidence  assumed; M34, M69, M79 give the direction.
Limits    The network costs nothing, and has no effect where practice is the same everywhere.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="learning_network",
    label="Exchange between neighbourhoods",
    section="Who decides",
    unit="0 none beyond today's, 1 full",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="How far neighbourhood teams meet to take over good practice and to support people who lead.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="places.spine", lever="learning_network")
@kernel
def connect(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.places.spine.size):
        w.places.spine[n] = path[clock.month, n]
