"""Places of millions: homes that start as copies of other homes, and worlds that are used up rather than copied."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import calibrated, columns, different, digest, live, scenario
from test_invariants import counts_are_true, help_is_for_those_served, people_are_at_home, shares_are_shares

from sim.place.place import Place
from sim.simulation.simulate import burn_in, ensemble, run_months
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World
from sim.world import build as worlds
from sim.world import housing, partition

PEOPLE, GROWN = 24_000, 9_000


@pytest.fixture(scope="module")
def copied() -> World:
    """A town whose homes were generated in some neighbourhoods and copied to others, before anybody has needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(housing, "MOST_SPUN_UP", GROWN)
        return calibrated().world(Place.load("anytown"), PEOPLE, 5).world


def _ages(world: World, n: int) -> list[int]:
    return list(world.people.age[world.places.first[n] : world.places.first[n + 1]])


def test_homes_are_copied_from_neighbourhoods_as_deprived(copied: World) -> None:
    """A copied neighbourhood has the homes, and but for a few people the ages, of one of the same decile."""
    hoods = Place.load("anytown").neighbourhoods(PEOPLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(housing, "MOST_SPUN_UP", GROWN)
        source = housing._spin_up_sources(tuple(hoods))
    assert len(set(source)) < len(hoods)
    for n, k in enumerate(source):
        assert hoods[n].decile == hoods[k].decile
        assert source[k] == k
        different_slots = sum(a != b for a, b in zip(_ages(copied, n), _ages(copied, k), strict=True))
        assert different_slots <= 12  # those who moved so that each fifth has exactly its people
    alive = copied.people.age != EMPTY_SLOT
    assert (copied.people.quintile == [hoods[n].quintile - 1 for n in copied.people.neighbourhood]).all()
    assert (copied.people.dwelling[copied.dwellings.head] == np.arange(copied.dwellings.head.size)).all()
    lived_in = np.bincount(copied.people.dwelling[alive], minlength=copied.dwellings.head.size)
    assert (lived_in == copied.dwellings.occupants).all()
    assert alive.sum() == pytest.approx(PEOPLE, rel=0.04)
    assert (np.diff(copied.dwellings.first.astype(int)) > 0).all()


def test_a_small_place_has_no_copies() -> None:
    """In a place of up to four million, the homes of each neighbourhood are generated separately."""
    for people in (1_500, 30_000):
        hoods = tuple(Place.load("anytown").neighbourhoods(people))
        assert housing._spin_up_sources(hoods) == list(range(len(hoods)))


def test_copies_diverge(copied: World) -> None:
    """Copies have other random numbers: after a year no two are alike. The town keeps every invariant."""
    hoods = tuple(Place.load("anytown").neighbourhoods(PEOPLE))
    world = burn_in(worlds.BuiltWorld(copied, hoods, calibrated().aims), calibrated().params, 5, months=12)
    ages = [_ages(world, n) for n in range(world.places.code.size)]
    assert len({tuple(each) for each in ages}) == len(ages)
    for _, lived in live(world, scenario(1), 5):
        for law in (counts_are_true, people_are_at_home, help_is_for_those_served, shares_are_shares):
            law(lived)


def test_a_world_that_is_used_up_gives_the_same_runs() -> None:
    """A run on the world itself instead of a copy has the same record, to the last bit."""
    chosen = [scenario(2), scenario(2).model_copy(update={"name": "again"})]

    def fresh(seed: int) -> World:
        return calibrated().burned_in_world(Place.load("anytown"), 2_000, seed)

    copies = ensemble(fresh, chosen, [3], 1)
    used = ensemble(fresh, chosen, [3], 1, consume=True)
    assert [digest(r) for name in copies for r in copies[name]] == [digest(r) for name in used for r in used[name]]
    world = fresh(3)
    record = run_months(world, chosen[0], calibrated().params, 3, consume=True)
    assert digest(record) == digest(copies[chosen[0].name][0])
    assert digest(run_months(world, chosen[0], calibrated().params, 3)) != digest(record)  # the world has changed


@pytest.mark.parametrize("threads", [2, 5])
def test_homes_grow_alike_on_any_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several workers build the same place as one worker, to the last bit."""
    place = Place.load("anytown")
    alone = columns(calibrated().world(place, 6_000, 7).world)
    monkeypatch.setattr(partition, "SLOTS_PER_PART", (1_500, 1_500))
    monkeypatch.setattr(partition, "LEAST_SLOTS_PER_WORKER", 1)
    shared = columns(calibrated().world(place, 6_000, 7, threads).world)
    alone_columns, shared_columns = (
        {n: a for n, a in of.items() if not n.startswith("screen.")} for of in (alone, shared)
    )
    assert different(alone_columns, shared_columns) == []  # without scratch, whose length is that of the longest part
