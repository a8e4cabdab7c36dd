"""A twelfth of all people are asked each month how they live; nothing in the town depends on what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.networks.support import Support
from sim.networks.survey import Survey
from sim.state.tables import CHILD_AGES, FINE
from sim.state.updates import HALF_A_YEAR
from sim.twins.mesa.bookkeeping import CRISIS, EMERGING, OF_AGE, SERIOUS, WELL, counted
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.support import is_member, support
from sim.twins.mesa.trust_and_resilience import birthdays

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

SEVERAL = 2
"""Needs beside the one in question from which somebody has several."""


@step("company")
def company(town: MesaModel, p: Support) -> None:
    """Who is held up, and who takes part in a group?"""
    each = town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR, each):
        if person.age >= OF_AGE:
            person.support = rounded(support(town, p, person))
            town.counts.members[person.quintile][person.band] += is_member(town, p, person) * each


@step("survey")
def survey(town: MesaModel, p: Survey) -> None:
    """Who is lonely, who trusts, who looks after somebody at home?"""
    counts, each = town.counts, town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR):
        counts.residents[person.neighbourhood.number] += 1
        if person.age < CHILD_AGES:
            counts.children[person.age][person.quintile] += 1
    for person in birthdays(town, HALF_A_YEAR, each):
        if person.age < OF_AGE:
            continue
        q, b = person.quintile, person.band
        counts.surveyed[q][b] += each
        counts.lonely[q][b] += fine(lonely(p, person)) * each
        counts.trusting[q][b] += fine(person.trust) * each
        counts.resilient[q][b] += fine(person.resilience) * each
        given = care_given(town, p, person)
        counts.carers[q][b] += (given > 0.0) * each
        counts.carer_hours[q][b] += fine(given) * each


def fine(answer: float) -> int:
    """An answer as a whole number of small parts."""
    return math.floor(answer * FINE + 0.5)


def lonely(p: Survey, person: PersonAgent) -> float:
    """The probability that an adult is lonely often or always."""
    wanted = p.lonely + (p.serious if person.worst >= SERIOUS else 0.0) - p.mellow * (person.age - OF_AGE) / 10.0
    return 1.0 / (1.0 + math.exp((person.support - wanted) / p.blur))


def care_given(town: MesaModel, p: Survey, person: PersonAgent) -> float:
    """Hours a week that somebody cares for others at home: what those need, shared by the adults who can."""
    given = 0.0
    for d in town.domains:
        if not town.rates.informal[d] or person.level[d] == CRISIS:  # who is in a care home cares for nobody here
            continue
        needed, able = 0.0, 0
        for other in person.dwelling.people:
            if not other.lives:
                continue
            if other is not person and other.level[d] == SERIOUS:
                needed += p.hours * (1.0 - (p.relief if other.helper(d) else 0.0))
            if other.age >= OF_AGE and other.level[d] < SERIOUS:
                able += 1
        given += needed / max(1, able if person.level[d] < SERIOUS else able + 1)
    return given


@step("co_occurring_needs")
def co_occurring_needs(town: MesaModel, p: NoParams) -> None:
    """Does one need mend more easily alone than among several?"""
    counts, each = town.counts, town.rates.asked_every[0]
    for person in birthdays(town, HALF_A_YEAR, each):
        for d in town.domains:
            if EMERGING <= person.before[d] <= SERIOUS and counted(town, person, d):
                counts.need_alone[d] += (beside(town, person, d) == 0) * each
                counts.need_several[d] += (beside(town, person, d) >= SEVERAL) * each


@step("eased_needs")
def eased_needs(town: MesaModel, p: NoParams) -> None:
    """Who left a need behind, with that need alone or with others?"""
    counts = town.counts
    for event in town.events:
        person, d = event.person, event.domain
        before = person.before[d]
        if EMERGING <= before <= SERIOUS and event.to < before and counted(town, person, d):
            counts.eased_alone[d] += beside(town, person, d) == 0
            counts.eased_several[d] += beside(town, person, d) >= SEVERAL


def beside(town: MesaModel, person: PersonAgent, d: int) -> int:
    """Other needs that somebody had as the month began."""
    return sum(person.before[e] > WELL for e in town.domains if e != d)
