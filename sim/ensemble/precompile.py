"""Compilation of the model for this machine: once for each state of the source, in two processes at once.

Numba compiles one function at a time in a process. So a second process compiles the month's stages from the last one
backwards, while the first process begins with building a world. Each loads from the cache the functions that the other
has compiled.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from sim.calibration.calibrate import solution_for
from sim.engine import jit, verified_files
from sim.place.place import Place
from sim.process.termination import PATIENCE, Undone
from sim.scenario.scenario import Scenario
from sim.simulation.month import BURN_IN_DISABLED, Month
from sim.simulation.simulate import burn_in, run_months

ROOT = Path(__file__).absolute().parents[2]
"""The folder that this process imports the package `sim` from."""
CHILD = f"""
import sys
sys.path.insert(0, sys.argv[1])
import sim
del sys.path[0]
from sim.process.termination import end_with_parent
end_with_parent()
from {__name__} import compile_backwards
compile_backwards()
"""
"""Program of the second process: the package `sim` of its parent, everything else by the search path."""

_compiling = threading.Lock()


def compile_backwards() -> None:
    """Compile the month's stages from the last one backwards, for a process that works from the other end."""
    params = Scenario.load("baseline").params()
    for disabled in ((), BURN_IN_DISABLED):
        Month(params, {}, disabled).compile_backwards()


class SecondProcess:
    """A process that compiles the month's stages backwards. Neither process needs the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, if there is a second processor and a cache. Its standard input ends with this process."""
        if (os.cpu_count() or 1) < 2 or not sys.executable or verified_files.ROOT is None:
            return
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", CHILD, str(ROOT)],
                env=child_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)


def child_environment() -> dict[str, str]:
    """The environment of a child process: the search path of this process without the current folder.

    Modules are imported from the current folder by `python -m`, by a notebook, and with an empty entry in PYTHONPATH.
    A process that the user did not start must not execute the files in it.
    """
    ignored = sys.flags.ignore_environment  # `python -E` or `-I`: Python's variables do not apply to the child either
    environment = {name: value for name, value in os.environ.items() if not (ignored and name.startswith("PYTHON"))}
    path = os.pathsep.join(entry for entry in sys.path if Path(entry).is_absolute() and not _is_current(entry))
    return {**environment, "UPSTREAM_CACHE": str(verified_files.ROOT), "PYTHONPATH": path}


def _is_current(folder: str) -> bool:
    try:
        return Path(folder).samefile(os.curdir)
    except OSError:  # one of the two does not exist
        return False


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
    second = SecondProcess()
    with Undone(second.start, second.stop):
        calibrated = solution_for(scenario)
        world = burn_in(calibrated.world(Place.load(scenario.place), 1500, 0), calibrated.params, 0, months=12)
        run_months(world, scenario, calibrated.params, 0)
    jit.mark_warm()
