"""How far a run has got, on standard error: a bar with the time left, or a line now and then where no terminal is."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUIET = "UPSTREAM_QUIET"
EVERY = 10.0
"""Seconds between lines where there is no terminal."""


class Bar:
    """A context that is called with (done, total, what): the form in which `sim.compare` reports."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._lock = threading.Lock()
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and QUIET not in os.environ:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,
                expand=True,
            )
            self._task = self._bar.add_task("getting ready", total=None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, slip: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Called from several threads, not always in order."""
        with self._lock:
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=done, total=total, description=what)
            elif QUIET not in os.environ:
                self._line(done, total)

    def _line(self, done: int, total: int) -> None:
        now = time.monotonic()
        if 0 < done < total and now - self._told >= EVERY:
            left = (now - self._began) / done * (total - done)
            print(f"{done} of {total} runs done, about {_clock(left)} left", file=sys.stderr, flush=True)
            self._told = now


@contextmanager
def working(what: str) -> Iterator[None]:
    """Says what is under way where its length is not known."""
    if not sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr, flush=True)
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
