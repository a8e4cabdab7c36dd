"""The stock-flow twin of a scenario: the month's mechanisms for average people, as equations.

Mechanisms without random draws (money, staff, practice, groups and others) run in their own code on symbols
(`kernel_tracer.py`). `flows.py` replaces the mechanisms of people, and `expected_value_rules.py` the random decisions
of neighbourhoods. A value that the month leaves unchanged is a constant. All other values are stocks, which are
identified by running the month until no further value changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine.schedule import Mechanism
from sim.engine.tables import columns
from sim.place.place import Place
from sim.policies import levers
from sim.scenario.paths import neighbourhood_columns
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.codes import ACUTE, PURPOSES, SILOS
from sim.state.world import TABLES, World, all_tables
from sim.twins.stock_flow import expected_value_rules, symbolic
from sim.twins.stock_flow.aggregation import Aggregation, aggregation_of
from sim.twins.stock_flow.baseline import Balanced, balance
from sim.twins.stock_flow.cells import MonthConditions, StockState
from sim.twins.stock_flow.equations import Equations, Label, Stock, roots_of, series_used, topological_order
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.kernel_tracer import Tracer
from sim.twins.stock_flow.symbolic import Cells, Expr, cells

A = npt.NDArray[Any]
CACHE_SIZE = 8
"""Number of built worlds, and of baselines balanced in them, that are cached for the next twins."""
PERSON_MECHANISMS = {
    "remembering",
    "news",
    "candidate_thinning",
    "support",
    "need",
    "help_seeking",
    "acute_episodes",
    "queues",
    "queue_allocation",
    "waiting",
    "walk_in_demand",
    "peers",
    "resilience",
    "trust",
    "belief",
    "fullness",
    "ageing",
    "life_and_death",
    "moves",
    "co_occurring_needs",
    "eased_needs",
    "company",
    "survey",
    "room_of_bounds",
    "bound_updates",
    "help_seeking_bounds",
    "walk_in_demand_bounds",
    "life_and_death_bounds",
    "need_bounds",
}
"""Mechanisms that act on individual people. `flows.py` computes their expected flows."""
RECORDED_COLUMNS = {
    "services": ("posts", "overload", "leaving", "vacancy", "burnout", "admin", "hours", "quality", "fit", "lay"),
    "places": ("energy", "legitimacy", "practice", "peers"),
    "money": ("spent", "funding", "carried", "bailed_out", "clawed_back", "reinvested", "pooled", "outlay"),
}
"""Columns whose values at the end of a month are recorded."""
PEOPLE_COUNTS = {"helped", "queue"}
"""Integer columns of services that count people."""


def _traced_tables() -> dict[str, type]:
    """The tables that the twin's kernels use, by name: all except those with columns over persons."""
    shared = ("places", "services", "tally", "money", "rules", "aims", "rates")
    return {
        name: kind
        for name, kind in all_tables().items()
        if name in shared or (name not in TABLES and not any("person" in spec.axes for _, spec in columns(kind)))
    }


