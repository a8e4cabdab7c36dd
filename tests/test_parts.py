"""A place gone through part by part, by one worker or several, is the place gone through whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from strategies import (
    SERVICES,
    Columns,
    calibrated,
    columns,
    different,
    digest,
    every_lever_moved,
    town,
)

from sim.engine.schedule import REGISTRY, Clock, Mechanism, NoParams, Phase
from sim.engine.tables import columns as described
from sim.networks import wiring
from sim.place.place import Place
from sim.simulation.simulate import FLOWS, Month, run_months
from sim.state.tables import EMPTY_SLOT, TABLES, World, handle
from sim.world import partition
from sim.world.build import copy
from sim.world.partition import cut, parts_of, stretches

BY_PART = [m for m in REGISTRY.month() if m.by_part]
SMALL = 1
"""Slots of a part below those of any neighbourhood: each neighbourhood is a part of its own."""


def _step(name: str, reads: str = "", writes: str = "", *, by_part: bool = True, beyond: str = "") -> Mechanism:
    told = tuple(tuple(x.split()) for x in (reads, writes, "", beyond))
    kernel: Callable[..., None] = lambda *_: None  # noqa: E731  (a kernel that does nothing)
    return Mechanism(
        name, Phase.NEED, NoParams, kernel, told[0], told[1], told[2], "tests", "A test.", None, by_part, told[3]
    )


def names(found: list[list[Mechanism]]) -> list[list[str]]:
    """The mechanisms' names."""
    return [[m.name for m in stretch] for stretch in found]


def test_a_stretch_ends_where_one_looks_at_what_another_changes() -> None:
    """Whoever looks beyond the part waits until all parts have been gone through by those who change it, and back."""
    changes, other = _step("changes", writes="people.age"), _step("other", reads="people.age", writes="people.trust")
    looks = _step("looks", writes="people.support", beyond="people.age")
    whole = _step("whole", writes="money.spent", by_part=False)
    assert names(stretches([changes, other])) == [["changes", "other"]]
    assert names(stretches([changes, looks, other])) == [["changes"], ["looks", "other"]]
    assert names(stretches([looks, changes])) == [["looks"], ["changes"]]
    assert names(stretches([other, whole, looks])) == [["other"], ["whole"], ["looks"]]


def test_scratch_does_not_outlive_a_stretch() -> None:
    """A mechanism that needs scratch of another stretch is refused: other parts have written over it."""
    finds, uses = (
        _step("finds", writes="screen.worse_row"),
        _step("uses", reads="screen.worse_row", writes="people.help"),
    )
    assert names(stretches([finds, uses])) == [["finds", "uses"]]
    with pytest.raises(ValueError, match=r"'uses' reads \['screen.worse_row'\]"):
        stretches([finds, _step("whole", by_part=False), uses])


def test_a_month_goes_through_all_people_once() -> None:
    """Everything that happens to people, from their bounds to what is noted for the month to come, is one stretch."""
    month = [m for m in REGISTRY.month() if m.lever is None]
    by_part = [names([stretch])[0] for stretch in stretches(month) if stretch[0].by_part]
    assert by_part[1:] == [["news"], ["waiting"]]  # when all parts are done: a byte copied, and the few who are called
    assert (by_part[0][0], by_part[0][-1]) == ("bound_updates", "remembering")


def test_parts_are_the_place() -> None:
    """Parts follow one another without gap; none is larger than it may be, but for a neighbourhood that is."""
    first = np.array([0, 3_000, 6_000, 9_000, 30_000, 31_000, 31_500])
    assert cut(first) == [(0, 6_000), (6_000, 9_000), (9_000, 30_000), (30_000, 31_500)]
    assert cut(np.array([0, 1_500])) == [(0, 1_500)]


