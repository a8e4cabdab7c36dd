"""Part files of a sweep: Parquet with page checksums, under a name that ends in digits of their SHA-256.

A file is written under a temporary name, flushed to the disk, and renamed, so it is there completely or not at all.

Parquet, a row for each run and year with a column for each measure, was chosen by measurement (200 runs of 54 measures
and 5 years; sim/decisions): see `benchmarks/sweep.py --formats`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.process.termination import temporary
from sim.results.folder_lock import named_errors

DIGITS = 16
NAME = re.compile(rf"(done|failed|outcomes|groups)-([0-9a-f]{{{DIGITS}}})\.parquet")
PARTIAL = ".partial"
OPTIONS: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}
"""How every file is written: with a checksum of each page."""


def encoded(table: pa.Table) -> bytes:
    """The bytes of a table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **OPTIONS)
    return bytes(sink.getvalue())


def decoded(content: bytes) -> pa.Table:
    """The table of a Parquet file, of which each page was checked."""
    return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)


def file_name(kind: str, content: bytes) -> str:
    """The name of a file, which ends in digits of its SHA-256."""
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:DIGITS]}.parquet"


def is_proved(path: Path) -> bool:
    """Whether the content of a file has the SHA-256 that its name states. The file is read in pieces."""
    match = NAME.fullmatch(path.name)
    if match is None or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS] == match[2]


def write(folder: Path, name: str, content: bytes, sweep: Path) -> None:
    """Write a file completely or not at all.

    Parameters
    ----------
    folder : Path
        The folder of the file, which is created.
    name : str
        The file's name.
    content : bytes
        Its content.
    sweep : Path
        The folder of the sweep, for messages.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it remains.
    """
    partial = folder / f".{name}{PARTIAL}"
    with named_errors(sweep):
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(partial):
            with partial.open("wb") as file:
                file.write(content)
                flush(file.fileno())
            partial.replace(folder / name)
        flush_folder(folder)


def flush(descriptor: int) -> None:
    """Wait until a file is on the disk. A file system that cannot do so is trusted; an error of the disk is raised."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_stream(folder: Path, kind: str, tables: Iterator[pa.Table], sweep: Path, name: str = "") -> str:
    """Write tables to one file, one after another, and return its name.

    Parameters
    ----------
    folder : Path
        The folder of the file, which is created.
    kind : str
        The beginning of its name.
    tables : iterator of pyarrow.Table
        At least one table, all with the columns of the first.
    sweep : Path
        The folder of the sweep, for messages.
    name : str
        The file's name; by default one that ends in digits of its SHA-256.

    Returns
    -------
    str
        The file's name.
    """
    partial = folder / f".{kind}-joined{PARTIAL}"
    with named_errors(sweep):
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(partial):
            first = next(tables)
            with pq.ParquetWriter(partial, first.schema, **OPTIONS) as writer:
                writer.write_table(first)
                for table in tables:
                    writer.write_table(table)
            with partial.open("r+b") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                flush(file.fileno())
            name = name or f"{kind}-{digest[:DIGITS]}.parquet"
            partial.replace(folder / name)
        flush_folder(folder)
    return name
