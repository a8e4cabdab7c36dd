"""Measure the simulator, and write `results.json` and the tables of `README.md` in this folder.

Every figure is the median of five repeats, with the smallest and the largest. Times that a newcomer waits for are
measured in a separate process. `--quick` takes one repeat of small sizes, without the packages of other projects, and
writes nothing: a check that the benchmarks run.
`--england=PLACE.toml` instead runs a place of 56 million people for twenty years, alone and with a policy. This takes
most of an hour and adds its figures to the results of the last measurement.
`--against=FILE.json` writes nothing either, and prints the ratio of each figure to the figure of another result: run
two versions alternately, and look at the figures whose spreads are disjoint.
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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from benchmarks import peers
from sim import hazards
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine import jit
from sim.engine.jit import kernel
from sim.engine.random import fill_bits
from sim.engine.schedule import Clock, Mechanism
from sim.engine.tables import Handle
from sim.engine.thinning import BLOCK
from sim.ensemble.precompile import warm_up
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.simulation.month import Month, clear_flows
from sim.state.world import World, handle
from sim.world.partition import fused_stages, parts_of

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SMALL = 0.1
"""Nanoseconds below which a mechanism has no separate line."""
PEER_SIZES = (100_000, 1_000_000)
REPEATS = 5
MONTHS, FEW_MONTHS, MANY = 24, 6, 2_000_000
"""Months per repeat, in places of up to `MANY` people and in larger places."""
SEED = np.uint64(0)
TINY = (
    "from sim import Scenario, compare; "
    "compare(Scenario.load('baseline'), people=1_500, years=1, seeds=1, threads=1, draws='none')"
)
COMPARED = (
    "import time; from sim import Scenario, compare; started = time.perf_counter(); "
    "compare(*map(Scenario.load, {names}), seeds={seeds}, draws='{draws}'); print(time.perf_counter() - started)"
)
FOUR = ("baseline", "salami-slice", "more-acute", "prevention-shift")
MAIN, DRAWN = (COMPARED.format(names=FOUR, seeds=20, draws=draws) for draws in ("none", "all"))
EIGHT = COMPARED.format(names=("salami-slice",), seeds=8, draws="none")
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
    """A burned-in place of England's mix with this number of people, some months into its first year."""
    place = Place.load("anytown")
    if people > place.population:
        place = place.model_copy(update={"population": people})
    world = calibrated.burned_in_world(place, people, 0, threads=os.cpu_count() or 1)
    months(world, calibrated, 0, 3)
    return world


def months(world: World, calibrated: Calibrated, first: int, count: int, threads: int = 1) -> None:
    """Run some months of the baseline."""
    month = Month(calibrated.params, {}, threads=threads)
    view = handle(world)
    for m in range(first, first + count):
        month(world, view, Clock(SEED, np.int64(m)))


def throughput(calibrated: Calibrated, people: int, repeats: int) -> dict[str, Any]:
    """Person-months per second on one thread and on two; bytes per person, all tables and people and ties only."""
    world = baseline_world(calibrated, people)
    results: dict[str, Any] = {"people": people}
    many = MONTHS if people <= MANY else FEW_MONTHS
    for threads in (1, 2):
        month, view = Month(calibrated.params, {}, threads=threads), handle(world)

        def some(first: int, count: int, month: Month = month, view: Handle = view) -> None:
            for m in range(first, first + count):
                month(world, view, Clock(SEED, np.int64(m)))

        some(0, 1)  # preparation that is done once is not counted
        seconds = [timed(partial(some, many * r, many)) for r in range(repeats)]
        results[f"person_months_per_second_{threads}"] = spread([people * many / s for s in seconds])
    of_people = (world.people, world.ties, *vars(world.private).values())
    people_and_ties = sum(array.nbytes for table in of_people for array in table)
    results["bytes_per_person"] = sum(array.nbytes for _, table in world.tables() for array in table) / people
    results["bytes_per_person_people_and_ties"] = people_and_ties / people
    return results


