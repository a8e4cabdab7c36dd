"""A comparison as tables in a terminal: levels, differences, and how sure they are.

Wide terminals get one table a year, with a column for each scenario; narrow ones the same numbers as short lines.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.results.metrics import Metric, metrics
from sim.schema.toml_files import plain

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

Figures = Mapping[str, Any]
YEARS = (5, 10)
"""Shown before the last year, where the comparison is longer."""
PIPE_WIDTH = 160
LABEL_WIDTHS = 22, 34
"""Narrowest and widest column of labels."""
MOST_GROUPS = 30
Cell = tuple[str, str, bool]
"""A level, what stands below it, and whether that may stand back."""
NOT_SURE = "~"
TOLD = (
    "life_expectancy",
    "qalys",
    "unmet_need",
    "wait_months",
    "slope_index",
    "spend_total",
    "spend_acute",
    "spend_responsive",
    "spend_preventive",
    "spend_community",
    "prevention_share",
)
"""Shown with acute demand and each acute service."""
TOLD_BY_GROUP = (
    "acute_demand",
    "need_2",
    "unmet_need",
    "turned_away",
    "wait_months",
    "life_expectancy",
    "lonely",
    "spend_total",
    "community_energy",
)


class Row(NamedTuple):
    """One measure, or one of its groups: each scenario's level in a year, and its difference from the baseline."""

    label: str
    unit: str
    decimals: int
    levels: dict[str, Figures]
    changes: dict[str, Figures]
    group: str | None = None


