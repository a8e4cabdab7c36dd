"""How sure the headline of a comparison is: interval of the mean, middle 95% of the runs, chance and parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from sim.results.doubt import refusals
from sim.results.metrics import Metric
from sim.results.notebook_html import HEADLINE
from sim.results.number_text import difference_unit, number_text, sd_text, shown_unit
from sim.schema.errors import plain

Figures = Mapping[str, Any]
HEADS = ("mean", "95% interval", "middle 95% of runs", "SD of runs", "by chance", "by parameters")
LEAST_WIDTH = 100
"""Width of a terminal from which the figures are a table, and not lines."""
CENTRAL = (
    "Every seed has the central values of the parameters: the bands show chance alone, and are narrower than the "
    "doubt. Without --draws none they show doubt about parameters too."
)
MAIN = HEADLINE[0]


Line = Table | tuple[str, int]
"""A table, or a sentence with its indent."""


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
    if document["draws"] == "none":
        sentences = [CENTRAL] if document["engine"] != "stocks" else []
    else:
        if len(document["seeds"]) > 1:
            yield from _figures(document, by_name, width)
        sentences = [_runs(document), *_of_headline(document, by_name[MAIN]), *refusals(document["refused"])]
    yield from ((sentence, 0) for sentence in (*sentences, document["beyond_bands"]))


def _changes(document: dict[str, Any]) -> bool:
    """Whether differences are shown, rather than levels."""
    return bool(document["differences"])


def _rows(document: dict[str, Any], measure: Metric) -> Iterator[tuple[str, Figures]]:
    """The heading of each policy, or of the only scenario, with its figures in the last year."""
    for name, measures in document["differences" if _changes(document) else "scenarios"].items():
        yield plain(document["labels"][name]), measures[measure.name]["by_year"][-1]


def _cells(figures: Figures, measure: Metric, *, signed: bool) -> list[str]:
    def text(name: str) -> str:
        return number_text(figures[name], measure.unit, measure.decimals, signed=signed)

    deviations = [_total(figures), figures["luck_sd"], figures["parameter_sd"]]
    return [
        text("mean"),
        f"{text('ci_low')} to {text('ci_high')}",
        f"{text('q025')} to {text('q975')}",
        *(sd_text(deviation, measure.unit, measure.decimals) for deviation in deviations),
    ]


def _total(figures: Figures) -> float | None:
    """The standard deviation between runs."""
    luck, parameters = figures["luck_sd"], figures["parameter_sd"]
    return None if luck is None or parameters is None else math.hypot(luck, parameters)


def _figures(document: dict[str, Any], by_name: Mapping[str, Metric], width: int) -> Iterator[Line]:
    signed = _changes(document)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("difference from the baseline" if signed else "", overflow="fold")
    for head in HEADS:
        table.add_column(head, overflow="fold")
    for measure in (by_name[name] for name in HEADLINE):
        unit = difference_unit(measure.unit) if signed else shown_unit(measure.unit)
        rows = [(label, _cells(figures, measure, signed=signed)) for label, figures in _rows(document, measure)]
        if width >= LEAST_WIDTH:
            table.add_row(Text.assemble(plain(measure.label), (f"\n{unit}", "dim")))
            for label, cells in rows:
                table.add_row(f"  {label}", *cells)
            continue
        yield f"{measure.label}, {unit}", 0
        for label, cells in rows:
            parts = (f"{head} {cell}" for head, cell in zip(HEADS, cells, strict=True))
            yield f"{label}: {', '.join(parts)}", 2
    if width >= LEAST_WIDTH:
        yield table


def _runs(document: dict[str, Any]) -> str:
    """The number of draws and of replicates."""
    seeds, repeats = len(document["seeds"]), len(document["replicates"])
    which = "of all parameters" if document["draws"] == "all" else "of the parameters of mechanisms"
    if seeds == 1:
        return f"One seed has one draw {which}: its result is not that of the central values (--draws none)."
    return (
        f"{seeds} draws {which}, the same for every policy. {repeats} of them were run again with other chance events, "
        "which separates chance from parameters. The squares of the two SDs add up to that of all runs."
    )


def _of_headline(document: dict[str, Any], measure: Metric) -> Iterator[str]:
    """How much of the spread of the main measure is chance, and how much is parameters, for each policy."""
    for label, figures in _rows(document, measure):
        total = _total(figures)
        if total is None or total == 0.0:
            continue
        of_all, of_luck, of_parameters = (
            sd_text(deviation, measure.unit, measure.decimals)
            for deviation in (total, figures["luck_sd"], figures["parameter_sd"])
        )
        share = figures["parameter_sd"] ** 2 / total**2
        yield (
            f"{label}, {measure.label.lower()}: of the spread between runs (SD {of_all}), chance makes {of_luck} and "
            f"parameters {of_parameters}: {share:.0%} of the variance is due to parameters."
        )
