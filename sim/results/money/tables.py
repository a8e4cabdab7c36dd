"""The appraisal of policies as rows for tables, as a document for JSON, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from sim.results.money.appraisal import BEYOND_YEARS, Appraisal, PresentValue
from sim.results.money.ledger import SILO_LABELS, SPENDERS
from sim.results.money.sentences import pounds_text
from sim.results.number_text import fixed, plain_number
from sim.results.summary import summary
from sim.results.summary_table import number_cell, text_cell
from sim.scenario.valuation import Valuation

Unit = Literal["pounds", "QALYs"]


class MoneyRow(NamedTuple):
    """A row of the table of public money.

    Attributes
    ----------
    item : str
        The item of an `Appraisal`.
    label : str
        Its name.
    unit : {"pounds", "QALYs"}
        Shown a person, or for each 1,000 people.
    is_part : bool
        Whether the row is one of the parts that add up to the row above them.
    """

    item: str
    label: str
    unit: Unit = "pounds"
    is_part: bool = False


def money_rows(valuation: Valuation) -> tuple[MoneyRow, ...]:
    """List the rows of the table of public money.

    Parameters
    ----------
    valuation : Valuation
        Values of a QALY.

    Returns
    -------
    tuple of MoneyRow
    """
    nets = (
        MoneyRow(f"npv.{value.name}", f"Net value at £{value.pounds:,.0f} a QALY ({value.label})")
        for value in valuation.qaly_values
    )
    return (
        MoneyRow("spending", "Public spending"),
        MoneyRow("budgets", "from the budgets of services", is_part=True),
        MoneyRow("budget.outside", "from new money outside services", is_part=True),
        MoneyRow("centre", "from the centre: bail-outs less claw-back", is_part=True),
        MoneyRow("reserves", "from reserves, or still owed", is_part=True),
        MoneyRow("bailed_out", "Bailed out by the centre"),
        MoneyRow("clawed_back", "Clawed back by the centre"),
        MoneyRow("reinvested", "Savings reinvested in prevention"),
        MoneyRow("double_running", "Double running, in spending"),
        MoneyRow("acute_cash", "Acute care: cash saved"),
        MoneyRow("acute_not_cash", "Acute care: saved, but not in cash"),
        MoneyRow("qalys", "Health gained, deaths counted (QALYs)", "QALYs"),
        *nets,
    )


SILO_ROWS = tuple(MoneyRow(f"spending.{spender}", SILO_LABELS[spender]) for spender in SPENDERS)
"""Rows of the table of who spends; they add up to public spending."""


def money_cell(appraisal: Mapping[str, Any], row: MoneyRow, minus: str = "-") -> str:
    """Write an amount of a policy for a table: a person, or for each 1,000 people, with its 95% interval.

    Parameters
    ----------
    appraisal : mapping
        The appraisal as a document.
    row : MoneyRow
        The row.
    minus : str
        The minus sign.

    Returns
    -------
    str
    """
    figures, people = appraisal["estimates"][row.item], appraisal["people"]

    def text(value: float | None) -> str:
        if value is None:
            return ""
        if row.unit == "QALYs":
            return fixed(1000.0 * value / people, 1, signed=True, minus=minus)
        return pounds_text(value / people, signed=True, minus=minus)

    mean, low, high = (text(figures[name]) for name in ("mean", "ci_low", "ci_high"))
    return mean if mean == low == high or not low else f"{mean} ({low} to {high})"


def includes_zero(appraisal: Mapping[str, Any], row: MoneyRow) -> bool:
    """Test whether the 95% interval of an amount includes 0, and the amount is not 0 in every run.

    Parameters
    ----------
    appraisal : mapping
        The appraisal as a document.
    row : MoneyRow
        The row.

    Returns
    -------
    bool
    """
    low, high = (appraisal["estimates"][row.item][name] for name in ("ci_low", "ci_high"))
    return low is not None and low <= 0.0 <= high and low != high


def _numbers(estimate: PresentValue) -> dict[str, float | None]:
    return {name: plain_number(value) for name, value in zip(PresentValue._fields, estimate, strict=True)}


def document(a: Appraisal) -> dict[str, Any]:
    """Collect an appraisal for JSON.

    Parameters
    ----------
    a : Appraisal
        The appraisal.

    Returns
    -------
    dict
        The means of the main items, in pounds of the place; every item with its interval under `estimates`; rates and
        values under `valuation`; `sentences`.
    """
    items = {name: a.estimate(name) for name in a.items}
    switch, recovered = a.switch_of_qaly, a.break_even
    names = ("spending", "budgets", "bailed_out", "clawed_back", "reinvested", "reserves", "qalys", "cost")
    return {
        "unit": "pounds of the place, QALYs; differences from the baseline over all years, discounted",
        "people": a.people,
        "years": a.years,
        "npv": plain_number(a.npv.mean),
        "npv_public": plain_number(a.npv_public.mean),
        "npv_health": plain_number(a.npv_health.mean),
        "npv_by_value": {
            value.name: {
                "label": value.label,
                "pounds_per_qaly": value.pounds,
                "npv": plain_number(items[f"npv.{value.name}"].mean),
            }
            for value in a.valuation.qaly_values
        },
        **{name: plain_number(items[name].mean) for name in names},
        "by_silo": {spender: plain_number(estimate.mean) for spender, estimate in a.by_silo.items()},
        "payers": {payer: plain_number(estimate.mean) for payer, estimate in a.payers.items()},
        "cashable": plain_number(a.cashable.mean),
        "not_cashable": plain_number(a.not_cashable.mean),
        "double_running": plain_number(a.double_running.mean),
        "npv_if_costs_rise": plain_number(a.npv_if_costs_rise.mean),
        "switching": {
            "pounds_per_qaly": switch._asdict(),
            "relative_change_of_cost": a.switch_of_cost,
            "relative_change_of_health": a.switch_of_health,
        },
        "break_even": None if recovered is None else {"year": plain_number(recovered.mean), "note": recovered.note},
        "benefit_cost_ratio": a.benefit_cost_ratio,
        "after_horizon": {"years": BEYOND_YEARS, **_numbers(a.after_horizon)},
        "valuation": a.valuation.model_dump(mode="json"),
        "estimates": {name: _numbers(estimate) for name, estimate in items.items()},
        "sentences": list(a.sentences),
    }


COLUMNS = ("scenario", "scenario_label", "item", "unit", *PresentValue._fields, "mean_a_person")
YEAR_COLUMNS = ("scenario", "scenario_label", "year", "item", "unit", *PresentValue._fields)


def _csv(columns: Iterable[str], rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _unit(item: str) -> str:
    return "QALYs" if item == "qalys" else "£"


def money_table(appraisals: Iterable[Appraisal]) -> str:
    """Write every item of some appraisals as CSV: over all years, discounted, pounds of the place.

    Parameters
    ----------
    appraisals : iterable of Appraisal
        The appraisals.

    Returns
    -------
    str
    """

    def rows() -> Iterator[list[str]]:
        for a in appraisals:
            for item in a.items:
                estimate = a.estimate(item)
                numbers = [number_cell(value) for value in (*estimate, estimate.mean / a.people)]
                yield [text_cell(a.scenario), text_cell(a.label), item, _unit(item), *numbers]

    return _csv(COLUMNS, rows())


def money_by_year(appraisals: Iterable[Appraisal]) -> str:
    """Write the amounts of each year of some appraisals as CSV: differences from the baseline, not discounted.

    Parameters
    ----------
    appraisals : iterable of Appraisal
        The appraisals.

    Returns
    -------
    str
    """

    def rows() -> Iterator[list[str]]:
        for a in appraisals:
            for item, values in a.yearly.items():
                figures = summary(values)
                for year in range(a.years):
                    numbers = [float(figures[figure][year]) for figure in PresentValue._fields]
                    cells = [number_cell(value) for value in numbers]
                    yield [text_cell(a.scenario), text_cell(a.label), str(year + 1), item, _unit(item), *cells]

    return _csv(YEAR_COLUMNS, rows())
