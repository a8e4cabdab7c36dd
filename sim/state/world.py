"""The world: every table of state of one place, and the handle that kernels get on it.

Shared columns live in the tables of this folder. What one mechanism alone remembers is a `State` in the file of that
mechanism, and the world holds it under `private`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, get_type_hints

from sim.engine.schedule import REGISTRY
from sim.engine.tables import handle_maker
from sim.state.aim_groups import AimGroups
from sim.state.counters import Counters
from sim.state.dwellings import Dwellings
from sim.state.money import Money
from sim.state.neighbourhoods import NeighbourhoodState
from sim.state.people import People
from sim.state.policy_settings import PolicySettings
from sim.state.rates import Rates
from sim.state.scratch import PartBounds, ThinningScratch
from sim.state.services import Services
from sim.state.ties import TieLists


class World(NamedTuple):
    """Everything that a month reads and writes."""

    people: People
    dwellings: Dwellings
    ties: TieLists
    places: NeighbourhoodState
    services: Services
    rates: Rates
    tally: Counters
    screen: ThinningScratch
    money: Money
    rules: PolicySettings
    aims: AimGroups
    part: PartBounds
    private: SimpleNamespace
    """The State of each mechanism that has one, by the name of the mechanism's file."""

    def table(self, name: str) -> Any:
        """A table by its name, shared or private."""
        return getattr(self if name in TABLES else self.private, name)

    def tables(self) -> Iterator[tuple[str, Any]]:
        """Every table with its name, in the order of the class `World`; private tables last."""
        yield from ((name, getattr(self, name)) for name in TABLES)
        yield from vars(self.private).items()


TABLES: dict[str, type] = {name: kind for name, kind in get_type_hints(World).items() if name != "private"}
"""The shared tables by name."""


def all_tables() -> dict[str, type]:
    """The shared tables, and the State of each mechanism that has one, by name."""
    return {**TABLES, **REGISTRY.states()}


def make_world(make_table: Callable[[str, type], Any]) -> World:
    """Make a world table by table.

    Parameters
    ----------
    make_table : callable
        From the name and the class of a table, shared or private, to the table.

    Returns
    -------
    World
    """
    shared = (make_table(name, kind) for name, kind in TABLES.items())
    private = SimpleNamespace(**{name: make_table(name, kind) for name, kind in REGISTRY.states().items()})
    return World._make((*shared, private))


@lru_cache(maxsize=1)
def _maker(private: tuple[tuple[str, type], ...]) -> Callable[[World], Any]:
    return handle_maker("World", {**TABLES, "private": dict(private)})


def handle(world: World) -> Any:
    """Make the handle on a world that its kernels are called with: the same memory, behind one pointer."""
    return _maker(tuple((name, type(table)) for name, table in vars(world.private).items()))(world)
