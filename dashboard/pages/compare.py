"""The comparison's layout: acute demand and spend under a few policies, and under one of the visitor's own.

Without numbers: they follow when the runs land (pages/wiring.py).
"""

from __future__ import annotations

import uuid
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import charts, controls
from dashboard.aria import aria
from dashboard.choice import loose, usual
from dashboard.findings import MEAN
from dashboard.model import ModelIndex
from dashboard.pages.about import about

QUESTION = (
    "Which ways of spending the same money bend demand on emergency services down, how soon, for whom, "
    "and how sure are we?"
)
POLL_MS = 300
PAIRED = "Taken seed by seed: both policies meet the same people with the same luck."
KINDS = {
    "service": "Acute services",
    "life": "Lives",
    "need": "Need",
    "access": "Getting help",
    "staff": "Staff and practice",
    "community": "Community",
    "money": "Money",
    "fairness": "Fairness",
}
"""What a kind of measure is called on the page."""


def layout(book: ModelIndex) -> html.Main:
    """The whole page."""
    return html.Main(
        id="main",
        children=[
            dcc.Location(id="compare-url", refresh=False),
            dcc.Store(id="compare-session", data=uuid.uuid4().hex),
            dcc.Store(id="compare-back"),
            dcc.Store(id="compare-choice", data=loose(usual(book))),
            dcc.Store(id="compare-aims", data={}),
            dcc.Store(id="compare-rows", data={"names": [], "aims": {}}),
            dcc.Store(id="compare-link"),
            dcc.Store(id="compare-shown", data=[]),
            dcc.Store(id="compare-drawn", data=[]),
            dcc.Store(id="compare-nothing"),
            dcc.Interval(id="compare-poll", interval=POLL_MS, disabled=True),
            html.Header(
                className="top",
                children=[
                    html.H1("Upstream: what if we spent before the crisis?"),
                    html.P(QUESTION, className="question"),
                    html.P(
                        [
                            html.Strong("Exploratory, not a forecast. ", className="phase"),
                            "An invented place, calibrated to England’s published rates. Use it to think with, not to "
                            "set a budget.",
                        ],
                        className="banner",
                    ),
                ],
            ),
            html.Div(id="compare-notices", className="notices", role="status"),
            html.Div(className="columns", children=[_controls(book), _results(book)]),
        ],
    )


def _controls(book: ModelIndex) -> html.Section:
    return html.Section(
        className="side",
        id="compare-side",
        **aria(label="Controls"),
        children=[
            html.Button(
                "Change the policy",
                id="compare-fold",
                type="button",
                n_clicks=0,
                className="button fold",
                **aria(expanded="false", controls="compare-controls"),
            ),
            html.Div(controls.panel(book), id="compare-controls", className="controls"),
        ],
    )


def _results(book: ModelIndex) -> html.Section:
    main = book.metrics[book.main].label
    return html.Section(
        id="results",
        className="results",
        tabIndex="-1",
        **aria(label="Results"),
        children=[
            html.Div(
                id="compare-progress",
                className="progress",
                children=[
                    html.Span("Getting ready…", id="compare-status"),
                    html.Progress(id="compare-bar", value="0", max="100", **aria(label="Runs done")),
                ],
            ),
            html.Div(
                className="finding",
                children=[
                    html.P(
                        f"The page is running the baseline and {len(book.usual)} policies. The first results appear "
                        "below as soon as they are in.",
                        id="compare-headline",
                        className="headline",
                        **aria(live="polite"),
                    ),
                    html.P([], id="compare-policy", className="policy"),
                    html.Div(id="compare-cards", className="cards"),
                    html.P("", id="compare-cards-note", className="note"),
                ],
            ),
            _figure(
                "main", f"{main} over time", before=_period(), note="A line chart: its axis need not begin at nought."
            ),
            html.Div(
                className="beside",
                children=[
                    _figure("difference", "Difference from the baseline", note=PAIRED),
                    _figure("spend", "Spending", note=f"{PAIRED} Whiskers: {MEAN}."),
                ],
            ),
            html.Section(
                [html.H2("Is it worth the money?"), html.Div("No results yet.", id="compare-table-worth")],
                className="card" if book.worth else "hidden",
            ),
            _figure("fifths", "Who gains", note="Neighbourhoods by England’s fifths of deprivation."),
            _measures(book),
            html.Section(
                className="card",
                children=[
                    html.H2("Spending over time, by tier"),
                    html.Ul(id="compare-key-spend", className="key"),
                    html.Div([_slot("money", i) for i in range(len(book.spend))], className="multiples pairs"),
                    _twin("money"),
                ],
            ),
            _take_away(),
            about(book),
        ],
    )


