"""A comparison as files: `results.parquet`, `summary.csv`, `document.json`, and `run.json`, which says what made them.

They are written beside their place and moved there whole. A folder that was not there appears with all four in it; in
one that was, each file is replaced, and `run.json` last: its digests tell whether the others are of the same run.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.cli.json_text import indented
from sim.schema.toml_files import InputError, Phrase

if TYPE_CHECKING:
    from sim.results.comparison import Comparison, SummaryColumn

A = npt.NDArray[Any]
FIGURES = ("mean", "q025", "q975", "ci_low", "ci_high")
COLUMNS = (
    "scenario",
    "year",
    "metric",
    "unit",
    "by",
    "group",
    *FIGURES,
    *(f"difference_{figure}" for figure in FIGURES),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""


def usable(folder: Path) -> Path:
    """The folder as an absolute path. Refuses a file, and a place where nothing can be written."""
    folder = folder.expanduser().resolve()
    here = folder
    while not here.exists() and here != here.parent:
        here = here.parent
    if not here.is_dir():
        came = Phrase("a file") if here == folder else Phrase(f"a path through the file {here}")
        raise InputError(folder, None, "--out", "a folder", came)
    if not os.access(here, os.W_OK | os.X_OK):
        raise InputError(folder, None, "--out", "a folder that can be written to", Phrase("no right to write there"))
    return folder


def write(folder: Path, result: Comparison, document: dict[str, Any]) -> tuple[str, ...]:
    """Write everything, or nothing, and return the names of the files."""
    new = not folder.exists()
    parent = folder.parent if new else folder
    parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=parent, prefix=f".{folder.name}.part-"))
    try:
        with ThreadPoolExecutor(1) as beside, (half / "summary.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(COLUMNS)
            table = beside.submit(_parquet, half / "results.parquet", result)
            rows.writerows(summary(document))
            (half / "document.json").write_text(indented(document), encoding="utf-8")
            table.result()
        made = ("results.parquet", "summary.csv", "document.json")
        files = {name: {"sha256": _digest(half / name), "bytes": (half / name).stat().st_size} for name in made}
        told = {**result.provenance(), "command": ["upstream", *sys.argv[1:]], "files": files}
        (half / "run.json").write_text(indented(told), encoding="utf-8")
        names = (*made, "run.json")
        if new:
            half.chmod(0o755)
            half.rename(folder)
        else:
            for name in names:
                (half / name).replace(folder / name)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return names


def summary(document: dict[str, Any]) -> Iterator[list[object]]:
    """A row for each scenario, metric, group and year: level, and difference from the baseline."""
    for name, levels in document["scenarios"].items():
        changes = document["differences"].get(name, {})
        for metric, level in levels.items():
            change = changes.get(metric, {})
            yield from _rows(name, metric, "", "", level, change)
            for axis, groups in level.get("groups", {}).items():
                changed = change.get("groups", {}).get(axis, {})
                for group, part in groups.items():
                    yield from _rows(name, metric, axis, group, part, changed.get(group, {}))


def _rows(
    name: str, metric: str, axis: str, group: str, level: dict[str, Any], change: dict[str, Any]
) -> Iterator[list[object]]:
    changed = {row["year"]: row for row in change.get("by_year", ())}
    of, *words = [_safe(text) for text in (name, metric, level["unit"], axis, group)]
    for row in level["by_year"]:
        moved = changed.get(row["year"], {})
        yield [of, row["year"], *words, *[row[f] for f in FIGURES], *[moved.get(f) for f in FIGURES]]


def _safe(text: str) -> str:
    """A text that a spreadsheet will show, not run."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _parquet(path: Path, result: Comparison) -> None:
    """The tidy table. Its columns are handed over as buffers: of anything else pyarrow asks pandas what it is, which
    takes longer to import than the rest of this function takes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def buffer(kind: pa.DataType, numbers: A, *more: bytes) -> pa.Array:
        rows = len(numbers) - len(more)  # texts have one offset more than there are texts
        return pa.Array.from_buffers(kind, rows, [None, *map(pa.py_buffer, (numbers, *more))])

    def column(told: SummaryColumn | A) -> pa.Array:
        if isinstance(told, np.ndarray):
            return buffer(pa.float64(), told)
        if not isinstance(told.of[0], str):
            return buffer(pa.int64(), np.array(told.of, dtype=np.int64)[told.rows])
        texts = [str(text).encode() for text in told.of]
        starts = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        every = buffer(pa.string(), starts, b"".join(texts))
        return pa.DictionaryArray.from_arrays(buffer(pa.int32(), told.rows), every)

    tidy = result.tidy()
    table = pa.Table.from_arrays([column(told) for told in tidy.values()], list(tidy))
    pq.write_table(
        table,
        path,
        compression="zstd",
        write_page_checksum=True,
        use_dictionary=[name for name, told in tidy.items() if not isinstance(told, np.ndarray)],
        store_schema=False,  # or whoever reads it would get these very dictionaries, not texts
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
