"""Runs units on workers, in batches of some seconds; a worker that is lost costs its batch and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from sim.national.task import NationBatch, NationOutcome, Unit
from sim.sweeps.execution import BATCH_SECONDS, MOST_LOST, SMOOTHING
from sim.sweeps.pool import LostWorker


class NationError(RuntimeError):
    """A unit ended with an error, or ended its worker again and again."""


class NationWorkers(Protocol):
    """The processes of this computer, or a cluster."""

    workers: int

    @property
    def capacity(self) -> int:
        """Number of batches that may be in progress."""

    def submit(self, batch: NationBatch) -> None:
        """Hand over a batch."""

    def next(self) -> tuple[NationBatch, NationOutcome | LostWorker | Exception]:
        """Wait for the next batch that is finished, or whose worker was lost."""


class NationExecution:
    """Runs units.

    Parameters
    ----------
    workers : NationWorkers
        The workers.
    label : callable
        From a unit to the name of its authority and seed, for messages.
    """

    def __init__(self, workers: NationWorkers, label: Callable[[Unit], str]) -> None:
        """Keep the workers."""
        self._workers, self._label = workers, label
        self._pace: float | None = None
        self.failed: dict[str, str] = {}

    def solve(self, pairs: Sequence[tuple[int, int]], done: Callable[[], None]) -> dict[int, str]:
        """Solve hazards, one solution a batch, and return the seeds that are refused."""
        refused: dict[int, str] = {}

        def add(_batch: NationBatch, outcome: NationOutcome) -> None:
            refused.update(outcome.refused or {})
            done()

        self._run(deque(NationBatch(solve=(pair,)) for pair in pairs), add)
        return refused

    def run(
        self, units: Sequence[Unit], work: Callable[[Unit], float], add: Callable[[NationOutcome, int], None]
    ) -> None:
        """Run units, and hand over the outcome of each batch with its number of units.

        Parameters
        ----------
        units : sequence of Unit
            The units, the longest first.
        work : callable
            From a unit to its amount of work, in any unit.
        add : callable
            Called with each outcome and the number of units in it.

        Raises
        ------
        NationError
            If a unit ended with an error, after all others are finished and stored.
        """
        left = deque(units)
        remaining = sum(work(unit) for unit in units)
        names = {unit.name: unit for unit in units}

        def learn(batch: NationBatch, outcome: NationOutcome) -> None:
            for name, error in (outcome.failed or {}).items():
                self.failed[self._label(names[name])] = error
            each = outcome.seconds / max(1e-9, sum(work(unit) for unit in batch.units))
            self._pace = each if self._pace is None else (1.0 - SMOOTHING) * self._pace + SMOOTHING * each
            add(outcome, len(batch.units))

        def following() -> NationBatch | None:
            nonlocal remaining
            wanted = 0.0
            if self._pace is not None:
                wanted = min(BATCH_SECONDS / max(1e-12, self._pace), remaining / (2.0 * self._workers.workers))
            chosen: list[Unit] = []
            taken = 0.0
            while left and (not chosen or taken + work(left[0]) <= wanted):
                chosen.append(left.popleft())
                taken += work(chosen[-1])
            remaining -= taken
            return NationBatch(tuple(chosen)) if chosen else None

        self._run(deque(), learn, following)
        if self.failed:
            name, error = next(iter(self.failed.items()))
            more = f"; {len(self.failed) - 1} more failed" if len(self.failed) > 1 else ""
            raise NationError(f"{name}: {error}{more}; finished runs are stored, and the same command continues")

    def _run(
        self,
        waiting: deque[NationBatch],
        add: Callable[[NationBatch, NationOutcome], None],
        following: Callable[[], NationBatch | None] = lambda: None,
    ) -> None:
        in_progress = 0
        while True:
            while in_progress < self._workers.capacity:
                batch = waiting.popleft() if waiting else following()
                if batch is None:
                    break
                self._workers.submit(batch)
                in_progress += 1
            if not in_progress:
                return
            batch, answer = self._workers.next()
            in_progress -= 1
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, LostWorker):
                if len(batch.runs) == 1 and (answer.certain or batch.attempts + 1 >= MOST_LOST):
                    name = self._label(batch.units[0]) if batch.units else batch.runs[0]
                    self.failed[name] = f"it ended its worker {MOST_LOST} times (killed, or out of memory)"
                else:
                    waiting.extend(batch.divided())
                continue
            add(batch, answer)
