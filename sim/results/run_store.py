"""Runs on disk for a command with `--out`: those of an earlier command are read, and finished runs are kept at once.

Runs of the result in a folder lie in the folder, under `runs`. Runs of a command that was interrupted, or is still
going on, lie beside the folder: `out/mine.unfinished` for `out/mine`. So the folder appears complete or not at all,
and what is finished is not lost. Runs of different comparisons lie in folders of their own, named by a digest of
everything that determines them (sim/results/identity.py).
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sim.process.termination import temporary
from sim.results import identity
from sim.results.folder_lock import PART, created, named_errors, place_beside
from sim.results.records import Record
from sim.results.run_files import DIGITS, RunFormat, RunKey, file_name, is_proved, key_of
from sim.schema.errors import plain

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

RUNS, UNFINISHED = "runs", ".unfinished"
"""The folder of runs in a folder of results, and the end of the name of the folder of unfinished runs."""


class RunStore:
    """The stored runs of a folder of results. A context manager: folders that stay empty are deleted at its end.

    Parameters
    ----------
    folder : Path
        Absolute path of the folder of results, which need not exist and which this process has locked.
    notify : callable
        Called with a line of text about what is stored.
    present : Comparison, optional
        What the results in the folder are about, without records.
    """

    def __init__(self, folder: Path, notify: Callable[[str], None], present: Comparison | None = None) -> None:
        """Keep the settings."""
        self._folder, self._notify, self._present = folder, notify, present
        self._unfinished = place_beside(folder) / f"{folder.name}{UNFINISHED}"
        self._format: RunFormat | None = None
        self._paths: dict[RunKey, Path] = {}
        self._created = contextlib.ExitStack()
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete folders that are empty."""
        self._created.close()

    def open(self, planned: Comparison) -> None:
        """Look up which runs of a comparison are stored, and say so.

        Parameters
        ----------
        planned : Comparison
            The comparison with its seeds, without records.
        """
        self._format = run_format(planned)
        for folder in (self._folder / RUNS, self._unfinished):
            with contextlib.suppress(OSError):
                for path in sorted((folder / self._format.comparison[:DIGITS]).iterdir()):
                    key = key_of(path.name)
                    if key is not None and path.is_file() and not path.is_symlink():
                        self._paths.setdefault(key, path)
        differs = None if self._present is None else identity.difference(self._present, planned)
        if differs is not None:
            self._notify(f"{self._folder} has results of another comparison ({differs}), which are replaced at the end")
        stored = sum(RunKey(seed) in self._paths for seed in planned.seeds)
        if stored:
            self._notify(f"{stored} of {len(planned.seeds)} seeds are in {self._folder}")

    def read(self, keys: Sequence[RunKey]) -> dict[RunKey, dict[str, Record]]:
        """Read stored runs.

        Parameters
        ----------
        keys : sequence of RunKey
            The runs that are wanted.

        Returns
        -------
        dict of RunKey to dict of str to Record
            Those that are stored, by name of the scenario. A damaged file is deleted and reported.
        """
        out: dict[RunKey, dict[str, Record]] = {}
        if self._format is None:
            return out
        for key in keys:
            path = self._paths.get(key)
            if path is None:
                continue
            try:
                content = path.read_bytes()
                if not is_proved(path.name, content):
                    raise ValueError("its SHA-256 does not match")
                out[key] = self._format.decoded(key, content)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                self._notify(f"{path}: damaged ({plain(str(reason))}); run again")
                del self._paths[key]
                with contextlib.suppress(OSError):
                    path.unlink()
        return out

    def put(self, key: RunKey, records: Mapping[str, Record]) -> None:
        """Store finished runs.

        Parameters
        ----------
        key : RunKey
            Which runs these are.
        records : mapping of str to Record
            The record of each scenario by name.
        """
        if self._format is None:
            return
        content = self._format.encoded(key, records)
        folder = self._unfinished / self._format.comparison[:DIGITS]
        path = folder / file_name(key, content)
        partial = folder / f".{path.name}{PART}"
        with named_errors(self._folder):
            with self._changing:
                for parent in (self._unfinished, folder):
                    if not parent.exists():
                        self._created.enter_context(created(parent))
            with temporary(partial):
                partial.write_bytes(content)
                partial.replace(path)
        self._paths[key] = path

    def path(self, key: RunKey) -> Path | None:
        """Return the file of stored runs; None if they are not stored."""
        return self._paths.get(key)

    def clear(self) -> None:
        """Delete the unfinished runs of the comparison, which have become part of a result."""
        if self._format is not None:
            shutil.rmtree(self._unfinished / self._format.comparison[:DIGITS], ignore_errors=True)
            with contextlib.suppress(OSError):
                self._unfinished.rmdir()


def run_format(result: Comparison) -> RunFormat:
    """Make the format of the files of a comparison's runs.

    Parameters
    ----------
    result : Comparison
        The comparison; its records are not read.

    Returns
    -------
    RunFormat
    """
    return RunFormat.of(identity.digest(result), result.scenarios, result.neighbourhoods)
