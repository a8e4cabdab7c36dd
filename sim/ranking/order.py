"""Ranks, ties, and how often each is best, from values of the same draws.

Every draw ranks all interventions once. Their means are ordered; two of them are distinguished only if the 95% interval
of the mean of their difference, draw by draw, excludes 0. No allowance is made for the number of pairs: of twenty pairs
without a difference, one is distinguished by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.summary import summary

F = npt.NDArray[np.float64]
BEST = 3
"""Number of interventions among which a place counts as high."""


class Standing(NamedTuple):
    """The place of one intervention by one criterion.

    Attributes
    ----------
    name : str
        The intervention.
    rank : int
        Place of its mean, 1 for the best. Equal means share a place.
    rank_low, rank_high : int
        Best and worst place: 1 more than the number that are clearly better, and the number that are not clearly worse.
    best, best_three : float
        Share of draws in which it is the best, and among the best three. A shared place is divided.
    tied : tuple of str
        The interventions from which it is not distinguished, best first.
    """

    name: str
    rank: int
    rank_low: int
    rank_high: int
    best: float
    best_three: float
    tied: tuple[str, ...]


def standings(values: Mapping[str, F]) -> tuple[Standing, ...]:
    """Rank interventions.

    Parameters
    ----------
    values : mapping of str to ndarray of float64, shape (draws,)
        The value of each in each draw; larger is better.

    Returns
    -------
    tuple of Standing
        The best mean first; of equal means, in the order of `values`.

    Examples
    --------
    >>> first, second = standings({"a": np.array([1.0, 2.0, 3.0]), "b": np.array([0.0, 1.1, 1.9])})
    >>> first.name, first.rank_high, first.best, second.tied
    ('a', 1, 1.0, ())
    """
    names = list(values)
    table = np.stack([values[name] for name in names])
    means = table.mean(axis=1)
    better = clearly_better(table)
    best, best_three = (chance_among_best(table, number) for number in (1, BEST))
    order = sorted(range(len(names)), key=lambda k: -means[k])
    out = []
    for k in order:
        tied = tuple(names[j] for j in order if j != k and not better[j, k] and not better[k, j])
        rank = 1 + int((means > means[k]).sum())
        low, high = 1 + int(better[:, k].sum()), len(names) - int(better[k].sum())
        out.append(Standing(names[k], rank, low, high, float(best[k]), float(best_three[k]), tied))
    return tuple(out)


def clearly_better(table: F) -> npt.NDArray[np.bool_]:
    """Test for each pair whether the first is clearly better than the second.

    Parameters
    ----------
    table : ndarray of float64, shape (interventions, draws)

    Returns
    -------
    ndarray of bool, shape (interventions, interventions)
        Whether the 95% interval of the mean of the difference lies above 0; false with one draw.
    """
    difference = table[:, None, :] - table[None, :, :]
    low: F = summary(np.moveaxis(difference, -1, 0))["ci_low"]
    out: npt.NDArray[np.bool_] = low > 0.0
    return out


def chance_among_best(table: F, number: int) -> F:
    """Compute the share of draws in which each is among the best.

    Parameters
    ----------
    table : ndarray of float64, shape (interventions, draws)
    number : int
        Number of places.

    Returns
    -------
    ndarray of float64, shape (interventions,)
        Their sum is `number`, or the number of interventions if that is smaller: those that share places share them
        equally.

    Examples
    --------
    >>> chance_among_best(np.array([[1.0, 3.0], [1.0, 2.0], [0.0, 1.0]]), 1).tolist()
    [0.75, 0.25, 0.0]
    """
    above = (table[None, :, :] > table[:, None, :]).sum(axis=1)
    equal = (table[None, :, :] == table[:, None, :]).sum(axis=1)
    out: F = np.clip((number - above) / equal, 0.0, 1.0).mean(axis=1)
    return out
