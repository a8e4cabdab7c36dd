"""Builds the neighbourhoods, dwellings, households and ties of a place, before people have needs.

Households are formed from the ages of each neighbourhood and pass through a demographic spin-up of some decades
(sim/people/demographic_spin_up.py). Ties are then formed between the people. In a place of millions, only some
neighbourhoods pass through the spin-up; each of the others starts as a copy of a neighbourhood of the same deprivation
decile.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.tables import Handle, allocate
from sim.engine.thinning import BLOCK
from sim.hazards import BANDS, LEVELS
from sim.networks.wiring import wire
from sim.people.ageing import BAND_OF_AGE, Ageing
from sim.people.candidate_thinning import publish_worst_levels, store_levels
from sim.people.demographic_spin_up import STEPS, YEARS, run_demographic_month
from sim.people.headcount import match_headcount
from sim.people.life_and_death import LifeAndDeath, set_mortality
from sim.people.moves import Moves, count_fullness
from sim.people.population import MOST_IN_HOME, Household, Occupancy, draw_population
from sim.place.place import Neighbourhood, Place, shared_out
from sim.scenario import registry  # noqa: F401  (registers every mechanism)
from sim.schema.quantities import QUINTILES, Params
from sim.services.queues import SLOTS_LISTED
from sim.state.codes import ANYTHING, CHILD_AGES, EMPTY_SLOT, MOST_GROUPS, PURPOSES, SILOS
from sim.state.ties import TieLists
from sim.state.updates import count_person
from sim.state.world import World, handle, make_world
from sim.world.partition import part_bounds, parts_of, run_in_parallel, workers_for

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def populated_world(
    place: Place,
    hoods: tuple[Neighbourhood, ...],
    sizes: Mapping[str, int],
    death: F,
    params: Mapping[str, Params],
    seed: int,
    until: int,
    threads: int,
) -> World:
    """Build a world of people in dwellings.

    Parameters
    ----------
    place : Place
        The place.
    hoods : tuple of Neighbourhood
        Its neighbourhoods.
    sizes : mapping of str to int
        Lengths of the axes that do not depend on people.
    death : ndarray
        Monthly mortality. Shape (age, quintile).
    params : mapping of str to Params
        Parameters by mechanism.
    seed : int
        Seed of all random draws.
    until : int
        The month at which the spin-up ends.
    threads : int
        Number of threads.

    Returns
    -------
    World
        The world, without needs and services.
    """
    sources = _spin_up_sources(hoods)
    unique = sorted(set(sources))
    enlarged = tuple(_enlarged(hoods[k]) for k in unique)
    households = place.households
    household = Household(
        households.people_per_household.value, households.one_person_share.value, households.lone_parent_share.value
    )
    occupancy = draw_population([n.ages for n in enlarged], household, seed)
    spun_up = _allocated(occupancy.dwelling_first, occupancy.neighbourhood_first, sizes)
    _fill_people(spun_up, occupancy)
    del occupancy
    _fill_places(spun_up, enlarged)
    set_mortality(spun_up.rates, death)
    _spin_up(spun_up, params, seed, until, threads)
    shortfall = spun_up.places.age_mix.sum() / max(1, int(spun_up.dwellings.occupants.sum(dtype=np.int64)))
    wanted = np.array([hoods[k].people for k in unique], np.int64)
    selected = select_homes(handle(spun_up), wanted, np.uint64(month_key(np.uint64(seed), KEPT, 0)))
    world = _with_homes(spun_up, np.flatnonzero(selected), np.searchsorted(unique, sources), sizes)
    del spun_up
    _fill_places(world, hoods)
    # Moves keep the number of people a little below their target (by half a per cent in a town): with the same distance
    # between the two, the number stays.
    world.places.age_mix[:] *= shortfall
    set_mortality(world.rates, death)
    count_everybody(handle(world))
    meet_headcount(world, hoods, seed, until)
    for column in world.tally:
        column.fill(0)
    return world._replace(ties=_form_ties(world, place, seed, threads))


def meet_headcount(world: World, hoods: tuple[Neighbourhood, ...], seed: int, month: int) -> None:
    """Move people in or out, before a month, until each fifth has its number of people (sim/people/headcount.py)."""
    clock, world_handle = Clock(np.uint64(seed), np.int64(month - 1)), handle(world)
    wanted = np.zeros(QUINTILES, np.int64)
    for n in hoods:
        wanted[n.quintile - 1] += n.people
    match_headcount(world_handle, wanted, clock)
    for store in (store_levels, publish_worst_levels):
        store(world_handle, NoParams().compiled(), clock)


KEPT = stream("homes kept after the spin-up")
SPUN_UP_PEOPLE = 1.04
"""People during the spin-up, relative to the place's. In its equilibrium up to 3 % fewer people live in these homes,
fewest in small places; homes are then left out at random, empty ones too, until the place's number remains."""
SELECTION_ROUNDS = 64
"""Rounds through the homes of a neighbourhood, each with another random share of them."""
MOST_SPUN_UP = 4_000_000
"""Largest number of people of a place in which all neighbourhoods pass through the spin-up. In a larger place only some
neighbourhoods of each decile do, and the others start as copies of these; afterwards all develop independently."""


