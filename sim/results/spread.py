"""The spread between runs, split into chance and parameters.

Runs of an ensemble with draws differ by their parameters and by their chance events. Some of them have a replicate: the
same draw of parameters with other chance events. The mean, over these pairs, of half the squared difference estimates
the variance by chance without bias. The variance between seeds is that of chance and parameters together, so the rest
is that of the parameters (the decomposition of variance of a one-way random-effects design).

A few pairs estimate a variance poorly: 5 pairs give its root to about a third. The share of chance changes little from
one year to the next, so it is pooled over the years from `POOLED_YEARS` before to `POOLED_YEARS` after: the sum of the
variances by chance over the sum of all variances. A share, and not the variance itself, is pooled, so that a year
without any spread (before a policy starts) keeps none. The share is cut to 0 to 1: the variances of chance and of
parameters are never negative, and add up to the variance between seeds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
POOLED_YEARS = 2
"""Years before and after a year whose pairs also count for its share of chance."""


class Replicates(NamedTuple):
    """Values of runs that repeat the draws of some seeds with other chance events.

    Attributes
    ----------
    rows : ndarray of int, shape (replicates,)
        Row of the seed whose draw is repeated, among the values of all seeds.
    values : ndarray of float64, shape (replicates, …)
        Values.
    steps_per_year : int
        Steps of time on the last axis in a year; 0 if the last axis is not time, so that nothing is pooled.
    """

    rows: npt.NDArray[np.intp]
    values: F
    steps_per_year: int = 0


def spread(values: F, replicates: Replicates | None = None) -> tuple[F, F]:
    """Split the standard deviation between seeds.

    Parameters
    ----------
    values : ndarray of float64, shape (seeds, …)
        Values of the seeds.
    replicates : Replicates, optional
        None if all seeds have the same parameters, so that all spread is chance.

    Returns
    -------
    luck_sd, parameter_sd : ndarray of float64, shape (…)
        Standard deviations between seeds by chance events alone, and by parameters alone. Their squares add up to the
        variance between seeds. NaN with one seed, or where draws have no replicates or there is no value.

    Examples
    --------
    Two draws of parameters, each run twice: chance moves the value by 1 or so, the parameters by 10.

    >>> pairs = Replicates(np.array([0, 1]), np.array([1.0, 12.0]))
    >>> [round(float(sd), 2) for sd in spread(np.array([0.0, 10.0]), pairs)]
    [1.12, 6.98]
    """
    seeds = values.shape[0]
    total = values.var(axis=0, ddof=1) if seeds > 1 else np.full(values.shape[1:], np.nan)
    if replicates is None:
        return np.sqrt(total), np.where(np.isnan(values.mean(axis=0)), np.nan, 0.0)
    if not len(replicates.rows):
        return np.full_like(total, np.nan), np.full_like(total, np.nan)
    luck = ((values[replicates.rows] - replicates.values) ** 2).mean(axis=0) / 2.0
    counted = np.isfinite(luck) & np.isfinite(total)
    of_luck, of_all = (
        _pooled(np.where(counted, variance, 0.0), replicates.steps_per_year) for variance in (luck, total)
    )
    share = np.clip(np.divide(of_luck, of_all, out=np.zeros_like(total), where=of_all > 0.0), 0.0, 1.0)
    share = np.where(counted, share, np.nan)
    return np.sqrt(total * share), np.sqrt(total * (1.0 - share))


def _pooled(variance: F, steps_per_year: int) -> F:
    """Sum of a variance over the neighbouring years of each step of the last axis."""
    if steps_per_year == 0 or variance.ndim == 0:
        return variance
    reach = POOLED_YEARS * steps_per_year
    steps = variance.shape[-1]
    sums = np.concatenate([np.zeros_like(variance[..., :1]), np.cumsum(variance, axis=-1)], axis=-1)
    at = np.arange(steps)
    out: F = sums[..., np.minimum(at + reach + 1, steps)] - sums[..., np.maximum(at - reach, 0)]
    return out


def share_of_parameters(luck_sd: float, parameter_sd: float, repeats: int) -> tuple[float, float, float]:
    """Compute the part of the variance between runs that is due to parameters, with its 95% interval.

    The variance by chance is known from a few repeated draws only. Its interval is that of a variance with one degree
    of freedom for each; the variance between all runs, which has many more, counts as known.

    Parameters
    ----------
    luck_sd, parameter_sd : float
        Standard deviations by chance and by parameters; at least one is above 0.
    repeats : int
        Number of repeated draws, at least 1.

    Returns
    -------
    share, low, high : float
        From 0 to 1.

    Examples
    --------
    >>> [round(part, 2) for part in share_of_parameters(1.0, 2.0, 5)]
    [0.8, 0.0, 0.92]
    """
    from scipy import stats

    chance = luck_sd**2 / (luck_sd**2 + parameter_sd**2)
    least, most = (repeats * chance / stats.chi2.ppf(level, repeats) for level in (0.975, 0.025))
    return 1.0 - chance, float(np.clip(1.0 - most, 0.0, 1.0)), float(np.clip(1.0 - least, 0.0, 1.0))
