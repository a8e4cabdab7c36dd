"""Need worsens with other needs and little support, and improves with time and help."""

from __future__ import annotations

import math

from sim.engine.schedule import NoParams
from sim.networks.support import Support
from sim.people.need import Need
from sim.state.codes import GONE
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.support import support
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import ADULT_AGE, CRISIS, SERIOUS, WELL, is_counted, set_level

MAX_CRISIS_END = 65535.0 / 65536.0
"""Upper limit of the monthly probability that a crisis ends."""
INFANT_AGE = 2
"""Children below this age are infants, whose need a children's centre detects earlier."""


@step("remembering")
def remembering(town: Town, _: NoParams) -> None:
    """Store the current levels of need at the end of the month: next month's probabilities depend on them."""
    for person in town.people:
        person.before = person.level.copy()
        person.worst_next = max(person.level) if person.is_present else GONE


@step("news")
def news(town: Town, _: NoParams) -> None:
    """Make each person's highest level of need known to others, and mark the residents at the start of the month."""
    for person in town.people:
        person.worst = person.worst_next
        person.present_at_start = person.is_present


@step("candidate_thinning")
def candidate_thinning(town: Town, _: NoParams) -> None:
    """Clear the month's list of changes of need."""
    town.events.clear()


@step("need")
def need(town: Town, p: Need) -> None:
    """In each domain, a low random number makes need worse and a high one makes it better, by one level."""
    support_parameters: Support = town.parameters("support")
    supports: dict[PersonAgent, float] = {}
    for d in town.domains:
        draws = town.draws("need and help", d)
        for person in town.people:
            u = draws[person.number]
            if not person.is_present or not is_counted(town, person, d):
                continue
            if u < p.most_worsening and person.before[d] < CRISIS:
                chance = worsening_without_support(town, p, person, d)
                if u >= chance * support_factor(p, 0.0):
                    continue  # need would not get worse even without any support
                if person not in supports:
                    supports[person] = rounded(support(town, support_parameters, person))
                if u < min(p.most_worsening, chance * support_factor(p, supports[person])):
                    set_level(town, person, d, person.before[d] + 1)
            elif person.before[d] > WELL:
                if u > 1.0 - improvement_probability(town, p, person, d):
                    set_level(town, person, d, person.before[d] - 1)
                elif is_delayed(town, person, d) and u > 1.0 - crisis_end_probability(town, person, d):
                    town.counts.delayed[person.quintile][person.band] += 1


def help_effect(service: ServiceAgent, person: PersonAgent) -> float:
    """The effect of a service's help on a person (1 = baseline): quality times practice times fit."""
    return service.quality * person.neighbourhood.practice * person.neighbourhood.fit


def support_factor(p: Need, value: float) -> float:
    """The factor of a person's support on the probability of worsening: less support raises it."""
    return math.exp(-p.beta_support * (value - p.usual_support))


def worsening_without_support(town: Town, p: Need, person: PersonAgent, d: int) -> float:
    """The probability that need gets worse this month at baseline support, before the upper limit."""
    level, hood = person.before[d], person.neighbourhood
    factor = math.exp(-p.beta_resilience * person.resilience) * hood.exposure[d]
    for e, other_level in enumerate(person.before):
        if other_level > WELL and e != d:
            factor *= 1.0 + town.rates.omega[d][e] * other_level
    helper = person.helper(d)
    if helper is not None:
        factor *= 1.0 - min(p.most_protection, helper.protection * help_effect(helper, person))
    if town.rates.informal[d] and level > WELL and has_carer_at_home(person):
        factor *= 1.0 - min(p.most_protection, p.informal * (1.0 + p.freed * hood.time_to_care))
    if person.age < INFANT_AGE and level == SERIOUS:
        factor *= 1.0 + hood.infants
    rate: float = town.rates.up[d][level][person.band][person.quintile]
    return rate * factor


def has_carer_at_home(person: PersonAgent) -> bool:
    """Whether another adult without serious need lives in the person's dwelling."""
    return any(other.age >= ADULT_AGE and other.worst < SERIOUS for other in person.housemates())


def improvement_probability(town: Town, p: Need, person: PersonAgent, d: int) -> float:
    """The probability that need gets better this month; at most `p.most_improvement`, except out of a crisis."""
    level = person.before[d]
    if level == CRISIS:
        return crisis_end_probability(town, person, d) * (1.0 - p.delayed if is_delayed(town, person, d) else 1.0)
    rate: float = town.rates.down[d][level][person.band]
    helper = person.helper(d)
    if helper is not None:
        rate *= 1.0 + (helper.recovery - 1.0) * help_effect(helper, person)
    return min(p.most_improvement, rate)


def crisis_end_probability(town: Town, person: PersonAgent, d: int) -> float:
    """The probability that a crisis ends this month if no help in another domain is missing."""
    return min(MAX_CRISIS_END, float(town.rates.down[d][CRISIS][person.band]))


def is_delayed(town: Town, person: PersonAgent, d: int) -> bool:
    """Whether the end of a crisis is delayed by missing help in another domain, such as care at home."""
    e = town.rates.waits_for[d]
    return person.before[d] == CRISIS and e >= 0 and person.before[e] == SERIOUS and person.helper(e) is None
