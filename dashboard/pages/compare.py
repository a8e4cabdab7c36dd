"""The layout of the comparison page: controls, charts and tables of a few policies and of the visitor's own policy.

The layout has no numbers. The callbacks add them when the runs are done (pages/chart_callbacks.py).
"""

from __future__ import annotations

import uuid
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import asked, charts, controls, scope, summary
from dashboard.choice import choice_data, default_choice
from dashboard.findings import MEAN, RUNS
from dashboard.glossary import term
from dashboard.horizon import year_choices
from dashboard.html_attributes import aria
from dashboard.model import ModelIndex
from dashboard.pages.about import about
from dashboard.pages.control_callbacks import PARTS

QUESTION = (
    "What happens to demand on emergency services if money moves to prevention, if money moves to acute care, or if "
    "every budget is cut? How soon, for whom, at what cost, and how certain is it?"
)
POLL_MS = 300
PAIRED = " of a policy is compared with a run of the baseline with the same people, parameters and chance events."
WHISKERS = f"Thick whiskers: {MEAN}. Thin whiskers: {RUNS}."
LEVELS = (
    "The axis does not start at 0. The policies of a run have the same parameters, so their bands overlap even where a "
    "difference is clear: the chart of differences below shows that."
)
KINDS = {
    "service": "Acute services",
    "life": "Health and length of life",
    "need": "Need",
    "access": "Access to help",
    "staff": "Staff and practice",
    "community": "Community",
    "money": "Money",
    "fairness": "Fairness",
}
"""The label of each kind of measure on the page."""


def layout(index: ModelIndex) -> html.Main:
    """The whole page."""
    return html.Main(
        id="main",
        children=[
            dcc.Location(id="compare-url", refresh=False),
            dcc.Store(id="compare-session", data=uuid.uuid4().hex),
            dcc.Store(id="compare-back"),
            dcc.Store(id="compare-choice", data=choice_data(default_choice(index))),
            dcc.Store(id="compare-targets", data={}),
            dcc.Store(id="compare-rows", data={"names": [], "targets": {}}),
            dcc.Store(id="compare-link"),
            dcc.Store(id="compare-shown"),
            dcc.Store(id="compare-ended"),
            *(dcc.Store(id=f"compare-drawn-{part}") for part in PARTS),
            dcc.Store(id="compare-nothing"),
            dcc.Interval(id="compare-poll", interval=POLL_MS, disabled=True),
            html.Header(
                className="top",
                children=[
                    html.H1("Upstream: what if we spent before the crisis?"),
                    html.P(QUESTION, className="question"),
                    html.P(summary.notice(index.place, index), id="compare-notice", className="banner"),
                ],
            ),
            html.Div(id="compare-notices", className="notices", role="status"),
            html.Div(className="columns", children=[_controls(index), _results(index)]),
        ],
    )


def _controls(index: ModelIndex) -> html.Section:
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
            html.Div(controls.panel(index), id="compare-controls", className="controls"),
        ],
    )


def _results(index: ModelIndex) -> html.Section:
    main = index.metrics[index.main].label
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
                    _year(index),
                    html.P(
                        f"The page is running the baseline and {len(index.default_scenarios)} policies. The first "
                        "results will appear below.",
                        id="compare-headline",
                        className="headline",
                        **aria(live="polite"),
                    ),
                    html.P([], id="compare-policy", className="policy"),
                    html.Div([], id="compare-doubt", className="doubt note"),
                    html.Div(id="compare-cards", className="cards"),
                    html.Div([], id="compare-cards-note", className="note"),
                ],
            ),
            _figure(
                "main",
                f"{main} over time",
                control=_period(),
                note=[main, " is every ", term("episode"), f" of acute care, weighted by its cost. {LEVELS}"],
            ),
            html.Section(
                [html.H2(asked.TITLE), html.Div("No results yet.", id="compare-asked", className="appraisals")],
                className="card",
            ),
            html.Div(
                className="side-by-side",
                children=[
                    _figure("parts", "What acute demand is made of", note=["In the year of the answer."]),
                    _figure("part-differences", "Which services make the difference", note=[WHISKERS]),
                ],
            ),
            html.Div(
                className="side-by-side",
                children=[
                    _figure("difference", "Difference from the baseline", note=["Each ", term("run"), PAIRED]),
                    _figure("spend", "Spending", note=["By ", term("kind of spending"), f". {WHISKERS}"]),
                ],
            ),
            html.Section(
                className="card",
                children=[
                    html.H2("Is it worth the money?"),
                    html.P(
                        [
                            "Over all years of the run, whatever the year of the answer. A ",
                            term("budget holder"),
                            " may pay for what another one saves. Bail-outs by the centre count as public spending.",
                        ],
                        className="note",
                    ),
                    html.Div([], id="compare-worth", className="appraisals"),
                    html.Div("No results yet.", id="compare-table-worth"),
                ],
            ),
            html.Div(
                className="side-by-side",
                children=[
                    _figure("spenders", "Who spends", note=[WHISKERS]),
                    _figure("payers", "Who pays", note=[WHISKERS]),
                ],
            ),
            _figure(
                "fifths",
                "Who benefits",
                note=["Neighbourhoods by England’s deprivation ", term("fifth", "fifths"), f". {WHISKERS}"],
            ),
            html.Section(
                [html.H2("What this difference hangs on most"), html.Div("No results yet.", id="compare-drivers")],
                className="card",
            ),
            _measures(index),
            html.Section(
                className="card",
                children=[
                    html.H2("Spending over time, by kind"),
                    html.Ul(id="compare-key-spend", className="key"),
                    html.Div([_slot("money", i) for i in range(len(index.spend))], className="multiples pairs"),
                    _table_fold("money"),
                ],
            ),
            html.Section(
                [html.H2(scope.TITLE), html.P(scope.NOTE), html.Div("No results yet.", id="compare-scope")],
                className="card",
            ),
            _downloads(),
            about(index),
        ],
    )


