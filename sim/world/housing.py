"""Neighbourhoods, homes, who lives in them and who knows whom: a place before anybody has needs.

Households are gathered from the ages of each neighbourhood, live through some decades (people/demographic_spin_up.py), and are
tied together as they then are. Homes of a place of millions live through these decades in some of its neighbourhoods
only; the others begin as copies of one that is as deprived.
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
from sim.networks.groups import CommunityGroups
from sim.networks.wiring import wire
from sim.people.ageing import BAND_OF_AGE, Ageing
from sim.people.demographic_spin_up import STEPS, YEARS, live_a_month
from sim.people.life_and_death import LifeAndDeath, set_mortality
from sim.people.moves import Moves, count_fullness
from sim.people.population import MOST_IN_HOME, Household, Occupancy, people_places
from sim.place.place import Neighbourhood, Place
from sim.scenario import registry  # noqa: F401  (enters every mechanism in the book)
from sim.schema.quantities import QUINTILES, Params
from sim.services.queues import SLOTS_LISTED
from sim.state.tables import (
    ANYTHING,
    CHILD_AGES,
    EMPTY_SLOT,
    MOST_GROUPS,
    PURPOSES,
    SILOS,
    TABLES,
    TieLists,
    World,
    handle,
)
from sim.state.updates import count_person
from sim.world.partition import cut, parts_of, side_by_side, workers_for

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def lived_in(
    place: Place,
    hoods: tuple[Neighbourhood, ...],
    sizes: Mapping[str, int],
    death: F,
    params: Mapping[str, Params],
    seed: int,
    until: int,
    threads: int,
) -> World:
    """A world of people at home in the month `until`. `sizes` are the lengths of the axes that have nothing to do with
    people; `death` is the monthly mortality by age and fifth."""
    grown_in = _where_homes_grow(hoods)
    own = tuple(hoods[k] for k in sorted(set(grown_in)))
    home = place.households
    household = Household(home.people_per_household.value, home.one_person_share.value, home.lone_parent_share.value)
    drawn = people_places([n.ages for n in own], household, seed)
    world = _allocated(drawn.dwelling_first, drawn.neighbourhood_first, sizes)
    _fill_people(world, drawn)
    del drawn
    _fill_places(world, own)
    set_mortality(world.rates, death)
    _grow_up(world, params, seed, until, threads)
    if len(own) < len(hoods):
        world = _repeated(world, np.searchsorted(sorted(set(grown_in)), grown_in), sizes)
        _fill_places(world, hoods)
        set_mortality(world.rates, death)
    return world._replace(ties=_wired(world, place, seed, threads))


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


def _allocated(dwelling_first: I64, neighbourhood_first: I64, sizes: Mapping[str, int]) -> World:
    """An empty world of homes and neighbourhoods that begin at these slots; where they do is noted."""
    slots, homes, hoods = int(dwelling_first[-1]), dwelling_first.size - 1, neighbourhood_first.size - 1
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
        "dwelling": homes,
        "dwelling_edge": homes + 1,
        "place_in_home": MOST_IN_HOME,
        "tie": 0,
        "role": 2,
        "edge": 2,
        "queue": slots // SLOTS_LISTED,
        "candidate": max(last - first for first, last in cut(neighbourhood_first)) + 8,
        "block": BLOCK,
        "group": MOST_GROUPS,
        "one": 1,
    }
    world = World._make(allocate(table, **lengths) for table in TABLES.values())
    world.places.first[:] = neighbourhood_first
    world.places.first_dwelling[:] = np.searchsorted(dwelling_first, neighbourhood_first)
    world.dwellings.first[:] = dwelling_first
    world.part.person[1], world.part.dwelling[1], world.part.neighbourhood[1] = slots, homes, hoods
    world.people.neighbourhood[:] = np.repeat(np.arange(hoods, dtype=np.uint32), np.diff(neighbourhood_first))
    world.people.dwelling[:] = np.repeat(np.arange(homes, dtype=np.uint32), np.diff(dwelling_first))
    return world


def _repeated(world: World, source: npt.NDArray[np.integer], sizes: Mapping[str, int]) -> World:
    """A world without needs yet, of neighbourhoods with the homes and people of these neighbourhoods of another."""
    first, first_home = world.places.first.astype(np.int64), world.places.first_dwelling.astype(np.int64)
    slots = np.concatenate([[0], np.cumsum(np.diff(first)[source])])
    homes = np.concatenate([[0], np.cumsum(np.diff(first_home)[source])])
    starts: I64 = np.empty(int(homes[-1]) + 1, np.int64)
    starts[-1] = slots[-1]
    for n, k in enumerate(source):
        there = world.dwellings.first[first_home[k] : first_home[k + 1]]
        starts[homes[n] : homes[n + 1]] = there + (slots[n] - first[k])
    out = _allocated(starts, slots, sizes)
    for n, k in enumerate(source):
        into, of = slice(slots[n], slots[n + 1]), slice(first[k], first[k + 1])
        for name in ("age", "band", "female"):
            getattr(out.people, name)[into] = getattr(world.people, name)[of]
        into, of = slice(homes[n], homes[n + 1]), slice(first_home[k], first_home[k + 1])
        for name in ("occupants", "donor_ages"):
            getattr(out.dwellings, name)[into] = getattr(world.dwellings, name)[of]
        out.dwellings.head[into] = world.dwellings.head[of] + (slots[n] - first[k])
    return out


def _grow_up(world: World, params: Mapping[str, Params], seed: int, until: int, threads: int) -> None:
    """Let homes settle before anybody has needs (sim/people/demographic_spin_up.py)."""
    ageing, life, moves = (
        (params.get(name) or kind()).compiled()
        for name, kind in (("ageing", Ageing), ("life_and_death", LifeAndDeath), ("moves", Moves))
    )
    nothing, whole, parts = NoParams().compiled(), handle(world), parts_of(world)

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        seen: list[Any] = list(handles)  # each stands for a world

        def go_through(clock: Clock) -> None:
            for part in seen:
                live_a_month(part, nothing, ageing, life, moves, clock)

        return go_through

    workers = workers_for(parts, threads)
    if workers > 1:
        month = side_by_side(world, parts, workers, [REGISTRY.entries[name] for name in STEPS], work)
    else:
        month = work([whole] if len(parts) == 1 else [handle(part) for part in parts])
    count_everybody(whole)
    world.people.changed[:] = ANYTHING
    for m in range(until - 12 * YEARS, until):
        clock = Clock(np.uint64(seed), np.int64(m))
        count_fullness(whole, nothing, clock)
        month(clock)
    for column in (*world.tally, *world.screen):
        column.fill(0)


def _wired(world: World, place: Place, seed: int, threads: int) -> TieLists:
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
        threads=threads,
    )
    return TieLists(wiring.start, wiring.to)


def _fill_people(world: World, drawn: Occupancy) -> None:
    people, homes = world.people, world.dwellings
    people.age[:] = drawn.age
    people.female[:] = drawn.female
    people.band[:] = np.append(BAND_OF_AGE, np.zeros(EMPTY_SLOT + 1 - BAND_OF_AGE.size, np.uint8))[people.age]
    homes.head[:] = homes.first[:-1]
    _settle_in(handle(world))


@kernel
def _settle_in(world: World) -> None:
    """Count who lives in each home, and note the ages of these first households. Nobody lives behind an empty place."""
    homes, age = world.dwellings, world.people.age
    for home in range(homes.head.size):
        homes.donor_ages[home] = EMPTY_SLOT
        first, many = np.int64(homes.first[home]), 0
        for i in range(first, np.int64(homes.first[home + 1])):
            if age[i] != EMPTY_SLOT:
                homes.donor_ages[home, i - first] = age[i]
                many += 1
        homes.occupants[home] = many


def _fill_places(world: World, hoods: tuple[Neighbourhood, ...]) -> None:
    places = world.places
    places.quintile[:] = [n.quintile - 1 for n in hoods]
    world.people.quintile[:] = places.quintile[world.people.neighbourhood]
    places.code[:] = [zlib.crc32(n.name.encode()) for n in hoods]
    for n in hoods:
        places.age_mix[n.quintile - 1] += n.ages
    places.base_mix[:] = places.age_mix
    usual = (places.energy, places.weight, places.exposure, places.practice, places.fit, places.grown)
    for column in (*usual, places.knowhow, places.legitimacy):
        column[:] = 1.0
    places.leaders[:] = CommunityGroups().leaders


@kernel
def count_everybody(world: World) -> None:
    """Count everybody who lives here."""
    for i in range(world.people.age.size):
        if world.people.age[i] != EMPTY_SLOT:
            count_person(world, i, 1)
