"""Staff: budgets open posts, posts are filled slowly, overheads take time first, and workload causes burnout."""

from __future__ import annotations

import math

from sim.feedback.burnout import Burnout
from sim.services.coproduction_uptake import CoproductionUptake
from sim.services.hours import Hours
from sim.services.lay_helpers import LayHelpers
from sim.services.workforce import Workforce
from sim.state.codes import REFERENCE_TRUST, RESPONSIVE
from sim.twins.mesa.budget import is_acute
from sim.twins.mesa.month import step
from sim.twins.mesa.people import ServiceAgent
from sim.twins.mesa.town import Town

ADULT = 4
"""The first age band of adults (from 18)."""
TRUST_SAMPLE = 20_000
"""Approximate number of slots in the sample for the mean trust of the place."""


def clamp(least: float, most: float, value: float) -> float:
    """The value, limited to the range from `least` to `most`."""
    return min(most, max(least, value))


def has_staff(service: ServiceAgent) -> bool:
    """Whether the model of a service includes staff turnover."""
    return service.turnover > 0.0


@step("lay_helpers")
def lay_helpers(town: Town, p: LayHelpers) -> None:
    """Services recruit lay helpers up to their target. As the pool empties, fewer are recruited and more stop."""
    adults = sum(sum(fifth[ADULT:]) for fifth in town.counts.people)
    helpers = sum(service.lay * service.workers for service in town.services)
    used_share = helpers / max(1.0, p.pool * adults)
    for service in town.services:
        if service.workers > 0.0:
            gained = max(0.0, service.lay_staff - service.lay) / p.find * max(0.0, 1.0 - used_share)
            leaving = p.quit * (1.0 + p.tiring * used_share) * service.lay
            service.lay = max(0.0, service.lay + gained - leaving)


@step("coproduction_uptake")
def coproduction_uptake(town: Town, p: CoproductionUptake) -> None:
    """Coproduction rises with its offer and with trust, and adjusts over months: `p.learn` up and `p.forget` down."""
    relative_trust = mean_trust(town) / REFERENCE_TRUST
    for service in town.services:
        gap = min(1.0, service.coproduction * relative_trust) - service.coproduced
        service.coproduced += gap / (p.learn if gap > 0.0 else p.forget)


