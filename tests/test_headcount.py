"""The number of people who live in a place when its first month begins."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import calibrated
from test_invariants import counts_are_true, help_is_for_those_served, people_are_at_home
from test_place import skewed

from sim.engine.schedule import Clock
from sim.people.population import MOST_IN_HOME
from sim.place.place import Place
from sim.simulation.month import Month
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World, handle
from sim.world.housing import meet_headcount

EQUAL = (2_000, 2_000, 2_000, 2_000, 2_000)


def residents(world: World) -> list[int]:
    """The number of people of each fifth who live in the place."""
    alive = world.people.age != EMPTY_SLOT
    assert world.dwellings.occupants.sum() == alive.sum()
    return list(np.bincount(world.people.quintile[alive], minlength=5))


def stated(place: Place, people: int | None) -> list[int]:
    """The number of people of each fifth in the place file."""
    return list(
        np.bincount(
            [area.quintile - 1 for area in place.neighbourhoods(people)],
            [area.people for area in place.neighbourhoods(people)],
            minlength=5,
        ).astype(int)
    )


@pytest.mark.parametrize(
    ("place", "people"),
    [
        (Place.load("anytown"), 1_500),
        (Place.load("anytown"), 2_003),
        (Place.load("anytown"), 7_919),
        (Place.load("wigan"), 1_501),
        (Place.load("wigan"), 12_000),
        (skewed(9_970, 0, 30, 0, 0), 10_000),
        (skewed(0, 0, 0, 0, 10_000), 1_777),
        (skewed(*EQUAL), None),
    ],
    ids=lambda value: value.name if isinstance(value, Place) else str(value),
)
def test_as_many_people_as_stated_live_there_in_the_first_month(place: Place, people: int | None, seed: int) -> None:
    """At the start of the burn-in, and after it, each fifth has exactly its people, with consistent counts."""
    built = calibrated().world(place, people, seed)
    assert residents(built.world) == stated(place, people)
    world = calibrated().burned_in_world(place, people, seed)
    assert residents(world) == stated(place, people)
    assert list(world.tally.people.sum(axis=1)) == stated(place, people)
    for law in (counts_are_true, people_are_at_home, help_is_for_those_served):
        law(world)


@pytest.mark.parametrize("change", [-400, -7, -1, 1, 7, 60])
def test_any_gap_is_closed(change: int, seed: int) -> None:
    """A fifth that lacks people gets them, and a fifth with a surplus loses it, whatever the sizes of its homes."""
    place = Place.load("anytown")
    world = calibrated().burned_in_world(place, 3_000, seed)
    hoods = tuple(
        area._replace(people=area.people + change) if area.quintile == 2 else area
        for area in place.neighbourhoods(3_000)
    )
    meet_headcount(world, hoods, seed, 0)
    expected = stated(place, 3_000)
    expected[1] += change
    assert residents(world) == expected
    assert world.dwellings.occupants.max() <= MOST_IN_HOME
    counts_are_true(world)
    people_are_at_home(world)
    Month(calibrated().params, {})(world, handle(world), Clock(np.uint64(seed), np.int64(0)))
    counts_are_true(world)


@pytest.mark.statistics
def test_the_number_of_people_stays(seed: int) -> None:
    """In eight years of the burn-in a small town keeps its number of people, on average of twelve towns.

    A town of 2,000 deviates by 1.2 % (one standard deviation), the mean of twelve by 0.35 %: a deviation of 1.4 %
    occurs by chance once in 16,000 times. With every home of the spin-up, and its target, 1.3 to 2 % were missing.
    """
    place, people = Place.load("anytown"), 2_000
    after = []
    for s in range(100 * seed, 100 * seed + 12):
        world = calibrated().world(place, people, s).world
        month, w = Month(calibrated().params, {}), handle(world)
        for m in range(-96, 0):
            month(world, w, Clock(np.uint64(s), np.int64(m)))
        after.append(sum(residents(world)) / people - 1.0)
    assert abs(np.mean(after)) < 0.014, after


def test_households_keep_their_sizes_at_every_size(seed: int) -> None:
    """People per occupied home, and empty homes per home, are alike in a town of 3,000 and one of 30,000."""
    small, large = (calibrated().world(Place.load("anytown"), n, seed).world.dwellings for n in (3_000, 30_000))
    sizes = [d.occupants[d.occupants > 0].mean() for d in (small, large)]
    empty = [(d.occupants == 0).mean() for d in (small, large)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.04)
    assert all(0.003 < share < 0.03 for share in empty)
