"""What was expected beside what was seen: estimates over paired seeds, and a test of each expectation.

Every scenario of a seed is run on the same people with the same luck, so a difference is taken seed by seed and its
mean has a t interval with seeds - 1 degrees of freedom (95 %, two-sided). Shares of a level and ratios of differences
are ratios of means, with the interval of their linear approximation (the delta method); where a denominator is not
told from 0, there is no interval, and nothing counts as met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.results.metrics import AXIS_NAMES, Metric, metrics
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.expectations import Expect, GroupSelection, MeasureSpec
from sim.schema.toml_files import KeyPath, Phrase, RequirementError

F = npt.NDArray[np.float64]
LEVEL = 0.05
"""Of the two-sided test that each expectation is. By luck alone one on a given side of 0 is met half as often."""
Parts = Mapping[str, tuple[str, ...]]
"""Groups by axis, as `Groups.groups` gives them."""
Read = Callable[[str, str, Parts], F]
"""A measure in a run: (scenario, metric, groups) to a value for each seed and year."""


@dataclass(frozen=True)
class Estimate:
    """A figure estimated from seeds, with what each seed moves it by."""

    value: float
    each: F
    """Influence of each seed: shape (seed,), mean 0; the spread of `value` is that of its mean."""

    @classmethod
    def of(cls, values: F) -> Estimate:
        """The mean of a value for each seed."""
        mean = float(values.mean())
        return cls(mean, values - mean)

    def __add__(self, other: Estimate) -> Estimate:
        """The sum, seed by seed."""
        return Estimate(self.value + other.value, self.each + other.each)

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference, seed by seed."""
        return Estimate(self.value - other.value, self.each - other.each)

    def __mul__(self, factor: float) -> Estimate:
        """In another unit."""
        return Estimate(self.value * factor, self.each * factor)

    def __truediv__(self, other: Estimate) -> Estimate:
        """The ratio of the means. Without an interval where the denominator is not told from 0."""
        low, high = other.interval()
        if other.value == 0.0 or not (low > 0.0 or high < 0.0):
            value = self.value / other.value if other.value != 0.0 else np.nan
            return Estimate(value, np.full_like(self.each, np.nan))
        ratio = self.value / other.value
        return Estimate(ratio, (self.each - ratio * other.each) / other.value)

    def error(self) -> float:
        """The standard error."""
        seeds = self.each.size
        return float(np.sqrt((self.each**2).sum() / (seeds - 1) / seeds)) if seeds > 1 else np.nan

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean."""
        half = special.stdtrit(max(1, self.each.size - 1), 1.0 - LEVEL / 2.0) * self.error()
        return float(self.value - half), float(self.value + half)

    def chance(self, bound: float, *, above: bool) -> float:
        """Twice the chance (a two-sided p) of lying this far above, or below, a bound if the truth were there."""
        beyond = self.value - bound if above else bound - self.value
        error = self.error()
        if np.isnan(error):
            return np.nan
        if error == 0.0:
            return 0.0 if beyond > 0.0 else 1.0
        return float(min(1.0, 2.0 * special.stdtr(self.each.size - 1, -beyond / error)))


class Verdict(NamedTuple):
    """An expectation in words, what was seen, and whether that says so."""

    expected: str
    mean: float
    ci_low: float
    ci_high: float
    p: float
    """Two-sided p of the least certain part of the expectation."""
    met: bool
    has_interval: bool
    """Whether there is an interval at all: not with one seed, nor without a run it needs."""


def assess(expected: Expect, estimate: Estimate) -> Verdict:
    """Whether the interval of what was seen lies where it was expected to."""
    low, high = estimate.interval()
    asked = bounds(expected)
    chances = [estimate.chance(bound, above=above) for bound, above in asked]
    met = all(low > bound if above else high < bound for bound, above in asked)
    worst = max(chances) if not np.isnan(low) else np.nan
    return Verdict(wording(expected), estimate.value, low, high, worst, bool(met), not np.isnan(low))


def bounds(expected: Expect) -> list[tuple[float, bool]]:
    """What the interval must lie above (true) or below (false)."""
    out = []
    if expected.direction in ("up", "down"):
        out.append((0.0, expected.direction == "up"))
    if expected.low is not None:
        out.append((expected.low, True))
    if expected.high is not None:
        out.append((expected.high, False))
    return out


def wording(expected: Expect) -> str:
    """An expectation in a few words."""
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


def about(measured: MeasureSpec) -> str:
    """Of whom, when, and compared with what, in a few words."""
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
    return f"{100.0 * value:+g} %" if relative else f"{value:+g}"


def level(measured: MeasureSpec, groups: Parts, name: str, read: Read) -> Estimate:
    """The level of a measure in a scenario over the years looked at."""
    first, last = measured.span

    def mean(of: Parts) -> Estimate:
        return Estimate.of(read(name, measured.metric, of)[:, first - 1 : last].mean(axis=1))

    if measured.share_of is None:
        return mean(groups)
    return mean(groups) / mean({**groups, **measured.share_of.groups()})


def difference(
    measured: MeasureSpec, name: str, baseline: str, read: Read, against: str | None = None, together: Sequence[str] = ()
) -> Estimate:
    """How far a scenario is from its baseline, from another scenario, or from what two others add up to."""

    def of(groups: Parts) -> Estimate:
        level_of_scenario = level(measured, groups, name, read)
        reference = level(measured, groups, against or baseline, read)
        change = level_of_scenario - reference
        if together:
            first, other = (level(measured, groups, part, read) for part in together)
            change = level_of_scenario - first - other + reference
        return change / reference if measured.relative else change

    groups = measured.groups()
    estimate = of(groups)
    if measured.compared_with is not None:
        estimate = estimate - of({**groups, **measured.compared_with.groups()})
    return estimate


def tested(expected: Expect, name: str, baseline: str, read: Read) -> Verdict:
    """One expectation of a scenario, put to its runs."""
    return assess(expected, difference(expected, name, baseline, read, expected.against, expected.interaction or ()))


def without_estimate(expected: Expect) -> Verdict:
    """The verdict where a run that it needs is not there."""
    return Verdict(wording(expected), np.nan, np.nan, np.nan, np.nan, met=False, has_interval=False)


def needs(measured: MeasureSpec) -> list[tuple[str, Parts]]:
    """The measures and groups that have to be read from each run."""
    groups = measured.groups()
    sets = [groups] + ([{**groups, **measured.compared_with.groups()}] if measured.compared_with is not None else [])
    totals = [{**selected, **measured.share_of.groups()} for selected in sets] if measured.share_of is not None else []
    return [(measured.metric, selected) for selected in sets + totals]


def expected_by_chance(verdicts: Iterable[Verdict]) -> tuple[float, int]:
    """For a family of expectations: how many luck would meet, at most and on average, if every one of them were false;
    and how many are still met when the level is one for all of them together (Holm)."""
    with_interval = [v for v in verdicts if v.has_interval]
    chances = sorted(v.p for v in with_interval)
    confirmed = 0
    for k, chance in enumerate(chances):
        if chance > LEVEL / (len(chances) - k):
            break
        confirmed += 1
    return len(with_interval) * LEVEL / 2.0, confirmed


def expected_misses(verdicts: Iterable[Verdict]) -> float:
    """How many of a family would be missed with other luck and as many seeds, on average, given what was seen.

    With nothing known beforehand, a second estimate differs from the first by the error of both.
    """
    surely = np.array([-special.ndtri(v.p / 2.0) for v in verdicts if v.has_interval])
    return float(special.ndtr((-special.ndtri(LEVEL / 2.0) - surely) / np.sqrt(2.0)).sum())


# --- groups of a measure ---------------------------------------------------------------------------------------------


def of_groups(records: Sequence[Record], measure: Metric, groups: Parts, neighbourhoods: Sequence[str]) -> F:
    """A measure of several groups together for each seed and year: the ratio of their sums.

    Raises ValueError if the measure has no such axes.
    """
    make, by_year = _maker(measure, groups)
    out = []
    for record in records:
        parts = make(record)
        sides = [(parts.numerator, parts.axes), (parts.denominator, parts.over)]
        for axis, names in groups.items():
            if axis not in parts.axes:
                have = ", ".join(parts.axes) or "no axis"
                raise ValueError(f"'{measure.name}' cannot be told by '{axis}'; it has {have}")
            every = list(neighbourhoods if axis == "neighbourhood" else _names(parts, axis))
            chosen = [every.index(name) for name in names]
            for k, (counts, axes) in enumerate(sides):
                if axis in axes:
                    if counts.shape[1 + axes.index(axis)] != len(every):  # a measure of few services names only those
                        raise ValueError(f"'{measure.name}' cannot be told by '{axis}'")
                    sides[k] = (counts.take(chosen, axis=1 + axes.index(axis)), axes)
        steps = 1 if by_year else 12
        top, bottom = (counts.reshape(len(counts) // steps, -1).sum(axis=1).astype(float) for counts, _ in sides)
        out.append(parts.scale * np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0))
    return np.stack(out)


def unmeasured(measured: MeasureSpec) -> RequirementError | None:
    """What of a measure and its groups does not exist, if anything: what was wanted and the key at fault."""
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
            if axis == "neighbourhood":
                continue
            every = AXIS_NAMES[axis]()
            for name in names:
                if name not in every:
                    return RequirementError(f"a group of {axis.replace('_', ' ')}", name, every, below=(*below, axis))
    return None


def _every_groups(measured: MeasureSpec) -> list[tuple[KeyPath, GroupSelection]]:
    out: list[tuple[KeyPath, GroupSelection]] = [((), measured)]
    for key in ("share_of", "compared_with"):
        selection = getattr(measured, key)
        if selection is not None:
            out.append(((key,), selection))
    return out


def _maker(measure: Metric, groups: Parts) -> tuple[Callable[[Record], Any], bool]:
    """What makes a measure's sums where these axes are asked for, and whether it does so by year."""
    finer: Mapping[str, Callable[[Record], Any]] = getattr(measure, "finer", {})
    for axis in groups:
        if axis in finer:
            return finer[axis], True
    make = getattr(measure, "parts", None)
    if make is None:
        raise ValueError(f"'{measure.name}' is not a ratio of sums: it can be told of one group only")
    return make, False


