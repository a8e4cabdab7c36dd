"""The world: every table of state of one place, and the handle that kernels get on it."""

from __future__ import annotations

from typing import NamedTuple, get_type_hints

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


TABLES: dict[str, type] = get_type_hints(World)
handle = handle_maker(World)
"""Make the handle on a world that its kernels are called with: the same memory, behind one pointer."""
