"""One run, or many: a settled world goes through its months, and what each month counted is kept.

A world is built and settled once for a place and seed, under the baseline; every policy then starts from a copy of it
and meets the same dice. Months in which no policy of an ensemble differs from another are run once, for all. Runs of an
ensemble go side by side in threads, as kernels release the interpreter lock; the result does not depend on how many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine import jit
from sim.engine.recorder import ArrayClearer, ArrayRecorder
from sim.engine.schedule import REGISTRY, Clock, Mechanism, Phase
from sim.engine.tables import Handle, allocate, columns
from sim.feedback import loops
from sim.policies import levers
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.state.tables import ANYTHING, TABLES, NeighbourhoodState, World, handle
from sim.world.build import BURN_IN_MONTHS, BuiltWorld, copy
from sim.world.partition import Work, parts_of, side_by_side, stretches, workers_for

Progress = Callable[[int, int, str], None]
A = npt.NDArray[Any]
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
    "need_alone",
    "need_several",
    "eased_alone",
    "eased_several",
)


BURN_IN_DISABLED = ("overspend_recovery", "company", "survey", "co_occurring_needs")
"""Nobody overspends yet, and nobody asks."""
CHAINED = {frozenset(), frozenset(BURN_IN_DISABLED), frozenset({"overspend_recovery"})}
"""What may be left out of a month whose stretches are called in one go: for each of these some are compiled again."""


class Month:
    """The mechanisms of a month with their parameters, in order, ready to be called."""

    def __init__(
        self, params: Mapping[str, Params], paths: Paths, disabled: Iterable[str] = (), threads: int = 1
    ) -> None:
        """`without` names loops (R1) or mechanisms (overspend_recovery) to knock out. `threads` go through a large place's
        parts side by side."""
        self.steps: list[tuple[Mechanism, object]] = []
        self._calls: list[Callable[[Clock], None]] = []
        self._seen: Handle | None = None
        self._clear: Callable[[], None] = ArrayClearer(())
        self._threads = threads
        knocked = loops.disabled_mechanisms(disabled)
        self._left_out = knocked.mechanisms
        baseline = {lever.name: lever.baseline for lever in levers()}
        for entry in REGISTRY.month():
            if entry.name in knocked.mechanisms:
                continue
            if entry.lever is not None:
                path = paths.get(entry.lever)
                if path is not None and entry.lever in knocked.levers:
                    path = np.full_like(path, knocked.levers[entry.lever])
                # A lever that is never moved changes nothing: what it would write is there already.
                if path is not None and (path != baseline[entry.lever]).any():
                    self.steps.append((entry, np.ascontiguousarray(path)))
                continue
            group = entry.params.__module__.rsplit(".", 1)[-1]
            chosen = params.get(group) or entry.params()
            # A copy is not checked again: a switch may lie beyond the plausible range.
            chosen = chosen.model_copy(update=knocked.parameters.get(group, {}))
            self.steps.append((entry, chosen.compiled()))

    def _stretches(self) -> list[tuple[list[Mechanism], list[object]]]:
        """The month in stretches, with what their kernels are given; none reaches beyond the levers' phase."""
        steps = [step for step, _ in self.steps]
        levers_end = sum(step.phase <= Phase.POLICY for step in steps)
        left = iter(self.steps)
        cut = [*stretches(steps[:levers_end]), *stretches(steps[levers_end:])]
        return [(stretch, [next(left)[1] for _ in stretch]) for stretch in cut]

    def compile_backwards(self) -> None:
        """Compile what goes in one go, the last stretch first, without a world to run."""
        axes = {axis for table in TABLES.values() for _, what in columns(table) for axis in what.axes}
        seen = handle(World._make(allocate(table, **dict.fromkeys(axes, 1)) for table in TABLES.values()))
        for stretch, given in reversed(self._stretches()):
            if not any(step.lever for step in stretch):
                _in_one_go([step.kernel for step in stretch], tuple(given), seen, Clock(np.uint64(0), np.int64(0)))

    def _prepare(self, world: World, seen: Handle, clock: Clock) -> list[Callable[[Clock], None]]:
        """What a month does, one stretch after another: those of levers and what goes with them kernel by kernel, of
        the others each in one go where it is the usual."""
        parts = parts_of(world)
        handles = [seen] if len(parts) == 1 else [handle(part) for part in parts]
        workers = workers_for(parts, self._threads)
        calls: list[Callable[[Clock], None]] = []
        for stretch, given in self._stretches():
            kernels = [step.kernel for step in stretch]
            if self._left_out in CHAINED and not any(step.lever for step in stretch):
                work = _in_one_go(kernels, tuple(given), seen, clock)
            else:
                work = _one_by_one(kernels, given, seen, clock)
            if not stretch[0].by_part:
                calls.append(work([seen]))
            elif workers == 1:
                calls.append(work(handles))
            else:
                calls.append(side_by_side(world, parts, workers, stretch, work))
        return calls

    def __call__(self, world: World, seen: Handle, clock: Clock) -> None:
        """Advance the world by one month. `seen` is a handle on the same world."""
        if self._seen is not seen:
            self._seen, self._calls = seen, self._prepare(world, seen, clock)
            self._clear = ArrayClearer(getattr(world.tally, flow) for flow in FLOWS)
        self._clear()
        for call in self._calls:
            call(clock)


