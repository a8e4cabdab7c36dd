"""Tests of expectations: estimates over paired seeds, and whether each estimate is as expected.

Every scenario of a seed is run with the same people and the same chance events, so a difference is taken seed by seed
and its mean has a t interval with seeds - 1 degrees of freedom (95%, two-sided). Shares of a level and ratios of
differences are ratios of means, with the interval of their linear approximation (the delta method). Where the 95%
interval of a denominator includes 0, there is no interval, and no expectation counts as met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.results.metric_types import Metric
from sim.results.metrics import AXIS_NAMES, metric, metrics
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.results.summary import UNLIMITED, Limits, cut
from sim.scenario.expectations import Expect, GroupSelection, MeasureSpec
from sim.schema.errors import KeyPath, Phrase, RequirementError

F = npt.NDArray[np.float64]
LEVEL = 0.05
"""Level of the two-sided test of each expectation. By chance alone, an expected direction is met half as often."""
Parts = Mapping[str, tuple[str, ...]]
"""Groups by axis, as `GroupSelection.groups` returns them."""
Read = Callable[[str, str, Parts], F]
"""Reader of a measure: (scenario, metric, groups) to an array of shape (seeds, years)."""


@dataclass(frozen=True)
class Estimate:
    """A quantity estimated from seeds, with the influence of each seed.

    Attributes
    ----------
    value : float
        The estimate.
    each : ndarray of float64, shape (seeds,)
        Influence of each seed, with mean 0; the standard error of `value` is that of its mean.
    limits : tuple of float
        Smallest and largest possible value, at which the interval is cut.

    Examples
    --------
    >>> estimate = Estimate.of(np.array([1.0, 2.0, 3.0]))
    >>> estimate.value, round(estimate.error(), 3)
    (2.0, 0.577)
    """

    value: float
    each: F
    limits: Limits = UNLIMITED

    @classmethod
    def of(cls, values: F) -> Estimate:
        """Estimate a mean.

        Parameters
        ----------
        values : ndarray of float64, shape (seeds,)
            Value of each seed.

        Returns
        -------
        Estimate
        """
        mean = float(values.mean())
        return cls(mean, values - mean)

    def __add__(self, other: Estimate) -> Estimate:
        """Return the sum, seed by seed."""
        return Estimate(self.value + other.value, self.each + other.each)

    def __sub__(self, other: Estimate) -> Estimate:
        """Return the difference, seed by seed."""
        return Estimate(self.value - other.value, self.each - other.each)

    def __mul__(self, factor: float) -> Estimate:
        """Return the estimate in another unit."""
        low, high = sorted(end * factor if factor else 0.0 for end in self.limits)
        return Estimate(self.value * factor, self.each * factor, (low, high))

    def __truediv__(self, other: Estimate) -> Estimate:
        """Return the ratio of the means, without an interval where the 95% interval of the denominator includes 0."""
        low, high = other.interval()
        if other.value == 0.0 or not (low > 0.0 or high < 0.0):
            value = self.value / other.value if other.value != 0.0 else np.nan
            return Estimate(value, np.full_like(self.each, np.nan))
        ratio = self.value / other.value
        return Estimate(ratio, (self.each - ratio * other.each) / other.value)

    def error(self) -> float:
        """Return the standard error; NaN with one seed."""
        seeds = self.each.size
        return float(np.sqrt((self.each**2).sum() / (seeds - 1) / seeds)) if seeds > 1 else np.nan

    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95% interval of the mean."""
        half = special.stdtrit(max(1, self.each.size - 1), 1.0 - LEVEL / 2.0) * self.error()
        low, high = cut(np.asarray(self.value), np.asarray(half), self.limits)
        return float(low), float(high)

    def chance(self, bound: float, *, above: bool) -> float:
        """Compute the two-sided p value of a bound: twice the probability of an estimate this far beyond it.

        Parameters
        ----------
        bound : float
            The true value under the hypothesis.
        above : bool
            Whether the estimate is expected above the bound, rather than below.

        Returns
        -------
        float
            At most 1; NaN with one seed.
        """
        beyond = self.value - bound if above else bound - self.value
        error = self.error()
        if np.isnan(error):
            return np.nan
        if error == 0.0:
            return 0.0 if beyond > 0.0 else 1.0
        return float(min(1.0, 2.0 * special.stdtr(self.each.size - 1, -beyond / error)))


class Verdict(NamedTuple):
    """Result of a test of an expectation.

    Attributes
    ----------
    expected : str
        The expectation in words.
    mean : float
        The estimate.
    ci_low, ci_high : float
        95% interval of the estimate.
    p : float
        Two-sided p of the least certain part of the expectation.
    met : bool
        Whether the interval lies where it is expected.
    has_interval : bool
        Whether there is an interval: not with one seed, nor without a run that the expectation needs.
    """

    expected: str
    mean: float
    ci_low: float
    ci_high: float
    p: float
    met: bool
    has_interval: bool


