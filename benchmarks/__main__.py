"""Measures, and writes `results.json` and the tables of `README.md` beside it.

Every figure is the median of five repeats, smallest and largest beside it; what a newcomer waits for is measured in a
process of its own. `--quick` takes one repeat of small sizes and writes nothing: a check that all of this runs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from sim import rates
from sim.calibration import Calibrated, solution_for, warm_up
from sim.engine import jit
from sim.engine.mechanism import Clock, Mechanism
from sim.place import Place
from sim.runs import Month, refresh
from sim.scenario import Scenario
from sim.state import People, Ties, World, handle

HERE = Path(__file__).parent
SIZES = (10_000, 30_000, 100_000, 300_000)
REPEATS = 5
MONTHS = 24
SEED = np.uint64(0)
TINY = (
    "from sim import Scenario, compare; compare(Scenario.load('baseline'), people=1_500, years=1, seeds=1, threads=1)"
)
MAIN = (
    "import time; from sim import Scenario, compare; "
    "names = ('baseline', 'salami-slice', 'more-acute', 'prevention-shift'); started = time.perf_counter(); "
    "compare(*map(Scenario.load, names), seeds=20); print(time.perf_counter() - started)"
)
Spread = dict[str, float]


def spread(values: Sequence[float]) -> Spread:
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def baseline_world(calibrated: Calibrated, people: int) -> World:
    """A place of England's mix with so many people, a year into its life."""
    world = calibrated.world(Place.load("anytown"), people, 0).world
    refresh(world, calibrated.params, 0)
    months(world, calibrated, -12, 12)
    return world


def months(world: World, calibrated: Calibrated, first: int, count: int) -> None:
    """Run some months of the baseline on one thread."""
    month = Month(calibrated.params, {})
    seen = handle(world)
    for m in range(first, first + count):
        month(world, seen, Clock(SEED, np.int64(m)))


def throughput(calibrated: Calibrated, people: int, repeats: int) -> dict[str, Any]:
    """Person-months a second on one thread, and bytes a person: all tables, and people with their ties alone."""
    world = baseline_world(calibrated, people)
    seconds = [timed(partial(months, world, calibrated, MONTHS * k, MONTHS)) for k in range(repeats)]
    total = sum(array.nbytes for table in world for array in table)
    own = sum(array.nbytes for table in world if isinstance(table, (People, Ties)) for array in table)
    return {
        "people": people,
        "person_months_per_second": spread([people * MONTHS / s for s in seconds]),
        "bytes_per_person": total / people,
        "bytes_per_person_people_and_ties": own / people,
    }


def costs(calibrated: Calibrated, people: int, repeats: int) -> dict[str, Any]:
    """Nanoseconds a person and month that each mechanism takes, in the order of the month."""
    world = baseline_world(calibrated, people)
    month = Month(calibrated.params, {})
    seen = handle(world)
    taken: dict[str, float] = {}

    def clocked(entry: Mechanism) -> Mechanism:
        def kernel(*given: object) -> None:
            taken[entry.name] += timed(partial(entry.kernel, *given))

        return replace(entry, kernel=kernel)

    month.steps = [(clocked(entry), given) for entry, given in month.steps]
    found: dict[str, list[float]] = {entry.name: [] for entry, _ in month.steps}
    for k in range(repeats):
        taken.update(dict.fromkeys(found, 0.0))
        for m in range(MONTHS * k, MONTHS * (k + 1)):
            month(world, seen, Clock(SEED, np.int64(m)))
        for name, seconds in taken.items():
            found[name].append(seconds * 1e9 / people / MONTHS)
    return {"people": people, "nanoseconds": {name: spread(values) for name, values in found.items()}}


