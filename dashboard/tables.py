"""The same numbers as the charts, for readers and for spreadsheets: HTML tables and CSV, each with its range."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.aria import aria, named
from dashboard.findings import MEAN, SEEDS, in_per_cent, interval, is_share
from dashboard.model import YOURS, Document, MetricInfo
from dashboard.moves import FIFTH_LABELS

RANGE_NOTE = "Each cell: the mean over seeds, and in brackets the middle 95 % of seeds."
MEAN_NOTE = f"Each cell: the mean over seeds, and in brackets the {MEAN}."


def number_text(value: float, unit: str, decimals: int, *, signed: bool = False) -> str:
    """A number as a table shows it; shares in per cent; 'none' for what nobody had, as a wait."""
    if math.isnan(value):
        return "none"
    if is_share(unit):
        value, decimals = value * 100.0, max(decimals - 2, 1)
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("+-")  # no '-0.0'
    return text.replace("-", "\N{MINUS SIGN}") + (" %" if is_share(unit) else "")


def range_text(record: Mapping[str, float], unit: str, decimals: int, *, signed: bool = False) -> str:
    """'12.3 (11.9 to 12.8)': a level with the middle of the seeds, a signed difference with its mean's interval."""
    ends = interval(record)[:2] if signed else (record["q025"], record["q975"])
    mean, low, high = (number_text(value, unit, decimals, signed=signed) for value in (record["mean"], *ends))
    return f"{mean} ({low} to {high})"


def pounds_text(record: Mapping[str, float]) -> str:
    """A difference in whole pounds with its mean's interval: '−£51 (−80 to −22)'."""

    def pounds(value: float, mark: str = "") -> str:
        sign = "+" if round(value) > 0 else "\N{MINUS SIGN}" if round(value) < 0 else ""
        return f"{sign}{mark}{abs(value):,.0f}"

    low, high, _ = interval(record)
    return f"{pounds(record['mean'], '£')} ({pounds(low)} to {pounds(high)})"


def by_year(document: Document, metric: MetricInfo, *, differences: bool = False, id: str = "") -> html.Div:
    """One metric: a row a year, a column a scenario."""
    part = document["differences" if differences else "scenarios"]
    what = f"{metric.label}: difference from the baseline" if differences else metric.label
    head = ["Year", *(column(document, name) for name in part)]
    rows = []
    for index, year in enumerate(document["years"]):
        records = [metrics[metric.name]["by_year"][index] for metrics in part.values()]
        cells = [range_text(record, metric.unit, metric.decimals, signed=differences) for record in records]
        rows.append([str(year), *cells])
    return _table(f"{what}, {in_per_cent(metric.unit)}", head, rows, id, note=_note(document, differences))


def by_fifth(document: Document, metric: MetricInfo) -> html.Div:
    """One metric's difference from the baseline in the last year: a row a fifth of deprivation, a column a scenario."""
    rows = []
    for index, label in enumerate(FIFTH_LABELS):
        cells = []
        for metrics in document["differences"].values():
            groups = metrics[metric.name].get("groups", {}).get("quintile", {})
            record = groups[sorted(groups)[index]]["by_year"][-1] if groups else None
            cells.append(range_text(record, metric.unit, metric.decimals, signed=True) if record else "none")
        rows.append([label.capitalize(), *cells])
    head = ["Neighbourhoods", *(column(document, name) for name in document["differences"])]
    what = f"{metric.label} in year {document['years'][-1]}: difference from the baseline"
    return _table(f"{what}, {in_per_cent(metric.unit)}", head, rows, note=_note(document, True))


def worth(document: Document, metrics: Sequence[MetricInfo]) -> html.Div:
    """What a policy is worth by the last year, in measures that are comparisons themselves: a row a policy."""
    rows = [
        [column(document, name), *(_verdict(measures[metric.name]["by_year"][-1]) for metric in metrics)]
        for name, measures in document["differences"].items()
    ]
    head = ["Policy", *(f"{metric.label} ({metric.unit})" for metric in metrics)]
    what = f"Worth by year {document['years'][-1]}, later pounds and years of life counting for less"
    return _table(
        what, head, rows, note="Each cell: the mean over seeds, its 95 % interval where there is one, and words."
    )