def assess(expected: Expect, estimate: Estimate) -> Verdict:
    """Test whether the interval of an estimate lies where it is expected.

    Parameters
    ----------
    expected : Expect
        The expectation.
    estimate : Estimate
        The estimate.

    Returns
    -------
    Verdict
    """
    low, high = estimate.interval()
    asked = bounds(expected)
    chances = [estimate.chance(bound, above=above) for bound, above in asked]
    met = all(low > bound if above else high < bound for bound, above in asked)
    worst = max(chances) if not np.isnan(low) else np.nan
    return Verdict(wording(expected), estimate.value, low, high, worst, bool(met), not np.isnan(low))


def bounds(expected: Expect) -> list[tuple[float, bool]]:
    """List the bounds of an expectation.

    Parameters
    ----------
    expected : Expect
        The expectation.

    Returns
    -------
    list of (float, bool)
        Each bound, and whether the interval is expected above (true) or below it (false).
    """
    out = []
    if expected.direction in ("up", "down"):
        out.append((0.0, expected.direction == "up"))
    if expected.low is not None:
        out.append((expected.low, True))
    if expected.high is not None:
        out.append((expected.high, False))
    return out


def wording(expected: Expect) -> str:
    """State an expectation in a few words.

    Parameters
    ----------
    expected : Expect
        The expectation.

    Returns
    -------
    str
    """
    low, high = (_figure(bound, expected.relative) for bound in (expected.low, expected.high))
    if expected.direction == "either":
        return f"no difference: {low} to {high}"
    phrases: list[str] = [expected.direction] if expected.direction is not None else []
    if low and high:
        phrases.append(f"{low} to {high}")
    elif low:
        phrases.append(f"more than {low}")
    elif high:
        phrases.append(f"less than {high}")
    return ", ".join(phrases)


def unit_of(measured: MeasureSpec) -> str:
    """State the unit of a difference of a measure.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.

    Returns
    -------
    str
        ``share`` for a difference relative to the level from which it is taken; otherwise the unit of the level.

    Examples
    --------
    >>> unit_of(MeasureSpec(metric="acute_demand", year=5, relative=True))
    'share'
    """
    if measured.relative:
        return "share"
    return "share of the total" if measured.share_of is not None else metric(measured.metric).unit


def about(measured: MeasureSpec) -> str:
    """State the groups, the years and the reference of a measure in a few words.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.

    Returns
    -------
    str

    Examples
    --------
    >>> about(MeasureSpec(metric="acute_demand", years=[5, 10], quintile=1))
    'quintile 1, years 5 to 10'
    """
    first, last = measured.span
    phrases = [f"year {first}" if first == last else f"years {first} to {last}"]
    if measured.groups():
        phrases.insert(0, _groups(measured))
    if measured.share_of is not None:
        phrases.append(f"as a share of {_groups(measured.share_of)}")
    if measured.relative:
        phrases.append("relative")
    if measured.compared_with is not None:
        phrases.append(f"less that of {_groups(measured.compared_with)}")
    if isinstance(measured, Expect):
        if measured.against is not None:
            phrases.append(f"against {measured.against}")
        if measured.interaction is not None:
            phrases.append(f"beyond {' and '.join(measured.interaction)} alone")
    return ", ".join(phrases)


def _groups(groups: GroupSelection) -> str:
    return ", ".join(f"{axis.replace('_', ' ')} {' + '.join(names)}" for axis, names in groups.groups().items())


def _figure(value: float | None, relative: bool) -> str:
    if value is None:
        return ""
    return f"{100.0 * value:+g}%" if relative else f"{value:+g}"


def level(measured: MeasureSpec, groups: Parts, name: str, read: Read) -> Estimate:
    """Estimate the level of a measure in a scenario, as the mean over its years.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.
    groups : mapping of str to tuple of str
        Groups by axis.
    name : str
        Name of the scenario.
    read : callable
        Reader of runs, see `Read`.

    Returns
    -------
    Estimate
    """
    first, last = measured.span

    def mean(of: Parts) -> Estimate:
        return Estimate.of(read(name, measured.metric, of)[:, first - 1 : last].mean(axis=1))

    if measured.share_of is None:
        return mean(groups)
    return mean(groups) / mean({**groups, **measured.share_of.groups()})


