"""Policies for some people only: the groups of people, and each group's part of a service.

Group 0 is everybody without a policy of their own. If no policy is limited to some people, there are no groups and
the offer is the same for everybody. In lists by group, 1 is the offer before any such policy.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.twins.mesa.people import NeighbourhoodAgent, PersonAgent, ServiceAgent
from sim.twins.mesa.town import Town

Row = Sequence[float]
"""The setting of a lever in a month, with one value for each column."""


def group_of(town: Town, person: PersonAgent) -> int:
    """The group of a person, by neighbourhood and age band."""
    group: int = town.aims.group[person.neighbourhood.number][person.band]
    return group


def offers(town: Town, service: ServiceAgent) -> list[float]:
    """The offer of a service to each group."""
    return [town.aims.offer[g][service.number] for g in range(town.aims.groups)]


def group_parts(town: Town, service: ServiceAgent) -> list[float]:
    """Each group's part of a service when the first policy for some people began."""
    return [town.aims.part[g][service.number] for g in range(town.aims.groups)]


def total_offer(town: Town, service: ServiceAgent) -> float:
    """The offer of a service to all groups together: the sum of the offers, weighted by the groups' parts."""
    return sum(part * offer for part, offer in zip(group_parts(town, service), offers(town, service), strict=True))


def is_split(town: Town, service: ServiceAgent) -> bool:
    """Whether a service's offer differs between groups."""
    return len(set(offers(town, service))) > 1


def offer_to(town: Town, service: ServiceAgent, hood: NeighbourhoodAgent, band: int) -> float:
    """The offer to people of an age band in a neighbourhood, over the mean offer to the town."""
    if not is_split(town, service):
        return 1.0
    group: int = town.aims.group[hood.number][band]
    return offers(town, service)[group] / max(1e-9, total_offer(town, service))


def offer_in(town: Town, service: ServiceAgent, hood: NeighbourhoodAgent) -> float:
    """The offer to a neighbourhood, over the mean offer to the town. All age bands have the same weight."""
    if not is_split(town, service):
        return 1.0
    groups: list[int] = town.aims.group[hood.number]
    local_offers = [offers(town, service)[group] for group in groups]
    return sum(local_offers) / len(local_offers) / max(1e-9, total_offer(town, service))


def asks_with_reduced_offer(town: Town, service: ServiceAgent, person: PersonAgent, u: float) -> bool:
    """Whether a person who would ask a service asks: fewer people of a group ask if the group's offer is reduced.

    `u` is the person's random number.
    """
    if town.aims.groups == 0:
        return True
    g, s = group_of(town, person), service.number
    asks: bool = town.aims.offer[g][s] > 0.0 and u < town.aims.ask[g][s]
    return asks


def refused_share(town: Town, service: ServiceAgent, person: PersonAgent) -> float:
    """The share of requests of a person's group that a service refuses, with groups at most `most_refused`."""
    if town.aims.groups == 0:
        return service.refused
    more: float = town.aims.refuse[group_of(town, person)][service.number]
    return min(town.most_refused, max(0.0, service.refused + more))


def allocate_parts(town: Town, service: ServiceAgent) -> None:
    """Set each group's part of a service, once, when the first policy for some people begins.

    A group's part is its share of the people helped or waiting. For a service without individual clients, the part is
    the group's share of the people with serious need or a crisis. One additional person is divided between the groups
    in proportion to their numbers of people of the ages served.
    """
    if any(part > 0.0 for part in group_parts(town, service)):
        return
    d, groups = service.domain, town.aims.groups
    heads, served, clients = [0] * groups, [0] * groups, [0] * groups
    for person in town.people:
        if not person.is_present:
            continue
        g = group_of(town, person)
        heads[g] += 1
        if not service.bands[person.band]:
            continue
        served[g] += 1
        if service.base_places > 0.0:
            clients[g] += service in (person.helper(d), person.waits_for(d))
        else:
            clients[g] += person.level[d] >= 2 and (not town.rates.household[d] or person.is_head)
    for g in range(groups):
        town.aims.heads[g] = float(heads[g])
        town.aims.part[g][service.number] = (clients[g] + served[g] / max(1, sum(served))) / (sum(clients) + 1)


def values_by_group(town: Town, row: Row, service: ServiceAgent) -> list[float]:
    """The values of a lever for a service, one for each group, or one for everybody if there are no groups."""
    return [row[g * len(town.services) + service.number] for g in range(max(1, town.aims.groups))]


def fund(town: Town, row: Row, service: ServiceAgent) -> None:
    """Multiply a service's line by a lever's factors, group by group. Each group keeps its own part of the money."""
    factors = values_by_group(town, row, service)
    if len(set(factors)) == 1:
        service.granted *= factors[0]
        return
    allocate_parts(town, service)
    before = total_offer(town, service)
    common = factors[0] if factors[0] > 0.0 else 1.0
    for g, factor in enumerate(factors):
        town.aims.offer[g][service.number] *= factor / common
    service.granted *= common * total_offer(town, service) / before if before > 0.0 else factors[0]
