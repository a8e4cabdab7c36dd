"""Link workers refer people to groups, and the room in groups is limited.

Claim     Room = holds * max(least_energy, mean energy of the place's groups), in units of baseline clients. Places of
          community services that help people individually (link workers) <- min(places, base_places * room * squeeze).
          Fullness = clients / (base_places * room); above 1 it strains the groups (networks/groups.py).
Evidence  C12: a link worker sends 200 to 250 people a year. holds: assumed. F18: gains only for people seen often.
Limits    One room for the entire place.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import COMMUNITY
from sim.state.world import World


class SocialPrescribing(Params):
    """The room in groups."""

    holds: float = number(
        1.4,
        low=1.1,
        high=2.5,
        unit="multiple",
        source="assumed",
        meaning="clients that groups have room for, over those of the baseline",
    )
    squeeze: float = number(
        1.1, low=1.0, high=1.5, unit="multiple", source="assumed", meaning="clients accepted, over the room in groups"
    )
    least_energy: float = number(
        0.05,
        low=0.01,
        high=0.2,
        unit="1 = baseline",
        source="assumed",
        meaning="energy of groups below which their room shrinks no further",
    )


@kernel
def room_of(w: World, p: SocialPrescribing) -> float:
    """Clients that the place's groups have room for, over those of the baseline."""
    total = 0.0
    for n in range(w.places.energy.size):
        total += w.places.energy[n]
    return p.holds * max(p.least_energy, total / w.places.energy.size)


@mechanism(
    Phase.WORKFORCE,
    SocialPrescribing,
    reads="services.tier services.base_places services.places places.energy",
    writes="services.places",
    name="groups_room",
    after="hours",
)
@kernel
def limit_places(w: World, p: SocialPrescribing, clock: Clock) -> None:
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
def measure_fullness(w: World, p: SocialPrescribing, clock: Clock) -> None:
    services = w.services
    clients, places = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY and services.base_places[s] > 0.0:
            clients += services.helped[s]
            places += services.base_places[s]
    w.places.fullness[0] = clients / places / room_of(w, p) if places > 0.0 else 0.0
