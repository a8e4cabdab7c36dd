"""Does the baseline stay where it is? Year by year beside what is published, and after a push.

`steadiness` divides what each year shows by what England's tables by age and deprivation imply for the people who live
there that year, and tests the ratio for a trend over the years. `stability` gives every seed a one-year push and asks
how much of the disturbance is left a year later: the largest eigenvalue of the yearly map, below 1 if the loops
together do not feed on themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from sim.analysis import Comparison
from sim.calibration import Calibrated, solution_for
from sim.fields import QUINTILES
from sim.results import Record
from sim.scenario import Scenario

F = npt.NDArray[np.float64]
CLOSE = 0.05
"""How far a year may be off, unless two standard errors of the mean over seeds allow more."""
PUSH = ("need_2", "acute_demand", "unmet_need", "spend_preventive")
"""The slow variables that a push is followed in."""


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
    from sim.fields import AGE_BAND_NAMES

    return np.array([calibrated.services[k].crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES])


def steadiness(baseline: Comparison) -> pd.DataFrame:
    """A row for each calibrated rate of a run of the baseline: mean over the years of seen / implied, the first and
    last year, the year furthest off, its allowance, how many years lie outside theirs, and the trend with its t
    value."""
    calibrated = solution_for(baseline.scenarios[0], baseline.place)
    records = baseline.records[baseline.baseline]
    rows = []
    for name, rate in rates(calibrated).items():
        pairs = [rate(r) for r in records]
        each = np.stack([p.seen / p.implied for p in pairs])
        mean = each.mean(axis=0)
        seeds, years = each.shape
        error = each.std(axis=0, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(years, np.nan)
        allowed = np.maximum(CLOSE, 2.0 * error)
        centred = np.arange(years) - (years - 1) / 2.0
        slopes = (each * centred).sum(axis=1) / max(1e-9, (centred**2).sum())
        spread = slopes.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan
        worst = int(np.argmax(np.abs(mean - 1.0) / allowed))
        rows.append(
            {
                "rate": name,
                "mean": mean.mean(),
                "first": mean[0],
                "last": mean[-1],
                "worst": mean[worst],
                "allowed": allowed[worst],
                "outside": int((np.abs(mean - 1.0) > allowed).sum()),
                "trend": slopes.mean(),
                "t": slopes.mean() / spread,
                "p": 2.0 * special.stdtr(seeds - 1, -abs(slopes.mean() / spread)),
                "years": years,
                "seeds": seeds,
            }
        )
    return pd.DataFrame(rows)


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
