"""Trust in services returns to its reference level year by year, as good and bad experience wears off.

Claim     On a person's birthday month: trust <- trust + (0.6 - trust) * fade. A failed request is no longer counted as
          such. A person without any need loses `false_alarm` * min(1, 12 * outreach), as outreach approaches some by
          mistake. Trust does not fall below 0.
Evidence  assumed. Direction: A14-A17 show that ties and belonging change slowly.
Limits    One trust for all services. The events that move trust at once are in help_seeking.py and services/waiting.py.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, share
from sim.state.codes import EMPTY_SLOT, REFERENCE_TRUST
from sim.state.updates import birthday_slots
from sim.state.world import World


class Trust(Params):
    """How fast trust returns to its reference level."""

    fade: float = share(
        0.25,
        low=0.1,
        high=0.6,
        source="assumed",
        meaning="part of the distance to the reference level covered in a year",
    )
    false_alarm: float = share(
        0.1, low=0.0, high=0.3, source="assumed", meaning="trust lost when outreach approaches a person without needs"
    )


@mechanism(
    Phase.MEMORY,
    Trust,
    reads="people.age people.worst people.neighbourhood places.outreach",
    writes="people.trust people.refused",
    after="resilience",
    by_part=True,
)
@kernel
def update_trust(w: World, p: Trust, clock: Clock) -> None:
    people = w.people
    first, last = birthday_slots(w, clock.month)
    for i in range(first, last, 12):
        if people.age[i] != EMPTY_SLOT:
            trust = people.trust[i] + (REFERENCE_TRUST - people.trust[i]) * p.fade
            if people.worst[i] == 0:
                trust -= p.false_alarm * min(1.0, 12.0 * w.places.outreach[people.neighbourhood[i]])
            people.trust[i] = np.float32(max(0.0, trust))
            people.refused[i] = 0
