"""The data log: the sources that figures cite, dated figures of data files, and the data files themselves.

A source has the date from which a newer edition should be looked for (`review`). A table of a data file that has such a
date itself, `review` or `expires`, is an entry too. `due` lists what is past its date.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from sim.assurance.log_table import LogTable, Value
from sim.assurance.version_history import PROJECT, last_change, line_dates, relative
from sim.schema import toml_files
from sim.schema.errors import RequirementError
from sim.schema.quantities import Closed

FILE = Path(__file__).with_name("sources.toml")
FOLDERS = ("sim", "scenarios")
SUFFIXES = (".toml", ".npz", ".json", ".csv")
QUESTIONS = ("scenarios/claims", "scenarios/probes")
"""Folders whose files ask questions of the model and hold no data."""
NO_DATA = {"sim/assurance/uses.toml", "sim/assurance/limits.toml", "sim/assurance/sources.toml"}
"""The sources have entries of their own; the other two are logs themselves."""
KEY = re.compile(r"\[([A-Z][A-Za-z]*\d*)\]")
"""A key in brackets, such as [DS4]."""
EXPIRY = ("review", "expires")
"""Keys of a table of a data file that state from when a newer edition should be looked for."""
READ = ("published", "retrieved")
"""Keys that state the edition of a dated table."""
DUE, CURRENT = "due for review", "in date"
ENTRY_COLUMNS = {
    "name": "Source",
    "publisher": "Publisher",
    "kind": "Kind",
    "edition": "Edition",
    "licence": "Licence",
    "retrieved": "Retrieved",
    "review": "Review from",
    "state": "State",
    "uses": "Used in",
    "read_at": "Read at",
}
FILE_COLUMNS = {
    "file": "File",
    "content": "Content",
    "sources": "Sources cited",
    "figures": "Figures",
    "changed": "Last change",
}


class Source(Closed):
    """A source in the register."""

    key: str = Field(pattern=r"^[A-Z][A-Za-z]*\d*$")
    name: str = Field(min_length=3)
    publisher: str = Field(min_length=2)
    kind: Literal["statistics", "survey", "study", "report", "database", "news"]
    edition: str = Field(min_length=3)
    licence: str = Field(min_length=3)
    read_at: str = Field(min_length=3)
    retrieved: date
    review: date


class SourceRegister(Closed):
    """The register of sources."""

    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> SourceRegister:
        keys = [source.key for source in self.sources]
        for k, key in enumerate(keys):
            if key in keys[:k]:
                raise RequirementError("a key that no other source has", key, below=("sources", k, "key"))
        return self


class DatedEntry(NamedTuple):
    """Something that should be looked up again from a date on."""

    name: str
    review: date


@cache
def sources() -> dict[str, Source]:
    """Read the register of sources, by key."""
    return {source.key: source for source in toml_files.load(FILE, SourceRegister).sources}


@cache
def data_files() -> tuple[Path, ...]:
    """List the data files of the project: figures of services, domains and places, experiments, derived tables."""
    paths = (path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*")) if path.suffix in SUFFIXES)
    return tuple(path for path in paths if _is_data(path))


def _is_data(path: Path) -> bool:
    name, inside = relative(path), path.relative_to(PROJECT).parts
    is_scenario = inside[0] == "scenarios" and len(inside) == 2
    return not is_scenario and name not in NO_DATA and not any(name.startswith(folder) for folder in QUESTIONS)


def cited(text: str) -> set[str]:
    """Find the keys of the register that a text cites in brackets."""
    return set(KEY.findall(text)) & set(sources())


def data_tables(today: date) -> tuple[LogTable, LogTable]:
    """Make the data log.

    Parameters
    ----------
    today : date
        The day with which dates of review are compared.

    Returns
    -------
    sources : LogTable
        A row for each source of the register and for each dated table of a data file.
    files : LogTable
        A row for each data file.
    """
    uses = _uses()
    rows = [_source_row(source, uses.get(key, ()), today) for key, source in sources().items()]
    rows += [_dated_row(path, key, table, today) for path in _toml_files() for key, table in dated_tables(_read(path))]
    rows.sort(key=lambda row: (row["state"] != DUE, str(row["name"]).casefold()))
    late = sum(row["state"] == DUE for row in rows)
    notes = (
        f"{len(rows)} entries, {late} of them due for review on {today.isoformat()}: a newer edition should be looked "
        "for.",
        f"The sources in {relative(FILE)}, and every table of a data file that has a date of review. Parameters "
        "without a source are marked “assumed” in the assumptions log.",
    )
    return LogTable("data", "Data log: sources", ENTRY_COLUMNS, tuple(rows), notes), _files_table()


def due(today: date) -> list[DatedEntry]:
    """List what is past its date of review.

    Parameters
    ----------
    today : date
        The day with which dates of review are compared.

    Returns
    -------
    list of DatedEntry
        The longest overdue first.
    """
    entries = [DatedEntry(f"[{key}] {source.name}", source.review) for key, source in sources().items()]
    entries += [
        DatedEntry(_entry_name(path, key), _review(table))
        for path in _toml_files()
        for key, table in dated_tables(_read(path))
    ]
    return sorted((entry for entry in entries if entry.review <= today), key=lambda entry: entry.review)


def dated_tables(content: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find the tables of a data file that have a date of review.

    Parameters
    ----------
    content : mapping
        The file, or a table in it.
    key : str
        Dotted name of the table.

    Yields
    ------
    key : str
        Dotted name; "" for the file.
    table : mapping
        The table.
    """
    if any(name in content and not isinstance(content[name], dict) for name in EXPIRY):
        yield key, content
    for name, value in content.items():
        inside = f"{key}.{name}" if key else name
        if isinstance(value, dict):
            yield from dated_tables(value, inside)
        elif isinstance(value, list):
            for k, item in enumerate(value):
                if isinstance(item, dict):
                    yield from dated_tables(item, f"{inside}[{k}]")


