"""Compilation of the model for this machine: once for each state of the source, in two processes at once.

Numba compiles one function at a time in a process. So a second process compiles the month's stages from the last one
backwards, while the first process begins with building a world. Each loads from the cache the functions that the other
has compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sim.calibration.calibrate import solution_for
from sim.engine import jit, verified_files
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.simulation.month import BURN_IN_DISABLED, Month
from sim.simulation.simulate import burn_in, run_months

_compiling = threading.Lock()


def compile_backwards() -> None:
    """Compile the month's stages from the last one backwards, for a process that works from the other end."""
    params = Scenario.load("baseline").params()
    for disabled in ((), BURN_IN_DISABLED):
        Month(params, {}, disabled).compile_backwards()


@contextmanager
def _from_the_other_end() -> Iterator[None]:
    """Run a second process that compiles backwards. Neither process needs the other."""
    if (os.cpu_count() or 1) < 2 or verified_files.ROOT is None:  # without a cache, neither gains from the other
        yield
        return
    code = f"from {__name__} import compile_backwards; compile_backwards()"
    known = {
        **os.environ,
        "UPSTREAM_CACHE": str(verified_files.ROOT),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    other = subprocess.Popen(
        [sys.executable, "-c", code], env=known, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        other.terminate()
        other.wait()


def warm_up() -> None:
    """Compile the month once before threads start, and print a message, as the first compilation takes a while.

    Of all processes that share a cache, one compiles; the others wait and load its machine code. The
    kernel of a lever is compiled when the lever is first moved, in a fraction of a second.
    """
    with _compiling:
        if jit.is_warm():
            return
        with verified_files.exclusive("compiling", _note_waiting):
            if not jit.is_warm():
                _compile()


def _note_waiting() -> None:
    if "UPSTREAM_QUIET" not in os.environ:
        print("Another process is compiling the model for this machine: waiting for it…", file=sys.stderr, flush=True)


def _compile() -> None:
    """Run each kernel of a month in a small town."""
    if "UPSTREAM_QUIET" not in os.environ:
        print("Compiling the model for this machine: once, about half a minute…", file=sys.stderr, flush=True)
    scenario = Scenario.load("baseline").with_settings(people=1500, years=1)
    with _from_the_other_end():
        calibrated = solution_for(scenario)
        world = burn_in(calibrated.world(Place.load(scenario.place), 1500, 0), calibrated.params, 0, months=12)
        run_months(world, scenario, calibrated.params, 0)
    jit.mark_warm()
