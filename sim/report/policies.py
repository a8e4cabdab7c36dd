"""Sections of a report on each policy: what was asked and what came out, and public money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report.charts import ChartBar, ScenarioStyle, bar_chart
from sim.report.section import Entry, Exhibit, ReportSection
from sim.report.tables import INTERVAL_NOTE, ReportTable
from sim.results.comparison import Comparison
from sim.results.money.appraisal import Appraisal, PresentValue
from sim.results.money.tables import SILO_ROWS, MoneyRow, money_cell, money_rows
from sim.results.number_text import MINUS, fixed

Document = Mapping[str, Any]
DECIMALS = {"%": 1, "£ per person per year": 1, "£ per person": 0}
"""Decimals by unit."""


def asked_section(result: Comparison, document: Document) -> ReportSection:
    """What each policy asked for, beside what came out, and what it does beyond or short of what it states."""
    policies: Mapping[str, Any] = document.get("asked_and_done", {})
    entries = tuple(Entry(document["labels"][name], (each["sentence"],)) for name, each in policies.items())
    exhibits = tuple(
        Exhibit(table=_asked_table(document["labels"][name], each["rows"])) for name, each in policies.items()
    )
    return ReportSection("asked", "What was asked, and what came out", result.notes, exhibits, entries)


def money_section(result: Comparison, looks: Mapping[str, ScenarioStyle]) -> ReportSection:
    """Public money and health of each policy: who pays, who gains, and what both are worth."""
    appraisals = [result.money(name) for name in result.names[1:]]
    valuation = result.scenarios[0].valuation()
    rates = (
        f"Present values over {result.scenarios[0].years} years: pounds discounted at {valuation.discount_money:.1%}, "
        f"health at {valuation.discount_health:.1%} a year. Differences from the baseline, £ a person."
    )
    silos = [(row, each) for row in SILO_ROWS for each in appraisals if each.estimate(row.item).mean]
    exhibits = [Exhibit(table=_money_table("Public money and health", money_rows(valuation), appraisals))]
    by_silo = _money_table("Who spends", SILO_ROWS, appraisals)
    if silos:
        bars = [_bar(row.label, each, each.estimate(row.item)) for row, each in silos]
        exhibits.append(Exhibit(bar_chart("Who spends more, and who less", "£ a person", bars, looks), by_silo))
    entries = tuple(Entry(each.label, each.sentences) for each in appraisals)
    return ReportSection("money", "Public money", (rates,), tuple(exhibits), entries)


def _asked_table(label: str, rows: list[Mapping[str, Any]]) -> ReportTable:
    cells = []
    for row in rows:
        unit, asked = str(row["unit"]), row["asked"]
        came = "" if row["mean"] is None else _number(row["mean"], unit)
        if came and row["ci_low"] is not None:
            came += f" ({_number(row['ci_low'], unit)} to {_number(row['ci_high'], unit)})"
        cells.append((str(row["item"]), str(row["period"]), unit, "" if asked is None else _number(asked, unit), came))
    head = ("Item", "When", "Unit", "Asked", "Came out")
    note = f"Asked: the change of budgets by the policy alone. {INTERVAL_NOTE} Pounds are not discounted."
    return ReportTable(f"{label}: asked and came out", head, tuple(cells), note)


def _number(value: float, unit: str) -> str:
    return fixed(value, DECIMALS.get(unit, 2), signed=True, minus=MINUS) + ("%" if unit == "%" else "")


def _money_table(caption: str, rows: tuple[MoneyRow, ...], appraisals: list[Appraisal]) -> ReportTable:
    documents = [each.document() for each in appraisals]
    cells = tuple(
        (
            row.label,
            "QALYs per 1,000 people" if row.unit == "QALYs" else "£ a person",
            *(money_cell(each, row, MINUS) for each in documents),
        )
        for row in rows
    )
    return ReportTable(caption, ("Item", "Unit", *(each.label for each in appraisals)), cells, INTERVAL_NOTE)


def _bar(group: str, appraisal: Appraisal, value: PresentValue) -> ChartBar:
    mean, low, high, ci_low, ci_high = (number / appraisal.people for number in value[:5])
    interval = (ci_low, ci_high) if ci_low < ci_high else None
    return ChartBar(group, appraisal.scenario, mean, interval, (low, high))
