"""Tables of a comparison for spreadsheets: `summary.csv` of the command line and of the page, `asked_and_done.csv`.

A row for each scenario, measure, group and year, with the level and the difference from the baseline. A missing number
is an empty cell, and a note in words has a column. A measure that is a comparison itself has no level, so it has no row
for the baseline. Text cells cannot become formulas.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from sim.results.summary import SUMMARY

COLUMNS = (
    "upstream",
    "place",
    "people",
    "seeds",
    "scenario",
    "scenario_label",
    "year",
    "metric",
    "metric_label",
    "unit",
    "by",
    "group",
    *SUMMARY,
    *(f"difference_{figure}" for figure in SUMMARY),
    "note",
)
ASKED_COLUMNS = ("scenario", "scenario_label", "part", "name", "item", "period", "unit", "asked", *SUMMARY)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters with which a formula in a spreadsheet can begin."""


def summary_table(document: dict[str, Any]) -> str:
    """Write a comparison as CSV.

    Parameters
    ----------
    document : dict
        The document of a comparison, as `Comparison.document` returns it.

    Returns
    -------
    str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(summary_rows(document))
    return out.getvalue()


def asked_and_done_table(document: dict[str, Any]) -> str:
    """Write what policies asked for and what came out as CSV: a row for each policy, item and period.

    Parameters
    ----------
    document : dict
        The document of a comparison; without policies the table has no rows.

    Returns
    -------
    str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ASKED_COLUMNS)
    for name, record in document.get("asked_and_done", {}).items():
        for row in record["rows"]:
            words = [row[column] for column in ASKED_COLUMNS[2:7]]
            numbers = [number_cell(row[column]) for column in ASKED_COLUMNS[7:]]
            writer.writerow([text_cell(cell) for cell in (name, document["labels"][name], *words)] + numbers)
    return out.getvalue()


def summary_rows(document: dict[str, Any]) -> Iterator[list[str]]:
    """Make the rows of `summary_table`.

    Parameters
    ----------
    document : dict
        The document of a comparison.

    Yields
    ------
    list of str
        The cells of a row.
    """
    origin = [document.get("upstream", ""), document.get("place", ""), document.get("people", "")]
    origin.append(len(document.get("seeds", ())))
    base = document["scenarios"].get(document.get("baseline"), {})
    for name, levels in document["scenarios"].items():
        changes = document["differences"].get(name, {})
        for metric in dict.fromkeys((*levels, *changes)):
            level, change = levels.get(metric, {}), changes.get(metric, {})
            label = base.get(metric, level).get("label", metric)
            words = [*origin, name, document.get("labels", {}).get(name, name)], [metric, label]
            yield from _rows(*words, "", "", level, change)
            for axis, groups in level.get("groups", {}).items():
                changed = change.get("groups", {}).get(axis, {})
                for group, part in groups.items():
                    yield from _rows(*words, axis, group, part, changed.get(group, {}))


def _rows(
    run: list[Any], measure: list[Any], axis: str, group: str, level: dict[str, Any], change: dict[str, Any]
) -> Iterator[list[str]]:
    levels = {row["year"]: row for row in level.get("by_year", ())}
    changes = {row["year"]: row for row in change.get("by_year", ())}
    unit = level.get("unit") or change.get("unit", "")
    if not (axis or change or any(number_cell(row.get(figure)) for row in levels.values() for figure in SUMMARY)):
        return  # the baseline has no value of a measure that is a comparison itself
    before, after, last = ([text_cell(each) for each in part] for part in (run, [*measure, unit], [axis, group]))
    for year in dict.fromkeys((*levels, *changes)):
        row, changed = levels.get(year, {}), changes.get(year, {})
        numbers = [number_cell(part.get(figure)) for part in (row, changed) for figure in SUMMARY]
        yield [*before, str(year), *after, *last, *numbers, text_cell(changed.get("note") or "")]


def number_cell(value: float | None) -> str:
    """Write a number for a spreadsheet.

    Parameters
    ----------
    value : float or None
        The number.

    Returns
    -------
    str
        Without an exponent; empty for a missing number, such as the interval of one seed.
    """
    if value is None or not math.isfinite(value):
        return ""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def text_cell(value: Any) -> str:
    """Write a text for a spreadsheet.

    Parameters
    ----------
    value : object
        The text, or something that has one.

    Returns
    -------
    str
        The text, with an apostrophe where a spreadsheet would read it as a formula (ASVS 1.2.10).
    """
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
