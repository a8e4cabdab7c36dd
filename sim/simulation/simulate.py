"""One run, or many: a burned-in world goes through its months, and what each month counted is recorded.

A world is built and burned in once for a place and seed, under the baseline; every policy then starts from a copy of it
and meets the same random draws. Months in which no policy of an ensemble differs from another are run once, for all.
Runs of an ensemble go in parallel threads, as kernels release the interpreter lock; the result does not depend on how
many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.recorder import ArrayRecorder
from sim.engine.schedule import Clock
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import BURN_IN_DISABLED, Month
from sim.state.codes import ANYTHING
from sim.state.neighbourhoods import NeighbourhoodState
from sim.state.world import World, handle
from sim.world.build import BURN_IN_MONTHS, BuiltWorld, copy
from sim.world.housing import meet_headcount

Progress = Callable[[int, int, str], None]
"""Called with the runs done, the runs in all, and what was done last."""
A = npt.NDArray[Any]


def burn_in(
    built: BuiltWorld, params: Mapping[str, Params], seed: int, months: int = BURN_IN_MONTHS, threads: int = 1
) -> World:
    """Run a new world under the baseline until needs, help and queues fit together.

    Then each fifth gets exactly its number of people, and money starts afresh.

    Parameters
    ----------
    built : BuiltWorld
        Used up: its world is the one returned.
    params : mapping of str to Params
        Parameters by mechanism module.
    seed : int
    months : int
        Length of the burn-in, in months before month 0.
    threads : int

    Returns
    -------
    World
        At the start of the first reported month.
    """
    world = built.world
    month = Month(params, {}, disabled=BURN_IN_DISABLED, threads=threads)
    world.people.changed[:] = ANYTHING
    world_handle = handle(world)
    for m in range(-months, 0):
        month(world, world_handle, Clock(np.uint64(seed), np.int64(m)))
    meet_headcount(world, built.neighbourhoods, seed, 0)
    for account in (*world.money[:6], world.money.pooled, world.money.outlay):
        account[:] = 0
    return world


def set_aim_groups(world: World, scenario: Scenario) -> None:
    """Write into a world which groups of people a scenario's policies distinguish. Call before its first month."""
    groups = scenario.groups(world.places)
    world.aims.group[:] = groups
    world.aims.groups[0] = groups.max() + 1 if groups.any() else 0


class PartialRun(NamedTuple):
    """The first months of a run: the world after them, and the arrays recorded."""

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
    first_months: PartialRun | None = None,
    threads: int = 1,
    consume: bool = False,
) -> Record:
    """Run the months of a scenario from a burned-in world.

    Parameters
    ----------
    world : World
        Copied, unless `consume` is true.
    scenario : Scenario
    params : mapping of str to Params
        Parameters by mechanism module.
    seed : int
    disabled : iterable of str
        Feedback loops or mechanisms to switch off.
    stop : callable, optional
        Asked before each month whether to stop.
    first_months : PartialRun, optional
        Months that were run before; the run continues after them, and `world` is not used.
    threads : int
    consume : bool
        Run on the world itself, which saves the memory of a copy.

    Returns
    -------
    Record
        What each month, and each year, counted.

    Raises
    ------
    KeyboardInterrupt
        If `stop` returned true.
    """
    run = _run_until(world, scenario, params, seed, disabled, stop, first_months, 12 * scenario.years, threads, consume)
    return Record(seed, dict(run.monthly), dict(run.yearly))


