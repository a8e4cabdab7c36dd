"""Comparing policies: the same people, the same luck, and how sure the difference is.

A difference is taken seed by seed, then summarised: mean, and the middle 95 % of the seeds (`low`, `high`). Beside it
stands `sure`: the 95 % interval of the mean itself, which narrows as seeds are added, and tells a real difference from
luck.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from sim import expectations
from sim.calibration import solution_for, warm_up
from sim.inputs import InputError, Words, dotted
from sim.place import Place
from sim.results import AXIS_NAMES, Metric, Record, metric, metrics
from sim.runs import Progress, ensemble
from sim.scenario import Scenario
from sim.state import World
from sim.version import VERSION

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr

F = npt.NDArray[np.float64]
COVER = 0.95
"""The part of seeds, or of chance, that a band covers."""
KEPT, LARGEST_KEPT = 24, 150_000
"""Settled worlds, and runs of the baseline, kept in memory for the next comparison; none of places larger than this."""
T = TypeVar("T")


@dataclass(frozen=True)
class Series:
    """One measure of one comparison."""

    comparison: Comparison
    metric: Metric

    @property
    def unit(self) -> str:
        """The unit of its values."""
        return self.metric.unit

    def by_month(self, by: str | None = None) -> pd.DataFrame:
        """Mean and band of the seeds for each scenario and month (flows as yearly rates)."""
        return self._table("month", by)

    def by_year(self, by: str | None = None) -> pd.DataFrame:
        """Mean and band of the seeds for each scenario and year, 1 the first."""
        return self._table("year", by)

    def difference(self, by: str | None = None) -> pd.DataFrame:
        """Difference from the baseline by year, seed by seed: mean, band of the seeds, interval of the mean."""
        c = self.comparison
        rows = []
        for name in c.names[1:]:
            for group in self.groups(by):
                change = c.values(name, self.metric, "year", by, group) - c.values(
                    c.baseline, self.metric, "year", by, group
                )
                table = summarise(change)
                table.insert(0, "year", np.arange(1, change.shape[1] + 1))
                if by is not None:
                    table.insert(0, by, group)
                table.insert(0, "scenario", name)
                rows.append(table)
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["scenario", "year", *_SUMMARY])

    def groups(self, by: str | None) -> tuple[str | None, ...]:
        """The groups of an axis, in order; (None,) for no axis. Raises ValueError if the measure has no such axis."""
        if by is None:
            return (None,)
        axes = self.metric.parts(self.comparison.records[self.comparison.baseline][0]).axes
        if by not in axes:
            have = ", ".join(axes) or "no axis"
            raise ValueError(f"'{self.metric.name}' cannot be told by '{by}'; it has {have}")
        if by == "neighbourhood":
            return self.comparison.neighbourhoods
        return AXIS_NAMES[by]()

    def _table(self, step: str, by: str | None) -> pd.DataFrame:
        rows = []
        for name in self.comparison.names:
            for group in self.groups(by):
                values = self.comparison.values(name, self.metric, step, by, group)
                table = summarise(values)
                when = self.comparison.months if step == "month" else np.arange(1, values.shape[1] + 1)
                table.insert(0, step, when)
                if by is not None:
                    table.insert(0, by, group)
                table.insert(0, "scenario", name)
                rows.append(table)
        return pd.concat(rows, ignore_index=True)


_SUMMARY = ["mean", "low", "high", "sure_low", "sure_high"]


def summarise(values: F) -> pd.DataFrame:
    """Mean, middle 95 % of the seeds, and 95 % interval of the mean. `values` has shape (seed, time)."""
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    low, high = np.quantile(values, [(1 - COVER) / 2, (1 + COVER) / 2], axis=0)
    half = np.full_like(mean, np.nan)
    if seeds > 1:
        half = stats.t.ppf((1 + COVER) / 2, seeds - 1) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return pd.DataFrame({"mean": mean, "low": low, "high": high, "sure_low": mean - half, "sure_high": mean + half})


@dataclass(frozen=True)
class Comparison:
    """Some scenarios for the same place and seeds, the baseline first."""

    scenarios: tuple[Scenario, ...]
    place: Place
    people: int
    seeds: tuple[int, ...]
    records: dict[str, list[Record]]
    neighbourhoods: tuple[str, ...]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    _sums: dict[tuple[Any, ...], tuple[F, F]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def baseline(self) -> str:
        """The name of the scenario that the others are compared with."""
        return self.scenarios[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """The scenarios' names, the baseline first."""
        return tuple(s.name for s in self.scenarios)

    @property
    def months(self) -> list[str]:
        """Every month, YYYY-MM."""
        return self.scenarios[0].months()

    def __getitem__(self, name: str) -> Series:
        """A measure by its id. Raises KeyError with what there is."""
        return Series(self, metric(name))

    def __getattr__(self, name: str) -> Series:
        """A measure as an attribute: `result.acute_demand`."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as none:
            raise AttributeError(str(none.args[0])) from None

    def values(
        self, scenario: str, measure: Metric, step: str = "year", by: str | None = None, group: str | None = None
    ) -> F:
        """A measure for each seed by month or year, shape (seed, time)."""
        key = (scenario, measure.name, by, group)
        if key not in self._sums:
            pairs = [_sums(record, measure, by, group, self) for record in self.records[scenario]]
            self._sums[key] = (np.stack([top for top, _ in pairs]), np.stack([bottom for _, bottom in pairs]))
        top, bottom = self._sums[key]
        if step == "year":
            top, bottom = (a.reshape(len(a), -1, 12).sum(axis=2) for a in (top, bottom))
        out: F = measure.parts(self.records[scenario][0]).scale * np.divide(
            top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0
        )
        return out

    def document(self, by: Iterable[str] = ()) -> dict[str, Any]:
        """Everything as one JSON document: see the interface for its form."""
        axes = tuple(by)
        out: dict[str, Any] = {
            "upstream": VERSION,
            "place": self.place.name,
            "people": self.people,
            "seeds": list(self.seeds),
            "months": self.months,
            "years": list(range(1, self.scenarios[0].years + 1)),
            "baseline": self.baseline,
            "labels": {s.name: s.label for s in self.scenarios},
            "bands": "middle 95 % of seeds; sure_low and sure_high: 95 % interval of the mean",
            "note": "Exploratory, not a forecast.",
            "scenarios": {name: {} for name in self.names},
            "differences": {name: {} for name in self.names[1:]},
        }
        for measure in metrics():
            series = Series(self, measure)
            monthly, yearly, change = series.by_month(), series.by_year(), series.difference()
            for name in self.names:
                told = monthly[monthly["scenario"] == name]
                out["scenarios"][name][measure.name] = {
                    "unit": measure.unit,
                    "label": measure.label,
                    **{k: _plain(told[k]) for k in ("mean", "low", "high")},
                    "by_year": _rows(yearly[yearly["scenario"] == name], "year"),
                }
            for name in self.names[1:]:
                out["differences"][name][measure.name] = {
                    "unit": measure.unit,
                    "by_year": _rows(change[change["scenario"] == name], "year"),
                }
            for axis in axes:
                try:
                    grouped, changed = series.by_year(axis), series.difference(axis)
                except ValueError:
                    continue  # a measure without this axis has no groups to give
                for part, table in (("scenarios", grouped), ("differences", changed)):
                    for name in out[part]:
                        groups = out[part][name][measure.name].setdefault("groups", {})
                        groups[axis] = {
                            str(g): {"unit": measure.unit, "by_year": _rows(rows, "year")}
                            for g, rows in table[table["scenario"] == name].groupby(axis, sort=False)
                        }
        return out

    def to_frame(self) -> pd.DataFrame:
        """Tidy: a row for each scenario, seed, month and measure."""
        parts = []
        for measure in metrics():
            for name in self.names:
                values = self.values(name, measure, "month")
                seeds, months = values.shape
                parts.append(
                    pd.DataFrame(
                        {
                            "scenario": name,
                            "seed": np.repeat(self.seeds, months),
                            "month": np.tile(self.months, seeds),
                            "metric": measure.name,
                            "unit": measure.unit,
                            "value": values.ravel(),
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def to_xarray(self) -> xr.Dataset:
        """Labelled counts: scenario, seed, month, and service, domain, level, quintile, age where they have them."""
        import xarray as xr

        from sim.results import RECORDED

        labels: dict[str, Any] = {"scenario": list(self.names), "seed": list(self.seeds), "month": self.months}
        arrays = {}
        for name, what in RECORDED.items():
            stacked = np.stack([np.stack([r.monthly[name] for r in self.records[scenario]]) for scenario in self.names])
            arrays[name] = (("scenario", "seed", "month", *what.axes), stacked)
            for axis in what.axes:
                if axis == "neighbourhood":
                    labels[axis] = list(self.neighbourhoods)
                elif axis == "level":
                    labels[axis] = [0, 1, 2, 3]
                else:
                    labels[axis] = list(AXIS_NAMES[axis]())
        return xr.Dataset(arrays, coords=labels, attrs={"upstream": VERSION, "place": self.place.name})

    def plot(self, name: str) -> go.Figure:
        """A measure over time for every scenario, with bands."""
        import plotly.graph_objects as go

        series = self[name]
        table = series.by_year()
        figure = go.Figure()
        for scenario in self.names:
            rows = table[table["scenario"] == scenario]
            edge = {"x": rows["year"], "showlegend": False, "line": {"width": 0}, "hoverinfo": "skip"}
            figure.add_scatter(y=rows["low"], **edge)
            figure.add_scatter(y=rows["high"], fill="tonexty", opacity=0.2, **edge)
            figure.add_scatter(x=rows["year"], y=rows["mean"], name=scenario)
        figure.update_layout(title=series.metric.label, xaxis_title="year", yaxis_title=series.unit)
        return figure

    def table(self, year: int | None = None) -> pd.DataFrame:
        """What a reader wants first: each scenario's measures in a year, and its difference from the baseline."""
        at = year or self.scenarios[0].years
        rows = []
        for measure in metrics():
            series = Series(self, measure)
            level = series.by_year().query("year == @at").set_index("scenario")
            change = series.difference().query("year == @at").set_index("scenario")
            for name in self.names:
                row: dict[str, Any] = {"metric": measure.name, "unit": measure.unit, "scenario": name, "year": at}
                row |= {k: float(level.loc[name, k]) for k in ("mean", "low", "high")}  # type: ignore[arg-type]  # a number
                if name != self.baseline:
                    row |= {f"difference_{k}": float(change.loc[name, k]) for k in _SUMMARY}  # type: ignore[arg-type]  # a number
                rows.append(row)
        return pd.DataFrame(rows)

    def of_groups(self, scenario: str, name: str, groups: Mapping[str, tuple[str, ...]]) -> F:
        """A measure of some groups, summed before any ratio, for each seed by year: shape (seed, year).

        Raises ValueError if the measure cannot be told by one of the axes.
        """
        measure = metric(name)
        if len(groups) > 1 or any(len(names) > 1 for names in groups.values()):
            return expectations.of_groups(self.records[scenario], measure, groups, self.neighbourhoods)
        by, group = next(((axis, names[0]) for axis, names in groups.items()), (None, None))
        Series(self, measure).groups(by)
        return self.values(scenario, measure, "year", by, group)

    def expectations(self) -> pd.DataFrame:
        """Each scenario's `expect`, beside what was seen and whether the 95 % interval of the mean says so."""
        rows = []
        for scenario in self.scenarios[1:]:
            for expected in scenario.expect:
                runs = set(expected.others()) <= set(self.names)
                found = (
                    expectations.tested(expected, scenario.name, self.baseline, self.of_groups)
                    if runs
                    else expectations.untold(expected)
                )
                unit = "share" if expected.relative else metric(expected.metric).unit
                rows.append(
                    {
                        "scenario": scenario.name,
                        "metric": expected.metric,
                        "about": expectations.about(expected),
                        "year": expected.last,
                        "expected": found.expected,
                        "unit": unit,
                        "mean": found.mean,
                        "sure_low": found.low,
                        "sure_high": found.high,
                        "p": found.chance,
                        "met": found.met,
                        "missing": ", ".join(name for name in expected.others() if name not in self.names),
                    }
                )
        columns = [
            "scenario",
            "metric",
            "about",
            "year",
            "expected",
            "unit",
            "mean",
            "sure_low",
            "sure_high",
            "p",
            "met",
        ]
        return pd.DataFrame(rows, columns=[*columns, "missing"])

    def provenance(self) -> dict[str, Any]:
        """What made these results."""
        import numba

        return {
            "upstream": VERSION,
            "place": self.place.name,
            "people": self.people,
            "seeds": list(self.seeds),
            "scenarios": [s.model_dump(mode="json") for s in self.scenarios],
            "parameters": {name: values.model_dump(mode="json") for name, values in self.scenarios[0].params().items()},
            "seconds": round(self.seconds, 2),
            "machine": {
                "system": platform.platform(),
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "numpy": np.__version__,
                "numba": numba.__version__,
            },
            "settings": self.settings,
        }


