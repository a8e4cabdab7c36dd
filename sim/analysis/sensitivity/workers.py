"""Processes that evaluate samples: each makes its model once and answers the parts of a design that it is sent."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.ensemble.worker_process import LOST, WorkerProcess
from sim.process.termination import Undone

F = npt.NDArray[np.float64]
Model = Callable[[F], F]
"""A function of samples, shape (samples, inputs), to outputs, shape (samples, ...); NaN where a sample is refused."""


def _work(
    worker: WorkerProcess,
    requests: queue.SimpleQueue[tuple[int, F]],
    answers: queue.SimpleQueue[tuple[int, Any]],
) -> None:
    """Send requests to a process, one at a time, until there are no more."""
    try:
        worker.prepare()
        while True:
            number, values = requests.get_nowait()
            answers.put((number, worker.ask(values)))
    except queue.Empty:
        return
    except LOST as error:
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
    crew = [WorkerProcess(make) for _ in range(min(workers, len(parts)))]
    with contextlib.ExitStack() as stack:
        for worker in crew:
            stack.enter_context(Undone(worker.start, worker.stop))
            threading.Thread(target=_work, args=(worker, requests, answers), daemon=True).start()
        for _ in parts:
            number, outcome = answers.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield number, outcome
