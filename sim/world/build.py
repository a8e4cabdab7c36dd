"""Scenario and seed become a world: people in homes, ties, services sized for who lives there, money.

Services are sized by England's caseloads per 1,000 people of the ages they serve, acute budgets by the published rates
for the place's own people. Need starts at the published prevalence; how needs of one person go together, who is
being helped and who waits then settles over `SETTLE` months that are not reported, under the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.tables import apart
from sim.feedback.burnout import Burnout
from sim.hazards import BANDS, LEVELS, TIER_INDEX, Solution, Targets
from sim.networks.survey import ASKED
from sim.people.ageing import BAND_OF_AGE
from sim.people.candidate_thinning import remember, spread_news
from sim.people.domains import Domain
from sim.people.donors import donor, household_level
from sim.people.life_and_death import set_mortality
from sim.place.place import Neighbourhood, Place
from sim.policies import cashable, grown_or_commissioned, levers, overspend_share, reinvestment_share
from sim.scenario import registry  # noqa: F401  (enters every mechanism in the book)
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES, Params
from sim.services.catalogue import Service
from sim.services.practice import FIRST_LEADERS, Practice
from sim.state.tables import ANYTHING, EMPTY_SLOT, KINDS, SILOS, A, Rates, TieLists, World, handle
from sim.state.updates import counted
from sim.world.housing import count_everybody, lived_in
from sim.world.partition import each_part

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BURN_IN_MONTHS = 96
"""Months before the first reported one in which correlations between needs, queues and memories settle."""
FIRST_LEVEL = stream("first level of need")
HELPED = stream("helped at the start")


class BuiltWorld(NamedTuple):
    """A world, and what it was sized for."""

    world: World
    neighbourhoods: tuple[Neighbourhood, ...]
    aims: Targets


def england_mix(place: Place, people: int) -> F:
    """People by band and quintile of a place of this size. Shape (band, quintile)."""
    table = np.zeros((BANDS, QUINTILES))
    for n in place.neighbourhoods(people):
        table[:, n.quintile - 1] += n.ages
    return table


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
    """A world at its first settling month."""
    hoods = tuple(place.neighbourhoods(people))
    sizes = {
        "domain": len(domains),
        "service": len(services),
        "donor": len(solution.donor_level),
        "door": sum(s.walk_in is not None for s in services),
    }
    world = lived_in(place, hoods, sizes, aims.death, params, seed, -BURN_IN_MONTHS, threads)
    world.rules.claim_burden[:] = 1.0
    world.rules.seeded[:] = grown_or_commissioned.LEVER.baseline
    world.rules.cashable[:] = cashable.LEVER.baseline
    _fill_rates(world, domains, services, solution, aims)
    _fill_services(world, domains, services, solution, aims)
    world.aims.offer[:] = 1.0
    world.aims.ask[:] = 1.0
    _lead(handle(world), np.uint64(seed), Practice().led)
    _begin_needs(world, seed, threads)
    for noted in (remember, spread_news):
        noted(handle(world), NoParams().compiled(), Clock(np.uint64(seed), np.int64(-BURN_IN_MONTHS)))
    world.people.changed[:] = ANYTHING
    return BuiltWorld(world, hoods, aims)


@kernel
def _lead(world: World, seed: np.uint64, share: float) -> None:
    """Leaders at the baseline's share, by lot."""
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
    doors = [k for k, s in enumerate(services) if s.walk_in is not None]
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
    rates.door[:] = doors
    for k, s in enumerate(doors):
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
            table.wait_base[s] = table.wait[s] = activity.wait_months.value
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
            staying = opened * (aims.crisis_months[d][:, None] - 1.0)
            care = opened.sum() * table.episode_cost[s] + staying.sum() * table.month_cost[s]
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
        table.knowhow[s] = 1.0
        table.places[s] = table.base_places[s]
        table.quality[s] = 1.0
        table.plan[s] = table.granted[s] = table.settled[s] = table.base_budget[s]
        table.pressure[s] = 1.0
    for name in ("asking", "compliance", "response", "workload", "establishment", "employed", "paid", "fit", "hours"):
        getattr(table, name)[:] = 1.0
    table.burnout[:] = table.usual_burnout[:] = Burnout().usual
    table.leaving[:] = table.turnover
    baseline = {lever.name: lever.baseline for lever in levers()}
    for entry in REGISTRY.month():
        if entry.lever is not None and not entry.reads and len(entry.writes) == 1:  # a lever that sets one column
            written, column = entry.writes[0].split(".")
            if written == "services":
                getattr(table, column)[:] = baseline[entry.lever]
    world.rates.asks[:] = all_asks(world)
    world.money.kappa[:] = overspend_share.LEVER.baseline
    world.money.rho[:] = reinvestment_share.LEVER.baseline


