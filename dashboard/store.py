"""Runs visitors' jobs one at a time in a worker thread, and stores the newest results.

Each visitor (owner) has one list of jobs. A new list replaces the jobs that still wait. A run that no owner needs any
more stops at its next progress report. Results are stored by the digest of the job.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from dashboard.model import Document, Progress, RunRequest

log = logging.getLogger(__name__)

Work = Callable[[RunRequest, Progress], Document]


class JobState(NamedTuple):
    """The state of a job. `unknown`: it was not submitted, or its result is no longer stored."""

    kind: Literal["unknown", "waiting", "running", "done", "failed"]
    done: int = 0
    total: int = 0
    note: str = ""
    message: str = ""


class Superseded(Exception):  # noqa: N818 (not an error: the visitor made another choice)
    """Raised inside a run that no owner needs any more, to stop it."""


class Store:
    """A queue of jobs, a worker thread and a store of results. All methods are thread-safe."""

    def __init__(self, work: Work, *, capacity: int = 32, delay: float = 0.25, most_owners: int = 16) -> None:
        self._work = work
        self._capacity = capacity
        self._delay = delay  # seconds without another choice before a run starts
        self._most_owners = most_owners
        self._changed = threading.Condition()
        self._lists: OrderedDict[str, tuple[float, list[RunRequest]]] = OrderedDict()  # newest owner last
        self._results: OrderedDict[str, Document] = OrderedDict()
        self._failed: OrderedDict[str, str] = OrderedDict()
        self._running: RunRequest | None = None
        self._running_state = JobState("running")
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, owner: str, jobs: Sequence[RunRequest]) -> str:
        """Replace the list of jobs of `owner`. Returns a sentence if the queue is full, otherwise an empty text."""
        with self._changed:
            self._lists.pop(owner, None)
            missing = [job for job in jobs if job.digest not in self._results]
            for job in missing:
                self._failed.pop(job.digest, None)  # a new submission is a new attempt
            if missing:
                if len(self._lists) >= self._most_owners:
                    return "Too many people are waiting for a run. Please try again in a minute."
                self._lists[owner] = (time.monotonic() + self._delay, missing)
                self._start()
            self._changed.notify_all()
        return ""

    def state(self, job: RunRequest) -> JobState:
        """The state of one job."""
        with self._changed:
            digest = job.digest
            if digest in self._results:
                self._results.move_to_end(digest)
                return JobState("done")
            if digest in self._failed:
                return JobState("failed", message=self._failed[digest])
            if self._running is not None and self._running.digest == digest:
                return self._running_state
            waiting = any(job.digest == digest for _, jobs in self._lists.values() for job in jobs)
            return JobState("waiting" if waiting else "unknown")

    def document(self, digest: str) -> Document | None:
        """A stored result, or None."""
        with self._changed:
            if digest in self._results:
                self._results.move_to_end(digest)
            return self._results.get(digest)

    def close(self) -> None:
        """Stop the worker. A run in progress ends at its next progress report."""
        with self._changed:
            self._closed = True
            self._lists.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=10)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._serve, name="upstream-runs", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            with self._changed:
                job = self._next()
                while job is None:
                    if self._closed:
                        return
                    self._changed.wait(timeout=self._pause())
                    job = self._next()
                self._running, self._running_state = job, JobState("running")
            document, message = self._attempt(job)
            with self._changed:
                self._running = None
                if document is not None:
                    self._results[job.digest] = document
                    while len(self._results) > self._capacity:
                        self._results.popitem(last=False)
                elif message:
                    self._failed[job.digest] = message
                    while len(self._failed) > self._capacity:
                        self._failed.popitem(last=False)
                if document is not None or message:
                    self._remove(job)
                if self._closed:
                    return

    def _attempt(self, job: RunRequest) -> tuple[Document | None, str]:
        """The job's document, or a sentence about its failure, or neither if it was superseded."""
        try:
            return self._work(job, self._progress(job)), ""
        except (Superseded, KeyboardInterrupt):  # the model stops its own threads with KeyboardInterrupt
            return None, ""
        except (ValueError, KeyError) as error:  # input that the model rejects
            return None, _sentence(error)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("run %s failed (reference %s)", job.digest, reference)
            return None, f"The run stopped unexpectedly. The server log has the details (reference {reference})."

    def _progress(self, job: RunRequest) -> Progress:
        def report(done: int, total: int, note: str = "") -> None:
            with self._changed:
                if self._closed or not self._is_needed(job):
                    raise Superseded
                self._running_state = JobState("running", int(done), int(total), str(note or ""))

        return report

    def _is_needed(self, job: RunRequest) -> bool:
        return any(other.digest == job.digest for _, jobs in self._lists.values() for other in jobs)

    def _next(self) -> RunRequest | None:
        """The first job of the owner with the newest list, once its delay is over."""
        now = time.monotonic()
        for ready_at, jobs in reversed(self._lists.values()):
            if ready_at <= now and jobs:
                return jobs[0]
        return None

    def _pause(self) -> float | None:
        if not self._lists:
            return None
        return max(0.01, min(ready_at for ready_at, _ in self._lists.values()) - time.monotonic())

    def _remove(self, job: RunRequest) -> None:
        """Remove a finished job from every list, and owners without jobs."""
        for owner in list(self._lists):
            ready_at, jobs = self._lists[owner]
            remaining = [other for other in jobs if other.digest != job.digest]
            if remaining:
                self._lists[owner] = (ready_at, remaining)
            else:
                del self._lists[owner]


def _sentence(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= 400 else text[:399] + "…"
