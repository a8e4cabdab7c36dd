"""Robustness: verdicts over draws, bases of seeds and places, as pure functions of estimates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given as example_of
from hypothesis import strategies as st

from sim.results.expectation_tests import Estimate
from sim.validation.robustness import (
    LINE_VERDICTS,
    Bounds,
    ConditionEffect,
    Kind,
    Robustness,
    dependences_by_chance,
    judge,
    outcome,
    split_variance,
)

UP: Bounds = [(0.0, True)]
BAND: Bounds = [(1.0, True), (3.0, False)]
SPREAD = np.array([-1.2, -0.7, -0.2, 0.3, 0.7, 1.1])
"""Six seeds with mean 0."""


def effect(kind: Kind, name: str, mean: float, spread: npt.NDArray[np.float64] = 0.1 * SPREAD) -> ConditionEffect:
    """The effect under a condition, with the seeds 0 to 5."""
    return ConditionEffect(kind, name, tuple(range(len(spread))), Estimate.of(mean + spread))


def line(overall: float, *others: ConditionEffect, bounds: Bounds = UP) -> Robustness:
    """The verdict of a line with this mean over all draws."""
    return judge(bounds, [effect("all", "all draws", overall), *others])


def bases(*means: float) -> list[ConditionEffect]:
    """Three bases of seeds with these means."""
    return [effect("base", f"seeds {160 * k} to {160 * k + 5}", mean) for k, mean in enumerate(means)]


@example_of(st.floats(0.5, 50.0), st.floats(0.5, 50.0), st.booleans())
def test_a_sign_that_is_the_same_everywhere_holds(first: float, other: float, falls: bool) -> None:
    """Effects of different sizes on the required side: `holds`; on the other side everywhere: `not met`."""
    bounds: Bounds = [(0.0, not falls)]
    sign = -1.0 if falls else 1.0
    conditions = [*bases(*[sign * first] * 3), effect("place", "wigan", sign * other)]
    robust = line(sign * first, *conditions, bounds=bounds)
    assert (robust.verdict, robust.depends_on, robust.p) == ("holds", (), 1.0)
    assert robust.count("base") == (3, 3)
    assert robust.count("place") == (2, 2)
    opposite = line(-sign * first, *[c._replace(estimate=c.estimate * -1.0) for c in conditions if c.estimate],
                    bounds=bounds)  # fmt: skip
    assert (opposite.verdict, opposite.depends_on) == ("not met", ())


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (effect("base", "seeds 320 to 325", -1.0), "not for seeds 320 to 325"),
        (effect("place", "wigan", -1.0), "not in wigan"),
        (effect("defaults", "default parameters", -1.0), "not with default parameters"),
    ],
)
def test_a_condition_that_flips_is_named(condition: ConditionEffect, text: str) -> None:
    """One condition with the opposite sign: `depends`, and the report names this condition only."""
    robust = line(1.0, *bases(1.0, 1.0), condition)
    assert (robust.verdict, robust.depends_on) == ("depends", (text,))
    assert robust.p < 0.001


def test_a_line_that_is_true_in_one_place_only_depends_on_it() -> None:
    """If all draws together have the wrong sign, the place with the right sign is named."""
    robust = line(-1.0, *bases(-1.0, -1.0, -1.0), effect("place", "wigan", 1.0))
    assert (robust.verdict, robust.depends_on) == ("depends", ("only in wigan",))


def test_a_condition_that_is_not_decided_does_not_flip() -> None:
    """A mean on the wrong side whose interval includes 0 contradicts nothing; nor does a place that was not run."""
    unclear = effect("base", "seeds 160 to 165", -0.2, SPREAD)
    absent = ConditionEffect("place", "wigan", (), None, "it has no neighbourhood d2-01")
    robust = line(1.0, *bases(1.0), unclear, absent)
    assert [result.outcome for result in robust.results] == ["holds", "holds", "not decided", "not run"]
    assert (robust.verdict, robust.count("base"), robust.count("place")) == ("holds", (1, 2), (1, 1))


def test_a_wide_interval_is_not_decided() -> None:
    """Without a contradiction, an interval that includes the bound is `not decided`, and never `not met`."""
    robust = judge(UP, [effect("all", "all draws", 0.2, SPREAD), *bases(1.0)])
    assert robust.verdict == "not decided"
    assert judge(UP, [effect("all", "all draws", -0.2, SPREAD), *bases(-1.0)]).verdict == "not decided"


def test_contradicting_conditions_explain_an_undecided_mean() -> None:
    """If the mean of all draws is not decided because two conditions disagree, the line depends on them."""
    total = effect("all", "all draws", 0.05, SPREAD)
    robust = judge(UP, [total, effect("base", "seeds 0 to 5", 1.0), effect("base", "seeds 160 to 165", -1.0)])
    assert (robust.verdict, robust.depends_on) == ("depends", ("not for seeds 160 to 165",))


def test_a_band_has_two_sides() -> None:
    """An effect within the band holds, beyond either end it is not met, and across an end it is not decided."""
    assert [line(mean, bounds=BAND).verdict for mean in (2.0, 0.0, 4.0, 1.0, 3.0)] == [
        "holds", "not met", "not met", "not decided", "not decided",
    ]  # fmt: skip


def test_a_bound_that_cannot_be_passed_is_no_bound() -> None:
    """A fall of up to 100% is not limited by a band that begins at -100%, even if the interval reaches this end."""
    wide = Estimate(-0.6, 0.6 * SPREAD, limits=(-1.0, np.inf))
    total = ConditionEffect("all", "all draws", tuple(range(6)), wide)
    assert wide.interval()[0] == -1.0
    assert judge([(-1.0, True), (0.5, False)], [total]).verdict == "holds"


def test_one_seed_decides_nothing() -> None:
    """A condition with one seed has no interval; so has a ratio whose denominator may be 0."""
    single = effect("base", "seed 0", 1.0, np.zeros(1))
    assert outcome(UP, single) == "not decided"
    assert judge(UP, [single]).verdict == "not decided"
    assert judge([], [single]).verdict == "not decided"


def test_parameters_that_decide_the_sign_are_named() -> None:
    """Draws that differ far more than chance, on both sides of 0: the line depends on parameters.

    With the same mean and no more variance than chance has, it holds.
    """
    steady = effect("defaults", "default parameters", 1.0, 0.1 * SPREAD)
    drawn = effect("all", "all draws", 1.0, 1.2 * SPREAD)
    robust = judge(UP, [drawn, steady])
    assert robust.verdict == "depends"
    assert robust.depends_on == ("not for about 17% of parameter sets",)
    assert robust.as_required == 5
    assert judge(UP, [drawn, steady._replace(estimate=Estimate.of(1.0 + 1.2 * SPREAD))]).depends_on == ()
    assert judge(UP, [effect("all", "all draws", 5.0, 1.2 * SPREAD), steady]).verdict == "holds"


def test_the_split_of_the_variance_recovers_its_parts() -> None:
    """With 40,000 seeds, both standard deviations are those that were put in, within 5% (four standard errors)."""
    rng = np.random.default_rng(1)
    chance = rng.normal(0.0, 2.0, (2, 40_000))
    drawn, defaults = Estimate.of(3.0 + rng.normal(0.0, 1.5, 40_000) + chance[0]), Estimate.of(3.0 + chance[1])
    split = split_variance(UP, drawn, defaults)
    assert split.chance_sd == pytest.approx(2.0, rel=0.05)
    assert split.parameter_sd == pytest.approx(1.5, rel=0.05)
    assert split.opposite == pytest.approx(
        0.0228, abs=0.005
    )  # a normal variable two standard deviations below its mean


def simulated(effects: int, mean: float, parameter_sd: float, seed: int) -> list[Robustness]:
    """Lines with the same mean everywhere: 21 drawn seeds in three bases, 12 in a place, 12 at the defaults."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(effects):
        drawn = mean + rng.normal(0.0, parameter_sd, 21) + rng.normal(0.0, 1.0, 21)
        place = mean + rng.normal(0.0, parameter_sd, 12) + rng.normal(0.0, 1.0, 12)
        defaults = mean + rng.normal(0.0, 1.0, 12)
        kinds: list[tuple[Kind, npt.NDArray[np.float64]]] = [("all", drawn)]
        kinds += [("base", part) for part in np.split(drawn, 3)] + [("place", place), ("defaults", defaults)]
        out.append(judge(UP, [ConditionEffect(k, k, tuple(range(v.size)), Estimate.of(v)) for k, v in kinds]))
    return out


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.6, 1.5])
def test_a_false_dependence_is_rare(mean: float) -> None:
    """If the effect is the same under all conditions, at most 5% of the lines are called `depends`.

    Of 600 lines with each mean it was 1.3% to 2.3%, and 0.7% for a mean of 1.5 standard deviations. With 800 lines, a
    true rate of 2.5% passes 5% with a chance of 1e-4.
    """
    lines = simulated(800, mean, 0.0, seed=11)
    share = sum(robust.verdict == "depends" for robust in lines) / len(lines)
    assert share < (0.05 if mean < 1.0 else 0.015)
    by_chance, after_holm = dependences_by_chance(lines)
    assert by_chance == pytest.approx(40.0)
    assert after_holm <= 2


def test_parameters_that_seldom_matter_are_seldom_blamed() -> None:
    """If 1% of parameter sets have the opposite sign, fewer than 2% of lines depend; if 20% have, two thirds do."""
    rarely = simulated(400, 2.33 * 3.0, 3.0, seed=5)
    assert sum(robust.verdict == "depends" for robust in rarely) < 8
    often = simulated(200, 0.84 * 3.0, 3.0, seed=6)
    assert sum(robust.verdict == "depends" for robust in often) >= 134


def test_every_line_has_a_verdict_of_the_list() -> None:
    """The verdicts of simulated lines are words of the list, and a row has every condition."""
    for robust in simulated(20, 0.2, 1.0, seed=2):
        assert robust.verdict in LINE_VERDICTS
        row = robust.row()
        assert len(row["conditions"]) == 6
        assert row["bases"]["of"] == 3
