"""Sequential stopping: seeds are added until the interval of acute demand is narrow enough."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import Scenario, compare
from sim.cli.app import app
from sim.ensemble.sequential_stopping import FIRST, STEP, half_width, rounds, until_precise
from sim.results.summary import summary

OPTIONS: dict[str, Any] = {"people": 1_500, "years": 2, "draws": "none"}


def test_rounds_end_with_all_seeds() -> None:
    """Each round has more seeds than the round before, and the last has all of them, for any maximum."""
    for maximum in range(1, 60):
        sizes = list(rounds(maximum))
        assert sizes[-1] == maximum
        assert sizes == sorted(set(sizes))
        assert sizes[0] == min(FIRST, maximum)
        assert all(b - a <= STEP for a, b in pairwise(sizes))


def test_no_more_seeds_than_are_needed() -> None:
    """Stopping is at the first round with the wanted precision, and each seed is run once."""
    ran: list[int] = []

    def run(seeds: Sequence[int], before: int) -> dict[str, list[int]]:
        assert before == len(ran)
        ran.extend(seeds)
        return {"a": list(seeds)}

    result = until_precise(
        range(100), 0.5, run, lambda seeds, done: (len(seeds), done["a"]), lambda done: 6.0 / done[0]
    )
    assert result == (FIRST + STEP, list(range(FIRST + STEP)))
    assert ran == list(range(FIRST + STEP))


@pytest.mark.statistics
@pytest.mark.parametrize("wanted", [0.3, 0.4, 0.5, 0.7, 1.0])
def test_the_interval_at_stopping_covers_nearly_as_often_as_stated(wanted: float) -> None:
    """Of 40,000 sequences of normal draws, 92.5 to 95.5 % of the intervals cover the mean.

    The coverage is 93.2 to 95.0 % (sim/ensemble/sequential_stopping.py), estimated to 0.13 points here: other random
    numbers would fail this test once in ten thousand times.
    """
    drawn = np.random.default_rng(0).normal(size=(60, 40_000))
    going, covers = np.ones(drawn.shape[1], bool), np.zeros(drawn.shape[1], bool)
    for many in rounds(len(drawn)):
        interval = summary(drawn[:many])
        low, high = interval["ci_low"], interval["ci_high"]
        ends = going & (((high - low) / 2.0 <= wanted) | (many == len(drawn)))
        covers |= ends & (low <= 0.0) & (high >= 0.0)
        going &= ~ends
    assert not going.any()
    assert 0.925 <= covers.mean() <= 0.955


def test_the_result_is_the_comparison_of_the_seeds_used() -> None:
    """The runs are the same, to the last bit, as in a comparison with that number of seeds."""
    chosen = [Scenario.load(name) for name in ("baseline", "salami-slice")]
    wide = compare(*chosen, seeds=40, precision=0.5, **OPTIONS)
    assert len(wide.seeds) == FIRST
    assert half_width(wide) <= 0.5
    same = compare(*chosen, seeds=FIRST, **OPTIONS)
    for name in wide.names:
        for a, b in zip(wide.records[name], same.records[name], strict=True):
            assert (a.seed, a.runs) == (b.seed, b.runs)
            assert all(np.array_equal(a.monthly[column], b.monthly[column]) for column in a.monthly)
    narrow = compare(*chosen, seeds=FIRST + STEP + 1, precision=1e-6, **OPTIONS)
    assert len(narrow.seeds) == FIRST + STEP + 1  # all seeds


def test_on_the_command_line() -> None:
    """`--precision` reports the number of seeds used; a value outside 0 to 1 is refused."""
    options = ["--people", "1500", "--years", "2", "--precision", "0.5", "--draws", "none"]
    result = CliRunner().invoke(app, ["run", "baseline", *options])
    assert result.exit_code == 0
    assert "8 of at most 20 seeds" in result.stderr
    for wrong in ("2", "0", "-0.1"):
        with pytest.raises(ValueError, match="a number between 0 and 1"):
            CliRunner().invoke(app, ["run", "baseline", "--precision", wrong], catch_exceptions=False)
    assert CliRunner().invoke(app, ["run", "baseline", "--precision", "x"]).exit_code == 2
    with pytest.raises(ValueError, match="share of acute demand"):
        compare(Scenario.load("baseline"), precision=3.0)
    with pytest.raises(ValueError, match="stock-flow twin"):
        compare(Scenario.load("baseline"), precision=0.1, engine="stocks")
