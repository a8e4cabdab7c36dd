"""What people carry with them: a crisis scars, a parent's trouble wears a child down, trust comes back slowly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.people.resilience import Resilience
from sim.people.trust import Trust
from sim.state.tables import REFERENCE_TRUST
from sim.twins.mesa.bookkeeping import CRISIS, SERIOUS, WELL
from sim.twins.mesa.model import LevelChange
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent
from sim.twins.mesa.rng import rounded

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

GROWN_UP = 18


def birthdays(town: MesaModel, later: int = 0, years: int = 1) -> Iterator[PersonAgent]:
    """Those whose birthday is this month, or was so many months ago: a twelfth of all, by their place in the town. Of
    them each only once in so many years."""
    for person in town.people[(town.month + later) % (12 * years) :: 12 * years]:
        if person.lives:
            yield person


@step("resilience")
def resilience(town: MesaModel, p: Resilience) -> None:
    """Crises scar; on birthdays old scars fade, and home, help and school do their part."""
    for event in town.events:
        if event.to == CRISIS:
            event.person.resilience = rounded(event.person.resilience - scar(town, p, event))
    for person in birthdays(town):
        r = person.resilience * (1.0 - p.fade)
        if person.age < GROWN_UP:
            if person.dwelling.head.worst >= SERIOUS:
                r -= p.parent
            if any(person.helper(d) for d in town.domains):
                r += p.early_help
            r += person.neighbourhood.nurture[person.band]
        elif is_strained(town, person):
            r -= p.carer * (1.0 - person.neighbourhood.time_to_care)
        person.resilience = rounded(min(1.0, max(-1.0, r)))


def scar(town: MesaModel, p: Resilience, event: LevelChange) -> float:
    """How deep a crisis cuts: deeper in childhood and where care is overloaded, less with one's own network there."""
    person = event.person
    harm = 0.0
    for service in town.services:
        if service.domain == event.domain:
            harm += service.crisis_share[person.band] * service.harm * service.overload
    depth = p.scar * (p.child_factor if person.age < GROWN_UP else 1.0) * (1.0 + harm)
    depth *= 1.0 - p.network * person.neighbourhood.network_crisis
    return depth if event.service is None else depth * event.service.scar


def is_strained(town: MesaModel, person: PersonAgent) -> bool:
    """Whether somebody at home has serious need of care with which nobody helps."""
    for other in person.housemates():
        for d in town.domains:
            if town.rates.informal[d] and other.level[d] == SERIOUS and other.helper(d) is None:
                return True
    return False


@step("trust")
def trust(town: MesaModel, p: Trust) -> None:
    """On birthdays trust drifts back to what is usual, and a failed request is forgotten.

    Somebody well whom outreach approached by mistake trusts less.
    """
    for person in birthdays(town):
        now = person.trust + (REFERENCE_TRUST - person.trust) * p.fade
        if person.worst == WELL:
            now -= p.false_alarm * min(1.0, 12.0 * person.neighbourhood.outreach)
        person.trust = rounded(max(0.0, now))
        person.refused = set()
