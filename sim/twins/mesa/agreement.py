"""Whether the two tellings agree: every column of every person, home, place, service and account, month by month.

`python -m sim.twins.mesa.agreement` runs shipped scenarios in both, side by side, and reports the first differences.
`--steps` has them part and meet again at each mechanism, to find the one that differs.
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
from sim.schema.toml_files import InputError
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS, Month
from sim.state.tables import World, handle
from sim.twins.mesa import MesaModel, initial_state
from sim.twins.mesa.month import ONLY_QUICKER, STEPS
from sim.world.partition import parts_of

CLOSE = 1e-9
"""How far apart, relatively, two numbers that are not counted may lie: the order in which they are added may differ."""
NEAR_NOTHING = 1e-12


class Difference(NamedTuple):
    """Where the two tellings part."""

    month: int
    column: str
    where: tuple[int, ...]
    core: float
    telling: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.where))
        return (
            f"month {self.month}: {self.column}[{place}] is {self.core!r} in the core, {self.telling!r} in the telling"
        )


def differences(town: MesaModel, world: World) -> Iterator[Difference]:
    """Every number in which the telling is not as the core has it."""
    for held in initial_state.HELD:
        core: npt.NDArray[Any] = getattr(getattr(world, held.table), held.column)
        told = initial_state.told(town, held)
        if told == core.tolist():
            continue
        telling = np.array(told)
        if held.integer:
            apart = core.astype(np.int64) != telling
        else:
            there = core.astype(np.float64)
            room = np.maximum(CLOSE * np.maximum(np.abs(there), np.abs(telling)), NEAR_NOTHING)
            apart = ~(np.abs(there - telling) <= room)
        for where in np.argwhere(apart):
            k = tuple(where.tolist())
            name = f"{held.table}.{held.column}"
            yield Difference(town.month, name, k, core[k].item(), telling[k].item())
    yield from _events_apart(town, world)


def _events_apart(town: MesaModel, world: World) -> Iterator[Difference]:
    """The month's list of needs that moved, by domain and person: in which order they did bears on nothing. A place
    large enough to be gone through in parts has no one such list."""
    if len(parts_of(world)) > 1:
        return
    screen = world.screen
    many = int(screen.events[0])
    if many != len(town.events):
        yield Difference(town.month, "screen.events", (0,), many, len(town.events))
        return
    in_order = np.lexsort((screen.event_row[:many], screen.event_domain[:many])).tolist()
    events = sorted(town.events, key=lambda event: (event.domain, event.person.number))
    for k, event in zip(in_order, events, strict=True):
        service = -1 if event.service is None else event.service.number
        pairs = (
            ("event_row", event.person.number),
            ("event_domain", event.domain),
            ("event_to", event.to),
            ("event_service", service),
        )
        for column, telling in pairs:
            core = int(getattr(screen, column)[k])
            if core != telling and not (column == "event_service" and event.to != 3):
                yield Difference(town.month, f"screen.{column}", (k,), core, telling)


def side_by_side(
    scenario: Scenario, seed: int, people: int | None, months: int, disabled: Sequence[str] = ()
) -> Iterator[Difference]:
    """Run both tellings from one first morning, each by itself; compare at the end of every month."""
    world = initial_state.settled(scenario, seed, people)
    town = MesaModel(scenario, seed, world=world, disabled=disabled)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places), disabled)
    seen = handle(world)
    for m in range(months):
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
        town.step()
        found = list(differences(town, world))
        yield from found
        if found:
            return


def step_by_step(
    scenario: Scenario, seed: int, people: int | None, months: int, only: Sequence[str] = ()
) -> Iterator[tuple[str, Difference | None]]:
    """Before each mechanism the telling is told the core's state; after it, what each made of it is compared.

    Gives, for each step of each month, its name with the first difference or None. Raises InputError for a place that
    the core goes through in parts.
    """
    world = initial_state.settled(scenario, seed, people)
    if len(parts_of(world)) > 1:
        raise InputError("--steps", None, "people", "a town small enough to be gone through in one part", people)
    town = MesaModel(scenario, seed, world=world)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places))
    told = dict(town.steps_of_month)
    seen = handle(world)
    for m in range(months):
        clock = Clock(np.uint64(seed), np.int64(m))
        for flow in FLOWS:
            getattr(world.tally, flow).fill(0)
        world.screen.event_service.fill(-1)  # what last month's crises left there
        town.begin_month()
        for entry, given in month.steps:
            name = entry.name
            compared = name not in ONLY_QUICKER and (not only or name in only) and name in STEPS
            if compared:
                initial_state.read(town, world)
                _who_was_here(town, world)
                STEPS[name](town, told[name])
            entry.kernel(seen, given, clock)
            if compared:
                yield name, next(differences(town, world), None)


def _who_was_here(town: MesaModel, world: World) -> None:
    """Whom this month's dice are for: the core bounds the death of everybody who lived there as the month began."""
    for person, bound in zip(town.people, world.people.death_bound.tolist(), strict=True):
        person.from_start = bound > 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 if all agree."""
    parser = argparse.ArgumentParser(prog="python -m sim.twins.mesa.agreement", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios (all that are shipped)")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", action="store_true", help="compare after each mechanism, not at the month's end")
    parser.add_argument("--only", nargs="*", default=[], metavar="STEP", help="with --steps: these mechanisms alone")
    parser.add_argument("--show", type=int, default=10, help="how many differences to show (10)")
    chosen = parser.parse_args(arguments)
    wrong = 0
    names = chosen.scenarios or list(library())
    for k, name in enumerate(names, 1):
        scenario = Scenario.load(name)
        months = min(chosen.months, 12 * scenario.years)
        started = time.process_time()
        if chosen.steps:
            found = _report_steps(scenario, chosen.seed, chosen.people, months, chosen.only)
        else:
            found = list(side_by_side(scenario, chosen.seed, chosen.people, months))
        seconds = time.process_time() - started
        verdict = "agree" if not found else f"{len(found)} differences"
        print(f"{k:4d}/{len(names)}  {name}: {months} months, {chosen.people} people: {verdict} ({seconds:.0f} s)")
        for difference in found[: chosen.show]:
            print(f"      {difference}")
        sys.stdout.flush()
        wrong += bool(found)
    print(f"{len(names) - wrong} of {len(names)} scenarios agree")
    return 1 if wrong else 0


def _report_steps(
    scenario: Scenario, seed: int, people: int | None, months: int, only: Sequence[str]
) -> list[Difference]:
    met: dict[str, int] = {}
    parted: dict[str, Difference] = {}
    for name, difference in step_by_step(scenario, seed, people, months, only):
        met[name] = met.get(name, 0) + 1
        if difference is not None:
            parted.setdefault(name, difference)
    for name in met:
        print(f"      {name}: {parted.get(name, 'agrees')}")
    return list(parted.values())


if __name__ == "__main__":
    sys.exit(main())
