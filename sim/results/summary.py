"""Summaries over seeds: mean, middle 95% of the runs, the 95% interval of the mean, and the spread by its causes.

The interval of the mean is Student's, cut at the ends of the range of the measure: a rate is at least 0, a share lies
between 0 and 1. The mean itself lies in the range, so the cut interval covers the mean exactly as often as the uncut
one; an interval of a transformed mean (logarithm, logit) would also stay in the range, but no longer agree with the
intervals of the paired differences. A difference may be negative; a difference of shares lies between -1 and 1.

Replicates (sim/results/spread.py) divide the spread of runs into chance and parameters. They enter nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.results.spread import Replicates, spread

if TYPE_CHECKING:
    import pandas as pd

F = npt.NDArray[np.float64]
COVER = 0.95
"""Share of the seeds, or of the sampling distribution, that a band covers."""
BAND = ["mean", "q025", "q975"]
SUMMARY = [*BAND, "ci_low", "ci_high", "luck_sd", "parameter_sd"]
Limits = tuple[float, float]
"""Smallest and largest possible value."""
UNLIMITED: Limits = (-np.inf, np.inf)
AT_LEAST_ZERO: Limits = (0.0, np.inf)


def cut(mean: F, half: F, limits: Limits | tuple[F, F] = UNLIMITED) -> tuple[F, F]:
    """Make an interval about a mean, cut at the limits of what it measures.

    Parameters
    ----------
    mean, half : ndarray of float64, shape (…)
        Middle and half width.
    limits : tuple of float or of ndarray
        Smallest and largest possible value. A mean beyond them, by rounding, stays inside its interval.

    Returns
    -------
    low, high : ndarray of float64, shape (…)

    Examples
    --------
    >>> [float(end) for end in cut(np.float64(2.0), np.float64(3.0), (0.0, np.inf))]
    [0.0, 5.0]
    """
    low, high = limits
    return np.maximum(mean - half, np.minimum(low, mean)), np.minimum(mean + half, np.maximum(high, mean))


def summary(values: F, limits: Limits | tuple[F, F] = UNLIMITED, replicates: Replicates | None = None) -> dict[str, F]:
    """Summarise values over seeds.

    Parameters
    ----------
    values : ndarray of float64, shape (seeds, …)
        Values.
    limits : tuple of float or of ndarray
        Smallest and largest possible value.
    replicates : Replicates, optional
        Values of runs that repeat the draws of some seeds with other chance events; None if all seeds have the same
        parameters.

    Returns
    -------
    dict of str to ndarray of float64, shape (…)
        `mean`; `q025` and `q975`, the middle 95% of the seeds; `ci_low` and `ci_high`, the 95% interval of the mean by
        Student's t, cut at the limits, NaN with one seed; `luck_sd` and `parameter_sd`, the standard deviations between
        seeds by chance events and by parameters.

    Examples
    --------
    >>> {name: round(float(value), 2) for name, value in summary(np.array([1.0, 2.0, 3.0])).items()}
    {'mean': 2.0, 'q025': 1.05, 'q975': 2.95, 'ci_low': -0.48, 'ci_high': 4.48, 'luck_sd': 1.0, 'parameter_sd': 0.0}
    """
    seeds = values.shape[0]
    mean = values.mean(axis=0) + 0.0  # no -0.0
    low, high = np.quantile(values, [(1 - COVER) / 2, (1 + COVER) / 2], axis=0)
    half = np.full_like(mean, np.nan)
    if seeds > 1:
        half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    ci_low, ci_high = cut(mean, half, limits)
    luck_sd, parameter_sd = spread(values, replicates)
    return {
        "mean": mean, "q025": low, "q975": high, "ci_low": ci_low, "ci_high": ci_high, "luck_sd": luck_sd,
        "parameter_sd": parameter_sd,
    }  # fmt: skip


def summarise(values: F, limits: Limits = UNLIMITED) -> pd.DataFrame:
    """Summarise values over seeds as a table.

    Parameters
    ----------
    values : ndarray of float64, shape (seeds, time)
        Values.
    limits : tuple of float
        Smallest and largest possible value.

    Returns
    -------
    pandas.DataFrame
        A row for each time, with the columns of `summary`.
    """
    import pandas as pd

    return pd.DataFrame(summary(values, limits))
