"""Partitions a place into parts of a few neighbourhoods, whose people fit into the cache of a processor core.

All steps of a fused stage run on one part before the next part starts, with scratch columns that every part reuses.
Parts can run in parallel: each changes only its own people, and each worker has its own counters for the place, which
are added up. The counters are integers, so that their sum does not depend on the distribution of parts to workers.
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
from sim.engine.tables import Handle, columns, on_separate_lines
from sim.state.scratch import PartBounds, ThinningScratch
from sim.state.world import TABLES, World, handle

SLOTS_PER_PART, TARGET_PARTS = (8_192, 16_384), 32
"""Smallest and largest number of slots of a part, unless a single neighbourhood has more. The largest number fits into
the cache of a core. Smaller places have smaller parts, so that there are about `TARGET_PARTS` parts to share."""
BATCHES_PER_WORKER = 16
"""Number of batches of parts per worker."""
LEAST_SLOTS_PER_WORKER = 20_000
"""Number of slots from which an additional worker saves time."""
T = TypeVar("T")
Work = Callable[[list[Handle]], Callable[[Clock], None]]
"""Takes handles of worlds or of parts, and returns a function that runs a stage of the month on each."""


def part_bounds(first: npt.NDArray[np.integer]) -> list[tuple[int, int]]:
    """The parts of a place whose neighbourhoods start at these slots: first slot and end of each part."""
    edges = _edges(first)
    return [(int(first[a]), int(first[b])) for a, b in pairwise(edges)]


def _edges(first: npt.NDArray[np.integer]) -> list[int]:
    """The index of the first neighbourhood of each part, and the number of neighbourhoods."""
    edges, slots = [0], min(SLOTS_PER_PART[1], max(SLOTS_PER_PART[0], int(first[-1]) // TARGET_PARTS))
    for n in range(1, first.size):
        if first[n] - first[edges[-1]] > slots and n - 1 > edges[-1]:
            edges.append(n - 1)
    return [*edges, first.size - 1]


def parts_of(world: World) -> list[World]:
    """The world restricted to each part. All parts share the memory of the world; only the bounds differ."""
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


def fused_stages(mechanisms: Iterable[Mechanism]) -> list[list[Mechanism]]:
    """Group the mechanisms of a month, in order, into stages that run part by part or on the whole place.

    Parameters
    ----------
    mechanisms : iterable of Mechanism
        Mechanisms in the order of a month.

    Returns
    -------
    list of list of Mechanism
        The stages. All parts finish a stage before the next starts, so a mechanism that reads columns of other parts is
        not in the same stage as a mechanism that writes them.

    Raises
    ------
    ValueError
        If a mechanism reads scratch columns that another stage writes and its own stage does not.
    """
    out: list[list[Mechanism]] = []
    for m in mechanisms:
        stage_before = out[-1] if out else []
        if (
            not stage_before
            or stage_before[-1].by_part is not m.by_part
            or any(_conflict(m, other) for other in stage_before)
        ):
            out.append([])
        out[-1].append(m)
    for k, stage in enumerate(out):
        written_elsewhere = {
            name for other in out[:k] + out[k + 1 :] for m in other for name in m.writes if _is_scratch(name)
        }
        written: set[str] = set()
        for m in stage:
            unavailable = set(m.reads) & written_elsewhere - written
            if unavailable:
                raise ValueError(
                    f"'{m.name}' reads {sorted(unavailable)}, scratch of another stage that is overwritten by then"
                )
            written |= set(m.writes)
    return out


def _conflict(m: Mechanism, other: Mechanism) -> bool:
    """Whether one of two mechanisms reads columns of other parts that the other writes."""
    return bool(set(m.beyond) & set(other.writes) or set(other.beyond) & set(m.writes))


def _is_scratch(name: str) -> bool:
    return name.startswith("screen.")


def separate_counters(mechanisms: Iterable[Mechanism]) -> list[tuple[str, str]]:
    """The columns, as (table, name), that parallel parts must not share: the counters of the place as a whole."""
    written = {tuple(name.split(".")) for m in mechanisms for name in m.writes}
    return sorted(
        (table, name)
        for table in ("tally", "services")
        for name, spec in columns(TABLES[table])
        if (table, name) in written and "neighbourhood" not in spec.axes
    )


def worker_copy(world: World, counters: Iterable[tuple[str, str]]) -> World:
    """The world for one of several workers, with its own scratch columns and its own counters, which start at 0."""
    for table, name in counters:
        column = getattr(getattr(world, table), name)
        if column.dtype.kind != "i":
            raise TypeError(
                f"{table}.{name} is written part by part, but its sum would depend on the order of the parts"
            )
        table_copy = getattr(world, table)._replace(**{name: on_separate_lines([np.zeros_like(column)])[0]})
        world = world._replace(**{table: table_copy})
    return world._replace(screen=ThinningScratch._make(on_separate_lines(world.screen)))


def merge_counters(world: World, worker: World, counters: Iterable[tuple[str, str]]) -> None:
    """Add the counters of a worker to those of the place, and reset the worker's counters to 0."""
    for table, name in counters:
        counts = getattr(getattr(worker, table), name)
        getattr(getattr(world, table), name)[...] += counts
        counts.fill(0)


