"""Scenario and seed become a world: people in homes, ties, services sized for who lives there, money.

Services are sized by England's caseloads per 1,000 people of the ages they serve, acute budgets by the published rates
for the place's own people. Need starts at the published prevalence; how needs of one person go together, who is
being helped and who waits then settles over `SETTLE` months that are not reported, under the baseline.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim import book  # noqa: F401  (enters every mechanism in the book)
from sim.bookkeeping import count_person
from sim.engine.columns import Handle, allocate, apart
from sim.engine.draws import month_key, stream, uniform
from sim.engine.jit import kernel
from sim.engine.mechanism import BOOK, Clock, NoParams
from sim.engine.thinning import BLOCK
from sim.feedback.burnout import Burnout
from sim.fields import AGE_BAND_NAMES, QUINTILES, Params
from sim.networks.groups import Groups
from sim.networks.wiring import wire
from sim.parts import cut, parts_of, side_by_side
from sim.people.ageing import BAND_OF_AGE, Ageing
from sim.people.domains import Domain
from sim.people.donors import donor, household_level
from sim.people.generations import STEPS, YEARS, live_a_month
from sim.people.life_and_death import LifeAndDeath, set_mortality
from sim.people.moves import Moves, count_fullness
from sim.people.population import MOST_IN_HOME, Household, Peopled, people_places
from sim.people.screening import remember
from sim.place import Neighbourhood, Place
from sim.policies import cashable, levers, overspend_share, reinvestment_share, seeded
from sim.rates import BANDS, LEVELS, TIER_INDEX, Solution, Targets
from sim.services.catalogue import Service
from sim.services.practice import FIRST_LEADERS, Practice
from sim.services.waiting import SLOTS_LISTED
from sim.state import (
    ANYTHING,
    CHILD_AGES,
    KINDS,
    MOST_GROUPS,
    NOBODY,
    PURPOSES,
    SILOS,
    Aims,
    Dwellings,
    Money,
    Part,
    People,
    Places,
    Rates,
    Rules,
    Screen,
    Services,
    Tally,
    Ties,
    World,
    handle,
)

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
SETTLE = 96
"""Months before the first reported one in which correlations between needs, queues and memories settle."""
FIRST_LEVEL = stream("first level of need")
HELPED = stream("helped at the start")


class Made(NamedTuple):
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
) -> Made:
    """A world at its first settling month."""
    hoods = tuple(place.neighbourhoods(people))
    grown_in = _where_homes_grow(hoods)
    home = place.households
    household = Household(home.people_per_household.value, home.one_person_share.value, home.lone_parent_share.value)
    own = tuple(hoods[k] for k in sorted(set(grown_in)))
    drawn = people_places([n.ages for n in own], household, seed)
    constant = {
        "domain": len(domains),
        "service": len(services),
        "donor": len(solution.donor_level),
        "door": sum(s.walk_in is not None for s in services),
    }
    world = _allocated(drawn.dwelling_first, drawn.neighbourhood_first, constant)
    _fill_people(world, drawn)
    del drawn
    _fill_places(world, own)
    set_mortality(world.rates, aims.death)
    _grow_up(world, params, seed, threads)
    if len(own) < len(hoods):
        world = _repeated(world, np.searchsorted(sorted(set(grown_in)), grown_in), constant)
        _fill_places(world, hoods)
    world = world._replace(ties=_wired(world, place, seed))
    _fill_rates(world, domains, services, solution, aims)
    _fill_services(world, domains, services, solution, aims)
    world.aims.offer[:] = 1.0
    world.aims.ask[:] = 1.0
    _lead(handle(world), np.uint64(seed), Practice().led)
    _begin_needs(handle(world), np.uint64(seed))
    remember(handle(world), NoParams().compiled(), Clock(np.uint64(seed), np.int64(-SETTLE)))
    world.people.changed[:] = ANYTHING
    return Made(world, hoods, aims)


MOST_GROWN = 4_000_000
"""People of a place whose homes all live through their first decades one by one. In a larger one some neighbourhoods of
each tenth do, and the others begin with the same homes: from then on each goes its own way."""


def _where_homes_grow(hoods: tuple[Neighbourhood, ...]) -> list[int]:
    """For each neighbourhood the number of the one, as deprived as it is, whose homes it begins with."""
    times = -(-sum(n.people for n in hoods) // MOST_GROWN)
    out = list(range(len(hoods)))
    for decile in {n.decile for n in hoods}:
        mine = [k for k, n in enumerate(hoods) if n.decile == decile]
        for place, k in enumerate(mine):
            out[k] = mine[place // times * times]
    return out


def _allocated(dwelling_first: I64, neighbourhood_first: I64, constant: Mapping[str, int]) -> World:
    """An empty world of homes and neighbourhoods that begin at these slots; where they do is noted."""
    slots, homes, hoods = int(dwelling_first[-1]), dwelling_first.size - 1, neighbourhood_first.size - 1
    sizes = {
        **constant,
        "person": slots,
        "person_edge": slots + 1,
        "silo": len(SILOS),
        "purpose": len(PURPOSES),
        "neighbourhood": hoods,
        "neighbourhood_edge": hoods + 1,
        "level": LEVELS,
        "quintile": QUINTILES,
        "band": BANDS,
        "age": 110,
        "child_age": CHILD_AGES,
        "dwelling": homes,
        "dwelling_edge": homes + 1,
        "place_in_home": MOST_IN_HOME,
        "tie": 0,
        "role": 2,
        "edge": 2,
        "event": slots,
        "queue": slots // SLOTS_LISTED,
        "candidate": max(last - first for first, last in cut(neighbourhood_first)) + 8,
        "block": BLOCK,
        "group": MOST_GROUPS,
        "one": 1,
    }
    tables = (People, Dwellings, Ties, Places, Services, Rates, Tally, Screen, Money, Rules, Aims, Part)
    world = World._make(allocate(table, **sizes) for table in tables)
    world.places.first[:] = neighbourhood_first
    world.places.first_dwelling[:] = np.searchsorted(dwelling_first, neighbourhood_first)
    world.dwellings.first[:] = dwelling_first
    world.part.person[1], world.part.dwelling[1], world.part.neighbourhood[1] = slots, homes, hoods
    world.people.neighbourhood[:] = np.repeat(np.arange(hoods, dtype=np.uint32), np.diff(neighbourhood_first))
    world.people.dwelling[:] = np.repeat(np.arange(homes, dtype=np.uint32), np.diff(dwelling_first))
    return world


def _repeated(world: World, source: npt.NDArray[np.integer], constant: Mapping[str, int]) -> World:
    """A world without needs yet, of neighbourhoods with the homes and people of these neighbourhoods of another."""
    first, first_home = world.places.first.astype(np.int64), world.places.first_dwelling.astype(np.int64)
    slots = np.concatenate([[0], np.cumsum(np.diff(first)[source])])
    homes = np.concatenate([[0], np.cumsum(np.diff(first_home)[source])])
    starts: I64 = np.empty(int(homes[-1]) + 1, np.int64)
    starts[-1] = slots[-1]
    for n, k in enumerate(source):
        there = world.dwellings.first[first_home[k] : first_home[k + 1]]
        starts[homes[n] : homes[n + 1]] = there + (slots[n] - first[k])
    out = _allocated(starts, slots, constant)
    set_mortality(out.rates, world.rates.death)
    for n, k in enumerate(source):
        into, of = slice(slots[n], slots[n + 1]), slice(first[k], first[k + 1])
        for name in ("age", "band", "female"):
            getattr(out.people, name)[into] = getattr(world.people, name)[of]
        into, of = slice(homes[n], homes[n + 1]), slice(first_home[k], first_home[k + 1])
        for name in ("occupants", "donor_ages"):
            getattr(out.dwellings, name)[into] = getattr(world.dwellings, name)[of]
        out.dwellings.head[into] = world.dwellings.head[of] + (slots[n] - first[k])
    return out


def _grow_up(world: World, params: Mapping[str, Params], seed: int, threads: int) -> None:
    """Let homes settle before anybody has needs (sim/people/generations.py)."""
    ageing, life, moves = (
        (params.get(name) or kind()).compiled()
        for name, kind in (("ageing", Ageing), ("life_and_death", LifeAndDeath), ("moves", Moves))
    )
    nothing, whole, parts = NoParams().compiled(), handle(world), parts_of(world)

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        addresses = np.array([each.address for each in handles])

        def go_through(clock: Clock) -> None:
            whole: Any = handles[0]  # stands for a world
            live_a_month(whole, addresses, nothing, ageing, life, moves, clock)

        return go_through

    if min(threads, len(parts)) > 1:
        month = side_by_side(world, parts, min(threads, len(parts)), [BOOK.entries[name] for name in STEPS], work)
    else:
        month = work([whole] if len(parts) == 1 else [handle(part) for part in parts])
    _count_all(whole)
    world.people.changed[:] = ANYTHING
    for m in range(-SETTLE - 12 * YEARS, -SETTLE):
        clock = Clock(np.uint64(seed), np.int64(m))
        count_fullness(whole, nothing, clock)
        month(clock)
    for column in (*world.tally, *world.screen):
        column.fill(0)


def _wired(world: World, place: Place, seed: int) -> Ties:
    """Who can lean on whom."""
    people = world.people
    wiring = wire(
        people.age,
        people.neighbourhood,
        people.dwelling,
        world.places.first.astype(np.int64),
        outside_ties=max(0.5, place.ties.close_ties.value - (place.households.people_per_household.value - 1.0)),
        far_share=place.ties.far_share.value,
        near_share=place.ties.street_share.value,
        seed=seed,
    )
    return Ties(wiring.start, wiring.to)


def _fill_people(world: World, drawn: Peopled) -> None:
    people, homes = world.people, world.dwellings
    people.age[:] = drawn.age
    people.female[:] = drawn.female
    people.band[:] = np.append(BAND_OF_AGE, np.zeros(NOBODY + 1 - BAND_OF_AGE.size, np.uint8))[people.age]
    homes.head[:] = homes.first[:-1]
    _settle_in(handle(world))


@kernel
def _settle_in(world: World) -> None:
    """Count who lives in each home, and note the ages of these first households. Nobody lives behind an empty place."""
    homes, age = world.dwellings, world.people.age
    for home in range(homes.head.size):
        homes.donor_ages[home] = NOBODY
        first, many = np.int64(homes.first[home]), 0
        for i in range(first, np.int64(homes.first[home + 1])):
            if age[i] != NOBODY:
                homes.donor_ages[home, i - first] = age[i]
                many += 1
        homes.occupants[home] = many


def _fill_places(world: World, hoods: tuple[Neighbourhood, ...]) -> None:
    places = world.places
    places.quintile[:] = [n.quintile - 1 for n in hoods]
    world.people.quintile[:] = places.quintile[world.people.neighbourhood]
    places.energy[:] = 1.0
    places.weight[:] = 1.0
    places.exposure[:] = 1.0
    places.practice[:] = 1.0
    world.rules.claim_burden[:] = 1.0
    places.code[:] = [zlib.crc32(n.name.encode()) for n in hoods]
    places.practice[:] = 1.0
    for n in hoods:
        places.age_mix[n.quintile - 1] += n.ages
    places.base_mix[:] = places.age_mix
    for column in (places.practice, places.exposure, places.fit, places.grown, places.knowhow, places.legitimacy):
        column[:] = 1.0
    places.leaders[:] = Groups().leaders
    rules = world.rules
    rules.seeded[:] = seeded.LEVER.baseline
    rules.cashable[:] = cashable.LEVER.baseline


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
    occupied = world.people.age != NOBODY
    people = np.zeros((BANDS, QUINTILES))
    np.add.at(people, (world.people.band[occupied], world.people.quintile[occupied]), 1)
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
    for lever in levers():
        if lever.name in Services._fields:  # a setting of services that a lever moves
            getattr(table, lever.name)[:] = lever.baseline
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
    out = np.zeros((BANDS, QUINTILES))
    lived_in = world.dwellings.occupants > 0
    head = world.dwellings.head[lived_in]
    np.add.at(out, (world.people.band[head], world.people.quintile[head]), 1)
    return out


@kernel
def _count_all(world: World) -> None:
    """Count everybody who lives here."""
    for i in range(world.people.age.size):
        if world.people.age[i] != NOBODY:
            count_person(world, i, 1)


@kernel
def _begin_needs(world: World, seed: np.uint64) -> None:
    """Levels at the published shares, resilience and trust at their baseline means, some already helped."""
    people, rates, services = world.people, world.rates, world.services
    fine = np.zeros(services.domain.size)
    key = month_key(seed, FIRST_LEVEL, 0)
    for turn in range(2):  # reference persons first: the others' needs go with their household's
        for i in range(people.age.size):
            head = np.int64(world.dwellings.head[people.dwelling[i]])
            if people.age[i] == NOBODY or (i == head) == (turn == 1):
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
    for d in range(people.level.shape[0]):
        # How many need each service's help: its places are given to them by lot.
        need = np.zeros(services.domain.size)
        for i in range(people.age.size):
            if people.age[i] != NOBODY and (rates.household[d] == 0 or world.dwellings.head[people.dwelling[i]] == i):
                for s in range(services.domain.size):
                    if services.domain[s] == d and services.serves[s, people.level[d, i]] == 1:
                        need[s] += services.bands[s, people.band[i]]
        key = month_key(seed, HELPED + np.uint64(d), 0)
        for s in range(services.domain.size):
            fine[s] = services.base_places[s] / max(1.0, need[s]) if services.domain[s] == d else 0.0
        for i in range(people.age.size):
            if people.age[i] != NOBODY and (rates.household[d] == 0 or world.dwellings.head[people.dwelling[i]] == i):
                u = uniform(key, i)
                for s in range(services.domain.size):
                    fits = services.serves[s, people.level[d, i]] == 1 and services.bands[s, people.band[i]] == 1
                    if services.domain[s] == d and fits:
                        u -= fine[s]
                        if u < 0.0:
                            people.help[d, i] = np.uint8(1 + s)
                            break
    _count_all(world)


def copy(world: World) -> World:
    """The same world with arrays of its own; what never changes is shared."""
    shared = {Ties, Rates}
    return World._make(t if type(t) in shared else type(t)._make(apart(t)) for t in world)


__all__ = ["SETTLE", "Made", "build", "copy", "england_mix", "head_counts"]
