"""The execution of a plan: groups are put into batches of some seconds, and lost workers are dealt with.

A batch whose worker is lost is divided: each of its runs is then a batch by itself. A run that has been lost with its
worker `MOST_LOST` times is set aside, with its name, and the others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from sim.sweeps.batch import Batch, BatchOutcome, Group, RunOutcome
from sim.sweeps.pool import Answer, LostWorker

MOST_LOST = 3
BATCH_SECONDS = 2.0
"""Time that a batch should take: so long that handing it over costs little, so short that little is lost with it."""
MOST_GROUPS = 256
"""Groups of a batch, at most."""
MOST_TOGETHER = 16
"""Runs that stay together for their calibration, as a multiple of those of other batches."""
SMOOTHING = 0.3
"""Weight of the last batch in the estimate of the time of a run."""


class Workers(Protocol):
    """What runs batches: the processes of this computer, or a cluster."""

    workers: int

    @property
    def capacity(self) -> int:
        """Number of batches that may be in progress."""

    def submit(self, batch: Batch) -> None:
        """Hand over a batch."""

    def next(self) -> tuple[Batch, Answer]:
        """Wait for the next batch that is finished, or whose worker was lost."""


class Execution:
    """Runs groups on workers and hands over the outcomes of each batch.

    Parameters
    ----------
    workers : Workers
        The workers.
    groups : iterator of Group
        The groups; they are taken one by one.
    runs : int
        Number of runs in all groups.
    add : callable
        Called with each batch and its outcomes.
    first_alone : bool
        Whether the first batch is finished before the next is handed over: it compiles what the others need.
    """

    def __init__(
        self,
        workers: Workers,
        groups: Iterator[Group],
        runs: int,
        add: Callable[[Batch, BatchOutcome], None],
        *,
        first_alone: bool,
    ) -> None:
        """Keep the settings."""
        self._workers, self._groups, self._remaining, self._add = workers, groups, runs, add
        self._ahead = next(groups, None)
        self._waiting: deque[Batch] = deque()
        self._seconds: float | None = None
        self._is_first = first_alone

    def run(self) -> None:
        """Run all groups.

        Raises
        ------
        Exception
            The error of a worker that is none of a run, or of storing.
        """
        in_progress = 0
        while True:
            capacity = 1 if self._is_first else self._workers.capacity
            while in_progress < capacity:
                batch = self._waiting.popleft() if self._waiting else self._next_batch()
                if batch is None:
                    break
                self._workers.submit(batch)
                in_progress += 1
            if not in_progress:
                return
            batch, answer = self._workers.next()
            in_progress -= 1
            self._is_first = False
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, LostWorker):
                self._after_loss(batch, certain=answer.certain)
                continue
            self._learn(batch, answer)
            self._add(batch, answer)

    def _next_batch(self) -> Batch | None:
        """The next groups, so many that a batch takes some seconds; fewer at the end, so that no worker waits long.

        Groups that need the same calibration stay together, up to a limit: two workers would both make it.
        """
        groups: list[Group] = []
        runs = 0
        wanted = 1.0
        if self._seconds is not None:
            fair = self._remaining / (2.0 * max(1, self._workers.workers))
            wanted = max(1.0, min(BATCH_SECONDS / max(1e-6, self._seconds), fair))
        while len(groups) < MOST_GROUPS and self._ahead is not None:
            is_same = bool(groups) and self._ahead.block >= 0 and groups[-1].block == self._ahead.block
            if runs >= wanted and not (is_same and runs < MOST_TOGETHER * wanted):
                break
            groups.append(self._ahead)
            runs += len(self._ahead.runs)
            self._ahead = next(self._groups, None)
        self._remaining -= runs
        return Batch(tuple(groups)) if groups else None

    def _learn(self, batch: Batch, outcome: BatchOutcome) -> None:
        seconds = outcome.seconds / max(1, len(batch.runs))
        self._seconds = seconds if self._seconds is None else (1.0 - SMOOTHING) * self._seconds + SMOOTHING * seconds

    def _after_loss(self, batch: Batch, *, certain: bool) -> None:
        if len(batch.runs) > 1:
            self._waiting.extend(batch.divided())
            return
        (alone,) = batch.divided()
        if not certain and alone.attempts < MOST_LOST:
            self._waiting.append(alone)
            return
        attempts = max(MOST_LOST, alone.attempts)
        alone = Batch(alone.groups, attempts)
        error = f"set aside: it ended its worker {attempts} times (killed, or out of memory)"
        self._add(alone, BatchOutcome((RunOutcome(alone.runs[0], "set aside", error, 0.0),)))
