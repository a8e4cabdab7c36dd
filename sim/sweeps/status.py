"""How much of a sweep is done, failed and left, and how long the rest takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from sim.results.folder_lock import is_locked
from sim.sweeps.results import open_sweep
from sim.sweeps.size import duration
from sim.sweeps.store import DONE, RUNS

FAILURES_SHOWN = 10


class Failure(NamedTuple):
    """A run that failed or was set aside.

    Attributes
    ----------
    run, status, policy, error : str
        Identity, status, policy and error.
    """

    run: str
    status: str
    policy: str
    error: str


class SweepStatus(NamedTuple):
    """The state of a sweep.

    Attributes
    ----------
    planned, done, failed, set_aside, left : int
        Numbers of runs; failed ones and those that are set aside are not left.
    worker_seconds_left : float or None
        Time of the runs that are left with one worker, by the time of those that are done; None if none is done.
    is_running : bool
        Whether a process is writing to the folder.
    failures : tuple of Failure
        The runs that failed or were set aside.
    """

    planned: int
    done: int
    failed: int
    set_aside: int
    left: int
    worker_seconds_left: float | None
    is_running: bool
    failures: tuple[Failure, ...]

    def document(self) -> dict[str, Any]:
        """The state as plain data."""
        return {**self._asdict(), "failures": [failure._asdict() for failure in self.failures]}

    def text(self) -> str:
        """The state in words."""
        lines = [f"{self.done:,} of {self.planned:,} runs are done, {self.left:,} are left"]
        if self.left and self.worker_seconds_left is not None:
            lines[0] += f" (about {duration(self.worker_seconds_left)} of one worker)"
        if self.is_running:
            lines.append("A process is writing to the folder.")
        if self.failures:
            lines.append(f"{self.failed:,} failed, {self.set_aside:,} set aside:")
            lines += [f"  {f.run} ({f.policy}): {f.error}" for f in self.failures[:FAILURES_SHOWN]]
            rest = len(self.failures) - FAILURES_SHOWN
            lines += [f"  and {rest:,} more"] if rest > 0 else []
            lines.append("The command that made the sweep tries them again with --retry-failed.")
        return "\n".join(lines)


def status_of(folder: str | Path) -> SweepStatus:
    """Read the state of the sweep in a folder, which another process may be writing to.

    Parameters
    ----------
    folder : str or Path
        The folder.

    Returns
    -------
    SweepStatus

    Raises
    ------
    InputError
        If there is no sweep, or a file is damaged.
    """
    path = Path(folder).expanduser().resolve()
    is_running = is_locked(path)
    sweep = _opened(path, again=is_running)
    failures, seconds, done = [], 0.0, 0
    for table in sweep.tables(RUNS):
        for row in table.select(["run", "status", "policy", "error", "seconds"]).to_pylist():
            if row["status"] == DONE:
                seconds, done = seconds + row.pop("seconds"), done + 1
            else:
                failures.append(Failure(row["run"], row["status"], row["policy"], row["error"]))
    planned = sweep.plan.number_of_runs()
    set_aside = sum(failure.status == "set aside" for failure in failures)
    left = planned - done - len(failures)
    each = seconds / done if done else None
    return SweepStatus(
        planned, done, len(failures) - set_aside, set_aside, left, None if each is None else each * left, is_running,
        tuple(failures),
    )  # fmt: skip


def _opened(path: Path, *, again: bool) -> Any:
    """Open a sweep; once more, if another process has put files together meanwhile."""
    try:
        return open_sweep(path)
    except (ValueError, OSError):
        if not again:
            raise
        return open_sweep(path)
