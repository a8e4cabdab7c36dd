"""Processes that evaluate samples: each makes its model once and answers the parts of a design that it is sent.

The work of the twin is Python and small kernels, so threads would wait for each other. A worker is a new process with
the package `sim` of this one and nothing from the current folder; requests and answers pass through its standard input
and output. It ends when its standard input ends, however this process ended.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from sim.ensemble.precompile import ROOT, child_environment
from sim.process.termination import PATIENCE, Undone

F = npt.NDArray[np.float64]
Model = Callable[[F], F]
"""A function of samples, shape (samples, inputs), to outputs, shape (samples, ...); NaN where a sample is refused."""
CHILD = f"""
import sys
sys.path.insert(0, sys.argv[1])
import sim
del sys.path[0]
from {__name__} import answer
answer()
"""
"""Program of a worker: the package `sim` of its parent, everything else by the search path."""


def answer() -> NoReturn:
    """In a worker: make the model, then answer each part of a design with its outputs, or with the error."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal: the parent answers it
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the model must not come between the answers
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    make, model = requests.get(), None
    while True:
        values = requests.get()
        try:
            model = model or make()
            outcome: Any = model(values)
        except Exception as error:  # noqa: BLE001  # the parent raises it
            outcome = error
        pickle.dump(outcome, answers)
        answers.flush()


def _read(requests: queue.SimpleQueue[Any]) -> NoReturn:
    """Read requests until standard input ends, then end the process, also in the middle of an evaluation."""
    try:
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    except (EOFError, OSError, pickle.UnpicklingError):
        os._exit(1)


class _Worker:
    """One process."""

    def __init__(self, make: Callable[[], Model]) -> None:
        self.make = make
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", CHILD, str(ROOT)],
            env=child_environment() | {"UPSTREAM_QUIET": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)

    def work(self, requests: queue.SimpleQueue[tuple[int, F]], answers: queue.SimpleQueue[tuple[int, Any]]) -> None:
        """Send requests to the process, one at a time, until there are no more."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            pickle.dump(self.make, self.process.stdin)
            while True:
                number, values = requests.get_nowait()
                pickle.dump(values, self.process.stdin)
                self.process.stdin.flush()
                answers.put((number, pickle.load(self.process.stdout)))
        except queue.Empty:
            return
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            answers.put((-1, RuntimeError(f"a process that evaluates samples ended early ({type(error).__name__})")))


def evaluated(make: Callable[[], Model], parts: Mapping[int, F], workers: int) -> Iterator[tuple[int, F]]:
    """Evaluate the parts of a design, several at a time.

    Parameters
    ----------
    make : callable
        Makes the model. It is pickled, so it must be importable.
    parts : mapping of int to ndarray
        Samples, shape (samples, inputs), by number.
    workers : int
        Number of processes; with 1 the model is made and called in this process.

    Yields
    ------
    number : int
        Number of a part, as soon as it is done.
    outputs : ndarray
        Its outputs.

    Raises
    ------
    Exception
        The error of the model.
    """
    if workers <= 1 or len(parts) <= 1:
        model = make() if parts else None
        for number, values in parts.items():
            assert model is not None
            yield number, model(values)
        return
    requests: queue.SimpleQueue[tuple[int, F]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for item in parts.items():
        requests.put(item)
    crew = [_Worker(make) for _ in range(min(workers, len(parts)))]
    with contextlib.ExitStack() as stack:
        for worker in crew:
            stack.enter_context(Undone(worker.start, worker.stop))
            threading.Thread(target=worker.work, args=(requests, answers), daemon=True).start()
        for _ in parts:
            number, outcome = answers.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield number, outcome
