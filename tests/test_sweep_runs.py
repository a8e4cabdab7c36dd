"""Runs of sweeps: the figures of `sim.compare`, killed processes, Dask workers, and other programs that read them."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from command_line import ROOT, assert_refused

import sim
from sim.cli import command
from sim.scenario.scenario import Scenario
from sim.sweeps import cluster, part_files, task
from sim.sweeps.batch import Batch
from sim.sweeps.plan import Plan
from sim.sweeps.planning import planned
from sim.sweeps.results import Sweep

DESIGN = """\
scenarios = ["baseline", "salami-slice"]
people = 1500
years = 2
seeds = 24
calibrate = "none"
metrics = ["deaths", "emergency_admissions", "spend_total"]

[uncertainties.factors]
resilience.scar = { values = [0.1] }
"""
RUNS = 48
LIMIT = 5.0
"""Seconds within which no process is left."""
SLOW = 240.0


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small design of agents."""
    path = tmp_path_factory.mktemp("design") / "design.toml"
    path.write_text(DESIGN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def expected(design: Path) -> pd.DataFrame:
    """The outcomes of the design, computed in this process without a sweep."""
    return outcomes(planned(design))


def outcomes(plan: Plan, **tables: Any) -> pd.DataFrame:
    """The outcomes of a plan, computed in this process."""
    answer = task.make(pickle.dumps(plan.setting()))(Batch(tuple(plan.groups())))
    assert {run.status for run in answer.runs} == {"done"}, answer.runs
    return in_order(part_files.decoded(answer.tables[tables.get("kind", "outcomes")]).to_pandas())


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of outcomes in one order."""
    return frame.sort_values(["run", "year"], ignore_index=True)


def assert_equal(folder: Path, expected: pd.DataFrame) -> None:
    """A sweep on disk has these outcomes, to the last bit, each once."""
    sweep = sim.load(folder)
    assert isinstance(sweep, Sweep)
    pd.testing.assert_frame_equal(in_order(sweep.outcomes), expected, check_exact=True)
    assert len(sweep.runs) == sweep.runs["run"].nunique() == sweep.done


# Figures.


def test_figures_are_those_of_a_comparison() -> None:
    """Each run is that of `sim.compare` with the same seed, draw, replicate and parameters, to the last bit."""
    plan = planned(
        {"scenarios": ["baseline", "salami-slice"], "people": 1_500, "years": 2, "seeds": 2, "replicates": 2,
         "draws": "mechanisms", "calibrate": "none", "metrics": ["deaths", "spend_total", "acute_demand"]}
    )  # fmt: skip
    made = outcomes(plan).set_index(["run", "year"])
    scenarios = [Scenario.load(name).with_settings(years=2, calibrate="none") for name in plan.design.scenarios]
    result = sim.compare(*scenarios, people=1_500, seeds=2, draws="mechanisms")
    assert result.replicates is not None
    for group in plan.groups():
        reference = result if group.replicate == 0 else result.replicates
        for policy, run in zip(group.policies, group.runs, strict=True):
            name = plan.policies[policy].scenario.name
            row = reference.seeds.index(group.seed)
            demand = result["acute_demand"].metric
            index = made.loc[run, "acute_demand_pounds"].to_numpy() * result.index_scale(demand)
            if group.replicate == 0:
                assert np.array_equal(index, result.values(name, demand)[row])
            first = made.loc[group.runs[0], "acute_demand_pounds"].iloc[0]
            assert np.allclose(made.loc[run, "acute_demand"], 100.0 * made.loc[run, "acute_demand_pounds"] / first)
            for measure in ("deaths", "spend_total"):
                values = reference.values(name, reference[measure].metric)[row]
                assert np.array_equal(made.loc[run, measure].to_numpy(), values)


@pytest.mark.parametrize("engine", ["agents", "stocks"])
def test_a_run_does_not_depend_on_its_batch(engine: str) -> None:
    """Alone, after others, or in other company: the same outcomes."""
    settings: dict[str, Any] = {
        "scenarios": ["baseline", "salami-slice"], "people": 1_500, "years": 2, "engine": engine,
        "metrics": ["deaths", "emergency_admissions"], "by": ["quintile"],
        "uncertainties": {"factors": {"resilience.scar": {"values": [0.08, 0.12]}}},
    }  # fmt: skip
    if engine == "agents":
        settings["calibrate"] = "none"
    plan = planned(settings)
    work = task.make(pickle.dumps(plan.setting()))
    groups = list(plan.groups())
    together = work(Batch(tuple(groups)))
    for kind in ("outcomes", "groups"):
        frame = part_files.decoded(together.tables[kind]).to_pandas()
        for group in reversed(groups):
            for run in group.runs:
                alone = work(Batch((group.only({run}),)))
                only = part_files.decoded(alone.tables[kind]).to_pandas()
                rows = frame[frame["run"] == run].reset_index(drop=True)
                pd.testing.assert_frame_equal(only, rows, check_exact=True)


def test_an_error_concerns_its_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that cannot be run keeps its reason; the others of its group are run."""
    original = task.PairedRuns.records

    def records(self: Any, numbers: Any) -> Any:
        if any(scenario.name == "salami-slice" for scenario in self.request.scenarios):
            raise ValueError("no such\nmoney")
        return original(self, numbers)

    monkeypatch.setattr(task.PairedRuns, "records", records)
    names = ["baseline", "salami-slice", "more-acute"]
    plan = planned({"scenarios": names, "people": 1_500, "years": 2, "metrics": ["deaths"]})
    (group,) = plan.groups()
    answer = task.make(pickle.dumps(plan.setting()))(Batch((group,)))
    assert [run.status for run in answer.runs] == ["done", "failed", "done"]
    assert answer.runs[1].error == "ValueError: no such money"
    table = part_files.decoded(answer.tables["outcomes"])
    assert set(table.column("run").to_pylist()) == {group.runs[0], group.runs[2]}


# Killed processes.


@pytest.fixture
def start(design: Path, tmp_path: Path) -> Iterator[Any]:
    """Start the command, and end everything after the test."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "sim", "sweep", str(design), "--out", str(tmp_path / "sweep"), "--workers", "2"]
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, "UPSTREAM_QUIET": "1"},
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_more(process: subprocess.Popen[str], folder: Path, more: int) -> list[psutil.Process]:
    """Wait until some further files of done runs are there, or the process has ended; return its children."""
    before, end = len(list(folder.glob("runs/done-*"))), time.monotonic() + SLOW
    while process.poll() is None and len(list(folder.glob("runs/done-*"))) < before + more:
        assert time.monotonic() < end, "the sweep did not come so far"
        time.sleep(0.02)
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def assert_gone(processes: list[psutil.Process]) -> None:
    """No process is left after some seconds."""
    _, alive = psutil.wait_procs(processes, timeout=LIMIT)
    assert not [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_sweep_that_is_killed_again_and_again(start: Any, expected: pd.DataFrame, seed: int, tmp_path: Path) -> None:
    """Workers killed, the parent killed, interrupted: resumed each time, it equals the unbroken sweep."""
    rng, folder = random.Random(seed), tmp_path / "sweep"
    process = start()
    children = wait_for_more(process, folder, 1)
    rng.choice(children).kill()  # the parent goes on with another worker
    children = wait_for_more(process, folder, 1)
    time.sleep(rng.uniform(0.0, 0.5))
    process.kill()
    process.communicate()
    assert_gone(children)
    process = start()
    children = wait_for_more(process, folder, 1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        _, messages = process.communicate(timeout=LIMIT)
        assert process.returncode == 130
        assert messages == "upstream: interrupted\n"
        assert_gone(children)
        assert not list(folder.rglob(f"*{part_files.PARTIAL}"))
    process = start()
    output, messages = process.communicate(timeout=SLOW)
    assert process.returncode == 0, messages
    assert output == f"{RUNS} runs are in {folder}\n"
    assert_equal(folder, expected)
    assert not [path for path in tmp_path.iterdir() if path != folder]


# Clusters.


def test_dask_workers_give_the_same_table(design: Path, expected: pd.DataFrame, tmp_path: Path) -> None:
    """Two workers of a Dask cluster over loopback TCP: the same outcomes to the last bit."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", protocol="tcp", dashboard_address=None
    ) as local:
        done = sim.sweep(design, tmp_path / "sweep", scheduler=local.scheduler_address, notify=lambda _: None)
        assert done.done == RUNS
    assert_equal(tmp_path / "sweep", expected)


