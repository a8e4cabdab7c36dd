"""Community catalysts help people to set up small care enterprises.

Claim     rules.micro_enterprise <- path. Effects: networks/micro_enterprises.py.
Evidence  M88: direction; size assumed.
Limits    The number is the same for the whole place.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="micro_enterprise",
    label="Community catalysts for micro-enterprises",
    section="Community",
    unit="per 100,000 people",
    low=0.0,
    high=5.0,
    baseline=0.0,
    step=0.5,
    source="assumed; M88 (Community Catalysts): direction",
    meaning="Workers who find, encourage and support local people who offer home help.",
    axis="place",
    pays="workers per 100,000",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.micro_enterprise", lever="micro_enterprise")
@kernel
def catalyse(w: World, path: np.ndarray, clock: Clock) -> None:
    w.rules.micro_enterprise[0] = path[clock.month, 0]
