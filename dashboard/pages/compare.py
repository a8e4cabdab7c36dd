"""The comparison: acute demand and spend over time under a few policies, and under one of the visitor's own."""

from __future__ import annotations

import uuid
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html, no_update

from dashboard import charts, controls, tables
from dashboard.aria import aria
from dashboard.choice import Choice, checked, read_link, usual, write_link
from dashboard.model import BASELINE, YOURS, Book, Document, merged
from dashboard.store import State as RunState
from dashboard.store import Store

QUESTION = (
    "Which ways of spending the same money bend demand on emergency services down, how soon, for whom, "
    "and how sure are we?"
)
POLL_MS = 400


# --- layout --------------------------------------------------------------------------------------------------------


def layout(book: Book) -> html.Main:
    """The whole page, without numbers: they follow when the runs land."""
    return html.Main(
        id="main",
        children=[
            dcc.Location(id="compare-url", refresh=False),
            dcc.Store(id="compare-session", data=uuid.uuid4().hex),
            dcc.Store(id="compare-choice"),
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
                            "Illustrative place, calibrated to England’s published rates; bands show luck between "
                            "runs, not every doubt about the model. Use it to think with, not to set a budget.",
                        ],
                        className="banner",
                    ),
                ],
            ),
            html.Div(id="compare-notices", className="notices", role="status"),
            html.Div(className="columns", children=[_controls(book), _results(book)]),
        ],
    )


def _controls(book: Book) -> html.Section:
    return html.Section(
        className="side",
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


def _results(book: Book) -> html.Section:
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
            html.P(
                f"The page is running the baseline and {len(book.usual)} policies. The first results appear below "
                "as soon as they are in.",
                id="compare-headline",
                className="headline",
                **aria(live="polite"),
            ),
            html.Div(id="compare-cards", className="cards"),
            _figure(
                "main",
                f"{main} over time",
                before=_period(),
                note="A line chart: its axis need not begin at nought.",
            ),
            _figure("difference", "Difference from the baseline", note=_PAIRED),
            html.Section(
                className="card",
                children=[
                    html.H2("Services and other measures"),
                    html.Fieldset(
                        [
                            html.Legend(f"Choose up to {book.settings.most_services}"),
                            controls.chips(
                                "compare-services",
                                "compare-service",
                                book.selectable,
                                {name: book.metrics[name].label for name in book.selectable},
                                usual(book).services,
                            ),
                        ]
                    ),
                    html.Ul(id="compare-key-services", className="key"),
                    html.Div([_slot("service", i) for i in range(book.settings.most_services)], className="multiples"),
                    _twin("services"),
                ],
            ),
            html.Section(
                className="card",
                children=[
                    html.H2("Spend", id="compare-spend-title"),
                    html.Div(
                        charts.graph("compare-spend"),
                        id="compare-spend-frame",
                        className="chart big",
                        role="figure",
                        **aria(label="Spend"),
                    ),
                    html.P(_PAIRED, className="note"),
                    html.H3("Spend over time, by tier"),
                    html.Ul(id="compare-key-spend", className="key"),
                    html.Div([_slot("money", i) for i in range(len(book.spend))], className="multiples pairs"),
                    _twin("spend"),
                ],
            ),
            html.Section(
                className="card",
                children=[
                    html.H2("Every number"),
                    _twin("all", "Table of every measure in the last year"),
                    html.P(
                        [
                            "Take the numbers with you, with units and ranges: ",
                            html.A("CSV", id="compare-csv", href="/download/comparison.csv", download="upstream.csv"),
                            " (by year) or ",
                            html.A(
                                "JSON", id="compare-json", href="/download/comparison.json", download="upstream.json"
                            ),
                            " (by month as well). This page’s address holds your settings: copy it to share them.",
                        ]
                    ),
                    html.Details(
                        [
                            html.Summary("The same in Python"),
                            html.Pre(id="compare-python", tabIndex="0", **aria(label="Python code")),
                        ]
                    ),
                ],
            ),
            _about(book),
        ],
    )


_PAIRED = "Differences are taken seed by seed: both policies meet the same people with the same luck."


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
                className="chart big",
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


