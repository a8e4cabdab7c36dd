"""The long table of a comparison: a row for each measure, scenario, seed and month, without replicates.

Measures are rates. The amounts that an appraisal is made of follow them, for the place and the month: every flow of
public money by budget holder (`spending.nhs`), and the QALYs that count deaths (`qalys_with_deaths`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.metrics import metrics
from sim.results.money.ledger import FLOWS, OUTSIDE, SPENDERS, Ledger

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]


class SummaryColumn(NamedTuple):
    """A column of a long table with few distinct entries.

    Attributes
    ----------
    of : sequence of str or int
        The distinct entries.
    rows : ndarray of int32, shape (rows,)
        Index of the entry of each row.
    """

    of: Sequence[str | int]
    rows: npt.NDArray[np.int32]


AMOUNTS = (
    *(f"{flow}.{spender}" for flow in FLOWS for spender in SPENDERS if spender != OUTSIDE or flow == "spending"),
    "qalys_with_deaths",
)
"""Amounts of a month: flows of public money in pounds, and QALYs."""


def amount_of(ledger: Ledger, name: str) -> F:
    """Return an amount of each month.

    Parameters
    ----------
    ledger : Ledger
        The ledger of a scenario.
    name : str
        One of `AMOUNTS`.

    Returns
    -------
    ndarray of float64, shape (seeds, months)
    """
    if name == "qalys_with_deaths":
        return ledger.qalys
    flow, spender = name.split(".")
    pounds: F = ledger.flows[flow][..., SPENDERS.index(spender)] / 100.0
    return pounds


def long_table(comparison: Comparison) -> dict[str, SummaryColumn | F]:
    """Make the columns of a long table: a row for each measure, scenario, seed and month, in this order.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    dict of str to SummaryColumn or ndarray of float64
        Without measures that are comparisons themselves; with the amounts of `AMOUNTS`.
    """
    measures = [measure for measure in metrics() if measure.against is None]
    for name in comparison.names:
        comparison.measure(name, measures, None)
    values = [comparison.grouped(name, measure, "month", None) for measure in measures for name in comparison.names]
    values += [amount_of(comparison.ledger(name), amount) for amount in AMOUNTS for name in comparison.names]
    units = [measure.unit for measure in measures]
    units += ["QALYs a month" if amount == "qalys_with_deaths" else "£ a month" for amount in AMOUNTS]
    shape = len(measures) + len(AMOUNTS), len(comparison.names), len(comparison.seeds), len(comparison.months)

    def each(axis: int, of: Sequence[str | int]) -> SummaryColumn:
        row = np.arange(shape[axis], dtype=np.int32).reshape([-1 if k == axis else 1 for k in range(4)])
        return SummaryColumn(of, np.broadcast_to(row, shape).ravel())

    return {
        "scenario": each(1, comparison.names),
        "seed": each(2, comparison.seeds),
        "month": each(3, comparison.months),
        "metric": each(0, [*(measure.name for measure in measures), *AMOUNTS]),
        "unit": each(0, units),
        "value": np.concatenate([each.ravel() for each in values]),
    }
