"""Tests of expectations: estimates with their intervals, and the conditions under which an expectation is met."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.ensemble.compare import compare
from sim.results.expectation_tests import (
    Estimate,
    Verdict,
    assess,
    difference,
    expected_by_chance,
    expected_misses,
    needs,
    unmeasured,
    wording,
)
from sim.scenario.expectations import Expect, MeasureSpec
from sim.scenario.scenario import Scenario

F = npt.NDArray[np.float64]
PEOPLE = 3000


def expect(**fields: Any) -> Expect:
    """An expectation of acute demand in year 1."""
    return Expect.model_validate({"metric": "acute_demand", "year": 1, **fields})


def test_a_difference_has_the_interval_of_a_paired_t_test(seed: int) -> None:
    """The mean, the interval and p are those of SciPy's paired t test."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(10.0, 2.0, 12), rng.normal(9.0, 2.0, 12)
    estimate = Estimate.of(first) - Estimate.of(second)
    peer = stats.ttest_rel(first, second)
    assert estimate.value == pytest.approx((first - second).mean())
    assert estimate.interval() == pytest.approx(tuple(peer.confidence_interval(0.95)))
    assert estimate.chance(0.0, above=True) == pytest.approx(
        stats.ttest_rel(first, second, alternative="greater").pvalue * 2.0
    )


@pytest.mark.statistics
def test_a_ratio_covers_the_truth(seed: int) -> None:
    """The interval of a ratio of differences of 20 seeds covers the true ratio in 95 % of 2,000 trials.

    The tolerance is four standard errors (0.5 points each) and one point for the approximation. The test fails by
    chance once in 15,000 runs.
    """
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(2_000):
        common = rng.normal(0.0, 1.0, 20)
        top, bottom = 6.0 + common + rng.normal(0.0, 1.0, 20), 12.0 + common + rng.normal(0.0, 1.0, 20)
        low, high = (Estimate.of(top) / Estimate.of(bottom)).interval()
        inside += low <= 0.5 <= high
    assert abs(inside / 2_000 - 0.95) < 4 * 0.005 + 0.01


def test_a_ratio_to_a_denominator_that_may_be_zero_has_no_interval(seed: int) -> None:
    """A ratio whose denominator has an interval that includes 0 has no interval, and meets no expectation."""
    rng = np.random.default_rng(seed)
    ratio = Estimate.of(rng.normal(5.0, 1.0, 20)) / Estimate.of(rng.normal(0.0, 1.0, 20) + 1e-3)
    if not np.isnan(ratio.interval()[0]):  # by chance the denominator's interval excludes 0, once in twenty times
        ratio = Estimate.of(np.ones(20)) / Estimate.of(np.array([-1.0, 1.0] * 10))
    assert np.isnan(ratio.interval()).all()
    verdict = assess(expect(direction="up"), ratio)
    assert (verdict.met, verdict.has_interval) == (False, False)


@pytest.mark.statistics
@pytest.mark.parametrize("direction", ["up", "down"])
def test_false_alarms(direction: str, seed: int) -> None:
    """If the true difference is 0, an expected direction is met once in 40 of 4,000 trials.

    The tolerance is four standard errors (0.25 points each). The test fails by chance once in 15,000 runs.
    """
    rng = np.random.default_rng(seed)
    expectation = expect(direction=direction)
    met = sum(assess(expectation, Estimate.of(rng.normal(0.0, 3.0, 20))).met for _ in range(4_000))
    assert abs(met / 4_000 - 0.025) < 4 * 0.0025


@pytest.mark.statistics
def test_equivalence_is_never_met_by_doubt(seed: int) -> None:
    """'either' is met if the interval is inside the margin.

    A true difference at the margin's edge is met at most once in 40 times (4,000 trials, four standard errors), a few
    noisy seeds never meet it, and a true difference of 0 with a narrow interval does.
    """
    rng = np.random.default_rng(seed)
    expectation = expect(direction="either", low=-1.0, high=1.0)
    at_the_edge = sum(assess(expectation, Estimate.of(rng.normal(1.0, 1.0, 20))).met for _ in range(4_000))
    assert at_the_edge / 4_000 < 0.025 + 4 * 0.0025
    assert not assess(expectation, Estimate.of(np.array([-8.0, 8.0, -9.0, 9.0]))).met
    assert assess(expectation, Estimate.of(rng.normal(0.0, 0.1, 20))).met
    assert assess(expectation, Estimate.of(np.zeros(20))).met