def _measures(book: ModelIndex) -> html.Section:
    kinds = {name: str(getattr(book.metrics[name], "kind", "")) for name in book.selectable}
    ordered = sorted(book.selectable, key=lambda name: [*KINDS, kinds[name]].index(kinds[name]))
    data = [
        {
            "group": KINDS.get(kind, kind.capitalize() or "Other measures"),
            "items": [{"value": name, "label": book.metrics[name].label} for name in names],
        }
        for kind, names in groupby(ordered, key=lambda name: kinds[name])
    ]
    return html.Section(
        className="card",
        children=[
            html.H2("Services and other measures"),
            dmc.MultiSelect(
                id="compare-services",
                label=f"Small charts, {book.settings.most_services} at most of {len(book.selectable)} measures",
                data=data,
                value=list(usual(book).services),
                maxValues=book.settings.most_services,
                searchable=True,
                hidePickedOptions=True,
                size="md",
                className="labelled",
            ),
            html.Ul(id="compare-key-services", className="key"),
            html.Div([_slot("service", i) for i in range(book.settings.most_services)], className="multiples"),
            _twin("services"),
        ],
    )


def _take_away() -> html.Section:
    return html.Section(
        className="card",
        children=[
            html.H2("Take it with you"),
            html.P("This page’s address holds your settings: copy it to share them."),
            html.Ul(
                className="files",
                children=[
                    html.Li(
                        [
                            html.A("CSV", id="compare-csv", href="/download/comparison.csv", download="upstream.csv"),
                            ": every measure by year, with units and both ranges",
                        ]
                    ),
                    html.Li(
                        [
                            html.A(
                                "JSON", id="compare-json", href="/download/comparison.json", download="upstream.json"
                            ),
                            ": the same by month as well, and by fifth",
                        ]
                    ),
                    html.Li(
                        [
                            html.A("Scenario (TOML)", id="compare-toml", href="/download/your-policy.toml"),
                            html.Span(": your policy as a file that the command line runs to the same numbers"),
                        ],
                        id="compare-toml-line",
                        className="hidden",
                    ),
                ],
            ),
            html.Details(
                [
                    html.Summary("The same on the command line and in Python"),
                    html.Pre(id="compare-command", tabIndex="0", **aria(label="Command")),
                    html.Pre(id="compare-python", tabIndex="0", **aria(label="Python code")),
                ]
            ),
            _twin("all", "Table of every measure in the last year"),
        ],
    )


def _period() -> Any:
    return dmc.SegmentedControl(
        id="compare-period",
        data=[{"value": "year", "label": "By year"}, {"value": "month", "label": "By month"}],
        value="year",
        size="md",
        attributes={"root": {"aria-label": "Show by year or by month"}},
    )


def _figure(name: str, title: str, *, note: str, before: Any = None) -> html.Section:
    return html.Section(
        className="card",
        children=[
            html.Div([html.H2(title, id=f"compare-{name}-title"), before], className="card-head"),
            html.Div(
                charts.graph(f"compare-{name}"),
                id=f"compare-{name}-frame",
                className=f"chart {name}",
                role="figure",  # not an image: it holds the button that saves the picture
                **aria(label=title),
            ),
            html.P(note, className="note"),
            _twin(name),
        ],
    )


def _slot(kind: str, index: int) -> html.Div:
    """A place for one small chart; hidden while it has none."""
    return html.Div(
        id={"type": f"compare-{kind}-slot", "index": index},
        className="multiple hidden",
        children=[
            html.H3("", id={"type": f"compare-{kind}-title", "index": index}),
            html.P("", id={"type": f"compare-{kind}-finding", "index": index}),
            html.P("", id={"type": f"compare-{kind}-unit", "index": index}, className="unit"),
            html.Div(
                charts.graph({"type": f"compare-{kind}-graph", "index": index}, buttons=False),
                id={"type": f"compare-{kind}-frame", "index": index},
                className="chart small",
                role="img",
                **aria(label="Small chart"),
            ),
        ],
    )


def _twin(name: str, summary: str = "Table of these numbers") -> html.Details:
    return html.Details(
        [html.Summary(summary), html.Div("No results yet.", id=f"compare-table-{name}")], id=f"compare-twin-{name}"
    )
