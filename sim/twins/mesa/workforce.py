"""Staff: money opens posts, posts are filled slowly, time goes first to what is not help, work wears people out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.feedback.burnout import Burnout
from sim.services.coproduction_uptake import CoproductionUptake
from sim.services.hours import Hours
from sim.services.lay_helpers import LayHelpers
from sim.services.workforce import Workforce
from sim.state.tables import REFERENCE_TRUST, RESPONSIVE
from sim.twins.mesa.budget import is_acute
from sim.twins.mesa.month import step
from sim.twins.mesa.people import ServiceAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

ADULT = 4
"""The first age band of adults, from 18."""
USUAL_CONTRACT = 5.0
"""Years of a contract at baseline."""
LOOKED_AT = 20_000
"""About so many slots are looked at to tell the mean trust of the place."""


def between(least: float, most: float, value: float) -> float:
    """The value, or the limit that it is beyond."""
    return min(most, max(least, value))


def has_staff(service: ServiceAgent) -> bool:
    """Whether a service is told with staff that come and go."""
    return service.turnover > 0.0


@step("lay_helpers")
def lay_helpers(town: MesaModel, p: LayHelpers) -> None:
    """Helpers are found while some are wanted; the more of the pool is used, the fewer are found and the more stop."""
    adults = sum(sum(fifth[ADULT:]) for fifth in town.counts.people)
    helpers = sum(service.lay * service.workers for service in town.services)
    used = helpers / max(1.0, p.pool * adults)
    for service in town.services:
        if service.workers > 0.0:
            found = max(0.0, service.lay_staff - service.lay) / p.find * max(0.0, 1.0 - used)
            lost = p.quit * (1.0 + p.tiring * used) * service.lay
            service.lay = max(0.0, service.lay + found - lost)


@step("coproduction_uptake")
def coproduction_uptake(town: MesaModel, p: CoproductionUptake) -> None:
    """People who are offered a say take part if they trust; it is learnt over a year and forgotten over more."""
    willing = mean_trust(town) / REFERENCE_TRUST
    for service in town.services:
        gap = min(1.0, service.coproduction * willing) - service.coproduced
        service.coproduced += gap / (p.learn if gap > 0.0 else p.forget)


def mean_trust(town: MesaModel) -> float:
    """Mean trust of the people in a sample of slots, evenly spread."""
    sample = town.people[:: max(1, len(town.people) // LOOKED_AT)]
    trust = [person.trust for person in sample if person.lives]
    return sum(trust) / max(1, len(trust))


@step("workforce")
def workforce(town: MesaModel, p: Workforce) -> None:
    """A service opens the posts that it has money for, fills what it can find people for, and pays for both."""
    for service in town.services:
        if service.base_budget <= 0.0:
            continue
        cost_of_post = 1.0 + p.wages * (service.pay - 1.0)
        beside = p.helper_cost * service.lay + p.upkeep * service.freed
        wanted = posts_wanted(p, service, beside, cost_of_post)
        opened = open_posts(p, service, wanted) - service.establishment
        service.establishment += opened
        fill_posts(p, service, opened)
        service.posts = max(0.0, service.employed + service.agency)
        service.paid = max(0.0, service.employed + p.dearer * service.agency) * cost_of_post + beside


def inflow(p: Workforce, service: ServiceAgent) -> float:
    """How many people come where one would at baseline: more if there are more to find, and for better pay."""
    more: float = service.hiring_inflow * service.pay**p.attract
    return more


def posts_wanted(p: Workforce, service: ServiceAgent, beside: float, cost_of_post: float) -> float:
    """Posts that there is money for; acute services that the law demands keep those that their work needs."""
    wanted = max(0.0, service.plan / service.base_budget - beside) / cost_of_post
    if is_acute(service) and service.statutory and service.base_load > 0.0:
        needed = service.load / service.base_load * service.posts
        wanted = max(wanted, p.duty * min(1.0, needed / (1.0 - p.spare)))
    both = service.automation + service.automation_saving
    closed = service.freed * service.automation_saving / both if both > 0.0 else 0.0
    return wanted * (1.0 - closed)


def open_posts(p: Workforce, service: ServiceAgent, wanted: float) -> float:
    """Posts that are open after a month: new ones come slowly; old ones close as people leave, and little faster."""
    before = service.establishment
    if wanted > before:
        return before + (wanted - before) * min(1.0, inflow(p, service) / max(1.0, service.hire_months))
    return before - min(before - wanted, before * (service.turnover + p.redundancy))


def fill_posts(p: Workforce, service: ServiceAgent, opened: float) -> None:
    """Own staff after a month, what is vacant, and the agency staff who cover for it."""
    posts = service.establishment
    own = max(0.0, service.employed + opened)
    if has_staff(service):
        wanted = service.turnover * posts + (posts - own) / max(1.0, service.hire_months)
        hires = inflow(p, service) * max(0.0, min(p.pool * service.turnover * posts, wanted))
        own += hires - service.leaving * own
    usually_filled = 1.0 - service.vacancy_base
    service.employed = min(max(0.0, own), posts / usually_filled)
    service.vacancy = 1.0 - usually_filled * service.employed / posts if posts > 0.0 else 0.0
    service.agency = p.cover * (posts - service.employed) if service.statutory else 0.0


@step("hours")
def hours(town: MesaModel, p: Hours) -> None:
    """Recording, assessing and the rest come first; if little time is left, fewer are helped, and each of them less."""
    joined_up = sum(hood.joined_up for hood in town.neighbourhoods) / max(1, len(town.neighbourhoods))
    for service in town.services:
        if not has_staff(service):
            continue
        service.upheaval -= service.upheaval / p.settling
        service.admin = administration(p, service)
        left = max(0.05, 1.0 - service.admin - other_time(p, service)) / (1.0 - service.admin_base)
        if is_acute(service):
            service.hours = left
            if service.base_load > 0.0:
                service.workload = service.load / service.base_load
        else:
            share_hours(p, service, left, 1.0 - p.retold * joined_up)


def administration(p: Hours, service: ServiceAgent) -> float:
    """The part of working time that administration takes; what machines free of it is noted."""
    recording = service.admin_base * service.admin_share * (1.0 + p.ratchet * (service.compliance - 1.0))
    service.freed = recording * p.routine * min(1.0, service.automation + service.automation_saving)
    steering = p.counting * (service.targets - 0.5) - p.trusting * (service.autonomy - 0.5)
    return between(0.02, 0.85, recording - service.freed + steering)


def other_time(p: Hours, service: ServiceAgent) -> float:
    """The part of working time, beyond the baseline's, that is neither help nor administration."""
    return (
        service.training
        + service.upheaval
        + p.together * service.coproduced
        + p.asking_people * service.feedback
        + p.handover * (service.providers - 1.0)
        + p.tender * (1.0 / service.contract_length - 1.0 / USUAL_CONTRACT)
        + p.juggling * (service.continuity - 1.0)
    )


