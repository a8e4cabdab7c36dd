"""Where nobody can be refused: acute services open an episode for each crisis, and their doors are open to all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.services.acute import Acute
from sim.state.tables import ACUTE, CHILD_AGES
from sim.twins.mesa import rng
from sim.twins.mesa.bookkeeping import CRISIS, counted
from sim.twins.mesa.month import step
from sim.twins.mesa.need import helping
from sim.twins.mesa.people import PersonAgent, ServiceAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel


def open_episode(town: MesaModel, service: ServiceAgent, person: PersonAgent) -> None:
    """Count an episode."""
    counts, s, q = town.counts, service.number, person.quintile
    counts.opened[s][q][person.band] += 1
    counts.opened_in[s][person.neighbourhood.number] += 1
    if person.age < CHILD_AGES:
        counts.opened_age[s][person.age][q] += 1


@step("acute_episodes")
def acute_episodes(town: MesaModel, p: Acute) -> None:
    """Each crisis goes to one of the acute services of its domain, or to an alternative to it."""
    for k, event in enumerate(town.events):
        if event.to == CRISIS:
            taker = who_takes(town, event.person, event.domain)
            town.events[k] = event._replace(service=taker)
            if taker is not None:
                open_episode(town, taker, event.person)


def who_takes(town: MesaModel, person: PersonAgent, d: int) -> ServiceAgent | None:
    """The service that takes somebody's crisis."""
    u = rng.uniform(town.key("which acute service", d), person.number)
    for service in town.services:
        if service.domain == d and service.tier == ACUTE:
            u -= service.crisis_share[person.band]
            if u < 0.0:
                return alternative(town, person, service)
    return None


def alternative(town: MesaModel, person: PersonAgent, usual: ServiceAgent) -> ServiceAgent:
    """What meets a crisis in place of the usual service, if there is such a thing and it has their turn; or that."""
    u = rng.uniform(town.key("an alternative to an acute service"), person.number)
    if u < person.neighbourhood.alternatives:
        for other in town.services:
            if other.instead is usual and other.bands[person.band]:
                return other
    return usual


@step("walk_in_demand")
def walk_in_demand(town: MesaModel, p: NoParams) -> None:
    """People come through each open door, more of them with need that nobody helps; some crises arrive there too."""
    for door, s in enumerate(town.rates.door):
        service = town.services[s]
        luck = town.luck("last resort", door)
        for person in town.people:
            if person.lives and luck[person.number] < attending(town, door, person):
                open_episode(town, service, person)
        for event in town.events:
            d = event.domain
            u = rng.uniform(town.key("crisis arrives by another door", 64 * door + d), event.person.number)
            if event.to == CRISIS and u < town.rates.crisis_arrives[door][d]:
                open_episode(town, service, event.person)


def attending(town: MesaModel, door: int, person: PersonAgent) -> float:
    """The probability that somebody comes through a door this month without a crisis."""
    rates = town.rates
    if not rates.walks_in[door][person.band]:
        return 0.0
    chance: float = rates.walk_in[door][person.band][person.quintile]
    for d in town.domains:
        knocks = rates.knock[door][d][person.level[d]]
        if knocks > 0.0 and counted(town, person, d):
            helper = person.helper(d)
            if helper is not None:
                knocks *= max(0.0, 1.0 - helping(helper, person))
            chance += knocks
    return chance
