"""Link workers send people to groups, and groups have only so much room.

Claim     Room = holds * mean energy of the place's groups, in units of baseline clients. Places of community services
          that help people one by one (link workers) <- min(places, base_places * room * squeeze). Fullness = clients /
          (base_places * room); above 1 it tires the groups (networks/groups.py).
Evidence  C12: a link worker sends 200 to 250 people a year. holds: assumed. F18: gains only for people seen often.
Limits    One room for the whole place.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.tables import COMMUNITY, World


class SocialPrescribing(Params):
    """What groups hold."""

    holds: float = number(
        1.4,
        low=1.1,
        high=2.5,
        unit="multiple",
        source="assumed",
        meaning="baseline's clients that groups have room for",
    )
    squeeze: float = number(
        1.1, low=1.0, high=1.5, unit="multiple", source="assumed", meaning="clients that are squeezed in beyond that"
    )


@kernel
def room_of(w: World, p: SocialPrescribing) -> float:
    """How many times the baseline's clients the place's groups can take."""
    total = 0.0
    for n in range(w.places.energy.size):
        total += w.places.energy[n]
    return p.holds * max(0.05, total / w.places.energy.size)


@mechanism(
    Phase.WORKFORCE,
    SocialPrescribing,
    reads="services.tier services.base_places services.places places.energy",
    writes="services.places",
    name="groups_room",
    after="hours",
)
@kernel
def limit(w: World, p: SocialPrescribing, clock: Clock) -> None:
    services = w.services
    room = room_of(w, p) * p.squeeze
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY:
            services.places[s] = min(services.places[s], services.base_places[s] * room)


@mechanism(
    Phase.COMMUNITY,
    SocialPrescribing,
    reads="services.tier services.base_places services.helped places.energy",
    writes="places.fullness",
    after="leaders",
)
@kernel
def tire(w: World, p: SocialPrescribing, clock: Clock) -> None:
    services = w.services
    sent, usual = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY and services.base_places[s] > 0.0:
            sent += services.helped[s]
            usual += services.base_places[s]
    w.places.fullness[0] = sent / usual / room_of(w, p) if usual > 0.0 else 0.0
