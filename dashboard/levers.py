"""The levers as controls: a slider each, in the sections that the model declares, with unit, range, meaning and source.

Levers that stand away from the baseline are listed above the sections, where each can be put back, and aimed at some
services, neighbourhoods or ages if the model lets it.
"""

from __future__ import annotations

import math
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.aria import aria, data
from dashboard.choice import Choice, lasts_choices, usual
from dashboard.findings import is_share
from dashboard.model import LeverInfo, ModelIndex
from dashboard.moves import EVERYBODY, FIFTH_LABELS, FIFTHS, SERVICE, WHERE, WHO, Aim

FIFTH_CHIPS = ("Most deprived", "2nd", "3rd", "4th", "Least deprived")


def lever_decimals(lever: LeverInfo) -> int:
    """How many decimals write a lever's step in full: 2 for 0.25."""
    step = lever.step * (100.0 if is_share(lever.unit) else 1.0)
    return next((d for d in range(6) if math.isclose(step * 10**d, round(step * 10**d), rel_tol=1e-9)), 6)


def lever_text(lever: LeverInfo, value: float) -> str:
    """A lever's value as a sentence would say it: '+5.0 % of budget', '0.40 severity'."""
    return f"{_lever_number(lever, value)} {lever_unit(lever)}".strip()


def lever_range(lever: LeverInfo) -> str:
    """From where to where a lever can be moved."""
    return f"{_lever_number(lever, lever.low)} to {lever_text(lever, lever.high)}"


def lever_unit(lever: LeverInfo) -> str:
    """A lever's unit as it is shown: 'share of budget' is '% of budget', 'multiple of baseline' is '× baseline'; a
    scale has none."""
    if lever.unit[:1].isdigit():  # a scale, such as '0 none, 0.5 today, 1 full', which is told under About
        return ""
    if lever.unit.startswith("multiple of "):
        return "× " + lever.unit.removeprefix("multiple of ")
    return lever.unit.replace("share", "%", 1) if is_share(lever.unit) else lever.unit


def _lever_number(lever: LeverInfo, value: float) -> str:
    number = value * 100.0 if is_share(lever.unit) else value
    number = round(number, lever_decimals(lever)) + 0.0  # no '-0.0'
    sign = "+" if lever.kind == "shift" and number > 0 else ""
    return f"{sign}{number:,.{lever_decimals(lever)}f}".replace("-", "\N{MINUS SIGN}")


def lever_id(name: str, part: str) -> dict[str, str]:
    """The id of one part of a lever's control."""
    return {"type": f"compare-lever-{part}", "name": name}


def moved_id(name: str, part: str) -> dict[str, str]:
    """The id of one part of a moved lever's entry in the list above the sections."""
    return {"type": f"compare-moved-{part}", "name": name}


def thumb(lever: LeverInfo, value: float) -> dict[str, dict[str, str]]:
    """What a slider's thumb tells a screen reader besides its name: the value with its unit, and the meaning."""
    return {
        "thumb": {
            "id": f"lever-{lever.name}",
            "aria-valuetext": lever_text(lever, value),
            "aria-describedby": f"lever-{lever.name}-meaning",
        }
    }


# --- one lever -----------------------------------------------------------------------------------------------------


def slider(lever: LeverInfo) -> html.Div:
    """One lever: what it is, where it stands, a way back, a slider, and on demand what it means and who says so."""
    return html.Div(
        className="lever",
        **data(search=f"{lever.label} {lever.meaning} {lever.name} {lever.section}".lower()),
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
                thumbLabel=f"{lever.label}, {lever_unit(lever) or lever.unit}",
                thumbSize=24,
                size=6,
                label={"function": "leverText", "options": _label_options(lever)},
                marks=[{"value": lever.baseline}],
                attributes=thumb(lever, lever.baseline),
                className="lever-slider",
            ),
            html.Div(
                className="lever-foot",
                children=[
                    html.Details(
                        [
                            html.Summary(["About", html.Span(f" {lever.label}", className="unseen")]),
                            html.P(lever.meaning, id=f"lever-{lever.name}-meaning"),
                            html.P(_reach(lever)),
                            html.P(f"Source: {lever.source}."),
                        ],
                        className="lever-about",
                    ),
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
        ],
    )


def _reach(lever: LeverInfo) -> str:
    """Its unit or scale, its range and its baseline."""
    scale = "" if lever_unit(lever) else f"{lever.unit}. "
    return f"{scale}{lever_range(lever)}; the baseline is {lever_text(lever, lever.baseline)}."


def _label_options(lever: LeverInfo) -> dict[str, Any]:
    """What the browser needs to write a value as `lever_text` does."""
    percent = is_share(lever.unit)
    return {
        "scale": 100 if percent else 1,
        "decimals": lever_decimals(lever),
        "unit": "%" if percent else "",
        "whole": lever_unit(lever),
        "signed": lever.kind == "shift",
        "baseline": lever.baseline,
        "step": lever.step,
    }


# --- all levers ----------------------------------------------------------------------------------------------------


def panel(book: ModelIndex) -> list[Any]:
    """A search box, and a fold a section."""
    return [
        html.Div(
            className="search",
            children=[
                html.Label(f"Find one of {len(book.levers)} levers", htmlFor="compare-search"),
                dmc.TextInput(
                    id="compare-search",
                    placeholder="waiting, pay, housing …",
                    size="md",
                    debounce=False,
                    attributes={"input": {"autoComplete": "off"}},
                ),
                html.P("No lever is called that.", id="compare-search-none", className="note", hidden=True),
            ],
        ),
        *(_section(book, section, first=k == 0) for k, section in enumerate(book.sections)),
    ]


