"""Comparisons of scenarios with common random numbers, and the precision of their differences.

A difference is taken seed by seed, then summarised: the mean, the middle 95% of the seeds (`q025`, `q975`), and the 95%
interval of the mean (`ci_low`, `ci_high`; sim/results/summary.py), which narrows as seeds are added. A difference whose
interval excludes 0 is larger than chance and draws of the parameters explain. Where each seed has parameters of its
own, `luck_sd` and `parameter_sd` state how much of the spread is due to each (sim/results/spread.py). Two measures are
comparisons themselves (`against` in their metric): they have no level, only a difference, with a note in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.place.place import Place
from sim.results import asked_and_done, expectation_tests
from sim.results.composition import composition_frame
from sim.results.document import document
from sim.results.labelled_arrays import labelled_arrays
from sim.results.long_table import SummaryColumn, long_table
from sim.results.measurement import index_scale, split_runs, values_by_step
from sim.results.metric_series import MetricSeries
from sim.results.metric_types import Metric
from sim.results.metrics import metric, metrics
from sim.results.money.appraisal import Appraisal, appraise
from sim.results.money.ledger import Ledger
from sim.results.money.verdicts import NetEffect
from sim.results.notebook_html import notebook_html
from sim.results.origin import LIBRARIES, Origin, present_origin
from sim.results.records import Record, end_to_end
from sim.results.spread import Replicates
from sim.results.summary import BAND, SUMMARY
from sim.scenario.headings import distinct_headings
from sim.scenario.notes import policy_notes
from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    import xarray as xr

F = npt.NDArray[np.float64]
LINE_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2")
LINE_DASHES = ("solid", "dash", "dot", "dashdot")
"""Colours and dashes of the scenarios in a plot: a colour is never the only difference."""
TOGETHER = 4
"""Runs that are measured in one pass: enough to save time, few enough to need little memory."""


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
    replicates : Comparison or None
        Runs that repeat the draws of some seeds (its `seeds`) with other chance events. They are part of no mean and no
        band; the spread by chance is estimated from them.
    origin : Origin
        Versions of the model and of libraries, and the machine, of the runs.
    index_base : Comparison or None
        The comparison whose baseline is 100 in the first year of an index; None for this one.
    """

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int
    seeds: tuple[int, ...]
    records: dict[str, list[Record]]
    neighbourhoods: tuple[str, ...]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    replicates: Comparison | None = None
    origin: Origin = field(default_factory=present_origin)
    index_base: Comparison | None = field(default=None, repr=False, compare=False)
    _values: dict[tuple[Any, ...], tuple[F, F]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _ledgers: dict[str, Ledger] = field(default_factory=dict, init=False, repr=False, compare=False)
    _appraisals: dict[str, Appraisal] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def engine(self) -> str:
        """The implementation of the model that was run."""
        return str(self.settings.get("engine", "agents"))

    @property
    def bands(self) -> str:
        """Description of the bands of the results."""
        if self.engine == "stocks":
            return (
                "none: the stock-flow twin makes one run, without chance events or draws of the parameters: q025 and "
                "q975 repeat the mean, without an interval"
            )
        causes = "by chance and by parameters, which each seed draws" if self.is_drawn else "by chance alone"
        spreads = "luck_sd and parameter_sd: standard deviations between seeds by chance events and by parameters"
        return f"middle 95% of seeds, {causes}; ci_low and ci_high: 95% interval of the mean; {spreads}"

    @property
    def draws(self) -> str:
        """The parameters that each seed draws: "all", "mechanisms" or "none"."""
        return str(self.settings.get("draws", "none"))

    @property
    def is_drawn(self) -> bool:
        """Whether each seed has parameters of its own."""
        return self.draws != "none"

    @property
    def refused(self) -> dict[int, str]:
        """The seeds whose draws could not be calibrated, which have no runs, with the reason."""
        return {int(seed): str(reason) for seed, reason in self.settings.get("refused", {}).items()}

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
        return notebook_html(self)

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
        values = self._before_scaling(scenario, measure, by)[step == "year"]
        return values if measure.index_of is None else values * self.index_scale(measure)

    def _before_scaling(self, scenario: str, measure: Metric, by: str | None) -> tuple[F, F]:
        """Values by month and by year; those of an index in pounds per person per year."""
        key = (scenario, measure.name, by)
        if key not in self._values:
            self.measure(scenario, (measure,), by)
        return self._values[key]

    def index_scale(self, measure: Metric) -> float:
        """Compute the factor with which the ratio of sums of a measure is stated in the measure's unit.

        Parameters
        ----------
        measure : Metric
            The measure.

        Returns
        -------
        float
            For an index, 100 over the mean of the baseline's first year over all seeds; 1 for another measure.
        """
        if measure.index_of is None:
            return 1.0
        of = self.index_base or self
        _, years = of._before_scaling(of.baseline, metric(measure.index_of), None)
        return index_scale(years[:, 0, 0])

    @cached_property
    def _repeats(self) -> Comparison | None:
        """The replicates, with the scale of this comparison."""
        return None if self.replicates is None else replace(self.replicates, index_base=self)

    def paired(self, values: Callable[[Comparison], F], step: str) -> tuple[F, Replicates | None]:
        """Compute values of all seeds, and of the runs that repeat the draws of some.

        Parameters
        ----------
        values : callable
            From a comparison to an array of shape (seeds, …, time).
        step : {"year", "month"}
            Step of time of the last axis.

        Returns
        -------
        values : ndarray of float64, shape (seeds, …, time)
        replicates : Replicates or None
            None if all seeds have the same parameters.
        """
        of_seeds = values(self)
        if not self.is_drawn:
            return of_seeds, None
        again, steps = self._repeats, 12 if step == "month" else 1
        if again is None:
            return of_seeds, Replicates(np.empty(0, dtype=np.intp), of_seeds[:0], steps)
        rows = np.array([self.seeds.index(seed) for seed in again.seeds], dtype=np.intp)
        return of_seeds, Replicates(rows, values(again), steps)

    def measure(self, scenario: str, measures: Iterable[Metric], by: str | None) -> None:
        """Compute measures of a scenario, those not computed before, in one pass over its runs.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        measures : iterable of Metric
            The measures.
        by : str or None
            Axis to group by.
        """
        todo = [measure for measure in measures if (scenario, measure.name, by) not in self._values]
        records = self.records[scenario]
        blocks: dict[str, list[tuple[F, F]]] = {measure.name: [] for measure in todo}
        for k in range(0, len(records), TOGETHER):
            some = end_to_end(records[k : k + TOGETHER])
            for measure in todo:
                month, year = (split_runs(values, some.runs) for values in values_by_step(some, measure, by))
                blocks[measure.name].append((month, year))
        for name, pairs in blocks.items():
            # The seed is the slowest axis for every shape, so that a sum over seeds adds them in order.
            months, years = (np.ascontiguousarray(np.concatenate(parts)) for parts in zip(*pairs, strict=True))
            self._values[scenario, name, by] = months, years

    def ledger(self, scenario: str) -> Ledger:
        """Return the pounds of a scenario by run, month and budget holder.

        Parameters
        ----------
        scenario : str
            Name of the scenario.

        Returns
        -------
        Ledger
        """
        if scenario not in self._ledgers:
            self._ledgers[scenario] = Ledger.of(self.records[scenario])
        return self._ledgers[scenario]

    def money(self, scenario: str) -> Appraisal:
        """Appraise a scenario against the baseline: who pays, who gains, and what health is worth beside it.

        Parameters
        ----------
        scenario : str
            Name of the scenario.

        Returns
        -------
        Appraisal
            Net present values, and all of their parts, with intervals.

        Raises
        ------
        KeyError
            If there is no such scenario, or it is the baseline.

        Examples
        --------
        >>> import sim
        >>> result = sim.compare("baseline", "salami-slice", people=1_500, years=2, seeds=2, draws="none")
        >>> money = result.money("salami-slice")
        >>> round(abs(money.npv.mean - money.npv_public.mean - money.npv_health.mean), 6)
        0.0
        """
        if scenario not in self._appraisals:
            self._appraisals[scenario] = appraise(self, scenario)
        return self._appraisals[scenario]

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
        return self.money(scenario).net_effect

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
        return document(self, by)

    def tidy(self) -> dict[str, SummaryColumn | F]:
        """Make the columns of a long table: a row for each measure, scenario, seed and month, in this order.

        Returns
        -------
        dict of str to SummaryColumn or ndarray of float64
            Without measures that are comparisons themselves, and without replicates.
        """
        return long_table(self)

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
            See `sim.results.labelled_arrays`.
        """
        return labelled_arrays(self)

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
                row |= {k: float(level[k][0, at - 1]) for k in (*BAND, "luck_sd", "parameter_sd")}
                if name != self.baseline:
                    change = series.figures(name, "year", None, change=True)
                    row |= {f"difference_{k}": float(change[k][0, at - 1]) for k in SUMMARY}
                    if "note" in change:
                        row["note"] = change["note"][at - 1]
                rows.append(row)
        return pd.DataFrame(rows)

    def composition(self, scenario: str | None = None) -> pd.DataFrame:
        """Divide acute demand between the services that make it up.

        Parameters
        ----------
        scenario : str, optional
            Name of a scenario; by default the baseline.

        Returns
        -------
        pandas.DataFrame
            A row for each year and service, the largest first. `baseline` and `level` are points of the index in the
            baseline and in the scenario, and add up to `acute_demand`; `difference` is that of the two, with its middle
            95% of the seeds (`q025`, `q975`) and the 95% interval of its mean (`ci_low`, `ci_high`); `unit_cost` is the
            cost of an episode in pounds.

        Raises
        ------
        KeyError
            If there is no such scenario.
        """
        name = self.baseline if scenario is None else scenario
        if name not in self.names:
            raise KeyError(f"no scenario called '{name}'; there are {', '.join(self.names)}")
        return composition_frame(self, name)

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
            values = expectation_tests.of_groups(self.records[scenario], measure, groups, self.neighbourhoods)
            return values * self.index_scale(measure)
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

    def asked_and_done(self, name: str) -> pd.DataFrame:
        """Describe a policy by what it asked for and what came out.

        Parameters
        ----------
        name : str
            Name of a scenario that is compared with the baseline.

        Returns
        -------
        pandas.DataFrame
            A row for each policy, for spending by tier and kind of prevention, acute demand, money of the centre, and
            who pays: columns `part`, `name`, `item`, `period`, `unit`, `asked` (NaN where no budget was asked for) and
            those of `sim.results.summary.SUMMARY` for what came out. See `sim.results.asked_and_done`.

        Raises
        ------
        KeyError
            If there is no such scenario, or it is the baseline.
        """
        import pandas as pd

        return pd.DataFrame([row.flat() for row in asked_and_done.rows(self, name)])

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
            **({"extensions": self.origin.extensions} if self.origin.extensions else {}),
            "place": self.place.name,
            "people": self.people,
            "seeds": list(self.seeds),
            "replicates": list(self.replicates.seeds) if self.replicates is not None else [],
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
