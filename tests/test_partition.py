"""Partitioned places: a month computed part by part, by one worker or several, is the month of the undivided place."""

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
from sim.simulation.month import Month, clear_flows
from sim.simulation.simulate import run_months
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World, all_tables, handle
from sim.world import partition
from sim.world.build import copy
from sim.world.partition import fused_stages, part_bounds, parts_of

BY_PART = [m for m in REGISTRY.month() if m.by_part]
SMALL = 1
"""Fewer slots than any neighbourhood has: each neighbourhood is a part by itself."""


def _step(name: str, reads: str = "", writes: str = "", *, by_part: bool = True, beyond: str = "") -> Mechanism:
    lists = tuple(tuple(x.split()) for x in (reads, writes, "", beyond))
    kernel: Callable[..., None] = lambda *_: None  # noqa: E731  (a kernel that does nothing)
    return Mechanism(
        name, Phase.NEED, NoParams, kernel, lists[0], lists[1], lists[2], "tests", "A test.", None, by_part, lists[3]
    )


def names(stages: list[list[Mechanism]]) -> list[list[str]]:
    """The mechanisms' names, by fused stage."""
    return [[m.name for m in stage] for stage in stages]


def test_a_stage_ends_before_a_read_beyond_the_part() -> None:
    """A mechanism that reads beyond its part runs after all parts are changed, and before they are changed again."""
    changes, other = _step("changes", writes="people.age"), _step("other", reads="people.age", writes="people.trust")
    looks = _step("looks", writes="people.support", beyond="people.age")
    undivided = _step("whole", writes="money.spent", by_part=False)
    assert names(fused_stages([changes, other])) == [["changes", "other"]]
    assert names(fused_stages([changes, looks, other])) == [["changes"], ["looks", "other"]]
    assert names(fused_stages([looks, changes])) == [["looks"], ["changes"]]
    assert names(fused_stages([other, undivided, looks])) == [["other"], ["whole"], ["looks"]]


def test_scratch_is_valid_within_a_stage() -> None:
    """A mechanism that reads scratch of another fused stage is refused: other parts have overwritten it."""
    finds, uses = (
        _step("finds", writes="screen.worse_row"),
        _step("uses", reads="screen.worse_row", writes="people.help"),
    )
    assert names(fused_stages([finds, uses])) == [["finds", "uses"]]
    with pytest.raises(ValueError, match=r"'uses' reads \['screen.worse_row'\]"):
        fused_stages([finds, _step("whole", by_part=False), uses])


def test_all_mechanisms_of_people_are_one_stage() -> None:
    """All mechanisms of people, from their bounds to the columns for the next month, are one fused stage."""
    month = [m for m in REGISTRY.month() if m.lever is None]
    by_part = [names([stage])[0] for stage in fused_stages(month) if stage[0].by_part]
    assert by_part[1:] == [["news"], ["waiting"]]  # after all parts: a byte is copied, and the few people called start
    assert (by_part[0][0], by_part[0][-1]) == ("bound_updates", "remembering")


def test_parts_cover_the_place() -> None:
    """Parts cover the place without gaps; none is larger than the limit, unless it is one neighbourhood."""
    first = np.array([0, 3_000, 6_000, 9_000, 30_000, 31_000, 31_500])
    assert part_bounds(first) == [(0, 6_000), (6_000, 9_000), (9_000, 30_000), (30_000, 31_500)]
    assert part_bounds(np.array([0, 1_500])) == [(0, 1_500)]


