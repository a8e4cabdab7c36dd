"""Allocation of a service's free places to the people in its queue, by draws in which serious need has more weight."""

from __future__ import annotations

import math

from sim.services.waiting import Waiting
from sim.state.codes import ACUTE
from sim.twins.mesa import rng
from sim.twins.mesa.aims import group_of, group_parts, is_split, offers, total_offer
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import SERIOUS, set_help

MAX_KEY, KEY_SCALE = 1e9, 2.0**30
"""Allocation keys are integers: the largest key before scaling, and the scale."""
NO_KEY = 2**63 - 1
"""A key after all possible keys."""


@step("queue_allocation")
def queue_allocation(town: Town, p: Waiting) -> None:
    """Each service counts its free places and sets the last position in its queue that it can call."""
    for service in town.services:
        if service.tier != ACUTE and is_split(town, service):
            end_closed_service(town, service)
    for service in town.services:
        groups = len(service.called)
        free = free_places(town, service) if service.tier != ACUTE and service.queue > 0 else []
        service.called = free + [0] * (groups - len(free))
        service.last_row = [0] * groups
        set_next_turns(town, p, service)


def free_places(town: Town, service: ServiceAgent) -> list[int]:
    """The number of free places of a service, or of each group if the service divides its places between groups."""
    if is_split(town, service):
        return free_places_by_group(town, service)
    u = rng.uniform(town.key("rounding of places"), service.number)
    return [max(0, math.floor(service.places + u) - service.helped)]


def set_next_turns(town: Town, p: Waiting, service: ServiceAgent) -> None:
    """Draw without replacement: the people with the smallest keys are called, in each group.

    The service stores the key and the slot of the first person who is not called.
    """
    remaining, last_key = list(service.called), [NO_KEY if many > 0 else 0 for many in service.called]
    service.last_turn = list(last_key)
    for key, number in sorted(
        (allocation_key(town, p, person, service), person.number) for person in queue_of(town, service)
    ):
        g = allocation_group(town, town.people[number], service)
        if remaining[g] > 0:
            remaining[g] -= 1
            last_key[g] = key
        elif service.last_turn[g] == NO_KEY:  # the first person who is not called
            tied = key == last_key[g]
            service.last_turn[g], service.last_row[g] = (key, number) if tied else (last_key[g] + 1, 0)


@step("waiting")
def waiting(town: Town, p: Waiting) -> None:
    """Help begins for the people who are called."""
    for d in town.domains:
        for service in town.services:
            if service.domain == d:
                for person in queue_of(town, service):
                    g = allocation_group(town, person, service)
                    last_key = service.last_turn[g], service.last_row[g]
                    if (allocation_key(town, p, person, service), person.number) < last_key:
                        start_help(town, p, person, service)


def queue_of(town: Town, service: ServiceAgent) -> list[PersonAgent]:
    """The people who wait for a service."""
    return [person for person in town.people if person.waits_for(service.domain) is service]


def allocation_group(town: Town, person: PersonAgent, service: ServiceAgent) -> int:
    """The group in which a person waits for a service; 0 if the service does not divide its places."""
    return group_of(town, person) if is_split(town, service) else 0


def allocation_key(town: Town, p: Waiting, person: PersonAgent, service: ServiceAgent) -> int:
    """A person's allocation key: a waiting time of an exponential race, as an integer."""
    d = service.domain
    u = rng.uniform(town.key("whose turn", d), person.number)
    weight = person.neighbourhood.weight * (p.urgency if person.level[d] == SERIOUS else 1.0)
    return int(min(MAX_KEY, -math.log(u) / max(1e-6, weight)) * KEY_SCALE)


def start_help(town: Town, p: Waiting, person: PersonAgent, service: ServiceAgent) -> None:
    """Start a person's help. Trust rises with the service's continuity and fit, and may fall if they are low."""
    set_help(town, person, service.domain, 1 + service.number)
    relation = service.continuity / service.divided * service.fit
    gain = p.known * (1.0 + p.bond * (relation - 1.0))
    person.trust = rounded(min(1.0, max(0.0, person.trust + gain)))


# If policies are for some people only, each group has its own part of the places.


def end_closed_service(town: Town, service: ServiceAgent) -> None:
    """End the help, and the waiting, of groups to which a service offers nothing."""
    d, group_offers = service.domain, offers(town, service)
    for person in town.people:
        if group_offers[group_of(town, person)] > 0.0:
            continue
        if person.waits_for(d) is service:
            town.counts.gave_up[service.number][person.quintile] += 1
            set_help(town, person, d, 0)
        elif person.helper(d) is service:
            set_help(town, person, d, 0)


def free_places_by_group(town: Town, service: ServiceAgent) -> list[int]:
    """The number of free places of each group: its part of the places, less the people helped now.

    Parts change with posts, which follow budgets slowly.
    """
    total, group_offers = total_offer(town, service), offers(town, service)
    adjustment = 1.0
    if service.base_budget > 0.0 and service.plan > 0.0 and abs(total - 1.0) > 1e-6:
        common_factor = service.plan / service.base_budget / total
        adjustment = min(1.0, max(0.0, (service.posts / common_factor - 1.0) / (total - 1.0)))
    shares = [
        part * (1.0 + adjustment * (offer - 1.0))
        for part, offer in zip(group_parts(town, service), group_offers, strict=True)
    ]
    total_share = sum(shares)
    helped = [0 for _ in shares]
    for person in town.people:
        if person.helper(service.domain) is service:
            helped[group_of(town, person)] += 1
    free = [0 for _ in shares]
    for g, share in enumerate(shares):
        if group_offers[g] > 0.0 and total_share > 0.0:
            u = rng.uniform(town.key("rounding of places"), len(town.services) * (g + 1) + service.number)
            free[g] = max(0, math.floor(service.places * share / total_share + u) - helped[g])
    return free
