"""One run of the month on symbols: from the start of a month to its equations.

Mechanisms without random draws (money, staff, practice, groups and others) run in their own code on symbols
(`kernel_tracer.py`). `flows.py` replaces the mechanisms of people, and `expected_value_rules.py` the random decisions
of neighbourhoods. A value that the month leaves unchanged is a constant. All other values are stocks, which are
identified by running the month until no further value changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Mechanism
from sim.engine.tables import columns
from sim.schema.quantities import AGE_BANDS
from sim.state.codes import ACUTE, PURPOSES, SILOS
from sim.state.updates import total_offer
from sim.state.world import TABLES
from sim.twins.stock_flow import expected_value_rules, symbolic
from sim.twins.stock_flow.cells import MonthConditions, StockState
from sim.twins.stock_flow.equations import Equations, Label, Stock, roots_of, series_used, topological_order
from sim.twins.stock_flow.kernel_tracer import Tracer
from sim.twins.stock_flow.month_start import PEOPLE_COUNTS, MonthStart, begin, care_cost, traced_tables
from sim.twins.stock_flow.symbolic import Cells, Expr, cells

A = npt.NDArray[Any]
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


class Trace:
    """One run of the month on symbols."""

    def __init__(self, start: MonthStart, changing: set[str], *, labelled: bool = True) -> None:
        self.start, self.aggregation, self.labelled = start, start.aggregation, labelled
        self.labels: dict[Expr, Label] = {}
        self.stocks: dict[str, tuple[Label, Any, Any]] = {}
        self.w = begin(start)
        self.months = start.months
        month = symbolic.series(np.arange(self.months), "month")
        self.clock = SimpleNamespace(seed=0, month=month)
        self.arrays = [
            (t, name, array, column)
            for t, kind in traced_tables().items()
            for name, column in columns(kind)
            if isinstance(array := getattr(getattr(self.w if t in TABLES else self.w.private, t), name, None), Cells)
        ]
        self.before = {f"{t}.{name}": array.copy() for t, name, array, _ in self.arrays}
        for t, name, array, column in self.arrays:
            for k in range(array.size):
                key = f"{t}.{name}.{k}"
                if key in changing:
                    label = self._label(t, name, column, k, array.shape)
                    self.stocks[key] = (label, array.flat[k], None)
                    array.flat[k] = symbolic.stock(key)
        self.state = self._people()
        self.outputs: dict[str, Any] = {}
        self._run()
        self.new_stocks = {
            f"{t}.{name}.{k}"
            for t, name, array, _ in self.arrays
            if t != "tally" and name not in PEOPLE_COUNTS
            for k, (now, before) in enumerate(
                zip(array.ravel().tolist(), self.before[f"{t}.{name}"].ravel().tolist(), strict=True)
            )
            if f"{t}.{name}.{k}" not in changing and not symbolic.is_unchanged(before, now)
        }

    # Names.

    def _axis(self, axis: str, k: int) -> str:
        names: dict[str, Any] = {
            "service": self.start.services,
            "silo": SILOS,
            "purpose": PURPOSES,
            "neighbourhood": self.aggregation.places,
            "domain": self.start.domains,
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
        for at in np.ndindex(array.shape) if self.labelled else ():
            node = array[at]
            if isinstance(node, Expr) and node.args and node.op not in ("stock", "series") and node not in self.labels:
                parts = [axis[k] for axis, k in zip(axes, at, strict=True)]
                self.labels[node] = Label(" ".join([quantity, *parts]), unit, meaning)

    def _note(self, name: str, node: Expr, local_names: dict[str, Any]) -> None:
        """Label an expression with the name of its variable in the code."""
        if node.op in ("stock", "series") or not self.labelled or node in self.labels:
            return
        location = ""
        if isinstance(local_names.get("s"), int):
            location = f" {self.start.services[local_names['s']]}"
        elif isinstance(local_names.get("n"), int) and local_names["n"] < len(self.aggregation.places):
            location = f" {self.aggregation.places[local_names['n']]}"
        elif isinstance(local_names.get("f"), int):
            location = f" {SILOS[local_names['f']]}"
        meaning = f"The variable '{name}' in the code of {node.mechanism}."
        self.labels[node] = Label(f"{name}{location} in {node.mechanism}", "not stated in the code", meaning)

    # People.

    def _stock(self, key: str, name: str, unit: str, meaning: str, initial: Any, lo: float) -> Any:
        self.stocks[key] = (Label(name, unit, meaning), initial, None)
        return symbolic.stock(key, lo)

    def _people(self) -> StockState:
        """The people as stocks: one for each number of people that is above 0 at baseline or may become so."""
        start, c = self.start, self.start.flows.c
        places, ages = self.aggregation.places, self.aggregation.ages
        domains = start.domains
        levels = ("well", "emerging need", "serious need", "crisis")
        services = start.services
        out = {name: cells(getattr(start.state, name)) for name in StockState._fields}
        for n, g in np.ndindex(len(places), len(ages)):
            cell = f"{places[n]} {ages[g]}"
            if start.age_mix_changes:
                out["people"][n, g] = self._stock(
                    f"people.{n}.{g}",
                    f"people {cell}",
                    "persons",
                    "residents",
                    start.state.people[n, g],
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
                if level and start.state.need[d, level, n, g] > 0.0:
                    unit_of_count = "households by their reference person" if c.household[d] else "people"
                    out["need"][d, level, n, g] = self._stock(
                        f"need.{d}.{level}.{n}.{g}",
                        f"{domains[d]} {levels[level]} {cell}",
                        "persons",
                        f"{unit_of_count} with {levels[level]} in {domains[d]}",
                        start.state.need[d, level, n, g],
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
                            getattr(start.state, kind)[k, n, g],
                            0.0,
                        )
        state = StockState(**out)
        counts = start.flows.counts(state)
        out["need"][:, 0] = counts - out["need"][:, 1:].sum(axis=1)
        return state

    # The month.

    def _run(self) -> None:
        start, w = self.start, self.w
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
        weight = start.people.sum(axis=1) / start.people.sum()
        opened: dict[str, Any] = {}
        substitutes |= {
            "set_group_parts": lambda *_: None,
            "mean_trust": lambda _w: self._mean_trust(),
            "care_cost": lambda w, s: care_cost(start, w.services, s, opened["state"], opened["opened"][s]),
            "assessment_factor": lambda w, p: 1.0 - p.retold * (w.rules.joined_up * weight).sum(),
            "room_of": lambda w, p: p.holds * symbolic.most(p.least_energy, (w.places.energy * weight).sum()),
        }
        tracer = Tracer(w, [array for _, _, array, _ in self.arrays], substitutes, self._note)
        w.plain = tracer.plain
        self._fill_tally(self.state)
        steps = [(m, x) for m, x in start.steps if m.name not in PERSON_MECHANISMS]
        for mechanism, x in steps:
            if mechanism.phase.name != "ACCOUNTS":
                self._apply(tracer, mechanism, x)
        symbolic.set_mechanism("people")
        conditions = self._conditions(tracer)
        flows = start.flows
        mid, e = flows.month(self.state, conditions)
        self._update_peers(e.recovered)
        after, life = flows.demography(mid, conditions, self.state)
        after, e = flows.start_help(after, conditions, e)
        opened |= {"state": after, "opened": e.opened}
        cell = (places, ages)
        domains = start.domains
        pairs = tuple(f"{start.services[s]} level {x}" for s, x in zip(flows.c.service, flows.c.level, strict=True))
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
        self.name("opened", e.opened, "episodes per month", "acute episodes opened", (start.services, *cell))
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
        if not self.labelled:
            tracer.run(mechanism.kernel, x, self.clock)
            return
        before = [array.ravel().tolist() for _, _, array, _ in self.arrays]
        tracer.run(mechanism.kernel, x, self.clock)
        for (t, name, array, column), previous in zip(self.arrays, before, strict=True):
            for k, (node, old) in enumerate(zip(array.ravel().tolist(), previous, strict=True)):
                if node is not old and isinstance(node, Expr) and node.op not in ("stock", "series"):
                    label = self._label(t, name, column, k, array.shape)
                    if node not in self.labels or " in " in self.labels[node].name:
                        meaning = (
                            f"{label.meaning[:1].upper()}{label.meaning[1:]}, after {mechanism.name}. {mechanism.claim}"
                        )
                        self.labels[node] = Label(f"{label.name} after {mechanism.name}", label.unit, meaning)

    def _mean_trust(self) -> Any:
        mean = self.start.flows.c.mean_trust + self.state.trust
        return (mean * self.start.state.people).sum() / self.start.people.sum()

    def _fill_tally(self, s: StockState, e: Any = None) -> None:
        """Set the counters by fifth and band that mechanisms read."""
        w, start, c = self.w, self.start, self.start.flows.c
        tally = w.tally
        fifth = w.places.quintile.astype(int)
        for name in ("people", "census", "opened", "asked"):
            getattr(tally, name)[...] = 0.0
        of_group = start.people @ start.into_groups()
        band_share = start.people / symbolic.each_most(1e-9, of_group)[:, self.aggregation.group]
        for n in range(len(fifth)):
            for band in range(len(AGE_BANDS)):
                tally.people[fifth[n], band] += s.people[n, self.aggregation.group[band]] * band_share[n, band]
            for g in range(len(self.aggregation.ages)):
                first = int(np.flatnonzero(self.aggregation.group == g)[0])
                tally.census[:, :, fifth[n], first] += s.need[:, :, n, g]
                if e is not None:
                    tally.opened[:, fifth[n], first] += e.opened[:, n, g]
        for k in range(len(start.services)):
            pairs = c.service == k
            w.services.helped[k] = s.helped[pairs].sum() if pairs.any() else 0.0
            w.services.queue[k] = s.waiting[pairs].sum() if pairs.any() else 0.0
            if e is not None and pairs.any():
                tally.asked[k, 0] = e.asked[pairs].sum()

    def _conditions(self, tracer: Tracer) -> MonthConditions:
        """The services and places after the mechanisms of the month, as inputs of the flows."""
        w, start, c = self.w, self.start, self.start.flows.c
        services, places, aims = w.services, w.places, w.aims
        service_count, kinds, groups = (
            len(start.services),
            len(self.aggregation.places),
            len(self.aggregation.ages),
        )
        effect, refused, still_ask, relation = (
            cells(np.zeros((service_count, kinds))),
            cells(np.zeros((service_count, kinds, groups))),
            cells(np.ones((service_count, kinds, groups))),
            cells(np.ones(service_count)),
        )
        passed = start.params["help_seeking"].passed
        for s in range(service_count):
            relation[s] = services.continuity[s] / services.providers[s] ** 0.1 * services.fit[s]
            for n in range(kinds):
                effect[s, n] = services.quality[s] * places.practice[n] * places.fit[n]
                for g in range(groups):
                    share = services.refused[s]
                    if aims.groups[0] > 0:
                        group = int(c.policy_group[n, g])
                        share = symbolic.least(0.95, symbolic.most(0.0, share + aims.refuse[group, s]))
                        still_ask[s, n, g] = aims.ask[group, s]
                    refused[s, n, g] = share + (1.0 - share) * passed * (services.providers[s] - 1.0)
        delivering = [s for s in range(service_count) if services.tier[s] != ACUTE]
        targets = sum((services.targets[s] for s in delivering), start=0.0) / max(1, len(delivering))
        nurture = cells(np.zeros((kinds, groups)))
        wanted = cells(np.zeros((kinds, groups)))
        for n, g in np.ndindex(kinds, groups):
            total = start.people[n][self.aggregation.group == g].sum()
            for band in np.flatnonzero(self.aggregation.group == g):
                part = start.people[n, band]
                if AGE_BANDS[band][1] < 18:
                    nurture[n, g] += places.nurture[band, n] * (part / symbolic.most(1e-9, total))
                q = int(places.quintile[n])
                baseline = w.private.ageing_wave.base_mix[q, band]
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
            (start.services, self.aggregation.places),
        )
        return out

    def _places_by_group(self, tracer: Tracer) -> dict[int, Any]:
        """Places for each policy group, by service that divides its places (services/group_allocation.py)."""
        w, aims, services = self.w, self.w.aims, self.w.services
        out: dict[int, Any] = {}
        for s in sorted(set(self.start.flows.c.service.tolist())):
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
        p = self.start.params["peers"]
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
        unmet = self.start.flows.unhelped(s)[:, 2]
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
        c = self.start.flows.c
        out = cells(np.zeros((len(self.start.services), len(self.aggregation.places))))
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
        e = Equations(stocks, self.labels, self.outputs, {}, self.months, dict(symbolic.GUARDS))
        return e._replace(values=series_used(roots_of(e)))


def _stocks_under(roots: Iterable[Any]) -> set[str]:
    return {n.args[0] for n in topological_order(roots) if n.op == "stock"}


def traced(start: Callable[[], MonthStart], changing: Iterable[str] = (), *, labelled: bool = True) -> Equations:
    """Run the month on symbols until no further value changes.

    Parameters
    ----------
    start
        Makes the start of the month, after all symbols of the previous run have been deleted.
    changing
        Names of values that are stocks.
    labelled
        Whether expressions get the names of variables.
    """
    stocks = set(changing)
    while True:
        symbolic.clear()
        trace = Trace(start(), stocks, labelled=labelled)
        if not trace.new_stocks:
            return trace.equations()
        stocks |= trace.new_stocks