class Twin:
    """One scenario for average people.

    Parameters
    ----------
    scenario
        The scenario.
    place
        The place. The default is the scenario's.
    people
        Number of people. The default is the scenario's.
    fifths
        Whether deprivation fifths are separate cells (see `aggregation_of`).
    ages
        Whether children, adults and older people are separate cells (see `aggregation_of`).

    Attributes
    ----------
    aggregation
        The cells.
    balanced
        The steady baseline.
    equations
        The month as equations.
    """

    def __init__(
        self,
        scenario: Scenario,
        place: Place | None = None,
        people: int | None = None,
        *,
        fifths: bool = True,
        ages: bool = True,
    ) -> None:
        self.scenario = scenario
        self.place = place or Place.load(scenario.place)
        size = people if people is not None else scenario.people
        self.hoods = self.place.neighbourhoods(size)
        self.total = sum(n.people for n in self.hoods)
        self.aggregation = aggregation_of(scenario, self.hoods, fifths=fifths, ages=ages)
        self.calibrated = solution_for(scenario, self.place)
        self._services = tuple(s.id for s in load_catalogue())
        hood_columns = neighbourhood_columns(self.hoods)
        self._policy_groups = scenario.groups(hood_columns)[self.aggregation.first()].astype(int)
        axis = {lever.name: lever.axis for lever in levers()}
        self._paths = {
            name: path[:, self.aggregation.first()] if axis[name] == "neighbourhood" else path
            for name, path in scenario.paths(self._services, hood_columns).items()
        }
        self.world, self.balanced = self._balanced(size)
        self.equations = self._traced()

    def _balanced(self, size: int | None) -> tuple[World, Balanced]:
        key = _world_key(self.calibrated, self.place, size)
        world = _world_for(key, self.calibrated, self.place, size)
        if len(world.places.code) != len(self.hoods):
            raise ValueError("the built world has other neighbourhoods than the place")
        return world, _balanced_for(key, self.calibrated, world, self.aggregation, self._policy_groups)

    # From the built world to a world of symbols.

    def _begin(self) -> Any:
        """The world at the start of a month, with known values and with kinds of neighbourhood as neighbourhoods."""
        world, b = self.world, self.balanced
        first = self.aggregation.first()
        out = SimpleNamespace(private=SimpleNamespace())
        for t, kind in _traced_tables().items():
            table = SimpleNamespace()
            for name, column in columns(kind):
                array = getattr(world.table(t), name).copy()
                for axis, quantity in enumerate(column.axes):
                    if quantity == "neighbourhood":
                        array = array.take(first, axis=axis)
                fixed = t == "rates" or (
                    column.dtype[0] != "f" and t not in ("tally", "money") and name not in PEOPLE_COUNTS
                )
                setattr(table, name, array if fixed and name != "leader" else cells(array.astype(float)))
            setattr(out if t in TABLES else out.private, t, table)
        groups = int(self._policy_groups.max()) + 1
        if groups > 1:
            out.aims.groups[0], out.aims.group = groups, self._policy_groups
        for name in ("heads", "part", "offer", "refuse", "ask"):
            setattr(out.aims, name, getattr(out.aims, name)[:groups].copy())
        private = out.private
        s, p = out.services, {name: x.compiled() for name, x in self.calibrated.params.items()}
        room, events = b.conditions.room, b.events
        for k in range(room.size):
            s.base_places[k] = s.places[k] = float(room[k])
            pairs = b.flows.c.service == k
            s.helped[k] = s.usual_helped[k] = float(b.state.helped[pairs].sum())
            s.queue[k] = float(b.state.waiting[pairs].sum())
            private.failure_demand.usual_asked[k] = float(events.asked[pairs].sum())
            s.burnout[k] = s.usual_burnout[k] = p["burnout"].reference
            if world.services.tier[k] == ACUTE:
                care = self._care(k, b.state, events.opened[k])
                private.bureaucracy.usual_crises[k] = float(events.opened[k].sum())
                s.base_demand[k] = care
                s.base_budget[k] = s.plan[k] = s.granted[k] = private.double_running.settled[k] = 12.0 * care
        out.places.leader[:] = p["practice"].led
        private.groups.leaders[:] = p["groups"].leaders
        people = b.bands.people.sum(axis=1)
        out.places.first = np.concatenate([[0.0], np.cumsum(people)])
        out.people = SimpleNamespace()
        self._fill_aims(out)
        return out

    def _fill_aims(self, w: Any) -> None:
        """Set each policy group's part of a service to its part at baseline."""
        if w.aims.groups[0] == 0:
            return
        b, c = self.balanced, self.balanced.flows.c
        for s in range(len(self._services)):
            pairs = c.service == s
            clients = b.state.helped[pairs].sum(axis=0) + b.state.waiting[pairs].sum(axis=0)
            if not pairs.any():
                clients = b.state.need[c.of_domain[s], 2:].sum(axis=0)
            served = self.world.services.bands[s].astype(float)
            of_ages = (b.bands.people * served) @ (
                self.aggregation.group[:, None] == np.arange(len(self.aggregation.ages))
            )
            for g in range(w.aims.groups[0]):
                inside = c.policy_group == g
                w.aims.heads[g] = float(b.state.people[inside].sum())
                part = clients[inside].sum() + of_ages[inside].sum() / max(1.0, of_ages.sum())
                w.aims.part[g, s] = float(part / (clients.sum() + 1.0))

    def _care(self, s: int, state: StockState, opened: A) -> Any:
        """Cost of a month's care by an acute service, in pounds at baseline unit costs."""
        c, table = self.balanced.flows.c, self.world.services
        stays = state.need[c.of_domain[s], 3] * c.crisis_share[s] if self._takes_crises(s) else 0.0 * opened
        new_episodes = c.crisis_share[s] * 0.0 + opened
        staying = symbolic.each_most(0.0, stays - new_episodes) if self._takes_crises(s) else 0.0 * opened
        return opened.sum() * float(table.episode_cost[s]) + staying.sum() * float(table.month_cost[s])

    def _takes_crises(self, s: int) -> bool:
        return bool(self.balanced.flows.c.crisis_share[s].any())

    # The month.

    def _traced(self) -> Equations:
        """Run the month on symbols until no further value changes."""
        changing: set[str] = set()
        while True:
            symbolic.clear()
            trace = _Trace(self, changing)
            if not trace.new_stocks:
                return trace.equations()
            changing |= trace.new_stocks

    def steps(self) -> list[tuple[Mechanism, Any]]:
        """The mechanisms of the month with their parameters, and levers with their paths."""
        month = Month(self.calibrated.params, self._paths)
        return [(m, x if m.lever is None else expected_value_rules.lever_setting(m.lever, x)) for m, x in month.steps]


