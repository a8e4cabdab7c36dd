"""Demand that cannot be refused: acute services open an episode for each crisis and for each walk-in attendance."""

from __future__ import annotations

from sim.engine.schedule import NoParams
from sim.services.acute import Acute
from sim.state.codes import ACUTE, CHILD_AGES
from sim.twins.mesa import rng
from sim.twins.mesa.month import step
from sim.twins.mesa.need import help_effect
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import CRISIS, is_counted


def open_episode(town: Town, service: ServiceAgent, person: PersonAgent) -> None:
    """Count an acute episode."""
    counts, s, q = town.counts, service.number, person.quintile
    counts.opened[s][q][person.band] += 1
    counts.opened_in[s][person.neighbourhood.number] += 1
    if person.age < CHILD_AGES:
        counts.opened_age[s][person.age][q] += 1


@step("acute_episodes")
def acute_episodes(town: Town, _: Acute) -> None:
    """Each crisis goes to one of the acute services of its domain, or to an alternative to that service."""
    for k, event in enumerate(town.events):
        if event.new_level == CRISIS:
            service = acute_service_for(town, event.person, event.domain)
            town.events[k] = event._replace(service=service)
            if service is not None:
                open_episode(town, service, event.person)


def acute_service_for(town: Town, person: PersonAgent, d: int) -> ServiceAgent | None:
    """The service that takes a person's crisis, if any."""
    u = rng.uniform(town.key("which acute service", d), person.number)
    for service in town.services:
        if service.domain == d and service.tier == ACUTE:
            u -= service.crisis_share[person.band]
            if u < 0.0:
                return alternative_service(town, person, service)
    return None


def alternative_service(town: Town, person: PersonAgent, default_service: ServiceAgent) -> ServiceAgent:
    """The alternative to an acute service if one is drawn and serves the person's age band; else the acute service."""
    u = rng.uniform(town.key("an alternative to an acute service"), person.number)
    if u < person.neighbourhood.alternatives:
        for other in town.services:
            if other.instead is default_service and other.bands[person.band]:
                return other
    return default_service


@step("walk_in_demand")
def walk_in_demand(town: Town, _: NoParams) -> None:
    """People attend each walk-in service, more often with need and little help. Some crises open an episode there."""
    for door, s in enumerate(town.rates.door):
        service = town.services[s]
        draws = town.draws("last resort", door)
        for person in town.people:
            if person.is_present and draws[person.number] < attendance_probability(town, door, person):
                open_episode(town, service, person)
        for event in town.events:
            d = event.domain
            u = rng.uniform(town.key("crisis arrives by another door", 64 * door + d), event.person.number)
            if event.new_level == CRISIS and u < town.rates.crisis_arrives[door][d]:
                open_episode(town, service, event.person)


def attendance_probability(town: Town, door: int, person: PersonAgent) -> float:
    """The probability that a person attends a walk-in service this month without a crisis."""
    rates = town.rates
    if not rates.walks_in[door][person.band]:
        return 0.0
    probability: float = rates.walk_in[door][person.band][person.quintile]
    for d in town.domains:
        extra = rates.knock[door][d][person.level[d]]
        if extra > 0.0 and is_counted(town, person, d):
            helper = person.helper(d)
            if helper is not None:
                extra *= max(0.0, 1.0 - help_effect(helper, person))
            probability += extra
    return probability
