"""The start of a month: the built world with kinds of neighbourhood as neighbourhoods, on numbers or on inputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Mechanism
from sim.engine.tables import Column, columns
from sim.schema.quantities import Params
from sim.simulation.month import Month
from sim.state.codes import ACUTE
from sim.state.world import TABLES, World, all_tables
from sim.twins.stock_flow import expected_value_rules, symbolic
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.cells import EventFlows, MonthConditions, StockState
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.symbolic import cells

A = npt.NDArray[Any]
PEOPLE_COUNTS = {"helped", "queue"}
"""Integer columns of services that count people."""


class MonthStart(NamedTuple):
    """Everything from which a month is traced. Arrays hold numbers, or symbols of inputs."""

    aggregation: Aggregation
    services: tuple[str, ...]
    domains: tuple[str, ...]
    months: int
    policy_groups: A
    """Group of people that policies distinguish. Shape (kind, band)."""
    steps: list[tuple[Mechanism, Any]]
    """The mechanisms of the month with their parameters, and levers with their paths."""
    age_mix_changes: bool
    tables: Mapping[str, A]
    """Columns of the world by "table.column", by kind of neighbourhood."""
    params: Mapping[str, Any]
    """Compiled parameters by mechanism."""
    people: A
    """People by kind of neighbourhood and age band."""
    flows: Flows
    """The flows, with the baseline to which they are relative."""
    state: StockState
    conditions: MonthConditions
    events: EventFlows
    """The flows of a month at baseline."""

    def into_groups(self) -> A:
        """Whether a band is in an age group. Shape (band, group)."""
        out: A = (self.aggregation.group[:, None] == np.arange(len(self.aggregation.ages))).astype(float)
        return out


def traced_tables() -> dict[str, type]:
    """The tables that the twin's kernels use, by name: all except those with columns over persons."""
    shared = ("places", "services", "tally", "money", "rules", "aims", "rates")
    return {
        name: kind
        for name, kind in all_tables().items()
        if name in shared or (name not in TABLES and not any("person" in spec.axes for _, spec in columns(kind)))
    }


def has_symbols(table: str, name: str, column: Column) -> bool:
    """Whether a column's values may change or depend on parameters. Other columns are codes, which the trace reads."""
    if table == "rates":
        return False
    return column.dtype[0] == "f" or table in ("tally", "money") or name in PEOPLE_COUNTS or name == "leader"


def table_columns(world: World, aggregation: Aggregation) -> dict[str, A]:
    """The columns of a built world by "table.column", with the first neighbourhood of each kind for the kind."""
    first = aggregation.first()
    out = {}
    for t, kind in traced_tables().items():
        for name, column in columns(kind):
            if (t == "rates" and column.dtype[0] == "f") or "queue" in column.axes:
                continue  # rates of people, which the flows contain, and lists of people who wait
            array = getattr(world.table(t), name).copy()
            for axis, quantity in enumerate(column.axes):
                if quantity == "neighbourhood":
                    array = array.take(first, axis=axis)
            out[f"{t}.{name}"] = array.astype(float) if has_symbols(t, name, column) else array
    return out


def month_steps(params: Mapping[str, Params], paths: Mapping[str, A]) -> list[tuple[Mechanism, Any]]:
    """The mechanisms of the month with their parameters, and levers with their paths."""
    month = Month(params, paths)
    return [(m, x if m.lever is None else expected_value_rules.lever_setting(m.lever, x)) for m, x in month.steps]


def begin(start: MonthStart) -> Any:
    """The world at the start of the first month, as tables that kernels read and write."""
    out = SimpleNamespace(private=SimpleNamespace())
    for t, kind in traced_tables().items():
        table = SimpleNamespace()
        for name, column in columns(kind):
            array = start.tables.get(f"{t}.{name}")
            if array is not None:
                setattr(table, name, cells(array) if has_symbols(t, name, column) else array.copy())
        setattr(out if t in TABLES else out.private, t, table)
    groups = int(start.policy_groups.max()) + 1
    if groups > 1:
        out.aims.groups[0], out.aims.group = groups, start.policy_groups
    for name in ("heads", "part", "offer", "refuse", "ask"):
        setattr(out.aims, name, getattr(out.aims, name)[:groups].copy())
    private, s, p = out.private, out.services, start.params
    room, events, c = start.conditions.room, start.events, start.flows.c
    for k in range(len(start.services)):
        s.base_places[k] = s.places[k] = room[k]
        pairs = c.service == k
        s.helped[k] = s.usual_helped[k] = _total(start.state.helped[pairs])
        s.queue[k] = _total(start.state.waiting[pairs])
        private.failure_demand.usual_asked[k] = _total(events.asked[pairs])
        s.burnout[k] = s.usual_burnout[k] = p["burnout"].reference
        if s.tier[k] == ACUTE:
            care = care_cost(start, s, k, start.state, events.opened[k])
            private.bureaucracy.usual_crises[k] = _total(events.opened[k])
            s.base_demand[k] = care
            s.base_budget[k] = s.plan[k] = s.granted[k] = private.double_running.settled[k] = 12.0 * care
    out.places.leader[:] = p["practice"].led
    private.groups.leaders[:] = p["groups"].leaders
    out.places.first = np.concatenate([[0.0], np.cumsum(start.people.sum(axis=1))])
    out.people = SimpleNamespace()
    _fill_aims(out, start)
    return out


def _total(x: A) -> Any:
    """The sum of all elements, 0.0 if there are none."""
    return x.sum() if x.size else 0.0


def _fill_aims(w: Any, start: MonthStart) -> None:
    """Set each policy group's part of a service to its part at baseline."""
    if w.aims.groups[0] == 0:
        return
    c, state = start.flows.c, start.state
    for s in range(len(start.services)):
        pairs = c.service == s
        clients = state.helped[pairs].sum(axis=0) + state.waiting[pairs].sum(axis=0)
        if not pairs.any():
            clients = state.need[c.of_domain[s], 2:].sum(axis=0)
        of_ages = (start.people * w.services.bands[s].astype(float)) @ start.into_groups()
        for g in range(w.aims.groups[0]):
            inside = c.policy_group == g
            w.aims.heads[g] = _total(state.people[inside])
            part = _total(clients[inside]) + _total(of_ages[inside]) / symbolic.most(1.0, of_ages.sum())
            w.aims.part[g, s] = part / (clients.sum() + 1.0)


def care_cost(start: MonthStart, services: Any, s: int, state: StockState, opened: A) -> Any:
    """Cost of a month's care by an acute service, in pounds at baseline unit costs."""
    c = start.flows.c
    takes_crises = any(symbolic.compare(">", x, 0.0) for x in np.ravel(c.crisis_share[s]).tolist())
    stays = state.need[c.of_domain[s], 3] * c.crisis_share[s] if takes_crises else 0.0 * opened
    staying = symbolic.each_most(0.0, stays - opened) if takes_crises else 0.0 * opened
    return opened.sum() * services.episode_cost[s] + staying.sum() * services.month_cost[s]
