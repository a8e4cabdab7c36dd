"""Whatever changes in somebody's life is written down at once: levels, help, birthdays, who lives where, all counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.schema.quantities import AGE_BANDS
from sim.state.tables import EMPTY_SLOT, WAITING
from sim.twins.mesa.people import Dwelling, PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

WELL, EMERGING, SERIOUS, CRISIS = range(4)
OF_AGE = 16
"""From this age on somebody can keep a household, join a group or help at home."""


def band_of(age: int) -> int:
    """The age band that an age falls in."""
    return next(band for band, (first, last) in enumerate(AGE_BANDS) if first <= age <= last)


def counted(town: MesaModel, person: PersonAgent, d: int) -> bool:
    """Whether a need is counted as theirs: one that a household shares is counted for its reference person."""
    return not town.rates.household[d] or person.leads


def is_helped(code: int) -> bool:
    """Whether a code of `help` says that somebody helps now, rather than that they wait or have nobody."""
    return 0 < code < WAITING


def service_of(town: MesaModel, code: int) -> ServiceAgent:
    """The service that a code of `help` names."""
    return town.services[code - WAITING if code >= WAITING else code - 1]


def still_served(town: MesaModel, person: PersonAgent, d: int) -> bool:
    """Whether the service that helps them, or will, is for their level of need and their age."""
    service = service_of(town, person.help[d])
    return bool(service.serves[person.level[d]] and service.bands[person.band])


def count(town: MesaModel, person: PersonAgent, one: int) -> None:
    """Add a person to every count of people (one = 1), or take them out (one = -1)."""
    q, b, counts = person.quintile, person.band, town.counts
    counts.people[q][b] += one
    for d in town.domains:
        if not counted(town, person, d):
            continue
        level, code = person.level[d], person.help[d]
        counts.census[d][level][q][b] += one
        if level == SERIOUS and not is_helped(code):
            counts.unmet[d][q][b] += one
        if code:
            service = service_of(town, code)
            if is_helped(code):
                service.helped += one
                counts.helped[service.number][q] += one
            else:
                service.queue += one
                counts.waiting[service.number][q] += one


def set_help(town: MesaModel, person: PersonAgent, d: int, code: int) -> None:
    """Give somebody help (1 + service), a place in a queue (128 + service), or neither (0)."""
    old, q, counts = person.help[d], person.quintile, town.counts
    if old == code:
        return
    if old:
        left = service_of(town, old)
        if is_helped(old):
            left.helped -= 1
            counts.helped[left.number][q] -= 1
            counts.ended[left.number][q] += 1
        else:
            left.queue -= 1
            counts.waiting[left.number][q] -= 1
    if code:
        joined = service_of(town, code)
        if is_helped(code):
            joined.helped += 1
            counts.helped[joined.number][q] += 1
            counts.started[joined.number][q] += 1
        else:
            joined.queue += 1
            counts.waiting[joined.number][q] += 1
    if person.level[d] == SERIOUS:
        counts.unmet[d][q][person.band] += is_helped(old) - is_helped(code)
    person.help[d] = code


def set_level(town: MesaModel, person: PersonAgent, d: int, level: int) -> None:
    """Move somebody's need to another level; everybody's in the home, if the household shares it.

    Help, and waiting for it, ends if it is not for the new level.
    """
    old, q, b = person.level[d], person.quintile, person.band
    if old == level:
        return
    town.counts.census[d][old][q][b] -= 1
    town.counts.census[d][level][q][b] += 1
    if not is_helped(person.help[d]):
        town.counts.unmet[d][q][b] += (level == SERIOUS) - (old == SERIOUS)
    person.level[d] = level
    if town.rates.household[d]:
        for other in person.housemates():
            other.level[d] = level
    if person.help[d] and not still_served(town, person, d):
        set_help(town, person, d, 0)
    town.happened(person, d, level)


def set_age(town: MesaModel, person: PersonAgent, age: int) -> None:
    """Make somebody older; all counts move with them where they pass from one age band to the next."""
    band = band_of(age)
    if band == person.band:
        person.age = age
        return
    count(town, person, -1)
    person.age, person.band = age, band
    count(town, person, 1)


def _go(town: MesaModel, person: PersonAgent) -> None:
    """Leave an empty place behind."""
    count(town, person, -1)
    person.age = EMPTY_SLOT
    person.level = [WELL for _ in town.domains]
    person.help = [0 for _ in town.domains]
    person.remove()


def vacate_home(town: MesaModel, home: Dwelling) -> list[PersonAgent]:
    """A whole household goes. Gives their places."""
    left = [person for person in home.people if person.lives]
    for person in left:
        _go(town, person)
    home.occupants = 0
    return left


def vacate(town: MesaModel, person: PersonAgent) -> None:
    """Somebody dies or leaves. The oldest adult who stays takes over a household, and the help that it has.

    Children left alone leave too.
    """
    home, led, had = person.dwelling, person.leads, person.help
    _go(town, person)
    home.occupants -= 1
    if not led or home.occupants == 0:
        return
    stay = [other for other in home.people if other.lives]
    adults = [other for other in stay if other.age >= OF_AGE]
    if adults:
        take_over(town, home, max(adults, key=lambda other: other.age), had)
        return
    for child in stay:
        _go(town, child)
        town.counts.moved_out[child.quintile] += 1
    home.occupants = 0


def take_over(town: MesaModel, home: Dwelling, heir: PersonAgent, had: list[int]) -> None:
    """Become the reference person of a home; of the help that the last one had, take over what is for the household."""
    count(town, heir, -1)
    home.head = heir
    for d in town.domains:
        if town.rates.household[d]:
            heir.help[d] = had[d]
    count(town, heir, 1)
    for d in town.domains:
        if heir.help[d] and not still_served(town, heir, d):
            set_help(town, heir, d, 0)


def occupy(town: MesaModel, place: PersonAgent, age: int, female: int, resilience: float, trust: float) -> None:
    """Somebody without needs comes to live in an empty place. They are counted once their needs are known."""
    place.age, place.band, place.female = age, band_of(age), female
    place.resilience, place.trust = rounded(resilience), rounded(trust)
    place.refused = set()
    place.level = [WELL for _ in town.domains]
    place.before = [WELL for _ in town.domains]
    place.help = [0 for _ in town.domains]
    place.dwelling.occupants += 1
    town.arrived(place)
