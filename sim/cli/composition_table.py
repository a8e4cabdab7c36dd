"""The table "What acute demand is made of": points of the index by service, and their differences under each policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from sim.cli.doubt_table import Line
from sim.results.metrics import HEADLINE, metric
from sim.results.number_text import fixed
from sim.schema.errors import plain

LEAST_WIDTH = 90
"""Width of a terminal from which the figures are a table, and not lines."""
LEVEL_DECIMALS, CHANGE_DECIMALS = 1, 2
TOTAL = "All of them"


def composition_title(document: Mapping[str, Any]) -> str:
    """The heading."""
    return f"What acute demand is made of, in year {document['years'][-1]}, {metric(HEADLINE).unit}"


def composition_lines(document: Mapping[str, Any], width: int) -> Iterator[Line]:
    """The points of each service in the baseline, and their differences under each policy, largest first, with a sum.

    Parameters
    ----------
    document : mapping
        The document of a comparison.
    width : int
        Width of the terminal.

    Yields
    ------
    Table or (str, int)
    """
    last, base = document["years"][-1], document["baseline"]
    rows = {name: [row for row in rows if row["year"] == last] for name, rows in document["composition"].items()}
    policies = [name for name in rows if name != base]
    heads = ["£ an episode", plain(document["labels"][base]), *(plain(document["labels"][name]) for name in policies)]
    lines = []
    for k, row in enumerate(rows[base]):
        if not row["baseline"] and not any(rows[name][k]["difference"] for name in policies):
            continue
        cells = [fixed(row["unit_cost"], 0), _level(row["baseline"])]
        lines.append((plain(row["label"]), cells + [_change(rows[name][k]) for name in policies]))
    total = [_level(sum(row["baseline"] for row in rows[base])), *(_change(_total(document, n)) for n in policies)]
    lines.append((TOTAL, ["", *total]))
    if width >= LEAST_WIDTH + 24 * max(0, len(policies) - 2):
        yield _table(heads, lines)
    else:
        for label, cells in lines:
            yield label, 0
            yield from ((f"{head}: {cell}", 2) for head, cell in zip(heads, cells, strict=True) if cell)
    if policies and _total(document, policies[0])["ci_low"] is not None:
        yield "Under a policy: the difference from the baseline in points, with the 95% interval of its mean.", 0


def _table(heads: Sequence[str], lines: Sequence[tuple[str, Sequence[str]]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for k, head in enumerate(heads):
        table.add_column(Text(head), overflow="fold", justify="right" if k < 2 else "left")
    for label, cells in lines:
        table.add_row(Text(label), *(Text(cell) for cell in cells))
    return table


def _total(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The difference of the index itself, as a row of the composition."""
    figures = document["differences"][name][HEADLINE]["by_year"][-1]
    return {**figures, "difference": figures["mean"]}


def _level(points: float) -> str:
    return fixed(points, LEVEL_DECIMALS)


def _change(row: Mapping[str, Any]) -> str:
    def text(name: str) -> str:
        return fixed(row[name], CHANGE_DECIMALS, signed=True)

    interval = "" if row["ci_low"] is None else f" ({text('ci_low')} to {text('ci_high')})"
    return text("difference") + interval
