"""Builds a world from a place and a seed: people in dwellings, ties, services sized for the residents, and money.

Services are sized by England's caseloads per 1,000 people of the ages that they serve, and acute budgets by the
published rates for the place's own people. Need starts at the published prevalence. Correlations between needs, help
and queues reach their steady state during a burn-in of `BURN_IN_MONTHS` months under the baseline, which is not
reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.tables import on_separate_lines
from sim.hazards import BANDS, LEVELS, TIER_INDEX, Solution, Targets
from sim.networks.survey import ASKED
from sim.people.ageing import BAND_OF_AGE
from sim.people.candidate_thinning import publish_worst_levels, store_levels
from sim.people.domains import Domain
from sim.people.donors import donor, household_level
from sim.people.life_and_death import set_mortality
from sim.place.place import Neighbourhood, Place
from sim.policies import LEVER_GROUP, levers
from sim.scenario import registry  # noqa: F401  (registers every mechanism)
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES, Params
from sim.services.catalogue import Service
from sim.services.practice import FIRST_LEADERS
from sim.state.codes import ANYTHING, EMPTY_SLOT, KINDS, NOT_PREVENTION, PREVENTION_KINDS, SILOS
from sim.state.columns import A
from sim.state.rates import Rates
from sim.state.ties import TieLists
from sim.state.updates import counted
from sim.state.world import World, handle, make_world
from sim.world.housing import count_everybody, populated_world
from sim.world.partition import map_parts

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BURN_IN_MONTHS = 96
"""Months before the first reported month in which needs, queues and memories reach their steady state."""
FIRST_LEVEL = stream("first level of need")
HELPED = stream("helped at the start")


class BuiltWorld(NamedTuple):
    """A world, with the neighbourhoods and the targets for which it was sized."""

    world: World
    neighbourhoods: tuple[Neighbourhood, ...]
    aims: Targets


def build(
    place: Place,
    people: int | None,
    seed: int,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    solution: Solution,
    aims: Targets,
    params: Mapping[str, Params],
    threads: int = 1,
) -> BuiltWorld:
    """Build a world at the first month of its burn-in.

    Parameters
    ----------
    place : Place
        The place.
    people : int or None
        Number of people; None for the place's own number.
    seed : int
        Seed of all random draws.
    domains : tuple of Domain
        The domains of need.
    services : tuple of Service
        The services.
    solution : Solution
        The calibrated values.
    aims : Targets
        The calibration targets.
    params : mapping of str to Params
        Parameters by mechanism.
    threads : int
        Number of threads.

    Returns
    -------
    BuiltWorld
        The world, its neighbourhoods, and the targets.
    """
    hoods = tuple(place.neighbourhoods(people))
    sizes = {
        "domain": len(domains),
        "service": len(services),
        "donor": len(solution.donor_level),
        "door": sum(s.walk_in is not None for s in services),
    }
    world = populated_world(place, hoods, sizes, aims.death, params, seed, -BURN_IN_MONTHS, threads)
    compiled = {name: x.compiled() for name, x in params.items()}
    fill_tables(world, domains, services, solution, aims, compiled)
    _draw_leaders(handle(world), np.uint64(seed), compiled["practice"].led)
    _begin_needs(world, seed, threads)
    for initialise in (store_levels, publish_worst_levels):
        initialise(handle(world), NoParams().compiled(), Clock(np.uint64(seed), np.int64(-BURN_IN_MONTHS)))
    world.people.changed[:] = ANYTHING
    return BuiltWorld(world, hoods, aims)


def fill_tables(
    world: World,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    solution: Solution,
    aims: Targets,
    params: Mapping[str, Any],
) -> None:
    """Fill the tables that follow from published figures and the number of people: rates, services and money.

    Parameters
    ----------
    world : World
        A world with people and without needs; changed in place.
    domains : tuple of Domain
        The domains of need.
    services : tuple of Service
        The services.
    solution : Solution
        The calibrated values.
    aims : Targets
        The calibration targets.
    params : mapping of str to NamedTuple
        Compiled parameters by mechanism, with the baselines of levers.
    """
    baseline = {lever.name: lever.baseline for lever in levers()} | params[LEVER_GROUP]._asdict()
    world.rules.claim_burden[:] = 1.0
    world.rules.seeded[:] = baseline["grown_or_commissioned"]
    world.rules.cashable[:] = baseline["cashable"]
    world.rules.usual_refused[:] = baseline["threshold"]
    world.services.usual_contract[:] = baseline["contract_length"]
    world.rules.most_refused[:] = params["budget_lines"].most_refused
    _fill_rates(world, domains, services, solution, aims)
    _fill_services(world, domains, services, solution, aims, baseline)
    world.services.burnout[:] = world.services.usual_burnout[:] = params["burnout"].reference
    world.money.kappa[:] = baseline["overspend_share"]
    world.money.rho[:] = baseline["reinvestment_share"]
    for state in vars(world.private).values():
        if hasattr(state, "start"):
            state.start(world)
    world.aims.offer[:] = 1.0
    world.aims.ask[:] = 1.0


@kernel
def _draw_leaders(world: World, seed: np.uint64, share: float) -> None:
    """Draw neighbourhoods with learning leaders at the baseline's share."""
    key = month_key(seed, FIRST_LEADERS, 0)
    for n in range(world.places.leader.size):
        world.places.leader[n] = 1 if uniform(key, n) < share else 0


