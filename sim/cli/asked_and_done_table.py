"""Prints what each policy asked for, and what came out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.results.metrics import SPENDING_OF_KIND
from sim.results.number_text import fixed
from sim.schema.errors import plain

TITLE = "What was asked and what came out"
LEAST_WIDTH = 120
"""Width of a terminal from which the figures are a table, and not lines."""
LABEL_WIDTH = 38
DECIMALS = {"%": 1, "£ per person per year": 1, "£ per person": 0}
"""Decimals by unit, in the order of the columns; a policy that moves no money has its variable in the first."""
HEADS = ("asked", "came out, {year}", "£ a head, {year}", "£ a head, {years}")
INDENT = "  "
PARTS = frozenset(measure for kind, measure in SPENDING_OF_KIND.items() if kind != "community")
"""Measures that are parts of preventive spending, which are indented."""
Record = Mapping[str, Any]


def show_asked_and_done(document: Record, out: Console) -> None:
    """Print a sentence and a table for each policy.

    Parameters
    ----------
    document : mapping
        The document of a comparison.
    out : Console
    """
    policies = document.get("asked_and_done", {})
    if not policies:
        return
    out.print()
    out.print(Text(TITLE, style="bold"))
    for line in textwrap.wrap(
        "Asked: the change of budgets by the policy alone. Came out: the change from the baseline in the run, with its "
        "95% interval; ~ it includes 0. Pounds are not discounted.",
        out.width,
    ):
        out.print(Text(line))
    for name, record in policies.items():
        out.print()
        out.print(Text(plain(document["labels"][name]), style="bold"))
        for line in textwrap.wrap(plain(record["sentence"]), out.width):
            out.print(Text(line))
        _figures(record["rows"], out)


def _figures(rows: list[Record], out: Console) -> None:
    """Print the rows of a policy, one line for each item with its changes in all units."""
    periods = {row["unit"]: row["period"] for row in rows}
    year, years = periods["£ per person per year"], periods["£ per person"]
    heads = [head.format(year=year, years=years) for head in HEADS]
    lines = list(_lines(rows))
    if out.width < LEAST_WIDTH:
        for label, cells in lines:
            parts = [f"{head} {cell}" for head, cell in zip(heads, cells, strict=True) if cell]
            for line in textwrap.wrap(f"{label}: {', '.join(parts)}", out.width - 2):
                out.print(Text(f"  {line}"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", width=LABEL_WIDTH)
    for head in heads:
        table.add_column(head, overflow="fold")
    for label, cells in lines:
        table.add_row(Text(label), *cells)
    out.print(table)


def _lines(rows: list[Record]) -> Iterator[tuple[str, list[str]]]:
    """Join the rows of an item: the change that was asked for, and the changes by unit."""
    items: dict[tuple[str, str, int], dict[str, Record]] = {}
    for k, row in enumerate(rows):
        single = k if row["part"] == "policy" else 0
        items.setdefault((row["part"], row["item"], single), {})[row["unit"]] = row
    for (part, _, _), by_unit in items.items():
        first = next(iter(by_unit.values()))
        if part != "policy" and all(row["mean"] == 0.0 and not row["asked"] for row in by_unit.values()):
            continue
        cells = [_change(by_unit.get(unit)) for unit in DECIMALS]
        others = [unit for unit in by_unit if unit not in DECIMALS]
        if others:
            cells[0] = " ".join((_change(by_unit[others[0]]), others[0])) if others[0] else "not recorded"
        yield INDENT * (first["name"] in PARTS) + plain(first["item"]), [_asked(by_unit), *cells]


def _asked(by_unit: Mapping[str, Record]) -> str:
    """The change that was asked for, in the first unit that has one."""
    for unit, row in by_unit.items():
        if row["asked"] is not None:
            return _number(row["asked"], unit)
    return ""


def _number(value: float, unit: str) -> str:
    return fixed(value, DECIMALS.get(unit, 2), signed=True) + ("%" if unit == "%" else "")


def _change(row: Record | None) -> str:
    """A change with its interval."""
    if row is None or row["mean"] is None:
        return ""
    text, low, high = _number(row["mean"], row["unit"]), row["ci_low"], row["ci_high"]
    if low is None or high is None:
        return text
    includes_zero = "" if low > 0.0 or high < 0.0 else " ~"
    return f"{text} ({_number(low, row['unit'])} to {_number(high, row['unit'])}){includes_zero}"