def process(code: str, cache: str | None = None) -> tuple[float, str]:
    """Seconds that a process of its own takes for some Python, and what it printed."""
    known = {**os.environ, "UPSTREAM_QUIET": "1", **({"UPSTREAM_CACHE": cache} if cache else {})}
    command, started = [sys.executable, "-c", code], time.perf_counter()
    done = subprocess.run(command, cwd=HERE.parent, env=known, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stdout


def starts(repeats: int) -> dict[str, Spread]:
    """Seconds to the end of a tiny run in a new process, with no compiled code on the machine and then with it."""
    first, later = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            first.append(process(TINY, cache)[0])
            later.append(process(TINY, cache)[0])
    return {"first_start_seconds": spread(first), "later_start_seconds": spread(later)}


def machine() -> dict[str, Any]:
    """What it was measured on, when, and which source."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "processor": found[1] if found else platform.processor() or platform.machine(), "cores": os.cpu_count(),
        "system": platform.system(), "python": platform.python_version(), "numba": numba.__version__,
        "numpy": np.__version__, "date": time.strftime("%Y-%m-%d"), "source": jit.DIGEST,
    }  # fmt: skip


def _shown(s: Spread, unit: float = 1.0, decimals: int = 1) -> str:
    return f"{s['median'] / unit:.{decimals}f} ({s['low'] / unit:.{decimals}f} to {s['high'] / unit:.{decimals}f})"


def tables(found: dict[str, Any]) -> str:
    """The results as Markdown."""
    on = found["machine"]
    software = f"Python {on['python']}, Numba {on['numba']}, NumPy {on['numpy']}; source {on['source']}"
    lines = [
        f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores, {on['system']}, {software}. "
        f"Median (smallest to largest) of {found['repeats']} repeats.\n",
        "| people | million person-months a second, one thread | bytes a person, everything | people and ties alone |",
        "| --- | --- | --- | --- |",
    ]
    for row in found["throughput"]:
        speed = _shown(row["person_months_per_second"], 1e6, 2)
        memory = f"{row['bytes_per_person']:.0f} | {row['bytes_per_person_people_and_ties']:.0f}"
        lines.append(f"| {row['people']:,} | {speed} | {memory} |")
    lines += ["", "| what a user waits for, in a process of its own | seconds |", "| --- | --- |"]
    waits = {
        "first start: compiling, then a tiny run": "first_start_seconds",
        "later start: the same tiny run": "later_start_seconds",
        "main comparison: 4 policies, 20 seeds, 20 years, 30,000 people, all cores": "main_comparison_seconds",
    }
    lines += [f"| {what} | {_shown(found[key])} |" for what, key in waits.items()]
    lines += ["", f"| mechanism | ns a person and month, {found['costs']['people']:,} people |", "| --- | --- |"]
    lines += [f"| `{name}` | {_shown(cost, 1.0, 2)} |" for name, cost in found["costs"]["nanoseconds"].items()]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Measure everything; keep it unless it was a quick check."""
    if set(arguments) - {"--quick"}:
        print(f"wanted --quick or nothing; came {' '.join(arguments)}", file=sys.stderr)
        return 2
    quick = "--quick" in arguments
    warm_up()
    calibrated = solution_for(Scenario.load("baseline"))
    needed = rates.digest(calibrated.domains, calibrated.services, calibrated.params)
    if rates.read_solution(rates.SOLVED)[0] != needed:
        print("sim/solved.npz is for other parameters: every first start would calibrate", file=sys.stderr)
        return 1
    repeats = 1 if quick else REPEATS
    found = {
        "machine": machine(),
        "repeats": repeats,
        "throughput": [throughput(calibrated, people, repeats) for people in (SIZES[:2] if quick else SIZES)],
        "costs": costs(calibrated, 30_000, repeats),
        **starts(repeats),
        "main_comparison_seconds": spread([float(process(MAIN)[1]) for _ in range(repeats)]),
    }
    print(tables(found))
    if not quick:
        (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        page = HERE / "README.md"
        begin, rest = page.read_text(encoding="utf-8").split("results -->\n")
        page.write_text(f"{begin}results -->\n{tables(found)}\n<!-- end{rest.split('<!-- end')[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
