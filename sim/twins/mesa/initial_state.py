"""The town on its first morning: a settled world of the core, told as objects.

This is the one thing that the two tellings share. From here on each goes its own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.calibration.calibrate import solution_for
from sim.engine.tables import columns
from sim.place.place import Place
from sim.scenario.data_parameters import set_in_place
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import set_aim_groups
from sim.state.tables import TABLES, World
from sim.twins.mesa.people import Dwelling, ModelObject, NeighbourhoodAgent, PersonAgent, ServiceAgent, Silo
from sim.world.build import copy

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel


class SharedColumn(NamedTuple):
    """A column of the core, and which objects of the telling have an attribute of its name."""

    table: str
    column: str
    axes: tuple[str, ...]
    integer: bool
    whose: str
    """people, dwellings, neighbourhoods, services, silos, counts, aims or town."""


WHOSE = {
    "person": "people",
    "dwelling": "dwellings",
    "neighbourhood": "neighbourhoods",
    "service": "services",
    "silo": "silos",
}
REFERENCES = {
    "people.neighbourhood": "neighbourhoods",
    "people.dwelling": "dwellings",
    "dwellings.head": "people",
    "services.silo": "silos",
    "services.instead": "services",
}
"""Columns of numbers that are objects here."""
BOUNDS = ("_bound", "_low", "_high", "_top")
"""How names of columns end that only make the core quicker."""

LISTS = ("queue_row", "queue_what", "queue_race", "queued")
"""Columns that list who waits; here each says so."""


def _held() -> Iterator[SharedColumn]:
    """Every column that the telling keeps: all but scratch, bounds, what never changes, and where runs begin."""
    for table, kind in TABLES.items():
        for name, column in columns(kind):
            axes = column.axes
            if table in {"screen", "rates", "ties", "part"} or name == "changed" or name.endswith(BOUNDS):
                continue
            if any(axis.endswith("_edge") for axis in axes) or name in LISTS:
                continue
            if table in {"tally", "aims"}:
                whose = {"tally": "counts", "aims": "aims"}[table]
            else:
                # A table's rows are its first axis or, where there is a list for each row, its last.
                rows = "dwelling" if table == "dwellings" else "service" if table == "services" else axes[-1]
                whose = WHOSE.get(rows, "town")
            yield SharedColumn(table, name, axes, column.dtype[0] in "iu", whose)


HELD = tuple(_held())


@lru_cache(maxsize=4)
def _settled(scenario: str, seed: int, people: int | None) -> World:
    told = Scenario.model_validate_json(scenario)
    place = set_in_place(Place.load(told.place), told.parameters)
    return solution_for(told, place).settled(place, people, seed)


def settled(scenario: Scenario, seed: int, people: int | None) -> World:
    """The core's world at a scenario's first month: a copy of one's own, told whom its policies tell apart."""
    # What a world is built from: the place, its people and the parameters; no policy.
    about = Scenario.load("baseline").model_copy(
        update={name: getattr(scenario, name) for name in ("place", "parameters", "recalibrate")}
    )
    world = copy(_settled(about.model_dump_json(), seed, people if people is not None else scenario.people))
    set_aim_groups(world, scenario)
    return world


def build(town: MesaModel, world: World) -> None:
    """Make the people, homes, neighbourhoods, services and silos of a world, and say who belongs where."""
    town.people = [PersonAgent(town, i) for i in range(world.people.age.size)]
    town.dwellings = [Dwelling(town, k) for k in range(world.dwellings.head.size)]
    town.neighbourhoods = [NeighbourhoodAgent(town, n) for n in range(world.places.code.size)]
    town.services = [ServiceAgent(town, s) for s in range(world.services.domain.size)]
    town.silos = [Silo(town, f) for f in range(world.money.carried.size)]
    town.domains = range(world.people.level.shape[0])
    town.quintiles, town.bands = (range(size) for size in world.tally.people.shape)
    start, to = world.ties.start.tolist(), world.ties.to.tolist()
    for person in town.people:
        first, last = start[person.number : person.number + 2]
        person.ties = [town.people[j] for j in to[first:last]]
    first_slot = world.dwellings.first.tolist()
    for home in town.dwellings:
        home.people = town.people[first_slot[home.number] : first_slot[home.number + 1]]
    slots, homes = world.places.first.tolist(), world.places.first_dwelling.tolist()
    for hood in town.neighbourhoods:
        hood.people = town.people[slots[hood.number] : slots[hood.number + 1]]
        hood.dwellings = town.dwellings[homes[hood.number] : homes[hood.number + 1]]
    town.rates = SimpleNamespace(**{name: getattr(world.rates, name).tolist() for name, _ in columns(TABLES["rates"])})
    town.counts, town.aims = SimpleNamespace(), SimpleNamespace()
    read(town, world)
    for person in town.people:
        person.from_start = person.lives


def read(town: MesaModel, world: World) -> None:
    """Give every object the values that the core has now."""
    for held in HELD:
        _read(town, held, getattr(getattr(world, held.table), held.column))
    town.events.clear()
    screen = world.screen
    for k in range(int(screen.events[0])):
        service = int(screen.event_service[k])
        town.happened(
            town.people[int(screen.event_row[k])],
            int(screen.event_domain[k]),
            int(screen.event_to[k]),
            None if service < 0 else town.services[service],
        )


def _read(town: MesaModel, held: SharedColumn, array: Any) -> None:
    if held.whose in {"counts", "aims", "town"}:
        values = array.tolist()
        holder = town if held.whose == "town" else getattr(town, held.whose)
        setattr(holder, held.column, values[0] if held.axes == ("one",) else values)
        return
    owners: list[ModelObject] = getattr(town, held.whose)
    own_axis = next(k for k, axis in enumerate(held.axes) if WHOSE.get(axis) == held.whose)
    values = (array.T if own_axis == 1 else array).tolist()
    name = f"{held.table}.{held.column}"
    if name in REFERENCES:
        kin: list[Any] = getattr(town, REFERENCES[name])
        values = [None if number < 0 else kin[number] for number in values]
    elif name == "people.refused":
        values = [{d for d in town.domains if code >> d & 1} for code in values]
    for owner, value in zip(owners, values, strict=True):
        setattr(owner, held.column, value)


def told(town: MesaModel, held: SharedColumn) -> Any:
    """A column as the telling has it now, in the core's shape and numbers: nested lists."""
    if held.whose in {"counts", "aims", "town"}:
        holder = town if held.whose == "town" else getattr(town, held.whose)
        value = getattr(holder, held.column)
        return [value] if held.axes == ("one",) else value
    values = [getattr(owner, held.column) for owner in getattr(town, held.whose)]
    name = f"{held.table}.{held.column}"
    if name in REFERENCES:
        return [-1 if part is None else part.number for part in values]
    if name == "people.refused":
        return [sum(1 << d for d in domains) for domains in values]
    if len(held.axes) == 2 and WHOSE.get(held.axes[1]) == held.whose:
        return [list(row) for row in zip(*values, strict=True)]
    return values
