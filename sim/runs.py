"""One run, or many: a settled world goes through its months, and what each month counted is kept.

A world is built and settled once for a place and seed, under the baseline; every policy then starts from a copy of it
and meets the same dice. Runs of an ensemble go side by side in threads, as kernels release the interpreter lock; the
result does not depend on how many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

import numpy as np
import numpy.typing as npt

from sim.engine.mechanism import BOOK, Clock, Mechanism
from sim.fields import Params
from sim.policies import levers
from sim.results import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.state import World, handle
from sim.world import SETTLE, Made, copy

Progress = Callable[[int, int, str], None]
Paths = Mapping[str, npt.NDArray[np.float64]]

FLOWS = (
    "opened",
    "opened_in",
    "asked",
    "turned_away",
    "gave_up",
    "started",
    "ended",
    "born",
    "died",
    "moved_in",
    "moved_out",
    "delayed",
    "repeated",
    "opened_age",
    "residents",
    "children",
    "surveyed",
    "lonely",
    "trusting",
    "resilient",
    "members",
    "carers",
    "carer_hours",
)


class Month:
    """The mechanisms of a month with their parameters, in order, ready to be called."""

    def __init__(self, params: Mapping[str, Params], paths: Paths, without: Iterable[str] = ()) -> None:
        self.steps: list[tuple[Mechanism, object]] = []
        left_out = set(without)
        baseline = {lever.name: lever.baseline for lever in levers()}
        for entry in BOOK.month():
            if entry.name in left_out:
                continue
            if entry.lever is not None:
                path = paths.get(entry.lever)
                # A lever that is never moved changes nothing: what it would write is there already.
                if path is not None and (path != baseline[entry.lever]).any():
                    self.steps.append((entry, np.ascontiguousarray(path)))
                continue
            group = entry.params.__module__.rsplit(".", 1)[-1]
            chosen = params.get(group)
            self.steps.append((entry, (chosen or entry.params()).compiled()))

    def __call__(self, world: World, seen: object, clock: Clock) -> None:
        """Advance the world by one month. `seen` is a handle on the same world."""
        for flow in FLOWS:
            getattr(world.tally, flow)[:] = 0
        for entry, given in self.steps:
            entry.kernel(seen, given, clock)
        world.people.changed[:] = 0


def settle(made: Made, params: Mapping[str, Params], seed: int, months: int = SETTLE) -> World:
    """Let a new world find its footing under the baseline; money starts afresh afterwards."""
    world = made.world
    month = Month(params, {}, without=("crowding_out", "company", "survey"))  # nobody asks yet
    refresh(world, params, seed)
    seen = handle(world)
    for m in range(-months, 0):
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
    for account in world.money[:6]:
        account[:] = 0
    return world


def refresh(world: World, params: Mapping[str, Params], seed: int) -> None:
    """Work out every bound before the first draw."""
    world.people.changed[:] = 1
    refresh = Month(params, {})
    for entry, given in refresh.steps:
        if entry.phase.name == "REFRESH":
            entry.kernel(handle(world), given, Clock(np.uint64(seed), np.int64(0)))
    world.people.changed[:] = 0


def go(
    world: World,
    scenario: Scenario,
    params: Mapping[str, Params],
    seed: int,
    without: Iterable[str] = (),
    stop: Callable[[], bool] | None = None,
) -> Record:
    """Run a scenario's months on a copy of a settled world."""
    world = copy(world)
    services = tuple(s.id for s in load_catalogue())
    month = Month(params, scenario.paths(services), without)
    months = 12 * scenario.years
    kept = {
        name: np.empty((months, *what.array(world).shape), what.array(world).dtype) for name, what in RECORDED.items()
    }
    by_year = {
        name: np.zeros((scenario.years, *what.array(world).shape), np.int32) for name, what in RECORDED_BY_YEAR.items()
    }
    seen = handle(world)
    for m in range(months):
        if stop is not None and stop():
            raise KeyboardInterrupt
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
        for name, what in RECORDED.items():
            kept[name][m] = what.array(world)
        for name, what in RECORDED_BY_YEAR.items():
            by_year[name][m // 12] += what.array(world)
    return Record(seed, kept, by_year)


def ensemble(
    worlds: Callable[[int], World],
    scenarios: list[Scenario],
    seeds: list[int],
    threads: int,
    progress: Progress | None = None,
    without: Iterable[str] = (),
    recall: Callable[[Scenario, int, Callable[[], Record]], Record] | None = None,
) -> dict[str, list[Record]]:
    """Every scenario for every seed. `worlds(seed)` gives a settled world; `recall(scenario, seed, make)` may give a
    record that was made before, and otherwise makes it."""
    stopped = threading.Event()
    done = 0
    total = len(seeds) * len(scenarios)
    counting = threading.Lock()
    out: dict[str, list[Record | None]] = {s.name: [None] * len(seeds) for s in scenarios}

    def one(k: int) -> None:
        nonlocal done
        world = worlds(seeds[k])
        for scenario in scenarios:
            make = partial(go, world, scenario, scenario.params(), seeds[k], without, stopped.is_set)
            out[scenario.name][k] = make() if recall is None else recall(scenario, seeds[k], make)
            with counting:
                done += 1
                if progress is not None:
                    progress(done, total, f"{scenario.name}, seed {seeds[k]}")

    with ThreadPoolExecutor(max(1, threads)) as pool:
        jobs = [pool.submit(one, k) for k in range(len(seeds))]
        try:
            finished, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in finished:
                job.result()
        except BaseException:
            stopped.set()
            for job in jobs:
                job.cancel()
            raise
    return {name: [r for r in records if r is not None] for name, records in out.items()}