@pytest.mark.parametrize(
    ("fields", "met"),
    [
        ({"direction": "up"}, True),
        ({"direction": "down"}, False),
        ({"low": 1.0}, True),
        ({"low": 2.0}, False),  # the interval, 1.6 to 2.4, reaches above 2 and is not above it
        ({"low": 3.0}, False),
        ({"high": 3.0}, True),
        ({"high": 2.0}, False),
        ({"low": 1.0, "high": 3.0}, True),
        ({"low": 1.9, "high": 3.0}, False),
        ({"direction": "up", "high": 3.0}, True),
        ({"direction": "up", "high": 2.0}, False),
        ({"direction": "up", "low": 2.0}, False),
    ],
)
def test_a_bound_is_met_by_the_complete_interval(fields: dict[str, Any], met: bool) -> None:
    """A bound is met if the complete interval is beyond it, and not if the interval contains it; p agrees."""
    estimate = Estimate.of(2.0 + 0.5 * np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0, 0.0]))
    low, high = estimate.interval()
    assert 1.6 < low < 1.9
    assert 2.1 < high < 2.4
    verdict = assess(expect(**fields), estimate)
    assert verdict.met == met
    assert (verdict.p < 0.05) == met


def test_one_seed_meets_nothing() -> None:
    """With one seed there is no interval, so that no expectation is met."""
    verdict = assess(expect(low=-1e9, high=1e9), Estimate.of(np.array([3.0])))
    assert (verdict.mean, verdict.met, verdict.has_interval) == (3.0, False, False)


def test_a_family_is_assessed_together() -> None:
    """Of 40 false expectations chance meets one; Holm's level for the k-th smallest p of n is 5 % / (n - k + 1)."""

    def verdict(chance: float) -> Verdict:
        return Verdict("up", 1.0, 0.5, 1.5, chance, met=chance < 0.05, has_interval=True)

    assert expected_by_chance([verdict(1e-9)] * 40) == (1.0, 40)
    assert (
        expected_by_chance([verdict(p) for p in (0.001, 0.02, 0.03, 0.04)])[1] == 1
    )  # 0.0125, then 0.02 > 0.0167 stops it
    assert expected_by_chance([verdict(p) for p in (0.001, 0.011, 0.015, 0.04)])[1] == 4
    assert expected_by_chance([]) == (0.0, 0)


@pytest.mark.statistics
def test_how_many_would_be_missed_again(seed: int) -> None:
    """Of 2,000 true differences, each tested twice with 40 seeds, the first run predicts how many the second misses.

    The tolerance is four standard errors (each miss is a coin toss) and 2 % for t against normal. The test fails by
    chance once in 15,000 runs.
    """
    rng = np.random.default_rng(seed)
    truths = rng.normal(0.0, 4.0, 2_000) / np.sqrt(40)  # a wide prior
    first, second = (
        [assess(expect(direction="up"), Estimate.of(rng.normal(truth, 1.0, 40))) for truth in truths] for _ in range(2)
    )
    missed = sum(not verdict.met for verdict in second)
    assert expected_misses(first) == pytest.approx(missed, abs=4 * np.sqrt(2_000 * 0.25) + 2_000 / 50)


def reader_of(levels: dict[str, list[float]]) -> Any:
    """A reader of invented runs: the levels of two seeds, the same every year, twice as high in quintile 1."""

    def read(name: str, metric: str, groups: Any) -> F:
        factor = 2.0 if groups.get("quintile") == ("1",) else 1.0
        return factor * np.repeat(np.array(levels[name])[:, None], 4, axis=1)

    return read