class _Trace:
    """One run of the month on symbols."""

    def __init__(self, twin: Twin, changing: set[str]) -> None:
        self.twin, self.aggregation = twin, twin.aggregation
        self.labels: dict[Expr, Label] = {}
        self.stocks: dict[str, tuple[Label, float, Any]] = {}
        self.w = twin._begin()
        self.months = 12 * twin.scenario.years
        month = symbolic.series(np.arange(self.months), "month")
        self.clock = SimpleNamespace(seed=0, month=month)
        self.arrays = [
            (t, name, array, column)
            for t, kind in _traced_tables().items()
            for name, column in columns(kind)
            if isinstance(array := getattr(getattr(self.w if t in TABLES else self.w.private, t), name), Cells)
        ]
        self.before = {f"{t}.{name}": array.copy() for t, name, array, _ in self.arrays}
        for t, name, array, column in self.arrays:
            for k in range(array.size):
                key = f"{t}.{name}.{k}"
                if key in changing:
                    label = self._label(t, name, column, k, array.shape)
                    self.stocks[key] = (label, float(array.flat[k]), None)
                    array.flat[k] = symbolic.stock(key)
        self.state = self._people()
        self.outputs: dict[str, Any] = {}
        self._run()
        self.new_stocks = {
            f"{t}.{name}.{k}"
            for t, name, array, _ in self.arrays
            if t != "tally" and name not in PEOPLE_COUNTS
            for k in range(array.size)
            if f"{t}.{name}.{k}" not in changing and not _same(array.flat[k], self.before[f"{t}.{name}"].flat[k])
        }

    # Names.

    def _axis(self, axis: str, k: int) -> str:
        names: dict[str, Any] = {
            "service": self.twin._services,
            "silo": SILOS,
            "purpose": PURPOSES,
            "neighbourhood": self.aggregation.places,
            "domain": tuple(d.id for d in self.twin.calibrated.domains),
        }
        if axis == "one":
            return ""
        return str(names[axis][k]) if axis in names else f"{axis} {k}"

    def _label(self, t: str, name: str, column: Any, k: int, shape: tuple[int, ...]) -> Label:
        parts = [self._axis(axis, int(at)) for axis, at in zip(column.axes, np.unravel_index(k, shape), strict=True)]
        table = f"{t} " if t in ("tally", "rules", "aims") else ""
        return Label(" ".join([f"{table}{name}", *(x for x in parts if x)]), column.unit, column.meaning)

    def name(self, quantity: str, array: Any, unit: str, meaning: str, axes: tuple[tuple[str, ...], ...]) -> None:
        """Label the expressions of an array that have no label. `axes` are the names along each axis."""
        for at in np.ndindex(array.shape):
            node = array[at]
            if isinstance(node, Expr) and node.args and node.op not in ("stock", "series") and node not in self.labels:
                parts = [axis[k] for axis, k in zip(axes, at, strict=True)]
                self.labels[node] = Label(" ".join([quantity, *parts]), unit, meaning)

    def _note(self, name: str, node: Expr, local_names: dict[str, Any]) -> None:
        """Label an expression with the name of its variable in the code."""
        if node.op in ("stock", "series") or node in self.labels:
            return
        location = ""
        if isinstance(local_names.get("s"), int):
            location = f" {self.twin._services[local_names['s']]}"
        elif isinstance(local_names.get("n"), int) and local_names["n"] < len(self.aggregation.places):
            location = f" {self.aggregation.places[local_names['n']]}"
        elif isinstance(local_names.get("f"), int):
            location = f" {SILOS[local_names['f']]}"
        meaning = f"The variable '{name}' in the code of {node.mechanism}."
        self.labels[node] = Label(f"{name}{location} in {node.mechanism}", "not stated in the code", meaning)

    # People.

    def _stock(self, key: str, name: str, unit: str, meaning: str, initial: float, lo: float) -> Any:
        self.stocks[key] = (Label(name, unit, meaning), initial, None)
        return symbolic.stock(key, lo)

    def _people(self) -> StockState:
        """The people as stocks: one for each number of people that is above 0 at baseline or may become so."""
        b, c = self.twin.balanced, self.twin.balanced.flows.c
        places, ages = self.aggregation.places, self.aggregation.ages
        domains = [d.id for d in self.twin.calibrated.domains]
        levels = ("well", "emerging need", "serious need", "crisis")
        services = self.twin._services
        out = {name: cells(getattr(b.state, name)) for name in StockState._fields}
        age_mix_changes = "ageing_wave" in self.twin._paths and np.ptp(self.twin._paths["ageing_wave"]) > 0.0
        for n, g in np.ndindex(len(places), len(ages)):
            cell = f"{places[n]} {ages[g]}"
            if age_mix_changes:
                out["people"][n, g] = self._stock(
                    f"people.{n}.{g}",
                    f"people {cell}",
                    "persons",
                    "residents",
                    float(b.state.people[n, g]),
                    1.0,
                )
            for memory, quantity, unit in (
                ("resilience", "mean resilience, as a deviation from the baseline's", "log hazard units"),
                ("trust", "mean trust of people with needs, as a deviation from the baseline's", "0-1"),
            ):
                out[memory][n, g] = self._stock(
                    f"{memory}.{n}.{g}", f"{memory} of people {cell}", unit, quantity, 0.0, -np.inf
                )
            for d, level in np.ndindex(len(domains), 4):
                if level and b.state.need[d, level, n, g] > 0.0:
                    unit_of_count = "households by their reference person" if c.household[d] else "people"
                    out["need"][d, level, n, g] = self._stock(
                        f"need.{d}.{level}.{n}.{g}",
                        f"{domains[d]} {levels[level]} {cell}",
                        "persons",
                        f"{unit_of_count} with {levels[level]} in {domains[d]}",
                        float(b.state.need[d, level, n, g]),
                        0.0,
                    )
            for kind, verb in (("helped", "helped by"), ("waiting", "waiting for")):
                for k in range(len(c.service)):
                    if c.eligible[k, n, g] > 0.0:
                        out[kind][k, n, g] = self._stock(
                            f"{kind}.{k}.{n}.{g}",
                            f"{kind} {services[c.service[k]]} {levels[c.level[k]]} {cell}",
                            "persons",
                            f"people with {levels[c.level[k]]} who are {verb} {services[c.service[k]]}",
                            float(getattr(b.state, kind)[k, n, g]),
                            0.0,
                        )
        state = StockState(**out)
        counts = self.flows().counts(state)
        out["need"][:, 0] = counts - out["need"][:, 1:].sum(axis=1)
        return state

    def flows(self) -> Flows:
        """The flows of the balanced baseline."""
        return self.twin.balanced.flows

    # The month.

    def _run(self) -> None:
        twin, w = self.twin, self.w
        places, ages = self.aggregation.places, self.aggregation.ages
        substitutes = {
            name: getattr(expected_value_rules, name)
            for name in (
                "uniform",
                "month_key",
                "pence",
                "resident_fit",
                "is_split",
                "falls_now",
                "reorganise",
                "lead",
                "learn_and_lead",
                "pool",
            )
        }
        weight = twin.balanced.bands.people.sum(axis=1) / twin.balanced.bands.people.sum()
        opened: dict[str, Any] = {}
        substitutes |= {
            "set_group_parts": lambda *_: None,
            "mean_trust": lambda _w: self._mean_trust(),
            "care_cost": lambda _w, s: twin._care(s, opened["state"], opened["opened"][s]),
            "assessment_factor": lambda w, p: 1.0 - p.retold * (w.rules.joined_up * weight).sum(),
            "room_of": lambda w, p: p.holds * symbolic.most(p.least_energy, (w.places.energy * weight).sum()),
        }
        tracer = Tracer(w, [array for _, _, array, _ in self.arrays], substitutes, self._note)
        w.plain = tracer.plain
        self._fill_tally(self.state)
        steps = [(m, x) for m, x in twin.steps() if m.name not in PERSON_MECHANISMS]
        for mechanism, x in steps:
            if mechanism.phase.name != "ACCOUNTS":
                self._apply(tracer, mechanism, x)
        symbolic.set_mechanism("people")
        conditions = self._conditions(tracer)
        flows = self.flows()
        mid, e = flows.month(self.state, conditions)
        self._update_peers(e.recovered)
        after, life = flows.demography(mid, conditions, self.state)
        after, e = flows.start_help(after, conditions, e)
        opened |= {"state": after, "opened": e.opened}
        cell = (places, ages)
        domains = tuple(d.id for d in twin.calibrated.domains)
        pairs = tuple(f"{twin._services[s]} level {x}" for s, x in zip(flows.c.service, flows.c.level, strict=True))
        self.name(
            "getting worse",
            e.worse,
            "persons per month",
            "people whose need gets one level worse",
            (domains, ("from well", "from emerging", "from serious"), *cell),
        )
        self.name(
            "getting better",
            e.better,
            "persons per month",
            "people whose need gets one level better",
            (domains, ("from emerging", "from serious", "from crisis"), *cell),
        )
        for name, quantity in (
            ("asked", "requests for help"),
            ("turned_away", "requests refused"),
            ("gave_up", "people who stop waiting"),
            ("started", "people whose help begins"),
            ("ended", "people whose help ends for another reason than recovery"),
        ):
            self.name(name.replace("_", " "), getattr(e, name), "persons per month", quantity, (pairs, *cell))
        self.name("opened", e.opened, "episodes per month", "acute episodes opened", (twin._services, *cell))
        self.name("deaths", life.died, "persons per month", "deaths", cell)
        self.name("scars", e.scars, "units per month", "sum of the losses of resilience in crises", cell)
        self._fill_tally(after, e)
        for mechanism, x in steps:
            if mechanism.phase.name == "ACCOUNTS":
                self._apply(tracer, mechanism, x)
        self._set_next_values(after)
        self._set_outputs(after, e, life)

    def _apply(self, tracer: Tracer, mechanism: Mechanism, x: Any) -> None:
        symbolic.set_mechanism(mechanism.name)
        before = [array.copy() for _, _, array, _ in self.arrays]
        tracer.run(mechanism.kernel, x, self.clock)
        for (t, name, array, column), previous in zip(self.arrays, before, strict=True):
            for k in range(array.size):
                node = array.flat[k]
                if node is not previous.flat[k] and isinstance(node, Expr) and node.op not in ("stock", "series"):
                    label = self._label(t, name, column, k, array.shape)
                    if node not in self.labels or " in " in self.labels[node].name:
                        meaning = (
                            f"{label.meaning[:1].upper()}{label.meaning[1:]}, after {mechanism.name}. {mechanism.claim}"
                        )
                        self.labels[node] = Label(f"{label.name} after {mechanism.name}", label.unit, meaning)

    def _mean_trust(self) -> Any:
        c = self.flows().c
        s = self.state
        total = self.twin.balanced.bands.people.sum()
        return ((c.mean_trust + s.trust) * self.twin.balanced.state.people).sum() / total

    def _fill_tally(self, s: StockState, e: Any = None) -> None:
        """Set the counters by fifth and band that mechanisms read."""
        w, b, c = self.w, self.twin.balanced, self.flows().c
        tally = w.tally
        fifth = w.places.quintile.astype(int)
        for name in ("people", "census", "opened", "asked"):
            getattr(tally, name)[...] = 0.0
        band_share = (
            b.bands.people
            / np.maximum(
                1e-9, b.bands.people @ (self.aggregation.group[:, None] == np.arange(len(self.aggregation.ages)))
            )[:, self.aggregation.group]
        )
        for n in range(len(fifth)):
            for band in range(len(AGE_BANDS)):
                tally.people[fifth[n], band] += s.people[n, self.aggregation.group[band]] * float(band_share[n, band])
            for g in range(len(self.aggregation.ages)):
                first = int(np.flatnonzero(self.aggregation.group == g)[0])
                tally.census[:, :, fifth[n], first] += s.need[:, :, n, g]
                if e is not None:
                    tally.opened[:, fifth[n], first] += e.opened[:, n, g]
        for k in range(len(self.twin._services)):
            pairs = c.service == k
            w.services.helped[k] = s.helped[pairs].sum() if pairs.any() else 0.0
            w.services.queue[k] = s.waiting[pairs].sum() if pairs.any() else 0.0
            if e is not None and pairs.any():
                tally.asked[k, 0] = e.asked[pairs].sum()

    def _conditions(self, tracer: Tracer) -> MonthConditions:
        """The services and places after the mechanisms of the month, as inputs of the flows."""
        w, b, c = self.w, self.twin.balanced, self.flows().c
        services, places, aims = w.services, w.places, w.aims
        service_count, kinds, groups = (
            len(self.twin._services),
            len(self.aggregation.places),
            len(self.aggregation.ages),
        )
        effect, refused, still_ask, relation = (
            cells(np.zeros((service_count, kinds))),
            cells(np.zeros((service_count, kinds, groups))),
            cells(np.ones((service_count, kinds, groups))),
            cells(np.ones(service_count)),
        )
        passed = self.twin.calibrated.params["help_seeking"].compiled().passed
        for s in range(service_count):
            relation[s] = services.continuity[s] / services.divided[s] * services.fit[s]
            for n in range(kinds):
                effect[s, n] = services.quality[s] * places.practice[n] * places.fit[n]
                for g in range(groups):
                    share = services.refused[s]
                    if aims.groups[0] > 0:
                        group = int(c.policy_group[n, g])
                        share = symbolic.least(
                            w.rules.most_refused[0], symbolic.most(0.0, share + aims.refuse[group, s])
                        )
                        still_ask[s, n, g] = aims.ask[group, s]
                    refused[s, n, g] = share + (1.0 - share) * passed * (services.providers[s] - 1.0)
        delivering = [s for s in range(service_count) if services.tier[s] != ACUTE]
        targets = sum((services.targets[s] for s in delivering), start=0.0) / max(1, len(delivering))
        nurture = cells(np.zeros((kinds, groups)))
        wanted = cells(np.zeros((kinds, groups)))
        for n, g in np.ndindex(kinds, groups):
            total = float(b.bands.people[n][self.aggregation.group == g].sum())
            for band in np.flatnonzero(self.aggregation.group == g):
                part = float(b.bands.people[n, band])
                if AGE_BANDS[band][1] < 18:
                    nurture[n, g] += places.nurture[band, n] * (part / max(1e-9, total))
                q = int(places.quintile[n])
                baseline = float(w.private.ageing_wave.base_mix[q, band])
                wanted[n, g] += part * (places.age_mix[q, band] / baseline if baseline > 0.0 else 1.0)
        out = MonthConditions(
            effect=effect,
            room=services.places,
            rooms=self._places_by_group(tracer),
            refused=refused,
            still_ask=still_ask,
            relation=relation,
            overload=services.overload,
            targets=targets,
            outreach=places.outreach,
            exposure=places.exposure,
            infants=places.infants,
            energy=places.energy,
            weight=places.weight,
            nurture=nurture,
            legitimacy=places.legitimacy,
            wanted=wanted,
            rules=w.rules,
        )
        self.name(
            "effect of help",
            effect,
            "1 = baseline",
            "quality times practice times fit",
            (self.twin._services, self.aggregation.places),
        )
        return out

    def _places_by_group(self, tracer: Tracer) -> dict[int, Any]:
        """Places for each policy group, by service that divides its places (services/group_allocation.py)."""
        w, aims, services = self.w, self.w.aims, self.w.services
        from sim.state.updates import total_offer

        out: dict[int, Any] = {}
        for s in sorted(set(self.flows().c.service.tolist())):
            if aims.groups[0] == 0 or not expected_value_rules.is_split(w, s):
                continue
            total = tracer.plain(total_offer)(w, s)
            common_factor = services.plan[s] / services.base_budget[s] / total
            adjustment = symbolic.choose(
                symbolic.compare(">", symbolic.most(total - 1.0, 1.0 - total), 1e-6),
                symbolic.least(
                    1.0, symbolic.most(0.0, (services.posts[s] / common_factor - 1.0) / (total - 1.0 + 1e-300))
                ),
                1.0,
            )
            group_parts = cells(np.zeros(aims.groups[0]))
            for g in range(aims.groups[0]):
                group_parts[g] = aims.part[g, s] * (1.0 + adjustment * (aims.offer[g, s] - 1.0))
            out[s] = group_parts * services.places[s] / group_parts.sum()
        return out

    def _update_peers(self, recovered: A) -> None:
        p = self.twin.calibrated.params["peers"].compiled()
        w = self.w
        symbolic.set_mechanism("peers")
        for n in range(recovered.size):
            invited = p.invited * w.rules.peer_support[n] * (1.0 - p.bought_out * (1.0 - w.rules.seeded[n]))
            w.places.peers[n] = w.places.peers[n] + invited * recovered[n] - w.places.peers[n] / p.tenure
        symbolic.set_mechanism("people")

    def _set_next_values(self, after: StockState) -> None:
        """Set the value of every stock a month later."""
        for t, name, array, _ in self.arrays:
            for k in range(array.size):
                key = f"{t}.{name}.{k}"
                if key in self.stocks:
                    label, initial, _old = self.stocks[key]
                    self.stocks[key] = label, initial, array.flat[k]
        for key, (label, initial, _old) in list(self.stocks.items()):
            kind, *at = key.split(".")
            if kind in StockState._fields:
                self.stocks[key] = label, initial, getattr(after, kind)[tuple(int(x) for x in at)]

    def _set_outputs(self, s: StockState, e: Any, life: Any) -> None:
        """Set the month's outputs, which are recorded."""
        w = self.w
        unmet = self.flows().unhelped(s)[:, 2]
        self.outputs = {
            "opened": e.opened,
            "census": s.need,
            "unmet": unmet,
            "people": s.people,
            "died": life.died,
            "born": life.born,
            "moved_in": life.arrived,
            "moved_out": life.left,
            "delayed": e.delayed,
            "trust": s.trust,
            "resilience": s.resilience,
        }
        for name in ("helped", "waiting"):
            self.outputs[name] = self._by_service(getattr(s, name))
        for name in ("asked", "turned_away", "gave_up", "started"):
            self.outputs[name] = self._by_service(getattr(e, name))
        for table, names in RECORDED_COLUMNS.items():
            for name in names:
                self.outputs[name] = getattr(getattr(w, table), name).copy()
        self.outputs["place_fit"] = w.places.fit.copy()

    def _by_service(self, x: A) -> A:
        c = self.flows().c
        out = cells(np.zeros((len(self.twin._services), len(self.aggregation.places))))
        for k in range(len(c.service)):
            out[c.service[k]] = out[c.service[k]] + x[k].sum(axis=1)
        return out

    def equations(self) -> Equations:
        """The equations, without stocks that affect no output."""
        stocks = {
            key: Stock(label.name, label.unit, label.meaning, initial, after)
            for key, (label, initial, after) in self.stocks.items()
        }
        outputs = [x for array in self.outputs.values() for x in np.ravel(array)]
        needed: set[str] = set()
        new = _stocks_under(outputs)
        while new:
            needed |= new
            new = _stocks_under(stocks[key].after for key in new) - needed
        stocks = {key: stock for key, stock in stocks.items() if key in needed}
        e = Equations(stocks, self.labels, self.outputs, {}, self.months)
        return e._replace(values=series_used(roots_of(e)))


