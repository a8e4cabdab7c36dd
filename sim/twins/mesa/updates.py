"""Updates of a person's state that keep all counts consistent: need, help, age, and moves into and out of a slot."""

from __future__ import annotations

from sim.schema.quantities import AGE_BANDS
from sim.state.codes import EMPTY_SLOT, WAITING
from sim.twins.mesa.people import Dwelling, PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.town import Town

WELL, EMERGING, SERIOUS, CRISIS = range(4)
ADULT_AGE = 16
"""Age from which a person can head a household, join a group or care for others at home."""


def band_of(age: int) -> int:
    """The age band of an age in years."""
    return next(band for band, (first, last) in enumerate(AGE_BANDS) if first <= age <= last)


def is_counted(town: Town, person: PersonAgent, d: int) -> bool:
    """Whether a person's need is counted. A need shared by a household is counted for its reference person only."""
    return not town.rates.household[d] or person.is_head


def is_helped(code: int) -> bool:
    """Whether a code of `help` means that a service helps now. Other codes mean waiting or no help."""
    return 0 < code < WAITING


def service_of(town: Town, code: int) -> ServiceAgent:
    """The service in a code of `help`."""
    return town.services[code - WAITING if code >= WAITING else code - 1]


def still_served(town: Town, person: PersonAgent, d: int) -> bool:
    """Whether the service that helps a person, or has the person in its queue, serves their level of need and age."""
    service = service_of(town, person.help[d])
    return bool(service.serves[person.level[d]] and service.bands[person.band])


def count(town: Town, person: PersonAgent, change: int) -> None:
    """Add a person to every count of people (`change` = 1) or remove the person from every count (`change` = -1)."""
    q, b, counts = person.quintile, person.band, town.counts
    counts.people[q][b] += change
    for d in town.domains:
        if not is_counted(town, person, d):
            continue
        level, code = person.level[d], person.help[d]
        counts.census[d][level][q][b] += change
        if level == SERIOUS and not is_helped(code):
            counts.unmet[d][q][b] += change
        if code:
            service = service_of(town, code)
            if is_helped(code):
                service.helped += change
                counts.helped[service.number][q] += change
            else:
                service.queue += change
                counts.waiting[service.number][q] += change


def set_help(town: Town, person: PersonAgent, d: int, code: int) -> None:
    """Set a person's help in a domain and update the counts.

    `code` is 1 + service for help, 128 + service for a place in the queue, and 0 for neither.
    """
    old, q, counts = person.help[d], person.quintile, town.counts
    if old == code:
        return
    if old:
        former = service_of(town, old)
        if is_helped(old):
            former.helped -= 1
            counts.helped[former.number][q] -= 1
            counts.ended[former.number][q] += 1
        else:
            former.queue -= 1
            counts.waiting[former.number][q] -= 1
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


def set_level(town: Town, person: PersonAgent, d: int, level: int) -> None:
    """Set a person's level of need, or that of everybody in the dwelling if the household shares the need.

    Help, or waiting for help, ends if the service does not serve the new level. The change becomes an event.
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
    town.record_level_change(person, d, level)


def set_age(town: Town, person: PersonAgent, age: int) -> None:
    """Set a person's age. If the age band changes, all counts of the person move to the new band."""
    band = band_of(age)
    if band == person.band:
        person.age = age
        return
    count(town, person, -1)
    person.age, person.band = age, band
    count(town, person, 1)


def _empty_slot(town: Town, person: PersonAgent) -> None:
    """Remove a person from all counts and from Mesa, and reset the slot."""
    count(town, person, -1)
    person.age = EMPTY_SLOT
    person.level = [WELL for _ in town.domains]
    person.help = [0 for _ in town.domains]
    person.remove()


def vacate_home(town: Town, home: Dwelling) -> list[PersonAgent]:
    """Empty a dwelling. Return the slots that were occupied."""
    leavers = [person for person in home.people if person.is_present]
    for person in leavers:
        _empty_slot(town, person)
    home.occupants = 0
    return leavers


def vacate(town: Town, person: PersonAgent) -> None:
    """Remove a person who dies or leaves home.

    If the person headed the household, the oldest remaining adult becomes its head and takes over its help. If only
    children remain, they move out too.
    """
    home, was_head, former_help = person.dwelling, person.is_head, person.help
    _empty_slot(town, person)
    home.occupants -= 1
    if not was_head or home.occupants == 0:
        return
    remaining = [other for other in home.people if other.is_present]
    adults = [other for other in remaining if other.age >= ADULT_AGE]
    if adults:
        take_over(town, home, max(adults, key=lambda other: other.age), former_help)
        return
    for child in remaining:
        _empty_slot(town, child)
        town.counts.moved_out[child.quintile] += 1
    home.occupants = 0


def take_over(town: Town, home: Dwelling, heir: PersonAgent, former_help: list[int]) -> None:
    """Make `heir` the reference person of a dwelling.

    The heir takes over the former head's help in domains that the household shares (`former_help`, by domain). Help
    that does not serve the heir's level or age ends.
    """
    count(town, heir, -1)
    home.head = heir
    for d in town.domains:
        if town.rates.household[d]:
            heir.help[d] = former_help[d]
    count(town, heir, 1)
    for d in town.domains:
        if heir.help[d] and not still_served(town, heir, d):
            set_help(town, heir, d, 0)


def occupy(town: Town, place: PersonAgent, age: int, female: int, resilience: float, trust: float) -> None:
    """Put a person without needs into an empty slot. The caller adds the person to the counts once needs are set."""
    place.age, place.band, place.female = age, band_of(age), female
    place.resilience, place.trust = rounded(resilience), rounded(trust)
    place.refused = set()
    place.level = [WELL for _ in town.domains]
    place.before = [WELL for _ in town.domains]
    place.help = [0 for _ in town.domains]
    place.dwelling.occupants += 1
    town.register_newcomer(place)
