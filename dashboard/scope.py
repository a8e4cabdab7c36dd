"""What the model holds and what it leaves out, sector by sector, beside published spending in England."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard import tables
from sim.results.number_text import fixed

TITLE = "What the model covers"
NOTE = (
    "Spending on this page is spending in scope: on the services that the model holds. Most public spending is outside "
    "it, such as planned operations, medicines, most policing, schools and benefits."
)
HEADINGS = ("Sector", "In the model", "Left out", "Model, £ a head", "England, £ a head", "Share covered", "Year")


def table(rows: Sequence[Mapping[str, Any]]) -> html.Div:
    """The table of sectors, with the total last; empty before the first run."""
    body = [
        [
            str(row["label"]),
            str(row["holds"]),
            str(row["left_out"]),
            _pounds(row["model"]),
            _pounds(row["published"]),
            f"{fixed(100.0 * row['share'], 0)}%" if _known(row["share"]) else "not published",
            str(row["year"] or ""),
        ]
        for row in rows
    ]
    return html.Div(tables.table("Pounds a head a year", HEADINGS, body, note="Shares are of published spending."))


def _pounds(value: float | None) -> str:
    return f"£{fixed(value, 0)}" if value is not None and _known(value) else "not published"


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
