"""A scenario's twin: the month's own mechanisms on average people, as equations.

Money, staff, practice, groups and all else that the month works out without luck is run as it stands in its file,
on symbols (`tracing.py`). What people do is `flows.py`, what places decide by lot `expected.py`. A value that a month
leaves as it was is a constant; all others are stocks, found by running the month until no more turn up.
"""

from __future__ import annotations

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
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import Month
from sim.state.tables import ACUTE, PURPOSES, SILOS, TABLES, World
from sim.twins.stock_flow import expected_value_rules, symbolic
from sim.twins.stock_flow.aggregation import Aggregation, grain_of, whereabouts
from sim.twins.stock_flow.baseline import Balanced, balance
from sim.twins.stock_flow.cells import MonthConditions, StockState
from sim.twins.stock_flow.equations import Equations, Label, Stock, in_order, roots_of, series_used
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.kernel_tracer import Tracer
from sim.twins.stock_flow.symbolic import Cells, Expr, cells

A = npt.NDArray[Any]
KEPT = 8
"""Made worlds, and balances found in them, that are kept for the next twin."""
OF_PEOPLE = {
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
"""Mechanisms that act person by person: `flows.py` says what they come to."""
TOLD = {
    "services": ("posts", "overload", "leaving", "vacancy", "burnout", "admin", "hours", "quality", "fit", "lay"),
    "places": ("energy", "legitimacy", "practice", "peers"),
    "money": ("spent", "funding", "carried", "bailed_out", "clawed_back", "reinvested", "pooled", "outlay"),
}
"""Columns that are recorded as they stand after a month."""
COUNTED = {"helped", "queue"}
"""Columns of services that hold people, in whole numbers."""


class Twin:
    """One scenario on average people."""

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
        self.grain = grain_of(scenario, self.hoods, fifths=fifths, ages=ages)
        self.calibrated = solution_for(scenario, self.place)
        self._services = tuple(s.id for s in load_catalogue())
        where = whereabouts(self.hoods)
        self._crowd = scenario.groups(where)[self.grain.first()].astype(int)
        axis = {lever.name: lever.axis for lever in levers()}
        self._paths = {
            name: path[:, self.grain.first()] if axis[name] == "neighbourhood" else path
            for name, path in scenario.paths(self._services, where).items()
        }
        self.world, self.balanced = self._balanced(size)
        self.equations = self._traced()

    def _balanced(self, size: int | None) -> tuple[World, Balanced]:
        world = _made(self.calibrated, self.place, size)
        if len(world.places.code) != len(self.hoods):
            raise ValueError("the made world has other neighbourhoods than the place")
        return world, _balance(self.calibrated, world, self.grain, self._crowd)

    # From the made world to one of symbols.

    def _begin(self) -> Any:
        """The world at the start of a month, all of it known; kinds of neighbourhood in place of neighbourhoods."""
        world, b = self.world, self.balanced
        first = self.grain.first()
        out = SimpleNamespace()
        for t in ("places", "services", "tally", "money", "rules", "aims", "rates"):
            table = SimpleNamespace()
            for name, column in columns(TABLES[t]):
                array = getattr(getattr(world, t), name).copy()
                for axis, what in enumerate(column.axes):
                    if what == "neighbourhood":
                        array = array.take(first, axis=axis)
                fixed = t == "rates" or (column.dtype[0] != "f" and t not in ("tally", "money") and name not in COUNTED)
                setattr(table, name, array if fixed and name != "leader" else cells(array.astype(float)))
            setattr(out, t, table)
        crowds = int(self._crowd.max()) + 1
        if crowds > 1:
            out.aims.groups[0], out.aims.group = crowds, self._crowd
        for name in ("heads", "part", "offer", "refuse", "ask"):
            setattr(out.aims, name, getattr(out.aims, name)[:crowds].copy())
        s, p = out.services, {name: x.compiled() for name, x in self.calibrated.params.items()}
        room, events = b.around.room, b.events
        for k in range(room.size):
            s.base_places[k] = s.places[k] = float(room[k])
            mine = b.flows.c.service == k
            s.helped[k] = s.usual_helped[k] = float(b.state.helped[mine].sum())
            s.queue[k] = float(b.state.waiting[mine].sum())
            s.usual_asked[k] = float(events.asked[mine].sum())
            s.burnout[k] = s.usual_burnout[k] = p["burnout"].usual
            if world.services.tier[k] == ACUTE:
                care = self._care(k, b.state, events.opened[k])
                s.usual_crises[k] = float(events.opened[k].sum())
                s.base_demand[k] = care
                s.base_budget[k] = s.plan[k] = s.granted[k] = s.settled[k] = 12.0 * care
        out.places.leader[:] = p["practice"].led
        out.places.leaders[:] = p["groups"].leaders
        people = b.inner.people.sum(axis=1)
        out.places.first = np.concatenate([[0.0], np.cumsum(people)])
        out.people = SimpleNamespace()
        self._fill_aims(out)
        return out

    def _fill_aims(self, w: Any) -> None:
        """Each group's part of a service, as it is at baseline when policies for some begin."""
        if w.aims.groups[0] == 0:
            return
        b, c = self.balanced, self.balanced.flows.c
        for s in range(len(self._services)):
            mine = c.service == s
            known = b.state.helped[mine].sum(axis=0) + b.state.waiting[mine].sum(axis=0)
            if not mine.any():
                known = b.state.need[c.of_domain[s], 2:].sum(axis=0)
            served = self.world.services.bands[s].astype(float)
            of_ages = (b.inner.people * served) @ (self.grain.group[:, None] == np.arange(len(self.grain.ages)))
            for g in range(w.aims.groups[0]):
                inside = c.crowd == g
                w.aims.heads[g] = float(b.state.people[inside].sum())
                part = known[inside].sum() + of_ages[inside].sum() / max(1.0, of_ages.sum())
                w.aims.part[g, s] = float(part / (known.sum() + 1.0))

    def _care(self, s: int, state: StockState, opened: A) -> Any:
        """Pounds of care that a month's episodes of an acute service take, at baseline unit costs."""
        c, table = self.balanced.flows.c, self.world.services
        stays = state.need[c.of_domain[s], 3] * c.takes[s] if self._takes_crises(s) else 0.0 * opened
        here = c.takes[s] * 0.0 + opened
        staying = symbolic.each_most(0.0, stays - here) if self._takes_crises(s) else 0.0 * opened
        return opened.sum() * float(table.episode_cost[s]) + staying.sum() * float(table.month_cost[s])

    def _takes_crises(self, s: int) -> bool:
        return bool(self.balanced.flows.c.takes[s].any())

    # The month.

    def _traced(self) -> Equations:
        """Run the month on symbols until no further value turns out to change."""
        changing: set[str] = set()
        while True:
            symbolic.forget()
            traced = _Trace(self, changing)
            if not traced.found:
                return traced.equations()
            changing |= traced.found

    def steps(self) -> list[tuple[Mechanism, Any]]:
        """The mechanisms of the month with what they are given, levers with their paths."""
        month = Month(self.calibrated.params, self._paths)
        return [(m, expected_value_rules.Path(m.lever, x) if m.lever is not None else x) for m, x in month.steps]


class _Trace:
    """One run of the month on symbols."""

    def __init__(self, twin: Twin, changing: set[str]) -> None:
        self.twin, self.grain = twin, twin.grain
        self.labels: dict[Expr, Label] = {}
        self.stocks: dict[str, tuple[Label, float, Any]] = {}
        self.w = twin._begin()
        self.months = 12 * twin.scenario.years
        month = symbolic.series(np.arange(self.months), "month")
        self.clock = SimpleNamespace(seed=0, month=month)
        self.arrays = [
            (t, name, getattr(getattr(self.w, t), name), column)
            for t in ("places", "services", "tally", "money", "rules", "aims")
            for name, column in columns(TABLES[t])
            if isinstance(getattr(getattr(self.w, t), name), Cells)
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
        self.told: dict[str, Any] = {}
        self._run()
        self.found = {
            f"{t}.{name}.{k}"
            for t, name, array, _ in self.arrays
            if t != "tally" and name not in COUNTED
            for k in range(array.size)
            if f"{t}.{name}.{k}" not in changing and not _same(array.flat[k], self.before[f"{t}.{name}"].flat[k])
        }

    # Names.

    def _axis(self, axis: str, k: int) -> str:
        names: dict[str, Any] = {
            "service": self.twin._services,
            "silo": SILOS,
            "purpose": PURPOSES,
            "neighbourhood": self.grain.places,
            "domain": tuple(d.id for d in self.twin.calibrated.domains),
        }
        if axis == "one":
            return ""
        return str(names[axis][k]) if axis in names else f"{axis} {k}"

    def _label(self, t: str, name: str, column: Any, k: int, shape: tuple[int, ...]) -> Label:
        parts = [self._axis(axis, int(at)) for axis, at in zip(column.axes, np.unravel_index(k, shape), strict=True)]
        table = "" if t in ("services", "money", "places") else f"{t} "
        return Label(" ".join([f"{table}{name}", *(x for x in parts if x)]), column.unit, column.meaning)

    def name(self, what: str, array: Any, unit: str, meaning: str, axes: tuple[tuple[str, ...], ...]) -> None:
        """Call the elements of an array something."""
        for at in np.ndindex(array.shape):
            node = array[at]
            if isinstance(node, Expr) and node.args and node.op not in ("stock", "series") and node not in self.labels:
                parts = [axis[k] for axis, k in zip(axes, at, strict=True)]
                self.labels[node] = Label(" ".join([what, *parts]), unit, meaning)

    def _note(self, name: str, node: Expr, beside: dict[str, Any]) -> None:
        """Call an expression what the code calls it."""
        if node.op in ("stock", "series") or node in self.labels:
            return
        where = ""
        if isinstance(beside.get("s"), int):
            where = f" {self.twin._services[beside['s']]}"
        elif isinstance(beside.get("n"), int) and beside["n"] < len(self.grain.places):
            where = f" {self.grain.places[beside['n']]}"
        elif isinstance(beside.get("f"), int):
            where = f" {SILOS[beside['f']]}"
        meaning = f"What the code of {node.within} calls '{name}'."
        self.labels[node] = Label(f"{name}{where} in {node.within}", "as the code has it", meaning)

    # People.

    def _stock(self, key: str, name: str, unit: str, meaning: str, initial: float, lo: float) -> Any:
        self.stocks[key] = (Label(name, unit, meaning), initial, None)
        return symbolic.stock(key, lo)

    def _people(self) -> StockState:
        """The people as stocks: whoever is there at baseline, and whoever may come to be."""
        b, c = self.twin.balanced, self.twin.balanced.flows.c
        places, ages = self.grain.places, self.grain.ages
        domains = [d.id for d in self.twin.calibrated.domains]
        levels = ("well", "emerging need", "serious need", "crisis")
        services = self.twin._services
        out = {name: cells(getattr(b.state, name)) for name in StockState._fields}
        moving = "ageing_wave" in self.twin._paths and np.ptp(self.twin._paths["ageing_wave"]) > 0.0
        for n, g in np.ndindex(len(places), len(ages)):
            cell = f"{places[n]} {ages[g]}"
            if moving:
                out["people"][n, g] = self._stock(
                    f"people.{n}.{g}",
                    f"people {cell}",
                    "persons",
                    "people who live here",
                    float(b.state.people[n, g]),
                    1.0,
                )
            for memory, what, unit in (
                ("resilience", "mean resilience, as a deviation from the baseline's", "log hazard units"),
                ("trust", "mean trust of those with needs, as a deviation from the baseline's", "0-1"),
            ):
                out[memory][n, g] = self._stock(
                    f"{memory}.{n}.{g}", f"{memory} of people {cell}", unit, what, 0.0, -np.inf
                )
            for d, level in np.ndindex(len(domains), 4):
                if level and b.state.need[d, level, n, g] > 0.0:
                    who = "households by their reference person" if c.household[d] else "people"
                    out["need"][d, level, n, g] = self._stock(
                        f"need.{d}.{level}.{n}.{g}",
                        f"{domains[d]} {levels[level]} {cell}",
                        "persons",
                        f"{who} with {levels[level]} in {domains[d]}",
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
        places, ages = self.grain.places, self.grain.ages
        instead = {
            name: getattr(expected_value_rules, name)
            for name in (
                "uniform", "month_key", "pence", "resident_fit", "is_split", "falls_now", "reorganise", "lead",
                "learn_and_lead", "pool",
            )
        }  # fmt: skip
        weight = twin.balanced.inner.people.sum(axis=1) / twin.balanced.inner.people.sum()
        opened: dict[str, Any] = {}
        instead |= {
            "part_out": lambda *_: None,
            "mean_trust": lambda _w: self._mean_trust(),
            "care_given": lambda _w, s: twin._care(s, opened["state"], opened["opened"][s]),
            "story_known": lambda w, p: 1.0 - p.retold * (w.rules.joined_up * weight).sum(),
            "room_of": lambda w, p: p.holds * symbolic.most(0.05, (w.places.energy * weight).sum()),
        }
        tracer = Tracer(w, [array for _, _, array, _ in self.arrays], instead, self._note)
        w.plain = tracer.plain
        self._fill_tally(self.state)
        steps = [(m, x) for m, x in twin.steps() if m.name not in OF_PEOPLE]
        for mechanism, x in steps:
            if mechanism.phase.name != "ACCOUNTS":
                self._act(tracer, mechanism, x)
        symbolic.within("people")
        around = self._around(tracer)
        flows = self.flows()
        mid, e = flows.month(self.state, around)
        self._become_peers(e.recovered)
        after, life = flows.life(mid, around, self.state)
        after, e = flows.begin(after, around, e)
        opened |= {"state": after, "opened": e.opened}
        cell = (places, ages)
        domains = tuple(d.id for d in twin.calibrated.domains)
        pairs = tuple(f"{twin._services[s]} level {x}" for s, x in zip(flows.c.service, flows.c.level, strict=True))
        self.name("getting worse", e.worse, "persons per month", "people whose need gets one level worse",
                  (domains, ("from well", "from emerging", "from serious"), *cell))  # fmt: skip
        self.name("getting better", e.better, "persons per month", "people whose need gets one level better",
                  (domains, ("from emerging", "from serious", "from crisis"), *cell))  # fmt: skip
        for name, what in (("asked", "requests for help"), ("turned_away", "requests refused"),
                           ("gave_up", "people who stop waiting"), ("started", "people whose help begins"),
                           ("ended", "people whose help ends for another reason than recovery")):  # fmt: skip
            self.name(name.replace("_", " "), getattr(e, name), "persons per month", what, (pairs, *cell))
        self.name("opened", e.opened, "episodes per month", "acute episodes opened", (twin._services, *cell))
        self.name("deaths", life.died, "persons per month", "deaths", cell)
        self.name("scars", e.scars, "units per month", "depth of the scars of crises, summed", cell)
        self._fill_tally(after, e)
        for mechanism, x in steps:
            if mechanism.phase.name == "ACCOUNTS":
                self._act(tracer, mechanism, x)
        self._after(after)
        self._tell(after, e, life)

    def _act(self, tracer: Tracer, mechanism: Mechanism, x: Any) -> None:
        symbolic.within(mechanism.name)
        before = [array.copy() for _, _, array, _ in self.arrays]
        tracer.run(mechanism.kernel, x, self.clock)
        for (t, name, array, column), was in zip(self.arrays, before, strict=True):
            for k in range(array.size):
                node = array.flat[k]
                if node is not was.flat[k] and isinstance(node, Expr) and node.op not in ("stock", "series"):
                    label = self._label(t, name, column, k, array.shape)
                    if node not in self.labels or " in " in self.labels[node].name:
                        meaning = (
                            f"{label.meaning[:1].upper()}{label.meaning[1:]}, after {mechanism.name}. {mechanism.claim}"
                        )
                        self.labels[node] = Label(f"{label.name} after {mechanism.name}", label.unit, meaning)

    def _mean_trust(self) -> Any:
        c = self.flows().c
        s = self.state
        whole = self.twin.balanced.inner.people.sum()
        return ((c.mean_trust + s.trust) * self.twin.balanced.state.people).sum() / whole

    def _fill_tally(self, s: StockState, e: Any = None) -> None:
        """The counts that mechanisms read, of fifths and bands."""
        w, b, c = self.w, self.twin.balanced, self.flows().c
        tally = w.tally
        fifth = w.places.quintile.astype(int)
        for name in ("people", "census", "opened", "asked"):
            getattr(tally, name)[...] = 0.0
        inner = (
            b.inner.people
            / np.maximum(1e-9, b.inner.people @ (self.grain.group[:, None] == np.arange(len(self.grain.ages))))[
                :, self.grain.group
            ]
        )
        for n in range(len(fifth)):
            for band in range(len(AGE_BANDS)):
                tally.people[fifth[n], band] += s.people[n, self.grain.group[band]] * float(inner[n, band])
            for g in range(len(self.grain.ages)):
                first = int(np.flatnonzero(self.grain.group == g)[0])
                tally.census[:, :, fifth[n], first] += s.need[:, :, n, g]
                if e is not None:
                    tally.opened[:, fifth[n], first] += e.opened[:, n, g]
        for k in range(len(self.twin._services)):
            mine = c.service == k
            w.services.helped[k] = s.helped[mine].sum() if mine.any() else 0.0
            w.services.queue[k] = s.waiting[mine].sum() if mine.any() else 0.0
            if e is not None and mine.any():
                tally.asked[k, 0] = e.asked[mine].sum()

    def _around(self, tracer: Tracer) -> MonthConditions:
        """What the month's mechanisms have made of services and places."""
        w, b, c = self.w, self.twin.balanced, self.flows().c
        services, places, aims = w.services, w.places, w.aims
        many, kinds, groups = len(self.twin._services), len(self.grain.places), len(self.grain.ages)
        effect, refused, still, relation = (
            cells(np.zeros((many, kinds))),
            cells(np.zeros((many, kinds, groups))),
            cells(np.ones((many, kinds, groups))),
            cells(np.ones(many)),
        )
        passed = self.twin.calibrated.params["help_seeking"].compiled().passed
        for s in range(many):
            relation[s] = services.continuity[s] / services.providers[s] ** 0.1 * services.fit[s]
            for n in range(kinds):
                effect[s, n] = services.quality[s] * places.practice[n] * places.fit[n]
                for g in range(groups):
                    share = services.refused[s]
                    if aims.groups[0] > 0:
                        crowd = int(c.crowd[n, g])
                        share = symbolic.least(0.95, symbolic.most(0.0, share + aims.refuse[crowd, s]))
                        still[s, n, g] = aims.ask[crowd, s]
                    refused[s, n, g] = share + (1.0 - share) * passed * (services.providers[s] - 1.0)
        delivered = [s for s in range(many) if services.tier[s] != ACUTE]
        targets = sum((services.targets[s] for s in delivered), start=0.0) / max(1, len(delivered))
        nurture = cells(np.zeros((kinds, groups)))
        wanted = cells(np.zeros((kinds, groups)))
        for n, g in np.ndindex(kinds, groups):
            whole = float(b.inner.people[n][self.grain.group == g].sum())
            for band in np.flatnonzero(self.grain.group == g):
                part = float(b.inner.people[n, band])
                if AGE_BANDS[band][1] < 18:
                    nurture[n, g] += places.nurture[band, n] * (part / max(1e-9, whole))
                q = int(places.quintile[n])
                usual = float(places.base_mix[q, band])
                wanted[n, g] += part * (places.age_mix[q, band] / usual if usual > 0.0 else 1.0)
        out = MonthConditions(
            effect=effect, room=services.places, rooms=self._rooms(tracer), refused=refused, still_ask=still,
            relation=relation, overload=services.overload, targets=targets, outreach=places.outreach,
            exposure=places.exposure, infants=places.infants, energy=places.energy, weight=places.weight,
            nurture=nurture, legitimacy=places.legitimacy, wanted=wanted, rules=w.rules,
        )  # fmt: skip
        self.name("effect of help", effect, "1 = baseline", "quality times practice times fit",
                  (self.twin._services, self.grain.places))  # fmt: skip
        return out

    def _rooms(self, tracer: Tracer) -> dict[int, Any]:
        """Places kept for each group of people, by services that divide them (services/group_allocation.py)."""
        w, aims, services = self.w, self.w.aims, self.w.services
        from sim.state.updates import whole_offer

        out: dict[int, Any] = {}
        for s in sorted(set(self.flows().c.service.tolist())):
            if aims.groups[0] == 0 or not expected_value_rules.is_split(w, s):
                continue
            whole = tracer.plain(whole_offer)(w, s)
            common = services.plan[s] / services.base_budget[s] / whole
            far = symbolic.choose(
                symbolic.compare(">", symbolic.most(whole - 1.0, 1.0 - whole), 1e-6),
                symbolic.least(1.0, symbolic.most(0.0, (services.posts[s] / common - 1.0) / (whole - 1.0 + 1e-300))),
                1.0,
            )
            held = cells(np.zeros(aims.groups[0]))
            for g in range(aims.groups[0]):
                held[g] = aims.part[g, s] * (1.0 + far * (aims.offer[g, s] - 1.0))
            out[s] = held * services.places[s] / held.sum()
        return out

    def _become_peers(self, recovered: A) -> None:
        p = self.twin.calibrated.params["peers"].compiled()
        w = self.w
        symbolic.within("peers")
        for n in range(recovered.size):
            asked = p.invited * w.rules.peer_support[n] * (1.0 - p.bought_out * (1.0 - w.rules.seeded[n]))
            w.places.peers[n] = w.places.peers[n] + asked * recovered[n] - w.places.peers[n] / p.tenure
        symbolic.within("people")

    def _after(self, after: StockState) -> None:
        """What every stock is a month later."""
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

    def _tell(self, s: StockState, e: Any, life: Any) -> None:
        """What is recorded of a month."""
        w = self.w
        unmet = self.flows().unhelped(s)[:, 2]
        self.told = {
            "opened": e.opened, "census": s.need, "unmet": unmet, "people": s.people, "died": life.died,
            "born": life.born, "moved_in": life.arrived, "moved_out": life.left, "delayed": e.delayed,
            "trust": s.trust, "resilience": s.resilience,
        }  # fmt: skip
        for name in ("helped", "waiting"):
            self.told[name] = self._by_service(getattr(s, name))
        for name in ("asked", "turned_away", "gave_up", "started"):
            self.told[name] = self._by_service(getattr(e, name))
        for table, names in TOLD.items():
            for name in names:
                self.told[name] = getattr(getattr(w, table), name).copy()
        self.told["place_fit"] = w.places.fit.copy()

    def _by_service(self, x: A) -> A:
        c = self.flows().c
        out = cells(np.zeros((len(self.twin._services), len(self.grain.places))))
        for k in range(len(c.service)):
            out[c.service[k]] = out[c.service[k]] + x[k].sum(axis=1)
        return out

    def equations(self) -> Equations:
        """The whole, less stocks on which nothing rests."""
        every = {
            key: Stock(label.name, label.unit, label.meaning, initial, after)
            for key, (label, initial, after) in self.stocks.items()
        }
        told = [x for array in self.told.values() for x in np.ravel(array)]
        needed: set[str] = set()
        new = _stocks_under(told)
        while new:
            needed |= new
            new = _stocks_under(every[key].after for key in new) - needed
        every = {key: stock for key, stock in every.items() if key in needed}
        e = Equations(every, self.labels, self.told, {}, self.months)
        return e._replace(values=series_used(roots_of(e)))


def _stocks_under(roots: Iterable[Any]) -> set[str]:
    return {n.args[0] for n in in_order(roots) if n.op == "stock"}


def _same(a: Any, b: Any) -> bool:
    return a is b or (symbolic.known(a, b) and float(a) == float(b))


_worlds: dict[tuple[str, int | None, int], World] = {}


def _made(calibrated: Calibrated, place: Place, size: int | None) -> World:
    """A made world, in which closures are measured; the last few are kept."""
    key = place.model_dump_json(), size, id(calibrated.solution.up)
    if key not in _worlds:
        while len(_worlds) >= KEPT:
            _worlds.pop(next(iter(_worlds)))
        _worlds[key] = calibrated.world(place, size, 0).world
    return _worlds[key]


_balances: dict[tuple[Any, ...], Balanced] = {}


def _balance(calibrated: Calibrated, world: World, grain: Aggregation, crowd: A) -> Balanced:
    key = (id(world), grain.kind.tobytes(), grain.group.tobytes(), crowd.tobytes())
    if key not in _balances:
        while len(_balances) >= KEPT:
            _balances.pop(next(iter(_balances)))
        _balances[key] = balance(calibrated, world, grain, crowd)
    return _balances[key]


def told_slices(e: Equations) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """Where in a month's row each told array stands, and its shape."""
    out: dict[str, tuple[slice, tuple[int, ...]]] = {}
    at = 0
    for name, array in e.told.items():
        size = int(np.size(array))
        out[name] = slice(at, at + size), np.shape(array)
        at += size
    return out
