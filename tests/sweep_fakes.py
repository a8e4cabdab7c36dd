"""Helpers for tests of sweeps: workers without a model, the content of a sweep, and processes killed at a moment."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.sweeps import part_files
from sim.sweeps.batch import Batch, BatchOutcome, BatchSetting, RunOutcome
from sim.sweeps.outcomes import schema
from sim.sweeps.pool import Answer, LostWorker

METRICS = ["emergency_admissions", "deaths"]
CHANGING = ["seconds", "finished", "lost_workers"]
"""Columns of the table of runs in which two computations of one run may differ."""


def design(**settings: Any) -> dict[str, Any]:
    """A design of the stock-flow twin, which needs no compilation: 3 policies at 8 points."""
    basic = {
        "scenarios": ["baseline"],
        "people": 1_500,
        "years": 2,
        "engine": "stocks",
        "metrics": METRICS,
        "levers": {"factors": {"prevention_share": {"values": [0.02, 0.04]}}},
        "uncertainties": {
            "method": "sobol_sequence",
            "samples": 8,
            "factors": {"resilience.scar": {"low": 0.05, "high": 0.15}, "rationing.stiffness": {}},
        },
    }
    return {name: value for name, value in {**basic, **settings}.items() if value is not None}


class FakePool:
    """Workers that answer at once with numbers made of the identity of each run."""

    calls: ClassVar[list[str]] = []
    """Every run that was computed."""
    failing: ClassVar[set[str]] = set()
    """Runs that fail."""
    deadly: ClassVar[set[str]] = set()
    """Runs that end their worker."""

    def __init__(self, setting: bytes, workers: int) -> None:
        self.setting: BatchSetting = pickle.loads(setting)
        self.workers, self.capacity = workers, 2
        self._waiting: deque[Batch] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @classmethod
    def clear(cls) -> None:
        """Forget calls and faults."""
        for names in (cls.calls, cls.failing, cls.deadly):
            names.clear()

    def submit(self, batch: Batch) -> None:
        """Hand over a batch."""
        self._waiting.append(batch)

    def next(self) -> tuple[Batch, Answer]:
        """Answer a batch."""
        batch = self._waiting.popleft()
        if self.deadly & set(batch.runs):
            return batch, LostWorker()
        self.calls.extend(batch.runs)
        years = self.setting.policies[0].years
        good = [run for run in batch.runs if run not in self.failing]
        outcomes = tuple(
            RunOutcome(run, "done", "", 0.7) if run in good else RunOutcome(run, "failed", "=a reason", 0.7)
            for run in batch.runs
        )
        tables = {"outcomes": part_files.encoded(fake_outcomes(good, self.setting, years))} if good else {}
        return batch, BatchOutcome(outcomes, tables, 0.7 * len(batch.runs))


def fake_outcomes(runs: list[str], setting: BatchSetting, years: int) -> pa.Table:
    """Outcomes made of the identity of each run."""
    numbers = [int(hashlib.sha256(run.encode()).hexdigest()[:8], 16) / 7.0 for run in runs]
    columns = [np.repeat(numbers, years) + k for k in range(len(setting.metrics))]
    keys = [np.repeat(runs, years), np.tile(np.arange(1, years + 1, dtype=np.int16), len(runs))]
    return pa.table([*map(pa.array, keys), *map(pa.array, columns)], schema=schema(setting.metrics, grouped=False))


def content(sweep: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs and the outcomes of a sweep, in one order, without times."""
    runs = sweep.runs.drop(columns=CHANGING).sort_values("run", ignore_index=True)
    outcomes = sweep.outcomes.sort_values(["run", "year"], ignore_index=True)
    return runs, outcomes


def assert_same(first: Any, second: Any) -> None:
    """Two sweeps have the same runs and outcomes, to the last bit."""
    for ours, theirs in zip(content(first), content(second), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Do some work in a forked process, which is killed when it writes or deletes a file for the n-th time.

    Returns whether it was killed, and not done before.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def counted(original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*args, **options)

            return call

        os.fsync = counted(os.fsync)
        Path.replace = counted(Path.replace)  # type: ignore[method-assign]
        Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
        try:
            work()
        except BaseException:  # noqa: BLE001  # the child must not continue the tests of its parent
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed"
    return os.WIFSIGNALED(status)
