"""What policies and shocks do: most set one figure; those about money move it between lines; a few are told apart.

A lever has a path over the months: `path[month]` is a row with one value for the place, or one for each neighbourhood,
or one for each service (and as many again for each further group, where policies are for some people only). A lever
that nobody moves is not pulled at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.engine.schedule import REGISTRY, Mechanism
from sim.policies import levers
from sim.state.tables import COMMUNITY, RESPONSIVE
from sim.twins.mesa import rng
from sim.twins.mesa.aims import Row, fund, group_by_group, part_out, whole_offer
from sim.twins.mesa.budget import granted, is_acute, is_prevention, lines, lost, make_good, move, split
from sim.twins.mesa.initial_state import HELD
from sim.twins.mesa.month import Step, step
from sim.twins.mesa.people import ServiceAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

Path = list[Row]
OLD = 7
"""The age band that begins at 65."""
USUAL_REFUSALS = next(lever.baseline for lever in levers() if lever.name == "threshold")


# Most levers set a figure. Which, and whose, stands in the lever's own file: it writes one column and reads none.


def setting(lever: Mechanism) -> Step:
    """The step of a lever that sets one column: whoever has it takes the value of their own column of the row."""
    held = next(h for h in HELD if f"{h.table}.{h.column}" == lever.writes[0])
    axis = next(other.axis for other in levers() if other.name == lever.lever)

    def set_column(town: MesaModel, path: Path) -> None:
        row = path[town.month]
        if held.whose == "town":
            setattr(town, held.column, row[0])
            return
        for owner in getattr(town, held.whose):
            setattr(owner, held.column, row[0] if axis == "place" else row[owner.number])

    return set_column


for _lever in REGISTRY.month():
    if _lever.lever is not None and not _lever.reads and len(_lever.writes) == 1:
        step(_lever.name)(setting(_lever))


# Money that comes from outside, or goes.


@step("total_budget")
def total_budget(town: MesaModel, path: Path) -> None:
    """Every line is multiplied alike, for everybody or for some people."""
    for service in town.services:
        fund(town, path[town.month], service)


@step("community_investment")
def community_investment(town: MesaModel, path: Path) -> None:
    """The lines of community services are multiplied."""
    for service in town.services:
        if service.tier == COMMUNITY:
            fund(town, path[town.month], service)


@step("service_budget")
def service_budget(town: MesaModel, path: Path) -> None:
    """The lines of some services are multiplied."""
    for service in town.services:
        fund(town, path[town.month], service)


@step("grant")
def grant(town: MesaModel, path: Path) -> None:
    """A line gains so many pounds for each person; where only some people count, what it buys is theirs."""
    for service in town.services:
        pounds = group_by_group(town, path[town.month], service)
        if len(set(pounds)) == 1:
            service.granted += pounds[0] * sum(sum(fifth) for fifth in town.counts.people)
            continue
        part_out(town, service)
        whole, s = whole_offer(town, service), service.number
        unit = service.granted / whole if whole > 0.0 else 0.0  # pounds for all that was everybody's
        for g, each in enumerate(pounds):
            added = each * town.aims.heads[g]
            service.granted += added
            if unit * town.aims.part[g][s] > 0.0:
                town.aims.offer[g][s] += added / (unit * town.aims.part[g][s])


# Money that moves within a silo.


@step("cut_rule")
def cut_rule(town: MesaModel, path: Path) -> None:
    """Acute lines get part of what they would lose back from the silo's other lines, of which a tenth stays."""
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        losses = sum(lost(service) for service in acute)
        pounds = min(losses * path[town.month][0], 0.9 * granted(others))
        if pounds > 0.0:
            make_good(pounds, others, acute, lost)


@step("prevention_share")
def prevention_share(town: MesaModel, path: Path) -> None:
    """Prevention gains a share of every silo's money, and the other lines lose it."""
    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        shift(path[town.month][0], others, prevention)


@step("acute_share")
def acute_share(town: MesaModel, path: Path) -> None:
    """Acute care gains a share of every silo's money, and the other lines lose it."""
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        shift(path[town.month][0], others, acute)


def shift(share: float, giving: list[ServiceAgent], taking: list[ServiceAgent]) -> None:
    """Move a share of the money of two sides from one to the other; a side that loses keeps a fifth."""
    gives, takes = granted(giving), granted(taking)
    if gives > 0.0 and takes > 0.0:
        move(max(-0.8 * takes, min(0.8 * gives, share * (takes + gives))), giving, taking)


@step("ring_fence")
def ring_fence(town: MesaModel, path: Path) -> None:
    """Prevention gets what it lacks of its floor from the silo's other lines, of which a fifth stays."""
    town.ring_fence = path[town.month][0]

    def below_floor(service: ServiceAgent) -> float:
        return max(0.0, town.ring_fence * service.base_budget - service.granted)

    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        pounds = min(sum(below_floor(service) for service in prevention), 0.8 * granted(others))
        if pounds > 0.0:
            make_good(pounds, others, prevention, below_floor)


# Others.


@step("threshold")
def threshold(town: MesaModel, path: Path) -> None:
    """Responsive services turn more away, or fewer, than queues and custom have them do; or only of some people."""
    for service in town.services:
        if service.tier != RESPONSIVE:
            continue
        shares = group_by_group(town, path[town.month], service)
        service.refused = min(0.95, max(0.0, service.refused + (shares[0] - USUAL_REFUSALS)))
        for g in range(1, len(shares)):
            town.aims.refuse[g][service.number] += shares[g] - shares[0]


@step("neighbourhood_formula")
def neighbourhood_formula(town: MesaModel, path: Path) -> None:
    """A neighbourhood's people are drawn from queues by how much serious need its fifth has for each head."""
    people = [max(1, sum(fifth)) for fifth in town.counts.people]
    serious = [sum(sum(levels[2][q]) for levels in town.counts.census) for q in town.quintiles]
    mean = max(1e-9, sum(serious) / sum(people))
    for hood in town.neighbourhoods:
        need = serious[hood.quintile] / people[hood.quintile] / mean
        hood.weight = max(0.05, need) ** path[town.month][hood.number]


@step("ageing_wave")
def ageing_wave(town: MesaModel, path: Path) -> None:
    """In each fifth more old people are wanted, and as many fewer young ones, of whom a tenth stays."""
    for q, base in enumerate(town.base_mix):
        old, young = sum(base[OLD:]), sum(base[:OLD])
        more = min(path[town.month][0] * old, 0.9 * young)
        for b, people in enumerate(base):
            whole, change = (old, more) if b >= OLD else (young, -more)
            town.age_mix[q][b] = people * (1.0 + change / whole if whole > 0.0 else 1.0)


@step("restructuring")
def restructuring(town: MesaModel, path: Path) -> None:
    """When a reorganisation falls, time is lost in every service, practice in every place, and some leaders go."""
    falls = reorganisations(path, town.month + 1) > reorganisations(path, town.month)
    town.restructuring = 1.0 if falls else 0.0
    if not falls:
        return
    for service in town.services:
        service.upheaval = min(0.3, service.upheaval + 0.1)
    key = town.key("who leads after a restructuring")
    for hood in town.neighbourhoods:
        hood.practice -= 0.3 * max(0.0, hood.practice - 0.8)
        if rng.uniform(key, hood.number) < 0.4:
            hood.leader = 0


def reorganisations(path: Path, months: int) -> int:
    """How many reorganisations have fallen in the first months: each when the sum of path / 12, and a half, passes a
    whole number."""
    return math.floor(0.5 + sum(row[0] / 12.0 for row in path[:months]) + 1e-9)
