"""Whether a simulated effect fits a published figure: in its band, scraping it, or out; and whether that counts.

- `in band`: the 95% interval over all draws lies wholly in the band, and under every other condition (bases of seeds,
  further places, default parameters) the mean does.
- `scrapes`: the mean over all draws lies in the band, but the interval reaches beyond it, or the mean does so under
  some other condition.
- `out`: the mean over all draws lies outside the band.
- `no value`: the effect is a ratio, and what it is divided by may be 0.

A cost, such as pounds a QALY, is compared by its inverse, the effect of the money: the interval of an effect is a range
even where it includes 0, at which a cost has no limit.

A fit does not count as validation if a parameter cites a row of the evidence register from which the published figure
comes: agreement may then be what was put in. A miss counts all the same, because a shared source can only flatter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args

import numpy as np

from sim.results.expectation_tests import Estimate
from sim.results.number_text import fixed, is_share, number_text
from sim.scenario.parameters import parameters
from sim.validation.robustness import ConditionEffect

Fit = Literal["in band", "scrapes", "out", "no value", "not run"]
VALUES_ONLY = "valuation."
"""Parameters by which results are valued after a run: no simulated effect depends on them."""
FITS: tuple[Fit, ...] = get_args(Fit)
Standing = Literal["in band", "scrapes", "out", "not counted", "no value", "not run"]
"""A fit as it is counted: one that shares its source with a parameter is not counted unless it is out."""
STANDINGS: tuple[Standing, ...] = get_args(Standing)


def register_rows(source: str) -> set[str]:
    """List the rows of the evidence register that a source cites.

    Parameters
    ----------
    source : str
        Text of a source.

    Returns
    -------
    set of str

    Examples
    --------
    >>> sorted(register_rows("F01-F03, C20 [ES]"))
    ['C20', 'F01', 'F02', 'F03']
    """
    rows = set(re.findall(r"\b[A-F]\d{2}\b", source))
    for kind, first, last in re.findall(r"\b([A-F])(\d{2})-\1(\d{2})\b", source):
        rows |= {f"{kind}{k:02d}" for k in range(int(first), int(last) + 1)}
    return rows


@cache
def parameters_citing(source: str) -> tuple[str, ...]:
    """List the parameters whose source cites a row that another source cites too.

    Parameters
    ----------
    source : str
        The source of a published figure.

    Returns
    -------
    tuple of str
        Names of parameters. A parameter that takes only its direction from the row is among them.
    """
    rows = register_rows(source)
    return tuple(
        name
        for name, parameter in parameters().items()
        if register_rows(parameter.spec.source) & rows and not name.startswith(VALUES_ONLY)
    )


def fit_of(band: Sequence[float], estimate: Estimate | None) -> Fit:
    """Compare one estimate with a band.

    Parameters
    ----------
    band : sequence of float
        Lower and upper end.
    estimate : Estimate or None
        The effect; None without runs.

    Returns
    -------
    str
        An effect of a single seed, which has no interval, scrapes at best.

    Examples
    --------
    >>> estimate = Estimate.of(np.array([1.0, 2.0, 3.0]))
    >>> fit_of([-1.0, 5.0], estimate), fit_of([1.5, 5.0], estimate), fit_of([3.0, 5.0], estimate)
    ('in band', 'scrapes', 'out')
    """
    if estimate is None:
        return "not run"
    if np.isnan(estimate.value) or (estimate.each.size > 1 and np.isnan(estimate.error())):
        return "no value"
    low, high = band
    if not low < estimate.value < high:
        return "out"
    least, most = estimate.interval()
    return "in band" if low < least and most < high else "scrapes"


def fit_everywhere(band: Sequence[float], effects: Sequence[ConditionEffect]) -> Fit:
    """Compare an effect with a band under all conditions together.

    Parameters
    ----------
    band : sequence of float
        Lower and upper end.
    effects : sequence of ConditionEffect
        The effect over all draws first, then under each further condition.

    Returns
    -------
    str
    """
    total, *others = (fit_of(band, effect.estimate) for effect in effects)
    return "scrapes" if total == "in band" and "out" in others else total


def standing(fit: Fit, shares_source_with: Iterable[str]) -> Standing:
    """Count a fit, unless it shares its source with a parameter.

    Parameters
    ----------
    fit : str
        The fit.
    shares_source_with : iterable of str
        Parameters with the same source.

    Returns
    -------
    str
    """
    return "not counted" if fit in ("in band", "scrapes") and tuple(shares_source_with) else fit


def miss_text(
    published: float | None, band: Sequence[float], fit: Fit, estimate: Estimate | None, *, is_cost: bool = False
) -> str:
    """State a miss in words: by which factor an effect differs from the published one, or where it lies.

    Parameters
    ----------
    published : float or None
        The published figure.
    band : sequence of float
        Lower and upper end.
    fit : str
        The fit under all conditions.
    estimate : Estimate or None
        The effect over all draws.
    is_cost : bool
        Whether the published figure is a cost of the effect. All figures here are then effects of the same money.

    Returns
    -------
    str
        Empty for an effect in its band.

    Examples
    --------
    >>> miss_text(0.07, [0.03, 0.12], "out", Estimate.of(np.array([0.019, 0.02, 0.021])))
    'the simulated effect is 0.29 times the published one (0.25 to 0.32)'
    """
    if fit == "in band":
        return ""
    if fit == "not run" or estimate is None:
        return "there is no simulated effect"
    if fit == "no value":
        return "what it is divided by may be 0"
    low, high = band
    least, most = estimate.interval()
    if fit == "scrapes":
        return _scrape(low, high, least, most, is_cost=is_cost)
    if not published:
        return f"the simulated effect lies {'below' if estimate.value <= low else 'above'} the band"
    if is_cost:
        return _factor_of_costs(published, estimate)
    factor, *ends = (value / published for value in (estimate.value, least, most))
    between = "" if np.isnan(least) else f" ({min(ends):.2g} to {max(ends):.2g})"
    opposite = "has the opposite sign: " if factor < 0.0 else "is "
    return f"the simulated effect {opposite}{factor:.2g} times the published one{between}"


def _scrape(low: float, high: float, least: float, most: float, *, is_cost: bool) -> str:
    """The reason why an effect with its mean in the band is not in it."""
    if np.isnan(least):
        return "the mean lies in the band, and there is no interval"
    below, above = (least <= low, most >= high) if not is_cost else (most >= high, least <= low)
    if not below and not above:
        return "the mean lies outside the band under some other condition"
    side = "both ends" if below and above else "its lower end" if below else "its upper end"
    return f"the mean lies in the band, the interval reaches beyond {side}"


def _factor_of_costs(published: float, estimate: Estimate) -> str:
    """The factor between a simulated and a published cost, from the effects of the same money."""
    least, most = estimate.interval()
    if estimate.value <= 0.0:
        at_least = f"; the interval allows a cost of at least {published / most:.2g} times the published one"
        return f"the money gains nothing on average{at_least if most > 0.0 else ''}"
    ends = f"{published / most:.2g} to {published / least:.2g}" if least > 0.0 else f"at least {published / most:.2g}"
    between = "" if np.isnan(least) else f" ({ends})"
    return f"the simulated cost is {published / estimate.value:.2g} times the published one{between}"


def figures_text(figures: Mapping[Standing, int], limits: Mapping[Standing, int]) -> str:
    """Count the published figures by how the simulated effect fits.

    Parameters
    ----------
    figures, limits : mapping of str to int
        Number of published figures, and of bands without one, by standing.

    Returns
    -------
    str

    Examples
    --------
    >>> none = dict.fromkeys(STANDINGS, 0)
    >>> figures_text(none | {"in band": 1, "out": 2}, none)
    'Published figures: 1 of 3 in band, 0 scrape, 2 out, 0 not counted. Bands without one: none.'
    """
    parts = []
    for title, counted in (("Published figures", figures), ("Bands without one", limits)):
        total = sum(counted.values())
        text = f"{counted['in band']} of {total} in band, {counted['scrapes']} scrape, {counted['out']} out, "
        text += f"{counted['not counted']} not counted"
        text += "".join(f", {counted[name]} {name}" for name in ("no value", "not run") if counted[name])
        parts.append(f"{title}: {text if total else 'none'}.")
    return " ".join(parts)


def figure(value: float | None, unit: str) -> str:
    """State an effect with its sign: a share in per cent, any other number to three significant figures.

    Parameters
    ----------
    value : float or None
        The effect.
    unit : str
        Its unit.

    Returns
    -------
    str
    """
    if value is None or not math.isfinite(value):
        return "-"
    if is_share(unit):
        return number_text(value, unit, 3, signed=True, relative=True)
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return fixed(value, min(digits, 6), signed=True)


def effect_text(row: Mapping[str, Any]) -> str:
    """State a simulated effect and its interval.

    Parameters
    ----------
    row : mapping
        With `mean`, `ci_low`, `ci_high`, `unit` and `is_cost`.

    Returns
    -------
    str
        Such as "-6.3% (-7.1% to -5.5%)", and of a cost "20,400 (10,400 to 30,500)" or "no gain (from 27,000)".
    """
    mean, low, high = (_amount(row, row[name]) for name in ("mean", "ci_low", "ci_high"))
    if row["ci_low"] is None:
        return mean
    if not row["is_cost"]:
        return f"{mean} ({low} to {high})"
    limits = f"from {low}" if row["ci_high"] is None else f"{low} to {high}"
    return f"{'no gain' if row['mean'] is None else mean} ({limits})"


def published_text(row: Mapping[str, Any]) -> str:
    """State the published figure of a measure, "-" without one."""
    return _amount(row, row["published"])


def band_text(row: Mapping[str, Any]) -> str:
    """State the band of a measure."""
    return " to ".join(_amount(row, end) for end in row["band"])


def _amount(row: Mapping[str, Any], value: float | None) -> str:
    if row["is_cost"] and value is not None:
        return f"{float(f'{value:.3g}'):,.0f}"
    return figure(value, row["unit"])
