"""Present values: the Green Book's discount rates fall in steps, after year 30 for the first time.

The first year of a run is year 0 of the Green Book and counts in full. The factor of a year is the product over all
years up to it, so a lower rate from year 31 on does not touch the years before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.scenario.valuation import valuation_file

F = npt.NDArray[np.float64]
Schedule = Literal["money", "health"]
"""Rates of pounds, and rates of effects on health and life."""


def yearly_rates(years: int, schedule: Schedule, first_rate: float | None = None) -> F:
    """List the discount rate of each year.

    Parameters
    ----------
    years : int
        Number of years.
    schedule : {"money", "health"}
        The schedule of rates.
    first_rate : float, optional
        Rate of the first step, by default the schedule's. Later steps are in proportion to it.

    Returns
    -------
    ndarray of float64, shape (years,)
        Rates per year; year 0 has the rate of the first step, which its factor does not use.

    Examples
    --------
    >>> yearly_rates(32, "money")[[1, 30, 31]].tolist()
    [0.035, 0.035, 0.03]
    """
    steps = valuation_file().steps
    firsts = np.array([step.first for step in steps])
    rates = np.array([getattr(step, schedule) for step in steps])
    scale = 1.0 if first_rate is None or first_rate == rates[0] else first_rate / rates[0]
    out: F = scale * rates[np.searchsorted(firsts, np.arange(years), side="right") - 1]
    return out


@lru_cache
def discount_factors(years: int, schedule: Schedule, first_rate: float | None = None) -> F:
    """Compute the discount factor of each year.

    Parameters
    ----------
    years : int
        Number of years.
    schedule : {"money", "health"}
        The schedule of rates.
    first_rate : float, optional
        Rate of the first step, by default the schedule's. Later steps are in proportion to it.

    Returns
    -------
    ndarray of float64, shape (years,)
        Not to be changed.

    Examples
    --------
    The Green Book's table has 0.9662 for year 1, 0.3563 for year 30 and 0.3459 for year 31.

    >>> [round(float(factor), 4) for factor in discount_factors(32, "money")[[0, 1, 30, 31]]]
    [1.0, 0.9662, 0.3563, 0.3459]
    """
    growth = 1.0 + yearly_rates(years, schedule, first_rate)
    growth[:1] = 1.0
    factors: F = np.reciprocal(np.cumprod(growth))
    factors.flags.writeable = False
    return factors


def present_values(yearly: F, schedule: Schedule, first_rate: float | None = None) -> F:
    """Discount yearly amounts, and sum them up to each year.

    Parameters
    ----------
    yearly : ndarray of float64, shape (…, years)
        Yearly amounts; the first year counts in full.
    schedule : {"money", "health"}
        The schedule of rates.
    first_rate : float, optional
        Rate of the first step, by default the schedule's. Later steps are in proportion to it.

    Returns
    -------
    ndarray of float64, shape (…, years)

    Examples
    --------
    >>> [round(float(sum_), 6) for sum_ in present_values(np.array([1.0, 1.035]), "money")]
    [1.0, 2.0]
    """
    out: F = np.cumsum(yearly * discount_factors(np.shape(yearly)[-1], schedule, first_rate), axis=-1)
    return out
