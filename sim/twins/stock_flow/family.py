"""Scenarios for average people with parameters as inputs: thousands of draws, each in tenths of a second.

`Twin` has one set of parameters in its equations. A `TwinFamily` has the same equations with every number that depends
on a parameter as an input, and every lever that one of its scenarios moves as a series. The equations are traced once
(some seconds) and stored. For a draw, the numbers are computed, the baseline is balanced, and the tape runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.engine.schedule import REGISTRY
from sim.hazards import digest
from sim.place.place import Place
from sim.policies import levers
from sim.results.metrics import episode_costs
from sim.results.records import Record
from sim.results.service_groups import counted_services
from sim.scenario.data_parameters import set_in_place
from sim.scenario.parameters import parameter as check_parameter
from sim.scenario.parameters import parameters
from sim.scenario.paths import TargetColumns, lever_path, neighbourhood_columns
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.world import World
from sim.twins.stock_flow import expected_value_rules, symbolic
from sim.twins.stock_flow.aggregation import Aggregation, aggregation_of
from sim.twins.stock_flow.balance import (
    Unbalanced,
    baseline_conditions,
    run_rounds,
    settle,
    symbols_of_rounds,
    unbalanced,
)
from sim.twins.stock_flow.baseline import AgeBandBaseline, Figures, figures_of, mechanism_parameters
from sim.twins.stock_flow.cells import Constants, StockState
from sim.twins.stock_flow.drawn_model import DrawnModel
from sim.twins.stock_flow.equations import Equations, OutputSlices
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.inputs import Arrays, Layout, arrays_of, constants_of
from sim.twins.stock_flow.measurement import Measured, measure
from sim.twins.stock_flow.month_start import MonthStart, table_columns
from sim.twins.stock_flow.records import RecordFrame, record_from
from sim.twins.stock_flow.symbolic import cells
from sim.twins.stock_flow.tape import run_tape
from sim.twins.stock_flow.tape_store import TapeStore, TracedTape
from sim.twins.stock_flow.trace import traced

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
PROBES, PROBE_SPREAD = 3, 0.25
"""Number of draws of all parameters that show which numbers are structure, and their part of the plausible ranges."""
MODEL_KEYS = {"parameters", *(name for name in Scenario.model_fields if "calibrate" in name)}
"""Keys of a scenario on which its calibrated model depends."""
_tracing = threading.RLock()
"""Symbols are global: one family traces at a time."""


class FamilyPath(expected_value_rules.Path):
    """A lever's values as series that differ between scenarios."""

    def __init__(self, name: str, values: F, same_as: Sequence[int], lo: float) -> None:
        super().__init__(name, values)
        self._same_as, self._lo = same_as, lo

    def __getitem__(self, at: tuple[Any, int]) -> Any:
        column = self._same_as[at[1]]
        return symbolic.varying_series(self.values[:, column], f"lever {self.name} {column}", self._lo)

    def series(self, values: Any, name: str) -> Any:
        """Values by month as a series."""
        return symbolic.varying_series(values, name, 0.0)


class Draw(NamedTuple):
    """A draw of the parameters in one structure: its numbers, and the balanced baseline."""

    arrays: Arrays
    bands: AgeBandBaseline
    codes: Constants
    figures: Figures


