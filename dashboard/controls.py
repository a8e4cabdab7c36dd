"""The controls beside the results: what is compared, where, how often; and the visitor's own policy."""

from __future__ import annotations

import calendar
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard import levers
from dashboard.choice import over_choices, seed_choices, usual
from dashboard.model import ModelIndex


def panel(book: ModelIndex) -> list[Any]:
    """All controls, from what is asked most to what is asked least."""
    return [*_compared(book), *_own(book)]


def _compared(book: ModelIndex) -> list[Any]:
    start = usual(book)
    return [
        html.H2("Compare with the baseline"),
        html.Fieldset(
            [
                html.Legend(f"Policies, {book.settings.most_scenarios} at most", className="unseen"),
                dmc.ChipGroup(
                    id="compare-scenarios",
                    multiple=True,
                    value=list(start.scenarios),
                    children=[
                        dmc.Chip(
                            book.label(name),
                            value=name,
                            id={"type": "compare-scenario", "name": name},
                            size="md",
                            className="chip",
                        )
                        for name in book.policies
                    ],
                ),
            ]
        ),
        html.Div(
            className="pair",
            children=[
                _select("compare-place", "Place", [(name, _title(name)) for name in book.places], start.place),
                _select(
                    "compare-seeds",
                    "Seeds (runs)",
                    [(str(n), str(n)) for n in seed_choices(book)],
                    str(start.seeds),
                ),
            ],
        ),
    ]


def _own(book: ModelIndex) -> list[Any]:
    start = usual(book)
    return [
        html.H2("Your policy"),
        html.P("Move a lever and let go: the model runs it and adds a line.", className="note"),
        html.Div(
            [
                html.Ul([], id="compare-moved", className="moved-list"),
                html.Button(
                    "Reset all levers", id="compare-reset-all", type="button", disabled=True, className="button all"
                ),
            ],
            id="compare-own",
        ),
        html.Div(
            className="pair",
            children=[
                _select(
                    "compare-start", "Begins", [(month, month_text(month)) for month in book.starts()], start.start
                ),
                _select(
                    "compare-over",
                    "In full force after",
                    [(str(n), levers.span(n)) for n in over_choices(book)],
                    str(start.over_months),
                ),
            ],
        ),
        html.Div(levers.panel(book), className="levers"),
    ]


def month_text(month: str) -> str:
    """'April 2026'."""
    year, number = month.split("-")
    return f"{calendar.month_name[int(number)]} {year}"


def _select(id: str, label: str, choices: list[tuple[str, str]], value: str) -> dmc.Select:
    return dmc.Select(
        id=id,
        label=label,
        data=[{"value": name, "label": text} for name, text in choices],
        value=value,
        allowDeselect=False,
        checkIconPosition="right",
        size="md",
    )


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").title()