def difference(
    measured: MeasureSpec,
    name: str,
    baseline: str,
    read: Read,
    against: str | None = None,
    together: Sequence[str] = (),
) -> Estimate:
    """Estimate the difference of a scenario from its baseline, from another scenario, or from the sum of two effects.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.
    name, baseline : str
        Names of the scenario and its baseline.
    read : callable
        Reader of runs, see `Read`.
    against : str, optional
        Name of another scenario to compare with.
    together : sequence of str, optional
        Names of two scenarios: the estimate is the interaction, this - first - second + baseline.

    Returns
    -------
    Estimate
    """

    def of(groups: Parts) -> Estimate:
        level_of_scenario = level(measured, groups, name, read)
        reference = level(measured, groups, against or baseline, read)
        change = level_of_scenario - reference
        if together:
            first, other = (level(measured, groups, part, read) for part in together)
            change = level_of_scenario - first - other + reference
        if not measured.relative:
            return change
        relative = change / reference
        falls_to_zero = not together and metric(measured.metric).limits[0] >= 0.0
        return replace(relative, limits=(-1.0, np.inf)) if falls_to_zero else relative  # at most all of it

    groups = measured.groups()
    estimate = of(groups)
    if measured.compared_with is not None:
        estimate = estimate - of({**groups, **measured.compared_with.groups()})
    return estimate


def tested(expected: Expect, name: str, baseline: str, read: Read) -> Verdict:
    """Test one expectation of a scenario with its runs.

    Parameters
    ----------
    expected : Expect
        The expectation.
    name, baseline : str
        Names of the scenario and its baseline.
    read : callable
        Reader of runs, see `Read`.

    Returns
    -------
    Verdict
    """
    return assess(expected, difference(expected, name, baseline, read, expected.against, expected.interaction or ()))


def without_estimate(expected: Expect) -> Verdict:
    """Make the verdict of an expectation that needs a missing run.

    Parameters
    ----------
    expected : Expect
        The expectation.

    Returns
    -------
    Verdict
    """
    return Verdict(wording(expected), np.nan, np.nan, np.nan, np.nan, met=False, has_interval=False)


def needs(measured: MeasureSpec) -> list[tuple[str, Parts]]:
    """List the measures and groups that a test reads from each run.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.

    Returns
    -------
    list of (str, mapping)
        Id of the measure, and groups by axis.
    """
    groups = measured.groups()
    sets = [groups] + ([{**groups, **measured.compared_with.groups()}] if measured.compared_with is not None else [])
    totals = [{**selected, **measured.share_of.groups()} for selected in sets] if measured.share_of is not None else []
    return [(measured.metric, selected) for selected in sets + totals]


def expected_by_chance(verdicts: Iterable[Verdict]) -> tuple[float, int]:
    """Compute how many expectations of a family chance would meet, and how many are met after Holm's correction.

    Parameters
    ----------
    verdicts : iterable of Verdict
        The family.

    Returns
    -------
    by_chance : float
        Expected number that is met, at most, if every expectation were false.
    after_holm : int
        Number that is met at a 5% level for all of them together (Holm).
    """
    with_interval = [v for v in verdicts if v.has_interval]
    return len(with_interval) * LEVEL / 2.0, holm(v.p for v in with_interval)


def holm(chances: Iterable[float]) -> int:
    """Count the hypotheses of a family that are rejected at a 5% level for all of them together.

    Parameters
    ----------
    chances : iterable of float
        The p value of each hypothesis.

    Returns
    -------
    int

    Examples
    --------
    >>> holm([0.001, 0.02, 0.04, 0.3])
    1
    """
    ordered = sorted(chances)
    return next((k for k, p in enumerate(ordered) if p > LEVEL / (len(ordered) - k)), len(ordered))


def expected_misses(verdicts: Iterable[Verdict]) -> float:
    """Compute the expected number of expectations that would be missed with other seeds, as many as these.

    Parameters
    ----------
    verdicts : iterable of Verdict
        The family.

    Returns
    -------
    float

    Notes
    -----
    Without prior knowledge, a second estimate differs from the first by the error of both.
    """
    surely = np.array([-special.ndtri(v.p / 2.0) for v in verdicts if v.has_interval])
    return float(special.ndtr((-special.ndtri(LEVEL / 2.0) - surely) / np.sqrt(2.0)).sum())


# --- groups of a measure ---------------------------------------------------------------------------------------------