def _verdict(row: Mapping[str, Any]) -> str:
    """'7 (5 to 9)', '12,300; its gain not told from luck', 'never within 20 years'."""
    ends = [row.get("ci_low"), row.get("ci_high")]
    value = "" if math.isnan(row["mean"]) else f"{row['mean']:,.0f}".replace("-", "\N{MINUS SIGN}")
    if value and None not in ends:
        value += f" ({ends[0]:,.0f} to {ends[1]:,.0f})".replace("-", "\N{MINUS SIGN}")
    return "; ".join(part for part in (value, row.get("note", "")) if part)


def _note(document: Document, differences: bool) -> str:
    """What the brackets hold."""
    rows = [row for metrics in document["differences"].values() for row in next(iter(metrics.values()))["by_year"]]
    return MEAN_NOTE if differences and rows and interval(rows[-1])[2] == MEAN else RANGE_NOTE


def last_year(document: Document, metrics: Sequence[MetricInfo], id: str = "") -> html.Div:
    """Every metric in the last year: a row a metric with its unit, a column a scenario; then the differences."""
    levels: list[list[str]] = []
    moved: list[list[str]] = []
    for metric in metrics:
        for rows, part, signed in ((levels, "scenarios", False), (moved, "differences", True)):
            records = [named[metric.name]["by_year"][-1] for named in document[part].values()]
            cells = [range_text(record, metric.unit, metric.decimals, signed=signed) for record in records]
            rows.append([metric.label, in_per_cent(metric.unit), *cells])
    year = document["years"][-1]
    names = [column(document, name) for name in document["scenarios"]]
    apart = [column(document, name) for name in document["differences"]]
    return html.Div(
        [
            _table(f"Every measure in year {year}", ["Measure", "Unit", *names], levels),
            _table(
                f"Every measure in year {year}: difference from the baseline",
                ["Measure", "Unit", *apart],
                moved,
                note=_note(document, True),
            ),
        ],
        **named(id),
    )


def column(document: Document, name: str) -> str:
    """A scenario's heading."""
    return "Your policy" if name == YOURS else str(document.get("labels", {}).get(name, name))


def _table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], id: str = "", note: str = RANGE_NOTE
) -> html.Div:
    """A table with its caption above, where a narrow screen does not cut it.

    One component a table: as one a cell, the page's tables took seconds to appear.
    """
    table = dmc.Table(data={"head": list(head), "body": [list(row) for row in rows]}, className="numbers")
    # a region that scrolls sideways must be reachable by keyboard, and have a name
    scroll = html.Div(table, className="table", role="region", tabIndex="0", **aria(label=caption))
    return html.Div([html.P([html.Strong(caption), f". {note}"], className="note"), scroll], **named(id))


_ABOUT = ("upstream", "place", "people", "seeds")
_WORDS = ("kind", "scenario", "scenario_label", "metric", "metric_label", "unit")
_NUMBERS = ("year", "mean", "q025", "q975", "ci_low", "ci_high")


def to_csv(document: Document) -> str:
    """Every level and difference by year, one row each, with unit and ranges: `low` and `high` are the middle 95 % of
    seeds, `ci_low` and `ci_high` the 95 % interval of the mean. Text cells cannot become formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*_ABOUT, *_WORDS, *_NUMBERS, "range"])
    about = [_text(document.get("upstream", "")), _text(document["place"]), document["people"], len(document["seeds"])]
    base = document["scenarios"][document["baseline"]]
    for kind, part in (("level", "scenarios"), ("difference from baseline", "differences")):
        for name, metrics in document[part].items():
            for metric, record in metrics.items():
                label = base[metric].get("label", metric)
                words = [_text(text) for text in (kind, name, column(document, name), metric, label, record["unit"])]
                for year in record["by_year"]:
                    numbers = [year["year"], *(_number(year.get(key)) for key in _NUMBERS[1:])]
                    writer.writerow([*about, *words, *numbers, SEEDS])
    return out.getvalue()


def _number(value: float | None) -> str:
    """A figure with ten digits; empty where there is none, as an interval of the mean of one seed."""
    return "" if value is None else f"{value:.10g}"


def _text(value: Any) -> str:
    """Text that a spreadsheet will not run: a leading apostrophe where a formula could begin (ASVS 1.2.10)."""
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
