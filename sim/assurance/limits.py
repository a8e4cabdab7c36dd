"""The log of structural assumptions and limits: of the model as a whole, and of each mechanism and lever.

A mechanism's claim, evidence and limits are those of the docstring of its file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import Field

from sim.assurance.log_table import LogTable, Value
from sim.assurance.version_history import last_change, line_dates, relative
from sim.scenario import registry
from sim.schema import toml_files
from sim.schema.declarations import declared_modules
from sim.schema.docstring_sections import docstring_sections
from sim.schema.quantities import Closed

FILE = Path(__file__).with_name("limits.toml")
COLUMNS = {
    "name": "Name",
    "assumption": "Assumption",
    "claim": "Claim",
    "evidence": "Evidence",
    "limits": "Limits",
    "changed": "Last change",
}


class StructuralLimit(Closed):
    """A limit of the model's structure."""

    title: str = Field(min_length=5)
    text: str = Field(min_length=10)


class StructuralLimits(Closed):
    """The file of structural limits."""

    limits: list[StructuralLimit] = Field(min_length=1)


@cache
def structural_limits() -> tuple[StructuralLimit, ...]:
    """Read the limits that belong to no single mechanism."""
    return tuple(toml_files.load(FILE, StructuralLimits).limits)


def mechanism_files() -> Iterator[tuple[Path, dict[str, str]]]:
    """Find every file of a mechanism or a lever that makes a claim.

    Yields
    ------
    path : Path
        The file.
    sections : dict of str to str
        The parts of its docstring.
    """
    for folder in registry.FOLDERS:
        for name in declared_modules(folder):
            module = sys.modules[name]
            sections = docstring_sections(module.__doc__ or "")
            if "Claim" in sections:
                yield Path(str(module.__file__)), sections


def limits_table() -> LogTable:
    """Make the log of structural assumptions and limits.

    Returns
    -------
    LogTable
        A row for each structural limit, then one for each mechanism and lever.
    """
    files = list(mechanism_files())
    dates = line_dates([FILE, *(path for path, _ in files)])
    rows: list[dict[str, Value]] = [
        {
            "name": relative(FILE),
            "assumption": f"{limit.title}.",
            "limits": limit.text,
            "changed": last_change(dates, FILE),
        }
        for limit in structural_limits()
    ]
    rows += [
        {
            "name": relative(path),
            "assumption": sections[""],
            "claim": sections["Claim"],
            "evidence": sections.get("Evidence"),
            "limits": sections.get("Limits"),
            "changed": last_change(dates, path),
        }
        for path, sections in files
    ]
    notes = (
        "First the limits of the structure as a whole, then each mechanism and each lever with the claim, the evidence "
        "and the limits of its file. A formula is a claim about how a place works; its numbers are in the assumptions "
        "log.",
    )
    return LogTable("limits", "Structural assumptions and limits", COLUMNS, tuple(rows), notes, has_texts=True)