def _one_by_one(kernels: list[Callable[..., None]], given: list[object], seen: Handle, clock: Clock) -> Work:
    calls = [(jit.entry(kernel, seen, what, clock), what) for kernel, what in zip(kernels, given, strict=True)]

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        def go_through(clock: Clock) -> None:
            for each in handles:
                for kernel, what in calls:
                    kernel(each, what, clock)

        return go_through

    return work


def _in_one_go(kernels: list[Callable[..., None]], given: tuple[object, ...], seen: Handle, clock: Clock) -> Work:
    chain = jit.entry(jit.chain(kernels), seen, np.array([seen.address]), given, clock)

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        addresses = np.array([each.address for each in handles])

        def go_through(clock: Clock) -> None:
            chain(handles[0], addresses, given, clock)

        return go_through

    return work


def burn_in(
    made: BuiltWorld, params: Mapping[str, Params], seed: int, months: int = BURN_IN_MONTHS, threads: int = 1
) -> World:
    """Let a new world find its footing under the baseline; money starts afresh afterwards."""
    world = made.world
    month = Month(params, {}, disabled=BURN_IN_DISABLED, threads=threads)
    world.people.changed[:] = ANYTHING
    seen = handle(world)
    for m in range(-months, 0):
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
    for account in (*world.money[:6], world.money.pooled, world.money.outlay):
        account[:] = 0
    return world


def set_aim_groups(world: World, scenario: Scenario) -> None:
    """Tell the world which groups of people a scenario's policies tell apart. Before its first month."""
    groups = scenario.groups(world.places)
    world.aims.group[:] = groups
    world.aims.groups[0] = groups.max() + 1 if groups.any() else 0


class PartialRun(NamedTuple):
    """The first months of a run: the world after them, and what they counted."""

    world: World
    months: int
    monthly: Mapping[str, A]
    yearly: Mapping[str, A]


def run_months(
    world: World,
    scenario: Scenario,
    params: Mapping[str, Params],
    seed: int,
    disabled: Iterable[str] = (),
    stop: Callable[[], bool] | None = None,
    begun: PartialRun | None = None,
    threads: int = 1,
    used_up: bool = False,
) -> Record:
    """Run a scenario's months on a copy of a settled world, or those that are left after the months begun; on the world
    itself, if it may be used up."""
    done = _go(world, scenario, params, seed, disabled, stop, begun, 12 * scenario.years, threads, used_up)
    return Record(seed, dict(done.monthly), dict(done.yearly))


