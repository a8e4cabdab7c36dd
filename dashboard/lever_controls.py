"""The controls of the levers: a slider for each, in the sections of the model, with unit, range, meaning and source.

Moved levers are listed above the sections. In that list each can be reset, and limited to some services, neighbourhoods
or ages if the model allows it.
"""

from __future__ import annotations

import math
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard import sources
from dashboard.choice import Choice, default_choice, lasts_choices
from dashboard.findings import with_unit
from dashboard.html_attributes import aria, data
from dashboard.lever_settings import EVERYONE, FIFTH_LABELS, FIFTHS, SERVICE, WHERE, WHO, TargetGroup
from dashboard.model import LeverInfo, ModelIndex
from sim.results.number_text import is_share

FIFTH_CHIPS = ("Most deprived", "2nd", "3rd", "4th", "Least deprived")


def lever_decimals(lever: LeverInfo) -> int:
    """The number of decimals of a lever's step: 2 for 0.25."""
    step = lever.step * (100.0 if is_share(lever.unit) else 1.0)
    return next((d for d in range(6) if math.isclose(step * 10**d, round(step * 10**d), rel_tol=1e-9)), 6)


def lever_text(lever: LeverInfo, value: float) -> str:
    """A lever's value with its unit: '+5.0% of budget', '0.40 severity'."""
    return with_unit(_lever_number(lever, value), lever_unit(lever))


def lever_range(lever: LeverInfo) -> str:
    """The range of a lever: '0.20 to 0.80 severity'."""
    return f"{_lever_number(lever, lever.low)} to {lever_text(lever, lever.high)}"


def lever_unit(lever: LeverInfo) -> str:
    """A lever's unit as shown: 'share of budget' becomes '% of budget', 'multiple of baseline' becomes '× baseline'.

    A scale has no unit.
    """
    if lever.unit[:1].isdigit():  # a scale, such as '0 none, 0.5 today, 1 full', which is shown under About
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
    """The id of one part of a moved lever's entry in the list of moved levers."""
    return {"type": f"compare-moved-{part}", "name": name}


def thumb(lever: LeverInfo, value: float) -> dict[str, dict[str, str]]:
    """The attributes of a slider's thumb for screen readers: the value with its unit, and the meaning."""
    return {
        "thumb": {
            "id": f"lever-{lever.name}",
            "aria-valuetext": lever_text(lever, value),
            "aria-describedby": f"lever-{lever.name}-meaning",
        }
    }


# --- one lever -----------------------------------------------------------------------------------------------------


def slider(lever: LeverInfo) -> html.Div:
    """One lever: name, value, slider, reset button, and a fold with its meaning, range and source."""
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
                            html.P(_range_and_baseline(lever)),
                            html.P(f"Source: {lever.source}."),
                            *sources.key_list([lever.source]),
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


def _range_and_baseline(lever: LeverInfo) -> str:
    """The scale, if the lever has one, the range and the baseline."""
    scale = "" if lever_unit(lever) else f"{lever.unit}. "
    return f"{scale}{lever_range(lever)}. The baseline is {lever_text(lever, lever.baseline)}."


def _label_options(lever: LeverInfo) -> dict[str, Any]:
    """The options with which the browser formats a value as `lever_text` does."""
    percent = is_share(lever.unit)
    return {
        "scale": 100 if percent else 1,
        "decimals": lever_decimals(lever),
        "unit": "%" if percent else "",
        "full_unit": lever_unit(lever),
        "signed": lever.kind == "shift",
        "baseline": lever.baseline,
        "step": lever.step,
    }


# --- all levers ----------------------------------------------------------------------------------------------------


def panel(index: ModelIndex) -> list[Any]:
    """A search box, and a fold for each section."""
    return [
        html.Div(
            className="search",
            children=[
                html.Label(f"Find one of {len(index.levers)} levers", htmlFor="compare-search"),
                dmc.TextInput(
                    id="compare-search",
                    placeholder="waiting, pay, housing …",
                    size="md",
                    debounce=False,
                    attributes={"input": {"autoComplete": "off"}},
                ),
                html.P("No lever matches.", id="compare-search-none", className="note", hidden=True),
            ],
        ),
        *(_section(index, section, first=k == 0) for k, section in enumerate(index.sections)),
    ]


def _section(index: ModelIndex, section: str, *, first: bool) -> html.Details:
    levers = [lever for lever in index.levers.values() if lever.section == section]
    children: list[Any] = [slider(lever) for lever in levers]
    if any(lever.shock for lever in levers):
        children.insert(0, _shock_duration(index))
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


