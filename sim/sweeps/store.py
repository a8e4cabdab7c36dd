"""The folder of a sweep: what is finished is there, completely and proved; what is not will be run again.

| file | content |
| --- | --- |
| `sweep.json`, `points.parquet`, `draws.parquet` | the design; the points of the uncertainties; what each seed draws |
| `outcomes/outcomes-*.parquet`, `groups/groups-*.parquet` | measures by run and year, and by group |
| `runs/done-*.parquet` | a row for each run that is done: inputs, seed, hashes, versions, time |
| `runs/failed-*.parquet` | a row for each run that failed or was set aside, with its error |
| `data_dictionary.csv`, `ro-crate-metadata.json` | every column with unit and meaning; metadata of the folder |

A batch is written in the order outcomes, groups, done: the file of done runs, which names the other two, makes it
count. The name of each file ends in digits of its SHA-256, and each page has a checksum. When a sweep is opened, every
file is proved. A damaged file is removed and reported, and its runs are run again; files that no file of done runs
names are removed. Small files are put together at the end: the larger file of done runs names those that it replaces,
so that an interruption at any moment leaves each run once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.schema.errors import InputError, Phrase, plain
from sim.sweeps import manifest, part_files
from sim.sweeps.batch import Batch, BatchOutcome, Group, RunOutcome
from sim.sweeps.data_dictionary import DICTIONARY, as_csv, runs_schema
from sim.sweeps.plan import DRAWN_TOGETHER, FORMAT, Plan, digest_of

ABOUT = b"upstream"
RUNS, OUTCOMES, GROUPS = "runs", "outcomes", "groups"
TABLES = (OUTCOMES, GROUPS)
DONE, FAILED, DRAWS = "done", "failed", "draws.parquet"
TARGET_BYTES = 64_000_000
"""Size to which small files are put together."""
MOST_SMALL = 16
"""Number of small files that are left as they are."""
ROWS_TOGETHER = 100_000
MOST_LINES = 3
"""Number of damaged files that are reported one by one."""


class SweepStore:
    """The finished runs of a sweep on disk. The folder is locked by this process.

    Parameters
    ----------
    folder : Path
        Absolute path of the folder.
    plan : Plan
        The plan, from which rows of runs are made.
    notify : callable
        Called with a line of text about damaged files.

    Attributes
    ----------
    done : set of str
        Identity of each run that is done.
    failed : dict of str to str
        Status of each run that failed or was set aside.
    """

    def __init__(self, folder: Path, plan: Plan, notify: Callable[[str], None]) -> None:
        """Prove what is in the folder."""
        self.folder, self.plan = folder, plan
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self._failed_in: dict[str, Path] = {}
        self._notify, self._lines = notify, 0
        self._open()

    # Opening.

    def _open(self) -> None:
        for part in (self.folder, *(self.folder / name for name in (RUNS, *TABLES))):
            for path in sorted(part.glob(f".*{part_files.PARTIAL}")):
                path.unlink(missing_ok=True)
        named: set[str] = set()
        replaced: set[str] = set()
        proved: list[tuple[Path, dict[str, Any], list[str]]] = []
        for path in sorted((self.folder / RUNS).glob(f"{DONE}-*.parquet")):
            about, runs = self._done_file(path)
            if about is not None:
                proved.append((path, about, runs))
                replaced.update(about["replaces"])
        for path, about, runs in proved:
            if path.name in replaced or self.done & set(runs):  # put together before an interruption
                path.unlink(missing_ok=True)
                continue
            named.update(about[kind] for kind in TABLES if about[kind])
            self.done.update(runs)
        for kind in TABLES:
            for path in sorted((self.folder / kind).glob(f"{kind}-*.parquet")):
                if path.name not in named:
                    path.unlink(missing_ok=True)
        for path in sorted((self.folder / RUNS).glob(f"{FAILED}-*.parquet")):
            self._failed_file(path)

    def _done_file(self, path: Path) -> tuple[dict[str, Any] | None, list[str]]:
        """What a file of done runs is about, and its runs; None if it or a file that it names is damaged."""
        runs: list[str] = []
        try:
            if not part_files.is_proved(path):
                raise ValueError("its SHA-256 does not match")
            about = about_of(path)
            runs = pq.read_table(path, columns=["run"], page_checksum_verification=True).column("run").to_pylist()
            for kind in TABLES:
                if about[kind] and not part_files.is_proved(self.folder / kind / about[kind]):
                    self._remove(self.folder / kind / about[kind], "damaged or missing", len(runs))
                    path.unlink(missing_ok=True)
                    return None, []
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            self._remove(path, _reason(error), len(runs))
            return None, []
        return about, runs

    def _failed_file(self, path: Path) -> None:
        try:
            if not part_files.is_proved(path):
                raise ValueError("its SHA-256 does not match")
            about_of(path)
            table = pq.read_table(path, columns=["run", "status"], page_checksum_verification=True)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            self._remove(path, _reason(error), 0)
            return
        rows = dict(zip(table.column("run").to_pylist(), table.column("status").to_pylist(), strict=True))
        superseded = {run for run in rows if run in self.done or run in self.failed}
        self.failed.update({run: status for run, status in rows.items() if run not in superseded})
        self._failed_in.update({run: path for run in rows if run not in superseded})
        if superseded:
            self._without(path, superseded)

    def _remove(self, path: Path, reason: str, runs: int) -> None:
        """Remove a damaged file and report it."""
        with contextlib.suppress(OSError):
            path.unlink()
        self._lines += 1
        if self._lines <= MOST_LINES:
            again = f"; {runs} run{'s are' if runs > 1 else ' is'} run again" if runs else "; its runs are run again"
            rest = " (further damaged files are not listed)" if self._lines == MOST_LINES else ""
            self._notify(plain(f"{path}: damaged: {reason}; removed{again}{rest}"))

    # Adding.

    def add(self, batch: Batch, outcome: BatchOutcome) -> None:
        """Store the outcomes of a batch.

        Parameters
        ----------
        batch : Batch
            The batch.
        outcome : BatchOutcome
            Its outcomes.

        Raises
        ------
        OSError
            If they cannot be written. What was stored before is as it was.
        """
        names = dict.fromkeys(TABLES, "")
        for kind, content in outcome.tables.items():
            names[kind] = part_files.file_name(kind, content)
            part_files.write(self.folder / kind, names[kind], content, self.folder)
        done = [run for run in outcome.runs if run.status == DONE]
        others = [run for run in outcome.runs if run.status != DONE]
        if done:
            self.add_rows(DONE, self._rows(batch, done), names)
        if others:
            again = {run.run for run in others if run.run in self.failed}
            before = {run: self._failed_in[run] for run in again}
            self.add_rows(FAILED, self._rows(batch, others), {})
            # An attempt of the same second with the same error has the same content, and so the same file.
            self._drop({run: path for run, path in before.items() if path != self._failed_in[run]})

    def write_table(self, kind: str, table: pa.Table) -> str:
        """Write outcomes or groups, and return the name of the file, which counts once a file of done runs names it."""
        content = part_files.encoded(table)
        name = part_files.file_name(kind, content)
        part_files.write(self.folder / kind, name, content, self.folder)
        return name

    def add_rows(self, kind: str, table: pa.Table, names: Mapping[str, str]) -> None:
        """Add rows of the table of runs that are not there yet.

        Parameters
        ----------
        kind : {"done", "failed"}
            What became of the runs.
        table : pyarrow.Table
            The rows.
        names : mapping of str to str
            Files of their outcomes and groups, for runs that are done.
        """
        runs = table.column("run").to_pylist()
        about = {**names, "replaces": []} if kind == DONE else {}
        path = self._write_runs(kind, table, about)
        if kind == DONE:
            self.done.update(runs)
            self._forget({run for run in runs if run in self.failed})
            return
        self.failed.update(zip(runs, table.column("status").to_pylist(), strict=True))
        self._failed_in.update(dict.fromkeys(runs, path))

    def _forget(self, runs: set[str]) -> None:
        """Remove the rows of former attempts of runs that are done."""
        self._drop({run: self._failed_in.pop(run) for run in runs})
        for run in runs:
            del self.failed[run]

    def _drop(self, rows: Mapping[str, Path]) -> None:
        """Remove some rows from files of failed runs."""
        by_file: dict[Path, set[str]] = {}
        for run, path in rows.items():
            by_file.setdefault(path, set()).add(run)
        for path, some in by_file.items():
            new = self._without(path, some)
            if new is not None:
                moved = {run for run, old in self._failed_in.items() if old == path}
                self._failed_in.update(dict.fromkeys(moved, new))

    def _without(self, path: Path, runs: set[str]) -> Path | None:
        """Write a file of failed runs again without some of them, and return its path; None if it was deleted."""
        table = part_files.decoded(path.read_bytes())
        remaining = table.filter(pa.array([run not in runs for run in table.column("run").to_pylist()]))
        new = self._write_runs(FAILED, remaining, {}) if remaining.num_rows else None
        if new != path:
            path.unlink(missing_ok=True)
        return new

    def _rows(self, batch: Batch, outcomes: list[RunOutcome]) -> pa.Table:
        of_run = {run: (g, p) for g in batch.groups for run, p in zip(g.runs, g.policies, strict=True)}
        finished = datetime.now(UTC).replace(microsecond=0)
        rows = [self._row(*of_run[outcome.run], outcome, batch.attempts, finished) for outcome in outcomes]
        return pa.Table.from_pylist(rows, schema=runs_schema(self.plan))

    def _row(self, group: Group, policy: int, outcome: RunOutcome, attempts: int, finished: datetime) -> dict[str, Any]:
        versions = self.plan.versions
        return {
            "run": outcome.run,
            **self.plan.row(group, policy),
            "chance_seed": group.chance,
            "engine": self.plan.design.engine,
            "draws": self.plan.design.draws,
            "calibrate": self.plan.baseline.calibrate if self.plan.design.engine == "agents" else "",
            "policy_hash": self.plan.policies[policy].digest,
            "parameters_hash": digest_of(group.parameters),
            "place_hash": self.plan.place_digests[group.place],
            "model": versions["model"],
            "upstream": versions["upstream"],
            "status": outcome.status,
            "error": outcome.error,
            "lost_workers": attempts,
            "seconds": outcome.seconds,
            "finished": finished,
        }

    def _write_runs(self, kind: str, table: pa.Table, about: Mapping[str, Any]) -> Path:
        table = table.replace_schema_metadata({ABOUT: json.dumps({"format": FORMAT, **about}).encode()})
        content = part_files.encoded(table)
        name = part_files.file_name(kind, content)
        part_files.write(self.folder / RUNS, name, content, self.folder)
        return self.folder / RUNS / name

    # Putting together.

    def compact(self) -> None:
        """Put small files together, if there are many."""
        small: list[tuple[Path, dict[str, Any], int]] = []
        for path in sorted((self.folder / RUNS).glob(f"{DONE}-*.parquet")):
            about = about_of(path)
            sizes = [(self.folder / kind / about[kind]).stat().st_size for kind in TABLES if about[kind]]
            if sum(sizes) < TARGET_BYTES // 2:
                small.append((path, about, sum(sizes)))
        if len(small) <= MOST_SMALL:
            return
        together: list[tuple[Path, dict[str, Any], int]] = []
        for item in small:
            together.append(item)
            if sum(size for _, _, size in together) >= TARGET_BYTES:
                self._put_together(together)
                together = []
        if len(together) > 1:
            self._put_together(together)

    def _put_together(self, files: list[tuple[Path, dict[str, Any], int]]) -> None:
        names = {}
        for kind in TABLES:
            paths = [self.folder / kind / about[kind] for _, about, _ in files if about[kind]]
            names[kind] = self._joined(kind, paths) if paths else ""
        runs = pa.concat_tables([part_files.decoded(path.read_bytes()) for path, _, _ in files])
        self._write_runs(DONE, runs, {**names, "replaces": [path.name for path, _, _ in files]})
        for path, about, _ in files:
            path.unlink(missing_ok=True)
            for kind in TABLES:
                if about[kind] and about[kind] != names[kind]:
                    (self.folder / kind / about[kind]).unlink(missing_ok=True)

    def _joined(self, kind: str, paths: list[Path]) -> str:
        """Join some files in one, some rows at a time, and return its name."""
        return part_files.write_stream(self.folder / kind, kind, batches(paths), self.folder)


def about_of(path: Path) -> dict[str, Any]:
    """What a file of runs is about. Raises ValueError if it is of another format."""
    metadata = pq.read_schema(path).metadata or {}
    about: dict[str, Any] = json.loads(metadata.get(ABOUT, b"{}"))
    if about.get("format") != FORMAT:
        raise ValueError(f"format {about.get('format')}")
    return about


def batches(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """The tables of some files, small ones joined, so that little is in memory at a time."""
    waiting: list[pa.Table] = []
    for path in paths:
        waiting.append(part_files.decoded(path.read_bytes()))
        if sum(table.num_rows for table in waiting) >= ROWS_TOGETHER:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def check_extends(store: SweepStore, stored: Plan | None, plan: Plan) -> None:
    """Refuse a plan that does not have all runs that are stored: it is that of another design."""
    if stored is not None and stored.has_runs_of(plan):
        return
    present = store.done | set(store.failed)
    if not present:
        return
    planned = {run for group in plan.groups() for run in group.runs}
    others = len(present - planned)
    if others:
        wanted = "a folder of this design, or of a part of it: use another --out for a new sweep"
        came = Phrase(f"a sweep of which {others} of {len(present)} stored runs are not in this design")
        raise InputError(store.folder, None, "--out", wanted, came)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    return str(error) if isinstance(error, ValueError) else "its content cannot be used"


def write_design(folder: Path, plan: Plan) -> None:
    """Write `points.parquet`, `draws.parquet` and the data dictionary, and `sweep.json` last."""
    points = manifest.points_file(plan)
    part_files.write(folder, manifest.POINTS, points, folder)
    if plan.design.draws != "none":
        part_files.write_stream(folder, "draws", _draws(plan), folder, DRAWS)
    part_files.write(folder, DICTIONARY, as_csv(plan).encode(), folder)
    part_files.write(folder, manifest.MANIFEST, manifest.text_of(plan, points).encode(), folder)


def _draws(plan: Plan) -> Iterator[pa.Table]:
    """What each seed draws in each place, some seeds at a time."""
    seeds = plan.design.numbers
    for place, town in enumerate(plan.places):
        for first in range(0, len(seeds), DRAWN_TOGETHER):
            some = seeds[first : first + DRAWN_TOGETHER]
            drawn = [plan.drawn(place, seed) for seed in some]
            yield pa.table(
                {
                    "place": pa.array([town.name] * len(some), pa.string()),
                    "seed": pa.array(some, pa.int64()),
                    **{name: pa.array([values[name] for values in drawn], pa.float64()) for name in drawn[0]},
                }
            )