def _measures(index: ModelIndex) -> html.Section:
    kinds = {name: str(getattr(index.metrics[name], "kind", "")) for name in index.selectable}
    ordered = sorted(index.selectable, key=lambda name: [*KINDS, kinds[name]].index(kinds[name]))
    data = [
        {
            "group": KINDS.get(kind, kind.capitalize() or "Other measures"),
            "items": [{"value": name, "label": index.metrics[name].label} for name in names],
        }
        for kind, names in groupby(ordered, key=lambda name: kinds[name])
    ]
    return html.Section(
        className="card",
        children=[
            html.H2("Services and other measures"),
            dmc.MultiSelect(
                id="compare-services",
                label=f"Small charts: up to {index.settings.most_services} of {len(index.selectable)} measures",
                data=data,
                value=list(default_choice(index).services),
                maxValues=index.settings.most_services,
                searchable=True,
                hidePickedOptions=True,
                size="md",
                className="labelled",
            ),
            html.Ul(id="compare-key-services", className="key"),
            html.Div([_slot("service", i) for i in range(index.settings.most_services)], className="multiples"),
            _table_fold("services"),
        ],
    )


def _downloads() -> html.Section:
    return html.Section(
        className="card",
        children=[
            html.H2("Save and share"),
            html.P("The address of this page includes your settings. Copy it to share them."),
            html.Ul(
                className="files",
                children=[
                    html.Li(
                        [
                            html.A("CSV", id="compare-csv", href="/download/comparison.csv", download="upstream.csv"),
                            ": every measure by year, with units, both kinds of range, and the spread by cause",
                        ]
                    ),
                    html.Li(
                        [
                            html.A(
                                "Money (CSV)",
                                id="compare-money-csv",
                                href="/download/money.csv",
                                download="upstream-money.csv",
                            ),
                            ": who spends, who pays, bail-outs, claw-back, reinvestment, health and net values",
                        ]
                    ),
                    html.Li(
                        [
                            html.A(
                                "JSON", id="compare-json", href="/download/comparison.json", download="upstream.json"
                            ),
                            ": the same, also by month and by deprivation fifth",
                        ]
                    ),
                    html.Li(
                        [
                            html.A("Scenario (TOML)", id="compare-toml", href="/download/your-policy.toml"),
                            html.Span(": your policy as a file, with which the command line gives the same numbers"),
                        ],
                        id="compare-toml-line",
                        className="hidden",
                    ),
                ],
            ),
            html.Details(
                [
                    html.Summary("The same comparison on the command line and in Python"),
                    html.Pre(id="compare-command", tabIndex="0", **aria(label="Command")),
                    html.Pre(id="compare-python", tabIndex="0", **aria(label="Python code")),
                ]
            ),
            _table_fold("all", "Table of all measures in the year of the answer"),
        ],
    )


def _year(index: ModelIndex) -> html.Div:
    """The choice of the year by which the page answers."""
    years = year_choices(index.years)
    return html.Div(
        [
            html.Span("Answer by year", **aria(hidden="true")),
            dmc.SegmentedControl(
                id="compare-year",
                data=[{"value": str(year), "label": str(year)} for year in years],
                value=str(index.years),
                size="md",
                attributes={"root": {"aria-label": "Answer by year"}},
            ),
        ],
        className="year-choice" if len(years) > 1 else "hidden",
    )


def _period() -> Any:
    return dmc.SegmentedControl(
        id="compare-period",
        data=[{"value": "year", "label": "By year"}, {"value": "month", "label": "By month"}],
        value="year",
        size="md",
        attributes={"root": {"aria-label": "Show by year or by month"}},
    )


def _figure(name: str, title: str, *, note: list[Any], control: Any = None) -> html.Section:
    return html.Section(
        className="card",
        children=[
            html.Div([html.H2(title, id=f"compare-{name}-title"), control], className="card-head"),
            html.Div(
                charts.graph(f"compare-{name}"),
                id=f"compare-{name}-frame",
                className=f"chart {name}",
                role="figure",  # not "img": the figure includes the button that saves the picture
                **aria(label=title),
            ),
            html.Div(note, className="note"),
            _table_fold(name),
        ],
    )


def _slot(kind: str, index: int) -> html.Div:
    """A slot for one small chart. It is hidden while it is empty."""
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


def _table_fold(name: str, summary: str = "Table of these numbers") -> html.Details:
    return html.Details(
        [html.Summary(summary), html.Div("No results yet.", id=f"compare-table-{name}")], id=f"compare-twin-{name}"
    )