class _Structure:
    """Scenarios with the same cells and groups of people, which share equations."""

    def __init__(self, family: TwinFamily, scenarios: list[Scenario], aggregation: Aggregation, groups: A) -> None:
        self.family, self.scenarios, self.aggregation, self.groups = family, scenarios, aggregation, groups
        self.months = 12 * max(s.years for s in scenarios)
        self._columns = {
            s.name: TargetColumns(s.moves, family.services, family.neighbourhood_columns, s.name) for s in scenarios
        }
        paths = {s.name: self.paths(s, {}) for s in scenarios}
        self.moved = sorted({name for x in paths.values() for name in x})
        self.same_as: dict[str, list[int]] = {}
        for name in self.moved:
            stacked = np.concatenate([x[name] for x in paths.values() if name in x])
            _, first, inverse = np.unique(stacked, axis=1, return_index=True, return_inverse=True)
            self.same_as[name] = first[inverse.ravel()].tolist()
        self._union = {}
        for name in self.moved:
            path = next(x[name] for x in paths.values() if name in x)
            self._union[name] = np.pad(path, ((0, self.months - len(path)), (0, 0)), "edge")
        self._age_mix = any("ageing_wave" in x and np.ptp(x["ageing_wave"]) > 0.0 for x in paths.values())
        codes = (aggregation.kind.tobytes(), aggregation.group.tobytes(), aggregation.places, aggregation.ages)
        place = family.place.model_dump_json()
        self._name = f"{codes} {place} {family.people} {family.files}"
        self.rounds = TapeStore(self._trace_rounds, partial(self._probes, False), f"rounds {self._name}")
        columns = [(name, self.same_as[name]) for name in self.moved]
        name = f"month {self._name} {groups.tobytes()!r} {columns} {self.months} {self._age_mix}"
        self.month = TapeStore(self._trace_month, partial(self._probes, True), name)
        self._example: Draw | None = None

    def paths(self, scenario: Scenario, parameters: Mapping[str, float]) -> dict[str, F]:
        """The paths of the levers that a scenario moves, by lever, with one column for each kind of neighbourhood."""
        span = scenario.model_copy(update={"parameters": {**parameters, **scenario.parameters}}).span
        columns = self._columns.get(scenario.name)
        if columns is None or scenario not in self.scenarios:
            columns = TargetColumns(
                scenario.moves, self.family.services, self.family.neighbourhood_columns, scenario.name
            )
        names = {policy.lever for policy in columns.moves}
        out = {}
        for lever in levers():
            if lever.name in names:
                path = np.clip(lever_path(lever, columns, span), lever.low, lever.high)
                if (path != span.baseline_of(lever)).any():
                    first = self.aggregation.first()
                    out[lever.name] = path[:, first] if lever.axis == "neighbourhood" else path
        return out

    # Tracing.

    def _probes(self, balanced: bool) -> list[Arrays]:
        """Numbers of some draws of all parameters."""
        out = []
        for values in _probe_values(self.family.place.name):
            draw = self.draw(*self.family.drawn.figures(values))
            out.append(self.balanced(draw).arrays if balanced else draw.arrays)
        return out

    def _symbols(self, layout: Layout) -> tuple[dict[str, Any], dict[str, Any], Unbalanced]:
        assert self._example is not None
        arrays: dict[str, Any] = layout.symbols()
        params = {
            name: type(x)._make(arrays[f"params.{name}"].tolist()) for name, x in self._example.figures.params.items()
        }
        c = constants_of(arrays, self._example.codes)
        people = arrays["state.people"]
        need, helped, waiting = (arrays[f"state.{name}"] for name in ("need", "helped", "waiting"))
        zeros = np.zeros(people.shape)
        state = StockState(need, helped, waiting, people, cells(zeros), cells(zeros))
        conditions = baseline_conditions(arrays["tables.services.refused_base"], c, people, arrays["published.room"])
        published = (arrays[f"published.{name}"] for name in ("crises", "visits", "queue"))
        return arrays, params, Unbalanced(Flows(c, mechanism_parameters(params)), state, conditions, *published)

    def _trace_rounds(self, layout: Layout) -> Equations:
        symbolic.clear()
        return symbols_of_rounds(self._symbols(layout)[2])

    def _trace_month(self, layout: Layout) -> Equations:
        return traced(partial(self._start, layout), labelled=False)

    def _start(self, layout: Layout) -> MonthStart:
        arrays, params, u = self._symbols(layout)
        assert self._example is not None
        events, _ = settle(u)
        world = self.family.world
        tables = dict(table_columns(world, self.aggregation))
        tables |= {name.removeprefix("tables."): x for name, x in arrays.items() if name.startswith("tables.")}
        low = {lever.name: lever.low for lever in levers()}
        steps = []
        for m, x in Month(self.family.drawn.calibrated.params, self._union).steps:
            symbols = params.get(m.params.__module__.rsplit(".", 1)[-1])
            if m.lever is None:
                steps.append((m, x if symbols is None else symbols))
                continue
            path = FamilyPath(m.lever, self._union[m.lever], self.same_as[m.lever], low[m.lever])
            steps.append((m, (path, symbols) if isinstance(x, tuple) else path))
        return MonthStart(
            aggregation=self.aggregation,
            services=self.family.services,
            domains=tuple(d.id for d in self.family.drawn.calibrated.domains),
            months=self.months,
            policy_groups=self.groups,
            steps=steps,
            age_mix_changes=self._age_mix,
            tables=tables,
            params=params,
            people=arrays["bands.people"],
            flows=u.flows,
            state=u.state,
            conditions=u.conditions,
            events=events,
        )

    def frame(self, draw: Draw) -> RecordFrame:
        """What is needed to make records of a draw."""
        fifths = self.family.world.places.quintile[self.aggregation.first()].astype(int)
        figures = draw.figures
        members, domains = figures.params["support"].members, len(figures.aims.at_least)
        return RecordFrame(
            self.aggregation,
            self.family.neighbourhoods,
            draw.bands,
            draw.codes,
            figures.services,
            fifths,
            figures.solution,
            members,
            domains,
        )

    # Draws.

    def draw(self, figures: Figures, world: World, measured: Measured | None = None) -> Draw:
        """The numbers of a draw, before its baseline is balanced."""
        measured = measured or self.family.measured(self.aggregation)
        u, bands = unbalanced(figures, measured, self.aggregation, self.groups)
        arrays = arrays_of(u, bands, table_columns(world, self.aggregation), figures.params)
        out = Draw(arrays, bands, u.flows.c, figures)
        self._example = self._example or out
        return out

    def balanced(self, draw: Draw) -> Draw:
        """The numbers of a draw with a balanced baseline."""
        with _tracing:
            traced_tape, tape = self.rounds.tape(draw.arrays)
        result = run_rounds(tape)
        arrays = dict(draw.arrays)
        changed: dict[str, F] = {}
        for key, value in zip(traced_tape.stocks, result, strict=True):
            kind, at = key.split(".")
            name = f"{'constants' if kind in ('up', 'down', 'ask') else 'state'}.{kind}"
            if name not in changed:
                changed[name] = arrays[name].copy()
            changed[name].flat[int(at)] = value
        return draw._replace(arrays=arrays | changed)

    def run(
        self, draw: Draw, scenarios: Iterable[Scenario], parameters: Mapping[str, float]
    ) -> Iterator[tuple[Scenario, F, OutputSlices]]:
        """Run scenarios with a draw that is balanced: the outputs of each month, and their positions in a row."""
        with _tracing:
            traced_tape, tape = self.month.tape(draw.arrays)
        for scenario in scenarios:
            yield (
                scenario,
                run_tape(tape, series=self._series(traced_tape, scenario, parameters))[0],
                traced_tape.slices,
            )

    def _series(self, traced_tape: TracedTape, scenario: Scenario, parameters: Mapping[str, float]) -> F:
        months = 12 * scenario.years
        paths = self.paths(scenario, parameters)
        span = scenario.model_copy(update={"parameters": {**parameters, **scenario.parameters}}).span
        self._check(scenario, paths)
        out = np.empty((months, len(traced_tape.series)))
        lever_of = {lever.name: lever for lever in levers()}
        for k, name in enumerate(traced_tape.series):
            words = name.split(" ")
            if name == "month":
                out[:, k] = np.arange(months)
            elif name.startswith("month modulo "):
                out[:, k] = np.arange(months) % int(words[2])
            elif name == expected_value_rules.RESTRUCTURING:
                path = paths.get("restructuring")
                out[:, k] = 0.0 if path is None else expected_value_rules.restructurings(path[:, 0])
            else:
                path = paths.get(words[1])
                out[:, k] = span.baseline_of(lever_of[words[1]]) if path is None else path[:, int(words[2])]
        return out

    def _check(self, scenario: Scenario, paths: Mapping[str, F]) -> None:
        """Refuse a scenario that moves other levers, or columns of a lever differently, than those of the family."""
        for name, path in paths.items():
            if name not in self.same_as or not np.array_equal(path, path[:, self.same_as[name]]):
                wanted = "levers that a scenario of the family moves in the same places"
                raise InputError(scenario.name, None, "policies", wanted, name, self.moved)