@pytest.mark.parametrize("slots", [SMALL, 3_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_parts_and_workers_do_not_matter(slots: int, threads: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a place is cut, and however many workers share the parts, every recorded number is the same."""
    world, params, what = town(6_000, seed), calibrated().params, every_lever_moved(2)
    assert len(parts_of(world)) == 1
    usual = digest(run_months(world, what, params, seed))
    monkeypatch.setattr(partition, "SLOTS", (slots, slots))
    monkeypatch.setattr(partition, "LEAST_SHARE", 1)
    assert len(parts_of(world)) > 1
    assert digest(run_months(world, what, params, seed, threads=threads)) == usual


@pytest.mark.parametrize("threads", [2, 5])
def test_a_place_is_built_the_same_by_however_many(threads: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Homes, ties in their order, first needs and who is helped: every column is the same to the last bit."""
    place = Place.load("anytown")
    alone = calibrated().world(place, 6_000, seed).world
    monkeypatch.setattr(partition, "SLOTS", (SMALL, SMALL))
    monkeypatch.setattr(partition, "LEAST_SHARE", 1)
    monkeypatch.setattr(wiring, "LEAST_SHARE", 1)
    together = calibrated().world(place, 6_000, seed, threads).world
    assert len(parts_of(together)) > 1
    scratch = {name for name in columns(alone) if name.startswith("screen.")}  # as long as the longest part
    told = [{k: v for k, v in columns(w).items() if k not in scratch} for w in (alone, together)]
    assert different(*told) == []


IN_PLACE = {"people.neighbourhood", "people.dwelling", "people.quintile", "dwellings.first", "ties.start"}
"""Where things lie: what tells parts apart."""


def rows_of(part: World, name: str) -> tuple[int, int, int] | None:
    """The axis of a column that parts divide, and the part's rows; None for what is the place's, and for scratch."""
    table, column = name.split(".")
    axes = dict(described(TABLES[table]))[column].axes
    for k, axis in enumerate(axes):
        if axis in {"person", "dwelling", "neighbourhood"} and table != "screen":
            first, last = getattr(part.part, axis)
            return k, int(first), int(last)
    return None


def stirred(world: World, part: World, but: set[str]) -> World:
    """The world with the rows of all other parts in another order, except in some columns."""
    out = copy(world)
    for name, array in columns(out).items():
        rows = None if name in but | IN_PLACE else rows_of(part, name)
        if rows is not None:
            k, first, last = rows
            outside = np.r_[0:first, last : array.shape[k]]
            there = np.moveaxis(array, k, 0)
            there[outside] = there[np.roll(outside, 7)]
    return out


class Done(NamedTuple):
    """What a stretch did to one part: the world before, and every column after, of the part and of the others; and of
    the part where the others were stirred first."""

    names: list[str]
    outside_before: Columns
    outside: Columns
    inside: Columns
    inside_where_stirred: Columns


def split(world: World, part: World) -> tuple[Columns, Columns]:
    """The part's rows of every column, and the others'; what is the place's goes with the part."""
    inside, outside = {}, {}
    for name, array in columns(world).items():
        if name.startswith(("screen.", "part.")):
            continue
        rows = rows_of(part, name)
        if rows is None:
            inside[name] = array.copy()
        else:
            there = np.moveaxis(array, rows[0], 0)
            inside[name] = there[rows[1] : rows[2]].copy()
            outside[name] = np.delete(there, np.s_[rows[1] : rows[2]], 0)
    return inside, outside


@pytest.fixture(scope="module")
def done(seed: int) -> list[Done]:
    """Each stretch that goes part by part, at work on one neighbourhood at a year's end and start."""
    out = []
    world = copy(town(6_000, seed))
    month = Month(calibrated().params, every_lever_moved(2).paths(SERVICES, world.places))
    given = {step.name: what for step, what in month.steps}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "SLOTS", (SMALL, SMALL))
        places = parts_of(world)
        for m in range(13):
            clock = Clock(np.uint64(seed), np.int64(m))
            for flow in FLOWS:
                getattr(world.tally, flow)[:] = 0
            for stretch in stretches([step for step, _ in month.steps]):

                def work(on: World, stretch: list[Mechanism] = stretch, clock: Clock = clock) -> None:
                    seen = handle(on)
                    for step in stretch:
                        step.kernel(seen, given[step.name], clock)

                if not stretch[0].by_part:
                    work(world)
                    continue
                if m >= 11:
                    beyond = {name for step in stretch for name in step.beyond}
                    before = split(world, places[1])[1]
                    tried = []
                    for other in (copy(world), stirred(world, places[1], beyond)):
                        part = parts_of(other)[1]
                        part.screen.events[:] = places[1].screen.events
                        work(part)
                        tried.append(split(other, part))
                    names = [step.name for step in stretch]
                    out.append(Done(names, before, tried[0][1], tried[0][0], tried[1][0]))
                for place in places:
                    work(place)
    return out


def test_a_part_changes_nothing_of_others(done: list[Done]) -> None:
    """What goes part by part leaves every row of other parts as it is."""
    assert len({name for each in done for name in each.names}) == len(BY_PART)
    for each in done:
        assert different(each.outside, each.outside_before) == [], each.names


def test_a_part_looks_at_others_only_as_declared(done: list[Done]) -> None:
    """With others elsewhere, in all columns but those named in `beyond`, a part fares as it did."""
    for each in done:
        assert different(each.inside, each.inside_where_stirred) == [], each.names


def test_beyond_is_not_named_in_vain(done: list[Done], seed: int) -> None:
    """Whoever says that it looks beyond its part does: people there are tied to people elsewhere."""
    world = town(6_000, seed)
    start, to, hood = world.ties.start.astype(int), world.ties.to, world.people.neighbourhood
    away = hood[to] != np.repeat(hood, np.diff(start))
    assert 0.02 < away.mean() < 0.5
    assert {m.name for m in BY_PART if m.beyond} == {"support", "company"}


def test_scratch_is_a_parts_not_a_persons(seed: int) -> None:
    """Beside what is kept of people, homes and ties, a place needs no more than the month's events for each person."""
    world = calibrated().world(Place.load("anytown"), 30_000, seed).world
    people = int((world.people.age != EMPTY_SLOT).sum())
    events = sum(getattr(world.screen, name).nbytes for name in world.screen._fields if name.startswith("event"))
    scratch = sum(array.nbytes for array in world.screen) - events
    widest = max(last - first for first, last in cut(world.places.first))
    assert len(parts_of(world)) > 3
    assert scratch < 100 * widest
    kept = sum(a.nbytes for table in (world.people, world.dwellings, world.ties) for a in table) + events
    assert kept / people < 140
