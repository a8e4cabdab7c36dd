"""The log of changes and issues: the entries of CHANGELOG.md."""

from __future__ import annotations

import re
from pathlib import Path

from sim.assurance.log_table import LogTable
from sim.assurance.version_history import PROJECT

FILE = PROJECT / "CHANGELOG.md"


def changes_table(path: Path = FILE) -> LogTable:
    """Make the log of changes.

    Parameters
    ----------
    path : Path
        The changelog.

    Returns
    -------
    LogTable
        A row for each entry, the newest version first; none without the file.
    """
    rows = []
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    version = ""
    for block in re.split(r"\n(?=## |- )|\n\n", text):
        if block.startswith("## "):
            version = block.removeprefix("## ").strip()
        elif block.startswith("- ") and version:
            rows.append({"version": version, "change": " ".join(block.removeprefix("- ").split())})
    notes = (
        "The entries of CHANGELOG.md, which also lists new names. An entry on a change that moves results states by "
        "how much, and why the new result is right."
        if rows
        else "CHANGELOG.md is not part of this installation; it is in the checkout of the project.",
    )
    return LogTable("changes", "Changes and issues", {"version": "Version", "change": "Change"}, tuple(rows), notes)
