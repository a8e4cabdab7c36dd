"""One month: every mechanism in order with its parameters, over a world or part by part.

`Month` advances a world by a month at full speed. `Month.walk` goes through the same month one mechanism at a time, for
callers that look at the world in between: traces, tests, the loop map, life histories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine import jit
from sim.engine.recorder import ArrayClearer
from sim.engine.schedule import REGISTRY, Clock, Mechanism, NoParams, Phase
from sim.engine.tables import Handle, allocate, columns
from sim.feedback import loops
from sim.policies import LEVER_GROUP, lever_baselines, levers
from sim.schema.quantities import Params
from sim.state.counters import FLOWS
from sim.state.world import World, all_tables, handle, make_world
from sim.world.partition import Work, fused_stages, parts_of, run_in_parallel, workers_for

Paths = Mapping[str, npt.NDArray[np.float64]]
BURN_IN_DISABLED = ("overspend_recovery", "company", "survey", "co_occurring_needs")
"""Mechanisms that do not run during burn-in: nothing is overspent yet, and nobody is surveyed."""
FUSED_WITHOUT = {frozenset(), frozenset(BURN_IN_DISABLED), frozenset({"overspend_recovery"})}
"""Sets of disabled mechanisms with which stages are fused: each further number of kernels compiles another chain."""


class Step(NamedTuple):
    """One mechanism of a month that is being walked through."""

    mechanism: Mechanism
    arguments: object
    """Its compiled parameters; for a lever, its path over the months, or the pair (path, parameters)."""
    run: Callable[[], None]
    """Call the kernel on the whole world."""


def lever_setting(entry: Mechanism, path: npt.NDArray[np.float64], values: Params) -> object:
    """Make the argument of a lever's kernel.

    Parameters
    ----------
    entry : Mechanism
        The lever's mechanism.
    path : ndarray of float64, shape (month, column)
        Value of the lever over time.
    values : Params
        Parameters of the mechanism.

    Returns
    -------
    ndarray or tuple
        The path; with its compiled parameters, if the lever has any.
    """
    path = np.ascontiguousarray(path)
    return path if entry.params is NoParams else (path, values.compiled())


class Month:
    """The mechanisms of a month with their parameters, in order, ready to be called.

    Parameters
    ----------
    params : mapping of str to Params
        Parameters by mechanism module; a mechanism that is not in it has its defaults.
    paths : mapping of str to array, shape (month, column)
        Values of levers over time, in the unit of each lever.
    disabled : iterable of str
        Feedback loops (``R1``) or mechanisms (``overspend_recovery``) to switch off.
    threads : int
        Threads that go through the parts of a large place; the result does not depend on it.
    """

    def __init__(
        self, params: Mapping[str, Params], paths: Paths, disabled: Iterable[str] = (), threads: int = 1
    ) -> None:
        self.steps: list[tuple[Mechanism, object]] = []
        self._calls: list[Callable[[Clock], None]] = []
        self._prepared_for: Handle | None = None
        self._clear: Callable[[], None] = ArrayClearer(())
        self._threads = threads
        switches = loops.disabled_mechanisms(disabled)
        self._disabled = switches.mechanisms
        baseline = {lever.name: lever.baseline for lever in levers()}
        baseline |= (params.get(LEVER_GROUP) or lever_baselines()()).model_dump()
        for entry in REGISTRY.month():
            if entry.name in switches.mechanisms:
                continue
            path = None
            if entry.lever is not None:
                path = paths.get(entry.lever)
                if path is not None and entry.lever in switches.levers:
                    path = np.full_like(path, switches.levers[entry.lever])
                # A lever that no policy moves changes nothing: its column holds the baseline already.
                if path is None or (path == baseline[entry.lever]).all():
                    continue
            group = entry.params.__module__.rsplit(".", 1)[-1]
            values = params.get(group) or entry.params()
            # A switch may set a parameter outside its plausible range: the copy is not validated.
            values = values.model_copy(update=switches.parameters.get(group, {}))
            self.steps.append((entry, values.compiled() if path is None else lever_setting(entry, path, values)))

    def _stages(self) -> list[tuple[list[Mechanism], list[object]]]:
        """The month in fused stages with the arguments of their kernels; none reaches beyond the levers' phase."""
        mechanisms = [mechanism for mechanism, _ in self.steps]
        levers_end = sum(mechanism.phase <= Phase.POLICY for mechanism in mechanisms)
        remaining = iter(self.steps)
        stages = [*fused_stages(mechanisms[:levers_end]), *fused_stages(mechanisms[levers_end:])]
        return [(stage, [next(remaining)[1] for _ in stage]) for stage in stages]

    def compile_backwards(self) -> None:
        """Compile the kernels of fused stages, the last first, without a world to run."""
        axes = {axis for table in all_tables().values() for _, column in columns(table) for axis in column.axes}
        world = handle(make_world(lambda _, table: allocate(table, **dict.fromkeys(axes, 1))))
        clock = Clock(np.uint64(0), np.int64(0))
        for stage, arguments in reversed(self._stages()):
            if not any(mechanism.lever for mechanism in stage):
                for mechanism, argument in reversed(list(zip(stage, arguments, strict=True))):
                    jit.pointer(mechanism.kernel, world, argument, clock)
                _fused([mechanism.kernel for mechanism in stage], tuple(arguments), world, clock)

    def _prepare(self, world: World, whole_place: Handle, clock: Clock) -> list[Callable[[Clock], None]]:
        """The calls of a month, stage by stage: fused where the mechanisms are those of most runs, else one by one."""
        parts = parts_of(world)
        handles = [whole_place] if len(parts) == 1 else [handle(part) for part in parts]
        workers = workers_for(parts, self._threads)
        calls: list[Callable[[Clock], None]] = []
        for stage, arguments in self._stages():
            kernels = [mechanism.kernel for mechanism in stage]
            if self._disabled in FUSED_WITHOUT and not any(mechanism.lever for mechanism in stage):
                work = _fused(kernels, tuple(arguments), whole_place, clock)
            else:
                work = _one_by_one(kernels, arguments, whole_place, clock)
            if not stage[0].by_part:
                calls.append(work([whole_place]))
            elif workers == 1:
                calls.append(work(handles))
            else:
                calls.append(run_in_parallel(world, parts, workers, stage, work))
        return calls

    def __call__(self, world: World, world_handle: Handle, clock: Clock) -> None:
        """Advance a world by one month.

        Parameters
        ----------
        world : World
            Changed in place.
        world_handle : Handle
            A handle on the same world, the same object every month.
        clock : Clock
            The seed of the run, and the month counted from its start.
        """
        if self._prepared_for is not world_handle:
            self._prepared_for, self._calls = world_handle, self._prepare(world, world_handle, clock)
            self._clear = ArrayClearer(getattr(world.tally, flow) for flow in FLOWS)
        self._clear()
        for call in self._calls:
            call(clock)

    def walk(self, world: World, world_handle: Handle, clock: Clock) -> Iterator[Step]:
        """Go through one month a mechanism at a time: each step's `run` calls its kernel on the whole world.

        The monthly counts are set to 0 first. A caller may look at the world between steps, or leave a step out by not
        calling `run`. The world has scratch for everybody at once (`sim.ensemble.compare.in_one_part`), unless it is
        small enough to be one part.
        """
        clear_flows(world)
        for mechanism, arguments in self.steps:
            yield Step(mechanism, arguments, partial(mechanism.kernel, world_handle, arguments, clock))


