"""Somewhere else to go in a crisis: a sanctuary staffed by people who have been there.

Claim     rules.alternatives <- path: share of the crises of a service with an alternative that the alternative takes
          (services/acute.py); what the alternative leaves behind stands in its catalogue file.
Evidence  assumed; B19 [MHcop]: 42 % of police detentions begin in A&E for want of a better place.
Limits    Takes no account of places or opening hours.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="crisis_alternatives",
    label="Crises met by an alternative",
    section="Who gets in",
    unit="share of crises",
    low=0.0,
    high=0.6,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of crises that an alternative, such as a crisis sanctuary, takes over from the usual service.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.alternatives", lever="crisis_alternatives")
@kernel
def open_another_door(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.alternatives.size):
        w.rules.alternatives[n] = path[clock.month, n]