def mean_trust(town: Town) -> float:
    """Mean trust of the people in an evenly spaced sample of slots."""
    sample = town.people[:: max(1, len(town.people) // TRUST_SAMPLE)]
    trust = [person.trust for person in sample if person.is_present]
    return sum(trust) / max(1, len(trust))


@step("workforce")
def workforce(town: Town, p: Workforce) -> None:
    """A service opens the posts that its budget allows, fills them as it finds staff, and pays for them."""
    for service in town.services:
        if service.base_budget <= 0.0:
            continue
        cost_of_post = 1.0 + p.wages * (service.pay - 1.0)
        side_costs = p.helper_cost * service.lay + p.upkeep * service.freed
        wanted = posts_wanted(p, service, side_costs, cost_of_post)
        opened = open_posts(p, service, wanted) - service.establishment
        service.establishment += opened
        fill_posts(p, service, opened)
        service.posts = max(0.0, service.employed + service.agency)
        service.paid = max(0.0, service.employed + p.agency_cost * service.agency) * cost_of_post + side_costs


def hiring_factor(p: Workforce, service: ServiceAgent) -> float:
    """The number of applicants over the baseline: it rises with the supply of staff and with pay."""
    factor: float = service.hiring_inflow * service.pay**p.attract
    return factor


def posts_wanted(p: Workforce, service: ServiceAgent, side_costs: float, cost_of_post: float) -> float:
    """The posts that the budget allows. Statutory acute services keep at least the share `p.duty` of needed posts."""
    wanted = max(0.0, service.plan / service.base_budget - side_costs) / cost_of_post
    if is_acute(service) and service.statutory and service.base_load > 0.0:
        needed = service.load / service.base_load * service.posts
        wanted = max(wanted, p.duty * min(1.0, needed / (1.0 - p.spare)))
    savings = service.automation + service.automation_saving
    automated_share = service.freed * service.automation_saving / savings if savings > 0.0 else 0.0
    return wanted * (1.0 - automated_share)


def open_posts(p: Workforce, service: ServiceAgent, wanted: float) -> float:
    """The number of posts after a month: new posts open slowly, and posts close by turnover and few redundancies."""
    before = service.establishment
    if wanted > before:
        return before + (wanted - before) * min(1.0, hiring_factor(p, service) / max(1.0, service.hire_months))
    return before - min(before - wanted, before * (service.turnover + p.redundancy))


def fill_posts(p: Workforce, service: ServiceAgent, opened: float) -> None:
    """Set a service's employees, vacancies and agency staff after a month."""
    posts = service.establishment
    staff = max(0.0, service.employed + opened)
    if has_staff(service):
        wanted = service.turnover * posts + (posts - staff) / max(1.0, service.hire_months)
        hires = hiring_factor(p, service) * max(0.0, min(p.pool * service.turnover * posts, wanted))
        staff += hires - service.leaving * staff
    baseline_filled = 1.0 - service.vacancy_base
    service.employed = min(max(0.0, staff), posts / baseline_filled)
    service.vacancy = 1.0 - baseline_filled * service.employed / posts if posts > 0.0 else 0.0
    service.agency = p.cover * (posts - service.employed) if service.statutory else 0.0


@step("hours")
def hours(town: Town, p: Hours) -> None:
    """Recording, assessment and other overheads take time first. Less time leaves fewer places and less help."""
    joined_up = sum(hood.joined_up for hood in town.neighbourhoods) / max(1, len(town.neighbourhoods))
    for service in town.services:
        if not has_staff(service):
            continue
        service.upheaval -= service.upheaval / p.settling
        service.admin = administration(p, service)
        help_time = max(p.least_left, 1.0 - service.admin - other_time(p, service)) / (1.0 - service.admin_base)
        if is_acute(service):
            service.hours = help_time
            if service.base_load > 0.0:
                service.workload = service.load / service.base_load
        else:
            share_hours(p, service, help_time, 1.0 - p.retold * joined_up)


def administration(p: Hours, service: ServiceAgent) -> float:
    """The share of working time for administration, within the bounds of the parameters. Also set `freed`.

    `freed` is the share of working time that automation saves.
    """
    recording = service.admin_base * service.admin_share * (1.0 + p.ratchet * (service.compliance - 1.0))
    service.freed = recording * p.routine * min(1.0, service.automation + service.automation_saving)
    steering = p.counting * (service.targets - 0.5) - p.trusting * (service.autonomy - 0.5)
    return clamp(p.least_admin, p.most_admin, recording - service.freed + steering)


def other_time(p: Hours, service: ServiceAgent) -> float:
    """The share of working time, beyond the baseline, that is neither help nor administration."""
    return (
        service.training
        + service.upheaval
        + p.together * service.coproduced
        + p.asking_people * service.feedback
        + p.handover * (service.providers - 1.0)
        + p.tender * (1.0 / service.contract_length - 1.0 / service.usual_contract)
        + p.juggling * (service.continuity - 1.0)
    )


def share_hours(p: Hours, service: ServiceAgent, help_time: float, retold_share: float) -> None:
    """Divide the hours of a service that is not acute: assessment first, then help.

    Parameters
    ----------
    p
        Parameters of the mechanism.
    service
        The service. Its places, hours, workload and share of lay help are set.
    help_time
        Share of a worker's time that is left after overheads, over the baseline's.
    retold_share
        Share of an assessment that asks for information which no other service can pass on.
    """
    time = max(0.01, service.posts * help_time + (p.helper_time - p.minding) * service.lay)
    by_helpers = p.helper_time * service.lay
    service.lay_share = by_helpers / max(0.05, by_helpers + service.posts)
    baseline_assessing = p.assessing if service.tier == RESPONSIVE else p.assessing / p.lighter
    assessed = baseline_assessing * retold_share * service.asking
    if service.usual_helped > 0.0:
        service.workload = ((1.0 - baseline_assessing) * service.helped / service.usual_helped + assessed) / time
    for_help = max(p.least_help * time, (time - assessed) / (1.0 - baseline_assessing))
    time_per_post = clamp(p.least_time_per_post, p.most_time_per_post, for_help / max(1e-6, service.establishment))
    caseload_factor = service.caseload * (1.0 + p.push * (service.targets - 0.5))
    service.places = service.base_places * service.establishment * caseload_factor * time_per_post ** (1.0 - p.stretch)
    service.hours = time_per_post**p.stretch / caseload_factor


@step("burnout")
def burnout(town: Town, p: Burnout) -> None:
    """Burnout follows workload, targets and autonomy. Staff leave more with burnout, low pay and little belonging."""
    for service in town.services:
        if not has_staff(service):
            continue
        log_odds = math.log(p.reference / (1.0 - p.reference)) + p.strain * math.log(
            clamp(p.least_workload, p.most_workload, service.workload)
        )
        log_odds += p.control * (service.targets - 0.5) - p.freedom * (service.autonomy - 0.5)
        service.usual_burnout = p.reference
        service.burnout += (1.0 / (1.0 + math.exp(-log_odds)) - service.burnout) / p.memory
        burnout_factor = math.exp(p.flight * (service.burnout - p.reference))
        pay_factor = max(p.least_pay, service.pay) ** -p.pull
        belonging_factor = 1.0 + p.abroad * (math.exp(p.uprooted * (0.5 - service.belonging)) - 1.0)
        service.leaving = min(
            p.most_leaving, min(p.most_leaving, service.turnover * burnout_factor * pay_factor) * belonging_factor
        )
