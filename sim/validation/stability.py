"""Does the baseline stay where it is? Year by year beside what is published, and after a push.

`steadiness` divides what each year shows by what England's tables by age and deprivation imply for the people who live
there that year. With some seeds, some years of some rates lie outside their allowance by chance: `judged` says how many
that would be, and tests three things, each over all rates together, so that a baseline that is right is called unsteady
once in twenty times (`FALSE_ALARM`) at most: no year of any rate is off by more than 5 %; nor is any rate's mean over
the years; no rate has a trend. `stability` gives every seed a one-year push and asks how much of the disturbance is
left a year later: the largest eigenvalue of the yearly map, below 1 if the loops together do not feed on themselves.
`drifts` asks of a run whose parameters are drawn, each draw calibrated for itself, how many draws have a baseline that
stays where it began.
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
"""How far a year may be off, unless two standard errors of the mean over seeds allow more."""
FALSE_ALARM = 0.05
"""Chance that `judged` finds something though nothing is wrong; a third for each of its three tests."""
RESAMPLES = 500
DRIFT, DRIFT_YEARS, DRAWS_STEADY = 0.10, 10, 0.9
"""With parameters drawn: how far acute demand may drift from its first year in so many years, in which share of draws
it has to stay."""
PUSH = ("need_2", "acute_demand", "unmet_need", "spend_preventive")
"""The slow variables that a push is followed in."""


class StabilityVerdict(NamedTuple):
    """What a run of the baseline says of its steadiness, beside what chance alone would do."""

    outside: int
    """Rate-years outside their allowance: 5 %, or two standard errors of the mean over seeds, where those are wider."""
    of: int
    by_chance: float
    """How many would be, if every rate were right: the mean over resamples."""
    by_chance_most: float
    """And in 95 of 100 such runs at most so many."""
    years_off: tuple[str, ...]
    """Rates with a year more than 5 % off, clear of chance."""
    means_off: tuple[str, ...]
    """Rates whose mean over the years is more than 5 % off, clear of chance."""
    means_outside: tuple[str, ...]
    """Rates whose mean over the years lies outside 5 % (or two standard errors), by chance or not."""
    drifting: tuple[str, ...]
    """Rates with a trend, clear of chance."""
    doubt: float
    """Two standard errors of the mean over the years, of the rate where they are widest."""
    level: float
    """The chance of a false alarm of each of the three tests, over all rates and years."""

    @property
    def steady(self) -> bool:
        """Whether none of the tests found anything, and no mean lies outside."""
        return not (self.years_off or self.means_off or self.means_outside or self.drifting)


class Ratio(NamedTuple):
    """A calibrated rate: what was seen a year, and what is implied for the people there. Shapes (year,)."""

    seen: F
    implied: F


def _yearly(monthly: npt.NDArray[Any]) -> F:
    summed: F = monthly.astype(float).reshape(-1, 12, *monthly.shape[1:]).sum(axis=1)
    return summed


def rates(calibrated: Calibrated) -> dict[str, Callable[[Record], Ratio]]:
    """Every calibrated rate of a run, by name."""
    services, domains, aims = calibrated.services, calibrated.domains, calibrated.aims
    found: dict[str, Callable[[Record], Ratio]] = {}

    def door(k: int, row: int) -> Callable[[Record], Ratio]:
        walk_in = services[k].walk_in
        assert walk_in is not None
        d = next(i for i, domain in enumerate(domains) if domain.id == services[k].domain)
        table = aims.walk_in[row] + walk_in.arrives_with_crisis_share.value * aims.crises[d]

        def ratio(r: Record) -> Ratio:
            people = _yearly(r.monthly["people"])
            return Ratio(_yearly(r.monthly["opened"][:, k]).sum(axis=(1, 2)), (people * table.T).sum(axis=(1, 2)))

        return ratio

    def crises(k: int, d: int, quintile: int | None) -> Callable[[Record], Ratio]:
        bands = np.array([share > 0 for share in _shares(calibrated, k)])
        fifths = slice(None) if quintile is None else slice(quintile, quintile + 1)

        def ratio(r: Record) -> Ratio:
            counted = _yearly(r.monthly["census"][:, d].sum(axis=1)) * aims.crises[d].T * _shares(calibrated, k)
            seen = _yearly(r.monthly["opened"][:, k])
            return Ratio(
                seen[:, fifths][:, :, bands].sum(axis=(1, 2)), counted[:, fifths][:, :, bands].sum(axis=(1, 2))
            )

        return ratio

    def stock(k: int, d: int) -> Callable[[Record], Ratio]:
        def ratio(r: Record) -> Ratio:
            census, share = r.monthly["census"][:, d], _shares(calibrated, k)
            implied = _yearly(census.sum(axis=1)) * aims.at_least[d, 3].T * share
            return Ratio((_yearly(census[:, 3]) * share).sum(axis=(1, 2)), implied.sum(axis=(1, 2)))

        return ratio

    def clients(k: int) -> Callable[[Record], Ratio]:
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
            found[service.measure or service.id] = door(k, row)
            row += 1
        if service.takes_crisis:
            found[service.measure or service.id] = crises(k, d, None)
            if max(aims.crisis_months[d][np.array(service.bands)]) > 1.25:
                found[f"{service.id} stock"] = stock(k, d)
        if service.id in ("emergency_admission",):
            for q in range(QUINTILES):
                found[f"{service.measure or service.id} Q{q + 1}"] = crises(k, d, q)
        if service.tier == "responsive" and service.statutory:
            found[f"{service.id} clients"] = clients(k)
    return found


def _shares(calibrated: Calibrated, k: int) -> F:
    from sim.schema.quantities import AGE_BAND_NAMES

    return np.array([calibrated.services[k].crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES])


def ratios(baseline: Comparison) -> dict[str, F]:
    """Seen over implied for each calibrated rate of a run of the baseline, of those that concern somebody who lives
    there. Shapes (seed, year)."""
    calibrated = solution_for(baseline.scenarios[0], baseline.place)
    records = baseline.records[baseline.baseline]
    found = {}
    for name, rate in rates(calibrated).items():
        pairs = [rate(r) for r in records]
        seen, implied = (np.stack(parts) for parts in zip(*pairs, strict=True))
        if implied.all():  # a small town may have nobody of some fifth
            found[name] = seen / implied
    return found


def _errors(each: F) -> F:
    """Standard errors of the mean over seeds (the next to last axis), for each year."""
    seeds = each.shape[-2]
    if seeds < 2:
        return np.full((*each.shape[:-2], each.shape[-1]), np.nan)
    error: F = each.std(axis=-2, ddof=1) / np.sqrt(seeds)
    return error


def _allowed(error: F) -> F:
    allowed: F = np.fmax(CLOSE, 2.0 * error)
    return allowed


def _slopes(each: F) -> F:
    """Least-squares slope over the years, for each seed."""
    centred = np.arange(each.shape[-1]) - (each.shape[-1] - 1) / 2.0
    slopes: F = (each * centred).sum(axis=-1) / max(1e-9, float((centred**2).sum()))
    return slopes


def _p_of(off: float, error: float, seeds: int) -> float:
    """Two-sided chance of being so far off by luck."""
    if not error > 0.0:
        return 1.0 if seeds < 2 or off == 0.0 else 0.0
    return float(min(1.0, 2.0 * special.stdtr(seeds - 1, -abs(off) / error)))


def yearly_fit(baseline: Comparison) -> pd.DataFrame:
    """A row for each calibrated rate of a run of the baseline: mean over the years of seen / implied with its standard
    error, the first and last year, the year furthest off, its allowance, how many years lie outside theirs, and the
    trend with its t value."""
    rows = []
    for name, each in ratios(baseline).items():
        mean, error = each.mean(axis=0), _errors(each)
        seeds, years = each.shape
        allowed = _allowed(error)
        slopes = _slopes(each)
        spread = slopes.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan
        worst = int(np.argmax(np.abs(mean - 1.0) / allowed))
        rows.append(
            {
                "rate": name,
                "mean": mean.mean(),
                "error": each.mean(axis=1).std(ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan,
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
    """Whether the baseline is steady, by tests whose false alarms are stated, and how many rate-years chance alone
    would put outside."""
    found = ratios(baseline)
    return judge(tuple(found), np.stack(list(found.values())), false_alarm)


def judge(names: tuple[str, ...], each: F, false_alarm: float = FALSE_ALARM) -> StabilityVerdict:
    """The same from the ratios themselves. Shape (rate, seed, year)."""
    count, seeds, years = each.shape
    mean, error = each.mean(axis=1), _errors(each)
    off = np.abs(mean - 1.0)
    level = false_alarm / 3.0
    whole = each.mean(axis=2)
    whole_error = whole.std(axis=1, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(count, np.nan)
    whole_off = np.abs(whole.mean(axis=1) - 1.0)
    slopes = _slopes(each)
    slope_error = slopes.std(axis=1, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(count, np.nan)

    def beyond(distance: float, of: float) -> float:
        """Chance of lying so far beyond 5 % if the truth is at 5 %, on one of its two sides."""
        return _p_of(distance - CLOSE, of, seeds) / 2.0 if distance > CLOSE else 1.0

    years_off = [
        any(beyond(off[k, y], error[k, y]) < level / (count * years) for y in range(years)) for k in range(count)
    ]
    means_off = [beyond(whole_off[k], whole_error[k]) < level / count for k in range(count)]
    drifting = [_p_of(float(slopes[k].mean()), slope_error[k], seeds) < level / count for k in range(count)]
    chance = _outside_by_chance(each)

    def named(which: list[bool]) -> tuple[str, ...]:
        return tuple(name for name, it in zip(names, which, strict=True) if it)

    return StabilityVerdict(
        outside=int((off > _allowed(error)).sum()),
        of=count * years,
        by_chance=float(chance.mean()),
        by_chance_most=float(np.quantile(chance, 0.95)),
        years_off=named(years_off),
        means_off=named(means_off),
        means_outside=named(list(whole_off > _allowed(whole_error))),
        drifting=named(drifting),
        doubt=float(np.nan_to_num(2.0 * whole_error).max()),
        level=level,
    )


def _outside_by_chance(each: F) -> F:
    """Rate-years outside their allowance in runs like this one whose every rate is right on average, resample by
    resample: what a seed has over the mean of all, in every rate and year, is turned round or not by the toss of a
    coin (the wild bootstrap), so that years and rates stay as alike as they are."""
    seeds = each.shape[1]
    if seeds < 2:
        return np.zeros(1)
    centred = (each - each.mean(axis=1, keepdims=True)) * np.sqrt(seeds / (seeds - 1.0))
    dice = np.random.default_rng(0)
    counts = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        drawn = centred * dice.choice((-1.0, 1.0), seeds)[:, None]
        counts[k] = (np.abs(drawn.mean(axis=1)) > _allowed(_errors(drawn))).sum()
    return counts


class Stability(NamedTuple):
    """The largest eigenvalue (modulus) of the yearly map, with its middle 95 % over resampled seeds."""

    eigenvalue: float
    low: float
    high: float


def pushed(baseline: Scenario, year: int = 2) -> Scenario:
    """The baseline with every budget line a fifth lower for one year."""
    start = baseline.months()[12 * (year - 1)]
    until = baseline.months()[12 * year]
    return baseline.with_policy("total_budget", value=0.8, start=start, until=until, name="pushed")


def stability(result: Comparison, after: int = 3, resamples: int = 400) -> Stability:
    """How a push dies away. `result` compares the baseline with `pushed`; years from `after` on are used.

    The disturbance is the difference between the two runs of a seed (same luck) in a few slow variables, each divided
    by its own spread; the yearly map is its least-squares regression on the year before, pooled over seeds and years.
    """
    pushes = np.stack(
        [
            result.values("pushed", result[name].metric) - result.values(result.baseline, result[name].metric)
            for name in PUSH
        ],
        axis=2,
    )[:, after - 1 :]
    pushes = pushes / np.maximum(1e-12, pushes.std(axis=(0, 1)))

    def largest(seeds: npt.NDArray[np.int64]) -> float:
        before = pushes[seeds, :-1].reshape(-1, len(PUSH))
        then = pushes[seeds, 1:].reshape(-1, len(PUSH))
        step, *_ = np.linalg.lstsq(before, then, rcond=None)
        return float(np.abs(np.linalg.eigvals(step)).max())

    dice = np.random.default_rng(0)
    count = pushes.shape[0]
    spread = [largest(dice.integers(0, count, count)) for _ in range(resamples)]
    low, high = np.quantile(spread, [0.025, 0.975])
    return Stability(largest(np.arange(count)), float(low), float(high))


class Drifts(NamedTuple):
    """How far acute demand drifts under the baseline, draw by draw of the parameters."""

    seeds: tuple[int, ...]
    furthest: tuple[float, ...]
    """The year furthest from the first, relative to it."""
    last: tuple[float, ...]
    """The last year, relative to the first."""
    years: int
    within: int
    """Draws no year of which is further off than `DRIFT`."""
    low: float
    high: float
    """95 % interval (Clopper-Pearson) of the share of draws like that."""
    p: float
    """Chance of so few or fewer, if nine draws in ten are like that."""

    @property
    def share(self) -> float:
        """The share of draws that stay."""
        return self.within / len(self.furthest)

    @property
    def met(self) -> bool:
        """Whether at least nine draws in ten stay."""
        return self.share >= DRAWS_STEADY


def drifts(drawn: Comparison) -> Drifts:
    """How many draws keep acute demand near its first year. Each seed of the run is a draw; its drift holds the luck of
    its one town too."""
    demand = drawn.values(drawn.baseline, drawn["acute_demand"].metric)[:, :DRIFT_YEARS]
    away = demand / demand[:, :1] - 1.0
    furthest = away[np.arange(len(away)), np.abs(away).argmax(axis=1)]
    within, count = int((np.abs(furthest) < DRIFT).sum()), len(away)
    sure = stats.binomtest(within, count).proportion_ci(0.95, method="exact")
    return Drifts(
        seeds=drawn.seeds,
        furthest=tuple(map(float, furthest)),
        last=tuple(map(float, away[:, -1])),
        years=demand.shape[1],
        within=within,
        low=float(sure.low),
        high=float(sure.high),
        p=float(stats.binom.cdf(within, count, DRAWS_STEADY)),
    )
