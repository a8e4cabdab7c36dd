"""Need grows when it meets other needs and little support, and shrinks with time and help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.networks.support import Support
from sim.people.need import Need
from sim.state.tables import GONE
from sim.twins.mesa.bookkeeping import CRISIS, OF_AGE, SERIOUS, WELL, counted, set_level
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.support import support

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

MOST_WORSE = 0.45
"""No monthly probability of getting worse is higher."""
MOST_BETTER = 0.22
"""Nor one of getting better, but out of a crisis."""
CERTAIN = 65535.0 / 65536.0
"""As sure as anything is in a month."""
MOST_PROTECTED = 0.95
INFANT = 2
"""Children below this age are looked at in children's centres."""


@step("remembering")
def remembering(town: MesaModel, p: NoParams) -> None:
    """The month ends: the next one's chances rest on needs as they are now."""
    for person in town.people:
        person.before = person.level.copy()
        person.worst_next = max(person.level) if person.lives else GONE


@step("news")
def news(town: MesaModel, p: NoParams) -> None:
    """Those near one learn how one is, and the dice of the month to come are for those who live here now."""
    for person in town.people:
        person.worst = person.worst_next
        person.from_start = person.lives


@step("candidate_thinning")
def screening(town: MesaModel, p: NoParams) -> None:
    """Nobody's need has moved yet this month."""
    town.events.clear()


@step("need")
def need(town: MesaModel, p: Need) -> None:
    """In each domain, a low throw makes need worse, a high one better."""
    near: Support = town.parameters("support")
    held: dict[PersonAgent, float] = {}
    for d in town.domains:
        luck = town.luck("need and help", d)
        for person in town.people:
            u = luck[person.number]
            if not person.lives or not counted(town, person, d):
                continue
            if u < MOST_WORSE and person.before[d] < CRISIS:
                chance = apart_from_support(town, p, person, d)
                if u >= chance * isolation(p, 0.0):
                    continue  # it would not get worse even for somebody without anybody
                if person not in held:
                    held[person] = rounded(support(town, near, person))
                if u < min(MOST_WORSE, chance * isolation(p, held[person])):
                    set_level(town, person, d, person.before[d] + 1)
            elif person.before[d] > WELL:
                if u > 1.0 - improving(town, p, person, d):
                    set_level(town, person, d, person.before[d] - 1)
                elif held_back(town, person, d) and u > 1.0 - leaving(town, person, d):
                    town.counts.delayed[person.quintile][person.band] += 1


def helping(service: ServiceAgent, person: PersonAgent) -> float:
    """What help by a service does for somebody, 1 = baseline: its quality, the practice of the place, and the fit."""
    return service.quality * person.neighbourhood.practice * person.neighbourhood.fit


def isolation(p: Need, held: float) -> float:
    """What multiplies the probability of getting worse for somebody so far held up by others: less support, more."""
    return math.exp(-p.beta_support * (held - p.usual_support))


def apart_from_support(town: MesaModel, p: Need, person: PersonAgent, d: int) -> float:
    """The probability that need gets worse this month, for somebody held up by others as is usual."""
    level, hood = person.before[d], person.neighbourhood
    m = math.exp(-p.beta_resilience * person.resilience) * hood.exposure[d]
    for e, other in enumerate(person.before):
        if other > WELL and e != d:
            m *= 1.0 + town.rates.omega[d][e] * other
    helper = person.helper(d)
    if helper is not None:
        m *= 1.0 - min(MOST_PROTECTED, helper.protection * helping(helper, person))
    if town.rates.informal[d] and level > WELL and helper_at_home(person):
        m *= 1.0 - min(MOST_PROTECTED, p.informal * (1.0 + p.freed * hood.time_to_care))
    if person.age < INFANT and level == SERIOUS:
        m *= 1.0 + hood.infants
    up: float = town.rates.up[d][level][person.band][person.quintile]
    return up * m


def helper_at_home(person: PersonAgent) -> bool:
    """Whether another adult lives there who has no serious need."""
    return any(other.age >= OF_AGE and other.worst < SERIOUS for other in person.housemates())


def improving(town: MesaModel, p: Need, person: PersonAgent, d: int) -> float:
    """The probability that need gets better this month."""
    level = person.before[d]
    if level == CRISIS:
        return leaving(town, person, d) * (1.0 - p.delayed if held_back(town, person, d) else 1.0)
    rate: float = town.rates.down[d][level][person.band]
    helper = person.helper(d)
    if helper is not None:
        rate *= 1.0 + (helper.recovery - 1.0) * helping(helper, person)
    return min(MOST_BETTER, rate)


def leaving(town: MesaModel, person: PersonAgent, d: int) -> float:
    """The probability that a crisis would end this month if nothing were missing elsewhere."""
    return min(CERTAIN, float(town.rates.down[d][CRISIS][person.band]))


def held_back(town: MesaModel, person: PersonAgent, d: int) -> bool:
    """Whether a crisis waits for help in another domain: a hospital bed cannot be left without care at home."""
    e = town.rates.waits_for[d]
    return person.before[d] == CRISIS and e >= 0 and person.before[e] == SERIOUS and person.helper(e) is None
