"""Lock on a folder of results: two commands at a time cannot write to the same folder.

While a command uses a folder, a lock file lies beside the folder. The operating system releases the lock when the
process ends, however it ends. Files of killed processes are deleted by the next command with `--out` beside them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from sim.process.termination import Undone, temporary
from sim.schema.errors import InputError, Phrase

LOCK, PART = ".upstream-lock", ".upstream-part-"
"""Ends of the names of lock files and beginnings of the ends of the names of unfinished files."""


@contextlib.contextmanager
def locked(folder: Path, key: str = "--out") -> Iterator[None]:
    """Lock a folder, which need not exist, until the end of the block or of the process.

    Parameters
    ----------
    folder : Path
        Absolute path.
    key : str
        Name of the option in the message of an error.

    Raises
    ------
    InputError
        If another process has locked the folder.
    """
    beside = place_beside(folder)
    with contextlib.ExitStack() as stack:
        for parent in reversed([path for path in (beside, *beside.parents) if not path.exists()]):
            stack.enter_context(created(parent))
        path = beside / f".{folder.name}{LOCK}"
        lock = FileLock(path, thread_local=False)
        try:
            stack.enter_context(Undone(lambda: lock.acquire(blocking=False), lambda: _release(lock)))
        except Timeout:
            wanted, came = "a folder that no other run is writing to", Phrase("a folder that another run is writing to")
            raise InputError(folder, None, key, wanted, came) from None
        _delete_parts(folder)
        _sweep(beside, path)
        yield


def is_locked(folder: Path) -> bool:
    """Whether a process has locked a folder.

    Parameters
    ----------
    folder : Path
        Absolute path.

    Returns
    -------
    bool
    """
    path = place_beside(folder) / f".{folder.name}{LOCK}"
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return True
    _release(lock)
    return False


def unfinished(folder: Path, parent: Path) -> tuple[Path, Undone]:
    """A folder for unfinished files of another folder, and the context manager that creates and deletes it.

    Parameters
    ----------
    folder : Path
        The folder that the files are for.
    parent : Path
        The folder to create it in.

    Returns
    -------
    path : Path
    context : Undone
    """
    path = parent / f".{folder.name}{PART}{secrets.token_hex(4)}"
    return path, temporary(path, folder=True)


@contextlib.contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Let an error of the file system name the path of the user, and not that of an unfinished file or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def place_beside(folder: Path) -> Path:
    """The folder for files beside a folder of results: the one above it, or itself if nothing can be written there."""
    return folder.parent if _is_writable(folder.parent) or not folder.exists() else folder


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def created(folder: Path) -> Undone:
    """Create a folder; delete it at the end if it is empty."""

    def delete_empty() -> None:
        with contextlib.suppress(OSError):
            folder.rmdir()

    return Undone(lambda: folder.mkdir(exist_ok=True), delete_empty)


def _release(lock: FileLock) -> None:
    """Delete a lock file and release the lock."""
    if os.name == "nt":  # Windows does not delete open files
        lock.release()
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def _delete_parts(folder: Path) -> None:
    """Delete unfinished files for a folder that is locked by this process: the process that wrote them was killed."""
    for parent in (folder.parent, folder):
        with contextlib.suppress(OSError):
            for path in parent.iterdir():
                if path.name.startswith(f".{folder.name}{PART}"):
                    shutil.rmtree(path, ignore_errors=True)


def _sweep(folder: Path, current: Path) -> None:
    """Delete the files that killed processes have left in a folder, except those of the current lock."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.endswith(LOCK) and path.name.startswith(".") and path != current:
                lock = FileLock(path, thread_local=False)
                with contextlib.suppress(Timeout, OSError):
                    lock.acquire(blocking=False)
                    _delete_parts(folder / path.name[1 : -len(LOCK)])
                    _release(lock)
