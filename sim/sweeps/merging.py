"""Puts sweeps of one design together: the parts of an array job, or the same design run in several places."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from sim.results import folder_lock, result_folder
from sim.schema.errors import InputError, Phrase
from sim.sweeps import manifest, part_files
from sim.sweeps.results import Sweep, open_sweep
from sim.sweeps.store import DONE, FAILED, RUNS, TABLES, SweepStore, about_of, write_design
from sim.sweeps.sweep import finish, opened


def merge(folders: Sequence[str | Path], out: str | Path, *, notify: Callable[[str], None]) -> Sweep:
    """Put the runs of some folders into one.

    Parameters
    ----------
    folders : sequence of str or Path
        Folders of sweeps of the same design and version, or of parts of it. They stay as they are.
    out : str or Path
        The folder to write, which may have runs of the same design already.
    notify : callable
        Called with lines of text.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError
        If a folder has no sweep, is damaged, or has another design or version.
    """
    folder = result_folder.writable(Path(out))
    sources = [Path(each).expanduser().resolve() for each in folders]
    if folder in sources:
        raise InputError(folder, None, "--out", "a folder that is none of those that are merged", Phrase("one of them"))
    plans = [manifest.read(source) for source in sources]
    for source, plan in zip(sources[1:], plans[1:], strict=True):
        if not plan.has_runs_of(plans[0]):
            raise InputError(
                source, None, "", f"a sweep of the design in {sources[0]}", Phrase("that of another design")
            )
    with contextlib.ExitStack() as stack:
        for each in (folder, *sources):
            stack.enter_context(folder_lock.locked(each))
        store, _ = opened(folder, plans[0], notify)
        write_design(folder, plans[0])
        for source in sources:
            open_sweep(source)  # every file is proved before any is copied
            _copy(source, store)
        return finish(store)


def _copy(source: Path, store: SweepStore) -> None:
    """Copy the files of a folder, without runs that are stored already."""
    for path in sorted((source / RUNS).glob(f"{DONE}-*.parquet")):
        about = about_of(path)
        runs = part_files.decoded(path.read_bytes())
        ids = runs.column("run").to_pylist()
        new = {run for run in ids if run not in store.done}
        if not new:
            continue
        names = {}
        for kind in TABLES:
            names[kind] = ""
            if about[kind]:
                table = part_files.decoded((source / kind / about[kind]).read_bytes())
                names[kind] = store.write_table(kind, _rows(table, new))
        store.add_rows(DONE, _rows(runs, new), names)
    for path in sorted((source / RUNS).glob(f"{FAILED}-*.parquet")):
        table = part_files.decoded(path.read_bytes())
        new = {run for run in table.column("run").to_pylist() if run not in store.done and run not in store.failed}
        if new:
            store.add_rows(FAILED, _rows(table, new), {})


def _rows(table: pa.Table, runs: set[str]) -> pa.Table:
    """The rows of some runs."""
    return table.filter(pa.array([run in runs for run in table.column("run").to_pylist()]))
