"""The verification log: what each file of tests checks, and the result of a recorded run of them.

The program records no run of the tests. `pytest --junitxml=FILE` does, and `upstream log --tests FILE` reads it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from sim.assurance.log_table import LogTable, Value
from sim.assurance.version_history import PROJECT, relative
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_files import read_text

FOLDER = PROJECT / "tests"
LARGEST_RECORD = 50_000_000
"""Bytes of the file of a recorded run."""
COLUMNS = {
    "kind": "Kind",
    "file": "File",
    "checks": "What is checked",
    "tests": "Test functions",
    "marks": "Marks",
    "result": "Recorded result",
}
KINDS = {
    "implementations agree": r"mesa|stock[- _]?flow|twin",
    "laws and theory": r"invariant|conserv|theory|textbook|queueing|mutation",
    "repeatability": r"determin|random (numbers|draws)|damaged|saved results",
    "published figures": r"published|baseline|calibrat|experiment|claims",
}
"""Kind of a file of tests by words of its name and docstring; the first that fits."""
OTHER = "behaviour"
MARKS = ("statistics", "slow", "browser")


class Outcome(NamedTuple):
    """Result of the tests of a file in a recorded run."""

    passed: int
    failed: int
    skipped: int

    @property
    def text(self) -> str:
        """The counts in words."""
        parts = zip(self, ("passed", "failed", "skipped"), strict=True)
        return ", ".join(f"{count} {word}" for count, word in parts if count)


class RecordedRun(NamedTuple):
    """A recorded run of the tests: when it began, and its outcome by name of the file without its suffix."""

    began: str
    outcomes: dict[str, Outcome]


def recorded_run(path: Path) -> RecordedRun:
    """Read a run of the tests that `pytest --junitxml` recorded.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    RecordedRun

    Raises
    ------
    InputError
        If the file cannot be read, or is no record of tests.
    """
    text = read_text(path.expanduser().resolve(), suffix=".xml", largest=LARGEST_RECORD)
    wanted = "a run of the tests that pytest --junitxml recorded"
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(path, None, "--tests", wanted, Phrase("a file with declarations"))
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(path, error.position[0], "--tests", wanted, Phrase("another file")) from None
    cases = list(root.iter("testcase"))
    if not cases:
        raise InputError(path, None, "--tests", wanted, Phrase("a file without tests"))
    outcomes: dict[str, Outcome] = {}
    for case in cases:
        parts = case.get("classname", "").split(".")
        name = next((part for part in parts if part.startswith("test_")), parts[-1])
        passed, failed, skipped = outcomes.get(name, Outcome(0, 0, 0))
        is_failed = any(case.find(tag) is not None for tag in ("failure", "error"))
        is_skipped = not is_failed and case.find("skipped") is not None
        outcomes[name] = Outcome(passed + (not is_failed and not is_skipped), failed + is_failed, skipped + is_skipped)
    began = next((suite.get("timestamp", "") for suite in root.iter("testsuite")), "")
    return RecordedRun(began[:16].replace("T", " "), outcomes)


def verification_table(run: RecordedRun | None = None, folder: Path = FOLDER) -> LogTable:
    """Make the verification log.

    Parameters
    ----------
    run : RecordedRun, optional
        A recorded run of the tests.
    folder : Path
        The tests.

    Returns
    -------
    LogTable
        A row for each file of tests, by kind.
    """
    order = [*KINDS, OTHER]
    rows = [_row(path, run) for path in sorted(folder.glob("test_*.py"))]
    rows.sort(key=lambda row: (order.index(str(row["kind"])), str(row["file"])))
    recorded = (
        f"Recorded result: of the run of the tests that began at {run.began}."
        if run is not None
        else "No run of the tests is recorded: `make test ARGS=--junitxml=tests.xml` records one, and "
        "`upstream log --tests tests.xml` adds it."
    )
    notes = [
        "The model is implemented three times: compiled kernels, plain Python (Mesa) and a stock-flow twin. Tests "
        "compare them, and `make test` runs everything. The text of each row is that of the file of tests.",
        recorded,
    ]
    if not rows:
        notes = ["The tests are not part of this installation; they are in the checkout of the project."]
    return LogTable("verification", "Verification log", COLUMNS, tuple(rows), tuple(notes))


def _row(path: Path, run: RecordedRun | None) -> dict[str, Value]:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    summary = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    words = f"{path.stem} {summary}"
    kind = next((kind for kind, pattern in KINDS.items() if re.search(pattern, words, re.IGNORECASE)), OTHER)
    tests = len(re.findall(r"^ *def test_", text, re.MULTILINE))
    outcome = run.outcomes.get(path.stem) if run is not None else None
    return {
        "kind": kind,
        "file": relative(path),
        "checks": summary,
        "tests": tests,
        "marks": ", ".join(mark for mark in MARKS if f"mark.{mark}" in text) or None,
        "result": "not in the record" if run is not None and outcome is None else outcome.text if outcome else None,
    }