def console() -> Console:
    """Standard output: coloured where it is a terminal, plain and wide where it is not."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    columns = os.environ.get("COLUMNS", "")
    return Console(highlight=False, width=int(columns) if columns.isdigit() and int(columns) > 0 else PIPE_WIDTH)


def comparison(result: Comparison, document: dict[str, Any], axes: Sequence[str], out: Console) -> None:
    """Everything a reader wants first."""
    months, seeds = document["months"], len(document["seeds"])
    luck = f"{seeds} seeds" if seeds > 1 else "one seed"
    if document["engine"] == "stocks":
        luck = "the stock-flow twin, which has no luck"
    out.print(Text(f"{plain(result.place.label)}: {result.people:,} people, {months[0]} to {months[-1]}, {luck}"))
    last = document["years"][-1]
    told = {measure.name: measure for measure in metrics()}
    chosen = [m for m in told.values() if m.kind == "service" or m.name in TOLD]
    for year in [y for y in YEARS if y < last] + [last]:
        _table(f"Year {year}", [_row(document, m, year) for m in chosen], document, out)
    for axis in axes:
        _by_group(document, axis, [told[name] for name in TOLD_BY_GROUP if name in told], last, out)
    _key(document, out)
    if document["differences"]:
        _worth(document, told, last, out)
        _expectations(result, told, out)
    out.print()
    out.print(Text(document["note"].rstrip("."), style="bold"))


def _row(
    document: dict[str, Any], measure: Metric, year: int, axis: str | None = None, group: str | None = None
) -> Row:
    def told(part: str) -> dict[str, Figures]:
        found = {name: every[measure.name] for name, every in document[part].items()}
        if axis is not None and group is not None:
            found = {name: record["groups"][axis][group] for name, record in found.items()}
        return {name: _at(record, year) for name, record in found.items()}

    return Row(group or measure.label, measure.unit, measure.decimals, told("scenarios"), told("differences"), group)


def _at(record: Mapping[str, Any], year: int) -> Figures:
    found: Figures = next(row for row in record["by_year"] if row["year"] == year)
    return found


def _by_group(document: dict[str, Any], axis: str, chosen: Sequence[Metric], year: int, out: Console) -> None:
    base = document["scenarios"][document["baseline"]]
    for measure in chosen:
        groups = list(base[measure.name].get("groups", {}).get(axis, {}))
        rows = [_row(document, measure, year, axis, group) for group in groups]
        rows = [row for row in rows if any(level["mean"] for level in row.levels.values())]  # a group of nobody has 0
        if rows:
            title = f"{measure.label} by {axis}, year {year}, {shown_unit(measure.unit)}"
            _table(title, rows[:MOST_GROUPS], document, out)
        if len(rows) > MOST_GROUPS:
            out.print(Text(f"... and {len(rows) - MOST_GROUPS} more, which --json and --out give", style="dim"))


def _table(title: str, rows: Sequence[Row], document: dict[str, Any], out: Console) -> None:
    names = list(document["scenarios"])
    labels = [plain(document["labels"][name]) for name in names]
    cells = [[_cell(row, name, document) for name in names] for row in rows]
    widths = [max(8, *(len(line) for row in cells for line in row[k][:2])) for k in range(len(names))]
    left = out.width - sum(width + 2 for width in widths) - 2
    out.print()
    out.print(Text(title, style="bold"))
    if left < LABEL_WIDTHS[0]:
        _lines(rows, cells, labels, out)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", width=min(left, LABEL_WIDTHS[1]))
    for label, width in zip(labels, widths, strict=True):
        table.add_column(Text(label), width=width)
    for row, line in zip(rows, cells, strict=True):
        table.add_row(_named(row, "\n"), *(_text(cell, "\n") for cell in line))
    out.print(table)


def _lines(rows: Sequence[Row], cells: Sequence[Sequence[Cell]], labels: Sequence[str], out: Console) -> None:
    """The same numbers for a narrow terminal."""
    widest = max(len(label) for label in labels)
    for row, line in zip(rows, cells, strict=True):
        out.print(_named(row, ", "))
        for label, cell in zip(labels, line, strict=True):
            out.print(Text(f"  {label:<{widest}} "), _text(cell, " "), sep="")


def _named(row: Row, between: str) -> Text:
    return Text.assemble(plain(row.label), (between + shown_unit(row.unit) if row.group is None else "", "dim"))


def _text(cell: Cell, between: str) -> Text:
    level, rest, back = cell
    return Text.assemble(level, (between + rest if rest else "", "dim" if back else ""))


def _cell(row: Row, name: str, document: dict[str, Any]) -> Cell:
    """A level, and below it how sure it is or how far it is from the baseline."""
    level = row.levels[name]
    first = number(level["mean"], row.unit, row.decimals)
    if name in row.changes:
        change = row.changes[name]
        moved = number(change["mean"], row.unit, row.decimals, signed=True)
        told = " ".join(part for part in (moved, _between(change, row, signed=True)) if part)
        return (
            (first, told, False)
            if sure(change) or document["engine"] == "stocks"
            else (first, f"{told} {NOT_SURE}", True)
        )
    if not document["differences"]:
        level = {"ci_low": level["q025"], "ci_high": level["q975"]} if len(document["seeds"]) > 1 else {}
    return first, _between(level, row, signed=False), True


def _between(figures: Figures, row: Row, *, signed: bool) -> str:
    low, high = figures.get("ci_low"), figures.get("ci_high")
    if low is None or high is None:
        return ""
    return f"({' to '.join(number(end, row.unit, row.decimals, signed=signed) for end in (low, high))})"


def sure(change: Figures) -> bool:
    """Whether a difference is told from luck: its interval leaves out 0."""
    low, high = change.get("ci_low"), change.get("ci_high")
    return low is not None and high is not None and (low > 0.0 or high < 0.0)


def number(value: float | None, unit: str, decimals: int, *, signed: bool = False) -> str:
    """A number as a table shows it, shares in per cent; '-' for none."""
    if value is None or not math.isfinite(value):
        return "-"
    if is_share(unit):
        value, decimals = value * 100.0, max(decimals - 2, 1)
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return text if float(text.replace(",", "")) != 0.0 else text.lstrip("+-")  # no '-0.0'


def is_share(unit: str) -> bool:
    """Whether a unit is a part of a whole, 0 to 1, which reads better in per cent."""
    return unit == "share" or unit.startswith("share ")


def shown_unit(unit: str) -> str:
    """A unit as a table shows it: 'share of spending' is '% of spending'."""
    return unit.replace("share", "%", 1) if is_share(unit) else unit


def _key(document: dict[str, Any], out: Console) -> None:
    out.print()
    if document["engine"] == "stocks":
        out.print(
            Text("The stock-flow twin tells averages: no luck, and no interval. What it leaves out: sim/MODEL.md.")
        )
        return
    if len(document["seeds"]) == 1:
        out.print(Text("One seed: no intervals, and no telling a difference from luck."))
    elif not document["differences"]:
        out.print(Text("In brackets: the middle 95 % of seeds."))
    else:
        told = "In brackets: for the baseline the 95 % interval of its mean; for the others, after the difference from "
        told += "the baseline (of a %, in points), the 95 % interval of that difference's mean."
        out.print(Text(told))
    if document["differences"]:
        out.print(Text(f"{NOT_SURE} not told from luck: the interval includes 0."))


def _worth(document: dict[str, Any], told: Mapping[str, Metric], year: int, out: Console) -> None:
    """What each policy's gain costs and when its money is back: measures that are comparisons themselves."""
    chosen = [measure for measure in told.values() if measure.against is not None]
    out.print()
    out.print(Text(f"Over {year} years, discounted", style="bold"))
    for name, measures in document["differences"].items():
        for measure in chosen:
            found = _at(measures[measure.name], year)
            row = Row(measure.label, measure.unit, measure.decimals, {}, {})
            value = ""
            if found["mean"] is not None:
                told_as = number(found["mean"], measure.unit, measure.decimals)
                pounds = measure.unit.startswith("£")
                value = f"£{told_as}{measure.unit.removeprefix('£')}" if pounds else f"{measure.unit} {told_as}"
            said = " ".join(part for part in (value, _between(found, row, signed=False)) if part)
            said = "; ".join(part for part in (said, found["note"]) if part)
            out.print(Text(f"{plain(document['labels'][name])}: {measure.label}: {said}"))


def _expectations(result: Comparison, told: Mapping[str, Metric], out: Console) -> None:
    found = result.expected()
    if not found:
        return
    out.print()
    out.print(Text("What the scenarios expected", style="bold"))
    for row in found:
        measure = told[str(row["metric"])]
        figures = {"ci_low": float(row["ci_low"]), "ci_high": float(row["ci_high"])}
        as_row = Row(measure.label, str(row["unit"]), measure.decimals, {}, {})
        if math.isnan(figures["ci_low"]):
            verdict = "cannot tell"
            seen = f"{row['missing']} not run" if row["missing"] else "one seed, or a group that is empty"
        else:
            verdict = "met" if row["met"] else "NOT met"
            seen = f"{number(float(row['mean']), as_row.unit, measure.decimals, signed=True)} "
            seen += _between(figures, as_row, signed=True)
        label = plain(next(s.label for s in result.scenarios if s.name == row["scenario"]))
        style = {"met": "green", "NOT met": "red"}.get(verdict, "")
        told_line = f"{label}, {row['about']}: {measure.label} {row['expected']}: "
        out.print(Text.assemble(told_line, (verdict, style), f", {seen}"))