def clear_flows(world: World) -> None:
    """Set the counts of a month to 0."""
    for flow in FLOWS:
        getattr(world.tally, flow).fill(0)


def _one_by_one(
    kernels: list[Callable[..., None]], arguments: list[object], world_handle: Handle, clock: Clock
) -> Work:
    calls = [(jit.entry(kernel, world_handle, a, clock), a) for kernel, a in zip(kernels, arguments, strict=True)]

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        def run_stage(clock: Clock) -> None:
            for part in handles:
                for kernel, argument in calls:
                    kernel(part, argument, clock)

        return run_stage

    return work


def _fused(kernels: list[Callable[..., None]], arguments: tuple[Any, ...], world_handle: Handle, clock: Clock) -> Work:
    if not all(hasattr(kernel, "py_func") for kernel in kernels):  # uncompiled kernels, in a test
        return _one_by_one(kernels, list(arguments), world_handle, clock)
    pointers = np.array([jit.pointer(k, world_handle, a, clock) for k, a in zip(kernels, arguments, strict=True)])
    chain = jit.entry(
        jit.chain(len(kernels)), world_handle, np.array([world_handle.address]), pointers, arguments, clock
    )

    def work(handles: list[Handle]) -> Callable[[Clock], None]:
        addresses = np.array([part.address for part in handles])

        def run_stage(clock: Clock) -> None:
            chain(handles[0], addresses, pointers, arguments, clock)

        return run_stage

    return work
