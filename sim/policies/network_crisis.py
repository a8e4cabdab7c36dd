"""In a crisis the person's own people are brought in, and stay (open dialogue).

Claim     rules.network_crisis <- path: share of crises met that way; the scar is lighter by `network`
          (people/resilience.py).
Evidence  F22 [ODD]: a trial without published figures yet. Size: assumed.
Limits    All domains alike.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="network_crisis",
    label="Crises met with the person's own network",
    section="Who gets in",
    unit="share of crises",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; F22 [ODD]: no published size",
    meaning="Share of crises in which the person's own network is brought in.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.network_crisis", lever="network_crisis")
@kernel
def bring_in_network(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.network_crisis.size):
        w.rules.network_crisis[n] = path[clock.month, n]