def _about(book: Book) -> html.Section:
    """What the page is and is not, why the policies differ, and where each lever's numbers come from."""
    policies = [
        html.Div(
            [
                html.Dt(book.label(name)),
                html.Dd(
                    [
                        html.P(text)
                        for text in (getattr(scenario, "question", ""), getattr(scenario, "reason", ""))
                        if text
                    ]
                ),
            ]
        )
        for name, scenario in book.scenarios.items()
    ]
    levers = [
        html.Div(
            [
                html.Dt(lever.label),
                html.Dd(
                    [
                        html.P(lever.meaning),
                        html.P(
                            f"{controls.lever_range(lever)}; the baseline is "
                            f"{controls.lever_text(lever, lever.baseline)}. Source: {lever.source}.",
                            className="note",
                        ),
                    ]
                ),
            ]
        )
        for lever in book.levers.values()
    ]
    return html.Section(
        className="card about",
        children=[
            html.H2("What this is, and is not"),
            html.Ul(
                [
                    html.Li(
                        "It is a model of an invented population whose ages, deprivation and use of services follow "
                        "England’s published rates. It does not know your area’s people, contracts or plans."
                    ),
                    html.Li(
                        "Bands hold the middle 95 % of runs that differ by luck alone. They leave out doubt about the "
                        "parameters, several of which are assumed and say so below. Real uncertainty is wider."
                    ),
                    html.Li(
                        "Compare policies with each other. Do not read any single line as what will happen, and do "
                        "not rank real services by it."
                    ),
                ]
            ),
            html.Details([html.Summary("Why the policies differ"), html.Dl(policies)]),
            html.Details([html.Summary("How the levers work, and who says so"), html.Dl(levers)], id="compare-levers"),
            html.P(f"Upstream {book.version}. Everything runs on this computer; nothing is sent anywhere."),
        ],
    )


# --- what is shown -------------------------------------------------------------------------------------------------


def shown_document(store: Store, digests: Any) -> Document | None:
    """The kept results a page shows, as one document, the visitor's own policy last. None if there are none."""
    if not isinstance(digests, list):
        return None
    found = [store.document(str(digest)) for digest in digests[:8]]
    documents = [document for document in found if document is not None]
    if not documents:
        return None
    try:
        whole = merged(documents)
    except ValueError:  # results of two places: a page caught in between
        return None
    for part in ("scenarios", "differences"):
        if YOURS in whole[part]:
            whole[part][YOURS] = whole[part].pop(YOURS)
    return whole


def cards(document: Document, book: Book) -> list[html.Div]:
    """A card a policy: what it does to acute demand and to spend in the last year."""
    total = "spend_total" if "spend_total" in book.metrics else None
    found = []
    looks = charts.styles(document)
    for name in document["differences"]:
        demand = charts.change(document, book.main, name)
        lines: list[Any] = [
            html.H2([_swatch(looks[name]), tables.column(document, name)]),
            html.P(_signed(demand), className="big"),
            html.P(f"{book.metrics[book.main].label.lower()}, year {demand.year}", className="note"),
            html.P(charts.spread(demand), className="note"),
        ]
        if total:
            record = document["differences"][name][total]["by_year"][-1]
            metric = book.metrics[total]
            said = tables.range_text(record, metric.unit, metric.decimals, signed=True)
            lines.append(html.P(f"All spend, {metric.unit}: {said}", className="note"))
        found.append(html.Div(lines, className="figure-card"))
    return found


def key(document: Document) -> list[html.Li]:
    """The legend of the small charts, in words and strokes."""
    looks = charts.styles(document)
    items = [html.Li([_swatch(looks[name]), tables.column(document, name)]) for name in document["scenarios"]]
    return [*items, html.Li([html.Span(className="swatch-band"), charts.BANDS])]


def python_code(choice: Choice, book: Book) -> str:
    """The lines that give the same numbers without the page."""
    settings = book.settings
    lines = ["import sim", "", f'before = sim.Scenario.load("{BASELINE}")']
    lines += [f'{_variable(name)} = sim.Scenario.load("{name}")' for name in choice.scenarios]
    after = [_variable(name) for name in choice.scenarios]
    if choice.levers:
        lines.append("yours = before")
        after.append("yours")
        for name, value in choice.levers.items():
            lever = book.levers[name]
            word = f"shift={value - lever.baseline:.12g}" if lever.kind == "shift" else f"value={value:.12g}"
            lines.append(
                f'yours = yours.with_policy("{name}", {word}, start="{book.starts()}", '
                f'over_months={settings.over_months}, name="{YOURS}")'
            )
    options = [f'place="{choice.place}"', f"seeds={choice.seeds}", f"seed={settings.seed}"]
    options += [f"people={settings.people}"] if settings.people else []
    options += [f"years={settings.years}"] if settings.years else []
    lines.append(f"result = sim.compare(before, {', '.join([*after, *options])})")
    lines.append(f"result.{book.main}.difference()")
    return "\n".join(lines)