def _go(
    world: World,
    scenario: Scenario,
    params: Mapping[str, Params],
    seed: int,
    disabled: Iterable[str],
    stop: Callable[[], bool] | None,
    begun: PartialRun | None,
    until: int,
    threads: int,
    used_up: bool,
) -> PartialRun:
    """The months before `until`."""
    world = world if begun is None else begun.world
    if not used_up:
        world = copy(world)
    set_aim_groups(world, scenario)
    month = Month(params, scenario.paths(tuple(s.id for s in load_catalogue()), world.places), disabled, threads)
    monthly = ArrayRecorder({name: what.array(world) for name, what in RECORDED.items()}, 12 * scenario.years)
    yearly = ArrayRecorder({name: what.array(world) for name, what in RECORDED_BY_YEAR.items()}, scenario.years)
    first = 0
    if begun is not None:
        first = begun.months
        for name, rows in yearly.rows.items():
            rows[:] = begun.yearly[name]
        for name, rows in monthly.rows.items():
            rows[:first] = begun.monthly[name][:first]
    seen = handle(world)
    for m in range(first, until):
        if stop is not None and stop():
            raise KeyboardInterrupt
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
        monthly.note(m)
        yearly.add(m // 12)
    return PartialRun(world, until, monthly.rows, yearly.rows)


def months_alike(scenarios: list[Scenario], places: NeighbourhoodState) -> int:
    """How many first months no policy tells apart: they need to be run once only."""
    first = scenarios[0]
    if any((s.start, s.years, s.parameters) != (first.start, first.years, first.parameters) for s in scenarios):
        return 0
    services = tuple(s.id for s in load_catalogue())
    usual = first.paths(services, places)
    alike = 12 * first.years
    for other in scenarios[1:]:
        for lever, path in other.paths(services, places).items():
            groups = path.shape[1] // usual[lever].shape[1]  # more columns where policies are for some people only
            before = usual[lever] if groups <= 1 else np.tile(usual[lever], (1, groups))
            apart = np.flatnonzero((path != before).any(axis=1))
            alike = min(alike, int(apart[0])) if apart.size else alike
    return alike


def ensemble(
    worlds: Callable[[int], World],
    scenarios: list[Scenario],
    seeds: list[int],
    threads: int,
    progress: Progress | None = None,
    disabled: Iterable[str] = (),
    recall: Callable[[Scenario, int, Callable[[], Record]], Record] | None = None,
    variant: Callable[[Scenario, int], Scenario] | None = None,
    used_up: bool = False,
) -> dict[str, list[Record]]:
    """Every scenario for every seed. `worlds(seed)` gives a settled world, which may be used up if nobody else works
    with it; `recall(scenario, seed, make)` may give a
    record that was made before, and otherwise makes it. `variant(scenario, seed)` gives the scenario as this seed runs
    it, with other parameters."""
    stopped = threading.Event()
    done = 0
    total = len(seeds) * len(scenarios)
    counting = threading.Lock()
    out: dict[str, list[Record | None]] = {s.name: [None] * len(seeds) for s in scenarios}
    left_out = tuple(disabled)
    each = max(1, threads // max(1, len(seeds)))  # threads that each run has to itself

    def one(k: int) -> None:
        nonlocal done
        world = worlds(seeds[k])
        begun: list[PartialRun] = []
        alike = months_alike(scenarios, world.places) if len(scenarios) > 1 else 0

        def make(scenario: Scenario) -> Record:
            own = scenario if variant is None else variant(scenario, seeds[k])
            params = own.params()
            if alike > 0 and not begun:
                begun.append(_go(world, own, params, seeds[k], left_out, stopped.is_set, None, alike, each, used_up))
            last, before = used_up and scenario is scenarios[-1], begun[0] if begun else None
            return run_months(world, own, params, seeds[k], left_out, stopped.is_set, before, each, last)

        for scenario in scenarios:
            out[scenario.name][k] = (
                make(scenario) if recall is None else recall(scenario, seeds[k], partial(make, scenario))
            )
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
