"""Processes that evaluate mixes: each makes the model once and is sent all mixes of a generation, a draw at a time.

What a mix gives with a draw depends on nothing else, so results do not depend on the number of processes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.ensemble.worker_process import LOST, WorkerProcess
from sim.process.termination import Undone
from sim.searches.twin_model import MixModel

F = npt.NDArray[np.float64]


def _requested(make: Callable[[], MixModel]) -> Callable[[tuple[Mapping[str, float], F]], F]:
    """In a worker: the model as a function of one request."""
    model = make()
    return lambda request: model(*request)


class Evaluator:
    """Evaluates mixes with draws. A context manager: its processes end with the block.

    Parameters
    ----------
    make : callable
        Makes the model; importable, as it is pickled.
    workers : int
        Number of processes; with 1 the model is made and called in this process.
    """

    def __init__(self, make: Callable[[], MixModel], workers: int) -> None:
        """Start nothing yet: processes are started when there is work for them."""
        self._make, self._workers = make, workers
        self._model: MixModel | None = None
        self._requests: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        for _ in self._threads:
            self._requests.put(None)
        self._stack.close()

    def evaluate(
        self, draws: Sequence[Mapping[str, float]], values: F, on_draw: Callable[[int, F], None] | None = None
    ) -> F:
        """Evaluate mixes with each draw.

        Parameters
        ----------
        draws : sequence of mapping
            Parameters of each draw.
        values : ndarray of float64, shape (mixes, levers)
            Values of the levers.
        on_draw : callable, optional
            Called with the position of each draw that is done and its quantities, of shape (mixes, quantities).

        Returns
        -------
        ndarray of float64, shape (mixes, draws, quantities)

        Raises
        ------
        Exception
            The error of the model, or RuntimeError if a process ended early.
        """
        outcomes: dict[int, F] = {}

        def add(number: int, outcome: F) -> None:
            outcomes[number] = outcome
            if on_draw is not None:
                on_draw(number, outcome)

        if self._workers == 1:
            self._model = self._model or self._make()
            for number, parameters in enumerate(draws):
                add(number, self._model(parameters, values))
        else:
            self._start(min(self._workers, len(draws)))
            for number, parameters in enumerate(draws):
                self._requests.put((number, (parameters, values)))
            for _ in draws:
                number, outcome = self._answers.get()
                if isinstance(outcome, Exception):
                    raise outcome
                add(number, outcome)
        return np.stack([outcomes[k] for k in range(len(draws))], axis=1)

    def _start(self, number: int) -> None:
        while len(self._threads) < number:
            worker = WorkerProcess(partial(_requested, self._make))
            self._stack.enter_context(Undone(worker.start, worker.stop))
            thread = threading.Thread(target=self._serve, args=(worker,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, worker: WorkerProcess) -> None:
        """Send requests to a process, one at a time."""
        try:
            worker.prepare()
            while (item := self._requests.get()) is not None:
                number, request = item
                self._answers.put((number, worker.ask(request)))
        except LOST as error:
            text = f"a process that evaluates mixes ended early ({type(error).__name__}); the same command continues"
            self._answers.put((-1, RuntimeError(text)))
