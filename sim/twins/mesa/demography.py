"""People grow older and leave home, die and are born."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.people.ageing import Ageing
from sim.people.life_and_death import LifeAndDeath
from sim.twins.mesa import rng
from sim.twins.mesa.bookkeeping import (
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
from sim.twins.mesa.month import step
from sim.twins.mesa.people import Dwelling, PersonAgent
from sim.twins.mesa.trust_and_resilience import birthdays

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

OLDEST = 109
MOST_DYING = 0.45
"""No monthly probability of dying is higher."""
MOST_OVERLOAD = 1.0
"""Overload beyond which no more people die of it."""
GIRLS = 0.488
LEAVES_FROM, LEAVES_TO = 18, 30
YOUNG_FROM, PRIME_FROM, MOTHERS_TO = 18, 25, 44


@step("ageing")
def ageing(town: MesaModel, p: Ageing) -> None:
    """On birthdays people grow a year older; what is not for their new age ends; the young may leave home."""
    key = town.key("leaving home")
    for person in birthdays(town):
        was = person.band
        set_age(town, person, min(OLDEST, person.age + 1))
        if person.band != was:
            grow_out(town, person, was)
        if LEAVES_FROM <= person.age <= LEAVES_TO and not person.leads:
            if rng.uniform(key, person.number) < p.leaves:
                leave_home(town, person)


def grow_out(town: MesaModel, person: PersonAgent, was: int) -> None:
    """End crises and help that are not for the age band that somebody has come into."""
    for d in town.domains:
        if person.level[d] == CRISIS and not town.rates.household[d] and not same_door(town, d, was, person.band):
            set_level(town, person, d, SERIOUS)
        if person.help[d] and not still_served(town, person, d):
            set_help(town, person, d, 0)


def same_door(town: MesaModel, d: int, old: int, new: int) -> bool:
    """Whether one acute service takes crises of both age bands."""
    return any(s.domain == d and s.crisis_share[old] > 0.0 and s.crisis_share[new] > 0.0 for s in town.services)


def leave_home(town: MesaModel, person: PersonAgent) -> None:
    """Move to the smallest empty home of the neighbourhood, if there is one.

    Needs of one's own and help with them come along; what the household shared stays behind.
    """
    empty = [home for home in person.neighbourhood.dwellings if home.occupants == 0]
    if not empty:
        return
    home = min(empty, key=lambda one: len(one.people))
    place = home.people[0]
    occupy(town, place, person.age, person.female, person.resilience, person.trust)
    home.head = place
    for d in town.domains:
        if not town.rates.household[d]:
            place.level[d], place.before[d], place.help[d] = person.level[d], person.before[d], person.help[d]
    count(town, place, 1)
    vacate(town, person)


@step("life_and_death")
def life_and_death(town: MesaModel, p: LifeAndDeath) -> None:
    """A low throw is a death, a high one a birth; the dice are for those who lived here when the month began."""
    sex = town.key("sex of a child")
    luck = town.luck("life and death")
    for person in town.people:
        if not person.from_start or not person.lives:
            continue
        u = luck[person.number]
        if u < dying(town, p, person):
            town.counts.died[person.quintile][person.band] += 1
            vacate(town, person)
        elif u > 1.0 - bearing(p, person):
            mother = mother_with_room(p, person)
            if mother is not None:
                bear(town, mother, 1 if rng.uniform(sex, person.number) < GIRLS else 0)


def dying(town: MesaModel, p: LifeAndDeath, person: PersonAgent) -> float:
    """The probability of dying this month: by age and fifth, and by serious needs and crises of one's own."""
    chance: float = town.rates.death[person.age][person.quintile]
    for d in town.domains:
        if town.rates.household[d]:
            continue
        if person.level[d] == CRISIS:
            chance *= p.crisis * (1.0 + p.stretched * overload(town, d, person.band))
        elif person.level[d] == SERIOUS:
            chance *= p.serious
    return min(MOST_DYING, chance)


def overload(town: MesaModel, d: int, band: int) -> float:
    """How overloaded those services are that take the crises of a domain, at an age."""
    total = 0.0
    for service in town.services:
        if service.domain == d:
            total += service.crisis_share[band] * service.overload
    return min(MOST_OVERLOAD, total)


def bearing(p: LifeAndDeath, person: PersonAgent) -> float:
    """The probability of giving birth this month."""
    if not person.female or not YOUNG_FROM <= person.age <= MOTHERS_TO:
        return 0.0
    return (p.births_young if person.age < PRIME_FROM else p.births_prime) / 12000.0


def room(home: Dwelling) -> PersonAgent | None:
    """The first empty place of a home, if any."""
    return next((place for place in home.people if not place.lives), None)


def mother_with_room(p: LifeAndDeath, person: PersonAgent) -> PersonAgent | None:
    """The woman whose turn it is or, where her home is full, the next one of the neighbourhood whose home has room."""
    around = person.neighbourhood.people
    k = around.index(person)
    for other in around[k:] + around[:k]:
        may = other is person or (other.lives and bearing(p, other) > 0.0)
        if may and room(other.dwelling) is not None:
            return other
    return None


def bear(town: MesaModel, mother: PersonAgent, female: int) -> None:
    """A child is born into a home, and into what troubles it."""
    place = room(mother.dwelling)
    assert place is not None
    q = place.quintile
    occupy(town, place, 0, female, town.rates.resilience[0][q], town.rates.trust[0][q])
    for d in town.domains:
        if town.rates.household[d]:
            place.level[d] = place.before[d] = mother.level[d]
    count(town, place, 1)
    town.counts.born[q] += 1