def _shock_duration(index: ModelIndex) -> dmc.Select:
    choices = [{"value": str(months), "label": duration_text(months)} for months in lasts_choices(index)]
    return dmc.Select(
        id="compare-lasts",
        label="Shocks begin with your policy, at full strength, and last",
        data=[*choices, {"value": "end", "label": "to the end"}],
        value=str(default_choice(index).lasts_months),
        allowDeselect=False,
        checkIconPosition="right",
        size="md",
        className="labelled",
    )


def duration_text(months: int) -> str:
    """A duration in words: '1 month', '2 years', '18 months'."""
    count, word = (months // 12, "year") if months % 12 == 0 else (months, "month")
    return f"{count} {word}{'' if count == 1 else 's'}"


# --- the moved levers and their target groups -----------------------------------------------------------------------


def moved_levers(choice: Choice, index: ModelIndex) -> list[html.Li]:
    """An entry for each moved lever: value, reset button and target group."""
    return [_moved_lever(choice, index, index.levers[name]) for name in choice.levers]


def _moved_lever(choice: Choice, index: ModelIndex, lever: LeverInfo) -> html.Li:
    target = choice.targets.get(lever.name, EVERYONE)
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
                    **aria(label=f"Remove {lever.label} from your policy"),
                ),
            ],
        )
    ]
    if lever.aims:
        entry.append(_target_controls(index, lever, target, open_=bool(choice.missing_targets(lever))))
    return html.Li(entry, className="moved")


def _target_controls(index: ModelIndex, lever: LeverInfo, target: TargetGroup, *, open_: bool) -> html.Details:
    """The controls of a moved lever's target group. Controls that the lever does not allow are hidden."""

    def class_name(kind: str) -> str:
        return "labelled" if kind in lever.aims else "hidden"

    required = SERVICE in lever.needs
    firsts = [{"value": str(first), "label": str(first)} for first, _ in index.age_bands]
    lasts = [{"value": str(last), "label": "oldest" if last >= 105 else str(last)} for _, last in index.age_bands]
    return html.Details(
        [
            html.Summary(target_text(target, index, lever), id=moved_id(lever.name, "for")),
            dmc.MultiSelect(
                id=moved_id(lever.name, "service"),
                label="Services (at least one)" if required else "Services",
                placeholder="" if target.services else "choose" if required else "all",
                data=[{"value": name, "label": label} for name, label in index.services_of(lever.name).items()],
                value=list(target.services),
                searchable=True,
                hidePickedOptions=True,
                size="md",
                className=class_name(SERVICE),
            ),
            html.Fieldset(
                [
                    html.Legend("Neighbourhoods, by fifth of deprivation"),
                    dmc.ChipGroup(
                        id=moved_id(lever.name, "fifths"),
                        multiple=True,
                        value=[str(fifth) for fifth in target.fifths],
                        children=[
                            dmc.Chip(label, value=str(fifth), size="md", className="chip")
                            for fifth, label in zip(FIFTHS, FIFTH_CHIPS, strict=True)
                        ],
                    ),
                ],
                className=class_name(WHERE),
            ),
            html.Div(
                [
                    dmc.Select(
                        id=moved_id(lever.name, "from"),
                        label="From age",
                        data=firsts,
                        value=str(target.ages[0] if target.ages else index.age_bands[0][0]),
                        allowDeselect=False,
                        size="md",
                    ),
                    dmc.Select(
                        id=moved_id(lever.name, "to"),
                        label="To age",
                        data=lasts,
                        value=str(target.ages[1] if target.ages else index.age_bands[-1][1]),
                        allowDeselect=False,
                        size="md",
                    ),
                ],
                className=f"pair {class_name(WHO)}",
            ),
        ],
        open=open_,
        className="targets",
    )


def target_text(target: TargetGroup, index: ModelIndex, lever: LeverInfo) -> str:
    """A target group in words: 'For everyone', 'For youth work, in the most deprived fifth, aged 10 to 17'."""
    if SERVICE in lever.needs and not target.services:
        return "Choose a service. Without one the lever has no effect"
    parts = []
    if target.services:
        parts.append(f"For {', '.join(index.target_services[name] for name in target.services)}")
    if target.fifths:
        parts.append("in the " + ", ".join(FIFTH_LABELS[fifth - 1] for fifth in target.fifths))
    if target.ages:
        first, last = target.ages
        parts.append(f"aged {first} and over" if last >= index.age_bands[-1][1] else f"aged {first} to {last}")
    if not parts:
        return "For everyone"
    text = ", ".join(parts)
    return text if target.services else f"For everyone {text}"
