"""Services that do not answer lose people's belief in them, slowly; those that listen gain it.

Claim     legitimacy[n] moves by 1 / slow of the way a month towards 1 + heard * voice - hurt * max(0, share refused -
          baseline's - margin), the share a mean over services but acute ones by their usual starts. On a person's
          birthday month trust <- trust + fade * 0.6 * (legitimacy - 1).
Evidence  M83, M41: direction. Sizes assumed: no row in the register.
Limits    Headed for 0.5 to 1.3 at the utmost. Acts through trust on asking alone; support for taxes and for public
          provision is not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, EMPTY_SLOT, REFERENCE_TRUST, TRUST_ONLY, World

LEAST, MOST = 0.5, 1.3
"""No legitimacy lies beyond."""


class Legitimacy(Params):
    """How belief in services is won and lost."""

    slow: float = number(60.0, low=24.0, high=120.0, unit="months", source="assumed", meaning="time until it follows")
    heard: float = share(
        0.1, low=0.0, high=0.25, source="assumed; M42: direction", meaning="gained if residents are heard on all"
    )
    hurt: float = number(
        0.8,
        low=0.0,
        high=2.0,
        unit="per share of requests",
        source="assumed; M83: direction",
        meaning="lost if everybody were refused who was not before",
    )
    margin: float = share(0.06, low=0.02, high=0.15, source="assumed", meaning="rise in refusals that nobody notices")
    fade: float = share(
        0.25, low=0.1, high=0.6, source="assumed; as trust", meaning="part of the distance that trust covers in a year"
    )


@kernel
def refused_more(w: World) -> float:
    """How much larger than at baseline the refused share is, over services by what they turn round."""
    services = w.services
    more, weight = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE:
            size = services.base_places[s] * services.flow[s]
            more += size * (services.refused[s] - services.refused_base[s])
            weight += size
    return more / weight if weight > 0.0 else 0.0


@mechanism(
    Phase.ACCOUNTS,
    Legitimacy,
    reads="services.refused services.refused_base services.base_places services.flow services.tier places.legitimacy "
    "rules.voice",
    writes="places.legitimacy",
)
@kernel
def answer(w: World, p: Legitimacy, clock: Clock) -> None:
    legitimacy = w.places.legitimacy
    lost = p.hurt * max(0.0, refused_more(w) - p.margin)
    for n in range(legitimacy.size):
        target = min(MOST, max(LEAST, 1.0 + p.heard * w.rules.voice[n] - lost))
        legitimacy[n] += (target - legitimacy[n]) / p.slow


@mechanism(
    Phase.MEMORY,
    Legitimacy,
    reads="people.age people.neighbourhood people.trust places.legitimacy places.first",
    writes="people.trust people.changed",
    name="belief",
    after="resilience trust",
    by_part=True,
)
@kernel
def believe(w: World, p: Legitimacy, clock: Clock) -> None:
    people = w.people
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        moved = p.fade * REFERENCE_TRUST * (w.places.legitimacy[n] - 1.0)
        if -1e-9 < moved < 1e-9:
            continue
        first, last = np.int64(w.places.first[n]), np.int64(w.places.first[n + 1])
        start = first + (clock.month - first) % 12
        for i in range(start, last, 12):
            if people.age[i] != EMPTY_SLOT:
                people.trust[i] = np.float32(min(1.0, max(0.0, people.trust[i] + moved)))
                people.changed[i] |= np.uint8(TRUST_ONLY)
