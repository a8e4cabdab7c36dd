"""Files of a cache: put in place whole, so that processes can share a folder, and dropped when it grows too large."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def put(path: Path, write: Callable[[BinaryIO], object], most: int) -> None:
    """Write a file aside and put it in its place; then drop the longest unused of its folder, until what is left is no
    more than `most` bytes. On a full or read-only disk nothing is kept: what was to be is made again next time."""
    aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            write(file)
        aside.replace(path)
        _keep_no_more_than(path.parent, most)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()


def _keep_no_more_than(folder: Path, most: int) -> None:
    kept = 0
    files = [(path, path.stat()) for path in folder.iterdir()]
    for path, stat in sorted(files, key=lambda pair: pair[1].st_mtime, reverse=True):
        kept += stat.st_size
        if kept > most:
            path.unlink(missing_ok=True)
