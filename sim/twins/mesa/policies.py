"""Policies and shocks: most levers set one column, budget levers move money between lines, and a few do more.

A lever has a path over the months: `path[month]` is a row with one value for the place, one for each neighbourhood, or
one for each service. If policies are limited to some people, the row of a service lever repeats for each further
group. A lever that stays at its baseline is not applied.
"""

from __future__ import annotations

import math

from sim.engine.schedule import REGISTRY, Mechanism
from sim.policies import levers
from sim.policies.acute_share import AcuteShare
from sim.policies.ageing_wave import AgeingWave
from sim.policies.cut_rule import CutRule
from sim.policies.neighbourhood_formula import NeighbourhoodFormula
from sim.policies.prevention_share import PreventionShare
from sim.policies.restructuring import Restructuring
from sim.policies.ring_fence import RingFence
from sim.state.codes import COMMUNITY, PREVENTION_KINDS, RESPONSIVE
from sim.twins.mesa import rng
from sim.twins.mesa.aims import Row, allocate_parts, fund, total_offer, values_by_group
from sim.twins.mesa.budget import compensate, granted, is_acute, is_prevention, lines, move, scale, shortfall, split
from sim.twins.mesa.initial_state import SHARED_COLUMNS
from sim.twins.mesa.month import Step, step
from sim.twins.mesa.people import ServiceAgent
from sim.twins.mesa.town import Town

Path = list[Row]
OLD = 7
"""The age band that begins at 65."""


# Most levers set one column. The lever's own file declares the column: the lever writes one column and reads none.


def column_setter(lever: Mechanism) -> Step:
    """The step of a lever that sets one column: each object takes its own value of the row."""
    shared = next(h for h in SHARED_COLUMNS if f"{h.table}.{h.column}" == lever.writes[0])
    axis = next(other.axis for other in levers() if other.name == lever.lever)

    def set_column(town: Town, path: Path) -> None:
        row = path[town.month]
        if shared.owner == "town":
            setattr(town, shared.column, row[0])
            return
        for item in getattr(town, shared.owner):
            setattr(item, shared.column, row[0] if axis == "place" else row[item.number])

    return set_column


for _lever in REGISTRY.month():
    if _lever.lever is not None and not _lever.reads and len(_lever.writes) == 1:
        step(_lever.name)(column_setter(_lever))


# Money added or taken away from outside.


@step("total_budget")
def total_budget(town: Town, path: Path) -> None:
    """Multiply every line by a factor, for everybody or for some people."""
    for service in town.services:
        fund(town, path[town.month], service)


@step("community_investment")
def community_investment(town: Town, path: Path) -> None:
    """Multiply the lines of community services by a factor."""
    for service in town.services:
        if service.tier == COMMUNITY:
            fund(town, path[town.month], service)


@step("service_budget")
def service_budget(town: Town, path: Path) -> None:
    """Multiply the lines of chosen services by a factor each."""
    for service in town.services:
        fund(town, path[town.month], service)


@step("grant")
def grant(town: Town, path: Path) -> None:
    """A line gains an amount for each person. If the grant is for some people only, their group gets what it buys."""
    for service in town.services:
        pounds = values_by_group(town, path[town.month], service)
        if len(set(pounds)) == 1:
            service.granted += pounds[0] * sum(sum(fifth) for fifth in town.counts.people)
            continue
        allocate_parts(town, service)
        total, s = total_offer(town, service), service.number
        unit = service.granted / total if total > 0.0 else 0.0  # pounds for the offer to everybody
        for g, pounds_per_person in enumerate(pounds):
            added = pounds_per_person * town.aims.heads[g]
            service.granted += added
            if unit * town.aims.part[g][s] > 0.0:
                town.aims.offer[g][s] += added / (unit * town.aims.part[g][s])


# Money that moves within a silo.


@step("cut_rule")
def cut_rule(town: Town, setting: tuple[Path, CutRule]) -> None:
    """Acute lines recover part of their loss from the silo's other lines, which lose at most `most_taken`."""
    path, p = setting
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        losses = sum(shortfall(service) for service in acute)
        pounds = min(losses * path[town.month][0], p.most_taken * granted(others))
        if pounds > 0.0:
            compensate(pounds, others, acute, shortfall)


@step("prevention_share")
def prevention_share(town: Town, setting: tuple[Path, PreventionShare]) -> None:
    """Prevention gains a share of every silo's budget, or one kind of prevention does. The other lines lose it."""
    path, p = setting
    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        shift(path[town.month][0], others, prevention, p.most_moved)
    for kind in range(len(PREVENTION_KINDS)):
        shift_to_kind(town, kind, path[town.month][1 + kind], p.most_moved)


