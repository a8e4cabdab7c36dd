"""Does the interval of an ensemble with draws hold the mean of many fresh draws?

`python -m benchmarks.draws --people 30000 --seeds 40 --fresh 400` runs the main comparison with `--seeds` draws, and
then with `--fresh` others. For each policy it prints the mean difference of acute demand in the last year with its 95%
interval, the mean of the fresh draws with its error, and whether the interval holds it. By chance alone the interval
misses it about once in twenty policies.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import sim
from sim.results.comparison import Comparison

POLICIES = ("salami-slice", "more-acute", "prevention-shift")
MEASURE = "acute_demand"
FIRST_FRESH = 100_000
"""The first of the fresh seeds: no ensemble of `--seeds` reaches it."""
TOGETHER = 40
"""Fresh seeds of one comparison."""
F = npt.NDArray[np.float64]


class Row(NamedTuple):
    """What came out for a policy."""

    policy: str
    mean: float
    low: float
    high: float
    by_chance: float
    by_parameters: float
    fresh: float
    error: float

    @property
    def holds(self) -> bool:
        """Whether the interval holds the mean of the fresh draws."""
        return self.low <= self.fresh <= self.high


def ensemble(seeds: int, first: int, people: int, years: int) -> Comparison:
    """The main comparison for some seeds."""
    names = ("baseline", *POLICIES)
    return sim.compare(*names, people=people, years=years, seeds=seeds, seed=first)


def differences(result: Comparison, policy: str) -> F:
    """The difference of acute demand in the last year, by seed."""
    metric = result[MEASURE].metric
    after, before = (result.values(name, metric)[:, -1] for name in (policy, result.baseline))
    return after - before


def measure(seeds: int, fresh: int, people: int, years: int) -> tuple[list[Row], dict[int, str]]:
    """The rows of all policies, and the draws that were refused."""
    result = ensemble(seeds, 0, people, years)
    refused = dict(result.refused)
    parts: dict[str, list[F]] = {policy: [] for policy in POLICIES}
    for first in range(0, fresh, TOGETHER):
        some = ensemble(min(TOGETHER, fresh - first), FIRST_FRESH + first, people, years)
        refused |= some.refused
        for policy, values in parts.items():
            values.append(differences(some, policy))
        print(f"{min(first + TOGETHER, fresh)} of {fresh} fresh draws", file=sys.stderr, flush=True)
    rows = []
    for policy, values in parts.items():
        figures = {name: float(column[-1]) for name, column in result[MEASURE].change(policy).items()}
        all_fresh = np.concatenate(values)
        error = float(all_fresh.std(ddof=1) / np.sqrt(all_fresh.size))
        rows.append(
            Row(
                policy, figures["mean"], figures["ci_low"], figures["ci_high"], figures["luck_sd"],
                figures["parameter_sd"], float(all_fresh.mean()), error,
            )
        )  # fmt: skip
    return rows, refused


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("people", 30_000), ("seeds", 40), ("fresh", 400), ("years", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    started = time.perf_counter()
    rows, refused = measure(options.seeds, options.fresh, options.people, options.years)
    print(
        f"{options.people:,} people, year {options.years}, {options.seeds} draws and {options.fresh} fresh ones, "
        f"{len(refused)} refused, {time.perf_counter() - started:.0f} s\n\n"
        "| policy | mean (95% interval) | SD by chance, by parameters | mean of fresh draws ± its error | held |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for row in rows:
        print(
            f"| {row.policy} | {row.mean:+.1f} ({row.low:+.1f} to {row.high:+.1f}) | {row.by_chance:.1f}, "
            f"{row.by_parameters:.1f} | {row.fresh:+.1f} ± {row.error:.1f} | {'yes' if row.holds else 'no'} |"
        )


if __name__ == "__main__":
    main()
