"""Public money and health under each policy: sentences, who spends, who pays, and a table of all amounts.

All amounts are differences from the baseline over all years of the run, discounted. Nothing on the page calls a cut the
cost of a gain: pounds saved and health lost stand beside each other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import html

from dashboard import figure_parts as parts
from dashboard import tables
from dashboard.findings import MEAN
from dashboard.model import YOURS, Document
from dashboard.styles import styles
from sim.results.money.chart import PAYER_LABELS
from sim.results.money.tables import SILO_ROWS, MoneyRow, money_cell, money_rows
from sim.results.number_text import MINUS
from sim.results.summary_table import number_cell, text_cell
from sim.scenario.valuation import Valuation

PAYER_ROWS = tuple(
    MoneyRow(key if key in ("centre", "reserves") else f"budget.{key}", label) for key, label in PAYER_LABELS.items()
)
"""Rows of the table of who pays; they add up to public spending."""


def years(document: Document) -> int:
    """The years over which amounts are summed up: all years of the run, whatever the year of the answer."""
    return int(document["years"][-1])


def sentences(document: Document) -> list[html.Div]:
    """What each policy costs, who pays, and what health it gains, in words; the visitor's policy first."""
    return [
        html.Div([html.H3(tables.column(document, name)), *(html.P(text) for text in appraisal["sentences"])])
        for name, appraisal in sorted(document["money"].items(), key=lambda item: item[0] != YOURS)
    ]


def who_spends(document: Document) -> go.Figure:
    """The change of spending of each budget holder: whose services cost more, and whose less."""
    return _figure(document, SILO_ROWS, "Who spends more, and who less, than in the baseline")


def who_pays(document: Document) -> go.Figure:
    """The change of what each source pays: budgets, the centre by bail-outs less claw-back, and reserves."""
    return _figure(document, PAYER_ROWS, "Who pays more, and who less, than in the baseline")


def _figure(document: Document, rows: Sequence[MoneyRow], title: str) -> go.Figure:
    figure = parts.blank()
    looks, money = styles(document), document["money"]
    used = _moving(document, rows)
    labels = [parts.wrapped(row.label, 16) for row in used]
    for name in reversed(list(money)):
        amounts = [_for_each_person(money[name], row) for row in used]
        figure.add_traces(parts.bars(amounts, labels, name, document, looks[name], decimals=0))
    figure.add_vline(x=0.0, line={"color": parts.BASELINE_LOOK.colour, "width": 2.5})
    parts.set_layout(figure, title, compact=False)
    parts.set_horizontal(figure, labels, f"£ a person over {years(document)} years, discounted")
    return figure


def table(document: Document) -> html.Div:
    """The table of public money and health: a row for each amount, a column for each policy."""
    return _table(document, _rows(document), f"Public money and health over {years(document)} years")


def table_of_spenders(document: Document) -> html.Div:
    """The numbers of `who_spends`."""
    return _table(document, SILO_ROWS, "Who spends")


def table_of_payers(document: Document) -> html.Div:
    """The numbers of `who_pays`."""
    return _table(document, PAYER_ROWS, "Who pays")


def spreadsheet(document: Document) -> str:
    """All amounts of all policies as CSV, for each person: over all years, discounted, with intervals and ranges."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = ("mean", "ci_low", "ci_high", "q025", "q975")
    writer.writerow(("scenario", "scenario_label", "years", "item", "label", "unit", *figures))
    labels = {row.item: row.label for row in (*_rows(document), *SILO_ROWS, *PAYER_ROWS)}
    for name, appraisal in document["money"].items():
        words = [text_cell(name), text_cell(tables.column(document, name)), str(years(document))]
        for item in appraisal["estimates"]:
            row = MoneyRow(item, labels.get(item, item), "QALYs" if item == "qalys" else "pounds")
            amount = _for_each_person(appraisal, row)
            numbers = [number_cell(amount.get(figure)) for figure in figures]
            writer.writerow([*words, item, text_cell(row.label), _unit(row), *numbers])
    return out.getvalue()


def _rows(document: Document) -> tuple[MoneyRow, ...]:
    """The rows of the table of public money and health."""
    return money_rows(Valuation.model_validate(next(iter(document["money"].values()))["valuation"]))


def _unit(row: MoneyRow) -> str:
    return "QALYs for 1,000 people" if row.unit == "QALYs" else "£ a person"


def _table(document: Document, rows: Sequence[MoneyRow], caption: str) -> html.Div:
    money = document["money"]
    body = [
        [
            f"\N{EM SPACE}{row.label}" if row.is_part else row.label,
            _unit(row),
            *(money_cell(appraisal, row, MINUS) for appraisal in money.values()),
        ]
        for row in _moving(document, rows)
    ]
    headings = ["Amount", "Unit", *(tables.column(document, name) for name in money)]
    note = f"Differences from the baseline over {years(document)} years, discounted, and in brackets the {MEAN}."
    return tables.table(caption, headings, body, note=note)


def _moving(document: Document, rows: Sequence[MoneyRow]) -> list[MoneyRow]:
    """The rows that differ from the baseline under some policy."""
    return [row for row in rows if any(each["estimates"][row.item]["mean"] for each in document["money"].values())]


def _for_each_person(appraisal: Mapping[str, Any], row: MoneyRow) -> dict[str, Any]:
    """An amount for each person, or for each 1,000 people if it is of QALYs."""
    scale = (1000.0 if row.unit == "QALYs" else 1.0) / appraisal["people"]
    return {key: None if value is None else scale * value for key, value in appraisal["estimates"][row.item].items()}