@pytest.mark.parametrize("slots", [SMALL, 3_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_parts_and_workers_do_not_matter(slots: int, threads: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any partition of a place and any number of workers, every recorded number is the same."""
    world, params, policy = town(6_000, seed), calibrated().params, every_lever_moved(2)
    assert len(parts_of(world)) == 1
    reference = digest(run_months(world, policy, params, seed))
    monkeypatch.setattr(partition, "SLOTS_PER_PART", (slots, slots))
    monkeypatch.setattr(partition, "LEAST_SLOTS_PER_WORKER", 1)
    assert len(parts_of(world)) > 1
    assert digest(run_months(world, policy, params, seed, threads=threads)) == reference


@pytest.mark.parametrize("threads", [2, 5])
def test_a_place_is_built_the_same_on_any_number_of_threads(
    threads: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Homes, ties in their order, first needs and help: every column is the same to the last bit."""
    place = Place.load("anytown")
    alone = calibrated().world(place, 6_000, seed).world
    monkeypatch.setattr(partition, "SLOTS_PER_PART", (SMALL, SMALL))
    monkeypatch.setattr(partition, "LEAST_SLOTS_PER_WORKER", 1)
    monkeypatch.setattr(wiring, "LEAST_SHARE", 1)
    together = calibrated().world(place, 6_000, seed, threads).world
    assert len(parts_of(together)) > 1
    scratch = {name for name in columns(alone) if name.startswith("screen.")}  # as long as the longest part
    shared = [{k: v for k, v in columns(w).items() if k not in scratch} for w in (alone, together)]
    assert different(*shared) == []


IN_PLACE = {"people.neighbourhood", "people.dwelling", "people.quintile", "dwellings.first", "ties.start"}
"""Columns that define the parts."""


def rows_of(part: World, name: str) -> tuple[int, int, int] | None:
    """The axis along which parts divide a column, and the part's rows; None for columns of the place and scratch."""
    table, column = name.split(".")
    axes = dict(described(all_tables()[table]))[column].axes
    for k, axis in enumerate(axes):
        if axis in {"person", "dwelling", "neighbourhood"} and table != "screen":
            first, last = getattr(part.part, axis)
            return k, int(first), int(last)
    return None


def stirred(world: World, part: World, but: set[str]) -> World:
    """The world with the rows of all other parts in another order, except in the columns `but`."""
    out = copy(world)
    for name, array in columns(out).items():
        rows = None if name in but | IN_PLACE else rows_of(part, name)
        if rows is not None:
            k, first, last = rows
            outside = np.r_[0:first, last : array.shape[k]]
            rows_first = np.moveaxis(array, k, 0)
            rows_first[outside] = rows_first[np.roll(outside, 7)]
    return out


class Done(NamedTuple):
    """The effect of a fused stage on one part.

    Columns of the other parts before and after; of the part after; and of the part after, with the rows of the other
    parts in another order.
    """

    names: list[str]
    outside_before: Columns
    outside: Columns
    inside: Columns
    inside_where_stirred: Columns


def split(world: World, part: World) -> tuple[Columns, Columns]:
    """The part's rows of every column, and those of the others; columns of the place go with the part."""
    inside, outside = {}, {}
    for name, array in columns(world).items():
        if name.startswith(("screen.", "part.")):
            continue
        rows = rows_of(part, name)
        if rows is None:
            inside[name] = array.copy()
        else:
            rows_first = np.moveaxis(array, rows[0], 0)
            inside[name] = rows_first[rows[1] : rows[2]].copy()
            outside[name] = np.delete(rows_first, np.s_[rows[1] : rows[2]], 0)
    return inside, outside


@pytest.fixture(scope="module")
def done(seed: int) -> list[Done]:
    """Each fused stage that runs part by part, applied to one neighbourhood at the end of a year and the next start."""
    out = []
    world = copy(town(6_000, seed))
    month = Month(calibrated().params, every_lever_moved(2).paths(SERVICES, world.places))
    settings = {step.name: value for step, value in month.steps}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "SLOTS_PER_PART", (SMALL, SMALL))
        places = parts_of(world)
        for m in range(13):
            clock = Clock(np.uint64(seed), np.int64(m))
            clear_flows(world)
            for stage in fused_stages([step for step, _ in month.steps]):

                def work(on: World, stage: list[Mechanism] = stage, clock: Clock = clock) -> None:
                    w = handle(on)
                    for step in stage:
                        step.kernel(w, settings[step.name], clock)

                if not stage[0].by_part:
                    work(world)
                    continue
                if m >= 11:
                    beyond = {name for step in stage for name in step.beyond}
                    before = split(world, places[1])[1]
                    tried = []
                    for other in (copy(world), stirred(world, places[1], beyond)):
                        part = parts_of(other)[1]
                        part.screen.events[:] = places[1].screen.events
                        work(part)
                        tried.append(split(other, part))
                    names = [step.name for step in stage]
                    out.append(Done(names, before, tried[0][1], tried[0][0], tried[1][0]))
                for place in places:
                    work(place)
    return out


def test_a_part_changes_no_other_part(done: list[Done]) -> None:
    """A stage that runs part by part changes no row of other parts."""
    assert len({name for each in done for name in each.names}) == len(BY_PART)
    for each in done:
        assert different(each.outside, each.outside_before) == [], each.names


def test_a_part_reads_others_only_as_declared(done: list[Done]) -> None:
    """With the rows of other parts in another order, except in columns named in `beyond`, a part is the same."""
    for each in done:
        assert different(each.inside, each.inside_where_stirred) == [], each.names


def test_beyond_is_needed(done: list[Done], seed: int) -> None:
    """The mechanisms that declare `beyond` follow ties, and some ties lead to other neighbourhoods."""
    world = town(6_000, seed)
    start, to, hood = world.ties.start.astype(int), world.ties.to, world.people.neighbourhood
    away = hood[to] != np.repeat(hood, np.diff(start))
    assert 0.02 < away.mean() < 0.5
    assert {m.name for m in BY_PART if m.beyond} == {"support", "company"}


def test_scratch_is_of_the_size_of_a_part(seed: int) -> None:
    """Apart from columns of people, homes and ties, a place stores only the month's events for each person."""
    world = calibrated().world(Place.load("anytown"), 30_000, seed).world
    people = int((world.people.age != EMPTY_SLOT).sum())
    events = sum(getattr(world.screen, name).nbytes for name in world.screen._fields if name.startswith("event"))
    scratch = sum(array.nbytes for array in world.screen) - events
    widest = max(last - first for first, last in part_bounds(world.places.first))
    assert len(parts_of(world)) > 3
    assert scratch < 100 * widest
    tables = (world.people, world.dwellings, world.ties, *vars(world.private).values())
    lasting = sum(a.nbytes for table in tables for a in table) + events
    assert lasting / people < 140
