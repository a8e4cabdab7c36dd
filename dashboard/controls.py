"""The controls of the page: policies, place, number of seeds, and the visitor's own policy."""

from __future__ import annotations

import calendar
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard import lever_controls
from dashboard.choice import DRAWS, default_choice, over_choices, seed_choices
from dashboard.model import ModelIndex


def panel(index: ModelIndex) -> list[Any]:
    """All controls, the most used first."""
    return [*_comparison(index), *_visitors_policy(index)]


def _comparison(index: ModelIndex) -> list[Any]:
    start = default_choice(index)
    return [
        html.H2("Compare with the baseline"),
        dmc.CheckboxGroup(
            id="compare-scenarios",
            label=f"Policies, at most {index.settings.most_scenarios}",
            value=list(start.scenarios),
            className="policies",
            children=[
                dmc.Checkbox(
                    label=index.label(name),
                    description=index.question(name),
                    value=name,
                    id={"type": "compare-scenario", "name": name},
                    size="md",
                )
                for name in index.policies
            ],
        ),
        html.Div(
            className="pair",
            children=[
                _place_select(index, start.place),
                _select(
                    "compare-seeds",
                    "Runs (seeds)",
                    [(str(n), str(n)) for n in seed_choices(index)],
                    str(start.seeds),
                ),
            ],
        ),
        html.Div(
            [
                _select(
                    "compare-draws",
                    "Parameters",
                    [(name, label.capitalize()) for name, label in DRAWS.items()],
                    start.draws,
                ),
                html.P(
                    "Drawn: each run has parameters of its own, so the bands show how much they matter. As declared: "
                    "all runs have the same parameters, and the bands show chance events alone.",
                    className="note",
                ),
            ],
            className="labelled",
        ),
    ]


def _visitors_policy(index: ModelIndex) -> list[Any]:
    start = default_choice(index)
    return [
        html.H2("Your policy"),
        html.P(
            "Move a lever. When you release it, the model runs your policy and adds a line to the charts.",
            className="note",
        ),
        html.Div(
            [
                html.Ul([], id="compare-moved", className="moved-list"),
                html.Button(
                    "Reset all levers", id="compare-reset-all", type="button", disabled=True, className="button all"
                ),
            ],
            id="compare-moved-levers",
        ),
        html.Div(
            className="pair",
            children=[
                _select(
                    "compare-start", "Begins", [(month, month_text(month)) for month in index.starts()], start.start
                ),
                _select(
                    "compare-over",
                    "In full effect after",
                    [(str(n), lever_controls.duration_text(n)) for n in over_choices(index)],
                    str(start.over_months),
                ),
            ],
        ),
        html.Div(lever_controls.panel(index), className="levers"),
    ]


def month_text(month: str) -> str:
    """'April 2026'."""
    year, number = month.split("-")
    return f"{calendar.month_name[int(number)]} {year}"


def _place_select(index: ModelIndex, value: str) -> dmc.Select:
    """The place: places with a file first, then the English authorities. Typing narrows the list."""
    filed = [name for name in index.places if name not in index.authorities]
    groups = [
        {"group": "Places with a file", "items": [{"value": name, "label": _title(name)} for name in filed]},
        {
            "group": f"English authorities, {index.settings.authority_people:,} people of their mix",
            "items": [{"value": name, "label": label} for name, label in index.authorities.items()],
        },
    ]
    return dmc.Select(
        id="compare-place",
        label="Place",
        data=[group for group in groups if group["items"]],
        value=value,
        searchable=True,
        nothingFoundMessage="No place of this name",
        allowDeselect=False,
        checkIconPosition="right",
        maxDropdownHeight=320,
        size="md",
    )


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
