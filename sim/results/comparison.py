"""Comparisons of scenarios with common random numbers, and the precision of their differences.

A difference is taken seed by seed, then summarised: the mean, the middle 95% of the seeds (`q025`, `q975`), and the 95%
interval of the mean (`ci_low`, `ci_high`; sim/results/summary.py), which narrows as seeds are added. A difference whose
interval excludes 0 is larger than chance explains. Two measures are comparisons themselves (`against` in their metric):
they have no level, only a difference, with a note in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.place.place import Place
from sim.results import expectation_tests
from sim.results.measurement import split_runs, values_by_step
from sim.results.metrics import AXIS_NAMES, Metric, metric, metrics, pounds_and_qalys
from sim.results.number_text import MINUS, difference_unit, number_text, plain_number, shown_unit
from sim.results.origin import LIBRARIES, Origin, present_origin
from sim.results.outcomes import NetEffect, discounted
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record, end_to_end
from sim.results.summary import BAND, SUMMARY, summary
from sim.scenario.headings import distinct_headings
from sim.scenario.notes import policy_notes
from sim.scenario.scenario import Scenario
from sim.schema.version import VERSION

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    import xarray as xr

F = npt.NDArray[np.float64]
LINE_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2")
LINE_DASHES = ("solid", "dash", "dot", "dashdot")
"""Colours and dashes of the scenarios in a plot: a colour is never the only difference."""
HEADLINE = ("acute_demand", "spend_total", "qalys", "unmet_need")
"""Metrics that a notebook shows for a comparison; the others are in `Comparison.table`."""
TOGETHER = 4
"""Runs that are measured in one pass: enough to save time, few enough to need little memory."""


@dataclass(frozen=True)
class MetricSeries:
    """One measure of one comparison.

    Attributes
    ----------
    comparison : Comparison
        The comparison.
    metric : Metric
        The measure.
    """

    comparison: Comparison
    metric: Metric

    def __repr__(self) -> str:
        """Measure, unit and comparison in one line."""
        return f"<{self.metric.name} ({self.metric.unit}) of {self.comparison!r}>"

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.metric.unit

    def by_month(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the measure by scenario and month; flows are yearly rates.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `month`, `mean`, `q025`, `q975` (middle 95% of the seeds), `ci_low` and
            `ci_high` (95% interval of the mean). A measure recorded by year only has the year's value in each month.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("month", by, self.comparison.names, change=False)

    def by_year(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the measure by scenario and year.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `year` (counted from 1), `mean`, `q025`, `q975` (middle 95% of the seeds),
            `ci_low` and `ci_high` (95% interval of the mean).

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("year", by, self.comparison.names, change=False)

    def difference(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the difference from the baseline, taken seed by seed, by scenario and year.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `year` (counted from 1), `mean`, `q025`, `q975` (middle 95% of the seeds),
            `ci_low` and `ci_high` (95% interval of the mean). A measure that is a comparison itself covers the years
            from the first to that year, and has a column `note`.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("year", by, self.comparison.names[1:], change=True)

    def level(self, scenario: str, step: str = "year", by: str | None = None, group: str | None = None) -> dict[str, F]:
        """Summarise the level of one scenario over time.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        step : {"year", "month"}
            Step of time.
        by : str, optional
            Axis to group by.
        group : str, optional
            Group of that axis.

        Returns
        -------
        dict of str to ndarray of float64, shape (time,)
            As `summary` returns it.
        """
        return summary(self.comparison.values(scenario, self.metric, step, by, group), self.metric.limits)

    def change(self, scenario: str, by: str | None = None, group: str | None = None) -> dict[str, F]:
        """Summarise the difference of one scenario from the baseline, by year.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        by : str, optional
            Axis to group by.
        group : str, optional
            Group of that axis.

        Returns
        -------
        dict of str to ndarray of float64, shape (years,)
            As `summary` returns it.
        """
        c = self.comparison
        after, before = (c.values(name, self.metric, "year", by, group) for name in (scenario, c.baseline))
        return summary(after - before, self.metric.difference_limits)

    def groups(self, by: str | None) -> tuple[str | None, ...]:
        """List the groups of an axis, in order.

        Parameters
        ----------
        by : str or None
            The axis.

        Returns
        -------
        tuple of str or None
            (None,) for no axis.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        if by is None:
            return (None,)
        axes: tuple[str, ...] = ()
        services = None
        if self.metric.parts is not None:
            parts = self.metric.parts(self.comparison.records[self.comparison.baseline][0])
            axes, services = (*parts.axes, *self.metric.finer), parts.services
        elif self.metric.derived is not None:
            axes, services = self.metric.derived.by, self.metric.derived.services
        if by not in axes:
            have = ", ".join(axes) or "no axis"
            raise ValueError(f"'{self.metric.name}' is not available by '{by}'; it has {have}")
        if by == "neighbourhood":
            return self.comparison.neighbourhoods
        return services if by == "service" and services is not None else AXIS_NAMES[by]()

    def figures(self, scenario: str, step: str, by: str | None, *, change: bool) -> dict[str, Any]:
        """Summarise a scenario, or its difference from the baseline, for each group of an axis.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        step : {"year", "month"}
            Step of time.
        by : str or None
            Axis to group by.
        change : bool
            Whether the difference is summarised.

        Returns
        -------
        dict of str to ndarray of float64, shape (groups, time)
            As `summary` returns it; also `note`, a list by year, for a measure that is a comparison itself.
        """
        c, measure = self.comparison, self.metric
        if change and measure.against is not None:
            verdicts = measure.against(c.beyond_baseline(scenario))
            figures: dict[str, Any] = {k: np.array([[getattr(v, k) for v in verdicts]]) for k in SUMMARY}
            return {**figures, "note": [v.note for v in verdicts]}
        values = c.grouped(scenario, measure, step, by)
        if change:
            return summary(values - c.grouped(c.baseline, measure, step, by), measure.difference_limits)
        return summary(values, measure.limits)

    def _frame(self, step: str, by: str | None, scenarios: Sequence[str], *, change: bool) -> pd.DataFrame:
        import pandas as pd

        groups = self.groups(by)
        when: Any = self.comparison.months if step == "month" else np.arange(1, self.comparison.scenarios[0].years + 1)
        rows = []
        for name in scenarios:
            figures = self.figures(name, step, by, change=change)
            keys = {} if by is None else {by: np.repeat(np.array(groups, dtype=object), len(when))}
            columns = {k: np.ravel(column) for k, column in figures.items()}
            rows.append(pd.DataFrame({"scenario": name, **keys, step: np.tile(when, len(groups)), **columns}))
        if not rows:
            note = ["note"] if self.metric.against is not None else []
            return pd.DataFrame(columns=["scenario", *([] if by is None else [by]), step, *SUMMARY, *note])
        return pd.concat(rows, ignore_index=True)


