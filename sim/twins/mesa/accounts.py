"""The end of a month: how full acute care was, which rules it left behind, what everything cost, who owes whom.

Money is whole pence from here on: a penny is spent, carried over, paid in by the centre, or taken by it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.feedback.bureaucracy import Bureaucracy
from sim.feedback.double_running import DoubleRunning
from sim.feedback.failure_demand import FailureDemand
from sim.feedback.overspend_recovery import OverspendRecovery
from sim.feedback.programme_costs import ProgrammeCosts
from sim.feedback.semi_fixed_costs import SemiFixedCosts
from sim.services.acute import Acute
from sim.services.spending import Spending
from sim.state.tables import PURPOSES
from sim.twins.mesa.budget import granted, is_acute, is_prevention, lines
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent, ServiceAgent, Silo

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

ADULT = 4
"""The first age band of adults, from 18."""
FOLLOWS = 0.4
"""The part of acute cost that follows demand at baseline."""


def whole_pence(pounds: float) -> int:
    """Pounds as whole pence, halves up."""
    return math.floor(pounds * 100.0 + 0.5)


def year_ends(town: MesaModel) -> bool:
    """Whether this month is the last of a year."""
    return town.month % 12 == 11


def care_given(town: MesaModel, service: ServiceAgent) -> float:
    """Pounds of care that an acute service's new episodes and those that go on take in a month, at usual unit cost."""
    opened, staying = 0.0, 0.0
    for q, fifth in enumerate(town.counts.opened[service.number]):
        for b, here in enumerate(fifth):
            opened += here
            in_crisis = town.counts.census[service.domain][3][q][b] * service.crisis_share[b]
            if service.crisis_share[b] > 0.0:
                staying += max(0.0, in_crisis - here)
    return opened * service.episode_cost + staying * service.month_cost


@step("acute_load")
def acute_load(town: MesaModel, p: Acute) -> None:
    """Load is the care given over the care there are staff and hours for, felt over some months."""
    for service in town.services:
        if is_acute(service) and service.base_demand > 0.0:
            demand = care_given(town, service) / service.base_demand
            capacity = max(0.05, service.posts * service.hours)
            service.load += (service.base_load * (demand / capacity) - service.load) / p.memory
            service.overload = max(0.0, service.load - 1.0)


@step("bureaucracy")
def bureaucracy(town: MesaModel, p: Bureaucracy) -> None:
    """A silo with more crises than usual gets more rules in all its services; rules wear off over years."""
    for silo in town.silos:
        mine = lines(town, silo)
        takers = [service for service in mine if is_acute(service) and max(service.crisis_share) > 0.0]
        crises = sum(sum(map(sum, town.counts.opened[service.number])) for service in takers)
        usual = sum(service.usual_crises for service in takers)
        if usual <= 0.0:
            continue
        for service in mine:
            service.compliance += (service.response * crises / usual - service.compliance) / p.wear


@step("failure_demand")
def failure_demand(town: MesaModel, p: FailureDemand) -> None:
    """How many asked, over the usual, felt over some months: each of them is assessed, helped or not."""
    for service in town.services:
        if not is_acute(service) and service.base_places > 0.0 and service.usual_asked > 0.0:
            service.asking += (sum(town.counts.asked[service.number]) / service.usual_asked - service.asking) / p.memory


@step("programme_costs")
def programme_costs(town: MesaModel, p: ProgrammeCosts) -> None:
    """What no service does has a price, so much for each person, adult or pupil it is for, paid with new money."""
    people = float(sum(sum(fifth) for fifth in town.counts.people))
    adults = float(sum(sum(fifth[ADULT:]) for fifth in town.counts.people))
    pupils = float(sum(sum(fifth[1:ADULT]) for fifth in town.counts.people))
    pounds = dict.fromkeys(PURPOSES, 0.0)
    for hood in town.neighbourhoods:
        part = len(hood.people) / max(1, len(town.people))
        for purpose, price in prices(p, hood, people * part, adults * part, pupils * part).items():
            pounds[purpose] += price
    pounds["micro_enterprise"] = p.worker * town.micro_enterprise * people / 100000.0
    for service in town.services:
        pounds["micro_enterprise"] += 12.0 * p.micro * service.micro * service.base_places * service.case_cost
    town.outlay = [whole_pence(pounds[purpose] / 12.0) for purpose in PURPOSES]


