"""Cost of a QALY and break-even year of a policy: a number where it means what its name says, and else the reason.

A cost of a QALY exists for a policy that costs more and gains health. A policy that spends less and loses health has
a saving and a loss, and no price: its ratio reads as a bargain, and is none. A break-even year exists for a policy
that costs more first. The net value (`Comparison.money`) exists for every policy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.results.spread import Replicates, spread
from sim.results.summary import COVER

F = npt.NDArray[np.float64]
NO_DIFFERENCE = "no difference from the baseline"


class NetEffect(NamedTuple):
    """Costs and gains of a policy beyond the baseline, discounted and summed up to each year.

    Attributes
    ----------
    pounds, qalys : ndarray of float64, shape (seeds, years)
        Spending in pounds, and QALYs.
    replicates : tuple of Replicates or None
        The same of runs that repeat the draws of some seeds; None if all seeds have the same parameters.
    """

    pounds: F
    qalys: F
    replicates: tuple[Replicates, Replicates] | None = None


class CostVerdict(NamedTuple):
    """Value of a measure that is a comparison.

    Attributes
    ----------
    mean : float
        The value.
    q025, q975 : float
        Middle 95% of the seeds.
    ci_low, ci_high : float
        95% interval.
    note : str
        Explanation in words, or "".
    luck_sd, parameter_sd : float
        Standard deviations between seeds by chance events and by parameters; NaN where a standard deviation says
        nothing.
    """

    mean: float
    q025: float
    q975: float
    ci_low: float
    ci_high: float
    note: str
    luck_sd: float = np.nan
    parameter_sd: float = np.nan


def _interval(values: F) -> tuple[F, F]:
    """95% interval of the mean over the first axis; NaN with one seed."""
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    if seeds < 2:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return mean - half, mean + half


def _lasting(paid_back: npt.NDArray[np.bool_]) -> float:
    """The first year, counted from 1, from which all values are true; NaN if the last is not."""
    owing = np.flatnonzero(~paid_back)
    since = int(owing[-1]) + 1 if owing.size else 0
    return since + 1.0 if since < paid_back.size else np.nan


def costs_first(extra: F) -> bool:
    """Whether a policy costs more than the baseline in the first year in which its spending differs at all.

    Parameters
    ----------
    extra : ndarray of float64, shape (seeds, years)
        Spending beyond the baseline, summed up to each year.

    Returns
    -------
    bool
    """
    differs = (extra != 0.0).any(axis=0)
    return bool(differs.any()) and float(extra[:, int(np.argmax(differs))].mean()) > 0.0


def break_even(beyond: NetEffect) -> list[CostVerdict]:
    """Find the first year from whose end a policy that costs more first costs no more than the baseline.

    Parameters
    ----------
    beyond : NetEffect
        Costs and gains beyond the baseline.

    Returns
    -------
    list of CostVerdict
        For each horizon: one year, two years, and so on. NaN: not within the horizon, or nothing to recover.

    Notes
    -----
    Years before the policy makes any difference do not count. A policy that spends less from its first year has no
    cost to recover: NaN, and a note. The year is that of the mean over seeds. The interval runs from the first year in
    which the lower end of the 95% interval of the mean is 0 or less, to the first year in which the upper end is.
    """
    extra = beyond.pounds
    below, above = _interval(extra)
    mean = extra.mean(axis=0)
    differs = np.logical_or.accumulate((extra != 0.0).any(axis=0))
    has_cost = costs_first(extra)
    out = []
    for horizon in range(1, extra.shape[1] + 1):
        if not differs[horizon - 1]:
            out.append(_without_value("no difference in spending yet"))
            continue
        if not has_cost:
            out.append(_without_value("spends less from its first year: no cost to recover"))
            continue
        at = _lasting(((mean <= 0.0) & differs)[:horizon])
        soonest, surely = (_lasting(((edge <= 0.0) & differs)[:horizon]) for edge in (below, above))
        seeds = np.array([_lasting(((path <= 0.0) & differs)[:horizon]) for path in extra])
        ends = np.quantile(np.where(np.isnan(seeds), np.inf, seeds), [(1 - COVER) / 2, (1 + COVER) / 2], method="lower")
        low, high = (float(end) if np.isfinite(end) else np.nan for end in ends)
        within = f"within {horizon} year{'s' if horizon > 1 else ''}"
        note = ""
        if np.isnan(at):
            note = f"not {within}" + ("" if np.isnan(soonest) else "; the 95% interval does not exclude it")
        elif extra.shape[0] > 1 and np.isnan(surely):
            note = f"perhaps not {within}"
        out.append(CostVerdict(at, low, high, soonest, surely, note))
    return out


def _without_value(note: str) -> CostVerdict:
    return CostVerdict(np.nan, np.nan, np.nan, np.nan, np.nan, note)


def fieller(top: F, bottom: F) -> tuple[float, float]:
    """Compute Fieller's 95% interval of the ratio of two means of paired samples.

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (seeds,)
        Numerator and denominator.

    Returns
    -------
    low, high : float
        NaN, NaN where the interval is not bounded, or with one seed.
    """
    seeds = len(top)
    if seeds < 2:
        return np.nan, np.nan
    t2 = special.stdtrit(seeds - 1, (1 + COVER) / 2) ** 2 / seeds
    spread = np.cov(top, bottom)
    mean_top, mean_bottom = top.mean(), bottom.mean()
    a = mean_bottom**2 - t2 * spread[1, 1]
    b = mean_top * mean_bottom - t2 * spread[0, 1]
    c = mean_top**2 - t2 * spread[0, 0]
    if a <= 0.0:
        return np.nan, np.nan
    root = np.sqrt(max(0.0, b * b - a * c))
    return float((b - root) / a), float((b + root) / a)


def cost_per_qaly(beyond: NetEffect) -> list[CostVerdict]:
    """Compute pounds for each QALY gained, up to each year: the ratio of the means over seeds, with Fieller's interval.

    Parameters
    ----------
    beyond : NetEffect
        Costs and gains beyond the baseline.

    Returns
    -------
    list of CostVerdict
        For each year. NaN, and a note, unless the policy costs more and gains health, and the 95% intervals of both
        exclude 0.

    Notes
    -----
    The ratio of two small differences is the largest number in a table and the least certain: with a gain that may be
    0, it has no upper end. The middle of the seeds is not reported: ratios of single seeds mean little. The spread by
    chance and by parameters is that of the linear approximation of the ratio (the delta method).
    """
    out = [_price(pounds, qalys) for pounds, qalys in zip(beyond.pounds.T, beyond.qalys.T, strict=True)]
    prices = np.array([verdict.mean for verdict in out])
    gains = np.where(np.isnan(prices), np.nan, beyond.qalys.mean(axis=0))
    replicates = None
    if beyond.replicates is not None:
        of_pounds, of_qalys = beyond.replicates
        replicates = of_pounds._replace(values=(of_pounds.values - prices * of_qalys.values) / gains)
    deviations = zip(*spread((beyond.pounds - prices * beyond.qalys) / gains, replicates), strict=True)
    return [
        verdict._replace(luck_sd=float(luck), parameter_sd=float(parameters) if np.isfinite(luck) else np.nan)
        for verdict, (luck, parameters) in zip(out, deviations, strict=True)
    ]


def _price(pounds: F, qalys: F) -> CostVerdict:
    """The cost of a QALY up to one year, from the pounds and QALYs of each seed."""
    cost, gain = float(pounds.mean()), float(qalys.mean())
    if not np.any(pounds) and not np.any(qalys):
        return _without_value(NO_DIFFERENCE)
    kinds = {
        (False, False): "spends less and loses health: a saving and a loss, not the cost of a gain",
        (False, True): "spends less and gains health",
        (True, False): "costs more and gains no health",
        (True, True): "",
    }
    kind = kinds[cost > 0.0, gain > 0.0]
    if cost <= 0.0 and gain == 0.0:
        kind = "spends less and loses no health"
    unsure = " and of ".join(
        name for name, values in (("the cost", pounds), ("the health gained", qalys)) if _includes_zero(values)
    )
    if kind:
        return _without_value(f"{kind}; the 95% interval of {unsure} includes 0" if unsure else kind)
    if unsure:
        return _without_value(f"no ratio: the 95% interval of {unsure} includes 0")
    low, high = fieller(pounds, qalys)
    return CostVerdict(cost / gain, np.nan, np.nan, low, high, "")


def _includes_zero(values: F) -> bool:
    """Whether the 95% interval of a mean includes 0; false without an interval."""
    low, high = _interval(values)
    return bool(low <= 0.0 <= high)
