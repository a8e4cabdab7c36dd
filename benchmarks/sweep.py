"""Sweeps: exactness under kills, speed on two cores, overhead, memory of the parent, and formats of the store.

`python -m benchmarks.sweep --runs 10000 --kills 20` runs a sweep without interruption and once more with kills at
random moments (SIGKILL of a worker and of the parent, SIGINT, a truncated file, a flipped bit), resumes it each time,
and compares both run for run. (A full disk is tested in tests/test_sweep_store.py.)
`--scaling` measures one and two workers and the share of time that is not spent in runs. `--memory 50000` measures the
peak memory of the parent over many small runs of the twin. `--rates` measures runs an hour and core.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

import sim
from sim.sweeps.results import Sweep

DESIGN = """\
scenarios = ["baseline", "salami-slice"]
people = {people}
years = {years}
seeds = {seeds}
engine = "{engine}"
{calibrate}

[uncertainties]
method = "sobol_sequence"
samples = {points}
[uncertainties.factors]
resilience.scar = {{}}
rationing.stiffness = {{}}
"""
LIMIT = 5.0
"""Seconds after which no process may be left."""
CHANGING = ["seconds", "finished", "lost_workers"]
FAULTS = ("worker", "parent", "interrupt", "truncate", "flip")


def design(folder: Path, runs: int, *, engine: str = "agents", people: int = 1_500, years: int = 2) -> Path:
    """Write the design of a number of runs; agents have eight seeds at each point."""
    seeds = 8 if engine == "agents" else 1
    calibrate = 'calibrate = "none"' if engine == "agents" else ""
    points = max(1, runs // (2 * seeds))
    text = DESIGN.format(people=people, years=years, seeds=seeds, engine=engine, points=points, calibrate=calibrate)
    path = folder / f"{engine}-{runs}-{people}-{years}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.contextmanager
def started(path: Path, out: Path, workers: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process of its own; it is killed at the end of the block, if it is still there."""
    words = [sys.executable, "-m", "sim", "sweep", str(path), "--out", str(out), "--workers", str(workers)]
    environment = {**os.environ, "UPSTREAM_QUIET": "1"}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def content(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and outcomes in one order, without times."""
    sweep = sim.load(folder)
    assert isinstance(sweep, Sweep)
    runs = sweep.runs.drop(columns=CHANGING).sort_values("run", ignore_index=True)
    return runs, sweep.outcomes.sort_values(["run", "year"], ignore_index=True)


def children_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that a process has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def damage(folder: Path, fault: str, rng: random.Random) -> None:
    """Truncate a random file, or flip one of its bits."""
    files = sorted(folder.glob("*/*.parquet"))
    if not files:
        return
    path = rng.choice(files)
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw if fault == "flip" else raw[: rng.randrange(len(raw))])


def kill(process: subprocess.Popen[bytes], fault: str, rng: random.Random) -> None:
    """Kill a worker, kill the process, or interrupt it. Kills of the process are checked for orphans."""
    children = children_of(process)
    if fault == "worker" and children:
        rng.choice(children).kill()
        return
    if fault == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(LIMIT) == 130
    else:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(children, timeout=LIMIT)
    alive = [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert not alive, f"{len(alive)} processes outlived a sweep"


def killed(runs: int, kills: int, seed: int, engine: str) -> None:
    """Compare an unbroken sweep with one that is killed again and again."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = design(folder, runs, engine=engine)
        begin = time.perf_counter()
        with started(path, folder / "unbroken") as process:
            assert process.wait() == 0
        unbroken = time.perf_counter() - begin
        begin, done = time.perf_counter(), 0
        while done < kills:
            fault = FAULTS[done % len(FAULTS)]
            with started(path, folder / "killed") as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0.2, 1.8) * (4.0 + unbroken / kills))
                if process.returncode is None:
                    kill(process, fault, rng)
                    if fault == "worker":
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            process.wait(rng.uniform(0.0, 2.0))
            if fault in ("truncate", "flip"):
                damage(folder / "killed", fault, rng)
            done += 1
        with started(path, folder / "killed") as process:
            assert process.wait() == 0
        seconds = time.perf_counter() - begin
        for ours, theirs in zip(content(folder / "killed"), content(folder / "unbroken"), strict=True):
            pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        count = len(content(folder / "killed")[0])
        print(
            f"{count:,} runs, {kills} faults: equal run for run; {unbroken:.0f} s unbroken, {seconds:.0f} s with faults"
        )


