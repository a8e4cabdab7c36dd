"""Runs what visitors ask for, one job at a time in a thread of its own, and keeps the newest results.

A visitor (an owner) always waits for one list of jobs: asking again replaces what is still waiting, and a run that
nobody wants any more is stopped at its next sign of progress. Results are kept by the job's digest.
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
    """How far a job is. `unknown`: nobody asked for it, or its result is no longer kept."""

    kind: Literal["unknown", "waiting", "running", "done", "failed"]
    done: int = 0
    total: int = 0
    note: str = ""
    message: str = ""


class Superseded(Exception):  # noqa: N818 (nothing went wrong: somebody changed their mind)
    """Raised inside a run that nobody wants any more, to stop it."""


class Store:
    """A queue of jobs, a worker and a shelf of results. Every method may be called from any thread."""

    def __init__(self, work: Work, *, keep: int = 32, settle: float = 0.25, most_owners: int = 16) -> None:
        self._work = work
        self._keep = keep
        self._settle = settle
        self._most_owners = most_owners
        self._changed = threading.Condition()
        self._wanted: OrderedDict[str, tuple[float, list[RunRequest]]] = OrderedDict()  # newest owner last
        self._results: OrderedDict[str, Document] = OrderedDict()
        self._failed: OrderedDict[str, str] = OrderedDict()
        self._running: RunRequest | None = None
        self._running_state = JobState("running")
        self._thread: threading.Thread | None = None
        self._closed = False

    def want(self, owner: str, jobs: Sequence[RunRequest]) -> str:
        """Replaces what `owner` waits for. Gives a sentence if the queue is full, else an empty text."""
        with self._changed:
            self._wanted.pop(owner, None)
            missing = [job for job in jobs if job.digest not in self._results]
            for job in missing:
                self._failed.pop(job.digest, None)  # asking again is trying again
            if missing:
                if len(self._wanted) >= self._most_owners:
                    return "Too many people are waiting for a run just now. Please try again in a minute."
                self._wanted[owner] = (time.monotonic() + self._settle, missing)
                self._start()
            self._changed.notify_all()
        return ""

    def state(self, job: RunRequest) -> JobState:
        """How far one job is."""
        with self._changed:
            digest = job.digest
            if digest in self._results:
                self._results.move_to_end(digest)
                return JobState("done")
            if digest in self._failed:
                return JobState("failed", message=self._failed[digest])
            if self._running is not None and self._running.digest == digest:
                return self._running_state
            waits = any(job.digest == digest for _, jobs in self._wanted.values() for job in jobs)
            return JobState("waiting" if waits else "unknown")

    def document(self, digest: str) -> Document | None:
        """A kept result, or None."""
        with self._changed:
            if digest in self._results:
                self._results.move_to_end(digest)
            return self._results.get(digest)

    def close(self) -> None:
        """Stops the worker; a run under way ends at its next sign of progress."""
        with self._changed:
            self._closed = True
            self._wanted.clear()
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
                    while len(self._results) > self._keep:
                        self._results.popitem(last=False)
                elif message:
                    self._failed[job.digest] = message
                    while len(self._failed) > self._keep:
                        self._failed.popitem(last=False)
                if document is not None or message:
                    self._forget(job)
                if self._closed:
                    return

    def _attempt(self, job: RunRequest) -> tuple[Document | None, str]:
        """The job's document, or a sentence about what went wrong, or neither if it was superseded."""
        try:
            return self._work(job, self._progress(job)), ""
        except (Superseded, KeyboardInterrupt):  # the latter is how the model's own threads stop each other
            return None, ""
        except (ValueError, KeyError) as error:  # what the model says of input it cannot use
            return None, _sentence(error)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("run %s failed (reference %s)", job.digest, reference)
            return None, f"The run stopped unexpectedly. The server's log says why (reference {reference})."

    def _progress(self, job: RunRequest) -> Progress:
        def tell(done: int, total: int, note: str = "") -> None:
            with self._changed:
                if self._closed or not self._is_wanted(job):
                    raise Superseded
                self._running_state = JobState("running", int(done), int(total), str(note or ""))

        return tell

    def _is_wanted(self, job: RunRequest) -> bool:
        return any(other.digest == job.digest for _, jobs in self._wanted.values() for other in jobs)

    def _next(self) -> RunRequest | None:
        """The first job of the owner who asked last, once their hand has been still for a moment."""
        now = time.monotonic()
        for ready_at, jobs in reversed(self._wanted.values()):
            if ready_at <= now and jobs:
                return jobs[0]
        return None

    def _pause(self) -> float | None:
        if not self._wanted:
            return None
        return max(0.01, min(ready_at for ready_at, _ in self._wanted.values()) - time.monotonic())

    def _forget(self, job: RunRequest) -> None:
        """Takes a finished job off every list, and owners with nothing left to wait for."""
        for owner in list(self._wanted):
            ready_at, jobs = self._wanted[owner]
            rest = [other for other in jobs if other.digest != job.digest]
            if rest:
                self._wanted[owner] = (ready_at, rest)
            else:
                del self._wanted[owner]


def _sentence(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= 400 else text[:399] + "…"