def _run_until(
    world: World,
    scenario: Scenario,
    params: Mapping[str, Params],
    seed: int,
    disabled: Iterable[str],
    stop: Callable[[], bool] | None,
    first_months: PartialRun | None,
    end: int,
    threads: int,
    consume: bool,
) -> PartialRun:
    """The months before month `end`."""
    world = world if first_months is None else first_months.world
    if not consume:
        world = copy(world)
    set_aim_groups(world, scenario)
    services = tuple(service.id for service in load_catalogue())
    month = Month(params, scenario.paths(services, world.places), disabled, threads)
    monthly = ArrayRecorder({name: array.array(world) for name, array in RECORDED.items()}, 12 * scenario.years)
    yearly = ArrayRecorder({name: array.array(world) for name, array in RECORDED_BY_YEAR.items()}, scenario.years)
    first = 0
    if first_months is not None:
        first = first_months.months
        for name, rows in yearly.rows.items():
            rows[:] = first_months.yearly[name]
        for name, rows in monthly.rows.items():
            rows[:first] = first_months.monthly[name][:first]
    world_handle = handle(world)
    for m in range(first, end):
        if stop is not None and stop():
            raise KeyboardInterrupt
        month(world, world_handle, Clock(np.uint64(seed), np.int64(m)))
        monthly.note(m)
        yearly.add(m // 12)
    return PartialRun(world, end, monthly.rows, yearly.rows)


def months_alike(scenarios: list[Scenario], places: NeighbourhoodState) -> int:
    """Count the first months that no policy distinguishes: they need to be run once only."""
    first = scenarios[0]
    if any((s.start, s.years, s.parameters) != (first.start, first.years, first.parameters) for s in scenarios):
        return 0
    services = tuple(service.id for service in load_catalogue())
    reference = first.paths(services, places)
    alike = 12 * first.years
    for other in scenarios[1:]:
        for lever, path in other.paths(services, places).items():
            groups = path.shape[1] // reference[lever].shape[1]  # more columns where policies are for some people only
            before = reference[lever] if groups <= 1 else np.tile(reference[lever], (1, groups))
            different = np.flatnonzero((path != before).any(axis=1))
            alike = min(alike, int(different[0])) if different.size else alike
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
    consume: bool = False,
) -> dict[str, list[Record]]:
    """Run every scenario for every seed.

    Parameters
    ----------
    worlds : callable
        `worlds(seed)` gives a burned-in world.
    scenarios : list of Scenario
    seeds : list of int
    threads : int
        Runs in parallel; spare threads share the parts of a large place.
    progress : callable, optional
    disabled : iterable of str
        Feedback loops or mechanisms to switch off, in every scenario.
    recall : callable, optional
        `recall(scenario, seed, make)` may return a record that was made before, else `make()`.
    variant : callable, optional
        `variant(scenario, seed)` gives the scenario as this seed runs it, with other parameters.
    consume : bool
        The last scenario of each seed may use up the seed's world.

    Returns
    -------
    dict of str to list of Record
        Records of each scenario by name, in the order of the seeds.
    """
    stopped = threading.Event()
    done = 0
    total = len(seeds) * len(scenarios)
    counting = threading.Lock()
    out: dict[str, list[Record | None]] = {s.name: [None] * len(seeds) for s in scenarios}
    switched_off = tuple(disabled)
    threads_per_run = max(1, threads // max(1, len(seeds)))

    def run_seed(k: int) -> None:
        nonlocal done
        world = worlds(seeds[k])
        shared: list[PartialRun] = []
        as_run = [s if variant is None else variant(s, seeds[k]) for s in scenarios]
        alike = months_alike(as_run, world.places) if len(scenarios) > 1 else 0

        def make(scenario: Scenario) -> Record:
            run_as = scenario if variant is None else variant(scenario, seeds[k])
            params = run_as.params()
            if alike > 0 and not shared:
                setup = (world, run_as, params, seeds[k], switched_off, stopped.is_set, None)
                shared.append(_run_until(*setup, alike, threads_per_run, consume))
            last = consume and scenario is scenarios[-1]
            first_months = shared[0] if shared else None
            return run_months(
                world, run_as, params, seeds[k], switched_off, stopped.is_set, first_months, threads_per_run, last
            )

        for scenario in scenarios:
            record = make(scenario) if recall is None else recall(scenario, seeds[k], partial(make, scenario))
            out[scenario.name][k] = record
            with counting:
                done += 1
                if progress is not None:
                    progress(done, total, f"{scenario.name}, seed {seeds[k]}")

    with ThreadPoolExecutor(max(1, threads)) as pool:
        jobs = [pool.submit(run_seed, k) for k in range(len(seeds))]
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
