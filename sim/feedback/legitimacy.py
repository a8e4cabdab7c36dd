"""Services that do not respond slowly lose people's belief in them; services that listen slowly gain it.

Claim     legitimacy[n] moves by 1 / slow of the way a month towards clip(1 + heard * voice - hurt * max(0, share
          refused - baseline's - margin), lowest, highest). The share refused is a mean over services except acute ones,
          weighted by their starts a month at baseline. On a person's birthday month trust <- trust + fade * 0.6 *
          (legitimacy - 1), within 0 to 1.
Evidence  M83, M41: direction. Sizes assumed: no row in the register.
Limits    Legitimacy acts only through trust, on asking for help. Support for taxes and for public provision is not
          modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE, EMPTY_SLOT, REFERENCE_TRUST, TRUST_ONLY
from sim.state.world import World


class Legitimacy(Params):
    """How belief in services rises and falls."""

    slow: float = number(
        60.0, low=24.0, high=120.0, unit="months", source="assumed", meaning="time for belief to follow its causes"
    )
    heard: float = share(
        0.1,
        low=0.0,
        high=0.25,
        source="assumed; M42: direction",
        meaning="belief gained if residents are heard on all decisions",
    )
    hurt: float = number(
        0.8,
        low=0.0,
        high=2.0,
        unit="per share of requests",
        source="assumed; M83: direction",
        meaning="belief lost if every request were refused that was not before",
    )
    margin: float = share(
        0.06, low=0.02, high=0.15, source="assumed", meaning="rise in the share refused that has no effect"
    )
    fade: float = share(
        0.25, low=0.1, high=0.6, source="assumed; as trust", meaning="part of the distance that trust covers in a year"
    )
    lowest: float = number(
        0.5, low=0.2, high=0.8, unit="1 = baseline", source="assumed", meaning="lowest level that belief moves towards"
    )
    highest: float = number(
        1.3, low=1.1, high=2.0, unit="1 = baseline", source="assumed", meaning="highest level that belief moves towards"
    )


@kernel
def refused_more(w: World) -> float:
    """Rise of the share refused above the baseline: a mean over services, weighted by their starts a month."""
    services = w.services
    rise, weight = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE:
            size = services.base_places[s] * services.flow[s]
            rise += size * (services.refused[s] - services.refused_base[s])
            weight += size
    return rise / weight if weight > 0.0 else 0.0


@mechanism(
    Phase.ACCOUNTS,
    Legitimacy,
    reads="services.refused services.refused_base services.base_places services.flow services.tier places.legitimacy "
    "rules.voice",
    writes="places.legitimacy",
)
@kernel
def update_legitimacy(w: World, p: Legitimacy, clock: Clock) -> None:
    legitimacy = w.places.legitimacy
    lost = p.hurt * max(0.0, refused_more(w) - p.margin)
    for n in range(legitimacy.size):
        target = min(p.highest, max(p.lowest, 1.0 + p.heard * w.rules.voice[n] - lost))
        legitimacy[n] += (target - legitimacy[n]) / p.slow


@mechanism(
    Phase.MEMORY,
    Legitimacy,
    reads="people.age people.trust places.legitimacy places.first",
    writes="people.trust people.changed",
    name="belief",
    after="resilience trust",
    by_part=True,
)
@kernel
def update_trust(w: World, p: Legitimacy, clock: Clock) -> None:
    people = w.people
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        step = p.fade * REFERENCE_TRUST * (w.places.legitimacy[n] - 1.0)
        if -1e-9 < step < 1e-9:
            continue
        first, last = np.int64(w.places.first[n]), np.int64(w.places.first[n + 1])
        start = first + (clock.month - first) % 12
        for i in range(start, last, 12):
            if people.age[i] != EMPTY_SLOT:
                people.trust[i] = np.float32(min(1.0, max(0.0, people.trust[i] + step)))
                people.changed[i] |= np.uint8(TRUST_ONLY)
