"""Helpers for tests of the command line: a command in a process of its own, selected scenarios, refused commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.cli import arguments, command
from sim.results.comparison import Comparison

ROOT = Path(__file__).parents[1]
HEADER = "lsoa11_code,imd2019_decile,age_0_4,age_5_15,age_16_24,age_25_44,age_45_64,age_65_74,age_75_84,age_85_plus"
"""The header line of a table of neighbourhoods."""


def run_upstream(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    words = [sys.executable, "-c", "from sim.cli import main; main()", *args]
    env = {**os.environ, **environment}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def select(*names: str, sets: tuple[str, ...] = (), **options: Any) -> arguments.SelectedScenarios:
    """The scenarios that the command line selects for these names and options."""
    defaults: dict[str, Any] = {"place": None, "people": None, "years": None, "seeds": 2, "seed": 0, "threads": None}
    return arguments.select_scenarios(names, sets=sets, **{**defaults, **options})


def small_comparison() -> Comparison:
    """The baseline and a policy in a town of 3,000 for two years, with two seeds."""
    selected = select("baseline", "salami-slice", people=3000, years=2)
    return sim.compare(*selected.scenarios, people=3000, seeds=2, draws="none")


def assert_refused(args: list[str], capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    """Run a command and check that it is refused.

    The exit status is 2, standard error has one line with every part, and standard output is empty.
    """
    assert command(args) == 2
    output = capsys.readouterr()
    assert not output.out
    assert output.err.startswith("upstream: ")
    assert output.err.count("\n") == 1, output.err
    for part in parts:
        assert part in output.err, output.err
