"""People in a crisis have another place to go, such as a sanctuary staffed by people with experience of crises.

Claim     rules.alternatives <- path: of the crises of a service that has an alternative, the share that the alternative
          takes (services/acute.py). The scar of such a crisis: the alternative's catalogue file.
Evidence  assumed; B19 [MHcop]: 42 % of police detentions begin in A&E for want of a better place.
Limits    The model ignores the alternative's places and opening hours.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="crisis_alternatives",
    label="Crises met by an alternative service",
    section="Who gets in",
    unit="share of crises",
    low=0.0,
    high=0.6,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of crises that an alternative, such as a crisis sanctuary, takes instead of the usual service.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.alternatives", lever="crisis_alternatives")
@kernel
def open_another_door(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.alternatives.size):
        w.rules.alternatives[n] = path[clock.month, n]
