"""From a design to its plan: every check that needs more than the file of the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.ensemble.run_limits import Runs, check_limits
from sim.place.place import Place
from sim.results.metrics import AXIS_NAMES, HEADLINE
from sim.results.origin import present_origin
from sim.scenario.scenario import MONTHS_BEFORE_POLICY, Scenario, library
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_files import fail
from sim.schema.toml_keys import dotted
from sim.searches.design import Limit, Objective, SearchDesign
from sim.searches.goals import Bound, Goal
from sim.searches.lever_space import LeverSpace, lever_space
from sim.searches.plan import SearchPlan
from sim.searches.quantities import HOLDER, Quantity, base_of_index, measures
from sim.state.codes import SILOS
from sim.twins.stock_flow.records import UNAVAILABLE

F = npt.NDArray[np.float64]
SPENDING = "spend_total"
REPORTED = (HEADLINE, SPENDING, "spend_acute", "spend_responsive", "spend_preventive", "spend_community")
"""Measures that are reported of every mix."""


def planned_search(design: str | Path | SearchDesign | Mapping[str, Any]) -> SearchPlan:
    """Read a design, check it, and make its plan.

    Parameters
    ----------
    design : str, Path, SearchDesign or mapping
        A TOML file, or its content.

    Returns
    -------
    SearchPlan

    Raises
    ------
    InputError
        If a name is unknown, a range is empty, limits contradict one another, or no mix costs the same as the baseline.
    """
    if isinstance(design, SearchDesign):
        return _SearchPlanning(design, None).plan()
    if isinstance(design, str | Path):
        return _SearchPlanning(*SearchDesign.load(design)).plan()
    return _SearchPlanning(SearchDesign.of(design), None).plan()


def baseline_budgets(place: Place, people: int | None) -> F:
    """Budget lines of the baseline in a place, pounds a year. Shape (services,)."""
    calibrated = solution_for(Scenario.load("baseline"), place)
    budgets: F = np.array(calibrated.world(place, people, 0).world.services.base_budget, float)
    return budgets


class _SearchPlanning:
    """The checks of a design and the making of its plan."""

    def __init__(self, design: SearchDesign, file: Path | None) -> None:
        self.design, self.file = design, file

    def error(
        self, key: tuple[str | int, ...], wanted: str, came: object, choices: Sequence[object] = ()
    ) -> InputError:
        """The error of a key of the design, with the line of its file."""
        if self.file is None or not self.file.exists():
            return InputError("design", None, dotted(key), wanted, came, choices)
        return fail(self.file, key, wanted, came, choices)

    def plan(self) -> SearchPlan:
        design = self.design
        scenario = self._scenario()
        place = self._place(scenario)
        people = scenario.people
        check_limits(Runs(place, people, scenario.years, 2, 1, work="stocks"))
        if design.confirmation.people is not None:
            place.check_people(design.confirmation.people)
        residents = sum(hood.people for hood in place.neighbourhoods(people))
        space = self._space(scenario, baseline_budgets(place, people), residents)
        goals = [(each, self._quantity(("objectives", k), each)) for k, each in enumerate(design.objectives)]
        bounds = [*self._standard_bounds(scenario.years), *self._stated_bounds()]
        self._check_contradictions(bounds)
        whole_run = (1, scenario.years)
        reported = [Quantity(name, *whole_run) for name in REPORTED]
        reported += [Quantity(HEADLINE, *whole_run, "quintile", name) for name in AXIS_NAMES["quintile"]()]
        reported += [Quantity(SPENDING, *whole_run, HOLDER, name) for name in SILOS]
        wanted = [base_of_index(), *reported, *(q for _, q in goals), *(bound.quantity for bound in bounds)]
        quantities = tuple(dict.fromkeys(wanted))
        return SearchPlan(
            design, scenario, place, people, residents, space, quantities,
            tuple(self._goal(k, each, quantities.index(q), q) for k, (each, q) in enumerate(goals)),
            tuple(bound._replace(at=quantities.index(bound.quantity)) for bound in bounds),
            dict(present_origin().versions),
        )  # fmt: skip

    def _path(self, name: str) -> str:
        """The path of a file relative to that of the design; a name of the library as it is."""
        is_file = name.endswith(".toml") or "/" in name or "\\" in name
        return str(self.file.parent / Path(name).expanduser()) if is_file and self.file is not None else name

    def _scenario(self) -> Scenario:
        name, design = self.design.baseline, self.design
        path = self._path(name)
        if path == name and "." not in name and name not in library():
            raise self.error(("baseline",), "a scenario of the library, or a .toml file", name, tuple(library()))
        scenario = Scenario.load(path).with_settings(years=design.years, people=design.people)
        if 12 * scenario.years <= MONTHS_BEFORE_POLICY:
            raise self.error(("years",), "at least 2 years, as policies start in the second", scenario.years)
        return scenario.model_copy(update={"expect": [], "stops": []})

    def _place(self, scenario: Scenario) -> Place:
        name = self.design.place
        if name is None:
            return Place.load(scenario.place)
        path = self._path(name)
        try:
            return Place.load(path)
        except InputError as wrong:
            if path.endswith(".toml"):
                raise
            raise self.error(("place",), wrong.wanted, wrong.came, wrong.choices) from None

    def _space(self, scenario: Scenario, budgets: F, residents: int) -> LeverSpace:
        def refuse(name: str, wanted: str, came: object, choices: Sequence[object]) -> InputError:
            return self.error(("levers", "factors", *name.split(".")), wanted, came, choices)

        space = lever_space(self.design.levers, scenario, budgets, residents, refuse)
        space.check(lambda wanted, came: self.error(("levers", "factors"), wanted, came), residents)
        for end in ("low", "high"):
            for lever in space.levers:
                value = getattr(lever, end)
                if value == lever.baseline:
                    continue
                alone = LeverSpace((lever,), space.start, space.over_months, space.same_money)
                try:
                    alone.scenario(scenario, [value], "end-of-range", checked=True)
                except InputError as wrong:
                    raise refuse(lever.name, wrong.wanted, wrong.came, wrong.choices) from None
        return space

    def _quantity(self, key: tuple[str | int, ...], of: Objective | Limit) -> Quantity:
        """The quantity of a measure over some years, without a group."""
        known = [m.name for m in measures().values() if m.against is None and m.name not in UNAVAILABLE]
        if of.metric not in known:
            raise self.error((*key, "metric"), "a measure of a run that the stock-flow twin has", of.metric, known)
        years = self._years(key, of.years)
        return Quantity(of.metric, *years)

    def _years(self, key: tuple[str | int, ...], years: list[int] | None) -> tuple[int, int]:
        last = self.design.years or Scenario.load(self._path(self.design.baseline)).years
        if years is None:
            return 1, last
        if years[1] > last:
            raise self.error((*key, "years"), f"years of the run, 1 to {last}", years)
        return years[0], years[1]

    def _goal(self, k: int, of: Objective, at: int, quantity: Quantity) -> Goal:
        better = of.better or measures()[of.metric].better
        if better is None:
            wanted = f"better = 'up' or 'down', as {of.metric} has no better direction of its own"
            raise self.error(("objectives", k), wanted, Phrase("neither"))
        return Goal(at, quantity, 1.0 if better == "down" else -1.0, of.quantile)

    def _standard_bounds(self, years: int) -> list[Bound]:
        """The limit of spending, and those of deprivation fifths."""
        out = []
        if self.design.spending_tolerance is not None:
            quantity = Quantity(SPENDING, 1, years)
            out.append(Bound(0, quantity, 1.0, self.design.spending_tolerance, True, None, ("spending_tolerance",)))
        for k, name in enumerate(self.design.no_fifth_worse):
            key = ("no_fifth_worse", k)
            known = [
                m
                for m in measures().values()
                if m.against is None and m.name not in UNAVAILABLE and m.better is not None
            ]
            better = {m.name: m.better for m in known}
            if name not in better:
                raise self.error(key, "a measure that has a better direction", name, tuple(better))
            sign = 1.0 if better[name] == "down" else -1.0
            out += [
                Bound(0, Quantity(name, 1, years, "quintile", fifth), sign, 0.0, False, None, key)
                for fifth in AXIS_NAMES["quintile"]()
            ]
        return out

    def _stated_bounds(self) -> list[Bound]:
        out = []
        for k, limit in enumerate(self.design.limits):
            of_all = self._quantity(("limits", k), limit)
            axis = limit.by or ""
            groups = AXIS_NAMES[axis]() if axis else ("",)
            for side, sign in (("at_most", 1.0), ("at_least", -1.0)):
                value = getattr(limit, side)
                if value is not None:
                    out += [
                        Bound(
                            0, of_all._replace(axis=axis, group=group), sign, value, limit.relative, limit.quantile,
                            ("limits", k, side),
                        )
                        for group in groups
                    ]  # fmt: skip
        return out

    def _check_contradictions(self, bounds: Sequence[Bound]) -> None:
        """Refuse a largest difference below a smallest one of the same quantity and statistic."""
        for upper in bounds:
            for lower in bounds:
                same = (upper.quantity, upper.relative, upper.quantile) == (
                    lower.quantity, lower.relative, lower.quantile,
                )  # fmt: skip
                is_mean = upper.quantile is None
                if same and is_mean and upper.sign > 0 > lower.sign and upper.limit < lower.limit:
                    wanted = f"a limit that agrees with {dotted(upper.key)}: {upper.text}"
                    raise self.error(lower.key, wanted, Phrase(lower.text))