def of_groups(records: Sequence[Record], measure: Metric, groups: Parts, neighbourhoods: Sequence[str]) -> F:
    """Compute a measure of several groups together, for each seed and year: the ratio of their sums.

    Parameters
    ----------
    records : sequence of Record
        Record of each seed.
    measure : Metric
        A measure that is a ratio of sums.
    groups : mapping of str to tuple of str
        Groups by axis.
    neighbourhoods : sequence of str
        Names of the neighbourhoods.

    Returns
    -------
    ndarray of float64, shape (seeds, years)

    Raises
    ------
    ValueError
        If the measure is not available by one of the axes.
    """
    make, by_year = _maker(measure, groups)
    out = []
    for record in records:
        parts = make(record)
        sides = [(parts.numerator, parts.axes), (parts.denominator, parts.over)]
        for axis, names in groups.items():
            if axis not in parts.axes:
                have = ", ".join(parts.axes) or "no axis"
                raise ValueError(f"'{measure.name}' is not available by '{axis}'; it has {have}")
            every = list(neighbourhoods if axis == "neighbourhood" else _names(parts, axis))
            chosen = [every.index(name) for name in names]
            for k, (counts, axes) in enumerate(sides):
                if axis in axes:
                    if counts.shape[1 + axes.index(axis)] != len(every):  # a measure of some services has only those
                        raise ValueError(f"'{measure.name}' is not available by '{axis}'")
                    sides[k] = (counts.take(chosen, axis=1 + axes.index(axis)), axes)
        steps = 1 if by_year else 12
        top, bottom = (counts.reshape(len(counts) // steps, -1).sum(axis=1).astype(float) for counts, _ in sides)
        out.append(parts.scale * np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0))
    return np.stack(out)


def unmeasured(
    measured: MeasureSpec, neighbourhoods: Callable[[], Sequence[str]] | None = None
) -> RequirementError | None:
    """Check that a measure and its groups exist.

    Parameters
    ----------
    measured : MeasureSpec
        The measure.
    neighbourhoods : callable, optional
        Makes the names of the neighbourhoods, which depend on the size of the place; by default they are not checked.

    Returns
    -------
    RequirementError or None
        The value that was wanted and the key at fault, or None.
    """
    by_name = {m.name: m for m in metrics()}
    if measured.metric not in by_name:
        return RequirementError("the id of a metric", measured.metric, sorted(by_name), below=("metric",))
    measure = by_name[measured.metric]
    if getattr(measure, "against", None) is not None:
        wanted = "a metric that a scenario has by itself"
        return RequirementError(wanted, Phrase(f"'{measured.metric}', which is a comparison"), below=("metric",))
    for below, groups in _every_groups(measured):
        axes = _axes(measure, groups.groups())
        for axis, names in groups.groups().items():
            if axis not in axes:
                wanted = f"an axis that '{measured.metric}' has"
                return RequirementError(wanted, axis, axes or ("none",), below=(*below, axis))
            if axis != "neighbourhood":
                every, wanted = AXIS_NAMES[axis](), f"a group of {axis.replace('_', ' ')}"
            elif neighbourhoods is not None:
                every, wanted = tuple(neighbourhoods()), "a neighbourhood of the place at this size"
            else:
                continue
            for name in names:
                if name not in every:
                    return RequirementError(wanted, name, every, below=(*below, axis))
    return None


def _every_groups(measured: MeasureSpec) -> list[tuple[KeyPath, GroupSelection]]:
    out: list[tuple[KeyPath, GroupSelection]] = [((), measured)]
    for key in ("share_of", "compared_with"):
        selection = getattr(measured, key)
        if selection is not None:
            out.append(((key,), selection))
    return out


def _maker(measure: Metric, groups: Parts) -> tuple[Callable[[Record], Any], bool]:
    """The function that makes a measure's sums by these axes, and whether it makes them by year."""
    finer: Mapping[str, Callable[[Record], Any]] = getattr(measure, "finer", {})
    for axis in groups:
        if axis in finer:
            return finer[axis], True
    make = getattr(measure, "parts", None)
    if make is None:
        raise ValueError(f"'{measure.name}' is not a ratio of sums: it is available for one group only")
    return make, False


def _names(parts: Any, axis: str) -> tuple[str, ...]:
    few = getattr(parts, "services", None) if axis == "service" else None
    return few if few is not None else AXIS_NAMES[axis]()


def _axes(measure: Metric, groups: Parts) -> tuple[str, ...]:
    """The axes by which a measure is available."""
    derived = getattr(measure, "derived", None)
    if derived is not None:
        single = len(groups) <= 1 and all(len(names) == 1 for names in groups.values())
        return tuple(derived.by) if single else ()
    make, by_year = _maker(measure, groups)
    parts = make(blank_record())
    sizes = dict(zip(parts.axes, parts.numerator.shape[1:], strict=True))
    full = [axis for axis, size in sizes.items() if axis == "neighbourhood" or size == len(_names(parts, axis))]
    return tuple(full) if by_year else (*full, *(axis for axis in getattr(measure, "finer", {}) if axis not in full))


@lru_cache(maxsize=1)
def blank_record() -> Record:
    """A record of one year in which nothing happened, in one neighbourhood."""
    sizes = {axis: len(names()) for axis, names in AXIS_NAMES.items()} | {"level": 4}

    def zeros(recorded: Mapping[str, Any], steps: int) -> dict[str, Any]:
        return {
            name: np.zeros((steps, *(sizes.get(axis, 1) for axis in array.axes))) for name, array in recorded.items()
        }

    return Record(0, zeros(RECORDED, 12), zeros(RECORDED_BY_YEAR, 1))
