"""End of the process by a signal: Ctrl-C, SIGTERM and a closed terminal end it at once and leave nothing behind.

Python answers Ctrl-C with an exception in the main thread, when that thread next runs Python code. While a function is
compiled that is late, and some libraries discard the exception. So the commands do not rely on it: the signal wakes a
thread, which undoes what must not outlive the process (child processes, unfinished files) and exits.

The command line imports this module before any other, so it imports little: an interruption before `handle_signals` is
answered by Python itself.
"""

from __future__ import annotations

import _thread  # `threading` takes longer to import than the rest of this module
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import NoReturn, Self

MESSAGES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
"""The signals that end a command, and its message for each."""
PATIENCE = 1.0
"""Seconds for which the end of the process waits for something that is being made or undone."""
ERASE_LINE, SHOW_CURSOR = b"\r\x1b[2K", b"\x1b[?25h"

_undo: list[Callable[[], object]] = []
_changing = _thread.allocate_lock()
"""Held while something is made or undone, and from the beginning of the end on."""
_ending = _thread.allocate_lock()
_masks: dict[int, set[int]] = {}
"""The signals that were blocked before a fork, by thread."""


class Undone:
    """Context manager around something that must not outlive the process: it is undone when the block or process ends.

    Parameters
    ----------
    make : callable
        Makes it: starts a process, creates a file. Nothing can end the process between `make` and the block, if
        `handle_signals` was called.
    undo : callable
        Ends or deletes it, and does nothing if it has already gone.
    """

    def __init__(self, make: Callable[[], object], undo: Callable[[], object]) -> None:
        self._make, self._undo = make, undo

    def __enter__(self) -> Self:
        """Make it."""
        with _changing:
            self._make()
            _undo.append(self._undo)
        return self

    def __exit__(self, *_: object) -> None:
        """Undo it."""
        with _changing:
            self._undo()
            _undo.remove(self._undo)


def temporary(path: Path, *, folder: bool = False) -> Undone:
    """Create an empty file or folder that is deleted at the end, unless it was renamed.

    Parameters
    ----------
    path : Path
        The file, which may exist, or the folder, which may not.
    folder : bool
        Whether to create a folder.

    Returns
    -------
    context manager
    """
    return Undone(path.mkdir if folder else path.touch, lambda: _delete(path))


def _delete(path: Path) -> None:
    """Delete a file or folder. A folder is renamed first: other threads may still write to it when a signal arrives."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    import contextlib
    import shutil
    import time

    gone = path.with_name(f"{path.name}.deleted")
    with contextlib.suppress(OSError):
        path = path.rename(gone)
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.02)


def handle_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal end this process with exit status 128 + signal: 130, 143, 129.

    A signal that is ignored stays ignored, as `nohup` requires. To be called by a command, in the main thread, and not
    by the library: a notebook expects KeyboardInterrupt.
    """
    reader, writer = os.pipe()
    if hasattr(os, "set_blocking"):
        os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for name in MESSAGES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, lambda number, _: _thread.start_new_thread(_end, (number,)))
    _thread.start_new_thread(_watch, (reader,))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_restore_signals)


def _watch(reader: int) -> None:
    """Wait for a signal. Python's handler runs late while the main thread is in compiled code; this thread does not."""
    numbers = _numbers()
    while True:
        for number in os.read(reader, 16):
            if number in numbers:
                _end(number)


def _numbers() -> set[int]:
    return {int(getattr(signal, name)) for name in MESSAGES if hasattr(signal, name)}


def _hold_signals() -> None:
    """Before a fork: hold signals, so that one to the new process waits until it no longer shares the parent's pipe."""
    _masks[_thread.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _numbers())


def _release_signals() -> None:
    """After a fork, in both processes: let signals through again."""
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop(_thread.get_ident()))


def _restore_signals() -> None:
    """In a forked process, which has no watching thread: handle signals as Python does by default."""
    signal.set_wakeup_fd(-1)
    for name in MESSAGES:
        number = getattr(signal, name)
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    _release_signals()


def _end(number: int) -> NoReturn:
    """Undo everything, print the message and exit."""
    import contextlib

    _ending.acquire()  # never released: another signal changes nothing
    _changing.acquire(timeout=PATIENCE)
    for undo in reversed(_undo):
        with contextlib.suppress(Exception):  # the process ends: the rest must be undone all the same
            undo()
    _print(MESSAGES[signal.Signals(number).name])
    os._exit(128 + number)


def _print(message: str) -> None:
    """Print the message, and remove a progress bar, unless standard error is closed or nobody reads it."""
    import select

    line = f"upstream: {message}\n".encode()
    try:
        if os.isatty(2) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            line = ERASE_LINE + SHOW_CURSOR + line
        if os.name == "nt" or select.select([], [2], [], 0.2)[1]:
            os.write(2, line)
    except OSError:
        pass


def end_with_parent() -> None:
    """In a child process: exit as soon as the parent has ended, however it ended.

    Standard input must be a pipe whose other end only the parent holds.
    """

    def wait() -> NoReturn:
        while os.read(0, 1):
            pass
        os._exit(1)

    _thread.start_new_thread(wait, ())
