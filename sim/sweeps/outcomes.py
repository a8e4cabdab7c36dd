"""The measures of runs as tables: a row for each run and year, with a column for each measure; its unit goes with it.

A second table has a row for each group of an axis (`--by`): deprivation fifth, age band, service, neighbourhood or
domain. Ages are "5 to 9" and not "5-9", which a spreadsheet takes for a date.

Acute demand, and measures in its points, are indices: 100 is the baseline's first year with the same place, point, seed
and replicate. So that an index over several runs can be made, as `sim.compare` makes it, acute demand is also stored in
pounds per person per year at fixed unit costs (`acute_demand_pounds`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.results.comparison import Comparison
from sim.results.measurement import values_by_step
from sim.results.metric_series import MetricSeries
from sim.results.metric_types import Metric
from sim.results.metrics import HEADLINE, metric

F = npt.NDArray[np.float64]
KEYS = {
    "run": ("", "identity of the run, as in the table of runs"),
    "year": ("", "year of the run, counted from 1"),
    "axis": ("", "what the groups are: service, quintile, age, neighbourhood or domain"),
    "group": ("", "the group"),
}
"""Unit and meaning of the columns that are not measures."""
POUNDS = "acute_demand_pounds"
POUNDS_UNIT = "pounds per person per year"
POUNDS_LABEL = "acute episodes at fixed unit costs, of which an index of acute demand over several runs can be made"
INDEX_NOTE = "index: 100 is the baseline's first year of the same place, point, seed and replicate"


def tables(
    result: Comparison, runs: Mapping[str, str], measures: Sequence[str], by: Sequence[str]
) -> dict[str, pa.Table]:
    """Make the tables of some runs of one seed.

    Parameters
    ----------
    result : Comparison
        The runs, the baseline first.
    runs : mapping of str to str
        Identity of the run of each scenario whose measures are stored, by its name.
    measures : sequence of str
        Ids of the measures.
    by : sequence of str
        Axes of groups.

    Returns
    -------
    dict of str to pyarrow.Table
        `outcomes`; with axes also `groups`.
    """
    chosen = [metric(name) for name in measures]
    years = result.scenarios[0].years
    out = {"outcomes": _outcomes(result, runs, chosen, years)}
    if by:
        parts = [_groups(result, runs, chosen, years, axis) for axis in by]
        out["groups"] = pa.concat_tables(parts) if parts else schema(measures, grouped=True).empty_table()
    return out


@lru_cache(maxsize=8)
def _schema(measures: tuple[str, ...], grouped: bool) -> pa.Schema:
    def field(name: str, kind: pa.DataType, unit: str, label: str) -> pa.Field:
        return pa.field(name, kind, metadata={"unit": unit, "label": label})

    keys = [field("run", pa.string(), *KEYS["run"]), field("year", pa.int16(), *KEYS["year"])]
    if grouped:
        keys += [field(name, pa.string(), *KEYS[name]) for name in ("axis", "group")]
    chosen = [metric(name) for name in measures]
    columns = [field(m.name, pa.float64(), m.unit, _label(m)) for m in chosen]
    if HEADLINE in measures:
        columns.append(field(POUNDS, pa.float64(), POUNDS_UNIT, POUNDS_LABEL))
    return pa.schema([*keys, *columns])


def _label(measure: Metric) -> str:
    return measure.label if measure.index_of is None else f"{measure.label} ({INDEX_NOTE})"


def columns(measures: Sequence[str]) -> list[str]:
    """The columns of a table that are not keys.

    Parameters
    ----------
    measures : sequence of str
        Ids of the measures.

    Returns
    -------
    list of str
    """
    return [name for name in schema(measures, grouped=False).names if name not in KEYS]


def schema(measures: Sequence[str], *, grouped: bool) -> pa.Schema:
    """The columns of a table, each with its unit and label.

    Parameters
    ----------
    measures : sequence of str
        Ids of the measures.
    grouped : bool
        Whether it is the table of groups.

    Returns
    -------
    pyarrow.Schema
    """
    return _schema(tuple(measures), grouped)


def group_label(name: str) -> str:
    """The label of a group: "5 to 9" for "5-9"."""
    return re.sub(r"^(\d+)-(\d+)$", r"\1 to \2", name)


def _outcomes(result: Comparison, runs: Mapping[str, str], measures: list[Metric], years: int) -> pa.Table:
    for name in runs:
        result.measure(name, measures, None)
    columns = [np.concatenate([result.grouped(n, m, "year", None)[0, 0] for n in runs]) for m in measures]
    if HEADLINE in [m.name for m in measures]:
        columns.append(np.concatenate([_pounds(result, name, None)[0] for name in runs]))
    keys = [pa.array(np.repeat(list(runs.values()), years)), pa.array(_year_column(years, len(runs)))]
    return pa.table([*keys, *map(pa.array, columns)], schema=schema([m.name for m in measures], grouped=False))


def _pounds(result: Comparison, scenario: str, axis: str | None) -> F:
    """Acute demand before it is made an index, by group and year."""
    return values_by_step(result.records[scenario][0], metric(HEADLINE), axis)[1]


def _groups(result: Comparison, runs: Mapping[str, str], measures: list[Metric], years: int, axis: str) -> pa.Table:
    """A row for each run, group and year; a measure without this axis, or this group, is missing."""
    labels: list[str] = []
    each: dict[str, list[str]] = {}
    for measure in measures:
        try:
            each[measure.name] = [str(group) for group in MetricSeries(result, measure).groups(axis)]
        except ValueError:
            continue
        labels += [label for label in each[measure.name] if label not in labels]
    size = len(runs) * len(labels) * years
    columns: list[pa.Array] = []
    for measure in measures:
        values = np.full((len(runs), len(labels), years), np.nan)
        if measure.name in each:
            at = [labels.index(label) for label in each[measure.name]]
            for k, name in enumerate(runs):
                values[k, at] = result.grouped(name, measure, "year", axis)[0]
        columns.append(pa.array(values.ravel(), mask=np.full(size, measure.name not in each)))
    if HEADLINE in [m.name for m in measures]:
        values = np.full((len(runs), len(labels), years), np.nan)
        if HEADLINE in each:
            at = [labels.index(label) for label in each[HEADLINE]]
            for k, name in enumerate(runs):
                values[k, at] = _pounds(result, name, axis)
        columns.append(pa.array(values.ravel(), mask=np.full(size, HEADLINE not in each)))
    groups = np.repeat([group_label(label) for label in labels], years)
    keys = [
        pa.array(np.repeat(list(runs.values()), len(labels) * years)),
        pa.array(_year_column(years, len(runs) * len(labels))),
        pa.array([axis] * size, pa.string()),
        pa.array(np.tile(groups, len(runs)), pa.string()),
    ]
    return pa.table([*keys, *columns], schema=schema([m.name for m in measures], grouped=True))


def _year_column(years: int, times: int) -> npt.NDArray[np.int16]:
    return np.tile(np.arange(1, years + 1, dtype=np.int16), times)
