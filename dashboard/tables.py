"""HTML tables with the numbers of the charts, their intervals and the ranges of runs, and tables of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.findings import MEAN, RUNS, constant, listed, small
from dashboard.horizon import answer_row, answer_year
from dashboard.html_attributes import aria, optional_id
from dashboard.lever_settings import FIFTH_LABELS
from dashboard.model import YOURS, Document, MetricInfo
from sim.results.money.sentences import pounds_text
from sim.results.number_text import MINUS, difference_unit, number_text, shown_unit

RANGE_NOTE = f"Each cell: the mean, in brackets the {MEAN}, and below it the {RUNS}."


def range_text(record: Mapping[str, Any], unit: str, decimals: int, *, signed: bool = False) -> str:
    """A level, or a signed difference: '12.3 (11.9 to 12.8)' with its CI, and in a second line the range of runs."""
    mean, low, high, run_low, run_high = (
        number_text(record.get(key), unit, decimals, signed=signed, minus=MINUS, missing="none")
        for key in ("mean", "ci_low", "ci_high", "q025", "q975")
    )
    first = mean if low == high == "none" else f"{mean} ({low} to {high})"
    return first if run_low == run_high == "none" else f"{first}\nruns {run_low} to {run_high}"


def pounds_range(record: Mapping[str, Any]) -> str:
    """A difference in whole pounds with the CI of its mean, if there is one: '−£51 (−£80 to −£22)'."""
    mean = pounds_text(record["mean"], signed=True, minus=MINUS)
    ends = (record.get(key) for key in ("ci_low", "ci_high"))
    low, high = ("" if end is None else pounds_text(end, signed=True, minus=MINUS) for end in ends)
    return f"{mean} ({low} to {high})" if low and high else mean


def by_year(document: Document, metric: MetricInfo, *, differences: bool = False, id: str = "") -> html.Div:
    """One measure: a row for each year, a column for each scenario."""
    part = document["differences" if differences else "scenarios"]
    title = f"{metric.label}: difference from the baseline" if differences else metric.label
    unit = difference_unit(metric.unit) if differences else shown_unit(metric.unit)
    headings = ["Year", *(column(document, name) for name in part)]
    rows = []
    for k, year in enumerate(document["years"]):
        records = [metrics[metric.name]["by_year"][k] for metrics in part.values()]
        cells = [range_text(record, metric.unit, metric.decimals, signed=differences) for record in records]
        rows.append([str(year), *cells])
    return table(f"{title}, {unit}", headings, rows, id)


def by_fifth(document: Document, metric: MetricInfo) -> html.Div:
    """One measure's difference from the baseline in the year of the answer, by fifth (rows) and scenario."""
    rows = []
    for k, label in enumerate(FIFTH_LABELS):
        cells = []
        for metrics in document["differences"].values():
            groups = metrics[metric.name].get("groups", {}).get("quintile", {})
            record = answer_row(document, groups[sorted(groups)[k]]) if groups else None
            cells.append(range_text(record, metric.unit, metric.decimals, signed=True) if record else "none")
        rows.append([label.capitalize(), *cells])
    headings = ["Neighbourhoods", *(column(document, name) for name in document["differences"])]
    title = f"{metric.label} in year {answer_year(document)}: difference from the baseline"
    return table(f"{title}, {difference_unit(metric.unit)}", headings, rows)


def all_measures(document: Document, metrics: Sequence[MetricInfo], id: str = "") -> html.Div:
    """All measures in the year of the answer, by measure (rows) and scenario; then the differences from the baseline.

    Measures that nothing moves are named in a sentence: their rows would say the same under every scenario.
    """
    levels: list[list[str]] = []
    differences: list[list[str]] = []
    fixed_measures = [metric for metric in metrics if constant(document, metric.name)]
    for metric in (metric for metric in metrics if metric not in fixed_measures):
        for rows, part, signed in ((levels, "scenarios", False), (differences, "differences", True)):
            records = [answer_row(document, measures[metric.name]) for measures in document[part].values()]
            cells = [range_text(record, metric.unit, metric.decimals, signed=signed) for record in records]
            unit = difference_unit(metric.unit) if signed else shown_unit(metric.unit)
            rows.append([metric.label, unit, *cells])
    year = answer_year(document)
    names = [column(document, name) for name in document["scenarios"]]
    policy_names = [column(document, name) for name in document["differences"]]
    return html.Div(
        [
            table(f"All measures in year {year}", ["Measure", "Unit", *names], levels),
            table(
                f"All measures in year {year}: difference from the baseline",
                ["Measure", "Unit", *policy_names],
                differences,
            ),
            *_same_everywhere(document, fixed_measures),
        ],
        **optional_id(id),
    )


def _same_everywhere(document: Document, metrics: Sequence[MetricInfo]) -> list[html.P]:
    """A sentence on the measures that have one value under every scenario and in every year."""
    if not metrics:
        return []
    base = document["scenarios"][document["baseline"]]
    means = [answer_row(document, base[metric.name])["mean"] for metric in metrics]
    values = [
        f"{small(metric.label)} ({number_text(mean, metric.unit, metric.decimals, minus=MINUS, missing='none')})"
        for metric, mean in zip(metrics, means, strict=True)
    ]
    text = f"The same under every policy and in every year, as no lever that was moved acts on it: {listed(values)}."
    return [html.P(text)]


def column(document: Document, name: str) -> str:
    """A scenario's column heading."""
    return "Your policy" if name == YOURS else str(document.get("labels", {}).get(name, name))


def table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], id: str = "", note: str = RANGE_NOTE
) -> html.Div:
    """A table with its caption above it, where a narrow screen does not cut it off.

    Each table is one component: with one component per cell, the tables took seconds to appear.
    """
    numbers = dmc.Table(data={"head": list(headings), "body": [list(row) for row in rows]}, className="numbers")
    # a region that scrolls sideways must have a label and be reachable by keyboard
    scroll = html.Div(numbers, className="table", role="region", tabIndex="0", **aria(label=caption))
    return html.Div([html.P([html.Strong(caption), f". {note}"], className="note"), scroll], **optional_id(id))
