"""Prints the appraisal of each policy: public money and health, who spends, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from sim.cli.doubt_table import Line
from sim.results.money.tables import SILO_ROWS, MoneyRow, includes_zero, money_cell, money_rows
from sim.schema.errors import plain

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

LABEL_WIDTH = 40


def money_lines(result: Comparison, document: dict[str, Any], width: int) -> Iterator[Line]:
    """The tables "Public money" and "Who spends", and the appraisal of each policy in sentences.

    Parameters
    ----------
    result : Comparison
        The comparison.
    document : dict
        Its document.
    width : int
        Width of the terminal.

    Yields
    ------
    Table, Text or (str, int)
    """
    money: Mapping[str, Any] = document["money"]
    labels = [plain(document["labels"][name]) for name in money]
    years, valuation = document["years"][-1], result.scenarios[0].valuation()
    rates = f"pounds discounted at {valuation.discount_money:.1%}, health at {valuation.discount_health:.1%} a year"
    yield Text(f"Public money over {years} years: £ a person, difference from the baseline", style="bold")
    yield f"Present values: {rates}. QALYs for each 1,000 people. In brackets: 95% interval of the mean.", 0
    yield from _table(money_rows(valuation), money, labels, width)
    yield Text("")
    yield Text("Who spends: £ a person, difference from the baseline", style="bold")
    yield from _table(SILO_ROWS, money, labels, width)
    for name, label in zip(money, labels, strict=True):
        yield Text("")
        yield Text(label, style="bold")
        yield from ((sentence, 0) for sentence in money[name]["sentences"])


def _table(rows: Sequence[MoneyRow], money: Mapping[str, Any], labels: Sequence[str], width: int) -> Iterator[Line]:
    shown = [row for row in rows if any(each["estimates"][row.item]["mean"] for each in money.values())]
    cells = [[_cell(each, row) for each in money.values()] for row in shown]
    columns = [max(len(label), *(len(row[k]) for row in cells), 8) for k, label in enumerate(labels)]
    if width < LABEL_WIDTH + sum(columns) + 2 * len(columns):
        for row, line in zip(shown, cells, strict=True):
            yield Text(_label(row))
            for label, cell in zip(labels, line, strict=True):
                yield f"{label}: {cell}", 4
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for label, column in zip(labels, columns, strict=True):
        table.add_column(Text(label), width=column, justify="right", overflow="fold")
    for row, line in zip(shown, cells, strict=True):
        table.add_row(Text(_label(row)), *(Text(cell, "dim" if cell.endswith("~") else "") for cell in line))
    yield table


def _label(row: MoneyRow) -> str:
    return f"  {row.label}" if row.is_part else row.label


def _cell(appraisal: Mapping[str, Any], row: MoneyRow) -> str:
    """The mean, its 95% interval, and a mark if that includes 0."""
    return money_cell(appraisal, row) + (" ~" if includes_zero(appraisal, row) else "")
