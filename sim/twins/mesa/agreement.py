"""Comparison of the Mesa implementation with the core: every column of every object and counter, month by month.

`python -m sim.twins.mesa.agreement` runs shipped scenarios in both implementations side by side and reports the first
differences. `--steps` compares after each mechanism, from the core's state, to identify the mechanism that differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Clock
from sim.scenario.scenario import Scenario, library
from sim.schema.errors import InputError
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.world import World, handle
from sim.twins.mesa import MesaModel, initial_state
from sim.twins.mesa.month import ACCELERATION_STEPS, STEPS
from sim.world.partition import parts_of

RELATIVE_TOLERANCE = 1e-9
"""Largest relative difference of two floating-point numbers: the implementations may add terms in another order."""
ABSOLUTE_TOLERANCE = 1e-12
"""Largest absolute difference of two floating-point numbers near 0."""


class Difference(NamedTuple):
    """A value that differs between the core and the Mesa implementation."""

    month: int
    column: str
    position: tuple[int, ...]
    core: float
    mesa: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.position))
        return (
            f"month {self.month}: {self.column}[{place}] is {self.core!r} in the core, {self.mesa!r} in the Mesa model"
        )


def differences(town: MesaModel, world: World) -> Iterator[Difference]:
    """Every value in which the town differs from the core's world."""
    for shared in initial_state.SHARED_COLUMNS:
        core: npt.NDArray[Any] = getattr(world.table(shared.table), shared.column)
        mesa_values = initial_state.column_values(town, shared)
        if mesa_values == core.tolist():
            continue
        mesa = np.array(mesa_values)
        if shared.integer:
            different = core.astype(np.int64) != mesa
        else:
            core_values = core.astype(np.float64)
            tolerance = np.maximum(
                RELATIVE_TOLERANCE * np.maximum(np.abs(core_values), np.abs(mesa)), ABSOLUTE_TOLERANCE
            )
            different = ~(np.abs(core_values - mesa) <= tolerance)
        for index in np.argwhere(different):
            k = tuple(index.tolist())
            name = f"{shared.table}.{shared.column}"
            yield Difference(town.month, name, k, core[k].item(), mesa[k].item())
    yield from _event_differences(town, world)


def _event_differences(town: MesaModel, world: World) -> Iterator[Difference]:
    """Differences between the month's lists of changes of need, sorted by domain and person.

    The order of the changes has no effect on the results. If the core runs a large place in parts, it has no single
    list, and nothing is compared.
    """
    if len(parts_of(world)) > 1:
        return
    screen = world.screen
    event_count = int(screen.events[0])
    if event_count != len(town.events):
        yield Difference(town.month, "screen.events", (0,), event_count, len(town.events))
        return
    in_order = np.lexsort((screen.event_row[:event_count], screen.event_domain[:event_count])).tolist()
    events = sorted(town.events, key=lambda event: (event.domain, event.person.number))
    for k, event in zip(in_order, events, strict=True):
        service = -1 if event.service is None else event.service.number
        pairs = (
            ("event_row", event.person.number),
            ("event_domain", event.domain),
            ("event_to", event.new_level),
            ("event_service", service),
        )
        for column, mesa in pairs:
            core = int(getattr(screen, column)[k])
            if core != mesa and not (column == "event_service" and event.new_level != 3):
                yield Difference(town.month, f"screen.{column}", (k,), core, mesa)


def side_by_side(
    scenario: Scenario, seed: int, people: int | None, months: int, disabled: Sequence[str] = ()
) -> Iterator[Difference]:
    """Run both implementations from the same initial state and compare them at the end of every month.

    Parameters
    ----------
    scenario
        The scenario.
    seed
        Seed of the run.
    people
        Number of people. None is the scenario's number.
    months
        Number of months to run.
    disabled
        Loops or mechanisms to disable in both implementations.

    Yields
    ------
    Difference
        The differences of the first month in which the implementations differ.
    """
    world = initial_state.burned_in_world(scenario, seed, people)
    town = MesaModel(scenario, seed, world=world, disabled=disabled)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places), disabled)
    kernel_world = handle(world)
    for m in range(months):
        month(world, kernel_world, Clock(np.uint64(seed), np.int64(m)))
        town.step()
        month_differences = list(differences(town, world))
        yield from month_differences
        if month_differences:
            return


