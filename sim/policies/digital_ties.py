"""Groups and friendships kept up online add to the ties that people have nearby.

Claim     rules.digital_ties <- path: online ties, as a number of ties to people nearby who are well
          (networks/support.py).
Evidence  assumed.
Limits    Everybody under 65 gains alike; of older people one in three gains.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="digital_ties",
    label="Social ties kept up online",
    section="Community",
    unit="ties per person",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Ties to people who are well that online groups and mutual help add for each person.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.digital_ties", lever="digital_ties")
@kernel
def connect(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.digital_ties.size):
        w.rules.digital_ties[n] = path[clock.month, n]