def scaling(runs: int) -> None:
    """Time of a sweep with one and with two workers, and the share of it that is not spent in runs."""
    with tempfile.TemporaryDirectory() as place:
        folder, seconds = Path(place), {}
        path = design(folder, runs, people=3_000, years=5)
        for workers in (1, 2, 1, 2):
            out = folder / f"out{workers}"
            shutil.rmtree(out, ignore_errors=True)
            begin = time.perf_counter()
            with started(path, out, workers) as process:
                assert process.wait() == 0
            taken = time.perf_counter() - begin
            seconds[workers] = min(taken, seconds.get(workers, taken))
            work = content_seconds(out)
            print(f"{workers} workers: {taken:.1f} s, of which {1.0 - work / workers / taken:.1%} outside runs")
        print(f"two workers are {seconds[1] / seconds[2]:.2f} times as fast as one")


def content_seconds(folder: Path) -> float:
    """Time that workers spent in runs."""
    sweep = sim.load(folder)
    assert isinstance(sweep, Sweep)
    return float(sweep.runs["seconds"].sum())


def memory(runs: int) -> None:
    """Peak memory of the parent, at a tenth and at the end of many small runs."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = design(folder, runs, engine="stocks", years=2)
        peaks: list[tuple[int, int]] = []
        with started(path, folder / "out") as process:

            def watch() -> None:
                with contextlib.suppress(psutil.Error):
                    while process.poll() is None:
                        done = len(list((folder / "out" / "runs").glob("done-*")))
                        peaks.append((done, psutil.Process(process.pid).memory_info().rss))
                        time.sleep(1.0)

            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
            assert process.wait() == 0
            watcher.join()
        early = max(rss for _, rss in peaks[: max(1, len(peaks) // 10)])
        latest = max(rss for _, rss in peaks)
        print(f"{runs:,} runs: peak of the parent {latest / 1e6:.0f} MB, {early / 1e6:.0f} MB in the first tenth")


def rates() -> None:
    """Runs an hour and core, for two sizes and both engines, calibrated draws included."""
    for engine, people in (("agents", 3_000), ("agents", 30_000), ("stocks", 3_000), ("stocks", 30_000)):
        for draws in ("none", "all"):
            settings: dict[str, Any] = {
                "scenarios": ["baseline", "salami-slice"], "people": people, "years": 10, "engine": engine,
                "seeds": 1 if engine == "stocks" and draws == "none" else 4, "draws": draws,
            }  # fmt: skip
            with tempfile.TemporaryDirectory() as folder:
                done = sim.sweep(settings, Path(folder) / "out", workers=1, notify=lambda _: None)
                seconds = float(done.runs["seconds"].sum())
                rate = 3_600.0 * done.done / seconds
                print(f"{engine}, {people:,} people, draws {draws}: {rate:,.0f} runs an hour and core")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="agents", choices=("agents", "stocks"))
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--memory", type=int, default=0, metavar="RUNS")
    parser.add_argument("--rates", action="store_true")
    chosen = parser.parse_args()
    if chosen.kills:
        killed(chosen.runs, chosen.kills, chosen.seed, chosen.engine)
    if chosen.scaling:
        scaling(chosen.runs)
    if chosen.memory:
        memory(chosen.memory)
    if chosen.rates:
        rates()


if __name__ == "__main__":
    main()
