"""Link workers send people to groups, and groups have only so much room.

Claim     Room = holds * mean energy of the place's groups, in units of baseline clients. Places of community services
          that help people one by one (link workers) <- min(places, base_places * room). Strain = max(0, posts / room
          - 1) tires the groups (networks/groups.py).
Evidence  C12: a link worker sends 200 to 250 people a year. holds: assumed. F18: gains only for people seen often.
Limits    One room for the whole place.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, number
from sim.state import COMMUNITY, World


class SocialPrescribing(Params):
    """What groups hold."""

    holds: float = number(
        1.6,
        low=1.3,
        high=3.0,
        unit="multiple",
        source="assumed",
        meaning="baseline's clients that groups have room for",
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
    room = room_of(w, p)
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY:
            services.places[s] = min(services.places[s], services.base_places[s] * room)


@mechanism(
    Phase.COMMUNITY,
    SocialPrescribing,
    reads="services.tier services.base_places services.posts places.energy",
    writes="places.strain",
    after="leaders",
)
@kernel
def tire(w: World, p: SocialPrescribing, clock: Clock) -> None:
    services = w.services
    sent, usual = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY:
            sent += services.base_places[s] * services.posts[s]
            usual += services.base_places[s]
    w.places.strain[0] = max(0.0, sent / usual / room_of(w, p) - 1.0) if usual > 0.0 else 0.0