def _spin_up_sources(hoods: tuple[Neighbourhood, ...]) -> list[int]:
    """For each neighbourhood, the index of the neighbourhood of the same decile whose dwellings it starts with."""
    times = -(-sum(n.people for n in hoods) // MOST_SPUN_UP)
    out = list(range(len(hoods)))
    for decile in {n.decile for n in hoods}:
        same_decile = [k for k, n in enumerate(hoods) if n.decile == decile]
        for position, k in enumerate(same_decile):
            out[k] = same_decile[position // times * times]
    return out


def _allocated(dwelling_first: I64, neighbourhood_first: I64, sizes: Mapping[str, int]) -> World:
    """An empty world whose dwellings and neighbourhoods start at these slots."""
    slots, dwellings, hoods = int(dwelling_first[-1]), dwelling_first.size - 1, neighbourhood_first.size - 1
    largest_part = max(last - first for first, last in part_bounds(neighbourhood_first))
    lengths = axis_lengths(slots, dwellings, hoods, largest_part, sizes)
    world = make_world(lambda _, table: allocate(table, **lengths))
    world.places.first[:] = neighbourhood_first
    world.places.first_dwelling[:] = np.searchsorted(dwelling_first, neighbourhood_first)
    world.dwellings.first[:] = dwelling_first
    world.part.person[1], world.part.dwelling[1], world.part.neighbourhood[1] = slots, dwellings, hoods
    world.people.neighbourhood[:] = np.repeat(np.arange(hoods, dtype=np.uint32), np.diff(neighbourhood_first))
    world.people.dwelling[:] = np.repeat(np.arange(dwellings, dtype=np.uint32), np.diff(dwelling_first))
    return world


def axis_lengths(
    slots: int, dwellings: int, neighbourhoods: int, largest_part: int, sizes: Mapping[str, int]
) -> dict[str, int]:
    """The length of each axis of the tables of a world without ties.

    Parameters
    ----------
    slots, dwellings, neighbourhoods : int
        Numbers of slots, dwellings and neighbourhoods of the place.
    largest_part : int
        Number of slots of the largest part of the place (sim/world/partition.py).
    sizes : mapping of str to int
        Lengths of the axes that do not depend on people.

    Returns
    -------
    dict of str to int
    """
    return {
        **sizes,
        "person": slots,
        "person_edge": slots + 1,
        "silo": len(SILOS),
        "purpose": len(PURPOSES),
        "neighbourhood": neighbourhoods,
        "neighbourhood_edge": neighbourhoods + 1,
        "level": LEVELS,
        "quintile": QUINTILES,
        "band": BANDS,
        "age": 110,
        "child_age": CHILD_AGES,
        "dwelling": dwellings,
        "dwelling_edge": dwellings + 1,
        "place_in_home": MOST_IN_HOME,
        "tie": 0,
        "role": 2,
        "edge": 2,
        "queue": slots // SLOTS_LISTED,
        "candidate": largest_part + 8,
        "block": BLOCK,
        "group": MOST_GROUPS,
        "one": 1,
    }


def _enlarged(hood: Neighbourhood) -> Neighbourhood:
    """A neighbourhood with more people, of the same ages."""
    people = round(hood.people * SPUN_UP_PEOPLE)
    return hood._replace(people=people, ages=tuple(shared_out(people, hood.ages)))


@kernel
def select_homes(world: World, wanted: I64, key: np.uint64) -> npt.NDArray[np.bool_]:
    """Select homes at random so that each neighbourhood keeps so many people, and the same share of its empty homes.

    A neighbourhood with fewer people keeps all homes. Households are passed over in drawn order, and leave if they are
    no larger than the surplus.
    """
    occupants, edge = world.dwellings.occupants, world.places.first_dwelling
    selected = np.ones(occupants.size, np.bool_)
    for n in range(wanted.size):
        residents: Int = 0
        first, last = np.int64(edge[n]), np.int64(edge[n + 1])
        for home in range(first, last):
            residents += np.int64(occupants[home])
        surplus = residents - wanted[n]
        share = surplus / max(1, residents)
        for home in range(first, last):
            selected[home] = occupants[home] > 0 or uniform(key, home) >= share
        for round_number in range(SELECTION_ROUNDS):
            for home in range(first, last):
                leaves = 0 < occupants[home] <= surplus and selected[home]
                if leaves and np.int64(uniform(key, home) * SELECTION_ROUNDS) == round_number:
                    selected[home] = False
                    surplus -= np.int64(occupants[home])
    return selected


def _with_homes(world: World, homes: I64, source: npt.NDArray[np.integer], sizes: Mapping[str, int]) -> World:
    """A world without needs whose neighbourhoods have those of some homes that are in their `source` neighbourhoods."""
    first: I64 = world.dwellings.first.astype(np.int64)
    slots_of_homes: I64 = first[1:] - first[:-1]
    edges = np.searchsorted(homes, world.places.first_dwelling)
    dwellings = np.concatenate([[0], np.cumsum(np.diff(edges)[source])])
    starts: I64 = np.zeros(int(dwellings[-1]) + 1, np.int64)
    for n, k in enumerate(source):
        starts[dwellings[n] + 1 : dwellings[n + 1] + 1] = slots_of_homes[homes[edges[k] : edges[k + 1]]]
    np.cumsum(starts, out=starts)
    out = _allocated(starts, starts[dwellings], sizes)
    for n, k in enumerate(source):
        origin, target = homes[edges[k] : edges[k + 1]], slice(dwellings[n], dwellings[n + 1])
        moved = starts[target] - first[origin]
        for name in ("occupants", "donor_ages"):
            getattr(out.dwellings, name)[target] = getattr(world.dwellings, name)[origin]
        out.dwellings.head[target] = world.dwellings.head[origin] + moved
        slots = slice(starts[dwellings[n]], starts[dwellings[n + 1]])
        people = np.arange(slots.start, slots.stop) - np.repeat(moved, slots_of_homes[origin])
        for name in ("age", "band", "female"):
            getattr(out.people, name)[slots] = getattr(world.people, name)[people]
    return out


def _spin_up(world: World, params: Mapping[str, Params], seed: int, until: int, threads: int) -> None:
    """Run the demographic spin-up, before people have needs (sim/people/demographic_spin_up.py)."""
    ageing, life, moves = (
        (params.get(name) or kind()).compiled()
        for name, kind in (("ageing", Ageing), ("life_and_death", LifeAndDeath), ("moves", Moves))
    )
    nothing, world_handle, parts = NoParams().compiled(), handle(world), parts_of(world)

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        handles_of_parts: list[Any] = list(handles)  # each stands for a world

        def run_month(clock: Clock) -> None:
            for part in handles_of_parts:
                run_demographic_month(part, nothing, ageing, life, moves, clock)

        return run_month

    workers = workers_for(parts, threads)
    if workers > 1:
        month = run_in_parallel(world, parts, workers, [REGISTRY.entries[name] for name in STEPS], work)
    else:
        month = work([world_handle] if len(parts) == 1 else [handle(part) for part in parts])
    count_everybody(world_handle)
    world.people.changed[:] = ANYTHING
    for m in range(until - 12 * YEARS, until):
        clock = Clock(np.uint64(seed), np.int64(m))
        count_fullness(world_handle, nothing, clock)
        month(clock)
    for column in (*world.tally, *world.screen):
        column.fill(0)


def _form_ties(world: World, place: Place, seed: int, threads: int) -> TieLists:
    """The ties between people."""
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
        threads=threads,
    )
    return TieLists(wiring.start, wiring.to)


def _fill_people(world: World, occupancy: Occupancy) -> None:
    people, dwellings = world.people, world.dwellings
    people.age[:] = occupancy.age
    people.female[:] = occupancy.female
    people.band[:] = np.append(BAND_OF_AGE, np.zeros(EMPTY_SLOT + 1 - BAND_OF_AGE.size, np.uint8))[people.age]
    dwellings.head[:] = dwellings.first[:-1]
    _count_occupants(handle(world))


@kernel
def _count_occupants(world: World) -> None:
    """Count the occupants of each dwelling, and store the ages of these first households.

    The occupied slots of a dwelling come before its empty slots.
    """
    dwellings, age = world.dwellings, world.people.age
    for dwelling in range(dwellings.head.size):
        dwellings.donor_ages[dwelling] = EMPTY_SLOT
        first, occupants = np.int64(dwellings.first[dwelling]), 0
        for i in range(first, np.int64(dwellings.first[dwelling + 1])):
            if age[i] != EMPTY_SLOT:
                dwellings.donor_ages[dwelling, i - first] = age[i]
                occupants += 1
        dwellings.occupants[dwelling] = occupants


def _fill_places(world: World, hoods: tuple[Neighbourhood, ...]) -> None:
    places = world.places
    places.quintile[:] = [n.quintile - 1 for n in hoods]
    world.people.quintile[:] = places.quintile[world.people.neighbourhood]
    places.code[:] = [zlib.crc32(n.name.encode()) for n in hoods]
    for n in hoods:
        places.age_mix[n.quintile - 1] += n.ages
    baseline_columns = (places.energy, places.weight, places.exposure, places.practice, places.fit, places.grown)
    for column in (*baseline_columns, places.legitimacy):
        column[:] = 1.0


@kernel
def count_everybody(world: World) -> None:
    """Count all residents."""
    for i in range(world.people.age.size):
        if world.people.age[i] != EMPTY_SLOT:
            count_person(world, i, 1)
