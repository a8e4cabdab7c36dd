"""Objectives and limits of a search, each a statistic over draws of a difference from the baseline.

The difference is paired: the mix and the baseline have the same draw. An objective is the mean over draws, or a
quantile on the bad side: the value that a share of the draws is at least as good as. A limit is a mean, or a quantile
on the side on which it would be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.metric_types import Metric
from sim.schema.errors import KeyPath
from sim.searches.quantities import Quantity, measures

B = npt.NDArray[np.bool_]
F = npt.NDArray[np.float64]
ROUNDING = 1e-9
"""Excess over a limit, as a share of the baseline, that rounding explains."""
REFUSED = 1e9
"""Objectives of a mix that cannot be evaluated."""


class Goal(NamedTuple):
    """An objective.

    Attributes
    ----------
    at : int
        Position of its quantity.
    quantity : Quantity
        What it is about.
    sign : float
        1 if smaller is better, -1 if larger is.
    quantile : float or None
        Share of the draws that are at least as good; None for the mean.
    """

    at: int
    quantity: Quantity
    sign: float
    quantile: float | None

    @property
    def measure(self) -> Metric:
        """Its measure."""
        return measures()[self.quantity.metric]

    @property
    def name(self) -> str:
        """Its name in tables, which no other objective has."""
        statistic = "mean" if self.quantile is None else f"{self.quantile:.0%} of draws"
        return f"{self.quantity.column}, {statistic}"

    @property
    def label(self) -> str:
        """Its label in words."""
        statistic = "" if self.quantile is None else f", at least as good in {self.quantile:.0%} of draws"
        return f"{self.measure.label}{statistic}"


class Bound(NamedTuple):
    """A limit of one quantity on one side.

    Attributes
    ----------
    at : int
        Position of its quantity.
    quantity : Quantity
        What it is about.
    sign : float
        1 for a largest difference, -1 for a smallest.
    limit : float
        The largest or smallest difference.
    relative : bool
        Whether the difference is a share of the baseline.
    quantile : float or None
        Share of the draws that keep it; None for the mean.
    key : tuple of str or int
        Key of the design that sets it.
    """

    at: int
    quantity: Quantity
    sign: float
    limit: float
    relative: bool
    quantile: float | None
    key: KeyPath

    @property
    def text(self) -> str:
        """The limit in words."""
        q = self.quantity
        side = "at most" if self.sign > 0 else "at least"
        group = (
            "" if not q.axis else f" in deprivation fifth {q.group}" if q.axis == "quintile" else f" at ages {q.group}"
        )
        size = f"{self.limit:+.2%}" if self.relative else f"{self.limit:+g} {measures()[q.metric].unit}"
        draws = "on average" if self.quantile is None else f"in {self.quantile:.0%} of draws"
        return f"{measures()[q.metric].label}{group} {side} {size} against the baseline, {draws}"


def objectives_of(goals: Sequence[Goal], differences: F) -> F:
    """The objectives of mixes, all to be small.

    Parameters
    ----------
    goals : sequence of Goal
        The objectives.
    differences : ndarray of float64, shape (mixes, draws, quantities)
        Differences from the baseline in the units of the measures.

    Returns
    -------
    ndarray of float64, shape (mixes, objectives)
    """
    columns = []
    for goal in goals:
        values = goal.sign * differences[:, :, goal.at]
        columns.append(values.mean(axis=1) if goal.quantile is None else np.quantile(values, goal.quantile, axis=1))
    out: F = np.nan_to_num(np.stack(columns, axis=1), nan=REFUSED, posinf=REFUSED, neginf=REFUSED) + 0.0
    return out


def excesses_of(bounds: Sequence[Bound], differences: F, baseline: F) -> F:
    """By how much mixes exceed limits, as a share of the baseline's level; 0 or less where a limit is kept.

    Parameters
    ----------
    bounds : sequence of Bound
        The limits.
    differences : ndarray of float64, shape (mixes, draws, quantities)
        Differences from the baseline.
    baseline : ndarray of float64, shape (draws, quantities)
        Levels of the baseline.

    Returns
    -------
    ndarray of float64, shape (mixes, limits)
    """
    columns = [np.zeros((len(differences), 0))]
    for bound in bounds:
        level = float(np.abs(baseline[:, bound.at]).mean()) or 1.0
        values = differences[:, :, bound.at]
        if bound.relative:
            values, level = values / baseline[:, bound.at], 1.0
        values = bound.sign * values
        reached = values.mean(axis=1) if bound.quantile is None else np.quantile(values, bound.quantile, axis=1)
        excess = (reached - bound.sign * bound.limit) / level
        excess = np.where(np.abs(excess) < ROUNDING, 0.0, excess)
        columns.append(np.nan_to_num(excess, nan=REFUSED, posinf=REFUSED, neginf=REFUSED)[:, None])
    return np.concatenate(columns, axis=1)


def within(excesses: F) -> B:
    """Whether mixes keep every limit. Shape (mixes,)."""
    return np.asarray(excesses.max(axis=1, initial=0.0) <= 0.0, bool)


def beats(goal: Goal, differences: F) -> F:
    """Share of the draws in which mixes are better than the baseline. Shape (mixes,)."""
    out: F = (goal.sign * differences[:, :, goal.at] < 0.0).mean(axis=1)
    return out
