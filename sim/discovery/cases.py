"""The points of interest of a discovery: where a policy is worse than the baseline, or misses a threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.discovery.chance import state_intervals
from sim.results.metric_types import Metric
from sim.results.number_text import difference_unit, number_text, shown_unit
from sim.schema.errors import InputError, Phrase
from sim.sweeps.paired import state_means

F = npt.NDArray[np.float64]


class Interest(NamedTuple):
    """Which points are of interest.

    Attributes
    ----------
    side : {"above", "below"}
        Whether values above or below the limit are of interest.
    limit : float
        The limit, which is itself not of interest.
    of_level : bool
        Whether the value is the level under the policy, and not its difference from the baseline.
    better : {"up", "down"}
        The better direction of the measure.
    """

    side: Literal["above", "below"]
    limit: float
    of_level: bool
    better: Literal["up", "down"]

    @property
    def is_failure(self) -> bool:
        """Whether points of interest are those at which the policy fails."""
        return (self.side == "above") == (self.better == "down")

    def holds(self, values: F) -> npt.NDArray[np.bool_]:
        """Whether values are of interest; NaN is not."""
        return values > self.limit if self.side == "above" else values < self.limit

    def text(self, measure: Metric) -> str:
        """The condition in words."""
        if not self.of_level and self.limit == 0.0:
            word = "worse" if self.is_failure else "better"
            return f"the policy is {word} than the baseline (difference {self.side} 0)"
        limit = number_text(self.limit, measure.unit, measure.decimals, signed=not self.of_level)
        unit = shown_unit(measure.unit) if self.of_level else difference_unit(measure.unit)
        return f"the {'level' if self.of_level else 'difference'} is {self.side} {limit} ({unit})"


class CaseCounts(NamedTuple):
    """Points of interest of a policy.

    Attributes
    ----------
    points : int
        Number of points.
    cases : int
        Number of points of interest.
    sure_cases, sure_others, undecided : int or None
        Points whose 95% interval by chance lies on one side of the limit, and points where it does not; None if no
        point was run with several seeds.
    """

    points: int
    cases: int
    sure_cases: int | None
    sure_others: int | None
    undecided: int | None


def interest_of(folder: Path, measure: Metric, above: float | None, below: float | None, *, of_level: bool) -> Interest:
    """Make the condition from options.

    Parameters
    ----------
    folder : Path
        The sweep, for messages.
    measure : Metric
        The measure.
    above, below : float or None
        At most one of them; by default the policy is worse than the baseline.
    of_level : bool
        Whether the value is the level under the policy.

    Returns
    -------
    Interest

    Raises
    ------
    InputError
        If both are set, neither is for a level, or a measure without a better direction has no condition.
    """
    if above is not None and below is not None:
        raise InputError(folder, None, "--above", "one of --above and --below", Phrase("both"))
    limit = above if above is not None else below
    if limit is not None and not np.isfinite(limit):
        raise InputError(folder, None, "--above" if above is not None else "--below", "a number", limit)
    if limit is None and of_level:
        raise InputError(folder, None, "--level", "--above or --below with the limit of the level", Phrase("neither"))
    if limit is None and measure.better is None:
        wanted = f"--above or --below, as {measure.name} has no better direction"
        raise InputError(folder, None, "--metric", wanted, Phrase("neither"))
    if limit is None:
        return Interest("above" if measure.better == "down" else "below", 0.0, of_level, measure.better or "down")
    side: Literal["above", "below"] = "above" if above is not None else "below"
    return Interest(side, limit, of_level, measure.better or ("down" if side == "above" else "up"))


def count_cases(values: F, interest: Interest, *, is_random: bool) -> CaseCounts:
    """Count the points of interest, with those that chance leaves undecided.

    Parameters
    ----------
    values : ndarray of float64, shape (states, repeats)
        Differences or levels of a policy; NaN where a run is missing.
    interest : Interest
        The condition.
    is_random : bool
        Whether there are chance events.

    Returns
    -------
    CaseCounts
    """
    means = state_means(values)
    points, cases = int(np.isfinite(means).sum()), int(interest.holds(means).sum())
    ends = state_intervals(values, is_random=is_random)
    if ends is None:
        return CaseCounts(points, cases, None, None, None)
    present = np.isfinite(means)
    both = [interest.holds(end)[present] for end in ends]
    sure, others = int((both[0] & both[1]).sum()), int((~both[0] & ~both[1]).sum())
    return CaseCounts(points, cases, sure, others, points - sure - others)
