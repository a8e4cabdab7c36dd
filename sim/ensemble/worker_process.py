"""A process of this computer that computes: it makes its function once and answers what it is sent, one at a time.

The work is Python and small kernels, so threads would wait for each other. A worker is a new process with the package
`sim` of this one and nothing from the current folder; requests and answers pass through its standard input and output.
It computes in one thread, and ends when its standard input ends, however this process ended.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from sim.ensemble.precompile import ROOT, child_environment
from sim.process.termination import PATIENCE

CHILD = f"""
import sys
sys.path.insert(0, sys.argv[1])
import sim
del sys.path[0]
from {__name__} import answer
answer()
"""
"""Program of a worker: the package `sim` of its parent, everything else by the search path."""
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
LOST = (EOFError, OSError, pickle.UnpicklingError)
"""Errors of `WorkerProcess.ask` that mean that the process has ended."""


def answer() -> NoReturn:
    """In a worker: make the function, then answer each request with its result, or with the error."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal: the parent answers it
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the model must not come between the answers
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    make, function = requests.get(), None
    while True:
        request = requests.get()
        try:
            function = function or make()
            outcome: Any = function(request)
        except Exception as error:  # noqa: BLE001  # the parent raises it
            outcome = error
        pickle.dump(outcome, answers)
        answers.flush()


def _read(requests: queue.SimpleQueue[Any]) -> NoReturn:
    """Read requests until standard input ends, then end the process, also in the middle of a computation."""
    try:
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    except LOST:
        os._exit(1)


class WorkerProcess:
    """A process that computes.

    Parameters
    ----------
    make : callable
        Makes the function of a request. It is pickled, so it must be importable.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        """Keep what is sent first; `start` starts the process."""
        self._make = make
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", CHILD, str(ROOT)],
            env=child_environment() | ONE_THREAD | {"UPSTREAM_QUIET": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)

    def prepare(self) -> None:
        """Send the maker of the function. Raises one of `LOST` if the process has ended."""
        assert self._process is not None
        assert self._process.stdin is not None
        pickle.dump(self._make, self._process.stdin)

    def ask(self, request: Any) -> Any:
        """Send a request and wait for the answer, which is an exception if the function raised it.

        Raises one of `LOST` if the process has ended.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)