def test_references_of_a_difference() -> None:
    """A difference is taken from the baseline, from another scenario or from two others; as a share; between groups."""
    read = reader_of({"base": [10.0, 12.0], "a": [13.0, 15.0], "b": [11.0, 13.0], "ab": [16.0, 18.0]})

    def value_of(against: str | None = None, together: tuple[str, ...] = (), **fields: Any) -> float:
        measure = MeasureSpec.model_validate({"metric": "acute_demand", "years": [2, 4], **fields})
        return difference(measure, "ab", "base", read, against, together).value

    assert value_of() == pytest.approx(6.0)
    assert value_of(against="a") == pytest.approx(3.0)
    assert value_of(together=("a", "b")) == pytest.approx(16.0 - 13.0 - 11.0 + 10.0)
    assert value_of(relative=True) == pytest.approx(6.0 / 11.0)
    assert value_of(relative=True, against="a") == pytest.approx(3.0 / 14.0)
    assert value_of(quintile=1, compared_with={"quintile": 5}) == pytest.approx(12.0 - 6.0)
    assert value_of(quintile=1, compared_with={"quintile": 5}, relative=True) == pytest.approx(0.0)
    assert value_of(quintile=1, share_of={"quintile": [1, 5]}) == pytest.approx(0.0)


def test_needs_name_every_reading() -> None:
    """`needs` lists every group that a difference reads."""
    measure = expect(direction="up", age="85+", quintile=1, compared_with={"quintile": 5}, share_of={"age": "65-74"})
    groups = [groups for _, groups in needs(measure)]
    assert {"age": ("85+",), "quintile": ("1",)} in groups
    assert {"age": ("85+",), "quintile": ("5",)} in groups
    assert {"age": ("65-74",), "quintile": ("5",)} in groups
    assert len(groups) == 4


def test_wording() -> None:
    """An expectation in words has its bounds and its unit."""
    assert wording(expect(direction="either", low=-0.01, high=0.02, relative=True)) == "no difference: -1% to +2%"
    assert wording(expect(direction="up", low=3.0)) == "up, more than +3"


@pytest.mark.parametrize(
    ("fields", "below", "came"),
    [
        ({"metric": "joy"}, ("metric",), "joy"),
        ({"quintile": 6}, ("quintile",), "6"),
        ({"age": "18-24", "compared_with": {"age": "100+"}}, ("compared_with", "age"), "100+"),
        ({"domain": "care"}, ("domain",), "domain"),
    ],
)
def test_an_unknown_measure_is_refused(fields: dict[str, Any], below: tuple[str, ...], came: str) -> None:
    """A metric, an axis or a group that does not exist is reported before anything is run, with the choices."""
    wrong = unmeasured(expect(direction="up", **fields))
    assert wrong is not None
    assert (wrong.below, wrong.came) == (below, came)
    assert wrong.choices


def test_groups_are_summed_before_the_ratio() -> None:
    """A measure of all five fifths together is the measure of everybody; of some groups, that of their sums."""
    result = compare(Scenario.load("baseline"), years=1, people=PEOPLE, seeds=1, draws="none")
    every = result.of_groups("baseline", "ae_attendances", {"quintile": ("1", "2", "3", "4", "5")})
    assert every == pytest.approx(result.of_groups("baseline", "ae_attendances", {}))
    old = result.of_groups(
        "baseline", "ae_attendances", {"age": ("75-84", "85+"), "quintile": ("1", "2", "3", "4", "5")}
    )
    opened = result.records["baseline"][0].monthly["opened"]
    people = result.records["baseline"][0].monthly["people"]
    k = list(result.to_xarray()["service"].values).index("ae")
    assert old[0, 0] == pytest.approx(12000.0 * opened[:, k, :, 8:].sum() / people[:, :, 8:].sum())
    with pytest.raises(ValueError, match=r"'deaths'.*'domain'"):
        result.of_groups("baseline", "deaths", {"domain": ("care",)})
