"""Ageing, leaving home, deaths and births."""

from __future__ import annotations

from sim.people.ageing import Ageing
from sim.people.life_and_death import LifeAndDeath
from sim.twins.mesa import rng
from sim.twins.mesa.month import step
from sim.twins.mesa.people import Dwelling, PersonAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.trust_and_resilience import birthdays
from sim.twins.mesa.updates import (
    CRISIS,
    SERIOUS,
    count,
    occupy,
    set_age,
    set_help,
    set_level,
    still_served,
    vacate,
)

MAX_AGE = 109
LEAVING_HOME_FROM, LEAVING_HOME_TO = 18, 30
FERTILE_FROM, PRIME_FROM, FERTILE_TO = 18, 25, 44


@step("ageing")
def ageing(town: Town, p: Ageing) -> None:
    """On birthdays people grow a year older, outgrown help ends, and young adults may leave home."""
    key = town.key("leaving home")
    for person in birthdays(town):
        old_band = person.band
        set_age(town, person, min(MAX_AGE, person.age + 1))
        if person.band != old_band:
            end_outgrown_help(town, person, old_band)
        if LEAVING_HOME_FROM <= person.age <= LEAVING_HOME_TO and not person.is_head:
            if rng.uniform(key, person.number) < p.leaves:
                leave_home(town, person)


def end_outgrown_help(town: Town, person: PersonAgent, old_band: int) -> None:
    """End crises and help that do not apply to a person's new age band."""
    for d in town.domains:
        if (
            person.level[d] == CRISIS
            and not town.rates.household[d]
            and not share_acute_service(town, d, old_band, person.band)
        ):
            set_level(town, person, d, SERIOUS)
        if person.help[d] and not still_served(town, person, d):
            set_help(town, person, d, 0)


def share_acute_service(town: Town, d: int, old: int, new: int) -> bool:
    """Whether one acute service takes crises of both age bands in a domain."""
    return any(s.domain == d and s.crisis_share[old] > 0.0 and s.crisis_share[new] > 0.0 for s in town.services)


def leave_home(town: Town, person: PersonAgent) -> None:
    """Move a person to the smallest empty dwelling of the neighbourhood, if there is one.

    The person keeps individual needs and the help for them. Needs that the household shares stay behind.
    """
    empty = [home for home in person.neighbourhood.dwellings if home.occupants == 0]
    if not empty:
        return
    home = min(empty, key=lambda candidate: len(candidate.people))
    slot = home.people[0]
    occupy(town, slot, person.age, person.female, person.resilience, person.trust)
    home.head = slot
    for d in town.domains:
        if not town.rates.household[d]:
            slot.level[d], slot.before[d], slot.help[d] = person.level[d], person.before[d], person.help[d]
    count(town, slot, 1)
    vacate(town, person)


@step("life_and_death")
def life_and_death(town: Town, p: LifeAndDeath) -> None:
    """A low random number is a death, a high one a birth. Only residents at the start of the month take part."""
    sex = town.key("sex of a child")
    draws = town.draws("life and death")
    for person in town.people:
        if not person.present_at_start or not person.is_present:
            continue
        u = draws[person.number]
        if u < death_probability(town, p, person):
            town.counts.died[person.quintile][person.band] += 1
            vacate(town, person)
        elif u > 1.0 - birth_probability(p, person):
            mother = find_mother(p, person)
            if mother is not None:
                add_newborn(town, mother, 1 if rng.uniform(sex, person.number) < p.girls else 0)


def death_probability(town: Town, p: LifeAndDeath, person: PersonAgent) -> float:
    """The probability of death this month, by age, fifth, serious needs and crises; at most `p.most_death`."""
    chance: float = town.rates.death[person.age][person.quintile]
    for d in town.domains:
        if town.rates.household[d]:
            continue
        if person.level[d] == CRISIS:
            chance *= p.crisis * (1.0 + p.stretched * overload(town, p, d, person.band))
        elif person.level[d] == SERIOUS:
            chance *= p.serious
    return min(p.most_death, chance)


def overload(town: Town, p: LifeAndDeath, d: int, band: int) -> float:
    """The overload of the services that take a domain's crises in an age band, at most `p.most_overload`."""
    total = 0.0
    for service in town.services:
        if service.domain == d:
            total += service.crisis_share[band] * service.overload
    return min(p.most_overload, total)


def birth_probability(p: LifeAndDeath, person: PersonAgent) -> float:
    """The probability of a birth this month."""
    if not person.female or not FERTILE_FROM <= person.age <= FERTILE_TO:
        return 0.0
    return (p.births_young if person.age < PRIME_FROM else p.births_prime) / 12000.0


def empty_slot(home: Dwelling) -> PersonAgent | None:
    """The first empty slot of a dwelling, if any."""
    return next((slot for slot in home.people if not slot.is_present), None)


def find_mother(p: LifeAndDeath, person: PersonAgent) -> PersonAgent | None:
    """The woman drawn or, if her dwelling is full, the next woman of the neighbourhood with a free slot at home."""
    neighbours = person.neighbourhood.people
    k = neighbours.index(person)
    for other in neighbours[k:] + neighbours[:k]:
        eligible = other is person or (other.is_present and birth_probability(p, other) > 0.0)
        if eligible and empty_slot(other.dwelling) is not None:
            return other
    return None


def add_newborn(town: Town, mother: PersonAgent, female: int) -> None:
    """Add a newborn child to the mother's dwelling, with the needs that the household shares."""
    slot = empty_slot(mother.dwelling)
    assert slot is not None
    q = slot.quintile
    occupy(town, slot, 0, female, town.rates.resilience[0][q], town.rates.trust[0][q])
    for d in town.domains:
        if town.rates.household[d]:
            slot.level[d] = slot.before[d] = mother.level[d]
    count(town, slot, 1)
    town.counts.born[q] += 1
