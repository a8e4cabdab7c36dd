"""A service has so many places; those who wait for one are drawn, serious need with better odds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.mesa_model import dice
from sim.mesa_model.aims import group_of, is_split, offers, parts, whole_offer
from sim.mesa_model.bookkeeping import SERIOUS, set_help
from sim.mesa_model.dice import rounded
from sim.mesa_model.month import step
from sim.mesa_model.people import Person, Service
from sim.services.waiting import Waiting
from sim.state import ACUTE

if TYPE_CHECKING:
    from sim.mesa_model.town import MesaModel

LONGEST, FINE = 1e9, 2.0**30
"""Keys of the lottery are whole numbers: the largest before it is made fine, and how fine."""


@step("waiting")
def waiting(town: MesaModel, p: Waiting) -> None:
    """Each service fills its free places from its queue; where too many wait, by lot."""
    for service in town.services:
        if service.tier == ACUTE:
            continue
        if is_split(town, service):
            close(town, service)
    free = {service: room(town, service) for service in town.services if service.tier != ACUTE and service.queue > 0}
    for d in town.domains:
        for service in town.services:
            if service.domain == d and service in free and sum(free[service]) > 0:
                draw(town, p, service, free[service])


def room(town: MesaModel, service: Service) -> list[int]:
    """How many more people a service can take, of all; of each group, if it offers groups different parts."""
    if is_split(town, service):
        return rooms(town, service)
    u = dice.uniform(town.key("rounding of places"), service.number)
    return [max(0, math.floor(service.places + u) - service.helped)]


def draw(town: MesaModel, p: Waiting, service: Service, free: list[int]) -> None:
    """A lottery without replacement: the smallest keys begin, group by group where the places are the groups' own."""
    d, split = service.domain, is_split(town, service)
    key = town.key("whose turn", d)
    wait = [person for person in town.people if person.waits_for(d) is service]
    turn = {person: turn_of(p, person, d, dice.uniform(key, person.number)) for person in wait}
    left = list(free)
    for person in sorted(wait, key=lambda one: turn[one]):
        g = group_of(town, person) if split else 0
        if left[g] > 0:
            left[g] -= 1
            begin(town, p, person, service)


def turn_of(p: Waiting, person: Person, d: int, u: float) -> int:
    """Somebody's key in the lottery: a waiting time of an exponential race, as a whole number."""
    weight = person.neighbourhood.weight * (p.urgency if person.level[d] == SERIOUS else 1.0)
    return int(min(LONGEST, -math.log(u) / max(1e-6, weight)) * FINE)


def begin(town: MesaModel, p: Waiting, person: Person, service: Service) -> None:
    """Help begins. Trust gains where the service knows people and fits them, and may lose where it does not."""
    set_help(town, person, service.domain, 1 + service.number)
    relation = service.continuity / service.providers**0.1 * service.fit
    gain = p.known * (1.0 + p.bond * (relation - 1.0))
    person.trust = rounded(min(1.0, max(0.0, person.trust + gain)))


# Where policies are for some people only, each group has its own part of the places.


def close(town: MesaModel, service: Service) -> None:
    """End the help, and the waiting, of those whom a service no longer serves at all."""
    d, offered = service.domain, offers(town, service)
    for person in town.people:
        if offered[group_of(town, person)] > 0.0:
            continue
        if person.waits_for(d) is service:
            town.counts.gave_up[service.number][person.quintile] += 1
            set_help(town, person, d, 0)
        elif person.helper(d) is service:
            set_help(town, person, d, 0)


def rooms(town: MesaModel, service: Service) -> list[int]:
    """How many more of each group a service can take: its part of the places, less those helped now.

    Parts change as posts do, which follow the money slowly.
    """
    whole, offered = whole_offer(town, service), offers(town, service)
    come = 1.0
    if service.base_budget > 0.0 and service.plan > 0.0 and abs(whole - 1.0) > 1e-6:
        common = service.plan / service.base_budget / whole
        come = min(1.0, max(0.0, (service.posts / common - 1.0) / (whole - 1.0)))
    held = [part * (1.0 + come * (offer - 1.0)) for part, offer in zip(parts(town, service), offered, strict=True)]
    total = sum(held)
    helped = [0 for _ in held]
    for person in town.people:
        if person.helper(service.domain) is service:
            helped[group_of(town, person)] += 1
    free = [0 for _ in held]
    for g, mine in enumerate(held):
        if offered[g] > 0.0 and total > 0.0:
            u = dice.uniform(town.key("rounding of places"), len(town.services) * (g + 1) + service.number)
            free[g] = max(0, math.floor(service.places * mine / total + u) - helped[g])
    return free
