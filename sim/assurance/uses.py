"""Uses for which the model is not fit: one list, for the README, MODEL.md, the page, the report and the log."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from sim.assurance.log_table import LogTable
from sim.schema import toml_files
from sim.schema.quantities import Closed

FILE = Path(__file__).with_name("uses.toml")
HEADING = "What the model must not be used for"


class ExcludedUse(Closed):
    """A use that is excluded, and its reason or the right use instead."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    use: str = Field(min_length=10)
    instead: str = Field(min_length=10)


class ExcludedUses(Closed):
    """The file of excluded uses."""

    uses: list[ExcludedUse] = Field(min_length=1)


@cache
def excluded_uses() -> tuple[ExcludedUse, ...]:
    """Read the excluded uses."""
    return tuple(toml_files.load(FILE, ExcludedUses).uses)


def uses_table() -> LogTable:
    """Make the log of excluded uses."""
    rows = tuple({"name": each.name, "use": each.use, "instead": each.instead} for each in excluded_uses())
    columns = {"name": "Name", "use": "It must not be used", "instead": "Reason, and what to do instead"}
    return LogTable("uses", HEADING, columns, rows)
