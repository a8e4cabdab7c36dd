"""Shows the progress of a run on standard error: a bar in a terminal, otherwise a line every few seconds."""

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
LINE_INTERVAL = 10.0
"""Seconds between two lines outside a terminal."""


class Bar:
    """Context manager that shows progress; call it with (done, total, note), as `sim.compare` does."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._lock = threading.Lock()
        self._last_line = time.monotonic()
        self._first_line: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        """Show the bar, if the output is a terminal."""
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
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, note: str) -> None:
        """Update the progress. Several threads call this, not always in order."""
        with self._lock:
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=done, total=total, description=note)
            elif QUIET not in os.environ:
                self._print_line(done, total)

    def _print_line(self, done: int, total: int) -> None:
        now = time.monotonic()
        if 0 < done < total and now - self._last_line >= LINE_INTERVAL:
            # Compilation and the first calibration come before the first run, and are not those of the others.
            start, first = self._first_line = self._first_line or (now, done)
            pace = (now - start) / (done - first) if done > first else None
            left = "" if pace is None else f", about {_clock(pace * (total - done))} left"
            print(f"{done} of {total} runs done{left}", file=sys.stderr, flush=True)
            self._last_line = now


@contextmanager
def working(note: str) -> Iterator[None]:
    """Show a note while work of unknown length is under way."""
    if not sys.stderr.isatty():
        print(f"{note} ...", file=sys.stderr, flush=True)
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(note):
        yield


def _clock(seconds: float) -> str:
    """Minutes and seconds: '2:05'."""
    minutes, remainder = divmod(round(seconds), 60)
    return f"{minutes}:{remainder:02d}"