def prices(
    p: ProgrammeCosts, hood: NeighbourhoodAgent, people: float, adults: float, pupils: float
) -> dict[str, float]:
    """Pounds a year that what goes on in a neighbourhood costs, by purpose."""
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
def spending(town: MesaModel, p: Spending) -> None:
    """Services pay their staff; of an acute service's cost one part follows posts, the other the care it gives."""
    for service in town.services:
        pounds = service.paid * service.base_budget / 12.0
        if is_acute(service):
            care = care_given(town, service) * (1.0 + service.premium * service.overload)
            extra = max(0.0, service.paid - 1.0) * service.base_budget / 12.0
            pounds = p.fixed * pounds + (1.0 - p.fixed) * (care + extra)
        service.spent = whole_pence(max(0.0, pounds))
        service.funding = whole_pence(max(0.0, service.granted / 12.0))
        service.silo.carried += service.funding - service.spent


@step("semi_fixed_costs")
def semi_fixed_costs(town: MesaModel, p: SemiFixedCosts) -> None:
    """Of what acute care costs beyond or below the usual, a part does not follow demand, and a part follows late."""
    for service in town.services:
        if not is_acute(service) or service.base_budget <= 0.0:
            continue
        usual = service.posts * service.base_budget / 12.0 * 100.0
        gap = service.spent - usual
        service.cost_gap += (gap - service.cost_gap) / p.lag
        follows = town.cashable / FOLLOWS * ((1.0 - p.late) * gap + p.late * service.cost_gap)
        spent = math.floor(max(0.0, usual + follows) + 0.5)
        service.silo.carried += service.spent - spent
        service.spent = spent


@step("double_running")
def double_running(town: MesaModel, p: DoubleRunning) -> None:
    """New money for prevention costs more than itself until it is no longer new."""
    for service in town.services:
        new = service.granted - service.settled
        service.settled += new / p.settles
        if new > 0.0 and is_prevention(service):
            extra = whole_pence(p.set_up * new / 12.0)
            service.spent += extra
            service.silo.carried -= extra


@step("pooled_accounts")
def pooled_accounts(town: MesaModel, _: NoParams) -> None:
    """At the end of a year silos put part of what they have or owe in one pot, and divide what the pot has or owes.

    What it owes is shared by what silos are granted, what it has by what they are granted for prevention.
    """
    for silo in town.silos:
        silo.pooled = 0
    if not year_ends(town) or town.pooling <= 0.0:
        return
    for silo in town.silos:
        silo.pooled = -int(town.pooling * silo.carried)
    pot = -sum(silo.pooled for silo in town.silos)
    weights = [granted(s for s in lines(town, silo) if pot < 0 or is_prevention(s)) for silo in town.silos]
    left, last = pot, town.silos[0]
    for silo, weight in zip(town.silos, weights, strict=True):
        if weight > 0.0:
            part = int(pot * (weight / sum(weights)))
            silo.pooled += part
            left, last = left - part, silo
    last.pooled += left
    for silo in town.silos:
        silo.carried += silo.pooled


@step("overspend_recovery")
def overspend_recovery(town: MesaModel, p: OverspendRecovery) -> None:
    """At a year's end the centre and next year's prevention share what a silo owes, or has left, beyond a reserve."""
    for silo in town.silos:
        silo.bailed_out = silo.clawed_back = silo.reinvested = 0
        if year_ends(town):
            settle(town, p, silo)


def settle(town: MesaModel, p: OverspendRecovery, silo: Silo) -> None:
    """Settle a silo's year: of the excess, kappa of a debt and rho of a saving are prevention's, the rest the centre's.

    A debt takes no more than a part of prevention, and nothing that a ring-fence keeps.
    """
    mine = lines(town, silo)
    prevention = granted(service for service in mine if is_prevention(service))
    fenced = sum(min(s.granted, town.ring_fence * s.base_budget) for s in mine if is_prevention(s))
    reserve = int(p.reserve * granted(mine) * 100.0)
    shift = 0
    if silo.carried < -reserve:
        excess = -reserve - silo.carried
        bearable = max(0.0, min(p.most * prevention, prevention - fenced))
        shift = -min(int(silo.kappa * excess), int(bearable * 100.0))
        silo.bailed_out = excess + shift
        silo.carried += silo.bailed_out
    elif silo.carried > reserve:
        excess = silo.carried - reserve
        shift = int(silo.rho * excess) if prevention > 0.0 else 0
        silo.clawed_back = excess - shift
        silo.reinvested = shift
        silo.carried -= silo.clawed_back
    silo.shift = shift / 100.0
