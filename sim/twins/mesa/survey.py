"""A monthly survey of a twelfth of all people. No other mechanism depends on its results."""

from __future__ import annotations

import math

from sim.engine.schedule import NoParams
from sim.networks.support import Support
from sim.networks.survey import Survey
from sim.state.codes import CHILD_AGES, FINE
from sim.state.updates import HALF_A_YEAR
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.support import is_member, support
from sim.twins.mesa.town import Town
from sim.twins.mesa.trust_and_resilience import birthdays
from sim.twins.mesa.updates import ADULT_AGE, CRISIS, EMERGING, SERIOUS, WELL, is_counted

CO_OCCURRING = 2
"""Number of other needs from which a need counts as one of several."""


@step("company")
def company(town: Town, p: Support) -> None:
    """Survey the support of adults and their participation in groups."""
    interval = town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR, interval):
        if person.age >= ADULT_AGE:
            person.support = rounded(support(town, p, person))
            town.counts.members[person.quintile][person.band] += is_member(town, p, person) * interval


@step("survey")
def survey(town: Town, p: Survey) -> None:
    """Survey loneliness, trust, resilience and care for others at home. Count residents and children."""
    counts, interval = town.counts, town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR):
        counts.residents[person.neighbourhood.number] += 1
        if person.age < CHILD_AGES:
            counts.children[person.age][person.quintile] += 1
    for person in birthdays(town, HALF_A_YEAR, interval):
        if person.age < ADULT_AGE:
            continue
        q, b = person.quintile, person.band
        counts.surveyed[q][b] += interval
        counts.lonely[q][b] += fixed_point(loneliness_probability(p, person)) * interval
        counts.trusting[q][b] += fixed_point(person.trust) * interval
        counts.resilient[q][b] += fixed_point(person.resilience) * interval
        hours = care_hours(town, p, person)
        counts.carers[q][b] += (hours > 0.0) * interval
        counts.carer_hours[q][b] += fixed_point(hours) * interval


def fixed_point(answer: float) -> int:
    """An answer as an integer number of units of 1 / FINE."""
    return math.floor(answer * FINE + 0.5)


def loneliness_probability(p: Survey, person: PersonAgent) -> float:
    """The probability that an adult is lonely often or always."""
    threshold = p.lonely + (p.serious if person.worst >= SERIOUS else 0.0) - p.mellow * (person.age - ADULT_AGE) / 10.0
    return 1.0 / (1.0 + math.exp((person.support - threshold) / p.blur))


def care_hours(town: Town, p: Survey, person: PersonAgent) -> float:
    """Hours of care a week for others at home: the hours they need, shared between the adults who can give care."""
    hours = 0.0
    for d in town.domains:
        if not town.rates.informal[d] or person.level[d] == CRISIS:  # a person in a care home gives no care at home
            continue
        hours_needed, carers = 0.0, 0
        for other in person.dwelling.people:
            if not other.is_present:
                continue
            if other is not person and other.level[d] == SERIOUS:
                hours_needed += p.hours * (1.0 - (p.relief if other.helper(d) else 0.0))
            if other.age >= ADULT_AGE and other.level[d] < SERIOUS:
                carers += 1
        hours += hours_needed / max(1, carers if person.level[d] < SERIOUS else carers + 1)
    return hours


@step("co_occurring_needs")
def co_occurring_needs(town: Town, _: NoParams) -> None:
    """Survey needs without any other need, and needs with two or more other needs."""
    counts, interval = town.counts, town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR, interval):
        for d in town.domains:
            if EMERGING <= person.before[d] <= SERIOUS and is_counted(town, person, d):
                counts.need_alone[d] += (other_needs(town, person, d) == 0) * interval
                counts.need_several[d] += (other_needs(town, person, d) >= CO_OCCURRING) * interval


@step("eased_needs")
def eased_needs(town: Town, _: NoParams) -> None:
    """Count needs that eased this month, without any other need and with two or more other needs."""
    counts = town.counts
    for event in town.events:
        person, d = event.person, event.domain
        before = person.before[d]
        if EMERGING <= before <= SERIOUS and event.new_level < before and is_counted(town, person, d):
            counts.eased_alone[d] += other_needs(town, person, d) == 0
            counts.eased_several[d] += other_needs(town, person, d) >= CO_OCCURRING


def other_needs(town: Town, person: PersonAgent, d: int) -> int:
    """The number of a person's other needs as the month began."""
    return sum(person.before[e] > WELL for e in town.domains if e != d)
