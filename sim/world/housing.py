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

from sim.engine.jit import kernel
from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.tables import Handle, allocate
from sim.engine.thinning import BLOCK
from sim.hazards import BANDS, LEVELS
from sim.networks.wiring import wire
from sim.people.ageing import BAND_OF_AGE, Ageing
from sim.people.demographic_spin_up import STEPS, YEARS, run_demographic_month
from sim.people.life_and_death import LifeAndDeath, set_mortality
from sim.people.moves import Moves, count_fullness
from sim.people.population import MOST_IN_HOME, Household, Occupancy, draw_population
from sim.place.place import Neighbourhood, Place
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
    spun_up = tuple(hoods[k] for k in sorted(set(sources)))
    households = place.households
    household = Household(
        households.people_per_household.value, households.one_person_share.value, households.lone_parent_share.value
    )
    occupancy = draw_population([n.ages for n in spun_up], household, seed)
    world = _allocated(occupancy.dwelling_first, occupancy.neighbourhood_first, sizes)
    _fill_people(world, occupancy)
    del occupancy
    _fill_places(world, spun_up)
    set_mortality(world.rates, death)
    _spin_up(world, params, seed, until, threads)
    if len(spun_up) < len(hoods):
        world = _repeated(world, np.searchsorted(sorted(set(sources)), sources), sizes)
        _fill_places(world, hoods)
        set_mortality(world.rates, death)
    return world._replace(ties=_form_ties(world, place, seed, threads))


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
    lengths = {
        **sizes,
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
        "dwelling": dwellings,
        "dwelling_edge": dwellings + 1,
        "place_in_home": MOST_IN_HOME,
        "tie": 0,
        "role": 2,
        "edge": 2,
        "queue": slots // SLOTS_LISTED,
        "candidate": max(last - first for first, last in part_bounds(neighbourhood_first)) + 8,
        "block": BLOCK,
        "group": MOST_GROUPS,
        "one": 1,
    }
    world = make_world(lambda _, table: allocate(table, **lengths))
    world.places.first[:] = neighbourhood_first
    world.places.first_dwelling[:] = np.searchsorted(dwelling_first, neighbourhood_first)
    world.dwellings.first[:] = dwelling_first
    world.part.person[1], world.part.dwelling[1], world.part.neighbourhood[1] = slots, dwellings, hoods
    world.people.neighbourhood[:] = np.repeat(np.arange(hoods, dtype=np.uint32), np.diff(neighbourhood_first))
    world.people.dwelling[:] = np.repeat(np.arange(dwellings, dtype=np.uint32), np.diff(dwelling_first))
    return world


def _repeated(world: World, source: npt.NDArray[np.integer], sizes: Mapping[str, int]) -> World:
    """A world without needs whose neighbourhoods are copies of the `source` neighbourhoods of another world."""
    first, first_dwelling = world.places.first.astype(np.int64), world.places.first_dwelling.astype(np.int64)
    slots = np.concatenate([[0], np.cumsum(np.diff(first)[source])])
    dwellings = np.concatenate([[0], np.cumsum(np.diff(first_dwelling)[source])])
    starts: I64 = np.empty(int(dwellings[-1]) + 1, np.int64)
    starts[-1] = slots[-1]
    for n, k in enumerate(source):
        starts_of_source = world.dwellings.first[first_dwelling[k] : first_dwelling[k + 1]]
        starts[dwellings[n] : dwellings[n + 1]] = starts_of_source + (slots[n] - first[k])
    out = _allocated(starts, slots, sizes)
    for n, k in enumerate(source):
        target, origin = slice(slots[n], slots[n + 1]), slice(first[k], first[k + 1])
        for name in ("age", "band", "female"):
            getattr(out.people, name)[target] = getattr(world.people, name)[origin]
        target, origin = slice(dwellings[n], dwellings[n + 1]), slice(first_dwelling[k], first_dwelling[k + 1])
        for name in ("occupants", "donor_ages"):
            getattr(out.dwellings, name)[target] = getattr(world.dwellings, name)[origin]
        out.dwellings.head[target] = world.dwellings.head[origin] + (slots[n] - first[k])
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