def all_asks(world: World) -> F:
    """Monthly probability of asking any service, by domain, level and age band."""
    out = np.zeros_like(world.rates.asks)
    for s, d in enumerate(world.services.domain):
        out[d] += world.services.serves[s][:, None] * world.services.bands[s][None, :] * world.rates.ask[s]
    return out


def head_counts(world: World) -> F:
    """Households by the reference person's age band and fifth. Shape (band, quintile)."""
    return _by_group(world, world.dwellings.head[world.dwellings.occupants > 0])


def _by_group(world: World, who: A) -> F:
    """Count some slots, told by a mask or their numbers, by age band and fifth. Shape (band, quintile)."""
    group = world.people.band[who].astype(np.intp) * QUINTILES + world.people.quintile[who]
    return np.bincount(group, minlength=BANDS * QUINTILES).reshape(BANDS, QUINTILES).astype(float)


def _begin_needs(world: World, seed: int, threads: int) -> None:
    """Levels at the published shares, resilience and trust at their baseline means, some already helped."""
    in_need = sum(each_part(world, partial(_draw_needs, seed=np.uint64(seed)), threads))
    fine = world.services.base_places / np.maximum(1.0, in_need)  # a service's places are given by lot
    each_part(world, partial(_give_places, seed=np.uint64(seed), fine=fine), threads)
    count_everybody(handle(world))


@kernel
def _draw_needs(world: World, seed: np.uint64) -> F:
    """Draw the needs of a part's people. Returns how many of them need each service's help."""
    people, rates, services = world.people, world.rates, world.services
    first, last = world.part.person[0], world.part.person[1]
    key = month_key(seed, FIRST_LEVEL, 0)
    for turn in range(2):  # reference persons first: the others' needs go with their household's
        for i in range(first, last):
            head = np.int64(world.dwellings.head[people.dwelling[i]])
            if people.age[i] == EMPTY_SLOT or (i == head) == (turn == 1):
                continue
            inherited = household_level(world, head) if turn == 1 else 0
            who = donor(world, turn, inherited, people.band[i], people.quintile[i], uniform(key, i))
            people.resilience[i] = np.float32(rates.resilience[people.band[i], people.quintile[i]])
            people.trust[i] = np.float32(rates.trust[people.band[i], people.quintile[i]])
            if who >= 0:
                people.resilience[i] = rates.donor_resilience[who]
                people.trust[i] = rates.donor_trust[who]
            for d in range(people.level.shape[0]):
                if rates.household[d] == 1 and turn == 1:
                    people.level[d, i] = people.level[d, head]
                elif who >= 0:
                    people.level[d, i] = rates.donor_level[who, d]
                people.before[d, i] = people.level[d, i]
    need, served = np.zeros(services.domain.size), _levels_served(world)
    for d in range(people.level.shape[0]):
        for i in range(first, last):
            if served[d, people.level[d, i]] and people.age[i] != EMPTY_SLOT and counted(world, d, i):
                for s in range(services.domain.size):
                    need[s] += _is_for(world, s, d, i)
    return need


@kernel
def _levels_served(world: World) -> A:
    """Whether some service is for a need. Shape (domain, level)."""
    services = world.services
    out = np.zeros((world.people.level.shape[0], services.serves.shape[1]), np.bool_)
    for s in range(services.domain.size):
        out[services.domain[s]] |= services.serves[s] == 1
    return out


@kernel
def _is_for(world: World, s: Int, d: Int, i: Int) -> bool | np.bool:
    """Whether a service is for somebody's need in a domain, and of an age that it serves."""
    services, people = world.services, world.people
    fits: bool = services.serves[s, people.level[d, i]] == 1 and services.bands[s, people.band[i]] == 1
    return fits and services.domain[s] == d


@kernel
def _give_places(world: World, seed: np.uint64, fine: F) -> None:
    """Give each who needs a service's help a place with the chance `fine`, one in a domain."""
    people, served = world.people, _levels_served(world)
    for d in range(people.level.shape[0]):
        key = month_key(seed, HELPED + np.uint64(d), 0)
        for i in range(world.part.person[0], world.part.person[1]):
            if not served[d, people.level[d, i]] or people.age[i] == EMPTY_SLOT or not counted(world, d, i):
                continue
            u = uniform(key, i)
            for s in range(world.services.domain.size):
                if _is_for(world, s, d, i):
                    u -= fine[s]
                    if u < 0.0:
                        people.help[d, i] = np.uint8(1 + s)
                        break


def copy(world: World) -> World:
    """The same world with arrays of its own; what never changes is shared."""
    shared = {TieLists, Rates}
    return World._make(t if type(t) in shared else type(t)._make(apart(t)) for t in world)


__all__ = ["BURN_IN_MONTHS", "BuiltWorld", "build", "copy", "england_mix", "head_counts"]
