"""Judges whether a result holds under every condition in which it is tested, and names the conditions it depends on.

A requirement is a list of bounds: an effect above 0, an effect between the ends of a band. A line of a report is an
effect and a requirement. It is tested over all draws of the parameters together, in each base of seeds, in each further
place, and without draws, at the default parameters. In each condition the requirement

- holds, if the 95% interval of the effect lies wholly on the required side of every bound;
- flips, if an interval lies wholly on the other side of a bound. For m conditions this interval covers 1 - 5%/m, so
  that all of them together flip by chance in at most 2.5% of the lines that hold everywhere;
- is not decided otherwise. A condition that is not decided does not contradict one that holds.

The draws themselves are a further condition. The variance of an effect between drawn seeds is that of chance events
and that of parameters together; the variance between seeds at the default parameters is that of chance events alone. If
the former is the larger by an F test (2.5%), the difference is the variance between parameter sets. The effects of the
drawn seeds, drawn together around their mean until they have this variance, show the share of parameter sets for which
the requirement does not hold. With a share of 10% to 90%, a line depends on parameters.

The verdict of a line is `depends` if one condition contradicts another or the draws contradict one another; otherwise
that of all draws together. Of the lines whose effect is the same under all conditions, at most 5% are called `depends`
by chance: 2.5% for the conditions and 2.5% for the draws. In simulations of normal effects (tests/test_robustness.py)
it was 1.3% to 2.3%, and 0.7% for an effect of 1.5 standard deviations. With 21 drawn seeds and 12 at the default
parameters, a line is called dependent on parameters in 0.2% of the cases if 1% of the parameter sets have the opposite
sign, in 7% if 5% of them have it, and in 77% if 20% have it.

Limits    The variance due to chance events is taken to be the same for all parameter sets, and the distribution between
          parameter sets to have the shape of that between drawn seeds. For ratios both are those of the linear
          approximation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from scipy import special

from sim.results.expectation_tests import LEVEL, Estimate, holm
from sim.results.number_text import plain_number

Bounds = Sequence[tuple[float, bool]]
"""Each bound, and whether the effect is required above (true) or below it (false)."""
Kind = Literal["all", "base", "place", "defaults"]
"""All draws together, a base of seeds, a further place, or the default parameters."""
Outcome = Literal["holds", "flips", "not decided", "not run"]
LineVerdict = Literal["holds", "depends", "not decided", "not met"]
LINE_VERDICTS: tuple[LineVerdict, ...] = get_args(LineVerdict)
HALF = LEVEL / 2.0
"""One-sided level of the test of a bound, of all flips of a line together, and of the F test of the draws."""
MIXED = 0.1
"""Share of parameter sets on the other side of a bound from which a line depends on parameters."""

FEWEST_FOR_MIDDLE = 10
"""Seeds from which the middle 95% of single seeds is reported."""


class ConditionEffect(NamedTuple):
    """The effect under one condition.

    Attributes
    ----------
    kind : str
        Kind of the condition.
    name : str
        The condition in words, such as "seeds 160 to 166" or "wigan".
    seeds : tuple of int
        The seeds of the estimate.
    estimate : Estimate or None
        The effect; None if there are no runs.
    reason : str
        The reason why there are no runs.
    """

    kind: Kind
    name: str
    seeds: tuple[int, ...]
    estimate: Estimate | None
    reason: str = ""


class ConditionResult(NamedTuple):
    """The effect under one condition, and whether the requirement holds there."""

    effect: ConditionEffect
    outcome: Outcome

    def row(self) -> dict[str, Any]:
        """Return the result as one entry of a document."""
        effect, estimate = self.effect, self.effect.estimate
        low, high = (np.nan, np.nan) if estimate is None else estimate.interval()
        return {
            "kind": effect.kind,
            "name": effect.name,
            "seeds": list(effect.seeds),
            "mean": None if estimate is None else plain_number(estimate.value, 9),
            "ci_low": plain_number(low, 9),
            "ci_high": plain_number(high, 9),
            "outcome": self.outcome,
            "reason": effect.reason,
        }


class ParameterSplit(NamedTuple):
    """The variance of an effect between drawn seeds, split into chance events and parameters.

    Attributes
    ----------
    chance_sd, parameter_sd : float
        Standard deviation between seeds at the default parameters, and between parameter sets.
    p : float
        Chance of so large a variance between drawn seeds if parameters had no part in it.
    opposite : float
        Share of parameter sets for which the requirement does not hold.
    """

    chance_sd: float
    parameter_sd: float
    p: float
    opposite: float

    @property
    def is_mixed(self) -> bool:
        """Whether parameters matter, and a tenth of the parameter sets or more lies on either side of a bound."""
        return self.p < HALF and MIXED <= self.opposite <= 1.0 - MIXED


@dataclass(frozen=True)
class Robustness:
    """The verdict of a line, and how it came about.

    Attributes
    ----------
    verdict : str
        `holds`, `depends`, `not decided` or `not met`.
    depends_on : tuple of str
        The conditions on which a line depends, in words.
    contradicting : tuple of ConditionResult
        Those of them that are not draws, with their effects.
    results : tuple of ConditionResult
        All draws together first, then each further condition.
    as_required : int
        Number of single seeds whose effect is as required, chance events included.
    split : ParameterSplit or None
        The split of the variance; None without draws, or without seeds at the default parameters.
    p : float
        Chance of such a dependence if the effect were the same under all conditions; 1 if the line does not depend.
    """

    verdict: LineVerdict
    depends_on: tuple[str, ...]
    contradicting: tuple[ConditionResult, ...]
    results: tuple[ConditionResult, ...]
    as_required: int
    split: ParameterSplit | None
    p: float

    @property
    def total(self) -> ConditionResult:
        """The result for all draws together."""
        return self.results[0]

    @property
    def has_interval(self) -> bool:
        """Whether the effect over all draws has an interval: not with one seed, nor if a denominator may be 0."""
        estimate = self.total.effect.estimate
        return estimate is not None and not bool(np.isnan(estimate.error()))

    def of(self, kind: Kind) -> tuple[ConditionResult, ...]:
        """Return the results of the conditions of a kind."""
        return tuple(result for result in self.results if result.effect.kind == kind)

    def count(self, kind: Kind) -> tuple[int, int]:
        """Count the conditions of a kind in which the requirement holds, and those that were run.

        The place of the line itself counts as a place.
        """
        results = [r for r in (*self.of(kind), *([self.total] if kind == "place" else [])) if r.outcome != "not run"]
        return sum(result.outcome == "holds" for result in results), len(results)

    def row(self) -> dict[str, Any]:
        """Return the verdict and every condition as one entry of a document."""
        split = self.split
        return {
            "bases": dict(zip(("hold", "of"), self.count("base"), strict=True)),
            "places": dict(zip(("hold", "of"), self.count("place"), strict=True)),
            "seeds_as_required": {"hold": self.as_required, "of": len(self.total.effect.seeds) * self.has_interval},
            "defaults": next((result.outcome for result in self.of("defaults")), None),
            "chance_sd": None if split is None else plain_number(split.chance_sd, 9),
            "parameter_sd": None if split is None else plain_number(split.parameter_sd, 9),
            "opposite_share": None if split is None else plain_number(split.opposite, 4),
            "p": plain_number(self.p, 9),
            "conditions": [result.row() for result in self.results],
        }


def binding(bounds: Bounds, estimate: Estimate) -> Bounds:
    """Leave out the bounds that the effect cannot pass, such as a fall by more than everything.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The bounds.
    estimate : Estimate
        The effect, with the limits of its range.

    Returns
    -------
    sequence of (float, bool)
    """
    least, most = estimate.limits
    return [(bound, above) for bound, above in bounds if (bound > least if above else bound < most)]


def chance_of_holding(bounds: Bounds, estimate: Estimate | None) -> float:
    """Compute the one-sided p value of the hypothesis that the effect is on the other side of some bound.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The bounds.
    estimate : Estimate or None
        The effect.

    Returns
    -------
    float
        NaN without an interval.
    """
    if estimate is None or np.isnan(estimate.error()):
        return np.nan
    return max((estimate.chance(bound, above=above) / 2.0 for bound, above in binding(bounds, estimate)), default=0.0)


def chance_of_flipping(bounds: Bounds, estimate: Estimate | None) -> float:
    """Compute the one-sided p value of the hypothesis that the effect is on the required side of every bound.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The bounds.
    estimate : Estimate or None
        The effect.

    Returns
    -------
    float
        NaN without an interval.
    """
    if estimate is None or np.isnan(estimate.error()):
        return np.nan
    return min(
        (estimate.chance(bound, above=not above) / 2.0 for bound, above in binding(bounds, estimate)), default=1.0
    )


def outcome(bounds: Bounds, effect: ConditionEffect, conditions: int = 1) -> Outcome:
    """Test a requirement under one condition.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The requirement.
    effect : ConditionEffect
        The effect.
    conditions : int
        Number of conditions that could flip, over which the level of a flip is divided.

    Returns
    -------
    str
        `holds`, `flips`, `not decided` or `not run`.
    """
    if effect.estimate is None:
        return "not run"
    if chance_of_holding(bounds, effect.estimate) < HALF:
        return "holds"
    return "flips" if chance_of_flipping(bounds, effect.estimate) < HALF / conditions else "not decided"


def split_variance(bounds: Bounds, drawn: Estimate, defaults: Estimate) -> ParameterSplit:
    """Split the variance between drawn seeds, and estimate the share of parameter sets with the opposite result.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The requirement.
    drawn : Estimate
        The effect with a parameter set for each seed.
    defaults : Estimate
        The effect at the default parameters.

    Returns
    -------
    ParameterSplit
        NaN where one of the estimates has fewer than two seeds or no interval.
    """
    variances = []
    for estimate in (drawn, defaults):
        seeds = estimate.each.size
        variances.append(float((estimate.each**2).sum()) / (seeds - 1) if seeds > 1 else np.nan)
    total, chance = variances
    if not np.isfinite(total) or not np.isfinite(chance):
        return ParameterSplit(np.nan, np.nan, np.nan, np.nan)
    sd = float(np.sqrt(max(0.0, total - chance)))
    if chance > 0.0:
        p = float(special.fdtrc(drawn.each.size - 1, defaults.each.size - 1, total / chance))
    else:
        p = 0.0 if total > 0.0 else 1.0
    share = sd / np.sqrt(total) if total > 0.0 else 0.0
    without_chance = Estimate(drawn.value, drawn.each * share, drawn.limits)
    opposite = 1.0 - _as_required(bounds, without_chance) / drawn.each.size
    return ParameterSplit(float(np.sqrt(chance)), sd, p, opposite)


def judge(bounds: Bounds, effects: Sequence[ConditionEffect]) -> Robustness:
    """Judge a line from its effects under all conditions.

    Parameters
    ----------
    bounds : sequence of (float, bool)
        The requirement.
    effects : sequence of ConditionEffect
        The effect of all draws together first, then under each further condition.

    Returns
    -------
    Robustness

    Examples
    --------
    >>> up = [(0.0, True)]
    >>> anytown = Estimate.of(np.array([1.0, 1.2, 1.1, 0.9]))
    >>> wigan = Estimate.of(np.array([-1.0, -1.2, -1.1, -0.9]))
    >>> total = ConditionEffect("all", "all draws", (0, 1, 2, 3), anytown)
    >>> place = ConditionEffect("place", "wigan", (0, 1, 2, 3), wigan)
    >>> line = judge(up, [total, place])
    >>> line.verdict, line.depends_on
    ('depends', ('not in wigan',))
    """
    total, *others = effects
    tested = [effect for effect in others if effect.estimate is not None]
    m = max(1, len(tested))
    results = (
        ConditionResult(total, outcome(bounds, total)),
        *(ConditionResult(effect, outcome(bounds, effect, m)) for effect in others),
    )
    if total.estimate is None:
        return Robustness("not decided", (), (), results, 0, None, 1.0)
    defaults = next((effect.estimate for effect in tested if effect.kind == "defaults"), None)
    split = None if defaults is None else split_variance(bounds, total.estimate, defaults)
    against, in_favour = (
        [(result, p) for result in results[1:] if (p := chance(bounds, result.effect.estimate)) < HALF / m]
        for chance in (chance_of_flipping, chance_of_holding)
    )
    overall = results[0].outcome
    contradicting: list[tuple[ConditionResult, float]] = []
    if overall == "flips":
        contradicting = in_favour
    elif overall == "holds" or in_favour:
        contradicting = against
    word = "only" if overall == "flips" else "not"
    depends_on = [f"{word} {_where(result.effect)}" for result, _ in contradicting]
    chances = [m * p for _, p in contradicting]
    if split is not None and split.is_mixed and overall != "flips":
        depends_on.append(f"not for about {split.opposite:.0%} of parameter sets")
        chances.append(split.p)
    verdicts: dict[Outcome, LineVerdict] = {"holds": "holds", "flips": "not met"}
    return Robustness(
        "depends" if depends_on else verdicts.get(overall, "not decided"),
        tuple(depends_on),
        tuple(result for result, _ in contradicting),
        results,
        _as_required(bounds, total.estimate),
        split,
        min(1.0, 2.0 * min(chances)) if chances else 1.0,
    )


def _as_required(bounds: Bounds, estimate: Estimate) -> int:
    """Number of single seeds whose effect lies on the required side of every bound."""
    runs = estimate.value + estimate.each
    required = np.isfinite(runs)
    for bound, above in binding(bounds, estimate):
        required &= runs > bound if above else runs < bound
    return int(required.sum())


PREPOSITIONS: dict[Kind, str] = {"all": "for", "base": "for", "place": "in", "defaults": "with"}


def _where(effect: ConditionEffect) -> str:
    """A condition with its preposition."""
    return f"{PREPOSITIONS[effect.kind]} {effect.name}"


def middle(line: Robustness) -> dict[str, float | None]:
    """Compute the middle 95% of the effects of single seeds, with chance events and parameters.

    Parameters
    ----------
    line : Robustness
        A line.

    Returns
    -------
    dict of str to float or None
        `q025` and `q975`; None without an interval, and with fewer than ten seeds.
    """
    estimate = line.total.effect.estimate
    if estimate is None or not line.has_interval or estimate.each.size < FEWEST_FOR_MIDDLE:
        return {"q025": None, "q975": None}
    low, high = np.quantile(estimate.value + estimate.each, [HALF, 1.0 - HALF])
    least, most = estimate.limits
    return {"q025": plain_number(max(low, least), 9), "q975": plain_number(min(high, most), 9)}


def dependences_by_chance(lines: Iterable[Robustness]) -> tuple[float, int]:
    """Compute how many lines of a family chance would call dependent, and how many remain after Holm's correction.

    Parameters
    ----------
    lines : iterable of Robustness
        The family.

    Returns
    -------
    by_chance : float
        Expected number of lines that depend, at most, if every effect were the same under all conditions.
    after_holm : int
        Number of lines that depend at a 5% level for all of them together.
    """
    chances = [line.p for line in lines if any(result.outcome != "not run" for result in line.results[1:])]
    return LEVEL * len(chances), holm(chances)
