"""Writes a comparison to a folder: `results.parquet`, CSV files, `document.json`, the runs, and `run.json`.

`summary.csv` has every measure, `asked_and_done.csv` what each policy asked for and what came out, `money.csv` and
`money_by_year.csv` the appraisal of each policy.

`runs` has a file for each seed (sim/results/run_files.py), from which `sim.load` makes the comparison again. `run.json`
has everything else that the comparison needs, the origin of the results, and the digests of the other files and of
itself.

The files are written to a temporary folder in the same place and then moved. A new folder appears with all files in
it. In an existing folder each file is replaced, `run.json` last: its digests show whether the other files belong to
the same run. The runs that it lists are there until it is replaced. `sim/results/folder_lock.py` keeps other runs out
of the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.process.termination import temporary
from sim.results.folder_lock import locked, named_errors, unfinished
from sim.results.money.tables import money_by_year, money_table
from sim.results.run_files import DIGITS, FORMAT, RunKey, file_name
from sim.results.run_store import RUNS, RunStore, run_format
from sim.results.summary_table import asked_and_done_table, summary_table
from sim.schema.errors import InputError, Phrase
from sim.schema.json_text import indented_json

if TYPE_CHECKING:
    from sim.results.comparison import Comparison
    from sim.results.long_table import SummaryColumn
    from sim.results.records import Record

A = npt.NDArray[Any]
RUN = "run.json"
TABLES = ("results.parquet", "summary.csv", "asked_and_done.csv", "money.csv", "money_by_year.csv", "document.json")
SEAL = '{\n "sha256": "'
"""Start of run.json: the SHA-256 of the document without this key."""


def writable(folder: Path, key: str = "--out") -> Path:
    """The folder as an absolute path. Refuses a file, and a folder that cannot be written to."""
    folder = folder.expanduser().resolve()
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        came = Phrase("a file") if existing == folder else Phrase(f"a path through the file {existing}")
        raise InputError(folder, None, key, "a folder", came)
    if not os.access(existing, os.W_OK | os.X_OK):
        came = Phrase("no permission to write there")
        raise InputError(folder, None, key, "a folder that can be written to", came)
    return folder


def save(result: Comparison, folder: str | Path, by: Iterable[str] = ()) -> Path:
    """Write a comparison to a folder.

    Parameters
    ----------
    result : Comparison
        The comparison.
    folder : str or Path
        The folder, which is created. In an existing folder the files of these names are replaced.
    by : iterable of str
        Axes for which the summary has groups.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder is a file, cannot be written to, or is in use.
    """
    path = writable(Path(folder), "save")
    with locked(path, "save"):
        write(path, result, result.document(by=by))
    return path


def write(
    folder: Path,
    result: Comparison,
    document: dict[str, Any],
    command: Sequence[str] = (),
    store: RunStore | None = None,
) -> tuple[str, ...]:
    """Write all files, or none. The folder is locked by this process.

    Parameters
    ----------
    folder : Path
        Absolute path of the folder.
    result : Comparison
        The comparison.
    document : dict
        Its document.
    command : sequence of str
        The command that made it.
    store : RunStore, optional
        Where its runs are stored already.

    Returns
    -------
    tuple of str
        Names of the files, and of the folder of runs.
    """
    new = not folder.exists()
    parent = folder.parent if new else folder
    staging, created = unfinished(folder, parent)
    provenance = result.provenance()
    comparison = run_format(result).comparison
    with named_errors(folder):
        parent.mkdir(parents=True, exist_ok=True)
        with created:
            with ThreadPoolExecutor(1) as executor:
                parquet = executor.submit(_parquet, staging / "results.parquet", result)
                appraisals = [result.money(name) for name in result.names[1:]]
                for name, text in (
                    ("summary.csv", summary_table(document)),
                    ("asked_and_done.csv", asked_and_done_table(document)),
                    ("money.csv", money_table(appraisals)),
                    ("money_by_year.csv", money_by_year(appraisals)),
                ):
                    (staging / name).write_text(text, encoding="utf-8", newline="")
                (staging / "document.json").write_text(indented_json(document), encoding="utf-8")
                parquet.result()
            runs = _write_runs(folder, staging, result, store)
            files = {name: _entry(staging / name) for name in TABLES} | runs
            run = {"format": FORMAT, "comparison": comparison, **provenance, "command": list(command), "files": files}
            (staging / RUN).write_text(sealed(indented_json(run)), encoding="utf-8")
            if not new or folder.exists():
                (folder / RUNS / comparison[:DIGITS]).mkdir(parents=True, exist_ok=True)
                for name in (*runs, *TABLES, RUN):
                    with contextlib.suppress(FileNotFoundError):  # runs that are in the folder already
                        (staging / name).replace(folder / name)
                _delete_other_runs(folder, comparison[:DIGITS])
            else:
                staging.rename(folder)
    if store is not None:
        store.clear()
    return (*TABLES, f"{RUNS}/", RUN)


def opened(text: str) -> str | None:
    """Return the document in a run.json without its digest; None if the digest is not that of the document."""
    digest, separator, rest = text.removeprefix(SEAL).partition('",')
    document = "{" + rest
    is_sealed = text.startswith(SEAL) and separator and hashlib.sha256(document.encode()).hexdigest() == digest
    return document if is_sealed else None


def sealed(document: str) -> str:
    """A JSON document with its SHA-256 as the first key."""
    return SEAL + hashlib.sha256(document.encode()).hexdigest() + '",' + document.removeprefix("{")


def _runs_of(result: Comparison) -> Iterator[tuple[RunKey, dict[str, Record]]]:
    """All runs of a comparison: those of its seeds, and the replicates of some."""
    for k, seed in enumerate(result.seeds):
        yield RunKey(seed), {name: result.records[name][k] for name in result.names}
    if result.replicates is not None:
        for key, records in _runs_of(result.replicates):
            yield RunKey(key.seed, replicate=True), records


def _write_runs(folder: Path, staging: Path, result: Comparison, store: RunStore | None) -> dict[str, dict[str, Any]]:
    """Write the files of runs that are not in the folder, and return the entry in run.json of each."""
    made = run_format(result)
    below = f"{RUNS}/{made.comparison[:DIGITS]}"
    (staging / below).mkdir(parents=True)

    def write_runs(key: RunKey, records: dict[str, Record]) -> tuple[str, dict[str, Any]]:
        stored = store.path(key) if store is not None else None
        if stored is None:
            content = made.encoded(key, records)
            name = f"{below}/{file_name(key, content)}"
            (staging / name).write_bytes(content)
            return name, _entry(staging / name)
        name = f"{below}/{stored.name}"
        if stored != folder / name:
            _link(stored, staging / name)
        return name, _entry(stored)

    with ThreadPoolExecutor(os.cpu_count()) as executor:
        return dict(executor.map(lambda run: write_runs(*run), _runs_of(result)))


def _link(path: Path, copy: Path) -> None:
    """Give a file a second name, or copy it where that is not possible."""
    try:
        copy.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, copy)


def _delete_other_runs(folder: Path, comparison: str) -> None:
    """Delete the runs of comparisons that were in the folder before."""
    for path in (folder / RUNS).iterdir():
        if re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", path.name) and path.name != comparison:
            shutil.rmtree(path, ignore_errors=True)


def write_text(folder: Path, name: str, text: str) -> None:
    """Write a text file; an interruption leaves no partial file."""
    partial = folder / f".{name}.part"
    with named_errors(folder / name):
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(partial):
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)


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
        # The entries of an Arrow dictionary are distinct: the bytes of a file with equal entries differ between writes.
        rows = {text: row for row, text in enumerate(dict.fromkeys(str(text) for text in values.of))}
        texts = [text.encode() for text in rows]
        starts = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        dictionary = buffer(pa.string(), starts, b"".join(texts))
        row_of = np.array([rows[str(text)] for text in values.of], dtype=np.int32)
        return pa.DictionaryArray.from_arrays(buffer(pa.int32(), row_of[values.rows]), dictionary)

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


def _entry(path: Path) -> dict[str, Any]:
    """The digest and the size of a file."""
    return {"sha256": _digest(path), "bytes": path.stat().st_size}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