def part_of_worker(worker: World, part: World) -> World:
    """A part for one of several workers, with the worker's counters and scratch columns."""
    return worker._replace(part=part.part)


def workers_for(parts: list[World], threads: int) -> int:
    """The number of workers for the parts of a place, at most `threads`."""
    slots = int(parts[-1].part.person[1] - parts[0].part.person[0])
    return max(1, min(threads, len(parts), slots // LEAST_SLOTS_PER_WORKER))


def map_parts(world: World, work: Callable[[Handle], T], threads: int) -> list[T]:
    """Apply a function to each part of a place, in parallel, and return the results in the order of the parts.

    The function must change only columns of its own part.
    """
    parts = parts_of(world)
    if workers_for(parts, threads) == 1:
        return [work(handle(part)) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda part: work(handle(part)), parts))


def run_in_parallel(
    world: World, parts: list[World], workers: int, stage: Iterable[Mechanism], work: Work
) -> Callable[[Clock], None]:
    """A function that runs a stage of the month with several workers in parallel.

    Parameters
    ----------
    world : World
        The world.
    parts : list of World
        Its parts (see `parts_of`).
    workers : int
        Number of workers.
    stage : iterable of Mechanism
        The mechanisms of the stage.
    work : callable
        Prepares the stage for some parts.

    Returns
    -------
    callable
        Runs the stage for a clock. A worker that finishes a batch of parts takes the next batch, because cores are
        seldom equally fast. The results do not depend on the distribution of batches to workers.
    """
    counters = separate_counters(stage)
    worker_copies = [worker_copy(world, counters) for _ in range(workers)]
    batches = min(len(parts), BATCHES_PER_WORKER * workers)
    edges = [len(parts) * batch // batches for batch in range(batches + 1)]
    calls = [
        [work([handle(part_of_worker(worker, part)) for part in parts[a:b]]) for a, b in pairwise(edges)]
        for worker in worker_copies
    ]

    def run_stage(clock: Clock) -> None:
        remaining = deque(range(batches))

        def run_batches(calls_of_worker: list[Callable[[Clock], None]]) -> None:
            while True:
                try:
                    batch = remaining.popleft()  # atomic: each batch goes to one thread
                except IndexError:
                    return
                calls_of_worker[batch](clock)

        others = [_POOL.submit(run_batches, calls_of_worker) for calls_of_worker in calls[1:]]
        run_batches(calls[0])
        for other in others:
            other.result()
        for worker in worker_copies:
            merge_counters(world, worker, counters)

    return run_stage


_POOL = ThreadPoolExecutor(max(1, (os.cpu_count() or 1)))
"""Threads in addition to the thread that runs the month. Work in this pool never waits for other work in the pool."""
