"""Resilience and trust: crises reduce resilience, a parent's need reduces a child's, and trust recovers slowly."""

from __future__ import annotations

from collections.abc import Iterator

from sim.people.resilience import Resilience
from sim.people.trust import Trust
from sim.state.codes import REFERENCE_TRUST
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.town import LevelChange, Town
from sim.twins.mesa.updates import CRISIS, SERIOUS, WELL

CHILDHOOD_END = 18


def birthdays(town: Town, offset: int = 0, years: int = 1) -> Iterator[PersonAgent]:
    """People whose birthday is `offset` months after this month: a twelfth of all people, by slot number.

    Each person is included only once in `years` years.
    """
    for person in town.people[(town.month + offset) % (12 * years) :: 12 * years]:
        if person.is_present:
            yield person


@step("resilience")
def resilience(town: Town, p: Resilience) -> None:
    """Crises reduce resilience. On birthdays resilience drifts to 0, and home, help and school change it.

    On birthdays resilience is limited to `p.most_deviation` above and below 0.
    """
    for event in town.events:
        if event.new_level == CRISIS:
            event.person.resilience = rounded(event.person.resilience - scar_depth(town, p, event))
    for person in birthdays(town):
        r = person.resilience * (1.0 - p.fade)
        if person.age < CHILDHOOD_END:
            if person.dwelling.head.worst >= SERIOUS:
                r -= p.parent
            if any(person.helper(d) for d in town.domains):
                r += p.early_help
            r += person.neighbourhood.nurture[person.band]
        elif is_unsupported_carer(town, person):
            r -= p.carer * (1.0 - person.neighbourhood.time_to_care)
        person.resilience = rounded(min(p.most_deviation, max(-p.most_deviation, r)))


def scar_depth(town: Town, p: Resilience, event: LevelChange) -> float:
    """The loss of resilience in a crisis: larger in childhood and with overload, smaller with a person's network."""
    person = event.person
    excess_harm = 0.0
    for service in town.services:
        if service.domain == event.domain:
            excess_harm += service.crisis_share[person.band] * service.harm * service.overload
    depth = p.scar * (p.child_factor if person.age < CHILDHOOD_END else 1.0) * (1.0 + excess_harm)
    depth *= 1.0 - p.network * person.neighbourhood.network_crisis
    return depth if event.service is None else depth * event.service.scar


def is_unsupported_carer(town: Town, person: PersonAgent) -> bool:
    """Whether another person at home has serious need of informal care without help from a service."""
    for other in person.housemates():
        for d in town.domains:
            if town.rates.informal[d] and other.level[d] == SERIOUS and other.helper(d) is None:
                return True
    return False


@step("trust")
def trust(town: Town, p: Trust) -> None:
    """On birthdays trust drifts to its reference value, and failed requests are forgotten.

    Outreach to a person without need lowers trust.
    """
    for person in birthdays(town):
        value = person.trust + (REFERENCE_TRUST - person.trust) * p.fade
        if person.worst == WELL:
            value -= p.false_alarm * min(1.0, 12.0 * person.neighbourhood.outreach)
        person.trust = rounded(max(0.0, value))
        person.refused = set()
