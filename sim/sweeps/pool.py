"""Workers of this computer: processes that are started anew when one of them is lost.

The standard library's pools lose all their work, or wait for ever, when one process is killed. Here each process has a
thread of this process that sends it one batch at a time, so a lost process costs its batch and nothing else, and it is
known which batch that was.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from sim.ensemble.worker_process import LOST, WorkerProcess
from sim.process.termination import Undone
from sim.sweeps.batch import Batch, BatchOutcome
from sim.sweeps.task import make


class LostWorker(NamedTuple):
    """A worker ended before it had finished a batch.

    Attributes
    ----------
    certain : bool
        Whether it is certain that the batch ended several workers one after another.
    """

    certain: bool = False


Answer = BatchOutcome | LostWorker | Exception


class Pool:
    """Processes of this computer. A context manager: they end with the block, and with this process.

    Parameters
    ----------
    setting : bytes
        The pickled `BatchSetting` of the sweep.
    workers : int
        Number of processes.
    make_task : callable
        Makes the function of batches from the setting; another package may have another one.
    """

    def __init__(self, setting: bytes, workers: int, make_task: Callable[[bytes], Callable[[Any], Any]] = make) -> None:
        """Start nothing yet: a process is started when there is work for it."""
        self.workers = workers
        self._make = partial(make_task, setting)
        self._requests: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Batch, Answer]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._in_progress = 0
        self._ending = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        self._ending.set()
        for _ in self._threads:
            self._requests.put(None)
        self._stack.close()

    @property
    def capacity(self) -> int:
        """Number of batches that may be in progress: one for each process, and one that waits."""
        return self.workers + 1

    def submit(self, batch: Batch) -> None:
        """Hand over a batch."""
        self._in_progress += 1
        if self._in_progress > len(self._threads) and len(self._threads) < self.workers:
            thread = threading.Thread(target=self._serve, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._requests.put(batch)

    def next(self) -> tuple[Batch, Answer]:
        """Wait for the next batch that is finished, or whose worker was lost."""
        batch, answer = self._answers.get()
        self._in_progress -= 1
        return batch, answer

    def _serve(self) -> None:
        """Send batches to a process, one at a time; after its end, to another."""
        while not self._ending.is_set():
            worker = WorkerProcess(self._make)
            undone = Undone(worker.start, worker.stop)
            try:
                undone.__enter__()
            except OSError as error:  # no memory for a process
                batch = self._requests.get()
                if batch is not None:
                    self._answers.put((batch, error))
                continue
            self._stack.callback(worker.stop)
            batch = None
            try:
                worker.prepare()
                while (batch := self._requests.get()) is not None:
                    self._answers.put((batch, worker.ask(batch)))
            except LOST:
                if batch is not None:
                    self._answers.put((batch, LostWorker()))
            finally:
                undone.__exit__(None, None, None)
            if batch is None:
                return