def costs(calibrated: Calibrated, people: int, repeats: int) -> dict[str, Any]:
    """Nanoseconds per person and month of each mechanism, part by part and in the order of a month."""
    world = baseline_world(calibrated, people)
    steps = Month(calibrated.params, {}).steps
    arguments = {step.name: argument for step, argument in steps}
    parts = [handle(part) for part in parts_of(world)]
    undivided = [handle(world)]
    clock = Clock(SEED, np.int64(0))
    calls = {step.name: jit.entry(step.kernel, undivided[0], arguments[step.name], clock) for step, _ in steps}
    taken: dict[str, float] = {}
    nanoseconds: dict[str, list[float]] = {step.name: [] for step, _ in steps}
    nanoseconds |= {f"{step.name} again": [] for step, _ in steps if _can_be_repeated(step)}
    for k in range(repeats):
        taken.update(dict.fromkeys(nanoseconds, 0.0))
        for m in range(MONTHS * k, MONTHS * (k + 1)):
            clear_flows(world)
            clock = Clock(SEED, np.int64(m))
            for stretch in fused_stages([step for step, _ in steps]):
                for view in parts if stretch[0].by_part else undivided:
                    for step in stretch:
                        call = partial(calls[step.name], view, arguments[step.name], clock)
                        taken[step.name] += timed(call)
                        if _can_be_repeated(step):
                            counted = [getattr(world.tally, name) for name in _counted(step)]
                            once = [column.copy() for column in counted]
                            taken[f"{step.name} again"] += timed(call)
                            for column, values in zip(counted, once, strict=True):
                                column[...] = values
        for name, seconds in taken.items():
            nanoseconds[name].append(seconds * 1e9 / people / MONTHS)
    return {"people": people, "nanoseconds": {name: spread(values) for name, values in nanoseconds.items()}}


def _counted(step: Mechanism) -> list[str]:
    """The counters of a month that a mechanism adds to."""
    return [name.removeprefix("tally.") for name in step.writes if name.startswith("tally.")]


def _can_be_repeated(step: Mechanism) -> bool:
    """Whether a second call leaves the place unchanged once counters are restored: the mechanism writes only scratch
    memory, bounds and counters."""
    return step.by_part and all(
        name.startswith(("screen.", "tally.")) or name.endswith("_bound") for name in step.writes
    )


@kernel
def _look_up(table: npt.NDArray[np.uint8], where: npt.NDArray[np.uint32]) -> int:
    total = 0
    for i in range(where.size):
        total += table[where[i]]
    return total


def limits(repeats: int) -> dict[str, Spread]:
    """Limits of this machine, on one thread: random draws, bytes copied, and bytes looked up at random positions."""
    bits = np.empty(BLOCK, np.uint32)
    key, rounds = np.uint64(0x9E3779B97F4A7C15), 2_000
    fill_bits(key, 0, bits)

    def draw() -> None:
        for _ in range(rounds):
            fill_bits(key, 0, bits)

    source = np.ones(200_000_000, np.uint8)
    target = np.ones_like(source)
    results = {
        "draws_per_second": spread([rounds * BLOCK / timed(draw) for _ in range(repeats)]),
        "copied_bytes_per_second": spread(
            [source.nbytes / timed(partial(np.copyto, target, source)) for _ in range(repeats)]
        ),
    }
    for size, name in ((8_192, "part"), (1_200_000, "million")):
        where = np.random.default_rng(0).integers(0, size, 4_000_000, dtype=np.uint32)
        _look_up(source[:size], where)
        seconds = [timed(partial(_look_up, source[:size], where)) for _ in range(repeats)]
        results[f"looked_up_per_second_{name}"] = spread([where.size / s for s in seconds])
    return results


def process(code: str, cache: str | None = None) -> tuple[float, str]:
    """Seconds that a separate process takes for some Python code, and its output."""
    known = {**os.environ, "UPSTREAM_QUIET": "1", **({"UPSTREAM_CACHE": cache} if cache else {})}
    command, started = [sys.executable, "-c", code], time.perf_counter()
    done = subprocess.run(command, cwd=HERE.parent, env=known, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stdout


def starts(repeats: int) -> dict[str, Spread]:
    """Seconds to the end of a tiny run in a new process, without compiled code on the machine and then with it."""
    first, later = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            first.append(process(TINY, cache)[0])
            later.append(process(TINY, cache)[0])
    return {"first_start_seconds": spread(first), "later_start_seconds": spread(later)}


def machine() -> dict[str, Any]:
    """The machine, the date, the software versions and the source of a measurement."""
    info = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "processor": match[1] if match else platform.processor() or platform.machine(), "cores": os.cpu_count(),
        "system": platform.system(), "python": platform.python_version(), "numba": numba.__version__,
        "numpy": np.__version__, "date": time.strftime("%Y-%m-%d"), "source": jit.DIGEST,
    }  # fmt: skip


def _shown(s: Spread, unit: float = 1.0, decimals: int = 1) -> str:
    return f"{s['median'] / unit:.{decimals}f} ({s['low'] / unit:.{decimals}f} to {s['high'] / unit:.{decimals}f})"


