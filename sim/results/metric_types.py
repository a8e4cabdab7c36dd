"""What a measure is: its name and unit, and the sums, or the function of sums, from which it is computed.

The list of measures is in sim/results/metrics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.money import verdicts
from sim.results.number_text import is_share
from sim.results.records import Record
from sim.results.summary import AT_LEAST_ZERO, UNLIMITED, Limits

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]

LIMITS: dict[str, Limits] = {
    "trust": (0.0, 1.0),
    "wellbeing": (0.0, 10.0),
    "qalys": (0.0, 1000.0),
    "inverse_care_index": (0.0, 2.0),
    "resilience": UNLIMITED,
    "slope_index": UNLIMITED,
    "gap_most_least_deprived": UNLIMITED,
    "cost_per_qaly": UNLIMITED,
}
"""Smallest and largest possible levels of measures whose unit does not imply them."""


class RatioParts(NamedTuple):
    """A measure as two sums by month, each over further axes.

    Attributes
    ----------
    numerator : ndarray, shape (time, *axes)
        Counts above the line.
    axes : tuple of str
        Axes of the numerator.
    denominator : ndarray, shape (time, *over)
        Counts below the line.
    over : tuple of str
        Axes of the denominator.
    scale : float
        Factor from the ratio to the unit of the measure.
    services : tuple of str or None
        The services on the service axis, where those are not all.
    """

    numerator: A
    axes: tuple[str, ...]
    denominator: A
    over: tuple[str, ...]
    scale: float
    services: tuple[str, ...] | None = None


class Sum(NamedTuple):
    """Counts by month and over further axes, to be summed over a year.

    Attributes
    ----------
    array : ndarray, shape (months, *axes)
        Counts.
    axes : tuple of str
        Names of the axes after the month.
    """

    array: A
    axes: tuple[str, ...]


class Derived(NamedTuple):
    """A measure computed from the sums of a year.

    Attributes
    ----------
    sums : callable
        From a record to the sums.
    by : tuple of str
        Axes by which the measure can be grouped. They, and all axes that `make` does not use, are summed over before.
    keeps : str
        The axis that `make` uses: groups that the measure compares.
    make : callable
        From each sum, of shape (years, groups), to the measure by year.
    services : tuple of str or None
        The services on the service axis, where those are not all.
    """

    sums: Callable[[Record], tuple[Sum, ...]]
    by: tuple[str, ...]
    keeps: str
    make: Callable[..., F]
    services: tuple[str, ...] | None = None


class Metric(NamedTuple):
    """A measure: its name, its unit, and one of three ways to compute it.

    Attributes
    ----------
    name, label, unit : str
        Id, label and unit.
    better : {"up", "down"} or None
        The better direction, if there is one.
    decimals : int
        Decimals to show.
    parts : callable or None
        The first way: from a record to the two sums of a ratio.
    kind : str
        Section of tables.
    finer : mapping of str to callable
        By an axis that is recorded by year only: from a record to the sums, the year first.
    derived : Derived or None
        The second way: a function of a year's sums.
    index_of : str or None
        Id of a measure whose mean over the seeds of the baseline is 100 in the first year. Levels, differences and
        groups of this measure are all divided by that one number, so that parts add up and groups can be compared.
    meaning : str
        A sentence in plain words for a reader who sees the measure for the first time, or "".
    against : callable or None
        The third way: a function of a policy's costs and gains beyond the baseline, see
        sim/results/money/verdicts.py. Such a measure has no value for a scenario by itself.
    """

    name: str
    label: str
    unit: str
    better: Literal["up", "down"] | None
    decimals: int
    parts: Callable[[Record], RatioParts] | None
    kind: Literal["service", "need", "access", "money", "community", "life", "staff", "fairness", "worth"]
    finer: Mapping[str, Callable[[Record], RatioParts]] = MappingProxyType({})
    derived: Derived | None = None
    index_of: str | None = None
    meaning: str = ""
    against: Callable[[verdicts.NetEffect], list[verdicts.CostVerdict]] | None = None

    @property
    def limits(self) -> Limits:
        """Smallest and largest possible level: a share is within 0 to 1, and every other measure is at least 0.

        Exceptions are in `LIMITS`.
        """
        return LIMITS.get(self.name, (0.0, 1.0) if is_share(self.unit) else AT_LEAST_ZERO)

    @property
    def difference_limits(self) -> Limits:
        """Smallest and largest possible difference of two levels."""
        low, high = self.limits
        return low - high, high - low
