"""The size of a sweep, stated before its first run: number of runs, hours and gigabytes.

Time is estimated from stored rates (`sim/ensemble/run_limits.py` for people, measured times for the twin and for
calibrations), so it is coarse: half to twice. While runs are made, the progress shows the time that is left from their
measured times.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.ensemble.run_limits import Runs, estimate
from sim.sweeps.plan import Plan

SECONDS_PER_CALIBRATION = 6.0
SECONDS_PER_TWIN_DRAW, SECONDS_PER_TWIN_YEAR = 0.08, 0.004
"""The twin: to balance a baseline, and to run and measure a year of a policy."""
SECONDS_PER_RUN, SECONDS_PER_RUN_YEAR = 0.03, 0.002
"""Measuring and storing a run, besides its months."""
BYTES_PER_RUN, BYTES_PER_VALUE = 350, 7.5
"""Bytes of a run in the tables, and of one measure of a year."""
GROUPS_OF_AXIS = {"service": 28, "quintile": 5, "age": 8, "domain": 6}


class Size(NamedTuple):
    """The size of the runs that are still to be made.

    Attributes
    ----------
    runs : int
        Number of runs.
    seconds : float
        Time with all workers.
    stored : float
        Bytes on disk.
    """

    runs: int
    seconds: float
    stored: float

    def text(self, workers: int) -> str:
        """The size in words."""
        number = f"{self.runs:,} run{'' if self.runs == 1 else 's'}"
        share = f"{workers} worker{'' if workers == 1 else 's'}"
        return f"{number}: about {duration(self.seconds)} with {share}, {size(self.stored)} on disk"


def size_of(plan: Plan, runs: int, workers: int) -> Size:
    """Estimate the size of some runs of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    runs : int
        Number of runs.
    workers : int
        Number of workers.

    Returns
    -------
    Size
    """
    years = plan.baseline.years
    policies = max(1, len(plan.policies))
    groups = runs / policies
    share = runs / max(1, plan.most_runs)
    if plan.design.engine == "stocks":
        work = groups * SECONDS_PER_TWIN_DRAW + runs * years * SECONDS_PER_TWIN_YEAR
    else:
        each = [estimate(Runs(place, plan.people, years, policies, 1, 1)).seconds for place in plan.places]
        work = groups * sum(each) / len(each) + plan.calibrations * share * SECONDS_PER_CALIBRATION
        work += runs * (SECONDS_PER_RUN + years * SECONDS_PER_RUN_YEAR)
    hoods = sum(len(place.neighbourhoods(plan.people)) for place in plan.places) / len(plan.places)
    groups_each = sum(GROUPS_OF_AXIS.get(axis, hoods) for axis in plan.design.by)
    values = runs * years * len(plan.metrics) * (1.0 + groups_each)
    return Size(runs, work / max(1, workers), runs * BYTES_PER_RUN + values * BYTES_PER_VALUE)


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days: '12 minutes'."""
    for unit, length, most in (("second", 1.0, 90.0), ("minute", 60.0, 90.0), ("hour", 3600.0, 48.0)):
        if seconds / length < most:
            number = max(1, round(seconds / length))
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{round(seconds / 86_400.0):,} days"


def size(count: float) -> str:
    """Megabytes or gigabytes: '1.2 GB'."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6)):,} MB"
