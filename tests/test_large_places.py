"""Places of millions: homes that begin as copies of others', and worlds that are used up rather than copied."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import calibrated, columns, different, digest, live, scenario
from test_laws import counts_are_true, help_is_for_those_served, people_are_at_home, shares_are_shares

from sim.place.place import Place
from sim.simulation.simulate import burn_in, ensemble, run_months
from sim.state.tables import EMPTY_SLOT, World
from sim.world import build as worlds
from sim.world import housing, partition

PEOPLE, GROWN = 24_000, 9_000


@pytest.fixture(scope="module")
def copied() -> World:
    """A town whose homes grew in a part of its neighbourhoods, before anybody has needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(housing, "MOST_GROWN", GROWN)
        return calibrated().world(Place.load("anytown"), PEOPLE, 5).world


def _ages(world: World, n: int) -> list[int]:
    return list(world.people.age[world.places.first[n] : world.places.first[n + 1]])


def test_homes_are_copied_from_neighbourhoods_as_deprived(copied: World) -> None:
    """Some grew, the others have the same homes and people; no copy crosses tenths, and neighbours keep their homes."""
    hoods = Place.load("anytown").neighbourhoods(PEOPLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(housing, "MOST_GROWN", GROWN)
        source = housing._where_homes_grow(tuple(hoods))
    assert len(set(source)) < len(hoods)
    for n, k in enumerate(source):
        assert hoods[n].decile == hoods[k].decile
        assert source[k] == k
        assert _ages(copied, n) == _ages(copied, k)
    there = copied.people.age != EMPTY_SLOT
    assert (copied.people.quintile == [hoods[n].quintile - 1 for n in copied.people.neighbourhood]).all()
    assert (copied.people.dwelling[copied.dwellings.head] == np.arange(copied.dwellings.head.size)).all()
    lived_in = np.bincount(copied.people.dwelling[there], minlength=copied.dwellings.head.size)
    assert (lived_in == copied.dwellings.occupants).all()
    assert there.sum() == pytest.approx(PEOPLE, rel=0.04)
    assert (np.diff(copied.dwellings.first.astype(int)) > 0).all()


def test_a_small_place_has_no_copies() -> None:
    """Each neighbourhood of a place of up to four million grows by itself."""
    for people in (1_500, 30_000):
        hoods = tuple(Place.load("anytown").neighbourhoods(people))
        assert housing._where_homes_grow(hoods) == list(range(len(hoods)))


def test_copies_go_their_own_way(copied: World) -> None:
    """They meet other dice: soon no two are alike. And the town keeps every law, month after month."""
    world = burn_in(worlds.BuiltWorld(copied, (), calibrated().aims), calibrated().params, 5, months=12)
    ages = [_ages(world, n) for n in range(world.places.code.size)]
    assert len({tuple(each) for each in ages}) == len(ages)
    for _, lived in live(world, scenario(1), 5):
        for law in (counts_are_true, people_are_at_home, help_is_for_those_served, shares_are_shares):
            law(lived)


def test_a_world_that_is_used_up_gives_the_same_runs() -> None:
    """No copy is made of a world that nobody else needs; records are the same to the last bit."""
    chosen = [scenario(2), scenario(2).model_copy(update={"name": "again"})]

    def fresh(seed: int) -> World:
        return calibrated().settled(Place.load("anytown"), 2_000, seed)

    usual = ensemble(fresh, chosen, [3], 1)
    used = ensemble(fresh, chosen, [3], 1, used_up=True)
    assert [digest(r) for name in usual for r in usual[name]] == [digest(r) for name in used for r in used[name]]
    mine = fresh(3)
    one = run_months(mine, chosen[0], calibrated().params, 3, used_up=True)
    assert digest(one) == digest(usual[chosen[0].name][0])
    assert digest(run_months(mine, chosen[0], calibrated().params, 3)) != digest(one)  # it has been lived in


@pytest.mark.parametrize("threads", [2, 5])
def test_homes_grow_alike_on_any_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that go through parts of a place side by side build the place that one builds, to the last bit."""
    place = Place.load("anytown")
    usual = columns(calibrated().world(place, 6_000, 7).world)
    monkeypatch.setattr(partition, "SLOTS", (1_500, 1_500))
    monkeypatch.setattr(partition, "LEAST_SHARE", 1)
    shared = columns(calibrated().world(place, 6_000, 7, threads).world)
    here, there = ({n: a for n, a in of.items() if not n.startswith("screen.")} for of in (usual, shared))
    assert different(here, there) == []  # but for scratch, which is as long as the longest part
