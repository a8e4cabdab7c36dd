"""Whether a simulated effect fits a published figure: in its band, scraping it, or out; and whether that counts.

- `in band`: the 95% interval over all draws lies wholly in the band, and under every other condition (bases of seeds,
  further places, default parameters) the mean does.
- `scrapes`: the mean over all draws lies in the band, but the interval reaches beyond it, or the mean does so under
  some other condition.
- `out`: the mean over all draws lies outside the band.

A fit does not count as validation if a parameter cites a row of the evidence register from which the published figure
comes: agreement may then be what was put in. A miss counts all the same, because a shared source can only flatter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np

from sim.results.expectation_tests import Estimate
from sim.scenario.parameters import parameters
from sim.validation.robustness import ConditionEffect

Fit = Literal["in band", "scrapes", "out", "not run"]
FITS: tuple[Fit, ...] = get_args(Fit)
Standing = Literal["in band", "scrapes", "out", "not counted", "not run"]
"""A fit as it is counted: one that shares its source with a parameter is not counted unless it is out."""
STANDINGS: tuple[Standing, ...] = get_args(Standing)
CLOSE_TO_ONE = 0.05
"""Difference of a ratio from 1 within which a simulated effect is stated to be as large as the published one."""


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
    return tuple(name for name, parameter in parameters().items() if register_rows(parameter.spec.source) & rows)


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
        Without an interval, an effect in the band scrapes.

    Examples
    --------
    >>> estimate = Estimate.of(np.array([1.0, 2.0, 3.0]))
    >>> fit_of([-1.0, 5.0], estimate), fit_of([1.5, 5.0], estimate), fit_of([3.0, 5.0], estimate)
    ('in band', 'scrapes', 'out')
    """
    if estimate is None or np.isnan(estimate.value):
        return "not run"
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


def miss_text(published: float | None, band: Sequence[float], fit: Fit, estimate: Estimate | None) -> str:
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
    if estimate is None or np.isnan(estimate.value):
        return "there is no simulated effect"
    low, high = band
    least, most = estimate.interval()
    if fit == "scrapes" and low < least and most < high:
        return "the mean lies outside the band under some other condition"
    if fit == "scrapes":
        side = "both ends" if least <= low and most >= high else "its lower end" if least <= low else "its upper end"
        reaches = f"the mean lies in the band, the interval reaches beyond {side}"
        return reaches if not np.isnan(least) else "the mean lies in the band, and there is no interval"
    where = f"the simulated effect lies {'below' if estimate.value <= low else 'above'} the band"
    if not published:
        return where
    factor = estimate.value / published
    ends = sorted((least / published, most / published))
    between = "" if np.isnan(least) else f" ({ends[0]:.2g} to {ends[1]:.2g})"
    if factor < 0.0:
        return f"the simulated effect has the opposite sign: {factor:.2g} times the published one{between}"
    if abs(factor - 1.0) < CLOSE_TO_ONE:
        return where
    return f"the simulated effect is {factor:.2g} times the published one{between}"
