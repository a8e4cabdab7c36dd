"""Metrics measured on records: counts summed over groups, ratios of sums, and measures derived from yearly sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.results.metric_types import Derived, Metric, Sum
from sim.results.records import Record

F = npt.NDArray[np.float64]


def values_by_step(record: Record, measure: Metric, by: str | None) -> tuple[F, F]:
    """Groups of a measure by month, and by year. Shapes (groups, time), of one run after another."""
    months = len(record.monthly["people"])
    if measure.derived is not None:
        made = _derived(record, measure.derived, by)
        return made.repeat(12, axis=1), made
    if measure.parts is None:
        return np.full((1, months), np.nan), np.full((1, months // 12), np.nan)
    finer = None if by is None else measure.finer.get(by)
    parts = (finer or measure.parts)(record)
    top = _groups(Sum(parts.numerator, parts.axes), by)
    bottom = _groups(Sum(parts.denominator, parts.over), by)
    if finer is not None:
        yearly = _ratio(top, bottom, parts.scale)
        return yearly.repeat(12, axis=1), yearly
    of_year = [a.reshape(len(a), -1, 12).sum(axis=2) for a in (top, bottom)]
    return _ratio(top, bottom, parts.scale), _ratio(of_year[0], of_year[1], parts.scale)


def index_scale(first_years: F) -> float:
    """Compute the factor that makes an index of values: 100 over the mean of the baseline's first year over its runs.

    Parameters
    ----------
    first_years : ndarray of float64, shape (runs,)
        The baseline's value in the first year of each run, in any unit.

    Returns
    -------
    float
        NaN if the mean is 0.
    """
    mean = float(first_years.mean())
    return 100.0 / mean if mean else np.nan


def split_runs(values: F, runs: int) -> F:
    """From shape (group, time), one run after another, to (run, group, time)."""
    return values.reshape(len(values), runs, -1).swapaxes(0, 1)


def _groups(counts: Sum, by: str | None) -> F:
    """Counts summed over every axis but time and one other. Shape (group, time), one group if it has no such axis."""
    array = counts.array
    if by in counts.axes:
        array = np.moveaxis(array, 1 + counts.axes.index(by), 1)
        by_group: F = array.reshape(*array.shape[:2], -1).sum(axis=2).astype(float).T
        return by_group
    out: F = array.reshape(len(array), -1).sum(axis=1).astype(float)[None]
    return out


def _ratio(top: F, bottom: F, scale: float) -> F:
    bottom = np.broadcast_to(bottom, top.shape)
    out: F = scale * np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return out


def _derived(record: Record, derived: Derived, by: str | None) -> F:
    """A measure computed from yearly sums, for each group of an axis. Shape (groups, years)."""
    sums = [
        (s.array.reshape(-1, 12, *s.array.shape[1:]).sum(axis=1).astype(float), s.axes) for s in derived.sums(record)
    ]

    def of(group: int | None) -> F:
        totals = []
        for counts, axes in sums:
            array = counts if group is None or by not in axes else counts.take([group], 1 + axes.index(by))
            totals.append(array.sum(axis=tuple(1 + k for k, axis in enumerate(axes) if axis != derived.keeps)))
        return derived.make(*totals)

    if by is None:
        return of(None)[None]
    groups = next(array.shape[1 + axes.index(by)] for array, axes in sums if by in axes)
    return np.stack([of(k) for k in range(groups)])
