"""Tables of a report: figures of a comparison as text, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sim.results.metric_types import Metric
from sim.results.number_text import MINUS, difference_unit, number_text, shown_unit

Document = Mapping[str, Any]
INTERVAL_NOTE = "In brackets: the 95% interval of the mean."


class ReportTable(NamedTuple):
    """A table with its caption.

    Attributes
    ----------
    caption : str
        What the table shows.
    head : tuple of str
        Headings.
    rows : tuple of tuple of str
        Cells; the first of a row is its heading.
    note : str
        A sentence below the table.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def figure_text(figures: Mapping[str, Any], measure: Metric, *, signed: bool) -> str:
    """Write a level or a difference with the 95% interval of its mean.

    Parameters
    ----------
    figures : mapping
        `mean`, `ci_low` and `ci_high`.
    measure : Metric
        The measure.
    signed : bool
        Whether it is a difference.

    Returns
    -------
    str
    """
    mean, low, high = (
        number_text(figures[name], measure.unit, measure.decimals, signed=signed, minus=MINUS, missing="none")
        for name in ("mean", "ci_low", "ci_high")
    )
    return mean if low == high == "none" else f"{mean} ({low} to {high})"


def runs_text(figures: Mapping[str, Any], measure: Metric, *, signed: bool) -> str:
    """Write the middle 95% of runs."""
    low, high = (
        number_text(figures[name], measure.unit, measure.decimals, signed=signed, minus=MINUS, missing="none")
        for name in ("q025", "q975")
    )
    return f"{low} to {high}"


def year_table(document: Document, measure: Metric, *, change: bool) -> ReportTable:
    """Make the table of a measure by year.

    Parameters
    ----------
    document : mapping
        The document of the comparison.
    measure : Metric
        The measure.
    change : bool
        Whether differences from the baseline are shown.

    Returns
    -------
    ReportTable
    """
    entries = {
        name: measures[measure.name]["by_year"]
        for name, measures in document["differences" if change else "scenarios"].items()
    }
    labels = [document["labels"][name] for name in entries]
    rows = tuple(
        (f"{year}", *(figure_text(rows[k], measure, signed=change) for rows in entries.values()))
        for k, year in enumerate(document["years"])
    )
    unit = difference_unit(measure.unit) if change else shown_unit(measure.unit)
    kind = "difference from the baseline" if change else "level"
    return ReportTable(
        f"{measure.label} by year: {kind}, {unit}",
        ("Year", *labels),
        rows,
        "In brackets: the 95% interval of the mean.",
    )


def last_year_table(document: Document, caption: str, measures: Sequence[Metric]) -> ReportTable:
    """Make the table of measures in the last year: the baseline's level, and each policy's difference from it.

    Parameters
    ----------
    document : mapping
        The document of the comparison.
    caption : str
        What the table shows.
    measures : sequence of Metric
        The measures; those that are comparisons themselves are left out.

    Returns
    -------
    ReportTable
    """
    base, others = document["scenarios"][document["baseline"]], document["differences"]
    labels = [f"{document['labels'][name]}: difference" for name in others]
    rows = []
    for measure in (each for each in measures if each.against is None):
        cells = [figure_text(base[measure.name]["by_year"][-1], measure, signed=False)]
        cells += [figure_text(each[measure.name]["by_year"][-1], measure, signed=True) for each in others.values()]
        rows.append((measure.label, shown_unit(measure.unit), *cells))
    note = "In brackets: the 95% interval of the mean. A difference of shares is in percentage points."
    return ReportTable(
        caption, ("Measure", "Unit", document["labels"][document["baseline"]], *labels), tuple(rows), note
    )


def group_table(document: Document, measure: Metric, axis: str, names: Mapping[str, str]) -> ReportTable:
    """Make the table of a measure's differences in the last year by group.

    Parameters
    ----------
    document : mapping
        The document of the comparison, with groups of the axis.
    measure : Metric
        The measure.
    axis : str
        The axis.
    names : mapping of str to str
        Names of the groups.

    Returns
    -------
    ReportTable
    """
    others = document["differences"]
    rows = tuple(
        (
            names.get(group, group),
            *(
                figure_text(each[measure.name]["groups"][axis][group]["by_year"][-1], measure, signed=True)
                for each in others.values()
            ),
        )
        for group in next(iter(others.values()))[measure.name]["groups"][axis]
    )
    year, unit = document["years"][-1], difference_unit(measure.unit)
    caption = f"{measure.label} in year {year}: difference from the baseline, {unit}"
    head = ("Group", *(document["labels"][name] for name in others))
    return ReportTable(caption, head, rows, INTERVAL_NOTE)
