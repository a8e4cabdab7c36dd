"""Files that the program writes for itself and proves before it uses them again.

A file begins with the SHA-256 of its key and its content. The key is the kind of the file and its name, which states
everything that determines the content. A file that is damaged, cut short, under the name of another file, unreadable,
or not a file at all is removed and reported in one line, and its content is computed again. The content is decoded
only after its digest has been checked.

Files are written under a temporary name and then renamed, so that processes can share a folder. A folder that cannot
be written to, or that is full, is no reason to fail: nothing is stored, and one line per process says so.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import platformdirs

from sim.schema.errors import plain

T = TypeVar("T")
BINARY = b"%b\n"
"""Start of a file that only this program reads: the SHA-256."""
JSON = b'{"sha256": "%b",\n'
"""Start of a JSON document, whose first key is then its SHA-256; the content is the rest of the document."""
PARTIAL = ".part"
STALE_SECONDS = 3_600.0
"""Age at which a temporary file is taken to be left by a process that was killed."""
MOST_LINES = 3
"""Number of damaged files of a folder that a process reports one by one."""
PATIENCE_SECONDS = 3_600.0
"""Longest wait for the lock of another process, which may have been stopped. Work done twice does no harm."""
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
"""Errors of a file that does not exist, or whose folder does not."""
NOT_ABOUT_THE_FILE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors of a process or machine that has too much open. The file may be perfect."""
FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Neither a symbolic link nor a pipe, which could be read for ever, is opened as if it were a file."""


def cache_root(setting: str | None) -> Path | None:
    """The folder of all caches.

    Parameters
    ----------
    setting : str or None
        The value of the environment variable `UPSTREAM_CACHE`: a folder, or `off` in small or capital letters. An
        empty value counts as none.

    Returns
    -------
    Path or None
        An absolute path; the user's cache folder if there is no setting, and None if nothing is to be stored.
    """
    if setting and setting.strip().lower() == "off":
        return None
    try:
        root = Path(setting).absolute() if setting and setting.strip() else platformdirs.user_cache_path("upstream")
    except OSError:  # relative to a current folder that was deleted
        return None
    return root if root.is_absolute() else None  # relative: the user has no home folder


ROOT = cache_root(os.environ.get("UPSTREAM_CACHE"))
"""The folder of all caches, or None."""
_notes = threading.Lock()


def _say(text: str) -> None:
    if sys.stderr is not None:  # a program without a console has none
        print(f"upstream: {plain(text)}", file=sys.stderr, flush=True)


class VerifiedFolder:
    """A folder of verified files of one kind.

    Parameters
    ----------
    path : Path or None
        The folder; None if nothing is to be stored. It is created when the first file is written.
    kind : str
        The kind of its files, which is part of the key of each.
    most : int, optional
        Size in bytes to which `limit` reduces the folder.
    head : bytes
        The start of each file, with `%b` for the digest: `BINARY` or `JSON`.
    private : bool
        Whether nobody else may write in the folder.
    """

    def __init__(
        self, path: Path | None, kind: str, most: int | None = None, *, head: bytes = BINARY, private: bool = False
    ) -> None:
        """Keep the settings."""
        self.path, self.kind, self.most, self.private = path, kind, most, private
        self._head = head
        self._lines = 0
        self._is_noted = False

    def get(self, name: str, decode: Callable[[memoryview], T]) -> T | None:
        """Read a file, if it is there and can be proved.

        Parameters
        ----------
        name : str
            The file's name.
        decode : callable
            Makes the result from the content. If it raises an exception, the file counts as damaged.

        Returns
        -------
        object or None
            The result of `decode`; None if there is no such file, or if it was removed.
        """
        if self.path is None:
            return None
        path = self.path / name
        try:
            content = self._content(path, name)
        except OSError as error:
            if error.errno not in ABSENT | NOT_ABOUT_THE_FILE:
                reason = (
                    "a symbolic link, not a file" if error.errno == errno.ELOOP else f"not readable ({error.strerror})"
                )
                self._remove(path, reason)
            return None
        if isinstance(content, str):
            self._remove(path, content)
            return None
        try:
            return decode(content)
        except Exception as error:  # noqa: BLE001  # content with the right digest but of another kind can raise any
            self._remove(path, f"damaged: its content cannot be used ({type(error).__name__})")
            return None

    def is_sound(self, name: str) -> bool:
        """Whether a file is there and can be proved. A damaged file is removed and reported."""
        return self.get(name, lambda _: True) is not None

    def put(self, name: str, *parts: bytes | bytearray | memoryview) -> None:
        """Write a file, if that is possible; otherwise note once that nothing is stored.

        Parameters
        ----------
        name : str
            The file's name.
        *parts : bytes-like
            The content, in parts that follow one another.
        """
        if self.path is None:
            return
        try:
            self.write(name, *parts)
        except OSError as error:
            with _notes:
                is_first, self._is_noted = not self._is_noted, True
            if is_first:
                _say(f"{self.path}: nothing can be stored there ({error.strerror}); what is needed is computed again")

    def write(self, name: str, *parts: bytes | bytearray | memoryview) -> None:
        """Write a file. Raises OSError if that is not possible, and ValueError if there is no folder."""
        if self.path is None:
            raise ValueError(f"no folder for {self.kind}")
        path = self.path / name
        partial = self.path / f".{name}.{os.urandom(8).hex()}{PARTIAL}"
        self._make_folder()
        try:
            with partial.open("xb") as file:
                file.write(self._head_of(name, *parts))
                for part in parts:
                    file.write(part)
            try:
                partial.replace(path)
            except OSError:
                if not path.is_dir():
                    raise
                _delete(path)  # a folder under the name of the file
                partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise

    def limit(self) -> None:
        """Delete the files unused for longest, until the folder is no larger than `most`, and stale temporary files."""
        if self.path is None or self.most is None:
            return
        files: list[tuple[Path, os.stat_result]] = []
        with contextlib.suppress(OSError):
            for path in self.path.iterdir():
                with contextlib.suppress(OSError):  # another process has deleted it
                    files.append((path, path.lstat()))
        total, now = 0, time.time()
        for path, stats in sorted(files, key=lambda pair: pair[1].st_mtime, reverse=True):
            is_stale = path.suffix == PARTIAL and now - stats.st_mtime > STALE_SECONDS
            total += 0 if is_stale else stats.st_size
            if is_stale or total > self.most:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _content(self, path: Path, name: str) -> memoryview | str:
        """The proved content of a file; or the reason why it is not proved."""
        descriptor = os.open(path, FLAGS)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # `Path.open` would follow a link, and wait for a pipe
            stats = os.fstat(descriptor)
            if not stat.S_ISREG(stats.st_mode):
                return "not a file"
            if self.most is not None:
                if stats.st_size > self.most:
                    return "damaged: larger than any file of its kind"
                with contextlib.suppress(OSError):  # the time of its last use, for `limit`; the disk may be read-only
                    os.utime(path)
            data = file.read()
        content = memoryview(data)[len(self._head % bytes(64)) :]
        if not data.startswith(self._head_of(name, content)):
            return "damaged: its SHA-256 does not match"
        return content

    def _head_of(self, name: str, *parts: bytes | bytearray | memoryview) -> bytes:
        digest = hashlib.sha256(f"{self.kind}/{name}\0".encode())
        for part in parts:
            digest.update(part)
        return self._head % digest.hexdigest().encode()

    def _make_folder(self) -> None:
        assert self.path is not None
        self.path.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU if self.private else 0o777)
        if self.private:
            with contextlib.suppress(OSError):
                self.path.chmod(stat.S_IRWXU)

    def _remove(self, path: Path, reason: str) -> None:
        """Remove a file that is not proved, and report it. The first few of a folder are reported one by one."""
        try:
            _delete(path)
            outcome = "removed; computed again"
        except OSError as error:
            outcome = f"cannot be removed ({error.strerror}); computed again"
        with _notes:
            self._lines += 1
            line = self._lines
        if line <= MOST_LINES:
            rest = " (further files of this folder are not listed)" if line == MOST_LINES else ""
            _say(f"{path}: {reason}; {outcome}{rest}")


def _delete(path: Path) -> None:
    """Delete a file, or the folder that stands in its place."""
    try:
        path.unlink()
    except FileNotFoundError:
        pass  # another process has removed it
    except OSError:
        if path.is_symlink() or not path.is_dir():
            raise
        shutil.rmtree(path)


def cache_folder(kind: str, most: int | None = None, *, private: bool = False) -> VerifiedFolder:
    """A folder of the cache, for files of one kind.

    Parameters
    ----------
    kind : str
        The kind of its files, and the folder's name.
    most : int, optional
        Size in bytes to which `VerifiedFolder.limit` reduces the folder.
    private : bool
        Whether nobody else may write in the folder.

    Returns
    -------
    VerifiedFolder
    """
    return VerifiedFolder(None if ROOT is None else ROOT / kind, kind, most, private=private)


@contextlib.contextmanager
def exclusive(task: str, wait: Callable[[], None]) -> Iterator[None]:
    """Do a task in one process at a time, of all processes that share the cache.

    Where there is no cache, or no lock can be had, the task is done without: done twice, it does no harm. The system
    releases the lock of a process that ends, however it ends.

    Parameters
    ----------
    task : str
        Name of the task, and of its lock file.
    wait : callable
        Called before waiting for another process.
    """
    if ROOT is None:
        yield
        return
    import filelock  # imported here, as it takes a third of a second

    lock = filelock.FileLock(ROOT / f"{task}.lock")
    with contextlib.suppress(OSError, NotImplementedError):  # a file system without locks, or one that is read-only
        ROOT.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            wait()
            lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        lock.release()
