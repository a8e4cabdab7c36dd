"""Writes a comparison to a folder: `results.parquet`, `summary.csv`, `document.json`, and `run.json` (provenance).

The files are written to a temporary folder in the same place and then moved. A new folder appears with all four files
in it. In an existing folder each file is replaced, `run.json` last: its digests show whether the other files belong to
the same run. `sim/cli/output_lock.py` keeps other runs out of the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.cli.options import indented_json
from sim.cli.output_lock import unfinished
from sim.process.termination import temporary
from sim.results.summary_table import summary_table
from sim.schema.errors import InputError, Phrase

if TYPE_CHECKING:
    from sim.results.comparison import Comparison
    from sim.results.long_table import SummaryColumn

A = npt.NDArray[Any]


def writable(folder: Path) -> Path:
    """The folder as an absolute path. Refuses a file, and a folder that cannot be written to."""
    folder = folder.expanduser().resolve()
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        came = Phrase("a file") if existing == folder else Phrase(f"a path through the file {existing}")
        raise InputError(folder, None, "--out", "a folder", came)
    if not os.access(existing, os.W_OK | os.X_OK):
        came = Phrase("no permission to write there")
        raise InputError(folder, None, "--out", "a folder that can be written to", came)
    return folder


def write(folder: Path, result: Comparison, document: dict[str, Any]) -> tuple[str, ...]:
    """Write all files, or none, and return their names."""
    new = not folder.exists()
    parent = folder.parent if new else folder
    staging, created = unfinished(folder, parent)
    tables = ("results.parquet", "summary.csv", "document.json")
    names = (*tables, "run.json")
    provenance = result.provenance()
    with _named(folder):
        parent.mkdir(parents=True, exist_ok=True)
        with created:
            with ThreadPoolExecutor(1) as executor:
                parquet = executor.submit(_parquet, staging / "results.parquet", result)
                (staging / "summary.csv").write_text(summary_table(document), encoding="utf-8", newline="")
                (staging / "document.json").write_text(indented_json(document), encoding="utf-8")
                parquet.result()
            files = {
                name: {"sha256": _digest(staging / name), "bytes": (staging / name).stat().st_size} for name in tables
            }
            run = {**provenance, "command": ["upstream", *sys.argv[1:]], "files": files}
            (staging / "run.json").write_text(indented_json(run), encoding="utf-8")
            if not new or folder.exists():
                for name in names:
                    (staging / name).replace(folder / name)
            else:
                staging.rename(folder)
    return names


def write_text(folder: Path, name: str, text: str) -> None:
    """Write a text file; an interruption leaves no partial file."""
    partial = folder / f".{name}.part"
    with _named(folder / name):
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(partial):
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error of the file system name the path of the user, and not that of an unfinished file or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _parquet(path: Path, result: Comparison) -> None:
    """Write the tidy table.

    The columns are passed as buffers: for any other input pyarrow imports pandas, which takes longer than the rest of
    this function.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def buffer(kind: pa.DataType, numbers: A, *more: bytes) -> pa.Array:
        rows = len(numbers) - len(more)  # strings have one more offset than there are strings
        return pa.Array.from_buffers(kind, rows, [None, *map(pa.py_buffer, (numbers, *more))])

    def column(values: SummaryColumn | A) -> pa.Array:
        if isinstance(values, np.ndarray):
            return buffer(pa.float64(), values)
        if not isinstance(values.of[0], str):
            return buffer(pa.int64(), np.array(values.of, dtype=np.int64)[values.rows])
        texts = [str(text).encode() for text in values.of]
        starts = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        dictionary = buffer(pa.string(), starts, b"".join(texts))
        return pa.DictionaryArray.from_arrays(buffer(pa.int32(), values.rows), dictionary)

    tidy = result.tidy()
    table = pa.Table.from_arrays([column(values) for values in tidy.values()], list(tidy))
    pq.write_table(
        table,
        path,
        compression="zstd",
        write_page_checksum=True,
        use_dictionary=[name for name, values in tidy.items() if not isinstance(values, np.ndarray)],
        store_schema=False,  # readers get strings, not dictionaries
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