def _section(book: ModelIndex, section: str, *, first: bool) -> html.Details:
    levers = [lever for lever in book.levers.values() if lever.section == section]
    children: list[Any] = [slider(lever) for lever in levers]
    if any(lever.shock for lever in levers):
        children.insert(0, _lasts(book))
    return html.Details(
        [
            html.Summary(
                [
                    html.Span(section, className="section-name"),
                    html.Span("", id={"type": "compare-section-moved", "section": section}, className="badge"),
                    html.Span(f"{len(levers)}", className="count", title=f"{len(levers)} levers"),
                ]
            ),
            *children,
        ],
        open=first,
        className="section",
    )


def _lasts(book: ModelIndex) -> dmc.Select:
    choices = [{"value": str(months), "label": span(months)} for months in lasts_choices(book)]
    return dmc.Select(
        id="compare-lasts",
        label="Shocks come at once when your policy begins, and last",
        data=[*choices, {"value": "end", "label": "to the end"}],
        value=str(usual(book).lasts_months),
        allowDeselect=False,
        checkIconPosition="right",
        size="md",
        className="labelled",
    )


def span(months: int) -> str:
    """A time in words: '1 month', '2 years', '18 months'."""
    count, word = (months // 12, "year") if months % 12 == 0 else (months, "month")
    return f"{count} {word}{'' if count == 1 else 's'}"


# --- what is moved, and for whom -----------------------------------------------------------------------------------


def moved(choice: Choice, book: ModelIndex) -> list[html.Li]:
    """An entry for each moved lever: where it stands, a way back, and whom it is for."""
    return [_moved(choice, book, book.levers[name]) for name in choice.levers]


def _moved(choice: Choice, book: ModelIndex, lever: LeverInfo) -> html.Li:
    aim = choice.aims.get(lever.name, EVERYBODY)
    entry: list[Any] = [
        html.Div(
            className="moved-head",
            children=[
                html.Div(
                    [
                        html.Strong(lever.label),
                        html.Span(
                            lever_text(lever, choice.levers[lever.name]),
                            className="lever-value",
                            **data(moved=lever.name),
                        ),
                    ]
                ),
                html.Button(
                    "\N{MULTIPLICATION SIGN}",
                    id=moved_id(lever.name, "reset"),
                    type="button",
                    className="away",
                    title="Back to the baseline",
                    **aria(label=f"Take {lever.label} out of your policy"),
                ),
            ],
        )
    ]
    if lever.aims:
        entry.append(_aims(book, lever, aim, open_=bool(choice.lacks(lever))))
    return html.Li(entry, className="moved")


def _aims(book: ModelIndex, lever: LeverInfo, aim: Aim, *, open_: bool) -> html.Details:
    """Whom a moved lever is for. All parts are there for every lever; those that it cannot be aimed by are hidden."""

    def shown(kind: str) -> str:
        return "labelled" if kind in lever.aims else "hidden"

    must = SERVICE in lever.needs
    firsts = [{"value": str(first), "label": str(first)} for first, _ in book.age_bands]
    lasts = [{"value": str(last), "label": "oldest" if last >= 105 else str(last)} for _, last in book.age_bands]
    return html.Details(
        [
            html.Summary(aim_words(aim, book, lever), id=moved_id(lever.name, "for")),
            dmc.MultiSelect(
                id=moved_id(lever.name, "service"),
                label="Services (at least one)" if must else "Services",
                placeholder="" if aim.services else "choose" if must else "all",
                data=[{"value": name, "label": label} for name, label in book.aimed_services.items()],
                value=list(aim.services),
                searchable=True,
                hidePickedOptions=True,
                size="md",
                className=shown(SERVICE),
            ),
            html.Fieldset(
                [
                    html.Legend("Neighbourhoods, by fifth of deprivation"),
                    dmc.ChipGroup(
                        id=moved_id(lever.name, "fifths"),
                        multiple=True,
                        value=[str(fifth) for fifth in aim.fifths],
                        children=[
                            dmc.Chip(label, value=str(fifth), size="md", className="chip")
                            for fifth, label in zip(FIFTHS, FIFTH_CHIPS, strict=True)
                        ],
                    ),
                ],
                className=shown(WHERE),
            ),
            html.Div(
                [
                    dmc.Select(
                        id=moved_id(lever.name, "from"),
                        label="From age",
                        data=firsts,
                        value=str(aim.ages[0] if aim.ages else book.age_bands[0][0]),
                        allowDeselect=False,
                        size="md",
                    ),
                    dmc.Select(
                        id=moved_id(lever.name, "to"),
                        label="To age",
                        data=lasts,
                        value=str(aim.ages[1] if aim.ages else book.age_bands[-1][1]),
                        allowDeselect=False,
                        size="md",
                    ),
                ],
                className=f"pair {shown(WHO)}",
            ),
        ],
        open=open_,
        className="aims",
    )


def aim_words(aim: Aim, book: ModelIndex, lever: LeverInfo) -> str:
    """Whom a lever is for: 'For everybody', 'For youth work, in the most deprived fifth, aged 10 to 17'."""
    if SERVICE in lever.needs and not aim.services:
        return "Choose a service: until then it does nothing"
    parts = []
    if aim.services:
        parts.append(f"For {', '.join(book.aimed_services[name] for name in aim.services)}")
    if aim.fifths:
        parts.append("in the " + ", ".join(FIFTH_LABELS[fifth - 1] for fifth in aim.fifths))
    if aim.ages:
        first, last = aim.ages
        parts.append(f"aged {first} and over" if last >= book.age_bands[-1][1] else f"aged {first} to {last}")
    if not parts:
        return "For everybody"
    words = ", ".join(parts)
    return words if aim.services else f"For everybody {words}"