def test_an_unreachable_scheduler(
    design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The usual error, and nothing is written."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "TIMEOUT", 0.5)
    arguments = ["sweep", str(design), "--out", str(tmp_path / "sweep"), "--scheduler", "tcp://127.0.0.1:1"]
    assert_refused(arguments, capsys, "--scheduler", "tcp://127.0.0.1:1")
    assert not list(tmp_path.iterdir())


# Other programs, and the command line.


def test_commands_and_other_programs(
    expected: pd.DataFrame, design: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Two parts on processes, merged; status; DuckDB and pandas read the store in three lines."""
    small = design.with_name("small.toml")
    small.write_text(DESIGN.replace("seeds = 24", "seeds = 2"), encoding="utf-8")
    folders = [str(tmp_path / f"part{k}") for k in (1, 2)]
    for k, folder in enumerate(folders, 1):
        assert command(["sweep", str(small), "--out", folder, "--part", f"{k}/2", "--workers", "1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["done"] == 2
        assert command(["status", folder, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["left"] == 2
    out = tmp_path / "merged"
    assert command(["merge", *folders, "--out", str(out), "--csv", str(tmp_path / "csv")]) == 0
    assert capsys.readouterr().out == f"4 runs are in {out}\n"
    assert command(["status", str(out)]) == 0
    assert capsys.readouterr().out == "4 of 4 runs are done, 0 are left\n"
    mean = expected[expected["run"].isin(sim.load(out).runs["run"])]["deaths"].mean()  # type: ignore[union-attr]  # a sweep, not a comparison
    table = pd.read_parquet(out / "runs").merge(pd.read_parquet(out / "outcomes"), on="run")
    assert table["deaths"].mean() == pytest.approx(mean, rel=1e-12)
    duckdb = pytest.importorskip("duckdb")
    query = f"SELECT avg(deaths) FROM '{out}/outcomes/*.parquet' JOIN '{out}/runs/*.parquet' USING (run)"
    assert duckdb.sql(query).fetchall()[0][0] == pytest.approx(mean, rel=1e-12)


def test_wrong_commands(design: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The usual error for each."""
    out = str(tmp_path / "sweep")
    assert_refused(["sweep", str(tmp_path / "none.toml"), "--out", out], capsys, "none.toml")
    assert_refused(["sweep", str(design), "--out", out, "--part", "3/2"], capsys, "--part", "'3/2'")
    assert_refused(["sweep", str(design), "--out", out, "--workers", "0"], capsys, "--workers")
    assert_refused(["status", out], capsys, "got nothing")
    assert_refused(["merge", out, "--out", str(tmp_path / "merged")], capsys, "got nothing")
    assert not list(tmp_path.iterdir())