def share_hours(p: Hours, service: ServiceAgent, left: float, told_anew: float) -> None:
    """Share the hours of a service that is not acute: assessing comes first, the rest is for those helped.

    `left` is the part of a worker's time, over the baseline's, that is left; `told_anew` the part of an assessment that
    asks what no service was told before.
    """
    time = max(0.01, service.posts * left + (p.helper_time - p.minding) * service.lay)
    by_helpers = p.helper_time * service.lay
    service.lay_share = by_helpers / max(0.05, by_helpers + service.posts)
    usually = p.assessing if service.tier == RESPONSIVE else p.assessing / 3.0
    assessed = usually * told_anew * service.asking
    if service.usual_helped > 0.0:
        service.workload = ((1.0 - usually) * service.helped / service.usual_helped + assessed) / time
    for_help = max(0.2 * time, (time - assessed) / (1.0 - usually))
    short = between(0.01, 4.0, for_help / max(1e-6, service.establishment))
    cases = service.caseload * (1.0 + p.push * (service.targets - 0.5))
    service.places = service.base_places * service.establishment * cases * short ** (1.0 - p.stretch)
    service.hours = short**p.stretch / cases


@step("burnout")
def burnout(town: MesaModel, p: Burnout) -> None:
    """Burnout follows work, targets and what staff may decide; the burnt out, the ill paid and the unwelcome leave."""
    for service in town.services:
        if not has_staff(service):
            continue
        odds = math.log(p.usual / (1.0 - p.usual)) + p.strain * math.log(between(0.2, 5.0, service.workload))
        odds += p.control * (service.targets - 0.5) - p.freedom * (service.autonomy - 0.5)
        service.usual_burnout = p.usual
        service.burnout += (1.0 / (1.0 + math.exp(-odds)) - service.burnout) / p.memory
        worn_out = math.exp(p.flight * (service.burnout - p.usual))
        for_pay = max(0.2, service.pay) ** -p.pull
        not_at_home = 1.0 + p.abroad * (math.exp(p.uprooted * (0.5 - service.belonging)) - 1.0)
        service.leaving = min(0.5, min(0.5, service.turnover * worn_out * for_pay) * not_at_home)