def _sums(record: Record, measure: Metric, by: str | None, group: str | None, comparison: Comparison) -> tuple[F, F]:
    """Numerator and denominator of a measure by month. Shapes (month,)."""
    parts = measure.parts(record)
    top, bottom = parts.numerator, parts.denominator
    if by is not None:
        names = comparison.neighbourhoods if by == "neighbourhood" else AXIS_NAMES[by]()
        k = names.index(str(group))
        if top.shape[1 + parts.axes.index(by)] != len(names):  # a measure of few services names only those
            raise ValueError(f"'{measure.name}' is of one service already")
        top = top.take(k, axis=1 + parts.axes.index(by))
        if by in parts.over:
            bottom = bottom.take(k, axis=1 + parts.over.index(by))
    months = top.shape[0]
    return top.reshape(months, -1).sum(axis=1), bottom.reshape(months, -1).sum(axis=1)


def _plain(values: Any) -> list[float | None]:
    return [None if not np.isfinite(v) else round(float(v), 6) for v in values]


def _rows(table: pd.DataFrame, step: str) -> list[dict[str, Any]]:
    columns = [_plain(table[k]) for k in _SUMMARY]
    steps = [int(s) for s in table[step]]
    return [dict(zip([step, *_SUMMARY], row, strict=True)) for row in zip(steps, *columns, strict=True)]


