"""Policies for some people only: who is in which group, and what part of a service each group keeps.

Group 0 is everybody for whom there is no policy of their own. Without policies for some there are no groups at all,
and everybody is offered the same. In lists by group, 1 is as much as was offered before any such policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.twins.mesa.people import NeighbourhoodAgent, PersonAgent, ServiceAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

Row = Sequence[float]
"""What a lever is set to in a month, a value a column."""


def group_of(town: MesaModel, person: PersonAgent) -> int:
    """The group that somebody is in, by where they live and how old they are."""
    group: int = town.aims.group[person.neighbourhood.number][person.band]
    return group


def offers(town: MesaModel, service: ServiceAgent) -> list[float]:
    """What each group is offered of a service."""
    return [town.aims.offer[g][service.number] for g in range(town.aims.groups)]


def parts(town: MesaModel, service: ServiceAgent) -> list[float]:
    """What part of a service was each group's when the first policy for some people began."""
    return [town.aims.part[g][service.number] for g in range(town.aims.groups)]


def whole_offer(town: MesaModel, service: ServiceAgent) -> float:
    """What a service offers to all groups together."""
    return sum(part * offer for part, offer in zip(parts(town, service), offers(town, service), strict=True))


def is_split(town: MesaModel, service: ServiceAgent) -> bool:
    """Whether some groups are offered more of a service than others."""
    return len(set(offers(town, service))) > 1


def offer_to(town: MesaModel, service: ServiceAgent, hood: NeighbourhoodAgent, band: int) -> float:
    """What people of an age band in a neighbourhood are offered, over what the town is."""
    if not is_split(town, service):
        return 1.0
    group: int = town.aims.group[hood.number][band]
    return offers(town, service)[group] / max(1e-9, whole_offer(town, service))


def offer_in(town: MesaModel, service: ServiceAgent, hood: NeighbourhoodAgent) -> float:
    """What a neighbourhood is offered, over what the town is; all ages count alike."""
    if not is_split(town, service):
        return 1.0
    groups: list[int] = town.aims.group[hood.number]
    mine = [offers(town, service)[group] for group in groups]
    return sum(mine) / len(mine) / max(1e-9, whole_offer(town, service))


def still_asks(town: MesaModel, service: ServiceAgent, person: PersonAgent, luck: float) -> bool:
    """Whether somebody who would ask a service does: of a group to which less is offered not all do."""
    if town.aims.groups == 0:
        return True
    g, s = group_of(town, person), service.number
    asks: bool = town.aims.offer[g][s] > 0.0 and luck < town.aims.ask[g][s]
    return asks


def refused_share(town: MesaModel, service: ServiceAgent, person: PersonAgent) -> float:
    """The share of requests like this person's that a service turns away."""
    if town.aims.groups == 0:
        return service.refused
    more: float = town.aims.refuse[group_of(town, person)][service.number]
    return min(0.95, max(0.0, service.refused + more))


def part_out(town: MesaModel, service: ServiceAgent) -> None:
    """Note once, when the first policy for some people begins, what part of a service is each group's.

    A group's part is its share of those who are helped or wait; of a service that helps nobody by name, its share of
    those with serious need or a crisis. One person's worth of it goes by how many of each group are of the ages served.
    """
    if any(part > 0.0 for part in parts(town, service)):
        return
    d, groups = service.domain, town.aims.groups
    heads, served, known = [0] * groups, [0] * groups, [0] * groups
    for person in town.people:
        if not person.lives:
            continue
        g = group_of(town, person)
        heads[g] += 1
        if not service.bands[person.band]:
            continue
        served[g] += 1
        if service.base_places > 0.0:
            known[g] += service in (person.helper(d), person.waits_for(d))
        else:
            known[g] += person.level[d] >= 2 and (not town.rates.household[d] or person.leads)
    for g in range(groups):
        town.aims.heads[g] = float(heads[g])
        town.aims.part[g][service.number] = (known[g] + served[g] / max(1, sum(served))) / (sum(known) + 1)


def group_by_group(town: MesaModel, row: Row, service: ServiceAgent) -> list[float]:
    """What a lever does to a service, for each group; where there are none, for everybody."""
    return [row[g * len(town.services) + service.number] for g in range(max(1, town.aims.groups))]


def fund(town: MesaModel, row: Row, service: ServiceAgent) -> None:
    """Multiply a service's line by what a lever is set to, group by group: each keeps its own part of the money."""
    factors = group_by_group(town, row, service)
    if len(set(factors)) == 1:
        service.granted *= factors[0]
        return
    part_out(town, service)
    before = whole_offer(town, service)
    common = factors[0] if factors[0] > 0.0 else 1.0
    for g, factor in enumerate(factors):
        town.aims.offer[g][service.number] *= factor / common
    service.granted *= common * whole_offer(town, service) / before if before > 0.0 else factors[0]
