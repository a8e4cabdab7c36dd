"""The parameters on which a policy's difference hangs most, from the `drivers` of a comparison's document.

The page computes none: a study takes minutes. For a policy without a study it names the command that makes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard import reproduce, sources, tables
from dashboard.findings import capital, listed, metric_label, scenario_label, small
from dashboard.html_attributes import aria
from dashboard.model import YOURS, Document, ModelIndex
from sim.results.number_text import fixed

HEADINGS = ("Parameter", "Share of the spread", "Status", "Could the direction change?", "Range", "Source")
MOST_ROWS = 5
UNKNOWN = "not known"


def of_policies(document: Document, index: ModelIndex) -> list[Any]:
    """For each policy a table of its drivers, or a sentence; then the commands for policies without a study."""
    names = sorted(document["differences"], key=lambda name: name != YOURS)
    tables_and_notes: list[Any] = []
    missing = []
    for name in names:
        rows = document.get("drivers", {}).get(name, {}).get(index.main) or []
        note = document.get("driver_notes", {}).get(name, "")
        if rows:
            others = document.get("driver_others", {}).get(name)
            tables_and_notes.append(_policy_table(document, index, name, rows, others, note))
        elif note and "`" not in note:
            tables_and_notes.append(html.P([html.Strong(tables.column(document, name)), f": {note}."]))
        else:  # a note with a command is replaced by the page's own command, which has the place and the people
            missing.append(name)
    if missing:
        tables_and_notes += _commands(document, index, missing, every=len(missing) == len(names))
    return tables_and_notes


def _policy_table(
    document: Document,
    index: ModelIndex,
    name: str,
    rows: list[Mapping[str, Any]],
    others: Mapping[str, Any] | None,
    note: str,
) -> html.Div:
    cells = [_cells(row) for row in sorted(rows, key=lambda row: -row["share"])[:MOST_ROWS]]
    if others:
        cells.append(["All parameters not studied one by one", _share(others), *[""] * (len(HEADINGS) - 2)])
    label = small(metric_label(document, index.main))
    text = (
        f"Share of the variance of the difference in {label} in year {document['years'][-1]}, over draws of all "
        "parameters, that involves the parameter (total Sobol’ index), with its 95% CI, by the stock-flow twin. "
        "Shares of parameters that act together overlap."
    )
    if note:
        text += f" {capital(note.replace('`', ''))}."
    cited = sources.key_list(row[-1] for row in cells)
    key = [html.Details([html.Summary("Key of the sources"), *cited])] if cited else []
    table = tables.table(tables.column(document, name), HEADINGS, cells, note=text)
    return html.Div([table, *key], className="drivers")


def _cells(row: Mapping[str, Any]) -> list[str]:
    sign = row.get("sign_may_change")
    return [
        str(row["parameter"]),
        _share(row),
        str(row.get("status") or UNKNOWN),
        UNKNOWN if sign is None else "Yes, within its range" if sign else "No",
        _range(row),
        str(row.get("source") or UNKNOWN),
    ]


def _share(row: Mapping[str, Any]) -> str:
    """'31% (24% to 40%)'."""
    share, low, high = (row.get(key) for key in ("share", "share_low", "share_high"))
    text = f"{fixed(100.0 * row['share'], 0)}%" if share is not None else UNKNOWN
    if low is None or high is None:
        return text
    unsettled = "" if row.get("settled", True) else ", not settled by this many samples"
    return f"{text} ({fixed(100.0 * low, 0)}% to {fixed(100.0 * high, 0)}%{unsettled})"


def _range(row: Mapping[str, Any]) -> str:
    """'0 to 0.25 per crisis; declared: 0.1'."""
    low, high = row.get("low"), row.get("high")
    if low is None or high is None:
        return UNKNOWN
    text = f"{low:g} to {high:g} {row.get('unit', '')}".strip()
    return text if row.get("value") is None else f"{text}; declared: {row['value']:g}"


def _commands(document: Document, index: ModelIndex, names: list[str], *, every: bool) -> list[Any]:
    policies = "these policies" if every and len(names) > 1 else listed([scenario_label(document, n) for n in names])
    commands = [reproduce.sensitivity_command(document["place"], index, name) for name in names]
    verb = "This command computes" if len(names) == 1 else "These commands compute"
    save = " Save your policy as a scenario (TOML) first; the link is under “Save and share”." if YOURS in names else ""
    return [
        html.P(f"Not computed yet for {policies}. {verb} it, in some minutes.{save}"),
        html.Pre("\n".join(commands), tabIndex="0", **aria(label="Commands for the sensitivity analysis")),
    ]