def step_by_step(
    scenario: Scenario, seed: int, people: int | None, months: int, only: Sequence[str] = ()
) -> Iterator[tuple[str, Difference | None]]:
    """Run each mechanism in both implementations from the core's state, and compare the results.

    Parameters
    ----------
    scenario
        The scenario.
    seed
        Seed of the run.
    people
        Number of people. None is the scenario's number.
    months
        Number of months to run.
    only
        Names of the mechanisms to compare. Empty means all.

    Yields
    ------
    tuple of str and Difference or None
        For each compared step of each month, its name and the first difference, if any.

    Raises
    ------
    InputError
        If the core runs the place in several parts.
    """
    world = initial_state.burned_in_world(scenario, seed, people)
    if len(parts_of(world)) > 1:
        raise InputError("--steps", None, "people", "a place small enough to run in one part", people)
    town = MesaModel(scenario, seed, world=world)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places))
    mesa_arguments = dict(town.steps_of_month)
    kernel_world = handle(world)
    for m in range(months):
        clock = Clock(np.uint64(seed), np.int64(m))
        world.screen.event_service.fill(-1)  # clear the values of last month's crises
        town.begin_month()
        for step in month.walk(world, kernel_world, clock):
            name = step.mechanism.name
            compared = name not in ACCELERATION_STEPS and (not only or name in only) and name in STEPS
            if compared:
                initial_state.load_state(town, world)
                _set_present_at_start(town, world)
                STEPS[name](town, mesa_arguments[name])
            step.run()
            if compared:
                yield name, next(differences(town, world), None)


def _set_present_at_start(town: MesaModel, world: World) -> None:
    """Mark residents at the start of the month: the core has a bound on the probability of death for each of them."""
    for person, bound in zip(town.people, world.private.life_and_death.death_bound.tolist(), strict=True):
        person.present_at_start = bound > 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Return 0 if all scenarios agree, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m sim.twins.mesa.agreement", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios (default: all shipped scenarios)")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--steps", action="store_true", help="compare after each mechanism instead of at the end of each month"
    )
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="STEP", help="with --steps: compare only these mechanisms"
    )
    parser.add_argument("--show", type=int, default=10, help="number of differences to show (default: 10)")
    options = parser.parse_args(arguments)
    disagreeing = 0
    names = options.scenarios or list(library())
    for k, name in enumerate(names, 1):
        scenario = Scenario.load(name)
        months = min(options.months, 12 * scenario.years)
        started = time.process_time()
        if options.steps:
            reported = _report_steps(scenario, options.seed, options.people, months, options.only)
        else:
            reported = list(side_by_side(scenario, options.seed, options.people, months))
        seconds = time.process_time() - started
        verdict = "agree" if not reported else f"{len(reported)} differences"
        print(f"{k:4d}/{len(names)}  {name}: {months} months, {options.people} people: {verdict} ({seconds:.0f} s)")
        for difference in reported[: options.show]:
            print(f"      {difference}")
        sys.stdout.flush()
        disagreeing += bool(reported)
    print(f"{len(names) - disagreeing} of {len(names)} scenarios agree")
    return 1 if disagreeing else 0


def _report_steps(
    scenario: Scenario, seed: int, people: int | None, months: int, only: Sequence[str]
) -> list[Difference]:
    compared: dict[str, int] = {}
    first_differences: dict[str, Difference] = {}
    for name, difference in step_by_step(scenario, seed, people, months, only):
        compared[name] = compared.get(name, 0) + 1
        if difference is not None:
            first_differences.setdefault(name, difference)
    for name in compared:
        print(f"      {name}: {first_differences.get(name, 'agrees')}")
    return list(first_differences.values())


if __name__ == "__main__":
    sys.exit(main())
