"""All logs of the Aqua Book in one document: as JSON, as Markdown and as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sim.assurance.assumptions import assumptions_table, supplied_studies
from sim.assurance.changes import changes_table
from sim.assurance.data import data_tables
from sim.assurance.decisions import decisions_table
from sim.assurance.limits import limits_table
from sim.assurance.log_table import LogTable
from sim.assurance.roles import Roles, roles_table
from sim.assurance.run_logs import drivers_table, origin_table, policies_table, studies_of
from sim.assurance.uses import uses_table
from sim.assurance.validation import validation_table
from sim.assurance.verification import RecordedRun, verification_table
from sim.place.place import Place
from sim.results.comparison import Comparison
from sim.schema.markdown_table import markdown_table
from sim.schema.model_digest import model_digest
from sim.schema.version import VERSION

PLACE = "anytown"
"""The place whose figures the log of the model has."""
ABOUT = (
    "Logs for quality assurance after the Aqua Book (HM Treasury). Everything here is generated from the files of the "
    "model, from its version history and from stored results. Names of people come from the user."
)


class AssuranceLog(NamedTuple):
    """The logs of the model, or of a comparison.

    Attributes
    ----------
    title : str
        Heading.
    made : date
        Day on which it was made.
    tables : tuple of LogTable
        The logs.
    """

    title: str
    made: date
    tables: tuple[LogTable, ...]

    @property
    def heading(self) -> str:
        """Version of the model and day, in a sentence."""
        return f"Upstream {VERSION}, model {model_digest()[:16]}, {self.made.isoformat()}."

    def document(self) -> dict[str, Any]:
        """Return the logs for JSON."""
        return {
            "upstream": VERSION,
            "model": model_digest(),
            "made": self.made.isoformat(),
            "title": self.title,
            "about": ABOUT,
            "logs": {table.name: table.document() for table in self.tables},
        }


def assurance_log(
    result: Comparison | None = None,
    *,
    command: str = "",
    roles: Roles | None = None,
    validation: Mapping[str, Any] | None = None,
    tests: RecordedRun | None = None,
    today: date | None = None,
) -> AssuranceLog:
    """Collect the logs of the model, and those of a comparison.

    Parameters
    ----------
    result : Comparison, optional
        The comparison whose origin and drivers are included.
    command : str
        The command that made it.
    roles : Roles, optional
        The people who answer for the work.
    validation : mapping, optional
        A saved validation.
    tests : RecordedRun, optional
        A recorded run of the tests.
    today : date, optional
        The day with which dates of review are compared; by default today.

    Returns
    -------
    AssuranceLog
    """
    day, people = today or date.today(), roles or Roles()
    of_run = (origin_table(result, command), policies_table(result), drivers_table(result)) if result else ()
    place = result.place if result is not None else Place.load(PLACE)
    studies = studies_of(result) if result is not None else supplied_studies()
    return AssuranceLog(
        f"Assurance log: {', '.join(result.headings.values())}" if result is not None else "Assurance log",
        day,
        (
            uses_table(),
            roles_table(people),
            *of_run,
            assumptions_table(place, studies, people),
            limits_table(),
            decisions_table(),
            *data_tables(day),
            verification_table(tests),
            validation_table(validation),
            changes_table(),
        ),
    )


def markdown(log: AssuranceLog) -> str:
    """Write the logs as a Markdown document."""
    parts = [f"# {log.title}", log.heading, ABOUT]
    for table in log.tables:
        parts += [f"## {table.title}", *table.notes]
        headings = list(table.columns.values())
        if not table.has_texts:
            parts.append(markdown_table(headings, table.cells()))
            continue
        for first, second, *others in table.cells():
            parts.append(f"### {first}: {second}")
            texts = (f"**{head}.** {text}" for head, text in zip(headings[2:], others, strict=True) if text)
            parts += [text.replace("\n", "\n\n") for text in texts]
    return "\n\n".join(parts) + "\n"


def csv_files(log: AssuranceLog) -> dict[str, str]:
    """Write each log as CSV.

    Parameters
    ----------
    log : AssuranceLog
        The logs.

    Returns
    -------
    dict of str to str
        Text by name of the file. A byte-order mark makes spreadsheets read £ as £.
    """
    files = {}
    for table in log.tables:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.cells())
        files[f"{table.name}.csv"] = "\ufeff" + text.getvalue()
    return files