def _names(parts: Any, axis: str) -> tuple[str, ...]:
    few = getattr(parts, "services", None) if axis == "service" else None
    return few if few is not None else AXIS_NAMES[axis]()


def _axes(measure: Metric, groups: Parts) -> tuple[str, ...]:
    """The axes by which a measure can be told."""
    derived = getattr(measure, "derived", None)
    if derived is not None:
        single = len(groups) <= 1 and all(len(names) == 1 for names in groups.values())
        return tuple(derived.by) if single else ()
    make, by_year = _maker(measure, groups)
    parts = make(_blank())
    sizes = dict(zip(parts.axes, parts.numerator.shape[1:], strict=True))
    full = [axis for axis, size in sizes.items() if axis == "neighbourhood" or size == len(_names(parts, axis))]
    return tuple(full) if by_year else (*full, *(axis for axis in getattr(measure, "finer", {}) if axis not in full))


@lru_cache(maxsize=1)
def _blank() -> Record:
    """A record of one year in which nothing happened, in one neighbourhood."""
    sizes = {axis: len(names()) for axis, names in AXIS_NAMES.items()} | {"level": 4}

    def zeros(recorded: Mapping[str, Any], steps: int) -> dict[str, Any]:
        return {name: np.zeros((steps, *(sizes.get(axis, 1) for axis in array.axes))) for name, array in recorded.items()}

    return Record(0, zeros(RECORDED, 12), zeros(RECORDED_BY_YEAR, 1))