def _fill_rates(
    world: World,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    solution: Solution,
    aims: Targets,
) -> None:
    rates = world.rates
    walk_ins = [k for k, s in enumerate(services) if s.walk_in is not None]
    ids = [domain.id for domain in domains]
    rates.asked_every[:] = max(1, world.people.age.size // ASKED)
    rates.household[:] = [domain.unit == "household" for domain in domains]
    rates.kind[:] = [KINDS.index(name) if name in KINDS else -1 for name in ids]
    rates.up[:, : LEVELS - 1] = solution.up
    rates.down[:] = solution.down
    for d, domain in enumerate(domains):
        rates.waits_for[d] = -1 if domain.crisis.waits_for is None else ids.index(domain.crisis.waits_for)
        rates.informal[d] = domain.informal_help
        for other, omega in domain.interactions.items():
            rates.omega[d, ids.index(other)] = omega.value
    rates.donor_level[:] = solution.donor_level
    rates.donor_resilience[:] = solution.donor_resilience
    rates.donor_trust[:] = solution.donor_trust
    rates.donor_range[:] = solution.donor_range
    rates.ask[:] = solution.ask
    rates.resilience[:] = solution.resilience
    rates.trust[:] = solution.trust
    set_mortality(rates, aims.death / np.maximum(0.2, solution.mortality[BAND_OF_AGE]))
    rates.door[:] = walk_ins
    for k, s in enumerate(walk_ins):
        walk_in = services[s].walk_in
        assert walk_in is not None
        rates.walk_in[k] = np.maximum(0.0, aims.walk_in[k] - solution.knocks[k])
        for d, name in enumerate(ids):
            if name in walk_in.knock_per_year:
                rates.knock[k, d, 2] = walk_in.knock_per_year[name].value / 12.0
            if name in walk_in.knock_emerging_per_year:
                rates.knock[k, d, 1] = walk_in.knock_emerging_per_year[name].value / 12.0
        rates.walks_in[k] = [share > 0.0 for share in walk_in.per_thousand_by_age.values()]
        rates.crisis_arrives[k, ids.index(services[s].domain)] = walk_in.arrives_with_crisis_share.value


def _fill_services(
    world: World,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    solution: Solution,
    aims: Targets,
    baseline: Mapping[str, float],
) -> None:
    table = world.services
    ids = [domain.id for domain in domains]
    occupied = world.people.age != EMPTY_SLOT
    people = _by_group(world, occupied)
    heads = head_counts(world)
    for s, service in enumerate(services):
        d = ids.index(service.domain)
        table.domain[s] = d
        table.tier[s] = TIER_INDEX[service.tier]
        table.prevention[s] = (
            NOT_PREVENTION if service.prevention is None else PREVENTION_KINDS.index(service.prevention)
        )
        table.silo[s] = SILOS.index(service.silo)
        table.statutory[s] = service.statutory
        table.bands[s] = service.bands
        table.serves[s, list(service.serves)] = 1
        table.crisis_share[s] = [service.crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES]
        if service.staff is not None:
            table.hire_months[s] = service.staff.hire_months.value
            table.turnover[s] = 1.0 - (1.0 - min(0.99, service.staff.turnover_per_year.value)) ** (1.0 / 12.0)
            table.admin_base[s] = table.admin[s] = service.staff.admin_share.value
            table.vacancy_base[s] = table.vacancy[s] = service.staff.vacancy_share.value
        if service.activity is not None and service.cost is not None and service.effect is not None:
            activity = service.activity
            eligible = float(people[np.array(service.bands)].sum())
            helped = activity.caseload_per_thousand.value / 1000.0 * eligible
            table.base_places[s] = helped * solution.room[s]
            levels = list(service.serves)
            natural = (
                float(np.mean([world.rates.down[d, level].max() for level in levels])) * service.effect.recovery.value
            )
            mean = activity.mean_months.value
            table.end[s] = min(0.25, max(0.1 / mean, 1.0 / mean - natural))
            table.flow[s] = 1.0 / mean
            assert service.staff is not None
            table.workers[s] = table.base_places[s] / service.staff.cases_per_worker.value
            table.give_up[s] = activity.gives_up_per_month.value
            table.refused_base[s] = table.refused[s] = activity.refused_share.value
            table.wait_base[s] = activity.wait_months.value
            assert service.cost.per_case_month is not None
            table.case_cost[s] = service.cost.per_case_month.value
            table.base_budget[s] = helped * table.case_cost[s] * 12.0
            table.protection[s] = service.effect.protection.value
            table.recovery[s] = service.effect.recovery.value
        elif service.tier == "acute":
            assert service.cost is not None and service.capacity is not None
            assert service.cost.per_episode is not None and service.cost.per_month is not None
            table.episode_cost[s] = service.cost.per_episode.value
            table.month_cost[s] = service.cost.per_month.value
            table.premium[s] = service.capacity.premium.value
            table.harm[s] = service.capacity.harm.value
            table.base_load[s] = table.load[s] = service.capacity.utilisation.value
            counted = heads if domains[d].unit == "household" else people
            opened = aims.crises[d] * counted * table.crisis_share[s][:, None]
            in_stay = opened * (aims.crisis_months[d][:, None] - 1.0)
            care = opened.sum() * table.episode_cost[s] + in_stay.sum() * table.month_cost[s]
            if service.walk_in is not None:
                k = int(np.flatnonzero(world.rates.door == s)[0])
                visits = aims.walk_in[k] * people
                visits = visits + sum(
                    world.rates.crisis_arrives[k, e] * aims.crises[e] * people for e in range(len(ids))
                )
                care += float(visits.sum()) * table.episode_cost[s]
            table.base_demand[s] = care * solution.care[s]
            table.base_budget[s] = table.base_demand[s] * 12.0
        elif service.groups is not None:
            table.base_budget[s] = service.groups.spend_per_head.value * people.sum()
            table.hire_months[s] = 1.0
        elif service.exposure is not None:
            table.base_budget[s] = service.exposure.spend_per_head.value * people.sum()
            for name, lowers in service.exposure.lowers.items():
                table.exposure[s, ids.index(name)] = -lowers.value
        if service.childhood is not None:
            table.childhood[s] = service.childhood.resilience_per_year.value
            table.signpost[s] = service.childhood.sent_to_hospital.value
        table.scar[s] = 1.0
        table.instead[s] = -1
        if service.alternative is not None:
            table.scar[s] = service.alternative.scar.value
            table.instead[s] = [other.id for other in services].index(service.alternative.instead_of)
        table.posts[s] = 1.0
        table.places[s] = table.base_places[s]
        table.quality[s] = 1.0
        table.plan[s] = table.granted[s] = table.base_budget[s]
        table.pressure[s] = 1.0
    for name in ("asking", "compliance", "response", "workload", "establishment", "paid", "fit", "hours", "divided"):
        getattr(table, name)[:] = 1.0
    table.leaving[:] = table.turnover
    for entry in REGISTRY.month():
        if entry.lever is not None and not entry.reads and len(entry.writes) == 1:  # a lever that sets one column
            table_name, column = entry.writes[0].split(".")
            if table_name == "services":
                getattr(table, column)[:] = baseline[entry.lever]
    world.rates.asks[:] = all_asks(world)


def all_asks(world: World) -> F:
    """Monthly probability of asking any service, by domain, level and age band."""
    out = np.zeros_like(world.rates.asks)
    for s, d in enumerate(world.services.domain):
        out[d] += world.services.serves[s][:, None] * world.services.bands[s][None, :] * world.rates.ask[s]
    return out


def head_counts(world: World) -> F:
    """Households by age band and deprivation fifth of the reference person. Shape (band, quintile)."""
    return _by_group(world, world.dwellings.head[world.dwellings.occupants > 0])


def _by_group(world: World, slots: A) -> F:
    """Count slots (a mask, or indices) by age band and deprivation fifth. Shape (band, quintile)."""
    group = world.people.band[slots].astype(np.intp) * QUINTILES + world.people.quintile[slots]
    return np.bincount(group, minlength=BANDS * QUINTILES).reshape(BANDS, QUINTILES).astype(float)


def _begin_needs(world: World, seed: int, threads: int) -> None:
    """Set levels at the published shares, resilience and trust, and give places to some people in need."""
    in_need = sum(map_parts(world, partial(_draw_needs, seed=np.uint64(seed)), threads))
    probability = world.services.base_places / np.maximum(1.0, in_need)  # places are drawn at random
    map_parts(world, partial(_give_places, seed=np.uint64(seed), probability=probability), threads)
    count_everybody(handle(world))


@kernel
def _draw_needs(world: World, seed: np.uint64) -> F:
    """Draw the needs of the people of a part. Returns the number who need each service."""
    people, rates, services = world.people, world.rates, world.services
    first, last = world.part.person[0], world.part.person[1]
    key = month_key(seed, FIRST_LEVEL, 0)
    for role in range(2):  # reference persons first: the needs of others depend on their household
        for i in range(first, last):
            head = np.int64(world.dwellings.head[people.dwelling[i]])
            if people.age[i] == EMPTY_SLOT or (i == head) == (role == 1):
                continue
            inherited = household_level(world, head) if role == 1 else 0
            row = donor(world, role, inherited, people.band[i], people.quintile[i], uniform(key, i))
            people.resilience[i] = np.float32(rates.resilience[people.band[i], people.quintile[i]])
            people.trust[i] = np.float32(rates.trust[people.band[i], people.quintile[i]])
            if row >= 0:
                people.resilience[i] = rates.donor_resilience[row]
                people.trust[i] = rates.donor_trust[row]
            for d in range(people.level.shape[0]):
                if rates.household[d] == 1 and role == 1:
                    people.level[d, i] = people.level[d, head]
                elif row >= 0:
                    people.level[d, i] = rates.donor_level[row, d]
                people.before[d, i] = people.level[d, i]
    need, served = np.zeros(services.domain.size), _levels_served(world)
    for d in range(people.level.shape[0]):
        for i in range(first, last):
            if served[d, people.level[d, i]] and people.age[i] != EMPTY_SLOT and counted(world, d, i):
                for s in range(services.domain.size):
                    need[s] += _suits(world, s, d, i)
    return need


@kernel
def _levels_served(world: World) -> A:
    """Whether any service serves a level of need. Shape (domain, level)."""
    services = world.services
    out = np.zeros((world.people.level.shape[0], services.serves.shape[1]), np.bool_)
    for s in range(services.domain.size):
        out[services.domain[s]] |= services.serves[s] == 1
    return out


@kernel
def _suits(world: World, s: Int, d: Int, i: Int) -> bool | np.bool:
    """Whether a service serves person i's level of need in a domain, and their age."""
    services, people = world.services, world.people
    fits: bool = services.serves[s, people.level[d, i]] == 1 and services.bands[s, people.band[i]] == 1
    return fits and services.domain[s] == d


@kernel
def _give_places(world: World, seed: np.uint64, probability: F) -> None:
    """Give each person who needs a service a place with its `probability`, at most one place in a domain."""
    people, served = world.people, _levels_served(world)
    for d in range(people.level.shape[0]):
        key = month_key(seed, HELPED + np.uint64(d), 0)
        for i in range(world.part.person[0], world.part.person[1]):
            if not served[d, people.level[d, i]] or people.age[i] == EMPTY_SLOT or not counted(world, d, i):
                continue
            u = uniform(key, i)
            for s in range(world.services.domain.size):
                if _suits(world, s, d, i):
                    u -= probability[s]
                    if u < 0.0:
                        people.help[d, i] = np.uint8(1 + s)
                        break


def copy(world: World) -> World:
    """A copy of a world with its own arrays. Tables that never change are shared."""
    shared = {TieLists, Rates}

    def copied(name: str, kind: Any) -> Any:
        table = world.table(name)
        return table if kind in shared else kind._make(on_separate_lines(table))

    return make_world(copied)


__all__ = ["BURN_IN_MONTHS", "BuiltWorld", "build", "copy", "fill_tables", "head_counts"]
