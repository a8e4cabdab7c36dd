"""The year of the answer: the year by which the page states results, such as year 5 or the last year of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.model import Document

HORIZONS = (3, 5, 10, 20)
"""The years that a visitor can choose, besides the last year of the run."""
KEY = "answer_year"
"""The key of a shown document with the visitor's choice; documents of runs have none."""


def year_choices(years: int) -> tuple[int, ...]:
    """The years by which a run of some years can answer."""
    return tuple(sorted({*(year for year in HORIZONS if year < years), years}))


def answer_year(document: Document) -> int:
    """The year of the answer: the visitor's choice, else the last year."""
    return int(document.get(KEY, document["years"][-1]))


def answer_rows(document: Document, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of a table by year that are of the year of the answer."""
    year = answer_year(document)
    return [row for row in rows if row["year"] == year]


def answer_row(document: Document, record: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a record in the year of the answer."""
    year = answer_year(document)
    row: dict[str, Any] = next(row for row in record["by_year"] if row["year"] == year)
    return row
