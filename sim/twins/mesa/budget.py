"""Budget lines: the money granted to each service, the distribution of cuts, and the effect of last year's debt.

A line is the budget of a service, in pounds a year. Every month begins with the baseline's lines. Then policies act.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from sim.feedback.non_statutory_closure import NonStatutoryClosure
from sim.feedback.overspend_recovery import OverspendRecovery
from sim.feedback.political_attention import PoliticalAttention
from sim.feedback.rationing import Rationing
from sim.services.budget_lines import BudgetLines
from sim.state.codes import ACUTE, COMMUNITY, PREVENTIVE
from sim.twins.mesa.month import step
from sim.twins.mesa.people import ServiceAgent, Silo
from sim.twins.mesa.town import Town


def is_acute(service: ServiceAgent) -> bool:
    """Whether a service is acute: it must serve everybody who comes."""
    return service.tier == ACUTE


def is_prevention(service: ServiceAgent) -> bool:
    """Whether a service counts as prevention: preventive and community services do."""
    return service.tier in (PREVENTIVE, COMMUNITY)


def is_at_risk(service: ServiceAgent) -> bool:
    """Whether a service is neither acute nor statutory."""
    return not is_acute(service) and not service.statutory


def lines(town: Town, silo: Silo) -> list[ServiceAgent]:
    """The services paid by a silo."""
    return [service for service in town.services if service.silo is silo]


def split(
    services: Iterable[ServiceAgent], kind: Callable[[ServiceAgent], bool]
) -> tuple[list[ServiceAgent], list[ServiceAgent]]:
    """Services that satisfy `kind`, and the other services."""
    candidates = list(services)
    return [s for s in candidates if kind(s)], [s for s in candidates if not kind(s)]


def granted(services: Iterable[ServiceAgent]) -> float:
    """The total budget of services, in pounds a year."""
    return sum(service.granted for service in services)


def shortfall(service: ServiceAgent) -> float:
    """The amount by which a line is below its baseline, in pounds a year."""
    return max(0.0, service.base_budget - service.granted)


def scale(services: Iterable[ServiceAgent], factor: float) -> None:
    """Multiply lines by the same factor."""
    for service in services:
        service.granted *= factor


def move(pounds: float, givers: list[ServiceAgent], takers: list[ServiceAgent]) -> None:
    """Move pounds a year from lines to other lines, in proportion to their sizes on both sides."""
    giving_total, taking_total = granted(givers), granted(takers)
    scale(takers, 1.0 + pounds / taking_total)
    scale(givers, 1.0 - pounds / giving_total)


def compensate(
    pounds: float, givers: list[ServiceAgent], recipients: list[ServiceAgent], gap: Callable[[ServiceAgent], float]
) -> None:
    """Take pounds a year from lines in proportion to their size and give them to other lines.

    Each recipient gets a share in proportion to its gap, in pounds a year.
    """
    total_gap = sum(gap(service) for service in recipients)
    scale(givers, 1.0 - pounds / granted(givers))
    for service in recipients:
        service.granted += pounds * gap(service) / total_gap


@step("rationing")
def rationing(town: Town, p: Rationing) -> None:
    """A service with a long queue, relative to the number of people who start each month, refuses more people.

    The number of starts a month follows from the number of places and the rate at which places become free.
    """
    for service in town.services:
        if is_acute(service) or service.base_places <= 0.0 or service.wait_base <= 0.0:
            continue
        starts = service.base_places * max(1e-9, service.posts) * service.flow
        service.wait += (service.queue / max(1e-9, starts) - service.wait) / p.memory
        relative = min(p.most_wait, max(p.least_wait, service.wait / service.wait_base))
        service.pressure = relative**p.stiffness


@step("budget_lines")
def budget_lines(town: Town, p: BudgetLines) -> None:
    """Set lines and refusals to the baseline, refusals times the queue's pressure, and treat all groups alike."""
    for service in town.services:
        service.granted = service.base_budget
        service.refused = min(p.most_refused, service.refused_base * service.pressure)
    if town.aims.groups > 0:
        for column, baseline in (("offer", 1.0), ("refuse", 0.0), ("ask", 1.0)):
            setattr(town.aims, column, [[baseline] * len(town.services) for _ in getattr(town.aims, column)])


@step("non_statutory_closure")
def non_statutory_closure(town: Town, p: NonStatutoryClosure) -> None:
    """If a silo's budget falls, statutory services recover part of their loss from non-statutory services.

    They recover at most the same part of the silo's net loss, and at most the share `p.most_taken` of the
    non-statutory lines.
    """
    for silo in town.silos:
        members = lines(town, silo)
        at_risk = [service for service in members if is_at_risk(service)]
        statutory = [service for service in members if not is_at_risk(service) and not is_acute(service)]
        net_loss = sum(service.base_budget - service.granted for service in members)
        losses = sum(shortfall(service) for service in statutory)
        pounds = min(p.first * min(losses, net_loss), p.most_taken * granted(at_risk))
        if pounds > 0.0 and losses > 0.0:
            compensate(pounds, at_risk, statutory, shortfall)


@step("political_attention")
def political_attention(town: Town, p: PoliticalAttention) -> None:
    """Visible overload of acute care moves money from a silo's other lines to acute care, most near an election.

    At most the share `p.most_taken` of the other lines moves.
    """
    if town.attention <= 0.0:
        return
    gain = town.attention * (1.0 + p.swing * math.cos(2.0 * math.pi * town.month / p.cycle))
    for silo in town.silos:
        acute, others = split(lines(town, silo), is_acute)
        base = sum(service.base_budget for service in acute)
        if base <= 0.0 or granted(acute) <= 0.0 or granted(others) <= 0.0:
            continue
        visible = sum(service.base_budget * excess_load(service) for service in acute) / base
        move(min(gain * visible * granted(acute), p.most_taken * granted(others)), givers=others, takers=acute)


def excess_load(service: ServiceAgent) -> float:
    """The relative excess of an acute service's load over its baseline load; 0 if there is none."""
    return max(0.0, service.load / service.base_load - 1.0) if service.base_load > 0.0 else 0.0


@step("passing_on")
def passing_on(town: Town, p: OverspendRecovery) -> None:
    """Prevention may spend its budget less its share of the silo's debt of last year, or plus its share of a saving.

    A debt leaves each line at least the share `p.floor`, and the amount that a ring-fence protects.
    """
    for silo in town.silos:
        prevention, others = split(lines(town, silo), is_prevention)
        total = granted(prevention)
        factor = max(p.floor, 1.0 + silo.shift / total) if total > 0.0 else 1.0
        for service in prevention:
            protected = min(service.granted, town.ring_fence * service.base_budget)
            service.plan = max(protected, service.granted * factor)
        for service in others:
            service.plan = service.granted
