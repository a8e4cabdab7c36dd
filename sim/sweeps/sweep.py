"""`sim.sweep`: run a design, each run once, and store it at once; the same call again continues.

One process at a time writes to a folder; another is refused. This process holds no results: a worker sends back the
files of a batch, which are written and forgotten.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sim.results import folder_lock, result_folder
from sim.schema.errors import InputError, Phrase, plain
from sim.simulation.simulate import Progress
from sim.sweeps import data_dictionary, manifest, part_files
from sim.sweeps.batch import Batch, BatchOutcome, Group
from sim.sweeps.design import SweepDesign
from sim.sweeps.execution import Execution, Workers
from sim.sweeps.plan import Plan
from sim.sweeps.planning import planned
from sim.sweeps.results import Sweep
from sim.sweeps.size import size, size_of
from sim.sweeps.store import DRAWS, SweepStore, check_extends, write_design

OURS = {manifest.MANIFEST, manifest.POINTS, DRAWS, data_dictionary.DICTIONARY, data_dictionary.RO_CRATE}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MOST_WORKERS = 1_024


class Part(NamedTuple):
    """Part K of N of a design, from 1."""

    k: int
    n: int


def sweep(
    design: str | Path | SweepDesign | Mapping[str, Any],
    out: str | Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    part: tuple[int, int] = (1, 1),
    retry_failed: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
) -> Sweep:
    """Run a design of many runs, and store each of them in a folder. The same call again runs what is missing.

    Parameters
    ----------
    design : str, Path, SweepDesign or mapping
        A TOML file, or its content.
    out : str or Path
        The folder, which is created.
    workers : int, optional
        Number of processes; by default one for each processor.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://127.0.0.1:8786``, whose workers run the design.
    part : tuple of int
        (K, N): run only part K of N, as one job of an array. `sim.sweeps.merging.merge` puts the folders together.
    retry_failed : bool
        Whether runs that failed, or were set aside, are tried again.
    dry_run : bool
        Whether to state the size only, and run nothing.
    progress : callable, optional
        Called with the number of runs done, the number of all runs, and a label.
    notify : callable, optional
        Called with lines of text: the size of the sweep, damaged files, what is stored. By default they are printed to
        standard error.

    Returns
    -------
    Sweep
        The sweep in the folder.

    Raises
    ------
    InputError
        If the design is wrong, the folder is that of something else or in use, or the scheduler cannot be reached.
    OSError
        If the disk is full. Finished runs are stored.

    Examples
    --------
    >>> import tempfile
    >>> import sim
    >>> design = {"scenarios": ["baseline"], "people": 1_500, "years": 1, "seeds": 2, "metrics": ["acute_demand"]}
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     done = sim.sweep(design, f"{folder}/sweep", workers=1)
    """
    say = notify or print_note
    plan = planned(design)
    if not 1 <= part[0] <= part[1]:
        raise InputError("--part", None, "", "K/N with K from 1 to N, such as 1/8", f"{part[0]}/{part[1]}")
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError("--workers", None, "", f"a whole number from 1 to {MOST_WORKERS:,}", workers)
    folder = result_folder.writable(Path(out))
    with contextlib.ExitStack() as stack:
        stack.enter_context(folder_lock.locked(folder))
        store, stored = opened(folder, plan, say)
        missing = _Missing(plan, Part(*part), store, retry_failed=retry_failed)
        number = missing.count()
        if store.done:
            say(f"{missing.stored:,} of {missing.planned:,} runs are in {_shown(folder)}")
        if missing.failures and not retry_failed:
            say(f"{missing.failures:,} runs failed before and are left out: --retry-failed tries them again")
        pool: Workers | None = None
        crew = workers or os.cpu_count() or 1
        content = pickle.dumps(plan.setting())
        if scheduler is not None:
            from sim.sweeps.cluster import Cluster

            cluster = stack.enter_context(Cluster(content, scheduler))
            pool, crew = cluster, max(1, cluster.workers)
        expected = size_of(plan, number, crew)
        if number or dry_run:
            say(f"{expected.text(crew)} (a coarse estimate: half to twice the time)")
        check_space(folder, expected.stored)
        if dry_run:
            return Sweep(folder, plan, dict(store.failed), len(store.done))
        if stored is None or not stored.has_runs_of(plan):
            write_design(folder, plan)
        if number:
            if pool is None:
                from sim.sweeps.pool import Pool

                if plan.design.engine == "agents":
                    from sim.ensemble.precompile import warm_up

                    warm_up()
                pool = stack.enter_context(Pool(content, min(crew, number)))
            _run(plan, pool, store, missing, number, progress, folder)
        return finish(store)


def finish(store: SweepStore) -> Sweep:
    """Put small files together and write the metadata of the folder.

    Parameters
    ----------
    store : SweepStore
        The finished runs.

    Returns
    -------
    Sweep
    """
    store.compact()
    crate = data_dictionary.ro_crate(store.plan, datetime.now(UTC).date().isoformat()).encode()
    part_files.write(store.folder, data_dictionary.RO_CRATE, crate, store.folder)
    return Sweep(store.folder, store.plan, dict(store.failed), len(store.done))


class _Missing:
    """The groups of a part of a plan that are to be run."""

    def __init__(self, plan: Plan, part: Part, store: SweepStore, *, retry_failed: bool) -> None:
        self._plan, self._part = plan, part
        self._skipped = set(store.done) | (set() if retry_failed else set(store.failed))
        self._done, self._failed = store.done, store.failed
        self.planned = self.stored = self.failures = 0

    def count(self) -> int:
        """Count the runs, and those that are stored."""
        number = 0
        present: set[str] = set()
        for group in self._plan.groups(self._part):
            new = [run for run in group.runs if run not in present]
            present.update(new)
            self.planned += len(new)
            self.stored += sum(run in self._done for run in new)
            self.failures += sum(run in self._failed for run in new)
            number += sum(run not in self._skipped for run in new)
        return number

    def groups(self) -> Iterator[Group]:
        """The groups, without runs that are stored or that an earlier group has."""
        skipped = set(self._skipped)
        for group in self._plan.groups(self._part):
            wanted = {run for run in group.runs if run not in skipped}
            if wanted:
                skipped |= wanted
                yield group.only(wanted)


def _run(
    plan: Plan,
    workers: Workers,
    store: SweepStore,
    missing: _Missing,
    number: int,
    progress: Progress | None,
    folder: Path,
) -> None:
    done = 0

    def add(batch: Batch, outcome: BatchOutcome) -> None:
        nonlocal done
        try:
            store.add(batch, outcome)
        except OSError as error:
            if error.errno not in FULL:
                raise
            remaining = size_of(plan, number - done, workers.workers).stored
            needed = f"the remaining {number - done:,} runs need about {size(remaining)}"
            text = f"{error.strerror}: {needed}; finished runs are stored, and the same command continues"
            raise OSError(error.errno, text, str(folder)) from None
        done += len(outcome.runs)
        if progress is not None:
            progress(done, number, f"{len(store.failed):,} failed" if store.failed else "runs")

    if progress is not None:
        progress(0, number, "getting ready")
    first_alone = plan.design.engine == "stocks"
    Execution(workers, missing.groups(), number, add, first_alone=first_alone).run()


def opened(folder: Path, plan: Plan, say: Callable[[str], None]) -> tuple[SweepStore, Plan | None]:
    """Open the store of a folder that is new, empty, or has runs of this design.

    Parameters
    ----------
    folder : Path
        The folder, which is locked by this process.
    plan : Plan
        The plan.
    say : callable
        Called with lines of text about damaged files.

    Returns
    -------
    store : SweepStore
    stored : Plan or None
        The plan that was stored.

    Raises
    ------
    InputError
        If the folder is that of something else, of another design or version.
    """
    stored: Plan | None = None
    if manifest.exists(folder):
        try:
            stored = manifest.read(folder)
        except InputError as error:
            if "damaged" not in str(error.came):
                raise
            say(f"{error.file}: {error.came}; written again from the design")
    elif folder.exists() and any(entry.name not in OURS for entry in folder.iterdir() if entry.name[0] != "."):
        wanted = "an empty or new folder, or that of a sweep"
        is_result = (folder / result_folder.RUN).is_file()
        came = Phrase("the results of a comparison" if is_result else "a folder with other files")
        raise InputError(folder, None, "--out", wanted, came)
    store = SweepStore(folder, plan, say)
    check_extends(store, stored, plan)
    return store, stored


def check_space(folder: Path, needed: float) -> None:
    """Refuse a sweep that needs more space than the disk has."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        came = Phrase(f"a disk with {size(free)} of free space")
        raise InputError(folder, None, "--out", f"a disk with {size(needed)} of free space", came)


def _shown(folder: Path) -> str:
    return plain(str(folder))


def print_note(text: str) -> None:
    """Print a line to standard error, unless UPSTREAM_QUIET is set."""
    if "UPSTREAM_QUIET" not in os.environ:
        print(text, file=sys.stderr, flush=True)