def as_date(value: object) -> date:
    """Read a date of a data file: a TOML date, or a text YYYY, YYYY-MM or YYYY-MM-DD, of which the last day counts.

    Parameters
    ----------
    value : object
        The value.

    Returns
    -------
    date

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> as_date("2027-02").isoformat(), as_date("2026").isoformat()
    ('2027-02-28', '2026-12-31')
    """
    if isinstance(value, date):
        return value
    numbers = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", str(value))
    if numbers is None:
        raise ValueError(f"'{value}' is no date")
    year, month, day = (int(part) if part else None for part in numbers.groups())
    assert year is not None
    if day is not None and month is not None:
        return date(year, month, day)
    month = month or 12
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _source_row(source: Source, uses: Sequence[str], today: date) -> dict[str, Value]:
    row: dict[str, Value] = {name: str(value) for name, value in source.model_dump(exclude={"key"}).items()}
    row["name"] = f"[{source.key}] {source.name}"
    row["state"] = DUE if source.review <= today else CURRENT
    row["uses"] = "; ".join(uses) or "no data file; texts only"
    return row


def _dated_row(path: Path, key: str, table: Mapping[str, Any], today: date) -> dict[str, Value]:
    """The row of a table of a data file that has a date itself."""
    read = {name: str(table[name]) for name in READ if name in table}
    review = _review(table)
    return {
        "name": _entry_name(path, key),
        "publisher": str(table.get("source", "")) or None,
        "kind": "figures of a data file",
        "edition": str(table.get("edition", read.get("published", ""))) or None,
        "licence": str(table.get("licence", "")) or None,
        "retrieved": read.get("retrieved"),
        "review": review.isoformat(),
        "state": DUE if review <= today else CURRENT,
        "uses": relative(path),
        "read_at": str(table.get("stored_copy", "")) or None,
    }


def _entry_name(path: Path, key: str) -> str:
    return f"{relative(path)}: {key}" if key else relative(path)


def _review(table: Mapping[str, Any]) -> date:
    return as_date(next(table[name] for name in EXPIRY if name in table and not isinstance(table[name], dict)))


def _uses() -> dict[str, list[str]]:
    """The data files and mechanisms' files that cite each source."""
    out: dict[str, list[str]] = {}
    modules = [path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.py"))]
    for path in (*_toml_files(), *modules):
        for key in cited(path.read_text(encoding="utf-8")):
            out.setdefault(key, []).append(relative(path))
    return out


def _toml_files() -> list[Path]:
    return [path for path in data_files() if path.suffix == ".toml"]


@cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _files_table() -> LogTable:
    dates = line_dates(data_files())
    rows: list[dict[str, Value]] = []
    for path in data_files():
        is_text = path.suffix == ".toml"
        text = path.read_text(encoding="utf-8") if is_text else ""
        rows.append(
            {
                "file": relative(path),
                "content": _content(path, text),
                "sources": ", ".join(sorted(cited(text), key=str.casefold)) or None,
                "figures": _figures(_read(path)) if is_text else None,
                "changed": last_change(dates, path),
            }
        )
    notes = (
        "Files of figures, of published experiments, and of tables and solutions that are derived by a program. "
        "Figures: values with a unit and a source of their own.",
    )
    return LogTable("data_files", "Data log: files", FILE_COLUMNS, tuple(rows), notes)


DERIVED = {
    "sim/place/english_authorities.npz": "People of the 309 English authorities by tenth of deprivation and age, "
    "derived by sim/place/derive_authorities.py",
    "sim/calibration/solved": "Solved hazards, derived by `upstream calibrate`",
    "sim/analysis/sensitivity/supplied": "Sensitivity study, derived by `python -m sim.analysis.sensitivity`",
}
"""What the files without text of their own contain, by the beginning of their path."""


def _content(path: Path, text: str) -> str:
    """What a data file contains: its comment at the top, its title or its label."""
    derived = next((words for start, words in DERIVED.items() if relative(path).startswith(start)), "")
    if derived:
        return derived
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").strip())
    named = _read(path) if text else {}
    name = next((str(named[key]) for key in ("title", "label") if key in named), "")
    first = re.split(r"(?<=[.!?])\s", " ".join(comment))[0]
    return ": ".join(part for part in (name, first) if part) or path.stem


def _figures(content: object) -> int:
    """The number of values with a source of their own."""
    if isinstance(content, dict):
        return int("value" in content and "source" in content) + sum(_figures(value) for value in content.values())
    return sum(_figures(item) for item in content) if isinstance(content, list) else 0
