"""Writes files of a cache atomically, so that processes can share a folder, and limits the size of the folder."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def store(path: Path, write: Callable[[BinaryIO], object], most: int) -> None:
    """Write a file atomically, then limit the size of its folder.

    Parameters
    ----------
    path : Path
        The file.
    write : callable
        Writes the contents to a binary file.
    most : int
        Largest size of the folder in bytes. The least recently used files are deleted until the folder is smaller.

    Notes
    -----
    On a full or read-only disk nothing is stored, and the contents must be computed again next time.
    """
    temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
        temporary.replace(path)
        _limit_size(path.parent, most)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _limit_size(folder: Path, most: int) -> None:
    total = 0
    files = [(path, path.stat()) for path in folder.iterdir()]
    for path, stat in sorted(files, key=lambda pair: pair[1].st_mtime, reverse=True):
        total += stat.st_size
        if total > most:
            path.unlink(missing_ok=True)
