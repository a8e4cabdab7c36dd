"""What the page says beside its charts: the visitor's policy in a sentence, cards, the key, how far the runs are."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import charts, findings, tables
from dashboard.choice import Choice
from dashboard.controls import month_text
from dashboard.levers import aim_words, lever_text, span
from dashboard.model import YOURS, Document, ModelIndex, RunRequest
from dashboard.moves import EVERYBODY
from dashboard.store import JobState


def policy(choice: Choice, book: ModelIndex) -> list[Any]:
    """What the visitor's own policy is, in a sentence; nothing where there is none."""
    moves = choice.moves(book)
    if not moves:
        return []
    parts = []
    for move in moves:
        lever = book.levers[move.lever]
        value = choice.levers[move.lever]
        said = f"{lever.label}: {lever_text(lever, value)} (baseline {lever_text(lever, lever.baseline)})"
        if move.aim != EVERYBODY:
            said += f", {findings.small(aim_words(move.aim, book, lever))}"
        if move.shock:
            lasts = "to the end" if move.until is None else f"until {month_text(move.until)}"
            said += f", {lasts}"
        parts.append(said)
    when = f"From {month_text(choice.start)}"
    if not all(move.shock for move in moves):
        when += f", in full force {span(choice.over_months)} later" if choice.over_months > 1 else ", at once"
    return [html.Strong("Your policy. "), f"{when}: {'; '.join(parts)}."]


def cards(document: Document, book: ModelIndex) -> list[html.Div]:
    """A card a policy: what it does to acute demand and to spend in the last year."""
    total = "spend_total" if "spend_total" in book.metrics else None
    found = []
    looks = charts.styles(document)
    for name in sorted(document["differences"], key=lambda other: other != YOURS):
        demand = findings.change(document, book.main, name)
        lines: list[Any] = [
            html.H2([swatch(looks[name]), tables.column(document, name)]),
            html.P([html.Span(_signed(demand), className="big"), html.Span(_verdict(demand), className="verdict")]),
            html.P(findings.ends(demand), className="note figures"),
        ]
        if total:
            record = document["differences"][name][total]["by_year"][-1]
            said = tables.pounds_text(record)
            lines.append(html.P(["Spending ", html.Span(said, className="figures")], className="note"))
        found.append(html.Div(lines, className="figure-card yours" if name == YOURS else "figure-card"))
    return found


def cards_note(document: Document, book: ModelIndex) -> str:
    """What the numbers on the cards are."""
    what = findings.metric_label(document, book.main).lower()
    band = next((findings.change(document, book.main, name).band for name in document["differences"]), findings.MEAN)
    spend = "; spending in £ per person per year" if "spend_total" in book.metrics else ""
    count = len(document["seeds"])
    seeds = f"{count} seed{'' if count == 1 else 's'}"
    return (
        f"Change in {what} from the baseline in year {document['years'][-1]}, with the {band} ({seeds}){spend}. "
        f"{document['people']:,} people."
    )


def key(document: Document) -> list[html.Li]:
    """The legend of the small charts, in words and strokes."""
    looks = charts.styles(document)
    items = [html.Li([swatch(looks[name]), tables.column(document, name)]) for name in document["scenarios"]]
    return [*items, html.Li([html.Span(className="swatch-band"), charts.BANDS])]


def progress(choice: Choice, book: ModelIndex, jobs: tuple[RunRequest, ...], states: list[JobState]) -> tuple[str, int]:
    """How far the runs are, in words and in per cent."""
    settled = sum(state.kind in ("done", "failed") for state in states)
    share = float(settled)
    words = "Waiting for an earlier run to finish…"
    for job, state in zip(jobs, states, strict=True):
        if state.kind == "running":
            share += state.done / state.total if state.total else 0.0
            runs = f"{state.done} of {state.total} runs done" if state.total else "starting"
            look = "a first look, " if job.seeds < choice.seeds else ""
            words = f"Updating… “{book.label(job.scenario)}”: {runs} ({look}{job.seeds} seeds)"
            words += f". {state.note}" if state.note else ""
            if not book.is_warm():
                words = "Compiling the model for this machine: once, about half a minute. Then the runs begin."
    return words, round(100 * share / max(len(jobs), 1))


def swatch(look: charts.Style) -> html.Span:
    """A scenario's stroke."""
    stroke = {"solid": "solid", "dash": "dashed", "longdash": "dashed", "dot": "dotted"}.get(look.dash, "dashed")
    width = min(round(look.width) + 1, 5)
    return html.Span(className="swatch", style={"borderTop": f"{width}px {stroke} {look.colour}"})


def _signed(found: findings.Change) -> str:
    unit = found.unit if len(found.unit) <= 2 else "points" if found.unit.startswith("percentage") else ""
    return f"{findings.signed(found.mean)} {unit}".strip()


def _verdict(found: findings.Change) -> str:
    return "" if found.clear else "within luck"
