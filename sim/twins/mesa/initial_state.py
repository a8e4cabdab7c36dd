"""The initial state of a town: a burned-in world of the core, converted to objects.

The core and this implementation share the initial state. After it, each runs by its own code.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from sim.calibration.calibrate import solution_for
from sim.engine.tables import columns
from sim.place.place import Place
from sim.scenario.data_parameters import set_in_place
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import set_aim_groups
from sim.state.world import TABLES, World, all_tables
from sim.twins.mesa.people import Dwelling, ModelObject, NeighbourhoodAgent, PersonAgent, ServiceAgent, Silo
from sim.twins.mesa.town import Town
from sim.world.build import copy


class SharedColumn(NamedTuple):
    """A column of the core that a town also stores, as an attribute with the column's name."""

    table: str
    column: str
    axes: tuple[str, ...]
    integer: bool
    owner: str
    """The objects that have the attribute: people, dwellings, neighbourhoods, services, silos, counts, aims or town."""


OWNERS = {
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
"""Columns of numbers whose attributes are objects, and the kind of these objects."""
BOUNDS = ("_bound", "_low", "_high", "_top")
"""Endings of the names of columns that only speed up the core."""

LISTS = ("queue_row", "queue_what", "queue_race", "queued")
"""Columns of the core that list the people in a queue. In a town each person's `help` holds this."""


def _shared_columns() -> Iterator[SharedColumn]:
    """Every column that a town stores: all except scratch, bounds, constants, and the first rows of ranges."""
    for table, kind in all_tables().items():
        for name, column in columns(kind):
            axes = column.axes
            if table in {"screen", "rates", "ties", "part"} or name == "changed" or name.endswith(BOUNDS):
                continue
            if any(axis.endswith("_edge") for axis in axes) or name in LISTS:
                continue
            if table in {"tally", "aims"}:
                owner = {"tally": "counts", "aims": "aims"}[table]
            else:
                # The rows are the last axis or, where each row is itself a list, the first.
                owner = next((OWNERS[axis] for axis in (axes[-1], axes[0]) if axis in OWNERS), "town")
            yield SharedColumn(table, name, axes, column.dtype[0] in "iu", owner)


SHARED_COLUMNS = tuple(_shared_columns())


@lru_cache(maxsize=4)
def _burned_in_world(scenario: str, seed: int, people: int | None) -> World:
    spec = Scenario.model_validate_json(scenario)
    place = set_in_place(Place.load(spec.place), spec.parameters)
    return solution_for(spec, place).burned_in_world(place, people, seed)


def burned_in_world(scenario: Scenario, seed: int, people: int | None) -> World:
    """A copy of the core's world at a scenario's first month, with the groups of people that its policies distinguish.

    Parameters
    ----------
    scenario
        The scenario. Its place, parameters and `calibrate` determine the world; its policies do not.
    seed
        Seed of the world.
    people
        Number of people. The default is the scenario's.
    """
    # The world depends on the place, the number of people and the parameters only, so scenarios share it.
    without_policies = Scenario.load("baseline").model_copy(
        update={name: getattr(scenario, name) for name in ("place", "parameters", "calibrate")}
    )
    world = copy(
        _burned_in_world(without_policies.model_dump_json(), seed, people if people is not None else scenario.people)
    )
    set_aim_groups(world, scenario)
    return world


def build(town: Town, world: World) -> None:
    """Create the objects of a world in `town`, connect them, and load the values of the world."""
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
    load_state(town, world)
    for person in town.people:
        person.present_at_start = person.is_present


def load_state(town: Town, world: World) -> None:
    """Copy the core's current values to every object of the town."""
    for shared in SHARED_COLUMNS:
        _load_column(town, shared, getattr(world.table(shared.table), shared.column))
    town.events.clear()
    screen = world.screen
    for k in range(int(screen.events[0])):
        service = int(screen.event_service[k])
        town.record_level_change(
            town.people[int(screen.event_row[k])],
            int(screen.event_domain[k]),
            int(screen.event_to[k]),
            None if service < 0 else town.services[service],
        )


def _load_column(town: Town, shared: SharedColumn, array: Any) -> None:
    if shared.owner in {"counts", "aims", "town"}:
        values = array.tolist()
        holder = town if shared.owner == "town" else getattr(town, shared.owner)
        setattr(holder, shared.column, values[0] if shared.axes == ("one",) else values)
        return
    owners: list[ModelObject] = getattr(town, shared.owner)
    owner_axis = next(k for k, axis in enumerate(shared.axes) if OWNERS.get(axis) == shared.owner)
    values = (array.T if owner_axis == 1 else array).tolist()
    name = f"{shared.table}.{shared.column}"
    if name in REFERENCES:
        targets: list[Any] = getattr(town, REFERENCES[name])
        values = [None if number < 0 else targets[number] for number in values]
    elif name == "people.refused":
        values = [{d for d in town.domains if code >> d & 1} for code in values]
    for item, value in zip(owners, values, strict=True):
        setattr(item, shared.column, value)


def column_values(town: Town, shared: SharedColumn) -> Any:
    """The town's current values of a column, as nested lists in the shape and the codes of the core."""
    if shared.owner in {"counts", "aims", "town"}:
        holder = town if shared.owner == "town" else getattr(town, shared.owner)
        value = getattr(holder, shared.column)
        return [value] if shared.axes == ("one",) else value
    values = [getattr(item, shared.column) for item in getattr(town, shared.owner)]
    name = f"{shared.table}.{shared.column}"
    if name in REFERENCES:
        return [-1 if part is None else part.number for part in values]
    if name == "people.refused":
        return [sum(1 << d for d in domains) for domains in values]
    if len(shared.axes) == 2 and OWNERS.get(shared.axes[1]) == shared.owner:
        return [list(row) for row in zip(*values, strict=True)]
    return values
