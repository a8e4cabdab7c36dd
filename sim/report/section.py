"""A section of a report: paragraphs, sentences by scenario, charts and tables."""

from __future__ import annotations

from typing import NamedTuple

from sim.report.charts import Chart
from sim.report.tables import ReportTable


class Exhibit(NamedTuple):
    """A chart with the table of its figures, or either alone."""

    chart: Chart | None = None
    table: ReportTable | None = None
    has_key: bool = False


class Entry(NamedTuple):
    """Sentences on one scenario."""

    label: str
    sentences: tuple[str, ...]


class ReportSection(NamedTuple):
    """A section of the report.

    Attributes
    ----------
    name, title : str
        Id of the heading, and the heading.
    paragraphs : tuple of str
        Text between backticks is a command.
    exhibits : tuple of Exhibit
        Charts and tables.
    entries : tuple of Entry
        Sentences by scenario, before the exhibits.
    """

    name: str
    title: str
    paragraphs: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    entries: tuple[Entry, ...] = ()