class _Kept(Generic[T]):
    """What was made before, for the next comparison: the longest unused goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under the key, or else what `make` makes."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


_worlds: _Kept[World] = _Kept(KEPT)
_baselines: _Kept[Record] = _Kept(KEPT)


def _unfit(wanted: str, came: str) -> InputError:
    return InputError("compare", None, "", wanted, Words(came))


def compare(
    baseline: Scenario,
    *others: Scenario,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    seeds: int | Sequence[int] = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    without: Iterable[str] = (),
) -> Comparison:
    """Run scenarios on the same people with the same luck. `seeds` counts from `seed`, or lists them.

    Raises ValueError (an InputError) if a scenario's own dates do not fit `years`, or the place cannot be built.
    """
    started = time.perf_counter()
    settings = {"years": years}
    chosen = [s.with_settings(**settings) if years is not None else s for s in (baseline, *others)]
    names = [s.name for s in chosen]
    if len(set(names)) < len(names):
        raise _unfit("each scenario under its own name", ", ".join(names))
    if len({(s.start, s.years) for s in chosen}) > 1:
        spans = ", ".join(f"{s.name} {s.start} for {s.years} years" for s in chosen)
        raise _unfit("scenarios with the same start and length", spans)
    if len({tuple(sorted(s.parameters.items())) for s in chosen}) > 1:
        raise _unfit("scenarios with the same [parameters]: a policy is a lever, not a parameter", "different ones")
    if len({s.recalibrate for s in chosen if s.parameters}) > 1:
        raise _unfit("scenarios with the same recalibrate: they share one world", "true and false")
    for s in chosen:
        for k, expected in enumerate(s.expect):
            wrong = expectations.unmeasured(expected)
            if wrong is not None:
                key = dotted(("expect", k, *wrong.below))
                raise InputError(s.name, None, key, wrong.wanted, wrong.came, wrong.choices)
    where = place if isinstance(place, Place) else Place.load(place or baseline.place)
    size = people if people is not None else baseline.people
    hoods = where.neighbourhoods(size)
    numbers = tuple(range(seed, seed + seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers:
        raise _unfit("at least one seed", "none")
    if progress is not None:
        progress(0, len(numbers) * len(chosen), "getting ready")
    warm_up()
    total = sum(n.people for n in hoods)
    about = (where.model_dump_json(), size, tuple(sorted(chosen[0].parameters.items())), chosen[0].recalibrate)
    story = (about, chosen[0].model_dump_json(), tuple(without))

    def world(number: int) -> World:
        def make() -> World:
            return solution_for(chosen[0]).settled(where, size, number)

        return _worlds.get((about, number), make) if total <= LARGEST_KEPT else make()

    def recall(scenario: Scenario, number: int, make: Callable[[], Record]) -> Record:
        keep = scenario is chosen[0] and total <= LARGEST_KEPT
        return _baselines.get((story, number), make) if keep else make()

    records = ensemble(world, chosen, list(numbers), threads or os.cpu_count() or 1, progress, without, recall)
    return Comparison(
        scenarios=tuple(chosen),
        place=where,
        people=total,
        seeds=numbers,
        records=records,
        neighbourhoods=tuple(n.name for n in hoods),
        seconds=time.perf_counter() - started,
        settings={"threads": threads, "without": list(without)},
    )


def run(scenario: Scenario, **options: Any) -> Comparison:
    """One scenario by itself: a comparison without others."""
    return compare(scenario, **options)
