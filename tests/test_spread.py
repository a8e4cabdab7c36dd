"""The spread between runs: chance and parameters add up, are estimated without bias, and are pooled over years."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from sim.ensemble.replicates import LEAST, chance_seed, draw_of, replicated
from sim.results.money.verdicts import NetEffect, cost_per_qaly
from sim.results.spread import POOLED_YEARS, Replicates, share_of_parameters, spread
from sim.results.summary import summary

F = npt.NDArray[np.float64]


def ensemble(luck: float, parameters: float, seeds: int, times: int, rng: np.random.Generator) -> tuple[F, Replicates]:
    """Values of seeds, and of replicates of the first quarter, in so many independent years."""
    draws = parameters * rng.normal(size=(seeds, times))
    first, again = (draws + luck * rng.normal(size=draws.shape) for _ in range(2))
    rows = np.arange(max(2, seeds // 4))
    return first, Replicates(rows, again[rows])


@for_all(
    luck=st.floats(0.0, 10.0), parameters=st.floats(0.0, 10.0), seeds=st.integers(2, 12), years=st.integers(1, 8),
    steps=st.sampled_from([0, 1]), number=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_variances_add_up(luck: float, parameters: float, seeds: int, years: int, steps: int, number: int) -> None:
    """The squares of both deviations add up to the variance between seeds, and neither is negative."""
    values, replicates = ensemble(luck, parameters, seeds, years, np.random.default_rng(number))
    of_luck, of_parameters = spread(values, replicates._replace(steps_per_year=steps))
    assert of_luck**2 + of_parameters**2 == pytest.approx(values.var(axis=0, ddof=1), rel=1e-9, abs=1e-12)
    assert (of_luck >= 0.0).all()
    assert (of_parameters >= 0.0).all()


@pytest.mark.statistics
@pytest.mark.parametrize(("luck", "parameters"), [(1.0, 0.0), (1.0, 2.0), (2.0, 1.0), (0.0, 1.0)])
def test_both_spreads_are_estimated(luck: float, parameters: float) -> None:
    """With many pairs, the estimates are within 3% of the truth: four standard errors of 8,000 pairs."""
    values, replicates = ensemble(luck, parameters, 32_000, 1, np.random.default_rng(1))
    of_luck, of_parameters = spread(values, replicates)
    scale = np.hypot(luck, parameters)
    assert of_luck == pytest.approx(luck, abs=0.03 * scale)
    # At the limit, a variance of 0 comes out as up to the error of a variance.
    assert of_parameters**2 == pytest.approx(parameters**2, abs=0.06 * scale**2)


def test_without_draws_all_spread_is_luck() -> None:
    """Seeds with the same parameters have the standard deviation of the seeds, and none by parameters."""
    values = np.random.default_rng(0).normal(size=(6, 4))
    luck, parameters = spread(values)
    assert (luck == values.std(axis=0, ddof=1)).all()
    assert (parameters == 0.0).all()
    assert np.isnan(spread(np.full((6, 1), np.nan))).all(), "a measure without a level has no spread"


def test_neighbouring_years_are_pooled() -> None:
    """A share of chance counts the pairs of two years before and after; a year without spread keeps none."""
    years = 7
    values = np.zeros((2, years))
    values[1, 1:] = 2.0  # a variance of 2 from the second year on
    again = values[:1] + np.array([[0.0, 2.0, 0, 0, 0, 0, 0]])  # chance in the second year only: a variance of 2
    luck, parameters = spread(values, Replicates(np.array([0]), again, 1))
    variances = luck**2
    assert POOLED_YEARS == 2
    assert variances.tolist() == pytest.approx([0.0, 2 / 3, 0.5, 0.4, 0.0, 0.0, 0.0])
    assert parameters[0] == 0.0
    by_month = spread(values.repeat(12, axis=1), Replicates(np.array([0]), again.repeat(12, axis=1), 12))[0]
    assert by_month[12 * 3 + 6] > 0.0
    assert (by_month[12 * 4 + 1 :] == 0.0).all()


def test_missing_values_stay_missing() -> None:
    """A year without a value has no spread, and does not hide that of its neighbours; one seed has no spread."""
    values = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, 5.0]])
    luck, parameters = spread(values, Replicates(np.array([0]), values[:1] + 0.1, 1))
    assert np.isnan(luck).tolist() == np.isnan(parameters).tolist() == [False, True, False]
    assert np.isnan(spread(values[:1], Replicates(np.array([0]), values[:1], 1))[0]).all()
    assert np.isnan(spread(values, Replicates(np.array([], int), values[:0], 1))).all()


def test_replicates_are_in_no_mean() -> None:
    """Means, bands and intervals are those of the seeds, whatever the replicates are."""
    values, replicates = ensemble(1.0, 1.0, 8, 5, np.random.default_rng(3))
    without, with_pairs = summary(values), summary(values, replicates=replicates)
    for figure in ("mean", "q025", "q975", "ci_low", "ci_high"):
        assert (without[figure] == with_pairs[figure]).all()


def test_the_spread_of_a_ratio_is_that_of_its_linear_form() -> None:
    """The cost of a QALY has deviations that add up to the error of the ratio, and none where it has no interval."""
    rng = np.random.default_rng(0)
    qalys = 10.0 + rng.normal(size=(8, 1))
    pounds = 300.0 + 20.0 * rng.normal(size=(8, 1))
    rows = np.array([0, 1])
    pairs = Replicates(rows, pounds[rows] + 5.0, 1), Replicates(rows, qalys[rows], 1)
    (price,) = cost_per_qaly(NetEffect(pounds, qalys, pairs))
    linear = (pounds - price.mean * qalys) / qalys.mean()
    assert price.luck_sd == pytest.approx(np.sqrt(5.0**2 / 2.0) / qalys.mean())
    assert np.hypot(price.luck_sd, price.parameter_sd) == pytest.approx(linear.std(ddof=1))
    (unbounded,) = cost_per_qaly(NetEffect(pounds, qalys - qalys.mean() + 0.01, pairs))
    assert np.isnan([unbounded.luck_sd, unbounded.parameter_sd]).all()


# Which seeds have a replicate.


@for_all(
    seeds=st.lists(st.integers(0, 60), min_size=2, max_size=40, unique=True),
    cuts=st.lists(st.integers(0, 40), max_size=3),
)
def test_parts_of_an_ensemble_have_the_replicates_of_the_whole(seeds: list[int], cuts: list[int]) -> None:
    """However an ensemble is cut into parts of at least two seeds, together they have every replicate that it has."""
    edges = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(seeds)), len(seeds)]
    parts = [seeds[a:b] for a, b in pairwise(edges)]
    if any(len(part) < 2 for part in parts):
        return
    assert set(replicated(seeds)) <= {seed for part in parts for seed in replicated(part)}
    assert min(LEAST, len(seeds)) <= len(replicated(seeds)) <= len(seeds)


def test_about_a_quarter_of_the_seeds_have_a_replicate() -> None:
    """Of 40 seeds from any number on, 10 have one; a single seed has none; every replicate has a seed of its own."""
    assert [len(replicated(range(first, first + 40))) for first in (0, 3, 1_000_001)] == [10, 10, 10]
    assert replicated([5]) == ()
    assert [draw_of(chance_seed(seed)) for seed in (0, 7, 2**53)] == [0, 7, 2**53]
    assert len({chance_seed(seed) for seed in range(20)} | set(range(20))) == 40


def test_the_interval_of_the_share_of_parameters_holds_the_true_share() -> None:
    """Of 2,000 ensembles with 5 pairs, 95% hold the true share (0.5): fewer than 93% in one of 30,000 such tests."""
    rng = np.random.default_rng(5)
    chance = rng.chisquare(5, 2_000) / 5.0 * 0.5
    intervals = [share_of_parameters(np.sqrt(c), np.sqrt(max(0.0, 1.0 - c)), 5)[1:] for c in chance if c <= 1.0]
    assert np.mean([low <= 0.5 <= high for low, high in intervals]) > 0.93
