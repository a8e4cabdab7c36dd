"""One log as a table: columns with headings, and rows of texts and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Value = str | float | int | None


class LogTable(NamedTuple):
    """One log.

    Attributes
    ----------
    name : str
        Id, which is also the name of its CSV file.
    title : str
        Heading.
    columns : dict of str to str
        Heading by key, in order.
    rows : tuple of dict
        Value by key. None is an empty cell.
    notes : tuple of str
        Sentences above the table: rules by which columns are made, and what is missing.
    has_texts : bool
        Whether rows have paragraphs, and are better read one below the other than in columns. The first two columns
        are then the heading of a row.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[Mapping[str, Value], ...]
    notes: tuple[str, ...] = ()
    has_texts: bool = False

    def document(self) -> dict[str, Any]:
        """Return the log for JSON."""
        return {
            "title": self.title,
            "notes": list(self.notes),
            "columns": dict(self.columns),
            "rows": [{key: row.get(key) for key in self.columns} for row in self.rows],
        }

    def cells(self) -> list[list[str]]:
        """Return the rows as texts, in the order of the columns."""
        return [[cell_text(row.get(key)) for key in self.columns] for row in self.rows]


def cell_text(value: Value) -> str:
    """Write a value in short form; nothing for None."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def one_line(parts: Iterable[str]) -> str:
    """Join texts without empty ones, on one line."""
    return "; ".join(" ".join(part.split()) for part in parts if part)
