"""In a crisis, people close to the person are brought in and stay involved (open dialogue).

Claim     rules.network_crisis <- path: the share of crises met in this way. The scar is lighter by `network`
          (people/resilience.py).
Evidence  F22 [ODD]: a trial without published figures yet. Size: assumed.
Limits    All domains are treated alike.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

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