class SummaryColumn(NamedTuple):
    """A column of a long table with few distinct entries.

    Attributes
    ----------
    of : sequence of str or int
        The distinct entries.
    rows : ndarray of int32, shape (rows,)
        Index of the entry of each row.
    """

    of: Sequence[str | int]
    rows: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Comparison:
    """Results of some scenarios for the same place and seeds, the baseline first.

    Each measure is an attribute, such as `result.acute_demand`, or an item, `result["acute_demand"]`: a `MetricSeries`.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The scenarios.
    place : Place
        The place.
    people : int
        Number of people.
    seeds : tuple of int
        The seeds.
    records : dict of str to list of Record
        The records of each scenario, by seed.
    neighbourhoods : tuple of str
        Names of the neighbourhoods.
    seconds : float
        Duration of the runs.
    settings : dict
        Settings of the runs, such as the engine.
    origin : Origin
        Versions of the model and of libraries, and the machine, of the runs.
    """

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int
    seeds: tuple[int, ...]
    records: dict[str, list[Record]]
    neighbourhoods: tuple[str, ...]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    origin: Origin = field(default_factory=present_origin)
    _values: dict[tuple[Any, ...], tuple[F, F]] = field(default_factory=dict, repr=False, compare=False)
    _accounts: dict[str, tuple[F, F]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def engine(self) -> str:
        """The implementation of the model that was run."""
        return str(self.settings.get("engine", "agents"))

    @property
    def bands(self) -> str:
        """Description of the bands of the results."""
        if self.engine == "stocks":
            return "none: the stock-flow twin has no chance events: q025 and q975 repeat the mean, without an interval"
        drawn = " and of draws of the parameters" if "drawn" in self.settings else ""
        return f"middle 95% of seeds{drawn}; ci_low and ci_high: 95% interval of the mean"

    @property
    def baseline(self) -> str:
        """Name of the scenario that the others are compared with."""
        return self.scenarios[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scenarios, the baseline first."""
        return tuple(s.name for s in self.scenarios)

    @property
    def headings(self) -> dict[str, str]:
        """Heading of each scenario by name: its label, with its name where labels are alike."""
        return distinct_headings({s.name: s.label for s in self.scenarios})

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what policies do beyond or short of what they state."""
        hoods = self.place.neighbourhoods(self.people)
        headings = self.headings
        return tuple(f"{headings[s.name]}: {note}" for s in self.scenarios for note in policy_notes(s, hoods))

    @property
    def months(self) -> list[str]:
        """Every month, YYYY-MM."""
        return self.scenarios[0].months()

    def __getitem__(self, name: str) -> MetricSeries:
        """Return a measure by its id. Raises KeyError with the list of measures."""
        return MetricSeries(self, metric(name))

    def __dir__(self) -> list[str]:
        """List attributes and the ids of the metrics, for completion."""
        return sorted({*super().__dir__(), *(measure.name for measure in metrics())})

    def __repr__(self) -> str:
        """Scenarios, place, people, years and seeds in one line."""
        years = self.scenarios[0].years
        return (
            f"<Comparison of {', '.join(self.names)}: {self.place.name}, {self.people:,} people, {years} years, "
            f"{len(self.seeds)} seeds>"
        )

    def _repr_html_(self) -> str:
        """Headline measures of the last year as a table, for a notebook."""
        frame = self.table()
        labels = {scenario.name: scenario.label for scenario in self.scenarios}
        heads = ("Measure", "Scenario", "Level", "Unit", "Difference from the baseline", "95% interval", "Unit")
        rows = ["<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
        for row in frame[frame["metric"].isin(HEADLINE)].to_dict("records"):
            measure = metric(str(row["metric"]))

            def text(name: str, *, signed: bool, row: dict[Any, Any] = row, measure: Metric = measure) -> str:
                value = row.get(name)
                return number_text(value, measure.unit, measure.decimals, signed=signed, minus=MINUS, missing="")

            mean, low, high = (text(f"difference_{name}", signed=True) for name in ("mean", "ci_low", "ci_high"))
            cells = [measure.label, labels[row["scenario"]], text("mean", signed=False), shown_unit(measure.unit)]
            cells += [mean, f"{low} to {high}" if low else "", difference_unit(measure.unit) if mean else ""]
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        head = f"<p>{escape(repr(self)[1:-1])}; year {self.scenarios[0].years}. Exploratory, not a forecast.</p>"
        return f"{head}<table><thead>{rows[0]}</thead><tbody>{''.join(rows[1:])}</tbody></table>"

    def __getattr__(self, name: str) -> MetricSeries:
        """Return a measure as an attribute: `result.acute_demand`."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as none:
            raise AttributeError(str(none.args[0])) from None

    def values(
        self, scenario: str, measure: Metric, step: str = "year", by: str | None = None, group: str | None = None
    ) -> F:
        """Return a measure for each seed.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        measure : Metric
            The measure.
        step : {"year", "month"}
            Step of time.
        by : str, optional
            Axis to group by.
        group : str, optional
            Group of that axis.

        Returns
        -------
        ndarray of float64, shape (seeds, time)
            NaN for a measure that is a comparison itself.
        """
        k = MetricSeries(self, measure).groups(by).index(str(group)) if by is not None else 0
        out: F = self.grouped(scenario, measure, step, by)[:, k]
        return out

    def grouped(self, scenario: str, measure: Metric, step: str, by: str | None) -> F:
        """Return a measure for each seed and each group of an axis.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        measure : Metric
            The measure.
        step : {"year", "month"}
            Step of time.
        by : str or None
            Axis to group by.

        Returns
        -------
        ndarray of float64, shape (seeds, groups, time)
            One group without an axis. NaN for a measure that is a comparison itself.
        """
        key = (scenario, measure.name, by)
        if key not in self._values:
            self._measure(scenario, (measure,), by)
        return self._values[key][step == "year"]

    def _measure(self, scenario: str, measures: Iterable[Metric], by: str | None) -> None:
        """Compute measures of a scenario, those not computed before, in one pass over its runs."""
        todo = [measure for measure in measures if (scenario, measure.name, by) not in self._values]
        records = self.records[scenario]
        blocks: dict[str, list[tuple[F, F]]] = {measure.name: [] for measure in todo}
        accounts = []
        for k in range(0, len(records), TOGETHER):
            some = end_to_end(records[k : k + TOGETHER])
            for measure in todo:
                month, year = (split_runs(values, some.runs) for values in values_by_step(some, measure, by))
                blocks[measure.name].append((month, year))
            if any(measure.against is not None for measure in todo):
                accounts.append([each.reshape(some.runs, -1) for each in pounds_and_qalys(some)])
        for name, pairs in blocks.items():
            # The seed is the slowest axis for every shape, so that a sum over seeds adds them in order.
            months, years = (np.ascontiguousarray(np.concatenate(parts)) for parts in zip(*pairs, strict=True))
            self._values[scenario, name, by] = months, years
        if accounts:
            pounds, qalys = (np.concatenate(each) for each in zip(*accounts, strict=True))
            rates = self.scenarios[0].valuation()
            self._accounts[scenario] = (
                discounted(pounds, rates.discount_money),
                discounted(qalys, rates.discount_health),
            )

    def beyond_baseline(self, scenario: str) -> NetEffect:
        """Compute the costs and gains of a scenario beyond the baseline.

        Parameters
        ----------
        scenario : str
            Name of the scenario.

        Returns
        -------
        NetEffect
        """
        for name in (self.baseline, scenario):
            if name not in self._accounts:
                self._measure(name, [measure for measure in metrics() if measure.against is not None], None)
        policy, base = self._accounts[scenario], self._accounts[self.baseline]
        return NetEffect(policy[0] - base[0], policy[1] - base[1])

    def _figures_of_all(
        self, measures: Sequence[Metric], scenario: str, step: str, *, change: bool
    ) -> list[dict[str, Any]]:
        """Summarise all measures without groups in one pass.

        As `MetricSeries.figures` does, in lists; by month without the interval of the mean.
        """

        def values(name: str) -> F:
            self._measure(name, measures, None)
            return np.concatenate([self.grouped(name, measure, step, None) for measure in measures], axis=1)

        ends = zip(*(m.difference_limits if change else m.limits for m in measures), strict=True)
        low, high = (np.array(end)[:, None] for end in ends)
        figures = summary(values(scenario) - values(self.baseline) if change else values(scenario), (low, high))
        every = _plain({figure: figures[figure] for figure in (BAND if step == "month" else SUMMARY)})
        return [
            _plain(MetricSeries(self, measure).figures(scenario, step, None, change=True))
            if change and measure.against is not None
            else {figure: rows[k : k + 1] for figure, rows in every.items()}
            for k, measure in enumerate(measures)
        ]

    def document(self, by: Iterable[str] = ()) -> dict[str, Any]:
        """Collect all results in one document for JSON.

        Parameters
        ----------
        by : iterable of str
            Axes to group by, for the measures that are available by them.

        Returns
        -------
        dict
            `scenarios` and `differences` by name and measure, with the unit, and figures by month and year.
        """
        axes = tuple(by)
        out: dict[str, Any] = {
            "upstream": VERSION,
            "place": self.place.name,
            "people": self.people,
            "engine": self.engine,
            "seeds": list(self.seeds),
            "months": self.months,
            "years": list(range(1, self.scenarios[0].years + 1)),
            "baseline": self.baseline,
            "labels": self.headings,
            "bands": self.bands,
            "note": "Exploratory, not a forecast.",
            "notes": list(self.notes),
            "scenarios": {name: {} for name in self.names},
            "differences": {name: {} for name in self.names[1:]},
        }
        measures, others = metrics(), self.names[1:]
        by_month, by_year = (
            {name: self._figures_of_all(measures, name, step, change=False) for name in self.names}
            for step in ("month", "year")
        )
        changes = {name: self._figures_of_all(measures, name, "year", change=True) for name in others}
        groups: dict[tuple[str, str], tuple[str | None, ...]] = {}
        for axis in axes:
            for measure in measures:
                with suppress(ValueError):  # a measure without this axis has no groups
                    groups[measure.name, axis] = MetricSeries(self, measure).groups(axis)
            for name in self.names:
                self._measure(name, [measure for measure in measures if (measure.name, axis) in groups], axis)
        for k, measure in enumerate(measures):
            for name in self.names:
                out["scenarios"][name][measure.name] = {
                    "unit": measure.unit,
                    "label": measure.label,
                    **{figure: by_month[name][k][figure][0] for figure in BAND},
                    "by_year": _rows(by_year[name][k], 0),
                }
            for name in others:
                out["differences"][name][measure.name] = {
                    "unit": measure.unit,
                    "by_year": _rows(changes[name][k], 0),
                }
            for axis in (axis for axis in axes if (measure.name, axis) in groups):
                for part in ("scenarios", "differences"):
                    for name, entries in out[part].items():
                        figures = _plain(
                            MetricSeries(self, measure).figures(name, "year", axis, change=part == "differences")
                        )
                        entries[measure.name].setdefault("groups", {})[axis] = {
                            str(group): {"unit": measure.unit, "by_year": _rows(figures, row)}
                            for row, group in enumerate(groups[measure.name, axis])
                        }
        return out

    def tidy(self) -> dict[str, SummaryColumn | F]:
        """Make the columns of a long table: a row for each measure, scenario, seed and month, in this order.

        Returns
        -------
        dict of str to SummaryColumn or ndarray of float64
            Without measures that are comparisons themselves.
        """
        measures = [measure for measure in metrics() if measure.against is None]
        for name in self.names:
            self._measure(name, measures, None)
        values = [self.grouped(name, measure, "month", None) for measure in measures for name in self.names]
        shape = len(measures), len(self.names), len(self.seeds), len(self.months)

        def each(axis: int, of: Sequence[str | int]) -> SummaryColumn:
            row = np.arange(shape[axis], dtype=np.int32).reshape([-1 if k == axis else 1 for k in range(4)])
            return SummaryColumn(of, np.broadcast_to(row, shape).ravel())

        return {
            "scenario": each(1, self.names),
            "seed": each(2, self.seeds),
            "month": each(3, self.months),
            "metric": each(0, [measure.name for measure in measures]),
            "unit": each(0, [measure.unit for measure in measures]),
            "value": np.concatenate([each.ravel() for each in values]),
        }

    def to_frame(self) -> pd.DataFrame:
        """Make a long table.

        Returns
        -------
        pandas.DataFrame
            A row for each measure, scenario, seed and month, without measures that are comparisons themselves.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                name: column if isinstance(column, np.ndarray) else pd.Series(column.of).array.take(column.rows)
                for name, column in self.tidy().items()
            }
        )

    def to_xarray(self) -> xr.Dataset:
        """Labelled arrays of every count and every metric.

        Returns
        -------
        xarray.Dataset
            Counts have the axes scenario, seed, month or year, and service, domain, level, quintile, age or
            neighbourhood where they have them; each metric has scenario, seed and year. Every variable has the
            attributes `long_name` and `units`.
        """
        import xarray as xr

        labels: dict[str, Any] = {"scenario": list(self.names), "seed": list(self.seeds), "month": self.months}
        labels["year"] = list(range(1, self.scenarios[0].years + 1))
        arrays: dict[str, Any] = {}
        for name, recorded in (RECORDED | RECORDED_BY_YEAR).items():
            step, period = ("month", "monthly") if name in RECORDED else ("year", "yearly")
            stacked = np.stack([np.stack([getattr(r, period)[name] for r in self.records[s]]) for s in self.names])
            column = recorded.description()
            about = {"long_name": column.meaning, "units": column.unit}
            arrays[name] = (("scenario", "seed", step, *recorded.axes), stacked, about)
            for axis in recorded.axes:
                if axis == "neighbourhood":
                    labels[axis] = list(self.neighbourhoods)
                elif axis == "level":
                    labels[axis] = [0, 1, 2, 3]
                else:
                    labels[axis] = list(AXIS_NAMES[axis]())
        for measure in metrics():
            if measure.against is None:
                values = np.stack([self.grouped(name, measure, "year", None)[:, 0] for name in self.names])
                name = measure.name if measure.name not in arrays else f"{measure.name}_per_year"
                about = {"long_name": measure.label, "units": measure.unit}
                arrays[name] = (("scenario", "seed", "year"), values, about)
        origin = {"upstream": VERSION, "place": self.place.name, "people": self.people, "engine": self.engine}
        return xr.Dataset(arrays, coords=labels, attrs=origin)

    def plot(self, name: str) -> go.Figure:
        """Plot a measure over time for every scenario, with bands.

        Parameters
        ----------
        name : str
            Id of the measure.

        Returns
        -------
        plotly.graph_objects.Figure
        """
        import plotly.graph_objects as go

        series = self[name]
        table = series.by_year()
        figure = go.Figure()
        for k, scenario in enumerate(self.names):
            rows = table[table["scenario"] == scenario]
            colour = LINE_COLOURS[k % len(LINE_COLOURS)]
            edge = {"x": rows["year"], "showlegend": False, "mode": "lines", "line": {"width": 0, "color": colour}}
            figure.add_scatter(y=rows["q025"], hoverinfo="skip", **edge)
            figure.add_scatter(y=rows["q975"], hoverinfo="skip", fill="tonexty", opacity=0.2, **edge)
            line = {"color": colour, "dash": LINE_DASHES[k % len(LINE_DASHES)]}
            figure.add_scatter(x=rows["year"], y=rows["mean"], name=scenario, mode="lines", line=line)
        figure.update_layout(title=series.metric.label, xaxis_title="year", yaxis_title=series.unit)
        return figure

    def table(self, year: int | None = None) -> pd.DataFrame:
        """Make a table of each scenario's measures in a year, and of their differences from the baseline.

        Parameters
        ----------
        year : int, optional
            Year, counted from 1; by default the last.

        Returns
        -------
        pandas.DataFrame
            A row for each measure and scenario.
        """
        import pandas as pd

        at = year or self.scenarios[0].years
        rows = []
        for measure in metrics():
            series = MetricSeries(self, measure)
            for name in self.names:
                row: dict[str, Any] = {
                    "metric": measure.name,
                    "unit": measure.unit,
                    "scenario": name,
                    "year": at,
                    "note": "",
                }
                level = series.figures(name, "year", None, change=False)
                row |= {k: float(level[k][0, at - 1]) for k in ("mean", "q025", "q975")}
                if name != self.baseline:
                    change = series.figures(name, "year", None, change=True)
                    row |= {f"difference_{k}": float(change[k][0, at - 1]) for k in SUMMARY}
                    if "note" in change:
                        row["note"] = change["note"][at - 1]
                rows.append(row)
        return pd.DataFrame(rows)

    def of_groups(self, scenario: str, name: str, groups: Mapping[str, tuple[str, ...]]) -> F:
        """Compute a measure of some groups, summed before any ratio.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        name : str
            Id of the measure.
        groups : mapping of str to tuple of str
            Groups by axis.

        Returns
        -------
        ndarray of float64, shape (seeds, years)

        Raises
        ------
        ValueError
            If the measure is not available by one of the axes.
        """
        measure = metric(name)
        if len(groups) > 1 or any(len(names) > 1 for names in groups.values()):
            return expectation_tests.of_groups(self.records[scenario], measure, groups, self.neighbourhoods)
        by, group = next(((axis, names[0]) for axis, names in groups.items()), (None, None))
        MetricSeries(self, measure).groups(by)
        return self.values(scenario, measure, "year", by, group)

    def expected(self) -> list[dict[str, Any]]:
        """Test each scenario's expectations.

        Returns
        -------
        list of dict
            For each expectation: the scenario, the measure, the expected and the estimated difference, its 95%
            interval, and whether the expectation is met.
        """
        rows = []
        for scenario in self.scenarios[1:]:
            for expected in scenario.expect:
                runs = set(expected.others()) <= set(self.names)
                verdict = (
                    expectation_tests.tested(expected, scenario.name, self.baseline, self.of_groups)
                    if runs
                    else expectation_tests.without_estimate(expected)
                )
                rows.append(
                    {
                        "scenario": scenario.name,
                        "metric": expected.metric,
                        "about": expectation_tests.about(expected),
                        "year": expected.last,
                        "expected": verdict.expected,
                        "unit": expectation_tests.unit_of(expected),
                        "mean": verdict.mean,
                        "ci_low": verdict.ci_low,
                        "ci_high": verdict.ci_high,
                        "p": verdict.p,
                        "met": verdict.met,
                        "missing": ", ".join(name for name in expected.others() if name not in self.names),
                    }
                )
        return rows

    def expectations(self) -> pd.DataFrame:
        """Test each scenario's expectations, as a table.

        Returns
        -------
        pandas.DataFrame
            A row for each expectation, with the columns of `expected`.
        """
        import pandas as pd

        columns = [
            "scenario",
            "metric",
            "about",
            "year",
            "expected",
            "unit",
            "mean",
            "ci_low",
            "ci_high",
            "p",
            "met",
        ]
        return pd.DataFrame(self.expected(), columns=[*columns, "missing"])

    def provenance(self) -> dict[str, Any]:
        """Collect the origin of the results: versions, scenarios, parameters, seeds, machine and settings."""
        libraries = {name: self.origin.versions[name] for name in LIBRARIES}
        return {
            "upstream": self.origin.versions["upstream"],
            "model": self.origin.versions["model"],
            "place": self.place.name,
            "people": self.people,
            "seeds": list(self.seeds),
            "scenarios": [s.model_dump(mode="json") for s in self.scenarios],
            "parameters": {name: values.model_dump(mode="json") for name, values in self.scenarios[0].params().items()},
            "seconds": round(self.seconds, 2),
            "machine": self.origin.machine | libraries,
            "settings": self.settings,
            "place_data": self.place.model_dump(mode="json"),
            "neighbourhoods": list(self.neighbourhoods),
        }

    def save(self, folder: str | Path, by: Iterable[str] = ()) -> Path:
        """Write all results to a folder, from which `sim.load` reads them: the files that `--out` writes.

        Parameters
        ----------
        folder : str or Path
            The folder, which is created. In an existing folder the files of these names are replaced.
        by : iterable of str
            Axes for which `summary.csv` and `document.json` have groups.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        InputError
            If the folder is a file, cannot be written to, or is in use.
        """
        from sim.results.result_folder import save

        return save(self, folder, by)


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """The same figures with lists for arrays, for JSON."""

    def listed(rows: F) -> list[list[float | None]]:
        return [[plain_number(v) for v in row] for row in rows.tolist()]

    return {k: listed(values) if isinstance(values, np.ndarray) else values for k, values in figures.items()}


def _rows(figures: dict[str, Any], group: int) -> list[dict[str, Any]]:
    """Figures of a group by year, counted from 1. `figures` has lists."""
    columns: dict[str, Sequence[Any]] = {k: figures[k][group] for k in SUMMARY}
    if "note" in figures:
        columns["note"] = figures["note"]
    names, steps = ("year", *columns), range(1, len(columns["mean"]) + 1)
    return [dict(zip(names, row, strict=True)) for row in zip(steps, *columns.values(), strict=True)]
