"""From a design to its plan: every check that needs more than the file of the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.ensemble.request import checked_request
from sim.ensemble.run_limits import Runs, one_job
from sim.place.place import Place
from sim.policies import Lever, levers
from sim.results.metrics import metrics
from sim.results.origin import present_origin
from sim.scenario.parameters import parameter, parameters
from sim.scenario.scenario import Scenario, library
from sim.schema.errors import InputError, Phrase, RequirementError
from sim.schema.toml_files import fail, read_text
from sim.schema.toml_keys import locate
from sim.sweeps.batch import SweepPolicy
from sim.sweeps.design import SweepDesign
from sim.sweeps.factors import MOST_POINTS, OF_INDICES, Factors, Range, number_of_points, points_of
from sim.sweeps.plan import Plan, scenario_digest

F = npt.NDArray[np.float64]
LONGEST_NAME = 50
"""Characters of the name of a scenario to which the number of a point is added."""
TEXT_COLUMNS = {"policy", "scenario", "place"}
NUMBER_COLUMNS = {"point", "people", "years", "seed", "replicate"}


def planned(design: str | Path | SweepDesign | Mapping[str, Any]) -> Plan:
    """Read a design, check it, and make its plan.

    Parameters
    ----------
    design : str, Path, SweepDesign or mapping
        A TOML file, or its content.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If a name is unknown, a value is outside its range, parts of the design contradict one another, or no run meets
        the filter.
    """
    if isinstance(design, SweepDesign):
        return _Planning(design, None).plan()
    if isinstance(design, str | Path):
        return _Planning(*SweepDesign.load(design)).plan()
    return _Planning(SweepDesign.of(design), None).plan()


class _Planning:
    """The checks of a design and the making of its plan."""

    def __init__(self, design: SweepDesign, file: Path | None) -> None:
        self.design, self.file = design, file
        self.scenarios: tuple[Scenario, ...] = ()
        self.places: tuple[Place, ...] = ()
        self.references: tuple[str, ...] = ()

    def error(
        self, key: tuple[str | int, ...], wanted: str, came: object, choices: Sequence[object] = ()
    ) -> InputError:
        """The error of a key of the design, with the line of its file."""
        if self.file is None or not self.file.exists():
            return InputError("design", None, ".".join(map(str, key)), wanted, came, choices)
        # `resilience.scar = { … }` in a file is a table in a table.
        nested = tuple(part for each in key for part in (each.split(".") if isinstance(each, str) else [each]))
        text = read_text(self.file)
        lines = [locate(text, keys) or 0 for keys in (key, nested)]
        return fail(self.file, nested if lines[1] > lines[0] else key, wanted, came, choices)

    def plan(self) -> Plan:
        design = self.design
        self.scenarios = tuple(self._scenario(k, name) for k, name in enumerate(design.scenarios))
        names = design.places or [self.scenarios[0].place]
        self.references = tuple(self._path(name) for name in names)
        self.places = tuple(self._place(k, name) for k, name in enumerate(self.references))
        self._check_scenarios()
        known = {m.name: m for m in metrics() if m.against is None}
        for k, name in enumerate(design.metrics):
            if name not in known:
                raise self.error(("metrics", k), "a measure of a run", name, tuple(known))
        policies = self._policies()
        points = self._points()
        plan = Plan(design, policies, self.places, self.references, points, dict(present_origin().versions))
        if plan.most_runs > MOST_POINTS:
            raise self.error((), f"a design of at most {MOST_POINTS:,} runs", Phrase(f"{plan.most_runs:,}"))
        self._check_filter(plan)
        for place in self.places:
            work = Runs(place, plan.people, plan.baseline.years, min(2, len(policies)), 1, 1)
            if plan.people is not None:
                place.check_people(plan.people)
            with one_job(work if design.engine == "agents" else work._replace(work="stocks")):
                checked_request(
                    plan.scenarios, place=place, people=plan.people, years=None, seeds=1, seed=0, threads=1,
                    disabled=(), draws=None, engine=design.engine, precision=None,
                )  # fmt: skip
        return plan

    def _path(self, name: str) -> str:
        """The path of a file relative to that of the design; a name of the library as it is."""
        is_file = name.endswith(".toml") or "/" in name or "\\" in name
        return str(self.file.parent / Path(name).expanduser()) if is_file and self.file is not None else name

    def _scenario(self, k: int, name: str) -> Scenario:
        path = self._path(name)
        if path == name and "." not in name and name not in library():
            raise self.error(("scenarios", k), "a scenario of the library, or a .toml file", name, tuple(library()))
        scenario = Scenario.load(path).with_settings(years=self.design.years, people=self.design.people)
        changes: dict[str, Any] = {"expect": [], "stops": []}
        if self.design.calibrate is not None:
            changes["calibrate"] = self.design.calibrate
        return scenario.model_copy(update=changes)

    def _place(self, k: int, name: str) -> Place:
        try:
            return Place.load(name)
        except InputError as wrong:
            if name.endswith(".toml"):
                raise
            raise self.error(("places", k), wrong.wanted, wrong.came, wrong.choices) from None

    def _check_scenarios(self) -> None:
        first = self.scenarios[0]
        for k, scenario in enumerate(self.scenarios[1:], 1):
            for key in ("start", "years", "parameters", "calibrate"):
                if getattr(scenario, key) != getattr(first, key):
                    wanted = f"scenarios with the same {key}: they share people and parameters"
                    raise self.error(("scenarios", k), wanted, Phrase(f"another {key} in {scenario.name}"))
        for k, scenario in enumerate(self.scenarios):
            if scenario.name in [s.name for s in self.scenarios[:k]]:
                raise self.error(("scenarios", k), "scenarios with different names", scenario.name)

    def _policies(self) -> tuple[SweepPolicy, ...]:
        design = self.design.levers
        if design is None:
            return tuple(SweepPolicy(s, s.name, None, scenario_digest(s)) for s in self.scenarios)
        ranges = self._ranges(design, "levers", self._lever_range)
        self._check_number(design, "levers", ranges)
        first = self.scenarios[0]
        out = [SweepPolicy(first, first.name, None, scenario_digest(first))] if design.with_baseline else []
        points = points_of(design, ranges)
        for number, scenario in enumerate(self.scenarios):
            short = scenario.name if len(scenario.name) <= LONGEST_NAME else f"{scenario.name[:40]}-{number}"
            for k, point in enumerate(points.tolist()):
                name = f"{short}-{k:05d}"
                changed = self._with_levers(scenario, dict(zip(design.names, point, strict=True)), name)
                out.append(SweepPolicy(changed, scenario.name, tuple(point), scenario_digest(changed)))
        return tuple(out)

    def _with_levers(self, scenario: Scenario, point: Mapping[str, float], name: str) -> Scenario:
        """The scenario with a policy for each lever that the point moves from its baseline."""
        design = self.design.levers
        assert design is not None
        for key, amount in point.items():
            lever, service = self._lever(key)
            if amount == (0.0 if lever.kind == "shift" else lever.baseline):
                continue
            moved: Any = {lever.kind: amount}
            try:
                scenario = scenario.with_policy(
                    lever.name, start=design.start, over_months=design.over_months, service=service, **moved
                )
            except InputError as wrong:
                raise self.error(("levers", "factors", key), wrong.wanted, wrong.came, wrong.choices) from None
        return scenario.model_copy(update={"name": name})

    def _lever(self, key: str) -> tuple[Lever, str | None]:
        name, _, service = key.partition(".")
        known = {lever.name: lever for lever in levers()}
        if name not in known:
            raise self.error(("levers", "factors", key), "the name of a lever", name, tuple(known))
        return known[name], service or None

    def _lever_range(self, key: str) -> tuple[float, float, float]:
        lever, _ = self._lever(key)
        shift = lever.baseline if lever.kind == "shift" else 0.0
        return lever.low - shift, lever.high - shift, lever.baseline - shift

    def _parameter_range(self, key: str) -> tuple[float, float, float]:
        tables = [parameters(place) for place in self.references]
        for place, table in zip(self.references, tables, strict=True):
            if key not in table:
                try:
                    parameter(key, 0.0, place=place)
                except InputError as wrong:
                    at = ("uncertainties", "factors", key)
                    raise self.error(at, wrong.wanted, wrong.came, wrong.choices) from None
        declared = [table[key] for table in tables]
        return max(p.spec.low for p in declared), min(p.spec.high for p in declared), declared[0].value

    def _points(self) -> F:
        design = self.design.uncertainties
        if design is None:
            return np.empty((1, 0))
        fixed = sorted(set(design.names) & set(self.scenarios[0].parameters))
        if fixed:
            wanted = "a parameter that the scenarios do not set"
            raise self.error(("uncertainties", "factors", fixed[0]), wanted, Phrase(f"{fixed[0]}, which they set"))
        ranges = self._ranges(design, "uncertainties", self._parameter_range)
        self._check_number(design, "uncertainties", ranges)
        return points_of(design, ranges)

    def _ranges(self, design: Factors, key: str, declared: Any) -> list[Range]:
        """The factors with their ends, which lie within the declared range."""
        if design.method == "list":
            for k, point in enumerate(design.points):
                for name, value in point.items():
                    low, high, _ = declared(name)
                    if not low <= value <= high:
                        raise self.error((key, "points", k, name), f"{low:g} to {high:g}", value)
            return []
        out = []
        for name, factor in design.factors.items():
            low, high, peak = declared(name)
            for part in ("low", "high", "values"):
                stated = getattr(factor, part)
                for value in stated if isinstance(stated, list) else [stated]:
                    if value is not None and not low <= value <= high:
                        raise self.error((key, "factors", name, part), f"{low:g} to {high:g}, its range", value)
            ends = low if factor.low is None else factor.low, high if factor.high is None else factor.high
            if design.method == "grid" and factor.values is None and factor.steps is None:
                wanted = "values, or a number of steps, as the method is grid"
                raise self.error((key, "factors", name), wanted, Phrase("neither"))
            if not ends[0] < ends[1] and factor.values is None:
                raise self.error((key, "factors", name), "a range", Phrase(f"{ends[0]:g} to {ends[1]:g}"))
            if factor.distribution == "triangular" and not ends[0] <= peak <= ends[1]:
                wanted = f"a range around the declared value {peak:g}, as the distribution is triangular"
                raise self.error((key, "factors", name), wanted, Phrase(f"{ends[0]:g} to {ends[1]:g}"))
            out.append(Range(name, *ends, peak, factor))
        return out

    def _check_number(self, design: Factors, key: str, ranges: list[Range]) -> None:
        count = number_of_points(design, ranges)
        if count > MOST_POINTS:
            raise self.error((key,), f"at most {MOST_POINTS:,} points", Phrase(f"{count:,}"))

    def _check_filter(self, plan: Plan) -> None:
        texts = set(TEXT_COLUMNS)
        numbers = {*NUMBER_COLUMNS, *plan.lever_names, *plan.parameter_names}
        for k, condition in enumerate(self.design.filter):
            try:
                condition.check(texts, numbers)
            except RequirementError as unmet:
                raise self.error(("filter", k, *unmet.below), unmet.wanted, unmet.came, unmet.choices) from None
            for factors, further in ((self.design.uncertainties, ["point"]), (self.design.levers, [])):
                if factors is not None and factors.method in OF_INDICES:
                    names = sorted(condition.columns() & {*factors.names, *further})
                    if names:
                        wanted = f"other columns: indices of a {factors.method} design need all of its points"
                        raise self.error(("filter", k), wanted, names[0])
        if self.design.filter and next(plan.groups(), None) is None:
            came = Phrase(f"a filter that none of {plan.most_runs:,} meets")
            raise self.error(("filter",), "a filter that some run meets", came)
