"""The end of a month: load of acute care, new rules, spending, and the accounts of budget holders.

Amounts in this file are whole pence. Each penny is spent, carried over, paid in by the centre, or taken by the centre.
"""

from __future__ import annotations

import math

from sim.engine.schedule import NoParams
from sim.feedback.bureaucracy import Bureaucracy
from sim.feedback.double_running import DoubleRunning
from sim.feedback.failure_demand import FailureDemand
from sim.feedback.overspend_recovery import OverspendRecovery
from sim.feedback.programme_costs import ProgrammeCosts
from sim.feedback.semi_fixed_costs import SemiFixedCosts
from sim.services.acute import Acute
from sim.state.codes import PURPOSES
from sim.twins.mesa.budget import granted, is_acute, is_prevention, lines
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent, ServiceAgent, Silo
from sim.twins.mesa.town import Town

ADULT = 4
"""The first age band of adults (from 18)."""


def to_pence(pounds: float) -> int:
    """Pounds as whole pence, with halves rounded up."""
    return math.floor(pounds * 100.0 + 0.5)


def year_ends(town: Town) -> bool:
    """Whether this month is the last of a year."""
    return town.month % 12 == 11


def care_cost(town: Town, service: ServiceAgent) -> float:
    """Cost of a month's care by an acute service, in pounds at baseline unit cost: new and continuing episodes."""
    opened, staying = 0.0, 0.0
    for q, fifth in enumerate(town.counts.opened[service.number]):
        for b, new_episodes in enumerate(fifth):
            opened += new_episodes
            in_crisis = town.counts.census[service.domain][3][q][b] * service.crisis_share[b]
            if service.crisis_share[b] > 0.0:
                staying += max(0.0, in_crisis - new_episodes)
    return opened * service.episode_cost + staying * service.month_cost


@step("acute_load")
def acute_load(town: Town, p: Acute) -> None:
    """Load is the care given over the care that staff and hours allow, smoothed over some months."""
    for service in town.services:
        if is_acute(service) and service.base_demand > 0.0:
            demand = care_cost(town, service) / service.base_demand
            capacity = max(p.least_capacity, service.posts * service.hours)
            service.load += (service.base_load * (demand / capacity) - service.load) / p.memory
            service.overload = max(0.0, service.load - 1.0)


@step("bureaucracy")
def bureaucracy(town: Town, p: Bureaucracy) -> None:
    """A silo with more crises than at baseline gets more rules in all its services. Rules wear off over years."""
    for silo in town.silos:
        members = lines(town, silo)
        crisis_services = [service for service in members if is_acute(service) and max(service.crisis_share) > 0.0]
        crises = sum(sum(map(sum, town.counts.opened[service.number])) for service in crisis_services)
        baseline = sum(service.usual_crises for service in crisis_services)
        if baseline <= 0.0:
            continue
        for service in members:
            service.compliance += (service.response * crises / baseline - service.compliance) / p.wear


@step("failure_demand")
def failure_demand(town: Town, p: FailureDemand) -> None:
    """Requests over their baseline, smoothed over some months. Each request is assessed, with or without help."""
    for service in town.services:
        if not is_acute(service) and service.base_places > 0.0 and service.usual_asked > 0.0:
            service.asking += (sum(town.counts.asked[service.number]) / service.usual_asked - service.asking) / p.memory


@step("programme_costs")
def programme_costs(town: Town, p: ProgrammeCosts) -> None:
    """Programmes that no service delivers are paid with new money, at a price per person, adult or pupil."""
    people = float(sum(sum(fifth) for fifth in town.counts.people))
    adults = float(sum(sum(fifth[ADULT:]) for fifth in town.counts.people))
    pupils = float(sum(sum(fifth[1:ADULT]) for fifth in town.counts.people))
    pounds = dict.fromkeys(PURPOSES, 0.0)
    for hood in town.neighbourhoods:
        share = len(hood.people) / max(1, len(town.people))
        for purpose, price in prices(p, hood, people * share, adults * share, pupils * share).items():
            pounds[purpose] += price
    pounds["micro_enterprise"] = p.worker * town.micro_enterprise * people / 100000.0
    for service in town.services:
        pounds["micro_enterprise"] += 12.0 * p.micro * service.micro * service.base_places * service.case_cost
    town.outlay = [to_pence(pounds[purpose] / 12.0) for purpose in PURPOSES]


