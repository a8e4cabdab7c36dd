"""Decisions on what a neighbourhood is offered are taken in the neighbourhood.

Claim     rules.devolution <- path. Effects: networks/local_fit.py.
Evidence  M43, M80: direction; size assumed.
Limits    No money moves between places.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="devolution",
    label="Devolution",
    section="Who decides",
    unit="share of decisions",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M43, M80: direction",
    meaning="Share of the decisions on what is offered that is taken in the neighbourhood.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.devolution", lever="devolution")
@kernel
def devolve(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.devolution.size):
        w.rules.devolution[n] = path[clock.month, n]
