"""How sure the headline of a comparison is: interval of the mean, middle 95% of the runs, chance and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from sim.results.doubt import Figures, doubt_sentences, last_figures, total_sd
from sim.results.metric_types import Metric
from sim.results.notebook_html import HEADLINE
from sim.results.number_text import difference_unit, number_text, sd_text, shown_unit
from sim.schema.errors import plain

HEADS = ("mean", "95% interval", "middle 95% of runs", "SD of runs", "by chance", "by parameters")
LEAST_WIDTH = 100
"""Width of a terminal from which the figures are a table, and not lines."""
MAIN = HEADLINE[0]


Line = Table | Text | tuple[str, int]
"""A table, a heading, or a sentence with its indent."""


def doubt_title(document: dict[str, Any]) -> str:
    """The heading."""
    return f"How sure, in year {document['years'][-1]}"


def doubt_lines(document: dict[str, Any], by_name: Mapping[str, Metric], width: int) -> Iterator[Line]:
    """The spread of the headline measures in the last year, by its causes, and what no band contains.

    Parameters
    ----------
    document : dict
        The document of a comparison.
    by_name : mapping of str to Metric
        The measures.
    width : int
        Width of the terminal.

    Yields
    ------
    Table or (str, int)
    """
    if document["draws"] != "none" and len(document["seeds"]) > 1:
        yield from _figures(document, by_name, width)
    yield from ((sentence, 0) for sentence in doubt_sentences(document, by_name[MAIN]))


def _changes(document: dict[str, Any]) -> bool:
    """Whether differences are shown, rather than levels."""
    return bool(document["differences"])


def _cells(figures: Figures, measure: Metric, *, signed: bool) -> list[str]:
    def text(name: str) -> str:
        return number_text(figures[name], measure.unit, measure.decimals, signed=signed)

    deviations = [total_sd(figures), figures["luck_sd"], figures["parameter_sd"]]
    return [
        text("mean"),
        f"{text('ci_low')} to {text('ci_high')}",
        f"{text('q025')} to {text('q975')}",
        *(sd_text(deviation, measure.unit, measure.decimals) for deviation in deviations),
    ]


def _figures(document: dict[str, Any], by_name: Mapping[str, Metric], width: int) -> Iterator[Line]:
    signed = _changes(document)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("difference from the baseline" if signed else "", overflow="fold")
    for head in HEADS:
        table.add_column(head, overflow="fold")
    for measure in (by_name[name] for name in HEADLINE):
        unit = difference_unit(measure.unit) if signed else shown_unit(measure.unit)
        rows = [(label, _cells(figures, measure, signed=signed)) for label, figures in last_figures(document, measure)]
        if width >= LEAST_WIDTH:
            table.add_row(Text.assemble(plain(measure.label), (f"\n{unit}", "dim")))
            for label, cells in rows:
                table.add_row(f"  {plain(label)}", *cells)
            continue
        yield f"{measure.label}, {unit}", 0
        for label, cells in rows:
            parts = (f"{head} {cell}" for head, cell in zip(HEADS, cells, strict=True))
            yield f"{label}: {', '.join(parts)}", 2
    if width >= LEAST_WIDTH:
        yield table
