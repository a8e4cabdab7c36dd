"""Computes the supplied results of the main policies again: `python -m sim.analysis.sensitivity`."""

from __future__ import annotations

import sys

from sim.analysis.sensitivity import stored
from sim.analysis.sensitivity.study import sensitivities


def main() -> None:
    """Study the main policies, and write the results into the project. An interrupted study continues."""

    def progress(done: int, total: int, note: str) -> None:
        if done % 320 == 0 or done == total:
            print(f"{note}: {done:,} of {total:,} draws", file=sys.stderr, flush=True)

    results = sensitivities(
        stored.BASELINE, *stored.POLICIES, place=stored.PLACE, metric=stored.METRIC, progress=progress
    )
    for result in results:
        print(f"{stored.write_supplied(result)}: {result!r}")


if __name__ == "__main__":
    main()