def progress_words(choice: Choice, book: Book, states: list[RunState]) -> tuple[str, int]:
    """How far the runs are, in words and in per cent."""
    jobs = choice.jobs(book)
    settled = sum(state.kind in ("done", "failed") for state in states)
    share = float(settled)
    words = "Waiting for an earlier run to finish…"
    for job, state in zip(jobs, states, strict=True):
        if state.kind == "running":
            share += state.done / state.total if state.total else 0.0
            runs = f"{state.done} of {state.total} runs done" if state.total else "starting"
            words = f"Updating… “{book.label(job.scenario)}”: {runs} ({choice.seeds} seeds each)"
            words += f". {state.note}" if state.note else ""
    if len(jobs) > 1:
        words += f"; {settled} of {len(jobs)} policies finished"
    return words, round(100 * share / max(len(jobs), 1))


def _signed(found: charts.Change) -> str:
    sign = "+" if found.mean > 0 else "\N{MINUS SIGN}" if found.mean < 0 else ""
    unit = found.unit if len(found.unit) <= 2 else "points" if found.unit.startswith("percentage") else ""
    return f"{sign}{charts.figure_text(abs(found.mean))} {unit}".strip()


def _swatch(look: charts.Style) -> html.Span:
    stroke = {"solid": "solid", "dash": "dashed", "longdash": "dashed", "dot": "dotted"}.get(look.dash, "dashed")
    width = min(round(look.width) + 1, 5)
    return html.Span(className="swatch", style={"borderTop": f"{width}px {stroke} {look.colour}"})


