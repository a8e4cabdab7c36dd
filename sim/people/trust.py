"""Trust in services drifts back to where it usually is; bad and good experience wear off.

Claim     On a person's birthday month: trust <- trust + (0.6 - trust) * fade; a failed request is no longer counted as
          such; somebody without any need whom outreach approached by mistake loses `false_alarm` * 12 * outreach.
Evidence  assumed. Direction: A14-A17 show that ties and belonging change slowly.
Limits    One trust for all services. What moves it at once stands in help_seeking.py and services/waiting.py.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, share
from sim.state.tables import EMPTY_SLOT, REFERENCE_TRUST, World
from sim.state.updates import birthday_slots


class Trust(Params):
    """How fast trust returns."""

    fade: float = share(0.25, low=0.1, high=0.6, source="assumed", meaning="part of the distance covered in a year")
    false_alarm: float = share(
        0.1, low=0.0, high=0.3, source="assumed", meaning="trust lost when somebody who needs nothing is singled out"
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
def drift(w: World, p: Trust, clock: Clock) -> None:
    people = w.people
    first, last = birthday_slots(w, clock.month)
    for i in range(first, last, 12):
        if people.age[i] != EMPTY_SLOT:
            trust = people.trust[i] + (REFERENCE_TRUST - people.trust[i]) * p.fade
            if people.worst[i] == 0:
                trust -= p.false_alarm * min(1.0, 12.0 * w.places.outreach[people.neighbourhood[i]])
            people.trust[i] = np.float32(max(0.0, trust))
            people.refused[i] = 0
