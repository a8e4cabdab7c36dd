"""Tests whether the baseline is steady: year by year against the published figures, and after a push.

`ratios` divides the observed value of each calibrated rate in each year by the value that England's tables by age and
deprivation imply for the residents of that year. With some seeds, some years of some rates lie outside their allowance
by chance. `assess_stability` reports how many that would be, and runs three tests, each over all rates together, so
that a correct baseline is called unsteady at most once in twenty times (`FALSE_ALARM`): no year of any rate is off by
more than 5 %; no rate's mean over the years is off by more than 5 %; no rate has a trend. `stability` compares a run
with a one-year push of the budget with a run without it, and estimates how much of the disturbance is left a year
later: the largest eigenvalue of the yearly map, which is below 1 if the feedback loops together do not amplify
themselves. `drifts` counts, in a run whose parameters are drawn (each draw calibrated separately), the draws whose
baseline stays near its first year.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.results.comparison import Comparison
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import QUINTILES

F = npt.NDArray[np.float64]
CLOSE = 0.05
"""Allowed relative deviation of a year, unless two standard errors of the mean over seeds allow more."""
FALSE_ALARM = 0.05
"""Chance that `assess_stability` reports a fault although there is none; a third for each of its three tests."""
RESAMPLES = 500
DRIFT, DRIFT_YEARS, DRAWS_STEADY = 0.10, 10, 0.9
"""With drawn parameters: allowed relative drift of acute episodes from its first year, the number of years, and the
share of draws that must stay within that drift."""
PUSH = ("need_2", "acute_episodes", "unmet_need", "spend_preventive")
"""The slow variables in which a push is followed."""


class StabilityVerdict(NamedTuple):
    """The result of the stability tests of a run of the baseline, with the result expected from chance alone."""

    outside: int
    """Rate-years outside their allowance: 5 %, or two standard errors of the mean over seeds, where those are wider."""
    rate_years: int
    """All rate-years: the number of rates times the number of years."""
    expected_outside: float
    """Expected number outside if every rate were right: the mean over resamples."""
    expected_outside_q95: float
    """The number outside that 95 of 100 such runs do not exceed."""
    years_off: tuple[str, ...]
    """Rates with a year that is significantly more than 5 % off."""
    means_off: tuple[str, ...]
    """Rates whose mean over the years is significantly more than 5 % off."""
    means_outside: tuple[str, ...]
    """Rates whose mean over the years lies outside 5 % (or two standard errors), whether by chance or not."""
    drifting: tuple[str, ...]
    """Rates with a significant trend."""
    widest_error: float
    """Two standard errors of the mean over the years, for the rate where they are widest."""
    level: float
    """The chance of a false alarm of each of the three tests, over all rates and years."""

    @property
    def steady(self) -> bool:
        """Whether no test reports a fault and no mean lies outside its allowance."""
        return not (self.years_off or self.means_off or self.means_outside or self.drifting)


class Ratio(NamedTuple):
    """A calibrated rate by year: the observed value, and the value implied for the residents. Shapes (year,)."""

    observed: F
    implied: F


def _yearly(monthly: npt.NDArray[Any]) -> F:
    summed: F = monthly.astype(float).reshape(-1, 12, *monthly.shape[1:]).sum(axis=1)
    return summed


def rates(calibrated: Calibrated) -> dict[str, Callable[[Record], Ratio]]:
    """Every calibrated rate, by name: a function from a record to its observed and implied values."""
    services, domains, aims = calibrated.services, calibrated.domains, calibrated.aims
    ratio_of_rate: dict[str, Callable[[Record], Ratio]] = {}

    def walk_in_rate(k: int, row: int) -> Callable[[Record], Ratio]:
        walk_in = services[k].walk_in
        assert walk_in is not None
        d = next(i for i, domain in enumerate(domains) if domain.id == services[k].domain)
        table = aims.walk_in[row] + walk_in.arrives_with_crisis_share.value * aims.crises[d]

        def ratio(r: Record) -> Ratio:
            people = _yearly(r.monthly["people"])
            return Ratio(_yearly(r.monthly["opened"][:, k]).sum(axis=(1, 2)), (people * table.T).sum(axis=(1, 2)))

        return ratio

    def crisis_rate(k: int, d: int, quintile: int | None) -> Callable[[Record], Ratio]:
        bands = np.array([share > 0 for share in _shares(calibrated, k)])
        fifths = slice(None) if quintile is None else slice(quintile, quintile + 1)

        def ratio(r: Record) -> Ratio:
            counted = _yearly(r.monthly["census"][:, d].sum(axis=1)) * aims.crises[d].T * _shares(calibrated, k)
            observed = _yearly(r.monthly["opened"][:, k])
            return Ratio(
                observed[:, fifths][:, :, bands].sum(axis=(1, 2)), counted[:, fifths][:, :, bands].sum(axis=(1, 2))
            )

        return ratio

    def stock_rate(k: int, d: int) -> Callable[[Record], Ratio]:
        def ratio(r: Record) -> Ratio:
            census, share = r.monthly["census"][:, d], _shares(calibrated, k)
            implied = _yearly(census.sum(axis=1)) * aims.at_least[d, 3].T * share
            return Ratio((_yearly(census[:, 3]) * share).sum(axis=(1, 2)), implied.sum(axis=(1, 2)))

        return ratio

    def client_rate(k: int) -> Callable[[Record], Ratio]:
        activity, bands = services[k].activity, np.array(services[k].bands)
        assert activity is not None
        per_head = activity.caseload_per_thousand.value / 1000.0

        def ratio(r: Record) -> Ratio:
            people = _yearly(r.monthly["people"])[:, :, bands].sum(axis=(1, 2))
            return Ratio(_yearly(r.monthly["helped"][:, k]).sum(axis=1), people * per_head)

        return ratio

    row = 0
    for k, service in enumerate(services):
        d = next(i for i, domain in enumerate(domains) if domain.id == service.domain)
        if service.walk_in is not None:
            ratio_of_rate[service.measure or service.id] = walk_in_rate(k, row)
            row += 1
        if service.takes_crisis:
            ratio_of_rate[service.measure or service.id] = crisis_rate(k, d, None)
            if max(aims.crisis_months[d][np.array(service.bands)]) > 1.25:
                ratio_of_rate[f"{service.id} stock"] = stock_rate(k, d)
        if service.id in ("emergency_admission",):
            for q in range(QUINTILES):
                ratio_of_rate[f"{service.measure or service.id} Q{q + 1}"] = crisis_rate(k, d, q)
        if service.tier == "responsive" and service.statutory:
            ratio_of_rate[f"{service.id} clients"] = client_rate(k)
    return ratio_of_rate


def _shares(calibrated: Calibrated, k: int) -> F:
    from sim.schema.quantities import AGE_BAND_NAMES

    return np.array([calibrated.services[k].crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES])


def ratios(baseline: Comparison) -> dict[str, F]:
    """Observed over implied values of each calibrated rate that concerns any resident. Shapes (seed, year)."""
    calibrated = solution_for(baseline.scenarios[0], baseline.place)
    records = baseline.records[baseline.baseline]
    ratio_of_rate = {}
    for name, rate in rates(calibrated).items():
        pairs = [rate(r) for r in records]
        observed, implied = (np.stack(parts) for parts in zip(*pairs, strict=True))
        if implied.all():  # a small town may have no residents in some deprivation fifth
            ratio_of_rate[name] = observed / implied
    return ratio_of_rate


def _errors(ratios: F) -> F:
    """Standard errors of the mean over seeds (the next to last axis), for each year."""
    seeds = ratios.shape[-2]
    if seeds < 2:
        return np.full((*ratios.shape[:-2], ratios.shape[-1]), np.nan)
    error: F = ratios.std(axis=-2, ddof=1) / np.sqrt(seeds)
    return error


def _allowed(error: F) -> F:
    allowed: F = np.fmax(CLOSE, 2.0 * error)
    return allowed


def _slopes(ratios: F) -> F:
    """Least-squares slope over the years, for each seed."""
    centred = np.arange(ratios.shape[-1]) - (ratios.shape[-1] - 1) / 2.0
    slopes: F = (ratios * centred).sum(axis=-1) / max(1e-9, float((centred**2).sum()))
    return slopes


def _p_of(off: float, error: float, seeds: int) -> float:
    """Two-sided p value of a deviation `off` with standard error `error` over `seeds` seeds."""
    if not error > 0.0:
        return 1.0 if seeds < 2 or off == 0.0 else 0.0
    return float(min(1.0, 2.0 * special.stdtr(seeds - 1, -abs(off) / error)))


def yearly_fit(baseline: Comparison) -> pd.DataFrame:
    """Summarise the ratio of observed to implied values of each calibrated rate in a run of the baseline.

    Parameters
    ----------
    baseline : Comparison
        A run of the baseline.

    Returns
    -------
    pandas.DataFrame
        One row per rate: the mean over the years with its standard error, the first and last year, the year furthest
        off in units of its allowance, that allowance, the number of years outside their allowance, and the trend per
        year with its t and p values.
    """
    rows = []
    for name, ratio_by_year in ratios(baseline).items():
        mean, error = ratio_by_year.mean(axis=0), _errors(ratio_by_year)
        seeds, years = ratio_by_year.shape
        allowed = _allowed(error)
        slopes = _slopes(ratio_by_year)
        spread = slopes.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan
        worst = int(np.argmax(np.abs(mean - 1.0) / allowed))
        rows.append(
            {
                "rate": name,
                "mean": mean.mean(),
                "error": ratio_by_year.mean(axis=1).std(ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan,
                "first": mean[0],
                "last": mean[-1],
                "worst": mean[worst],
                "allowed": allowed[worst],
                "outside": int((np.abs(mean - 1.0) > allowed).sum()),
                "trend": slopes.mean(),
                "t": slopes.mean() / spread,
                "p": _p_of(float(slopes.mean()), float(spread), seeds),
                "years": years,
                "seeds": seeds,
            }
        )
    return pd.DataFrame(rows)


def assess_stability(baseline: Comparison, false_alarm: float = FALSE_ALARM) -> StabilityVerdict:
    """Test whether the baseline is steady, at a stated rate of false alarms.

    Parameters
    ----------
    baseline : Comparison
        A run of the baseline.
    false_alarm : float
        Chance that any of the three tests reports a fault although there is none.

    Returns
    -------
    StabilityVerdict
        The results of the tests, and the number of rate-years that chance alone would put outside their allowance.
    """
    ratio_of_rate = ratios(baseline)
    return assess_ratios(tuple(ratio_of_rate), np.stack(list(ratio_of_rate.values())), false_alarm)


def assess_ratios(names: tuple[str, ...], ratios: F, false_alarm: float = FALSE_ALARM) -> StabilityVerdict:
    """Apply the stability tests to ratios of shape (rate, seed, year); see `assess_stability`."""
    count, seeds, years = ratios.shape
    mean, error = ratios.mean(axis=1), _errors(ratios)
    year_off = np.abs(mean - 1.0)
    level = false_alarm / 3.0
    seed_means = ratios.mean(axis=2)
    mean_error = seed_means.std(axis=1, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(count, np.nan)
    mean_off = np.abs(seed_means.mean(axis=1) - 1.0)
    slopes = _slopes(ratios)
    slope_error = slopes.std(axis=1, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(count, np.nan)

    def p_beyond(distance: float, standard_error: float) -> float:
        """One-sided p value of a deviation this far beyond 5 % if the true deviation is 5 %."""
        return _p_of(distance - CLOSE, standard_error, seeds) / 2.0 if distance > CLOSE else 1.0

    years_off = [
        any(p_beyond(year_off[k, y], error[k, y]) < level / (count * years) for y in range(years)) for k in range(count)
    ]
    means_off = [p_beyond(mean_off[k], mean_error[k]) < level / count for k in range(count)]
    drifting = [_p_of(float(slopes[k].mean()), slope_error[k], seeds) < level / count for k in range(count)]
    chance = _outside_by_chance(ratios)

    def selected(which: list[bool]) -> tuple[str, ...]:
        return tuple(name for name, it in zip(names, which, strict=True) if it)

    return StabilityVerdict(
        outside=int((year_off > _allowed(error)).sum()),
        rate_years=count * years,
        expected_outside=float(chance.mean()),
        expected_outside_q95=float(np.quantile(chance, 0.95)),
        years_off=selected(years_off),
        means_off=selected(means_off),
        means_outside=selected(list(mean_off > _allowed(mean_error))),
        drifting=selected(drifting),
        widest_error=float(np.nan_to_num(2.0 * mean_error).max()),
        level=level,
    )


def _outside_by_chance(ratios: F) -> F:
    """Number of rate-years outside their allowance if every rate were right on average. Shape (resample,).

    Wild bootstrap: each resample multiplies a seed's deviations from the mean over seeds, in all rates and years, by
    a random sign, so that the correlations between years and between rates are preserved.
    """
    seeds = ratios.shape[1]
    if seeds < 2:
        return np.zeros(1)
    centred = (ratios - ratios.mean(axis=1, keepdims=True)) * np.sqrt(seeds / (seeds - 1.0))
    rng = np.random.default_rng(0)
    counts = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        resample = centred * rng.choice((-1.0, 1.0), seeds)[:, None]
        counts[k] = (np.abs(resample.mean(axis=1)) > _allowed(_errors(resample))).sum()
    return counts


class Stability(NamedTuple):
    """The largest eigenvalue (modulus) of the yearly map, with its middle 95 % over resampled seeds."""

    eigenvalue: float
    ci_low: float
    ci_high: float


def budget_push(baseline: Scenario, year: int = 2) -> Scenario:
    """The baseline with every budget line a fifth lower for one year."""
    start = baseline.months()[12 * (year - 1)]
    until = baseline.months()[12 * year]
    return baseline.with_policy("total_budget", value=0.8, start=start, until=until, name="pushed")


def stability(result: Comparison, after: int = 3, resamples: int = 400) -> Stability:
    """Estimate how fast a push dies away.

    Parameters
    ----------
    result : Comparison
        A comparison of the baseline with `budget_push`.
    after : int
        First year that is used, 1 the first of the run.
    resamples : int
        Number of bootstrap resamples of the seeds.

    Returns
    -------
    Stability
        The largest eigenvalue of the yearly map, with its interval.

    Notes
    -----
    The disturbance is the difference between the two runs of a seed (common random numbers) in a few slow variables,
    each divided by its standard deviation. The yearly map is the least-squares regression of the disturbance on that
    of the year before, pooled over seeds and years.
    """
    disturbances = np.stack(
        [
            result.values("pushed", result[name].metric) - result.values(result.baseline, result[name].metric)
            for name in PUSH
        ],
        axis=2,
    )[:, after - 1 :]
    disturbances = disturbances / np.maximum(1e-12, disturbances.std(axis=(0, 1)))

    def largest(seeds: npt.NDArray[np.int64]) -> float:
        before = disturbances[seeds, :-1].reshape(-1, len(PUSH))
        following = disturbances[seeds, 1:].reshape(-1, len(PUSH))
        yearly_map, *_ = np.linalg.lstsq(before, following, rcond=None)
        return float(np.abs(np.linalg.eigvals(yearly_map)).max())

    rng = np.random.default_rng(0)
    count = disturbances.shape[0]
    resampled = [largest(rng.integers(0, count, count)) for _ in range(resamples)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Stability(largest(np.arange(count)), float(low), float(high))


class Drifts(NamedTuple):
    """Drift of acute episodes under the baseline, for each draw of the parameters."""

    seeds: tuple[int, ...]
    furthest: tuple[float, ...]
    """The year furthest from the first, relative to it."""
    last: tuple[float, ...]
    """The last year, relative to the first."""
    years: int
    within: int
    """Number of draws whose acute episodes stay within `DRIFT` of its first year in every year."""
    ci_low: float
    ci_high: float
    """95 % interval (Clopper-Pearson) of the share of such draws."""
    p: float
    """Probability of this number or fewer if nine draws in ten stay within `DRIFT`."""

    @property
    def share(self) -> float:
        """The share of draws that stay within `DRIFT`."""
        return self.within / len(self.furthest)

    @property
    def met(self) -> bool:
        """Whether at least nine draws in ten stay within `DRIFT`."""
        return self.share >= DRAWS_STEADY


def drifts(result: Comparison) -> Drifts:
    """Count the draws that keep acute episodes near those of the first year.

    Each seed of the run is one draw, simulated in one town, so a drift includes the random variation of that town.
    """
    demand = result.values(result.baseline, result["acute_episodes"].metric)[:, :DRIFT_YEARS]
    drift = demand / demand[:, :1] - 1.0
    furthest = drift[np.arange(len(drift)), np.abs(drift).argmax(axis=1)]
    within, count = int((np.abs(furthest) < DRIFT).sum()), len(drift)
    interval = stats.binomtest(within, count).proportion_ci(0.95, method="exact")
    return Drifts(
        seeds=result.seeds,
        furthest=tuple(map(float, furthest)),
        last=tuple(map(float, drift[:, -1])),
        years=demand.shape[1],
        within=within,
        ci_low=float(interval.low),
        ci_high=float(interval.high),
        p=float(stats.binom.cdf(within, count, DRAWS_STEADY)),
    )
