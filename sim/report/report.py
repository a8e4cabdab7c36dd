"""Report of a comparison, and the assurance log, as HTML: one file, without anything to load from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sim.assurance.log import ABOUT, AssuranceLog
from sim.assurance.uses import HEADING, excluded_uses
from sim.report.charts import key, styles
from sim.report.sections import sections
from sim.results.comparison import Comparison

SCRIPT = (
    "addEventListener('beforeprint', () => "
    "document.querySelectorAll('details').forEach((each) => { each.open = true }))"
)
"""The only script: what is folded on the screen is printed."""
IN_SECTIONS = ("uses", "drivers")
"""Logs that a report shows in its other sections."""


def report_html(result: Comparison, log: AssuranceLog) -> str:
    """Write the report of a comparison.

    Parameters
    ----------
    result : Comparison
        The comparison.
    log : AssuranceLog
        Its logs.

    Returns
    -------
    str
        An HTML document.
    """
    names = result.names[1:] or result.names
    title = f"{', '.join(result.headings[name] for name in names)}: {result.place.label}"
    looks = styles(result)
    return _rendered(
        "report.html",
        log,
        title=title,
        sections=list(sections(result)),
        key=key(looks, result.names),
        difference_key=key(looks, result.names[1:]),
        about_run=(
            f"{result.people:,} people, {result.months[0]} to {result.months[-1]}, {len(result.seeds)} runs. "
            "Illustrative, not a forecast."
        ),
        tables=[table for table in log.tables if table.name not in IN_SECTIONS],
    )


def log_html(log: AssuranceLog) -> str:
    """Write the assurance log.

    Parameters
    ----------
    log : AssuranceLog
        The logs.

    Returns
    -------
    str
        An HTML document.
    """
    tables = [table for table in log.tables if table.name != "uses"]
    return _rendered("log.html", log, title=log.title, tables=tables)


def _rendered(template: str, log: AssuranceLog, **content: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            log=log,
            about=ABOUT,
            uses=excluded_uses(),
            uses_heading=HEADING,
            script=Markup(SCRIPT),  # the text above
            script_digest=digest,
            **content,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = with_code
    environment.filters["paragraphs"] = paragraphs
    return environment


def with_code(text: str) -> Markup:
    """Mark commands, which stand between backticks, as code.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    Markup

    Examples
    --------
    >>> with_code("run `a < b`")
    Markup('run <code>a &lt; b</code>')
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # escaped first


def paragraphs(text: str) -> Markup:
    """Make an HTML paragraph of each line of a text."""
    return Markup("").join(Markup("<p>{}</p>").format(with_code(line)) for line in text.split("\n") if line)
