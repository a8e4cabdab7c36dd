"""Estimates the memory and time of runs before anything is allocated, and refuses runs that do not fit into memory.

Memory is computed from the declared columns of the tables of state and from the recorded arrays: the worlds that are
held at once, and the records of all runs. Time is the number of person-months over a measured speed; the result is
coarse. Every face of the model passes here, as every comparison does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

from sim.engine.tables import column_bytes, table_bytes
from sim.ensemble.replicates import replicated
from sim.people.demographic_spin_up import YEARS as SPIN_UP_YEARS
from sim.people.domains import load_domains
from sim.people.population import EMPTY_HOMES
from sim.place.place import Place
from sim.results.records import RECORDED, RECORDED_BY_YEAR
from sim.schema.errors import InputError, Phrase
from sim.services.catalogue import load_catalogue
from sim.state.rates import Rates
from sim.state.ties import TieLists
from sim.state.world import all_tables
from sim.world.build import BURN_IN_MONTHS
from sim.world.housing import MOST_SPUN_UP, SPUN_UP_PEOPLE, axis_lengths
from sim.world.partition import LEAST_SLOTS_PER_WORKER, SLOTS_PER_PART, TARGET_PARTS

Work = Literal["agents", "life histories", "stocks", "mesa"]
CACHED, LARGEST_CACHED = 32, 150_000
"""Number of burned-in worlds, and of runs of the baseline, that comparisons cache in memory; and the largest place that
is cached. 20 seeds and their replicates fit: of fewer, each would be dropped before it is used again."""
SLOTS_PER_PERSON = 1.2
"""Slots of dwellings per person: 1.19 to 1.20 in the places supplied."""
DONORS = 90_000
"""Donors of a solution, about."""
RECORD_FACTOR = 1.3
"""Memory of the records and of what is computed from them, over that of the records."""
OVERHEAD = 150_000_000
"""Bytes of the process beyond tables and records: compiled code, threads, packages that are loaded later."""
USABLE = 0.95
"""Share of the free memory that a run may be estimated to take."""
PERSON_MONTHS_PER_SECOND = 14e6
"""Speed of one core: 15 to 17 million were measured (benchmarks/README.md), less what several cores lose."""
SPIN_UP_SPEED = 2.5
"""Speed of the spin-up, in which nobody has needs, over that of a month with needs."""
PERSON_MONTHS_PER_DRAW = 14e6
"""Person-months in which a draw of parameters is calibrated (`sim.calibration.paired_run.adapt`): about one second."""
DRAW_BYTES = 1_000_000
"""Bytes of a draw: its parameters and its solution, which are held until all runs are done."""
SECONDS_PER_TWIN = 20.0
"""Time of one run of the stock-flow twin."""
MESA_SLOWER, MESA_BYTES = 400.0, 6_000
"""Time of the Mesa implementation over that of the agents, and its bytes per person (objects of Python)."""
HISTORY_SLOWER, HISTORY_BYTES, HISTORY_BYTES_PER_YEAR = 12.0, 600, 300
"""Time of runs in which everybody is followed over that of runs, and bytes per person, and per person and year."""
LONG = 60.0
"""Seconds from which an estimate is printed."""
QUIET = "UPSTREAM_QUIET"
"""Name of the environment variable that switches progress, and this estimate, off."""
_within_job: ContextVar[bool] = ContextVar("within_job", default=False)


class Runs(NamedTuple):
    """Runs that are made together.

    Attributes
    ----------
    place : Place
        The place.
    people : int or None
        Number of people; None for the place's own number.
    years : int
        Length of a run.
    scenarios : int
        Number of scenarios that start from one world.
    seeds : int
        Number of seeds.
    threads : int or None
        Number of threads; None for one for each processor.
    work : {"agents", "life histories", "stocks", "mesa"}
        Runs of the compiled model, runs in which everybody is followed, or runs of one of the twins.
    times : int
        How often the same runs are made, one after the other, with the same memory.
    drawn : bool
        Whether each seed draws its parameters: each draw is calibrated, and some seeds have a replicate.
    """

    place: Place
    people: int | None
    years: int
    scenarios: int
    seeds: int
    threads: int | None = None
    work: Work = "agents"
    times: int = 1
    drawn: bool = False

    @property
    def residents(self) -> int:
        """Number of people of the place."""
        return self.place.population if self.people is None else self.people

    @property
    def runs_each(self) -> int:
        """Number of runs of each scenario: one for each seed, and the replicates of some."""
        return self.seeds + (len(replicated(range(self.seeds))) if self.drawn else 0)

    @property
    def at_once(self) -> int:
        """Number of runs that are made at a time."""
        is_parallel = self.work in ("agents", "life histories")
        return max(1, min(self.threads or os.cpu_count() or 1, self.runs_each)) if is_parallel else 1


class RunEstimate(NamedTuple):
    """Estimated memory, in bytes, and time, in seconds."""

    worlds: int
    records: int
    seconds: float

    @property
    def memory(self) -> int:
        """Bytes of worlds, records and the rest of the process."""
        return self.worlds + self.records + OVERHEAD


def estimate(runs: Runs) -> RunEstimate:
    """Estimate the memory and the time of runs.

    Parameters
    ----------
    runs : Runs
        The runs.

    Returns
    -------
    RunEstimate
        Memory at its peak; time on this computer's cores, as if nothing were cached.
    """
    lengths = _lengths(runs.place, runs.residents)
    table = {kind: table_bytes(kind, **lengths) for kind in all_tables().values()}
    world = sum(table.values())
    copied = world - table[Rates] - table[TieLists]
    # While a world is built, the world of its spin-up is there too.
    built = world + round(min(runs.residents, MOST_SPUN_UP) * SPUN_UP_PEOPLE / runs.residents * copied)
    if runs.work == "life histories":
        followed = runs.residents * (HISTORY_BYTES + HISTORY_BYTES_PER_YEAR * runs.years)
        running = 2 * copied + 2 * followed
    elif runs.work == "mesa":
        running = copied + MESA_BYTES * runs.residents
    else:
        running = copied * min(2, runs.scenarios) if runs.work == "agents" else 0
    if runs.residents <= LARGEST_CACHED:
        cached = min(runs.runs_each, max(CACHED, runs.at_once)) * world
        worlds = cached + runs.at_once * max(built - world, running)
    else:
        # The last scenario of a seed runs on the world itself.
        consumed = copied if runs.work == "agents" else 0
        worlds = runs.at_once * max(built, world + running - consumed)
    records = 0
    if runs.work != "life histories":
        record = runs.years * (
            12 * sum(column_bytes(array.description(), lengths) for array in RECORDED.values())
            + sum(column_bytes(array.description(), lengths) for array in RECORDED_BY_YEAR.values())
        )
        records = round(RECORD_FACTOR * record * runs.runs_each * runs.scenarios)
        records += DRAW_BYTES * runs.seeds if runs.drawn else 0
    return RunEstimate(worlds, records, runs.times * _seconds(runs))


def check_limits(*runs: Runs) -> None:
    """Refuse runs that do not fit into memory; print how long they take if that is more than a minute.

    Parameters
    ----------
    *runs : Runs
        Runs of one job, made one after the other.

    Raises
    ------
    InputError
        If a place cannot have so many people, or the estimate of any run exceeds the free memory. The message then
        states both, and the largest number of people, seeds or years that fits.
    """
    for some in runs:
        if some.people is not None:
            some.place.check_people(some.people)
    estimates = [estimate(some) for some in runs]
    free = free_memory()
    for some, estimated in zip(runs, estimates, strict=True):
        if estimated.memory > USABLE * free:
            raise _too_large(some, estimated, free)
    seconds = sum(estimated.seconds for estimated in estimates)
    if seconds > LONG and not _within_job.get() and QUIET not in os.environ:
        memory = max(estimated.memory for estimated in estimates)
        print(
            f"about {_duration(seconds)} and {_size(memory)} of memory (a coarse estimate: half to twice the time, and "
            "less where results are cached)",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def one_job(*runs: Runs) -> Iterator[None]:
    """Check the runs of a job that consists of several comparisons, of which each then prints no estimate of its own.

    Parameters
    ----------
    *runs : Runs
        All runs of the job.

    Raises
    ------
    InputError
        As for `check_limits`.
    """
    check_limits(*runs)
    token = _within_job.set(True)
    try:
        yield
    finally:
        _within_job.reset(token)


def free_memory() -> int:
    """Bytes that this process can still allocate: of the computer, of its control group, and of its own limits."""
    process = psutil.Process()
    free = [int(psutil.virtual_memory().available), *_free_in_control_groups(Path("/proc/self/cgroup"))]
    if hasattr(process, "rlimit"):  # on Linux
        address_space = int(process.memory_info().vms)
        for name in ("RLIMIT_AS", "RLIMIT_DATA"):
            limit = process.rlimit(getattr(psutil, name))[0]
            if limit != psutil.RLIM_INFINITY:
                free.append(int(limit) - address_space)
    return max(0, min(free))


CONTROL_GROUPS = Path("/sys/fs/cgroup")


def _free_in_control_groups(membership: Path, root: Path = CONTROL_GROUPS) -> Iterator[int]:
    """Free bytes under the memory limit of each control group of the process, of version 2 or 1."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        base, limit, used, cached = (
            (root, "memory.max", "memory.current", "inactive_file")
            if controllers == ""
            else (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        folder = base / path.lstrip("/")
        for group in (folder, *folder.parents):
            numbers = [_number(group / name) for name in (limit, used)]
            if numbers[0] is not None and numbers[1] is not None:
                yield numbers[0] - numbers[1] + _statistic(group / "memory.stat", cached)
            if group == base:
                break


def _number(path: Path) -> int | None:
    """The number in a file; None if the file is missing or says "max"."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _statistic(path: Path, name: str) -> int:
    """A number of a file of names and numbers, or 0."""
    try:
        numbers = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
        return int(numbers[name])
    except (OSError, ValueError, KeyError):
        return 0


def _lengths(place: Place, people: int) -> dict[str, int]:
    """The expected length of each axis of a world."""
    services = load_catalogue()
    slots = round(SLOTS_PER_PERSON * people)
    dwellings = round((1.01 + EMPTY_HOMES) * people / place.households.people_per_household.value)
    hoods = max(1, round(people / place.neighbourhood_people))
    part = min(slots, max(SLOTS_PER_PART[0], min(SLOTS_PER_PART[1], slots // TARGET_PARTS)) + slots // hoods)
    sizes = {
        "domain": len(load_domains()),
        "service": len(services),
        "donor": DONORS,
        "door": sum(service.walk_in is not None for service in services),
    }
    outside = max(0.1, place.ties.close_ties.value - (place.households.people_per_household.value - 1.0))
    return axis_lengths(slots, dwellings, hoods, part, sizes) | {"tie": round(outside * slots)}


def _seconds(runs: Runs) -> float:
    """Estimated time."""
    if runs.work == "stocks":
        return runs.scenarios * SECONDS_PER_TWIN + _building(runs) / PERSON_MONTHS_PER_SECOND
    cores = min(runs.threads or os.cpu_count() or 1, os.cpu_count() or 1)
    slots = round(SLOTS_PER_PERSON * runs.residents)
    parallel = min(cores, max(min(runs.runs_each, cores), slots // LEAST_SLOTS_PER_WORKER))
    months = 12.0 * runs.years * runs.scenarios * runs.residents
    slower = {"life histories": HISTORY_SLOWER, "mesa": MESA_SLOWER * parallel}.get(runs.work, 1.0)
    each = _building(runs) + months * slower
    calibrating = PERSON_MONTHS_PER_DRAW * runs.seeds if runs.drawn else 0.0
    return (runs.runs_each * each + calibrating) / (PERSON_MONTHS_PER_SECOND * parallel)


def _building(runs: Runs) -> float:
    """Person-months, at the speed of months with needs, in which a world is built and burned in."""
    spun_up = min(runs.residents, MOST_SPUN_UP) * SPUN_UP_PEOPLE * 12 * SPIN_UP_YEARS / SPIN_UP_SPEED
    return spun_up + (BURN_IN_MONTHS * runs.residents if runs.work != "stocks" else 0.0)


def _too_large(runs: Runs, estimated: RunEstimate, free: int) -> InputError:
    """The refusal of runs, with the largest number of people, seeds or years that fits."""

    def fits(some: Runs) -> bool:
        return estimate(some).memory <= USABLE * free

    available = f"{_size(free)} of free memory"
    few_people = runs._replace(people=min(runs.residents, runs.place.fewest_people))
    if estimated.records > estimated.worlds or not fits(few_people):
        for key, present in (("seeds", runs.seeds), ("years", runs.years)):
            most = _largest(lambda number, key=key: fits(runs._replace(**{key: number})), 1, present)  # type: ignore[misc]  # bound at once
            if most is not None:
                came = Phrase(f"{present:,}, which take about {_size(estimated.memory)}")
                return InputError(f"--{key}", None, "", f"at most {most:,} {key}, which fit into {available}", came)
    size = Phrase(f"{runs.residents:,}, which take about {_size(estimated.memory)}")
    most = _largest(lambda people: fits(runs._replace(people=people)), runs.place.fewest_people, runs.residents)
    if most is None:
        return InputError("--people", None, "", f"more memory than the {available}", size)
    return InputError("--people", None, "", f"at most {most:,} people, which fit into {available}", size)


def _largest(fits: Callable[[int], bool], low: int, high: int) -> int | None:
    """The largest number from `low` to `high` that fits, to three digits, rounded down; None if `low` does not."""
    least = low
    if not fits(least):
        return None
    while high - low > max(1, low // 1_000):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    step: int = 10 ** max(0, len(str(low)) - 3)
    return max(low // step * step, least)


def _size(count: float) -> str:
    """Bytes in the unit that fits: '7.9 GB'."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def _duration(seconds: float) -> str:
    """Minutes, hours or days: '12 minutes'."""
    for unit, length, until in (("minutes", 60.0, 90.0), ("hours", 3600.0, 48.0)):
        if seconds / length < until:
            return f"{max(1, round(seconds / length))} {unit}"
    return f"{round(seconds / 86_400.0):,} days"
