"""A place is gone through part by part: a few neighbourhoods at a time, whose people fit into a processor's own cache.

What a month does to the people of a part is done whole before the next part's turn, with scratch that is used again for
every part. Parts can go side by side: each changes only its own people, and what is counted for the place is counted
apart by each worker and added up. These are whole numbers, so that their sum does not depend on who counted what.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Clock, Mechanism
from sim.engine.tables import Handle, apart, columns
from sim.state.tables import TABLES, PartBounds, ThinningScratch, World, handle

SLOTS, PARTS = (8_192, 16_384), 32
"""Slots of a part, least and most, unless one neighbourhood alone has more: what a processor's own cache holds, or less
in a place that would not give so many parts to be shared by workers."""
TURNS = 16
"""Into how many turns the parts of a place are cut for each worker."""
LEAST_SHARE = 20_000
"""Slots from which it pays that a worker of their own goes through them."""
T = TypeVar("T")
Work = Callable[[list[Handle]], Callable[[Clock], None]]
"""From some worlds, or parts of one, to what goes through a stretch of the month for each of them."""


def cut(first: npt.NDArray[np.integer]) -> list[tuple[int, int]]:
    """The parts of a place whose neighbourhoods begin at these slots: the first slot of each, and its end."""
    edges = _edges(first)
    return [(int(first[a]), int(first[b])) for a, b in pairwise(edges)]


def _edges(first: npt.NDArray[np.integer]) -> list[int]:
    """The neighbourhoods at which parts begin, and the end."""
    edges, slots = [0], min(SLOTS[1], max(SLOTS[0], int(first[-1]) // PARTS))
    for n in range(1, first.size):
        if first[n] - first[edges[-1]] > slots and n - 1 > edges[-1]:
            edges.append(n - 1)
    return [*edges, first.size - 1]


def parts_of(world: World) -> list[World]:
    """The world as the kernels of each part see it: the same memory, but for where the part lies."""
    places = world.places
    edges = _edges(places.first)
    if len(edges) == 2:
        return [world]
    out: list[World] = []
    for a, b in pairwise(edges):
        person = np.array([places.first[a], places.first[b]], np.int64)
        dwelling = np.array([places.first_dwelling[a], places.first_dwelling[b]], np.int64)
        out.append(world._replace(part=PartBounds(person, dwelling, np.array([a, b]))))
    return out


def stretches(mechanisms: Iterable[Mechanism]) -> list[list[Mechanism]]:
    """A month, or some of it, cut into stretches: of mechanisms that go part by part, and of others.

    All parts come to the end of a stretch before the next begins; so a mechanism that looks beyond its part at what
    another changes stands in another stretch. Raises ValueError where scratch would have to last into another stretch.
    """
    out: list[list[Mechanism]] = []
    for m in mechanisms:
        last = out[-1] if out else []
        if not last or last[-1].by_part is not m.by_part or any(_meet(m, other) for other in last):
            out.append([])
        out[-1].append(m)
    for k, stretch in enumerate(out):
        elsewhere = {name for other in out[:k] + out[k + 1 :] for m in other for name in m.writes if _is_scratch(name)}
        made: set[str] = set()
        for m in stretch:
            lost = set(m.reads) & elsewhere - made
            if lost:
                raise ValueError(f"'{m.name}' reads {sorted(lost)}, scratch of another stretch that is gone by then")
            made |= set(m.writes)
    return out


def _meet(m: Mechanism, other: Mechanism) -> bool:
    """Whether one of two that go part by part looks at what the other changes in other parts."""
    return bool(set(m.beyond) & set(other.writes) or set(other.beyond) & set(m.writes))


def _is_scratch(name: str) -> bool:
    return name.startswith("screen.")


def counted_apart(mechanisms: Iterable[Mechanism]) -> list[tuple[str, str]]:
    """The columns, (table, name), that parts going side by side may not share: counts for the place as a whole."""
    written = {tuple(name.split(".")) for m in mechanisms for name in m.writes}
    return sorted(
        (table, name)
        for table in ("tally", "services")
        for name, what in columns(TABLES[table])
        if (table, name) in written and "neighbourhood" not in what.axes
    )


def worker_of(world: World, counted: Iterable[tuple[str, str]]) -> World:
    """The same world for one of several workers: with counts, that start at nothing, and scratch of its own."""
    for table, name in counted:
        column = getattr(getattr(world, table), name)
        if column.dtype.kind != "i":
            raise TypeError(f"{table}.{name} is written part by part, but its sum would depend on the order of parts")
        own = getattr(world, table)._replace(**{name: apart([np.zeros_like(column)])[0]})
        world = world._replace(**{table: own})
    return world._replace(screen=ThinningScratch._make(apart(world.screen)))


def add_up(world: World, worker: World, counted: Iterable[tuple[str, str]]) -> None:
    """Add what a worker counted to the place's counts, and let the worker start at nothing again."""
    for table, name in counted:
        own = getattr(getattr(worker, table), name)
        getattr(getattr(world, table), name)[...] += own
        own.fill(0)


def seen_by(worker: World, part: World) -> World:
    """A part as one of several workers sees it: with the worker's counts and scratch."""
    return worker._replace(part=part.part)


def workers_for(parts: list[World], threads: int) -> int:
    """How many workers to share the parts of a place among, of so many that there are."""
    slots = int(parts[-1].part.person[1] - parts[0].part.person[0])
    return max(1, min(threads, len(parts), slots // LEAST_SHARE))


def each_part(world: World, work: Callable[[Handle], T], threads: int) -> list[T]:
    """What some work on each part of a place returns, in order; several parts at once. It must change nothing but what
    is the part's own."""
    parts = parts_of(world)
    if workers_for(parts, threads) == 1:
        return [work(handle(part)) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda part: work(handle(part)), parts))


def side_by_side(
    world: World, parts: list[World], workers: int, stretch: Iterable[Mechanism], work: Work
) -> Callable[[Clock], None]:
    """What takes several workers through a stretch at once: whoever is done with some parts takes the next.

    Cores are seldom equally quick, as other programs want them too. Who went through a part does not show in what comes
    out of it.
    """
    apart = counted_apart(stretch)
    own = [worker_of(world, apart) for _ in range(workers)]
    turns = min(len(parts), TURNS * workers)
    edges = [len(parts) * turn // turns for turn in range(turns + 1)]
    calls = [
        [work([handle(seen_by(worker, part)) for part in parts[a:b]]) for a, b in pairwise(edges)] for worker in own
    ]

    def go_through(clock: Clock) -> None:
        left = deque(range(turns))

        def take_turns(mine: list[Callable[[Clock], None]]) -> None:
            while True:
                try:
                    turn = left.popleft()  # no two threads get the same
                except IndexError:
                    return
                mine[turn](clock)

        others = [_POOL.submit(take_turns, mine) for mine in calls[1:]]
        take_turns(calls[0])
        for other in others:
            other.result()
        for worker in own:
            add_up(world, worker, apart)

    return go_through


_POOL = ThreadPoolExecutor(max(1, (os.cpu_count() or 1)))
"""Who goes through parts beside the thread that runs the month. Its work never waits for other work of the pool."""
