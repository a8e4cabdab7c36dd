"""Workers of a Dask cluster: the same function on any computers that the scheduler has, over the network.

Dask runs a batch again by itself when a worker is lost; a batch that has ended several workers comes back as lost. The
scheduler has no memory of its own on disk: if it ends, the sweep ends with an error, and the same command continues it.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from sim.schema import extensions
from sim.schema.errors import InputError, Phrase, plain
from sim.sweeps import task
from sim.sweeps.batch import Batch
from sim.sweeps.pool import Answer, LostWorker

TIMEOUT = 10.0
"""Seconds within which a scheduler must answer."""
LOOK_EVERY = 2.0
"""Seconds between two looks at whether the scheduler is there."""
OPTION = "--scheduler"


class SchedulerLostError(RuntimeError):
    """Raised if the scheduler has ended, or cannot be reached any more."""


class Cluster:
    """The workers of a Dask scheduler. A context manager: the connection ends with the block.

    Parameters
    ----------
    setting : bytes
        The pickled `BatchSetting` of the sweep.
    address : str
        Address of the scheduler, such as ``tcp://127.0.0.1:8786``.
    run : callable
        Runs a batch with the setting on a worker; another package may have another one.

    Raises
    ------
    InputError
        If the package `distributed` is not installed, or the scheduler cannot be reached.
    """

    def __init__(self, setting: bytes, address: str, run: Callable[[bytes, Any], Any] = task.run) -> None:
        """Connect with the scheduler."""
        try:
            import distributed
        except ImportError:
            wanted = "the package distributed: install Upstream with its extra, upstream-simulator[dask]"
            raise InputError(OPTION, None, "", wanted, Phrase("no such package")) from None
        self._setting, self._address, self._run = setting, address, run
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._batches: dict[str, Batch] = {}
        self._number = 0
        self._lost = distributed.KilledWorker
        try:
            client: Any = distributed.Client
            self._client = client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            came = Phrase(f"'{plain(address, 60)}', which does not answer ({plain(str(error) or 'no reason', 100)})")
            raise InputError(OPTION, None, "", "the address of a Dask scheduler, tcp://HOST:PORT", came) from None
        self._use_extensions()
        self.workers = self._threads()

    def _use_extensions(self) -> None:
        """Let every worker, also one that joins later, use the extensions of this process, from the same folders."""
        specs = extensions.specs()
        if not specs:
            return
        try:
            self._client.register_worker_callbacks(setup=partial(extensions.use, *specs))
        except InputError as error:
            came = Phrase(plain(f"a worker that cannot: {error}", 400))
            raise InputError(OPTION, None, "", "workers that can use the extensions of this process", came) from None
        except Exception as error:  # noqa: BLE001  # the client raises its own errors for a scheduler that has ended
            raise self._scheduler_lost(error) from None

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Withdraw batches in progress, and close the connection."""
        import contextlib

        with contextlib.suppress(Exception):
            self._client.close(timeout=1.0)

    @property
    def capacity(self) -> int:
        """Number of batches that may be in progress: two for each thread of a worker."""
        return max(2, 2 * self.workers)

    def submit(self, batch: Batch) -> None:
        """Hand over a batch."""
        self._number += 1
        name = f"upstream-{self._number}-{batch.runs[0]}"
        self._batches[name] = batch
        try:
            future = self._client.submit(self._run, self._setting, batch, key=name, pure=False)
        except Exception as error:  # noqa: BLE001  # the client raises its own errors after the end of the scheduler
            raise self._scheduler_lost(error) from None
        future.add_done_callback(self._answers.put)

    def next(self) -> tuple[Batch, Answer]:
        """Wait for the next batch that is finished, or that has ended several workers."""
        while True:
            try:
                future = self._answers.get(timeout=LOOK_EVERY)
                break
            except queue.Empty:
                if self._client.status not in ("running", "connecting"):
                    raise self._scheduler_lost(None) from None
                self.workers = self._threads()
        batch = self._batches.pop(future.key)
        if future.status == "cancelled":
            raise self._scheduler_lost(None)
        if future.status == "error":
            error = future.exception()
            return batch, LostWorker(certain=True) if isinstance(error, self._lost) else error
        outcome: Answer = future.result()
        future.release()
        return batch, outcome

    def _threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except Exception as error:  # noqa: BLE001  # as above
            raise self._scheduler_lost(error) from None

    def _scheduler_lost(self, error: Exception | None) -> SchedulerLostError:
        reason = f" ({type(error).__name__})" if error is not None else ""
        return SchedulerLostError(
            f"the scheduler {self._address} has ended{reason}; finished runs are stored, and the same command continues"
        )