class TwinFamily:
    """Scenarios of one place for average people, with parameters and lever settings as inputs.

    Parameters
    ----------
    scenarios : sequence of Scenario
        The scenarios. Their names differ.
    place : Place, optional
        The place; by default that of the first scenario.
    people : int, optional
        Number of people; by default that of the first scenario.
    fifths, ages : bool
        Whether deprivation fifths, and age groups, are separate cells (see `aggregation_of`).

    Examples
    --------
    >>> family = TwinFamily([Scenario.load("baseline"), Scenario.load("salami-slice")])  # doctest: +SKIP
    >>> demand = family.acute_demand({"resilience.scar": 0.1})  # doctest: +SKIP
    >>> demand["salami-slice"] - demand["baseline"]  # doctest: +SKIP

    Notes
    -----
    A family may be sent to other processes (it is made anew there, from stored equations) and used by several threads.
    Only tracing and the setting of figures happen one at a time.

    There are two ways to the numbers of a draw. In the short way (`exact=False`), people and conditional means are
    those of a world of the default parameters; see `drawn_model.py`. In the exact way the model of the agents is
    calibrated for the draw and a world is built from it, as for `Twin`. Both ways end with a steady baseline.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        place: Place | None = None,
        people: int | None = None,
        *,
        fifths: bool = True,
        ages: bool = True,
    ) -> None:
        self.scenarios = tuple(scenarios)
        self._cells = {"fifths": fifths, "ages": ages}
        self.place = place or Place.load(scenarios[0].place)
        self.people = people if people is not None else scenarios[0].people
        self.neighbourhoods = self.place.neighbourhoods(self.people)
        self.neighbourhood_columns = neighbourhood_columns(self.neighbourhoods)
        self.services = tuple(s.id for s in load_catalogue())
        calibrated = solution_for(Scenario.load("baseline"), self.place)
        self.world = calibrated.world(self.place, self.people, 0).world
        self.drawn = DrawnModel(self.place, self.world)
        self.files = digest(calibrated.domains, calibrated.services, {})
        self._measured: dict[bytes, Measured] = {}
        self._ranges = {name: (p.spec.low, p.spec.high) for name, p in parameters(self.place.name).items()}
        self._lock = threading.RLock()
        members: dict[Any, tuple[list[Scenario], Aggregation, A]] = {}
        for k, scenario in enumerate(self.scenarios):
            aggregation = aggregation_of(scenario, self.neighbourhoods, **self._cells)
            groups = scenario.groups(self.neighbourhood_columns)[aggregation.first()].astype(int)
            key = (_codes(aggregation), _moves_weights(scenario), k if groups.any() else None)
            members.setdefault(key, ([], aggregation, groups))[0].append(scenario)
        self._structures = [_Structure(self, *x) for x in members.values()]

    def measured(self, aggregation: Aggregation) -> Measured:
        """The conditional means of the reference world, by cell."""
        key = _codes(aggregation)
        if key not in self._measured:
            self._measured[key] = measure(self.world, aggregation)
        return self._measured[key]

    def __reduce__(self) -> tuple[Any, ...]:
        """Make the family anew in another process, with the stored equations."""
        return _made, (self.scenarios, self.place, self.people, self._cells)

    def draw(self, scenario: Scenario, *, exact: bool) -> tuple[Figures, World, bool]:
        """The figures of a draw, a world with its tables, and whether the people of the world are its own."""
        if not exact:
            with self._lock:
                try:
                    return *self.drawn.figures(scenario.parameters), False
                except ValueError as contradiction:
                    wanted = "figures that do not contradict each other"
                    raise InputError("draw", None, "parameters", wanted, Phrase(str(contradiction))) from None
        calibrated = solution_for(scenario, self.place)
        world = calibrated.world(set_in_place(self.place, scenario.parameters), self.people, 0).world
        return figures_of(calibrated, world), world, True

    def rows(
        self, parameters: Mapping[str, float], *, exact: bool = False, scenarios: Sequence[Scenario] | None = None
    ) -> Iterator[tuple[Scenario, F, OutputSlices, RecordFrame]]:
        """Run the scenarios with a draw of parameters.

        Parameters
        ----------
        parameters : mapping of str to float
            Values by dotted name. Others have their defaults. A scenario's own parameters take precedence.
        exact : bool
            Whether the model of the agents is calibrated for the draw (see `run`).
        scenarios : sequence of Scenario, optional
            Scenarios to run in place of those of the family: with other values, starts or lengths of the levers that
            the family moves in the same places.

        Raises
        ------
        InputError
            If a parameter is unknown or out of its range, figures contradict each other, no steady baseline exists, or
            a scenario does not have the structure of one of the family's.

        Yields
        ------
        scenario : Scenario
        rows : ndarray of float64, shape (month, output)
        slices : dict
            The position of each output in a row, and its shape, by name.
        frame : RecordFrame
        """
        for name, value in parameters.items():
            low, high = self._ranges.get(name, (np.inf, np.inf))
            if not low <= value <= high:
                check_parameter(name, value, "draw", place=self.place.name)
        chosen = self.scenarios if scenarios is None else tuple(scenarios)
        by_model: dict[str, list[Scenario]] = {}
        for scenario in chosen:
            drawn = scenario.model_copy(update={"parameters": {**parameters, **scenario.parameters}})
            key = drawn.model_dump_json(include=MODEL_KEYS) if exact else repr(scenario.parameters)
            by_model.setdefault(key, []).append(scenario)
        for together in by_model.values():
            drawn = together[0].model_copy(update={"parameters": {**parameters, **together[0].parameters}})
            values = drawn.parameters
            figures, world, is_built = self.draw(drawn, exact=exact)
            for structure in self._structures:
                members = [s for s in together if self._structure_of(s) is structure]
                if not members:
                    continue
                measured = measure(world, structure.aggregation) if is_built else None
                try:
                    draw = structure.balanced(structure.draw(figures, world, measured))
                except ArithmeticError as unsteady:
                    wanted = "a baseline that is steady"
                    raise InputError("draw", None, "parameters", wanted, Phrase(str(unsteady))) from None
                frame = structure.frame(draw)
                for scenario, rows, slices in structure.run(draw, members, values):
                    yield scenario, rows, slices, frame

    def _structure_of(self, scenario: Scenario) -> _Structure:
        for structure in self._structures:
            if scenario in structure.scenarios:
                return structure
        aggregation = aggregation_of(scenario, self.neighbourhoods, **self._cells)
        groups = scenario.groups(self.neighbourhood_columns)[aggregation.first()].astype(int)
        for structure in self._structures:
            alike = _moves_weights(scenario) == _moves_weights(structure.scenarios[0])
            if alike and _codes(aggregation) == _codes(structure.aggregation) and (groups == structure.groups).all():
                return structure
        wanted = "policies for the places and ages for which a scenario of the family has policies"
        raise InputError(scenario.name, None, "policies", wanted, Phrase("others"))

    def run(
        self, parameters: Mapping[str, float], *, exact: bool = False, scenarios: Sequence[Scenario] | None = None
    ) -> dict[str, Record]:
        """The records of the scenarios with a draw of parameters, by name. All measures can be made of them.

        For `parameters`, `exact` and `scenarios` see `rows`.
        """
        return {
            scenario.name: record_from(frame, rows, slices)
            for scenario, rows, slices, frame in self.rows(parameters, exact=exact, scenarios=scenarios)
        }

    def acute_demand(
        self, parameters: Mapping[str, float], *, exact: bool = False, scenarios: Sequence[Scenario] | None = None
    ) -> dict[str, F]:
        """Acute demand by year of each scenario by name, before it is made an index, without a record.

        In pounds per person per year at fixed unit costs (sim/results/episode_weights.py).
        For `parameters`, `exact` and `scenarios` see `rows`.
        """
        counted = counted_services()
        costs = episode_costs(counted)
        out = {}
        for scenario, rows, slices, _ in self.rows(parameters, exact=exact, scenarios=scenarios):
            (opened_at, shape), (people_at, _shape) = slices["opened"], slices["people"]
            opened = rows[:, opened_at].reshape(len(rows), *shape)[:, counted].sum(axis=(2, 3)) @ costs
            people = rows[:, people_at].sum(axis=1)
            out[scenario.name] = 12.0 * opened.reshape(-1, 12).sum(axis=1) / people.reshape(-1, 12).sum(axis=1)
        return out


def _made(scenarios: Sequence[Scenario], place: Place, people: int | None, cell_axes: Mapping[str, bool]) -> TwinFamily:
    return TwinFamily(scenarios, place, people, fifths=cell_axes["fifths"], ages=cell_axes["ages"])


def _probe_values(place: str) -> list[dict[str, float]]:
    """Draws of all parameters near their declared values, where figures do not contradict each other."""
    known = parameters(place)
    shares = np.random.default_rng(1).uniform(-PROBE_SPREAD, PROBE_SPREAD, (PROBES, len(known)))
    return [
        {
            name: p.value + share * (p.spec.high - p.value if share > 0.0 else p.value - p.spec.low)
            for (name, p), share in zip(known.items(), row.tolist(), strict=True)
        }
        for row in shares
    ]


def weighting_levers() -> frozenset[str]:
    """Names of the levers that give neighbourhoods weights in queues."""
    return frozenset(m.lever for m in REGISTRY.month() if m.lever and "places.weight" in m.writes)


def _moves_weights(scenario: Scenario) -> bool:
    """Whether neighbourhoods get weights in queues. Equations for one weight have a closed form; others do not."""
    return any(policy.lever in weighting_levers() for policy in scenario.moves)


def _codes(aggregation: Aggregation) -> bytes:
    """The cells as bytes."""
    names = repr((aggregation.places, aggregation.ages)).encode()
    return aggregation.kind.tobytes() + aggregation.group.tobytes() + names