def prices(
    p: ProgrammeCosts, hood: NeighbourhoodAgent, people: float, adults: float, pupils: float
) -> dict[str, float]:
    """Cost of the programmes in a neighbourhood, in pounds a year by purpose."""
    return {
        "organisers": p.worker * hood.organisers * people / 10000.0,
        "resident_control": p.control * hood.resident_control * people,
        "peer_support": p.peers * hood.peer_support * people,
        "mutual_aid": p.nurture * hood.mutual_aid * people,
        "volunteering_days": p.day * hood.volunteering_days * adults,
        "air_and_activity": p.air * hood.air_and_activity * people,
        "housing_quality": p.homes * hood.housing_quality * people,
        "job_security": p.work * hood.job_security * people,
        "income_floor": 52.0 * hood.income_floor * adults,
        "resident_voice": p.voice * hood.voice * people,
        "joined_up": p.key_worker * hood.joined_up * people,
        "outreach": p.looking * hood.outreach * people,
        "time_to_care": p.leave * hood.time_to_care * adults,
        "digital_ties": p.online * hood.digital_ties * people,
        "network_crisis": p.gathering * hood.network_crisis * people,
        "schooling": p.school * 100.0 * max(0.0, hood.schooling) * pupils,
    }


@step("spending")
def spending(town: Town, _: NoParams) -> None:
    """Services pay their staff. One part of an acute service's cost follows its posts, the other the care it gives."""
    for service in town.services:
        pounds = service.paid * service.base_budget / 12.0
        if is_acute(service):
            care = care_cost(town, service) * (1.0 + service.premium * service.overload)
            extra = max(0.0, service.paid - 1.0) * service.base_budget / 12.0
            pounds = (1.0 - town.cashable) * pounds + town.cashable * (care + extra)
        service.spent = to_pence(max(0.0, pounds))
        service.funding = to_pence(max(0.0, service.granted / 12.0))
        service.silo.carried += service.funding - service.spent


@step("semi_fixed_costs")
def semi_fixed_costs(town: Town, p: SemiFixedCosts) -> None:
    """Part of the change of acute cost follows demand with a delay."""
    for service in town.services:
        if not is_acute(service) or service.base_budget <= 0.0:
            continue
        baseline = service.posts * service.base_budget / 12.0 * 100.0
        gap = service.spent - baseline
        service.cost_gap += (gap - service.cost_gap) / p.lag
        charged = (1.0 - p.late) * gap + p.late * service.cost_gap
        spent = math.floor(max(0.0, baseline + charged) + 0.5)
        service.silo.carried += service.spent - spent
        service.spent = spent


@step("double_running")
def double_running(town: Town, p: DoubleRunning) -> None:
    """New money for prevention has an extra cost until the money is no longer new."""
    for service in town.services:
        new = service.granted - service.settled
        service.settled += new / p.settles
        if new > 0.0 and is_prevention(service):
            extra = to_pence(p.set_up * new / 12.0)
            service.spent += extra
            service.silo.carried -= extra


@step("pooled_accounts")
def pooled_accounts(town: Town, _: NoParams) -> None:
    """At the end of a year silos pool part of their balances and divide the pool.

    A debt is divided in proportion to the silos' budgets, a surplus in proportion to their budgets for prevention.
    """
    for silo in town.silos:
        silo.pooled = 0
    if not year_ends(town) or town.pooling <= 0.0:
        return
    for silo in town.silos:
        silo.pooled = -int(town.pooling * silo.carried)
    pot = -sum(silo.pooled for silo in town.silos)
    weights = [granted(s for s in lines(town, silo) if pot < 0 or is_prevention(s)) for silo in town.silos]
    remainder, last_silo = pot, town.silos[0]
    for silo, weight in zip(town.silos, weights, strict=True):
        if weight > 0.0:
            share = int(pot * (weight / sum(weights)))
            silo.pooled += share
            remainder, last_silo = remainder - share, silo
    last_silo.pooled += remainder
    for silo in town.silos:
        silo.carried += silo.pooled


@step("overspend_recovery")
def overspend_recovery(town: Town, p: OverspendRecovery) -> None:
    """At the end of a year the centre and next year's prevention share a silo's balance beyond its reserve."""
    for silo in town.silos:
        silo.bailed_out = silo.clawed_back = silo.reinvested = 0
        if year_ends(town):
            settle_year(town, p, silo)


def settle_year(town: Town, p: OverspendRecovery, silo: Silo) -> None:
    """Settle a silo's account at the end of a year.

    Prevention bears the share kappa of a debt beyond the reserve and keeps the share rho of a saving beyond the
    reserve. The centre takes the rest. A debt takes at most the share `p.most` of prevention's budget, and nothing
    that a ring-fence protects.
    """
    members = lines(town, silo)
    prevention = granted(service for service in members if is_prevention(service))
    fenced = sum(min(s.granted, town.ring_fence * s.base_budget) for s in members if is_prevention(s))
    reserve = int(p.reserve * granted(members) * 100.0)
    shift = 0
    if silo.carried < -reserve:
        excess = -reserve - silo.carried
        affordable = max(0.0, min(p.most * prevention, prevention - fenced))
        shift = -min(int(silo.kappa * excess), int(affordable * 100.0))
        silo.bailed_out = excess + shift
        silo.carried += silo.bailed_out
    elif silo.carried > reserve:
        excess = silo.carried - reserve
        shift = int(silo.rho * excess) if prevention > 0.0 else 0
        silo.clawed_back = excess - shift
        silo.reinvested = shift
        silo.carried -= silo.clawed_back
    silo.shift = shift / 100.0
