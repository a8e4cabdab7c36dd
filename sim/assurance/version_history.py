"""Date of the last change of each line of a file, from the version history of the checkout.

Without a checkout or without git, as in an installation from a wheel, there are no dates.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
UNKNOWN = "not known (no version history)"
LONGEST = 60.0
"""Seconds after which git is given up."""
PROCESSES = 2
Dates = Mapping[Path, tuple[str, ...]]


def relative(path: Path) -> str:
    """Return the path of a file relative to the project, for a reader."""
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.name


def line_dates(paths: Iterable[Path]) -> dict[Path, tuple[str, ...]]:
    """Look up when each line of some files was changed last.

    Parameters
    ----------
    paths : iterable of Path
        Files of the project.

    Returns
    -------
    dict of Path to tuple of str
        YYYY-MM-DD of each line; empty for a file without a history.
    """
    unique = sorted(set(paths))
    with ThreadPoolExecutor(PROCESSES) as executor:
        return dict(zip(unique, executor.map(_of_file, unique), strict=True))


def last_change(dates: Dates, path: Path, first: int | None = None, last: int | None = None) -> str:
    """Return the date of the last change of some lines.

    Parameters
    ----------
    dates : mapping of Path to tuple of str
        As `line_dates` returns it.
    path : Path
        The file.
    first, last : int, optional
        First and last line, counted from 1; by default the whole file.

    Returns
    -------
    str
        YYYY-MM-DD, or `UNKNOWN`.
    """
    lines = dates.get(path, ())[(first or 1) - 1 : last]
    return max(lines, default=UNKNOWN)


def first_change(dates: Dates, path: Path) -> str:
    """Return the date of the oldest line of a file, YYYY-MM-DD, or `UNKNOWN`."""
    return min(dates.get(path, ()), default=UNKNOWN)


@cache
def _of_file(path: Path) -> tuple[str, ...]:
    command = ["git", "-C", str(path.parent), "blame", "--porcelain", "--", path.name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    dates: dict[str, str] = {}
    lines: list[str] = []
    commit = ""
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        start = re.match(r"([0-9a-f]{40}) \d+ \d+", line)
        if start is not None:
            commit = start[1]
        elif line.startswith("author-time "):
            dates[commit] = datetime.fromtimestamp(int(line.split()[1]), UTC).date().isoformat()
        elif line.startswith("\t"):
            lines.append(dates[commit])
    return tuple(lines)
