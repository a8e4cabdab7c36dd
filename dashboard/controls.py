"""Controls made from what the model declares: a slider a lever, with its unit, range, meaning and source."""

from __future__ import annotations

import calendar
import math
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.aria import aria
from dashboard.charts import is_share
from dashboard.choice import seed_choices, usual
from dashboard.model import Book, Lever


def lever_decimals(lever: Lever) -> int:
    """How many decimals tell two steps of a lever apart."""
    step = lever.step * (100.0 if is_share(lever.unit) else 1.0)
    return max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 2


def lever_text(lever: Lever, value: float) -> str:
    """A lever's value as a sentence would say it: '+5.0 % of budget', '0.40 severity'."""
    return f"{_lever_number(lever, value)} {_unit(lever)}"


def lever_range(lever: Lever) -> str:
    """From where to where a lever can be moved."""
    return f"{_lever_number(lever, lever.low)} to {lever_text(lever, lever.high)}"


def _lever_number(lever: Lever, value: float) -> str:
    number = value * 100.0 if is_share(lever.unit) else value
    number = round(number, lever_decimals(lever)) + 0.0  # no '-0.0'
    sign = "+" if lever.kind == "shift" and number > 0 else ""
    return f"{sign}{number:,.{lever_decimals(lever)}f}".replace("-", "\N{MINUS SIGN}")


def lever_id(name: str, part: str) -> dict[str, str]:
    """The id of one part of a lever's control."""
    return {"type": f"compare-lever-{part}", "name": name}


def thumb(lever: Lever, value: float) -> dict[str, dict[str, str]]:
    """What a slider's thumb tells a screen reader besides its name: the value with its unit, and the meaning."""
    return {
        "thumb": {
            "id": f"lever-{lever.name}",
            "aria-valuetext": lever_text(lever, value),
            "aria-describedby": f"lever-{lever.name}-meaning",
        }
    }


def slider(lever: Lever) -> html.Div:
    """One lever: what it is, where it stands, a slider, a way back, and who says so."""
    return html.Div(
        className="lever",
        children=[
            html.Div(
                className="lever-head",
                children=[
                    html.Span(lever.label, className="lever-name"),
                    html.Span(
                        lever_text(lever, lever.baseline), id=lever_id(lever.name, "value"), className="lever-value"
                    ),
                ],
            ),
            dmc.Slider(
                id=lever_id(lever.name, "slider"),
                min=lever.low,
                max=lever.high,
                step=lever.step,
                precision=min(lever_decimals(lever) + (2 if is_share(lever.unit) else 0), 12),
                value=lever.baseline,
                domain=[lever.low, lever.high],
                thumbLabel=f"{lever.label}, {_unit(lever)}",
                thumbSize=28,
                size=8,
                label={"function": "leverText", "options": _label_options(lever)},
                marks=[{"value": lever.baseline}],
                attributes=thumb(lever, lever.baseline),
                className="lever-slider",
            ),
            html.Div(
                className="lever-foot",
                children=[
                    html.Span(lever_range(lever), className="range"),
                    html.Button(
                        "Reset",
                        id=lever_id(lever.name, "reset"),
                        type="button",
                        disabled=True,
                        className="quiet",
                        **aria(label=f"Reset {lever.label} to the baseline"),
                    ),
                ],
            ),
            html.P(lever.meaning, id=f"lever-{lever.name}-meaning", className="lever-meaning"),
            html.Details([html.Summary("Source"), html.P(lever.source, className="note")], className="lever-source"),
        ],
    )


def chips(id: str, kind: str, names: tuple[str, ...], labels: dict[str, str], chosen: tuple[str, ...]) -> dmc.ChipGroup:
    """Things to switch on and off, any of them, up to a number the page knows."""
    return dmc.ChipGroup(
        id=id,
        multiple=True,
        value=list(chosen),
        children=[
            dmc.Chip(labels[name], value=name, id={"type": kind, "name": name}, size="md", className="chip")
            for name in names
        ],
    )


def panel(book: Book) -> list[Any]:
    """All controls, from what is asked most to what is asked least."""
    start = usual(book)
    year, month = book.starts().split("-")
    return [
        html.H2("Compare"),
        html.Fieldset(
            [
                html.Legend(f"Policies, {book.settings.most_scenarios} at most; the baseline is always shown"),
                chips(
                    "compare-scenarios",
                    "compare-scenario",
                    book.policies,
                    {name: book.label(name) for name in book.policies},
                    start.scenarios,
                ),
            ]
        ),
        html.Div(
            className="pair",
            children=[
                dmc.Select(
                    id="compare-place",
                    label="Place",
                    data=[{"value": name, "label": _title(name)} for name in book.places],
                    value=start.place,
                    allowDeselect=False,
                    checkIconPosition="right",
                    size="md",
                ),
                dmc.Select(
                    id="compare-seeds",
                    label="Seeds",
                    description="repeat runs, each with its own luck",
                    data=[{"value": str(n), "label": str(n)} for n in seed_choices(book)],
                    value=str(start.seeds),
                    allowDeselect=False,
                    checkIconPosition="right",
                    size="md",
                    inputWrapperOrder=["label", "input", "description"],
                ),
            ],
        ),
        html.H2("Your policy"),
        html.P(
            f"Move a lever and let go: the model runs your policy and adds its line. It begins in "
            f"{calendar.month_name[int(month)]} {year} and is in full force {book.settings.over_months} months later.",
            className="note",
        ),
        html.Div([slider(lever) for lever in book.levers.values()], className="levers"),
        html.Button("Reset all levers", id="compare-reset-all", type="button", disabled=True, className="button"),
    ]


def _unit(lever: Lever) -> str:
    """A lever's unit as it is shown: 'share of budget' is '% of budget', 'multiple of baseline' is '× baseline'."""
    if lever.unit.startswith("multiple of "):
        return "× " + lever.unit.removeprefix("multiple of ")
    return lever.unit.replace("share", "%", 1) if is_share(lever.unit) else lever.unit


def _label_options(lever: Lever) -> dict[str, Any]:
    percent = is_share(lever.unit)
    return {
        "scale": 100 if percent else 1,
        "decimals": lever_decimals(lever),
        "unit": "%" if percent else "",
        "signed": lever.kind == "shift",
    }


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").title()