def _stocks_under(roots: Iterable[Any]) -> set[str]:
    return {n.args[0] for n in topological_order(roots) if n.op == "stock"}


def _same(a: Any, b: Any) -> bool:
    return a is b or (symbolic.are_numbers(a, b) and float(a) == float(b))


_worlds: dict[str, World] = {}


def _world_key(calibrated: Calibrated, place: Place, size: int | None) -> str:
    """A digest of everything that determines a built world."""
    return hashlib.sha256(f"{calibrated.digest()} {size} {place.model_dump_json()}".encode()).hexdigest()


def _world_for(key: str, calibrated: Calibrated, place: Place, size: int | None) -> World:
    """A built world, in which conditional means are measured. The last few worlds are cached."""
    if key not in _worlds:
        while len(_worlds) >= CACHE_SIZE:
            _worlds.pop(next(iter(_worlds)))
        _worlds[key] = calibrated.world(place, size, 0).world
    return _worlds[key]


_balances: dict[tuple[Any, ...], Balanced] = {}


def _balanced_for(
    world_key: str, calibrated: Calibrated, world: World, aggregation: Aggregation, policy_groups: A
) -> Balanced:
    arrays = (aggregation.kind, aggregation.group, policy_groups)
    key = (world_key, aggregation.places, aggregation.ages, *(array.tobytes() for array in arrays))
    if key not in _balances:
        while len(_balances) >= CACHE_SIZE:
            _balances.pop(next(iter(_balances)))
        _balances[key] = balance(calibrated, world, aggregation, policy_groups)
    return _balances[key]


def output_slices(e: Equations) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """The position of each output in a month's row, and its shape, by name."""
    out: dict[str, tuple[slice, tuple[int, ...]]] = {}
    at = 0
    for name, array in e.outputs.items():
        size = int(np.size(array))
        out[name] = slice(at, at + size), np.shape(array)
        at += size
    return out
