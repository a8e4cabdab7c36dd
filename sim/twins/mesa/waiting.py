"""A service has so many places; those who wait for one are drawn, serious need with better odds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.services.waiting import Waiting
from sim.state.tables import ACUTE
from sim.twins.mesa import rng
from sim.twins.mesa.aims import group_of, is_split, offers, parts, whole_offer
from sim.twins.mesa.bookkeeping import SERIOUS, set_help
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

LONGEST, FINE = 1e9, 2.0**30
"""Keys of the lottery are whole numbers: the largest before it is made fine, and how fine."""
LAST = 2**63 - 1
"""A key after all others."""


@step("queue_allocation")
def lottery(town: MesaModel, p: Waiting) -> None:
    """Each service counts its free places, and says how far down its queue it can call."""
    for service in town.services:
        if service.tier != ACUTE and is_split(town, service):
            close(town, service)
    for service in town.services:
        groups = len(service.called)
        free = room(town, service) if service.tier != ACUTE and service.queue > 0 else []
        service.called = free + [0] * (groups - len(free))
        service.last_row = [0] * groups
        draw(town, p, service)


def room(town: MesaModel, service: ServiceAgent) -> list[int]:
    """How many more people a service can take, of all; of each group, if it offers groups different parts."""
    if is_split(town, service):
        return rooms(town, service)
    u = rng.uniform(town.key("rounding of places"), service.number)
    return [max(0, math.floor(service.places + u) - service.helped)]


def draw(town: MesaModel, p: Waiting, service: ServiceAgent) -> None:
    """A lottery without replacement: the smallest keys are called, group by group where the places are the groups' own.
    Noted is who, in order of keys and slots, would be called next."""
    left, last = list(service.called), [LAST if many > 0 else 0 for many in service.called]
    service.last_turn = list(last)
    for turn, number in sorted((turn_of(town, p, one, service), one.number) for one in waiting_for(town, service)):
        g = group_in(town, town.people[number], service)
        if left[g] > 0:
            left[g] -= 1
            last[g] = turn
        elif service.last_turn[g] == LAST:  # the first who is not called
            alike = turn == last[g]
            service.last_turn[g], service.last_row[g] = (turn, number) if alike else (last[g] + 1, 0)


@step("waiting")
def waiting(town: MesaModel, p: Waiting) -> None:
    """The help of those who are called begins."""
    for d in town.domains:
        for service in town.services:
            if service.domain == d:
                for person in waiting_for(town, service):
                    g = group_in(town, person, service)
                    last = service.last_turn[g], service.last_row[g]
                    if (turn_of(town, p, person, service), person.number) < last:
                        begin(town, p, person, service)


def waiting_for(town: MesaModel, service: ServiceAgent) -> list[PersonAgent]:
    """Who waits for a service."""
    return [person for person in town.people if person.waits_for(service.domain) is service]


def group_in(town: MesaModel, person: PersonAgent, service: ServiceAgent) -> int:
    """In which lottery of a service somebody takes part."""
    return group_of(town, person) if is_split(town, service) else 0


def turn_of(town: MesaModel, p: Waiting, person: PersonAgent, service: ServiceAgent) -> int:
    """Somebody's key in the lottery: a waiting time of an exponential race, as a whole number."""
    d = service.domain
    u = rng.uniform(town.key("whose turn", d), person.number)
    weight = person.neighbourhood.weight * (p.urgency if person.level[d] == SERIOUS else 1.0)
    return int(min(LONGEST, -math.log(u) / max(1e-6, weight)) * FINE)


def begin(town: MesaModel, p: Waiting, person: PersonAgent, service: ServiceAgent) -> None:
    """Help begins. Trust gains where the service knows people and fits them, and may lose where it does not."""
    set_help(town, person, service.domain, 1 + service.number)
    relation = service.continuity / service.providers**0.1 * service.fit
    gain = p.known * (1.0 + p.bond * (relation - 1.0))
    person.trust = rounded(min(1.0, max(0.0, person.trust + gain)))


# Where policies are for some people only, each group has its own part of the places.


def close(town: MesaModel, service: ServiceAgent) -> None:
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


def rooms(town: MesaModel, service: ServiceAgent) -> list[int]:
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
            u = rng.uniform(town.key("rounding of places"), len(town.services) * (g + 1) + service.number)
            free[g] = max(0, math.floor(service.places * mine / total + u) - helped[g])
    return free
