"""The decisions log: the pages of sim/decisions."""

from __future__ import annotations

import re
from pathlib import Path

from sim.assurance.log_table import LogTable, Value
from sim.assurance.version_history import first_change, last_change, line_dates, relative

FOLDER = Path(__file__).parents[1] / "decisions"
PAGES = "[0-9][0-9][0-9][0-9]-*.md"
IN_FORCE = "in force"
PARTS = {
    "chosen": "Chosen",
    "given_up": "Given up",
    "would_change": "What would change our mind",
    "status": "Status",
}
"""Heading of each part of a page that the log has. Other parts, such as measurements, are on the page alone."""
COLUMNS = {
    "number": "Number",
    "title": "Decision",
    "status": "Status",
    "decided": "Date",
    "changed": "Last change",
    "chosen": "Chosen",
    "given_up": "Given up",
    "would_change": "What would change our mind",
    "file": "File",
}
HEADING = re.compile(r"^(?:## (?P<section>[^\n]+)|\*\*(?P<run_in>[^*\n]+)\.\*\*)", re.MULTILINE)
"""A heading of its own line, or the beginning of a paragraph in bold."""


def parts(text: str) -> dict[str, str]:
    """Divide a page into its parts.

    Parameters
    ----------
    text : str
        Markdown of a decision.

    Returns
    -------
    dict of str to str
        Text by heading, each paragraph on one line; the first line of the page under "".

    Examples
    --------
    >>> parts("# 3. Months" + chr(10) * 2 + "**Chosen.** A month." + chr(10) * 2 + "**Why.** Data.")
    {'': '3. Months', 'Chosen': 'A month.', 'Why': 'Data.'}
    """
    first, _, rest = text.partition("\n")
    out = {"": first.removeprefix("# ").strip()}
    headings = list(HEADING.finditer(rest))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        body = rest[heading.end() : following.start() if following is not None else len(rest)]
        paragraphs = (" ".join(paragraph.split()) for paragraph in body.strip().split("\n\n"))
        out[(heading["section"] or heading["run_in"]).strip()] = "\n".join(p for p in paragraphs if p)
    return out


def decisions_table(folder: Path = FOLDER) -> LogTable:
    """Make the decisions log.

    Parameters
    ----------
    folder : Path
        Folder of the pages.

    Returns
    -------
    LogTable
        A row for each page.
    """
    pages = sorted(folder.glob(PAGES))
    dates = line_dates(pages)
    rows: list[dict[str, Value]] = []
    for page in pages:
        text_of = parts(page.read_text(encoding="utf-8"))
        number, _, title = text_of[""].partition(". ")
        row: dict[str, Value] = {key: text_of.get(heading, "") for key, heading in PARTS.items()}
        rows.append(
            row
            | {
                "number": int(number),
                "title": title,
                "status": row["status"] or IN_FORCE,
                "decided": first_change(dates, page),
                "changed": last_change(dates, page),
                "file": relative(page),
            }
        )
    notes = (
        "The pages of sim/decisions, which also state the reasons and the measurements.",
        f"A decision without a part “Status” is {IN_FORCE}. Its date is that of the oldest line of its page in the "
        "version history.",
    )
    return LogTable("decisions", "Decisions log", COLUMNS, tuple(rows), notes, has_texts=True)