def _variable(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")


# --- wiring --------------------------------------------------------------------------------------------------------


def wire(app: dash.Dash, book: Book, store: Store) -> None:
    """Connects the controls to the runs, and the runs to the charts."""
    levers = list(book.levers.values())
    everything = [book.metrics[name] for name in book.metrics]

    def choice_of(data: Any) -> Choice:
        """The choice in the browser's store, checked again: it comes from outside."""
        raw = data if isinstance(data, dict) else {}
        return checked(raw, book)[0]

    def listed(data: Any) -> list[str]:
        return [str(digest) for digest in data] if isinstance(data, list) else []

    def look(choice: Choice, shown: list[str], drawn: list[str]) -> tuple[Any, ...]:
        """What the page should say and show now: status, bar, whether old numbers stand, what to draw next.

        `shown` is what the charts were last told to draw, `drawn` what they have drawn.
        """
        jobs = choice.jobs(book)
        wanted = {job.digest for job in jobs}
        states = [store.state(job) for job in jobs]
        ready = [job.digest for job, state in zip(jobs, states, strict=True) if state.kind == "done"]
        failed = [state.message for state in states if state.kind == "failed"]
        settled = len(ready) + len(failed) == len(jobs)
        first = not set(shown) & wanted
        redraw = bool(ready) and ready != shown and (settled or first or set(shown) < set(ready))
        finished = settled and (not ready or (drawn == shown and not redraw))
        words, share = progress_words(choice, book, states)
        if failed and settled:
            words = " ".join(["This run did not finish.", *failed])
        elif settled:
            words = "Up to date." if finished else "Drawing…"
        waits_for_own = any(job.scenario == YOURS and job.digest not in drawn for job in jobs)
        classes = ["results"]
        if not drawn:
            classes.append("first")
        elif waits_for_own or not set(drawn) <= wanted:
            classes.append("stale")
        if failed:
            classes.append("failed")
        return (
            words,
            str(100 if settled else share),
            "progress settled" if finished else "progress",
            " ".join(classes),
            finished,
            ready if redraw else no_update,
        )

    status = [
        Output("compare-status", "children"),
        Output("compare-bar", "value"),
        Output("compare-progress", "className"),
        Output("results", "className"),
        Output("compare-poll", "disabled"),
        Output("compare-shown", "data"),
    ]
    status_again = [Output(o.component_id, o.component_property, allow_duplicate=True) for o in status]

    @app.callback(
        Output("compare-place", "value"),
        Output("compare-seeds", "value"),
        Output("compare-scenarios", "value"),
        Output("compare-services", "value"),
        Output({"type": "compare-lever-slider", "name": ALL}, "value"),
        Output("compare-notices", "children"),
        Input("compare-url", "search"),
    )
    def follow_link(query: str | None) -> tuple[Any, ...]:
        choice, said = read_link(query or "", book)
        values = [choice.levers.get(lever.name, lever.baseline) for lever in levers]
        return (
            choice.place,
            str(choice.seeds),
            list(choice.scenarios),
            list(choice.services),
            values,
            [html.P(sentence) for sentence in said],
        )

    @app.callback(
        Output({"type": "compare-lever-slider", "name": ALL}, "value", allow_duplicate=True),
        Input({"type": "compare-lever-reset", "name": ALL}, "n_clicks"),
        Input("compare-reset-all", "n_clicks"),
        prevent_initial_call=True,
    )
    def reset(_each: list[Any], _all: Any) -> list[Any]:
        trigger = dash.ctx.triggered_id
        if not dash.ctx.triggered or not dash.ctx.triggered[0]["value"]:
            return [no_update] * len(levers)
        if trigger == "compare-reset-all":
            return [lever.baseline for lever in levers]
        name = trigger["name"] if trigger else None
        return [lever.baseline if lever.name == name else no_update for lever in levers]

    @app.callback(
        Output("compare-choice", "data"),
        Output("compare-link", "data"),
        Output("compare-csv", "href"),
        Output("compare-json", "href"),
        Output("compare-python", "children"),
        Output({"type": "compare-lever-value", "name": ALL}, "children"),
        Output({"type": "compare-lever-slider", "name": ALL}, "attributes"),
        Output({"type": "compare-lever-reset", "name": ALL}, "disabled"),
        Output("compare-reset-all", "disabled"),
        Output({"type": "compare-scenario", "name": ALL}, "disabled"),
        Output({"type": "compare-service", "name": ALL}, "disabled"),
        *status,
        Input("compare-place", "value"),
        Input("compare-seeds", "value"),
        Input("compare-scenarios", "value"),
        Input("compare-services", "value"),
        Input({"type": "compare-lever-slider", "name": ALL}, "value"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        State("compare-drawn", "data"),
    )
    def ask(
        place: Any,
        seeds: Any,
        scenarios: Any,
        services: Any,
        values: list[Any],
        session: Any,
        shown: Any,
        drawn: Any,
    ) -> tuple[Any, ...]:
        raw = {
            "place": place,
            "seeds": seeds,
            "compare": scenarios or [],
            "show": services or [],
            "levers": dict(zip(book.levers, values, strict=False)),
        }
        choice, _ = checked(raw, book)
        link = write_link(choice, book)
        now = [choice.levers.get(lever.name, lever.baseline) for lever in levers]
        if choice.jobs(book):
            refusal = store.want(str(session)[:64], choice.jobs(book))
            state = look(choice, listed(shown), listed(drawn))
            if refusal:
                state = (refusal, *state[1:])
        else:
            words = "Choose at least one policy, or move a lever."
            state = (words, "0", "progress idle", "results stale" if drawn else "results first", True, no_update)
        return (
            {**raw, "levers": dict(choice.levers)},
            link,
            f"/download/comparison.csv{link}",
            f"/download/comparison.json{link}",
            python_code(choice, book),
            [controls.lever_text(lever, value) for lever, value in zip(levers, now, strict=True)],
            [controls.thumb(lever, value) for lever, value in zip(levers, now, strict=True)],
            [lever.name not in choice.levers for lever in levers],
            not choice.levers,
            _closed(book.policies, choice.scenarios, book.settings.most_scenarios),
            _closed(book.selectable, choice.services, book.settings.most_services),
            *state,
        )

    @app.callback(
        *status_again,
        Input("compare-poll", "n_intervals"),
        State("compare-choice", "data"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        State("compare-drawn", "data"),
        prevent_initial_call=True,
    )
    def poll(_n: int, data: Any, session: Any, shown: Any, drawn: Any) -> tuple[Any, ...]:
        choice = choice_of(data)
        if any(store.state(job).kind == "unknown" for job in choice.jobs(book)):  # a restarted server, a full shelf
            store.want(str(session)[:64], choice.jobs(book))
        return look(choice, listed(shown), listed(drawn))

    @app.callback(
        Output("compare-drawn", "data"),
        Output("compare-headline", "children"),
        Output("compare-cards", "children"),
        Output("compare-main-title", "children"),
        Output("compare-main", "figure"),
        Output("compare-main-frame", "aria-label"),
        Output("compare-table-main", "children"),
        Output("compare-difference-title", "children"),
        Output("compare-difference", "figure"),
        Output("compare-difference-frame", "aria-label"),
        Output("compare-table-difference", "children"),
        Output("compare-spend-title", "children"),
        Output("compare-spend", "figure"),
        Output("compare-spend-frame", "aria-label"),
        Output("compare-table-spend", "children"),
        Output("compare-table-all", "children"),
        Output("compare-key-services", "children"),
        Output("compare-key-spend", "children"),
        Output({"type": "compare-money-slot", "index": ALL}, "className"),
        Output({"type": "compare-money-title", "index": ALL}, "children"),
        Output({"type": "compare-money-finding", "index": ALL}, "children"),
        Output({"type": "compare-money-unit", "index": ALL}, "children"),
        Output({"type": "compare-money-graph", "index": ALL}, "figure"),
        Output({"type": "compare-money-frame", "index": ALL}, "aria-label"),
        Input("compare-shown", "data"),
        Input("compare-period", "value"),
        prevent_initial_call=True,
    )
    def draw(shown: Any, period: Any) -> tuple[Any, ...]:
        document = shown_document(store, shown)
        if document is None:
            raise dash.exceptions.PreventUpdate
        metric = book.metrics[book.main]
        title, main = charts.lifted(charts.over_time(document, book.main, monthly=period == "month"))
        apart, apart_figure = charts.lifted(charts.difference(document, book.main))
        drawn: list[Any] = [shown, charts.summary(document, book.main), cards(document, book), title, main, _alt(title)]
        drawn += [tables.by_year(document, metric, id="compare-acute")]
        drawn += [apart, apart_figure, _alt(apart)]
        drawn += [tables.by_year(document, metric, differences=True, id="compare-acute-difference")]
        if book.spend:
            money, money_figure = charts.lifted(charts.spend_difference(document, book.spend))
            drawn += [money, money_figure, _alt(money), _tables(document, book, book.spend)]
        else:
            drawn += [no_update] * 4
        drawn += [tables.last_year(document, everything), key(document), key(document)]
        return (*drawn, *_slots(document, book, book.spend, len(book.spend)))

    @app.callback(
        Output({"type": "compare-service-slot", "index": ALL}, "className"),
        Output({"type": "compare-service-title", "index": ALL}, "children"),
        Output({"type": "compare-service-finding", "index": ALL}, "children"),
        Output({"type": "compare-service-unit", "index": ALL}, "children"),
        Output({"type": "compare-service-graph", "index": ALL}, "figure"),
        Output({"type": "compare-service-frame", "index": ALL}, "aria-label"),
        Output("compare-table-services", "children"),
        Input("compare-shown", "data"),
        Input("compare-services", "value"),
        prevent_initial_call=True,
    )
    def draw_services(shown: Any, services: Any) -> tuple[Any, ...]:
        document = shown_document(store, shown)
        if document is None:
            raise dash.exceptions.PreventUpdate
        chosen = checked({"show": services or []}, book)[0].services
        slots = _slots(document, book, chosen, book.settings.most_services)
        return (*slots, _tables(document, book, chosen) if chosen else "No measure is chosen.")

    app.clientside_callback(  # type: ignore[no-untyped-call]  # Dash leaves it untyped
        ClientsideFunction("upstream", "address"),
        Output("compare-nothing", "data"),
        Input("compare-link", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]  # Dash leaves it untyped
        ClientsideFunction("upstream", "fold"),
        Output("compare-controls", "className"),
        Output("compare-fold", "aria-expanded"),
        Output("compare-fold", "children"),
        Input("compare-fold", "n_clicks"),
    )


def _slots(document: Document, book: Book, metrics: tuple[str, ...], slots: int) -> tuple[list[Any], ...]:
    """Classes, titles, findings, units, figures and labels of small charts; slots without a metric are hidden."""
    classes: list[Any] = []
    titles: list[Any] = []
    findings: list[Any] = []
    units: list[Any] = []
    figures: list[Any] = []
    labels: list[Any] = []
    for name in metrics[:slots]:
        metric = book.metrics[name]
        title, figure = charts.lifted(charts.over_time(document, name, compact=True))
        better = {"down": "; lower is better", "up": "; higher is better"}.get(metric.better or "", "")
        classes.append("multiple")
        titles.append(metric.label)
        findings.append(charts.finding_short(document, name))
        units.append(f"{charts.in_per_cent(metric.unit)}{better}")
        figures.append(figure)
        labels.append(_alt(title))
    empty = slots - len(classes)
    classes += ["multiple hidden"] * empty
    for part in (titles, findings, units, figures, labels):
        part.extend([no_update] * empty)
    return classes, titles, findings, units, figures, labels


def _tables(document: Document, book: Book, metrics: tuple[str, ...]) -> list[html.Div]:
    return [tables.by_year(document, book.metrics[name]) for name in metrics]


def _alt(title: str) -> str:
    return f"Chart. {title}. The same numbers are in the table below it."


def _closed(names: tuple[str, ...], chosen: tuple[str, ...], most: int) -> list[bool]:
    """Which chips cannot be switched on, because as many as fit are on already."""
    return [len(chosen) >= most and name not in chosen for name in names]
