"""Robust choice: regret and satisficing of each policy over everything that is not known.

Regret of a policy at a point is the gain of the best policy there less its own (Savage 1951, J. Am. Stat. Assoc.
46:55). The baseline is one of the policies. Every policy is compared in the same repeats, that is with the same people
and chance events; a repeat that some policy lacks is left out. All points count alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.discovery.cases import CaseCounts, Interest, count_cases
from sim.discovery.chance import PointSpread, jackknife, point_spread, t_interval
from sim.discovery.dominance import Dominance, dominances
from sim.sweeps.paired import state_means

F = npt.NDArray[np.float64]
Interval = tuple[float | None, float | None]
MOST_COMPARED = 40
"""Largest number of policies in the tables of dominance and of the regret of each point."""


class PolicyChoice(NamedTuple):
    """What speaks for a policy and against it.

    Attributes
    ----------
    policy : str
        Name of the policy.
    spread : PointSpread
        Mean difference from the baseline, and its spread.
    q025, q975 : float
        Middle 95% of the differences of points.
    worst, best : float
        The worst and the best difference of a point.
    counts : CaseCounts
        Points of interest.
    satisficing : float
        Share of points that meet the condition: they are not of interest, if points of interest are failures.
    max_regret, mean_regret : float
        Largest and mean regret.
    max_regret_at : int
        Row of the point with the largest regret.
    max_regret_interval, mean_regret_interval : tuple
        95% intervals: of the regret at that point over its repeats, and of the mean over seeds (with draws: over
        draws). None with one repeat.
    best_share : float
        Share of points at which no policy is better.
    """

    policy: str
    spread: PointSpread
    q025: float
    q975: float
    worst: float
    best: float
    counts: CaseCounts
    satisficing: float
    max_regret: float
    max_regret_at: int
    max_regret_interval: Interval
    mean_regret: float
    mean_regret_interval: Interval
    best_share: float


class RobustChoice(NamedTuple):
    """Policies over the points at which all of them were run.

    Attributes
    ----------
    rows : list of PolicyChoice
        The policies, the baseline first.
    regrets : ndarray of float64, shape (policies, points)
        Regret of each policy at each point.
    states : ndarray of int, shape (points,)
        Rows of the states that are compared.
    dominances : list of Dominance
        Which policies dominate which, by their numbers in `rows`.
    compared : ndarray of int
        Numbers of the policies of `dominances`: those with the smallest largest regret.
    """

    rows: list[PolicyChoice]
    regrets: F
    states: npt.NDArray[np.intp]
    dominances: list[Dominance]
    compared: npt.NDArray[np.intp]


def common(levels: F) -> tuple[F, npt.NDArray[np.intp]]:
    """Keep the repeats that every policy has, and the states with some.

    Parameters
    ----------
    levels : ndarray of float64, shape (policies, states, repeats)
        NaN where a run is missing.

    Returns
    -------
    levels : ndarray of float64, shape (policies, states that are compared, repeats)
    states : ndarray of int
        Rows of these states.
    """
    shared = np.where(np.isnan(levels).any(axis=0), np.nan, levels)
    states = np.flatnonzero(np.isfinite(shared[0]).any(axis=1))
    return shared[:, states], states


def choose(names: tuple[str, ...], levels: F, interest: Interest, *, is_crossed: bool, is_random: bool) -> RobustChoice:
    """Compute regret, satisficing and dominance.

    Parameters
    ----------
    names : tuple of str
        Names of the policies, the baseline first.
    levels : ndarray of float64, shape (policies, states, repeats)
        Levels of the measure; NaN where a run is missing.
    interest : Interest
        The condition of satisficing, and the better direction.
    is_crossed : bool
        Whether the repeats of all states have the same chance events.
    is_random : bool
        Whether there are chance events.

    Returns
    -------
    RobustChoice
    """
    shared, states = common(levels)
    differences = shared - shared[:1]
    sign = -1.0 if interest.better == "down" else 1.0
    gains = state_means(sign * differences)
    regrets = gains.max(axis=0) - gains
    without = _without_each(sign * differences) if is_crossed else None
    best_without = None if without is None else without.max(axis=1)
    rows = []
    for k, name in enumerate(names):
        values = shared[k] if interest.of_level else differences[k]
        worst = int(regrets[k].argmax()) if len(states) else 0
        best = int(gains[:, worst].argmax())
        rows.append(
            _row(
                name,
                differences[k],
                count_cases(values, interest, is_random=is_random),
                regrets[k],
                sign * (differences[best, worst] - differences[k, worst]) if is_random else np.empty(0),
                None if without is None or best_without is None else (best_without - without[:, k]).mean(axis=1),
                is_crossed=is_crossed,
                is_random=is_random,
                interest=interest,
            )
        )
    shown = np.sort(np.argsort([row.max_regret for row in rows], kind="stable")[:MOST_COMPARED])
    pairs = dominances(gains[shown], None if without is None else without[:, shown])
    numbered = [pair._replace(policy=int(shown[pair.policy]), over=int(shown[pair.over])) for pair in pairs]
    return RobustChoice(rows, regrets, states, numbered, shown)


def _row(
    name: str,
    differences: F,
    counts: CaseCounts,
    regrets: F,
    against: F,
    without: F | None,
    *,
    is_crossed: bool,
    is_random: bool,
    interest: Interest,
) -> PolicyChoice:
    """The row of a policy.

    Parameters
    ----------
    name : str
        Name of the policy.
    differences : ndarray of float64, shape (states, repeats)
        Its differences from the baseline.
    counts : CaseCounts
        Its points of interest.
    regrets : ndarray of float64, shape (states,)
        Its regrets.
    against : ndarray of float64, shape (repeats,)
        Its regret in each repeat of the point where it is largest, against the best policy there.
    without : ndarray of float64, shape (repeats,), or None
        Its mean regret without each of the repeats.
    is_crossed, is_random : bool
        As in `choose`.
    interest : Interest
        The condition.

    Returns
    -------
    PolicyChoice
    """
    worst, mean = int(regrets.argmax()), float(regrets.mean())
    against = against[np.isfinite(against)]
    of_mean: Interval = (None, None)
    if without is not None and is_random:
        of_mean = jackknife(without, mean)
    elif not is_crossed and len(regrets) > 1:
        of_mean = t_interval(regrets)
    means = state_means(differences)
    share = counts.cases / counts.points
    ends = (float(means.max()), float(means.min()))
    return PolicyChoice(
        policy=name,
        spread=point_spread(differences, is_crossed=is_crossed, is_random=is_random),
        q025=float(np.quantile(means, 0.025)),
        q975=float(np.quantile(means, 0.975)),
        worst=ends[0] if interest.better == "down" else ends[1],
        best=ends[1] if interest.better == "down" else ends[0],
        counts=counts,
        satisficing=1.0 - share if interest.is_failure else share,
        max_regret=float(regrets[worst]),
        max_regret_at=worst,
        max_regret_interval=t_interval(against) if len(against) > 1 else (None, None),
        mean_regret=mean,
        mean_regret_interval=of_mean,
        best_share=float((regrets <= 0.0).mean()),
    )


def _without_each(gained: F) -> F | None:
    """Gains with each of the repeats left out, of the states that have all; None with fewer than two repeats."""
    complete = gained[:, np.isfinite(gained[0]).all(axis=1)]
    repeats = complete.shape[2]
    if repeats < 2 or not complete.shape[1]:
        return None
    total = complete.sum(axis=2)
    return np.stack([(total - complete[:, :, r]) / (repeats - 1) for r in range(repeats)])
