"""Lines of money: what each service is granted, who loses when there is less, and what a year's debt takes.

A line is pounds a year granted to a service. Every month begins with the baseline's lines; then policies act on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.feedback.non_statutory_closure import NonStatutoryClosure
from sim.feedback.overspend_recovery import OverspendRecovery
from sim.feedback.political_attention import PoliticalAttention
from sim.feedback.rationing import Rationing
from sim.state.tables import ACUTE, COMMUNITY, PREVENTIVE
from sim.twins.mesa.month import step
from sim.twins.mesa.people import ServiceAgent, Silo

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel


def is_acute(service: ServiceAgent) -> bool:
    """Whether a service must serve whoever comes."""
    return service.tier == ACUTE


def is_prevention(service: ServiceAgent) -> bool:
    """Whether a service counts as prevention: preventive and community ones do."""
    return service.tier in (PREVENTIVE, COMMUNITY)


def is_at_risk(service: ServiceAgent) -> bool:
    """Whether no law demands a service."""
    return not is_acute(service) and not service.statutory


def lines(town: MesaModel, silo: Silo) -> list[ServiceAgent]:
    """The services that a silo pays for."""
    return [service for service in town.services if service.silo is silo]


def split(
    services: Iterable[ServiceAgent], kind: Callable[[ServiceAgent], bool]
) -> tuple[list[ServiceAgent], list[ServiceAgent]]:
    """Services of a kind, and the others."""
    known = list(services)
    return [s for s in known if kind(s)], [s for s in known if not kind(s)]


def granted(services: Iterable[ServiceAgent]) -> float:
    """Pounds a year granted to services."""
    return sum(service.granted for service in services)


def lost(service: ServiceAgent) -> float:
    """Pounds a year by which a line is below its baseline."""
    return max(0.0, service.base_budget - service.granted)


def scale(services: Iterable[ServiceAgent], factor: float) -> None:
    """Multiply lines alike: in proportion to their size, each gains or loses."""
    for service in services:
        service.granted *= factor


def move(pounds: float, giving: list[ServiceAgent], taking: list[ServiceAgent]) -> None:
    """Move money between lines; each gives and takes in proportion to its size."""
    gives, takes = granted(giving), granted(taking)
    scale(taking, 1.0 + pounds / takes)
    scale(giving, 1.0 - pounds / gives)


def make_good(
    pounds: float, giving: list[ServiceAgent], wanting: list[ServiceAgent], wants: Callable[[ServiceAgent], float]
) -> None:
    """Take money from lines in proportion to their size and give it to others in proportion to what they want."""
    wanted = sum(wants(service) for service in wanting)
    scale(giving, 1.0 - pounds / granted(giving))
    for service in wanting:
        service.granted += pounds * wants(service) / wanted


@step("rationing")
def rationing(town: MesaModel, p: Rationing) -> None:
    """A service whose queue is long for the number who start each month turns more people away, and the reverse.

    Starts a month are told from how often the places that there are fall free.
    """
    for service in town.services:
        if is_acute(service) or service.base_places <= 0.0 or service.wait_base <= 0.0:
            continue
        starts = service.base_places * max(1e-9, service.posts) * service.flow
        service.wait += (service.queue / max(1e-9, starts) - service.wait) / p.memory
        relative = min(20.0, max(0.05, service.wait / service.wait_base))
        service.pressure = relative**p.stiffness


@step("budget_lines")
def budget_lines(town: MesaModel, _: NoParams) -> None:
    """Each line is the baseline's, refusals are the baseline's times what queues make of them, all groups are alike."""
    for service in town.services:
        service.granted = service.base_budget
        service.refused = min(0.95, service.refused_base * service.pressure)
    if town.aims.groups > 0:
        for column, usual in (("offer", 1.0), ("refuse", 0.0), ("ask", 1.0)):
            setattr(town.aims, column, [[usual] * len(town.services) for _ in getattr(town.aims, column)])


@step("non_statutory_closure")
def pilots(town: MesaModel, p: NonStatutoryClosure) -> None:
    """Where a silo has less than usual, services that the law demands get part of their loss back from the others.

    No more than that part of what the silo as a whole has lost, and a tenth of each line at risk stays.
    """
    for silo in town.silos:
        mine = lines(town, silo)
        at_risk = [service for service in mine if is_at_risk(service)]
        lawful = [service for service in mine if not is_at_risk(service) and not is_acute(service)]
        missing = sum(service.base_budget - service.granted for service in mine)
        losses = sum(lost(service) for service in lawful)
        pounds = min(p.first * min(losses, missing), 0.9 * granted(at_risk))
        if pounds > 0.0 and losses > 0.0:
            make_good(pounds, at_risk, lawful, lost)


@step("political_attention")
def headlines(town: MesaModel, p: PoliticalAttention) -> None:
    """Acute care that is overfull is seen, and pulls money from a silo's other lines, most near an election."""
    if town.attention <= 0.0:
        return
    gain = town.attention * (1.0 + p.swing * math.cos(2.0 * math.pi * town.month / p.cycle))
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        base = sum(service.base_budget for service in acute)
        if base <= 0.0 or granted(acute) <= 0.0 or granted(others) <= 0.0:
            continue
        seen = sum(service.base_budget * overfull(service) for service in acute) / base
        move(min(gain * seen * granted(acute), 0.2 * granted(others)), giving=others, taking=acute)


def overfull(service: ServiceAgent) -> float:
    """How far an acute service's load is beyond its usual load."""
    return max(0.0, service.load / service.base_load - 1.0) if service.base_load > 0.0 else 0.0


@step("passing_on")
def passing_on(town: MesaModel, p: OverspendRecovery) -> None:
    """Prevention may spend what it is granted less the silo's debt of last year, or plus what was saved.

    A debt leaves each line a floor, and what a ring-fence keeps.
    """
    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        whole = granted(prevention)
        factor = max(p.floor, 1.0 + silo.shift / whole) if whole > 0.0 else 1.0
        for service in prevention:
            kept = min(service.granted, town.ring_fence * service.base_budget)
            service.plan = max(kept, service.granted * factor)
        for service in others:
            service.plan = service.granted
