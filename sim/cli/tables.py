"""Prints a comparison as tables in a terminal: levels, differences from the baseline, and their 95% intervals.

A wide terminal gets one table per year, with a column for each scenario; a narrow one gets the same numbers as short
lines.
"""

from __future__ import annotations

import math
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.cli.asked_and_done_table import show_asked_and_done
from sim.cli.composition_table import composition_lines, composition_title
from sim.cli.doubt_table import Line, doubt_lines, doubt_title
from sim.cli.money_table import money_lines
from sim.results.metric_types import Metric
from sim.results.metrics import HEADLINE, metrics
from sim.results.number_text import POINTS, difference_unit, is_share, number_text, shown_unit
from sim.schema.errors import plain

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

Figures = Mapping[str, Any]
YEARS = (5, 10)
"""Years shown in addition to the last year, if they are earlier."""
PIPE_WIDTH = 160
LABEL_WIDTHS = 22, 34
"""Minimum and maximum width of the column of labels."""
MOST_GROUPS = 30
Cell = tuple[str, str, bool]
"""A level, the text below it, and whether that text is dimmed."""
INCLUDES_ZERO = "~"
"""Mark of a difference whose 95% interval includes 0."""
ZERO_NOTE = f"{INCLUDES_ZERO} 95% CI includes 0."
SHOWN = (
    "life_expectancy",
    "qalys",
    "unmet_need",
    "wait_months",
    "slope_index",
    "spend_total",
    "spend_acute",
    "spend_responsive",
    "spend_preventive",
    "spend_general_practice",
    "spend_public_health",
    "spend_targeted_prevention",
    "spend_community",
    "prevention_share",
    "bailed_out",
    "clawed_back",
    "saving_reinvested",
)
"""Measures shown in addition to acute demand, acute episodes and each acute service."""
SHOWN_BY_GROUP = (
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
    """Standard output: coloured if it is a terminal, otherwise plain and wide."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    columns = os.environ.get("COLUMNS", "")
    return Console(highlight=False, width=int(columns) if columns.isdigit() and int(columns) > 0 else PIPE_WIDTH)


def show(result: Comparison, document: dict[str, Any], axes: Sequence[str], out: Console) -> None:
    """Print a comparison: levels and differences, groups, costs and benefits, and expectations."""
    months, seeds = document["months"], len(document["seeds"])
    runs = f"{seeds} seeds" if seeds > 1 else "one seed"
    if document["engine"] == "stocks":
        runs = "the stock-flow twin: one run, without random variation or draws of the parameters"
    out.print(Text(f"{plain(result.place.label)}: {result.people:,} people, {months[0]} to {months[-1]}, {runs}"))
    by_name = {measure.name: measure for measure in metrics()}
    print_wrapped(f"{by_name[HEADLINE].label}: {by_name[HEADLINE].meaning}", out)
    last = document["years"][-1]
    selected = [m for m in by_name.values() if m.kind == "service" or m.name in SHOWN]
    years = [y for y in YEARS if y < last] + [last]
    rows_of = {measure.name: [_row(document, measure, year) for year in years] for measure in selected}
    absent = [name for name, rows in rows_of.items() if not any(_is_present(row) for row in rows)]
    for at, year in enumerate(years):
        _table(f"Year {year}", [rows[at] for name, rows in rows_of.items() if name not in absent], document, out)
    if absent:
        print_wrapped(f"0 under every policy: {', '.join(by_name[name].label.lower() for name in absent)}.", out)
    _composition(document, out)
    for axis in axes:
        _by_group(document, axis, [by_name[name] for name in SHOWN_BY_GROUP if name in by_name], last, out)
    _key(document, out)
    for measure in selected:
        if measure.meaning and measure.name != HEADLINE:
            print_wrapped(f"{measure.label}: {measure.meaning}", out)
    show_asked_and_done(document, out)
    _doubt(document, by_name, out)
    if document["differences"]:
        _money(result, document, out)
        _expectations(result, by_name, out)
        _drivers(document, out)
    show_notes(document["notes"], out)
    out.print()
    out.print(Text(document["note"].rstrip("."), style="bold"))


def _composition(document: dict[str, Any], out: Console) -> None:
    """Print what acute demand is made of."""
    out.print()
    out.print(Text(composition_title(document), style="bold"))
    print_lines(composition_lines(document, out.width), out)


def _drivers(document: dict[str, Any], out: Console) -> None:
    """Print the parameters on which the differences depend most."""
    from sim.analysis.sensitivity import drivers

    for k, line in enumerate(drivers.lines(document)):
        if k == 0:
            out.print()
            out.print(Text(plain(line), style="bold"))
        else:
            print_wrapped(line.strip(), out, indent=len(line) - len(line.lstrip()))


def show_notes(notes: Sequence[str], out: Console) -> None:
    """Print what policies do beyond or short of what they state."""
    if notes:
        out.print()
        out.print(Text("Notes on the policies", style="bold"))
    for note in notes:
        print_wrapped(note, out)


def _row(
    document: dict[str, Any], measure: Metric, year: int, axis: str | None = None, group: str | None = None
) -> Row:
    def figures(part: str) -> dict[str, Figures]:
        records = {name: measures[measure.name] for name, measures in document[part].items()}
        if axis is not None and group is not None:
            records = {name: record["groups"][axis][group] for name, record in records.items()}
        return {name: _at(record, year) for name, record in records.items()}

    label = group or measure.label
    return Row(label, measure.unit, measure.decimals, figures("scenarios"), figures("differences"), group)


def _is_present(row: Row) -> bool:
    """Whether a measure is anything but 0 under some scenario."""
    return any(level["mean"] != 0 for level in row.levels.values())


def _at(record: Mapping[str, Any], year: int) -> Figures:
    figures: Figures = next(row for row in record["by_year"] if row["year"] == year)
    return figures


def _by_group(document: dict[str, Any], axis: str, selected: Sequence[Metric], year: int, out: Console) -> None:
    base = document["scenarios"][document["baseline"]]
    for measure in selected:
        groups = list(base[measure.name].get("groups", {}).get(axis, {}))
        rows = [_row(document, measure, year, axis, group) for group in groups]
        rows = [row for row in rows if _is_present(row)]  # an empty group has 0
        if rows:
            title = f"{measure.label} by {axis}, year {year}, {shown_unit(measure.unit)}"
            title += f"; differences: {POINTS}" if is_share(measure.unit) and document["differences"] else ""
            _table(title, rows[:MOST_GROUPS], document, out)
        if len(rows) > MOST_GROUPS:
            out.print(Text(f"... and {len(rows) - MOST_GROUPS} more, see --json and --out", style="dim"))


def _table(title: str, rows: Sequence[Row], document: dict[str, Any], out: Console) -> None:
    names = list(document["scenarios"])
    labels = [plain(document["labels"][name]) for name in names]
    cells = [[_cell(row, name, document) for name in names] for row in rows]
    widths = [max(8, *(len(line) for row in cells for line in row[k][:2])) for k in range(len(names))]
    label_width = out.width - sum(width + 2 for width in widths) - 2
    out.print()
    out.print(Text(title, style="bold"))
    if label_width < LABEL_WIDTHS[0]:
        _lines(rows, cells, labels, out)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", width=min(label_width, LABEL_WIDTHS[1]))
    for label, width in zip(labels, widths, strict=True):
        table.add_column(Text(label), width=width, overflow="fold")
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
    unit = shown_unit(row.unit) + (f"; differences: {POINTS}" if is_share(row.unit) and row.changes else "")
    return Text.assemble(plain(row.label), (between + unit if row.group is None else "", "dim"))


def _text(cell: Cell, between: str) -> Text:
    level, below, dimmed = cell
    return Text.assemble(level, (between + below if below else "", "dim" if dimmed else ""))


def _cell(row: Row, name: str, document: dict[str, Any]) -> Cell:
    """A level, and below it the difference from the baseline or, for the baseline, the interval."""
    level = row.levels[name]
    first = number_text(level["mean"], row.unit, row.decimals)
    if name in row.changes:
        change = row.changes[name]
        moved = number_text(change["mean"], row.unit, row.decimals, signed=True)
        difference = " ".join(part for part in (moved, _interval(change, row, signed=True)) if part)
        return (
            (first, difference, False)
            if excludes_zero(change) or document["engine"] == "stocks"
            else (first, f"{difference} {INCLUDES_ZERO}", True)
        )
    if not document["differences"]:
        level = {"ci_low": level["q025"], "ci_high": level["q975"]} if len(document["seeds"]) > 1 else {}
    return first, _interval(level, row, signed=False), True


def _interval(figures: Figures, row: Row, *, signed: bool) -> str:
    low, high = figures.get("ci_low"), figures.get("ci_high")
    if low is None or high is None:
        return ""
    return f"({' to '.join(number_text(end, row.unit, row.decimals, signed=signed) for end in (low, high))})"


def change_text(figures: Figures, unit: str, decimals: int) -> str:
    """A difference with its interval and its unit in words, for a sentence.

    The unit of a relative difference, and of a difference of parts of a group, is "share" alone; that of a measure
    that is a share has more words.
    """
    relative = unit == "share"
    ends = (
        number_text(figures[name], unit, decimals, signed=True, relative=relative)
        for name in ("mean", "ci_low", "ci_high")
    )
    mean, low, high = ends
    return f"{mean} ({low} to {high})" + ("" if relative else f" {difference_unit(unit)}")


def excludes_zero(change: Figures) -> bool:
    """Whether the 95% interval of a difference excludes 0."""
    low, high = change.get("ci_low"), change.get("ci_high")
    return low is not None and high is not None and (low > 0.0 or high < 0.0)


def _key(document: dict[str, Any], out: Console) -> None:
    out.print()
    if document["engine"] == "stocks":
        text = "The stock-flow twin computes averages with the central parameters, without intervals. "
        print_wrapped(f"{text}Its limits are in sim/MODEL.md.", out)
        return
    if len(document["seeds"]) == 1:
        out.print(
            Text("One seed: there are no intervals, and a difference cannot be distinguished from random variation.")
        )
    elif not document["differences"]:
        out.print(Text("In brackets: the middle 95% of seeds."))
    else:
        note = "In brackets: for the baseline, the 95% interval of its mean; for the others, after the difference from "
        note += "the baseline, the 95% interval of the mean of that difference."
        out.print(Text(note))
    if document["differences"]:
        out.print(Text(ZERO_NOTE))


def _doubt(document: dict[str, Any], by_name: Mapping[str, Metric], out: Console) -> None:
    """Print how sure the headline is."""
    out.print()
    out.print(Text(doubt_title(document), style="bold"))
    print_lines(doubt_lines(document, by_name, out.width), out)


def _money(result: Comparison, document: dict[str, Any], out: Console) -> None:
    """Print public money, who spends, and what health is worth beside it."""
    out.print()
    print_lines(money_lines(result, document, out.width), out)


def _expectations(result: Comparison, by_name: Mapping[str, Metric], out: Console) -> None:
    """Print each expectation of the scenarios and whether it is met."""
    expectations = result.expected()
    if not expectations:
        return
    out.print()
    out.print(Text("Expectations of the scenarios", style="bold"))
    for row in expectations:
        measure = by_name[str(row["metric"])]
        figures = {"ci_low": float(row["ci_low"]), "ci_high": float(row["ci_high"])}
        if math.isnan(figures["ci_low"]):
            verdict = "no interval"
            observed = f"{row['missing']} not run" if row["missing"] else "one seed, or an empty group"
        else:
            verdict = "met" if row["met"] else "NOT met"
            observed = change_text({"mean": float(row["mean"]), **figures}, str(row["unit"]), measure.decimals)
        label = plain(result.headings[str(row["scenario"])])
        style = {"met": "green", "NOT met": "red"}.get(verdict, "")
        beginning = f"{label}, {row['about']}: {measure.label} {row['expected']}: "
        out.print(Text.assemble(beginning, (verdict, style), f", {observed}"))


def print_lines(lines: Iterable[Line], out: Console) -> None:
    """Print tables, and sentences with their indent."""
    for line in lines:
        if isinstance(line, tuple):
            print_wrapped(line[0], out, line[1])
        else:
            out.print(line)


def print_wrapped(text: str, out: Console, indent: int = 0) -> None:
    """Print a text wrapped to the width of the terminal, with each line indented."""
    for line in textwrap.wrap(plain(text), max(20, out.width - indent)):
        out.print(Text(" " * indent + line))
