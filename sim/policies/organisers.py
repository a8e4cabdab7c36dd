"""Community organisers find leaders and bring people together.

Claim     rules.organisers <- path. Effects: networks/groups.py.
Evidence  M78: direction; size assumed.
Limits    Organisers bring about leaders, not contacts between people.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="organisers",
    label="Community organisers",
    section="Community",
    unit="per 10,000 people",
    low=0.0,
    high=5.0,
    baseline=0.0,
    step=0.5,
    source="assumed; M78: direction",
    meaning="Paid community organisers, with new money.",
    axis="neighbourhood",
    aims=("where",),
    pays="workers per 10,000",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.organisers", lever="organisers")
@kernel
def organise(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.organisers.size):
        w.rules.organisers[n] = path[clock.month, n]