def shift_to_kind(town: Town, kind: int, share: float, most: float) -> None:
    """Move a share of the budgets of silos with lines on both sides to the lines of one kind of prevention."""
    takers = [service for service in town.services if service.prevention == kind]
    both = [split(lines(town, silo), is_prevention) for silo in town.silos]
    both = [(prevention, others) for prevention, others in both if granted(prevention) > 0.0 and granted(others) > 0.0]
    budgets, size = sum(granted(prevention) + granted(others) for prevention, others in both), granted(takers)
    if budgets <= 0.0 or size <= 0.0:
        return
    share = max(-most * size / budgets, share)
    total = 0.0
    for prevention, others in both:
        moved = min(most * granted(others), share * (granted(prevention) + granted(others)))
        total += moved
        scale(others, 1.0 - moved / granted(others))
    scale(takers, 1.0 + total / size)


@step("acute_share")
def acute_share(town: Town, setting: tuple[Path, AcuteShare]) -> None:
    """Acute care gains a share of every silo's budget. The other lines lose it."""
    path, p = setting
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        shift(path[town.month][0], others, acute, p.most_moved)


def shift(share: float, givers: list[ServiceAgent], takers: list[ServiceAgent], most: float) -> None:
    """Move a share of the joint budget of two sides. The losing side loses at most the share `most` of its own."""
    giving_total, taking_total = granted(givers), granted(takers)
    if giving_total > 0.0 and taking_total > 0.0:
        move(max(-most * taking_total, min(most * giving_total, share * (taking_total + giving_total))), givers, takers)


@step("ring_fence")
def ring_fence(town: Town, setting: tuple[Path, RingFence]) -> None:
    """Prevention lines below their floor are made up from the other lines, which lose at most `most_taken`."""
    path, p = setting
    town.ring_fence = path[town.month][0]

    def below_floor(service: ServiceAgent) -> float:
        return max(0.0, town.ring_fence * service.base_budget - service.granted)

    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        pounds = min(sum(below_floor(service) for service in prevention), p.most_taken * granted(others))
        if pounds > 0.0:
            compensate(pounds, others, prevention, below_floor)


# Others.


@step("threshold")
def threshold(town: Town, path: Path) -> None:
    """Responsive services refuse more or fewer requests than queues and the baseline imply, of all or some people."""
    for service in town.services:
        if service.tier != RESPONSIVE:
            continue
        shares = values_by_group(town, path[town.month], service)
        service.refused = min(town.most_refused, max(0.0, service.refused + (shares[0] - town.usual_refused)))
        for g in range(1, len(shares)):
            town.aims.refuse[g][service.number] += shares[g] - shares[0]


@step("neighbourhood_formula")
def neighbourhood_formula(town: Town, setting: tuple[Path, NeighbourhoodFormula]) -> None:
    """Set each neighbourhood's weight in the allocation of queues by its fifth's serious need per person."""
    path, p = setting
    people = [max(1, sum(fifth)) for fifth in town.counts.people]
    serious = [sum(sum(levels[2][q]) for levels in town.counts.census) for q in town.quintiles]
    mean = max(1e-9, sum(serious) / sum(people))
    for hood in town.neighbourhoods:
        need = serious[hood.quintile] / people[hood.quintile] / mean
        hood.weight = max(p.least_need, need) ** path[town.month][hood.number]


@step("ageing_wave")
def ageing_wave(town: Town, setting: tuple[Path, AgeingWave]) -> None:
    """In each fifth the target number of old people rises, and that of younger people falls by as many.

    At most the share `most_replaced` of the younger people goes.
    """
    path, p = setting
    for q, base in enumerate(town.base_mix):
        old, young = sum(base[OLD:]), sum(base[:OLD])
        more = min(path[town.month][0] * old, p.most_replaced * young)
        for b, people in enumerate(base):
            total, change = (old, more) if b >= OLD else (young, -more)
            town.age_mix[q][b] = people * (1.0 + change / total if total > 0.0 else 1.0)


@step("restructuring")
def restructuring(town: Town, setting: tuple[Path, Restructuring]) -> None:
    """A reorganisation costs time in every service and practice in every neighbourhood, and some leaders leave."""
    path, p = setting
    occurs = reorganisations(path, town.month + 1) > reorganisations(path, town.month)
    town.restructuring = 1.0 if occurs else 0.0
    if not occurs:
        return
    for service in town.services:
        service.upheaval = min(p.most_upheaval, service.upheaval + p.time_lost)
    key = town.key("who leads after a restructuring")
    for hood in town.neighbourhoods:
        hood.practice -= p.practice_lost * max(0.0, hood.practice - p.lasting_practice)
        if rng.uniform(key, hood.number) < p.leader_lost:
            hood.leader = 0


def reorganisations(path: Path, months: int) -> int:
    """The number of reorganisations in the first months.

    A reorganisation occurs each time that the sum of path / 12, plus one half, passes a whole number.
    """
    return math.floor(0.5 + sum(row[0] / 12.0 for row in path[:months]) + 1e-9)
