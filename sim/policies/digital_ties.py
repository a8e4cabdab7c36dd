"""Groups and friendships kept up online, on top of those next door.

Claim     rules.digital_ties <- path: ties worth as much as so many well ones next door (networks/support.py).
Evidence  assumed.
Limits    Everybody under 65 alike; one in three older people.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="digital_ties",
    label="Ties kept up online",
    section="Community",
    unit="ties a person",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Well ties added to everybody's by online groups and mutual help.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.digital_ties", lever="digital_ties")
@kernel
def connect(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.digital_ties.size):
        w.rules.digital_ties[n] = path[clock.month, n]
