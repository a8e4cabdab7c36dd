"""The part of chance in differences: what seeds do apart from what parameters do.

The difference of a state is the mean over its repeats, which have other chance events. Without draws the seeds are
crossed with the states: an effect that a seed has at every state moves all of them alike, so the spread between states
contains only the interaction of seeds and states (two-way analysis of variance without replication). With draws the
replicates lie within the states (one-way analysis of variance).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.spread import share_of_parameters
from sim.sweeps.paired import state_means

F = npt.NDArray[np.float64]
LEVEL = 0.95


class PointSpread(NamedTuple):
    """The mean of a difference over states, and the parts of its spread between states.

    Attributes
    ----------
    mean : float
        Mean over states.
    ci_low, ci_high : float or None
        95% interval of the mean: over seeds if these are crossed with states, else over draws. None with one repeat.
    chance_sd : float or None
        Standard deviation by chance of the difference of a state; None if each state was run once.
    parameter_sd : float or None
        Standard deviation between states by parameters and places.
    chance_share, chance_share_low, chance_share_high : float or None
        Part of the variance between states that is chance, with its 95% interval.
    """

    mean: float
    ci_low: float | None
    ci_high: float | None
    chance_sd: float | None
    parameter_sd: float | None
    chance_share: float | None
    chance_share_low: float | None
    chance_share_high: float | None


def point_spread(differences: F, *, is_crossed: bool, is_random: bool = True) -> PointSpread:
    """Split the spread between states.

    Parameters
    ----------
    differences : ndarray of float64, shape (states, repeats)
        NaN where a run is missing.
    is_crossed : bool
        Whether the repeats of all states have the same chance events.
    is_random : bool
        Whether there are chance events: the stock-flow twin has none.

    Returns
    -------
    PointSpread

    Examples
    --------
    Two states, two seeds; the second seed adds 2 at both, so that chance is no part of the spread between them.

    >>> point_spread(np.array([[0.0, 2.0], [10.0, 12.0]]), is_crossed=True)[:2]
    (6.0, -6.706204736174699)
    >>> point_spread(np.array([[0.0, 2.0], [10.0, 12.0]]), is_crossed=True).chance_share
    0.0
    """
    means = state_means(differences)
    means = means[np.isfinite(means)]
    states, repeats = len(means), differences.shape[1]
    if not states:
        return PointSpread(float("nan"), *[None] * 7)
    total = float(means.var(ddof=1)) if states > 1 else 0.0
    mean = float(means.mean())
    interval: tuple[float | None, float | None] = (None, None)
    if not is_crossed and states > 1:
        interval = t_interval(means)
    if not is_random:
        return PointSpread(mean, *interval, 0.0, total**0.5, 0.0, 0.0, 0.0)
    complete = differences[np.isfinite(differences).all(axis=1)]
    if is_crossed and repeats > 1 and len(complete):
        low, high = t_interval(complete.mean(axis=0))
        interval = mean + low - float(complete.mean()), mean + high - float(complete.mean())
    freedom, variance = _chance(differences, complete, is_crossed)
    if variance is None or states < 2:
        return PointSpread(mean, *interval, *[None] * 5)
    chance = min(variance, total)
    if total <= 0.0:
        return PointSpread(mean, *interval, variance**0.5, 0.0, 0.0, 0.0, 0.0)
    sds = chance**0.5, (total - chance) ** 0.5
    share, low_share, high_share = share_of_parameters(*sds, freedom)
    return PointSpread(mean, *interval, variance**0.5, sds[1], 1.0 - share, 1.0 - high_share, 1.0 - low_share)


def _chance(differences: F, complete: F, is_crossed: bool) -> tuple[int, float | None]:
    """Degrees of freedom and variance by chance of the difference of a state; None if it cannot be estimated."""
    if is_crossed:
        states, repeats = complete.shape
        if states < 2 or repeats < 2:
            return 0, None
        residuals = complete - complete.mean(axis=1, keepdims=True) - complete.mean(axis=0) + complete.mean()
        freedom = (states - 1) * (repeats - 1)
        return freedom, float((residuals**2).sum()) / freedom / repeats
    counts = np.isfinite(differences).sum(axis=1)
    freedom = int((counts[counts > 0] - 1).sum())
    if freedom < 1:
        return 0, None
    residuals = differences - state_means(differences)[:, None]
    return freedom, float(np.nansum(residuals**2)) / freedom * float((1.0 / counts[counts > 0]).mean())


def t_interval(values: F) -> tuple[float, float]:
    """The 95% interval of the mean of at least two values."""
    from scipy import stats

    reach = float(stats.t.ppf(0.5 + LEVEL / 2.0, len(values) - 1)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - reach, float(values.mean()) + reach


def state_intervals(differences: F, *, is_random: bool) -> tuple[F, F] | None:
    """Compute the 95% interval by chance of the difference of each state.

    Parameters
    ----------
    differences : ndarray of float64, shape (states, repeats)
        NaN where a run is missing.
    is_random : bool
        Whether there are chance events.

    Returns
    -------
    tuple of ndarray or None
        Ends of the intervals; infinite for a state with one repeat. None if no state was repeated.
    """
    from scipy import stats

    means = state_means(differences)
    if not is_random:
        return means, means
    counts = np.isfinite(differences).sum(axis=1)
    if not (counts > 1).any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the spread of one value
        sd = np.nanstd(differences, axis=1, ddof=1)
    freedom = np.maximum(counts - 1, 1)
    reach = stats.t.ppf(0.5 + LEVEL / 2.0, freedom) * sd / np.sqrt(np.maximum(counts, 1))
    reach = np.where(counts > 1, reach, np.inf)
    return means - reach, means + reach


def jackknife(estimates: F, estimate: float) -> tuple[float, float]:
    """Compute the 95% interval of a figure from those with each repeat left out.

    Parameters
    ----------
    estimates : ndarray of float64, shape (repeats,)
        The figure without each of the repeats.
    estimate : float
        The figure with all of them.

    Returns
    -------
    low, high : float
    """
    pseudo = len(estimates) * estimate - (len(estimates) - 1) * estimates
    low, high = t_interval(pseudo)
    middle = (low + high) / 2.0
    return estimate + low - middle, estimate + high - middle
