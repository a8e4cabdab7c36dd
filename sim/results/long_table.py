"""The long table of a comparison: a row for each measure, scenario, seed and month, without replicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.metrics import metrics

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


def long_table(comparison: Comparison) -> dict[str, SummaryColumn | F]:
    """Make the columns of a long table: a row for each measure, scenario, seed and month, in this order.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    dict of str to SummaryColumn or ndarray of float64
        Without measures that are comparisons themselves.
    """
    measures = [measure for measure in metrics() if measure.against is None]
    for name in comparison.names:
        comparison.measure(name, measures, None)
    values = [comparison.grouped(name, measure, "month", None) for measure in measures for name in comparison.names]
    shape = len(measures), len(comparison.names), len(comparison.seeds), len(comparison.months)

    def each(axis: int, of: Sequence[str | int]) -> SummaryColumn:
        row = np.arange(shape[axis], dtype=np.int32).reshape([-1 if k == axis else 1 for k in range(4)])
        return SummaryColumn(of, np.broadcast_to(row, shape).ravel())

    return {
        "scenario": each(1, comparison.names),
        "seed": each(2, comparison.seeds),
        "month": each(3, comparison.months),
        "metric": each(0, [measure.name for measure in measures]),
        "unit": each(0, [measure.unit for measure in measures]),
        "value": np.concatenate([each.ravel() for each in values]),
    }
