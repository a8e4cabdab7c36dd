"""Seeds are added until the answer is as sure as was asked for.

Claim     Runs come in rounds: `FIRST` seeds, then `STEP` more at a time, until the 95 % interval of the mean reaches no
          further to either side than a part of the baseline's mean, or no seeds are left. Looked at is acute demand in
          the last year: its difference from the baseline for each of the others, its level where nothing is compared.
Evidence  Stopping when the interval looks short enough picks samples that look steadier than they are, so such an
          interval covers a little less often than it says (Chow and Robbins, Annals of Mathematical Statistics,
          1965, recalled: not at all less in the limit of short intervals). With these rounds, and runs that are
          normal, it covers in 93.2 to 95.0 of 100 cases, least where some 20 to 30 seeds are needed
          (tests/test_sequential_stopping.py).
Limits    One measure is looked at. Others are then as sure as they happen to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

FIRST, STEP = 8, 4
T = TypeVar("T")
Run = TypeVar("Run")


def rounds(most: int) -> Iterator[int]:
    """How many seeds there are after each round, up to so many."""
    yield from range(min(FIRST, most), most, STEP)
    yield most


def half_width(comparison: Comparison) -> float:
    """The widest half of a 95 % interval of acute demand in the last year, as a part of the baseline's mean."""
    measure, others = comparison["acute_demand"], comparison.names[1:]
    base = measure.level(comparison.baseline)
    looked_at = [measure.change(name) for name in others] or [base]
    widest = max(float(figures["ci_high"][-1] - figures["ci_low"][-1]) / 2.0 for figures in looked_at)
    return abs(widest / float(base["mean"][-1]))


def until_sure(
    seeds: Sequence[int],
    wanted: float,
    run: Callable[[Sequence[int], int], Mapping[str, list[Run]]],
    put_together: Callable[[Sequence[int], Mapping[str, list[Run]]], T],
    width: Callable[[T], float],
) -> T:
    """Rounds of `run(seeds, how many were run before)`, until what is put together of all of them is sure enough."""
    done: dict[str, list[Run]] = {}
    so_far = 0
    for many in rounds(len(seeds)):
        for name, more in run(seeds[so_far:many], so_far).items():
            done.setdefault(name, []).extend(more)
        so_far, result = many, put_together(seeds[:many], done)
        if many > 1 and width(result) <= wanted:
            break
    return result
