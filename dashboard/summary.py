"""Summaries on the page: the visitor's policy in a sentence, the cards, the legend, and the progress of the runs."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import asked, charts, doubt, findings, tables
from dashboard.choice import Choice
from dashboard.controls import month_text
from dashboard.glossary import term
from dashboard.horizon import answer_row, answer_year
from dashboard.lever_controls import duration_text, lever_text, target_text
from dashboard.lever_settings import EVERYONE
from dashboard.model import YOURS, Document, ModelIndex, RunRequest
from dashboard.store import JobState
from dashboard.styles import styles, swatch_address
from sim.assurance.uses import HEADING
from sim.results.scenario_styles import LineStyle

CALIBRATING = "calibrating"
"""The first word of the model's note while the draws of the parameters are calibrated, before the runs."""


def policy(choice: Choice, index: ModelIndex) -> list[Any]:
    """The visitor's own policy in a sentence; nothing if no lever is moved."""
    lever_settings = choice.lever_settings(index)
    if not lever_settings:
        return []
    parts = []
    for setting in lever_settings:
        lever = index.levers[setting.lever]
        value = choice.levers[setting.lever]
        text = f"{lever.label}: {lever_text(lever, value)} (baseline {lever_text(lever, lever.baseline)})"
        if setting.target != EVERYONE:
            text += f", {findings.small(target_text(setting.target, index, lever))}"
        if setting.shock:
            lasts = "to the end" if setting.until is None else f"until {month_text(setting.until)}"
            text += f", {lasts}"
        parts.append(text)
    when = f"From {month_text(choice.start)}"
    if not all(setting.shock for setting in lever_settings):
        when += f", in full effect {duration_text(choice.over_months)} later" if choice.over_months > 1 else ", at once"
    return [html.Strong("Your policy. "), f"{when}: {'; '.join(parts)}."]


def notice(place: str, index: ModelIndex) -> list[Any]:
    """What the place of the page is: an invented town, or an area whose mix of ages and deprivation it has."""
    label = index.place_label(place)
    if index.is_invented(place):
        text = f"{label} is an invented town with England’s mix of ages and deprivation. Its people are invented."
    else:
        text = f"The people are invented. Their ages and their neighbourhoods’ deprivation are those of {label}."
    return [
        html.Strong("Exploratory, not a forecast. ", className="phase"),
        f"{text} Needs and use of services are calibrated to England’s published rates. ",
        html.A(HEADING, href="#uses"),
    ]


def cards(document: Document, index: ModelIndex) -> list[html.Div]:
    """A card for each policy: its effect on acute demand and on spending in the year of the answer."""
    result = []
    looks = styles(document)
    first = findings.focus(document, index.main)
    for name in sorted(document["differences"], key=lambda other: (other != YOURS, other != first)):
        demand = findings.change(document, index.main, name)
        lines: list[Any] = [
            html.H2([swatch(looks[name]), tables.column(document, name)]),
            html.P(html.Span(findings.signed(demand), className="big"))
            if demand.clear
            else html.P(findings.NO_DIFFERENCE, className="unclear"),
            *([html.P(findings.MIXED, className="verdict")] if demand.clear and demand.mixed else []),
            *(
                [html.P(f"{findings.MEAN_SHORT} {findings.ends(demand)}", className="note figures")]
                if demand.band == findings.MEAN
                else []
            ),
            html.P(f"Runs {findings.run_ends(demand)}", className="note figures"),
        ]
        requests = asked.words(document, name)
        if requests:
            lines.append(html.P(f"Asked: {findings.small('; '.join(requests))}.", className="asked"))
        for measure, label in (("spend_total", "Came out: spending"), ("bailed_out", "Bailed out by the centre")):
            if measure in index.metrics:
                row = answer_row(document, document["differences"][name][measure])
                if measure == "spend_total" or findings.excludes_zero(row):
                    lines.append(html.P([f"{label} ", html.Span(tables.pounds_range(row), className="figures")]))
        result.append(html.Div(lines, className="figure-card yours" if name == YOURS else "figure-card"))
    return result


def cards_note(document: Document, index: ModelIndex) -> list[Any]:
    """The note on the numbers of the cards, whose words have definitions."""
    label = findings.metric_label(document, index.main)
    bands = {findings.change(document, index.main, name).band for name in document["differences"]}
    interval = ["the ", term("95% CI", findings.MEAN), " and "] if findings.MEAN in bands else []
    spend = "; spending and bail-outs in £ a person in that year" if "spend_total" in index.metrics else ""
    count = len(document["seeds"])
    return [
        "Change in ",
        term("acute demand", findings.small(label)),
        " from the ",
        term("baseline"),
        f" in year {answer_year(document)}, with ",
        *interval,
        "the ",
        term("middle 95% of runs"),
        f" ({count} ",
        term("run", "run" if count == 1 else "runs"),
        f"){spend}. {document['people']:,} people.",
    ]


def doubt_lines(document: Document, index: ModelIndex) -> list[html.P]:
    """How certain the headline is, a paragraph for each sentence."""
    return [html.P(marked(sentence)) for sentence in doubt.sentences(document, index.main)]


def marked(text: str) -> list[Any]:
    """A sentence with its commands, which stand between backticks, as code."""
    return [html.Code(part) if is_code else part for part, is_code in doubt.code_parts(text)]


def legend(document: Document) -> list[html.Li]:
    """The legend of the small charts."""
    looks = styles(document)
    items = [html.Li([swatch(looks[name]), tables.column(document, name)]) for name in document["scenarios"]]
    return [*items, html.Li([html.Span(className="swatch-band"), charts.BANDS])]


def progress(
    choice: Choice, index: ModelIndex, jobs: tuple[RunRequest, ...], states: list[JobState]
) -> tuple[str, int]:
    """The progress of the runs as text and as a percentage."""
    ended = sum(state.kind in ("done", "failed") for state in states)
    share = float(ended)
    text = "Waiting for an earlier run to finish…"
    for job, state in zip(jobs, states, strict=True):
        if state.kind == "running":
            share += state.done / state.total if state.total else 0.0
            steps = "runs" if job.draws == "none" else "steps"
            done = f"{state.done} of {state.total} {steps} done" if state.total else "starting"
            stage = "preliminary, " if job.seeds < choice.seeds else ""
            is_first = job.draws != "none" and state.done == 0 < state.total  # no draw is calibrated yet
            calibrates = is_first or state.note.startswith(CALIBRATING)
            doing = "Calibrating the parameters of each run" if calibrates else "Updating"
            text = f"{doing}… “{index.label(job.scenario)}”: {done} ({stage}{job.seeds} seeds)"
            text += f". {state.note}" if state.note and not calibrates else ""
            if not index.is_warm():
                text = "Compiling the model for this computer. This happens once and takes about half a minute."
    return text, round(100 * share / max(len(jobs), 1))


def swatch(look: LineStyle) -> html.Img:
    """A scenario's line as charts draw it. The name beside it is its text."""
    return html.Img(src=swatch_address(look), alt="", className="swatch")
