"""Stability of sensitivity indices: `python -m benchmarks.sensitivity` compares two designs of the main policies.

Each design has its own trajectories and its own scrambling. For each policy the ten parameters with the largest total
indices of the first design are compared with the second design: Spearman's rank correlation, and the part of the
intervals of one design that contain the index of the other. Evaluations are stored, so an interrupted run continues.
`--samples N` changes the size of the designs; the results are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from sim.analysis.sensitivity import stored
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.result import Sensitivity
from sim.analysis.sensitivity.study import SAMPLES, TRAJECTORIES, sensitivities
from sim.analysis.sensitivity.two_stages import SampleDesign, spearman

FIRST = 10
LEAST = 0.9
"""Rank correlation of the first ten that a policy's indices must reach."""


def stability(first: Sensitivity, second: Sensitivity) -> dict[str, Any]:
    """Compare two studies of one question.

    Parameters
    ----------
    first, second : Sensitivity
        The studies.

    Returns
    -------
    dict
        `spearman` of the total indices of the first ten parameters of `first`, where a parameter that does not lead in
        `second` has the index 0; `both`: number of them that lead in both; `within`: number of them whose index in
        `second` lies in the interval of `first`; and both rankings.
    """
    totals = {row["parameter"]: row["total"] for row in second.rows()}
    leading = [row for row in first.rows() if row["parameter"] != OTHERS][:FIRST]
    pairs = [(row["total"], totals.get(row["parameter"], 0.0)) for row in leading]
    return {
        "scenario": first.document["scenario"],
        "spearman": round(spearman(*zip(*pairs, strict=True)), 3),
        "both": sum(row["parameter"] in totals for row in leading),
        "within": sum(
            row["total_low"] <= other <= row["total_high"] for row, (_, other) in zip(leading, pairs, strict=True)
        ),
        "first": {row["parameter"]: row["total"] for row in leading},
        "second": {row["parameter"]: totals.get(row["parameter"]) for row in leading},
        "others": [study.others() for study in (first, second)],
    }


def main() -> int:
    """Run two designs, print the comparison, and return 1 if a rank correlation is below 0.9."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--trajectories", type=int, default=TRAJECTORIES)
    options = parser.parse_args()
    designs, seconds = [], []
    for seed in (0, 1):
        started = time.perf_counter()
        design = SampleDesign(options.trajectories, options.samples, seed, seed)
        designs.append(sensitivities(stored.BASELINE, *stored.POLICIES, design=design, progress=_progress))
        seconds.append(round(time.perf_counter() - started, 1))
    rows = [stability(first, second) for first, second in zip(*designs, strict=True)]
    print(json.dumps({"samples": options.samples, "seconds": seconds, "policies": rows}, indent=1))
    return int(any(row["spearman"] < LEAST for row in rows))


def _progress(done: int, total: int, note: str) -> None:
    if done % 640 == 0 or done == total:
        print(f"{note}: {done:,} of {total:,} draws", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