def tables(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    on, limit = results["machine"], results["limits"]
    software = f"Python {on['python']}, Numba {on['numba']}, NumPy {on['numpy']}; source {on['source']}"
    lines = [
        f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores, {on['system']}, {software}. "
        f"Median (smallest to largest) of {results['repeats']} repeats.\n",
        "| people | million person-months per second, one thread | two threads | bytes per person, all tables "
        "| people and ties only | random draws the machine could make in the time of a person-month |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["throughput"]:
        speed = [_shown(row[f"person_months_per_second_{threads}"], 1e6, 2) for threads in (1, 2)]
        memory = f"{row['bytes_per_person']:.0f} | {row['bytes_per_person_people_and_ties']:.0f}"
        draws = limit["draws_per_second"]["median"] / row["person_months_per_second_1"]["median"]
        lines.append(f"| {row['people']:,} | {speed[0]} | {speed[1]} | {memory} | {draws:.0f} |")
    lines += ["", "| limits of this machine, one thread | |", "| --- | --- |"]
    lines += [
        f"| random draws per second, million | {_shown(limit['draws_per_second'], 1e6, 0)} |",
        f"| copying, gigabytes per second | {_shown(limit['copied_bytes_per_second'], 1e9)} |",
        f"| bytes looked up in 8 kB, million per second | {_shown(limit['looked_up_per_second_part'], 1e6, 0)} |",
        f"| bytes looked up in 1.2 MB, million per second | {_shown(limit['looked_up_per_second_million'], 1e6, 0)} |",
    ]
    lines += ["", "| time that a user waits, in a separate process | seconds |", "| --- | --- |"]
    waits = {
        "first start: compilation, then a tiny run": "first_start_seconds",
        "later start: the same tiny run": "later_start_seconds",
        "8 seeds of one policy, 20 years, 30,000 people, all cores": "eight_seeds_seconds",
        "main comparison: 4 policies, 20 seeds, 20 years, 30,000 people, all cores": "main_comparison_seconds",
        "the same with draws of all parameters (the default): 26 runs of each policy": "drawn_comparison_seconds",
    }
    lines += [f"| {label} | {_shown(results[key])} |" for label, key in waits.items() if key in results]
    ours = {row["people"]: row["person_months_per_second_1"]["median"] for row in results["throughput"]}
    memory = {row["people"]: row["bytes_per_person"] for row in results["throughput"]}
    lines += [
        "",
        "| comparison, one thread | people | million person-steps per second | speed of Upstream, whole model, over "
        "this row's | bytes per person | bytes of Upstream over this row's |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["peers"]:
        nearest = max((size for size in ours if size <= row["people"]), default=min(ours))
        times = ours[nearest] / row["per_second"]["median"]
        size = ["", ""]
        if "bytes" in row:
            size = [_shown(row["bytes"], 1.0, 0), f"1/{row['bytes']['median'] / memory[nearest]:.1f}"]
        speed = _shown(row["per_second"], 1e6, 3)
        lines.append(f"| {row['who']} | {row['people']:,} | {speed} | {times:,.1f} | {size[0]} | {size[1]} |")
    costs = results["costs"]["nanoseconds"]
    lines += [
        "",
        f"| mechanism | ns per person and month, {results['costs']['people']:,} people | immediately repeated |",
        "| --- | --- | --- |",
    ]
    small = [name for name, cost in costs.items() if cost["median"] < SMALL and not name.endswith(" again")]
    for name, cost in costs.items():
        if name not in small and not name.endswith(" again"):
            again = costs.get(f"{name} again")
            lines.append(f"| `{name}` | {_shown(cost, 1.0, 2)} | {_shown(again, 1.0, 2) if again else ''} |")
    rest = sum(costs[name]["median"] for name in small)
    lines.append(f"| {len(small)} others, each below {SMALL} | {rest:.2f} | |")
    if "england" in results:
        lines += ["", *_england_table(results["england"])]
    return "\n".join(lines)


def _england_table(england: dict[str, Any]) -> list[str]:
    return [
        f"| {england['place']}: {england['people']:,} people as agents, 20 years, one seed, {england['cores']} cores "
        "| minutes | peak, gigabytes | measured | source |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row['what']} | {row['seconds'] / 60:.1f} | {row['peak'] / 1e9:.2f} | {row['date']} | {row['source']} |"
            for row in england["rows"]
        ),
    ]


PEAK = "float(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) * 1024"
"""Peak memory of this process in bytes, without its parent's. Linux only."""
TIMED = (
    "import time; from pathlib import Path; from sim import Scenario, compare, run; began = time.perf_counter(); "
    f"{{call}}; print(time.perf_counter() - began, {PEAK})"
)
LARGE = {
    "baseline": "run(Scenario.load('baseline'), place={path!r}, seeds=1, draws='none')",
    "baseline and salami-slice": (
        "compare(*map(Scenario.load, ('baseline', 'salami-slice')), place={path!r}, seeds=1, draws='none')"
    ),
}


def england(path: str, before: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Minutes and peak memory of a place of millions, in separate processes: of the baseline, and of the baseline and a
    policy. Yields a result after each, together with the earlier measurement of the other."""
    place, on = Place.load(path), machine()
    rows = {row["what"]: row for row in before.get("rows", ())}
    for label, code in LARGE.items():
        seconds, peak = map(float, process(TIMED.format(call=code.format(path=path)))[1].split())
        rows[label] = {"what": label, "seconds": seconds, "peak": peak, "date": on["date"], "source": on["source"]}
        yield {
            "place": place.label,
            "people": place.population,
            "cores": on["cores"],
            "rows": [rows[name] for name in LARGE if name in rows],
        }


def spreads(results: Any, path: str = "") -> dict[str, Spread]:
    """Every spread of a result by its path."""
    if not isinstance(results, (dict, list)):
        return {}
    if isinstance(results, dict) and set(results) == {"median", "low", "high"}:
        return {path: results}
    items = results.items() if isinstance(results, dict) else enumerate(results)
    return {name: figure for key, value in items for name, figure in spreads(value, f"{path}/{key}").items()}


def compared(now: dict[str, Any], before: dict[str, Any]) -> str:
    """The ratio of each figure to that of another result, and whether the two spreads are disjoint."""
    old = spreads(before)
    lines = []
    for name, figure in spreads(now).items():
        if name in old and old[name]["median"] > 0.0:
            disjoint = figure["low"] > old[name]["high"] or figure["high"] < old[name]["low"]
            ratio = figure["median"] / old[name]["median"]
            lines.append(f"{ratio:6.2f}  {'disjoint' if disjoint else 'overlaps'}  {name}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Measure everything, and store the results unless the run is a quick check or a comparison."""
    quick = "--quick" in arguments
    against = [a.removeprefix("--against=") for a in arguments if a.startswith("--against=")]
    large = [a.removeprefix("--england=") for a in arguments if a.startswith("--england=")]
    if len(arguments) != quick + len(against) + len(large) or len(arguments) > 1 + (quick and not large):
        wanted = "--quick, --england=PLACE.toml, --against=FILE.json or nothing"
        print(f"expected {wanted}; got {' '.join(arguments)}", file=sys.stderr)
        return 2
    if large:
        warm_up()
        for measured in england(large[0], stored().get("england", {})):
            store(stored() | {"england": measured})
        return 0
    before = json.loads(Path(against[0]).read_text(encoding="utf-8")) if against else None
    warm_up()
    calibrated = solution_for(Scenario.load("baseline"))
    needed = hazards.digest(calibrated.domains, calibrated.services, calibrated.params)
    if hazards.read_solution(hazards.SOLVED)[0] != needed:
        print("the shipped solution is for other parameters: every first start would calibrate", file=sys.stderr)
        return 1
    repeats = 1 if quick else REPEATS
    results = {
        "machine": machine(),
        "repeats": repeats,
        "limits": limits(repeats),
        "throughput": [throughput(calibrated, people, repeats) for people in (SIZES[:1] if quick else SIZES)],
        "costs": costs(calibrated, 10_000 if quick else 100_000, repeats),
        "peers": peers.measure(
            calibrated,
            partial(baseline_world, calibrated),
            SIZES[:1] if quick else PEER_SIZES,
            repeats,
            spread,
            packages=not quick,
        ),
        **starts(repeats),
        "eight_seeds_seconds": spread([float(process(EIGHT)[1]) for _ in range(repeats)]),
        "main_comparison_seconds": spread([float(process(MAIN)[1]) for _ in range(repeats)]),
        "drawn_comparison_seconds": spread([float(process(DRAWN)[1]) for _ in range(repeats)]),
    }
    if RESULTS.exists() and "england" in (last := stored()):
        results["england"] = last["england"]  # with the source of its measurement
    print(tables(results))
    if before is not None:
        print(compared(results, before))
    elif not quick:
        store(results)
    return 0


def stored() -> dict[str, Any]:
    """The results of the last measurement."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def store(results: dict[str, Any]) -> None:
    """Write the results, and write their tables into README.md in the same folder."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    begin, rest = page.read_text(encoding="utf-8").split("results -->\n")
    page.write_text(f"{begin}results -->\n{tables(results)}\n<!-- end{rest.split('<!-- end')[1]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
