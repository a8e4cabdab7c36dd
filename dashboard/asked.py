"""What each policy asked for beside what came out: a policy is described by what it did, not by its intention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard import tables
from dashboard.findings import MEAN
from dashboard.model import YOURS, Document
from sim.results.number_text import MINUS, fixed

DECIMALS = {"%": 1, "£ per person per year": 1, "£ per person": 0}
"""Units of changes, in the order of columns, and their decimals. A lever may have another unit."""
TITLE = "What was asked and what came out"

Row = Mapping[str, Any]


def words(document: Document, name: str) -> list[str]:
    """What a policy asks for: a phrase for each of its levers."""
    record = document.get("asked_and_done", {}).get(name)
    return [row["item"] for row in record["rows"] if row["part"] == "policy"] if record else []


def of_policies(document: Document) -> list[html.Div]:
    """A sentence and a table for each policy, the visitor's own first."""
    records = sorted(document.get("asked_and_done", {}).items(), key=lambda item: item[0] != YOURS)
    return [
        html.Div([html.H3(tables.column(document, name)), html.P(record["sentence"]), _fold(document, name, record)])
        for name, record in records
    ]


def _fold(document: Document, name: str, record: Mapping[str, Any]) -> html.Details:
    rows: Sequence[Row] = record["rows"]
    periods = {row["unit"]: row["period"] for row in rows}
    year, years = periods.get("£ per person per year", "the last year"), periods.get("£ per person", "all years")
    headings = ["Item", "Asked", f"Came out, {year}", f"£ a person, {year}", f"£ a person, {years}"]
    caption = f"{TITLE}: {tables.column(document, name)}"
    note = (
        "Asked: the change of budgets by the policy alone. Came out: the change from the baseline in the runs, and in "
        f"brackets the {MEAN}. Pounds are not discounted."
    )
    table = tables.table(caption, headings, _lines(rows), note=note)
    return html.Details([html.Summary(f"Table for {tables.column(document, name)}"), table])


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    """The rows of an item in one line: the change that was asked for, and the changes by unit."""
    items: dict[tuple[str, str, int], dict[str, Row]] = {}
    for k, row in enumerate(rows):
        single = k if row["part"] == "policy" else -1
        items.setdefault((row["part"], row["name"], single), {})[row["unit"]] = row
    lines = []
    for (part, _, _), by_unit in items.items():
        if part == "policy" or any(row["mean"] or row["asked"] for row in by_unit.values()):
            changes = [_change(by_unit.get(unit)) for unit in DECIMALS]
            others = [unit for unit in by_unit if unit not in DECIMALS]  # a lever that moves no money
            if others:
                changes[0] = f"{_change(by_unit[others[0]])} {others[0]}" if others[0] else "not recorded"
            lines.append([next(iter(by_unit.values()))["item"], _asked(by_unit), *changes])
    return lines


def _asked(by_unit: Mapping[str, Row]) -> str:
    """The change that was asked for, in the first unit that has one."""
    return next((_number(row["asked"], unit) for unit, row in by_unit.items() if row["asked"] is not None), "")


def _change(row: Row | None) -> str:
    """A change with the interval of its mean: '−6.7% (−7.3% to −6.1%)'."""
    if row is None or row["mean"] is None:
        return ""
    mean, low, high = (
        None if row[key] is None else _number(row[key], row["unit"]) for key in ("mean", "ci_low", "ci_high")
    )
    return str(mean) if low is None or high is None else f"{mean} ({low} to {high})"


def _number(value: float, unit: str) -> str:
    text = fixed(value, DECIMALS.get(unit, 2), signed=True, minus=MINUS)
    if not unit.startswith("£"):
        return f"{text}%" if unit == "%" else text
    return f"{text[0]}£{text[1:]}" if text[0] in ("+", MINUS) else f"£{text}"
