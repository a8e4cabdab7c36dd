"""Connects the comparison's controls to the runs, and the runs to its charts."""

from __future__ import annotations

from typing import Any

import dash
from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, html, no_update

from dashboard import levers, recipe, tables, words
from dashboard.choice import Choice, checked, loose, loose_aim, read_link, write_link
from dashboard.model import YOURS, ModelIndex, RunRequest
from dashboard.moves import EVERYBODY
from dashboard.pages import drawing
from dashboard.store import JobState as RunState
from dashboard.store import Store

AIM_PARTS = ("service", "fifths", "from", "to")


def wire(app: dash.Dash, book: ModelIndex, store: Store) -> None:
    """Every callback of the page, in the order in which a visitor meets them."""
    _follow(app, book)
    _levers_back(app, book)
    _aims(app, book)
    _ask(app, book, store)
    _draw(app, book, store)
    _in_the_browser(app)


def choice_of(data: Any, book: ModelIndex) -> Choice:
    """The choice in the browser's store, checked again: it comes from outside."""
    return checked(data if isinstance(data, dict) else {}, book)[0]


def listed(data: Any) -> list[str]:
    """Digests in the browser's store."""
    return [str(digest) for digest in data] if isinstance(data, list) else []


# --- from the address to the controls, and back to the baseline -----------------------------------------------------


def _follow(app: dash.Dash, book: ModelIndex) -> None:
    @app.callback(
        Output("compare-place", "value"),
        Output("compare-seeds", "value"),
        Output("compare-scenarios", "value"),
        Output("compare-services", "value"),
        Output("compare-start", "value"),
        Output("compare-over", "value"),
        Output("compare-lasts", "value"),
        Output({"type": "compare-lever-slider", "name": ALL}, "value"),
        Output("compare-aims", "data"),
        Output("compare-notices", "children"),
        Input("compare-url", "search"),
        Input("compare-back", "data"),
        State({"type": "compare-lever-slider", "name": ALL}, "value"),
    )
    def follow_link(query: str | None, back: Any, values: list[Any]) -> tuple[Any, ...]:
        if dash.ctx.triggered_id == "compare-back" and isinstance(back, dict):
            query = str(back.get("search", ""))
        choice, said = read_link(query or "", book)
        told = loose(choice)
        wanted = [choice.levers.get(lever.name, lever.baseline) for lever in book.levers.values()]
        return (
            choice.place,
            str(choice.seeds),
            list(choice.scenarios),
            list(choice.services),
            choice.start,
            str(choice.over_months),
            str(told["lasts"]),
            # a slider that is told where it stands already is drawn again all the same: some sixty of them take seconds
            [no_update if new == old else new for new, old in zip(wanted, values, strict=True)],
            told["aims"],
            [html.P(sentence) for sentence in said],
        )


def _levers_back(app: dash.Dash, book: ModelIndex) -> None:
    @app.callback(
        Output({"type": "compare-lever-slider", "name": ALL}, "value", allow_duplicate=True),
        Input({"type": "compare-lever-reset", "name": ALL}, "n_clicks"),
        Input({"type": "compare-moved-reset", "name": ALL}, "n_clicks"),
        Input("compare-reset-all", "n_clicks"),
        prevent_initial_call=True,
    )
    def reset(_each: list[Any], _moved: list[Any], _all: Any) -> list[Any]:
        trigger = dash.ctx.triggered_id
        if not dash.ctx.triggered or not dash.ctx.triggered[0]["value"]:
            return [no_update] * len(book.levers)
        name = trigger["name"] if isinstance(trigger, dict) else None
        everything = trigger == "compare-reset-all"
        return [lever.baseline if everything or lever.name == name else no_update for lever in book.levers.values()]


# --- whom moved levers are for --------------------------------------------------------------------------------------


def _aims(app: dash.Dash, book: ModelIndex) -> None:
    def aim_of(name: str, service: Any, fifths: Any, first: Any, last: Any) -> dict[str, Any]:
        """What the controls of one moved lever say, checked."""
        ages = [int(age) if str(age).isdigit() else -1 for age in (first, last)]
        lever = book.levers[name]
        told = {"service": service or [], "fifths": fifths or [], "ages": ages if "who" in lever.aims else []}
        told["fifths"] = told["fifths"] if "where" in lever.aims else []
        told["service"] = told["service"] if "service" in lever.aims else []
        at = next(value for value in (lever.high, lever.low) if value != lever.baseline)
        return loose_aim(checked({"levers": {name: at}, "aims": {name: told}}, book)[0].aims.get(name, EVERYBODY))

    @app.callback(
        Output("compare-moved", "children"),
        Output("compare-rows", "data"),
        Input("compare-choice", "data"),
        State("compare-rows", "data"),
        prevent_initial_call=True,
    )
    def list_moved(data: Any, rows: Any) -> tuple[Any, Any]:
        choice = choice_of(data, book)
        wanted = {"names": list(choice.levers), "aims": loose(choice)["aims"]}
        if wanted == rows:
            return no_update, no_update
        return levers.moved(choice, book), wanted

    @app.callback(
        Output("compare-aims", "data", allow_duplicate=True),
        Output("compare-rows", "data", allow_duplicate=True),
        *(Input({"type": f"compare-moved-{part}", "name": ALL}, "value") for part in AIM_PARTS),
        State({"type": "compare-moved-service", "name": ALL}, "id"),
        State("compare-aims", "data"),
        State("compare-rows", "data"),
        prevent_initial_call=True,
    )
    def aim(services: Any, fifths: Any, firsts: Any, lasts: Any, ids: Any, before: Any, rows: Any) -> tuple[Any, Any]:
        found = dict(before) if isinstance(before, dict) else {}
        for one, *told in zip(ids, services, fifths, firsts, lasts, strict=True):
            if one["name"] in book.levers:
                found[one["name"]] = aim_of(one["name"], *told)
        found = {name: told for name, told in found.items() if any(told.values())}
        if found == before:
            return no_update, no_update
        return found, {**rows, "aims": {name: told for name, told in found.items() if name in rows["names"]}}

    @app.callback(
        Output({"type": "compare-moved-for", "name": MATCH}, "children"),
        *(Input({"type": f"compare-moved-{part}", "name": MATCH}, "value") for part in AIM_PARTS),
        State({"type": "compare-moved-service", "name": MATCH}, "id"),
        prevent_initial_call=True,
    )
    def tell_aim(service: Any, fifths: Any, first: Any, last: Any, one: Any) -> str:
        lever = book.levers[one["name"]]
        at = next(value for value in (lever.high, lever.low) if value != lever.baseline)
        told = {lever.name: aim_of(lever.name, service, fifths, first, last)}
        found = checked({"levers": {lever.name: at}, "aims": told}, book)[0]
        return levers.aim_words(found.aims.get(lever.name, EVERYBODY), book, lever)


# --- from the controls to the runs ----------------------------------------------------------------------------------

STATUS = (
    ("compare-status", "children"),
    ("compare-bar", "value"),
    ("compare-progress", "className"),
    ("results", "className"),
    ("compare-poll", "disabled"),
    ("compare-shown", "data"),
)


def look(choice: Choice, book: ModelIndex, store: Store, shown: list[str], drawn: list[str]) -> tuple[Any, ...]:
    """What the page should say and show now: the values of `STATUS`.

    `shown` is what the charts were last told to draw, `drawn` what they have drawn. While the runs last, the few seeds
    of a first look are drawn as soon as they hold more than the runs with every seed.
    """
    full, quick = choice.jobs(book), choice.quick_jobs(book)
    states = {job.digest: store.state(job) for job in (*quick, *full)}
    messages = {states[job.digest].message for job in full if states[job.digest].kind == "failed"}

    def ready(jobs: tuple[RunRequest, ...]) -> list[str]:
        return [job.digest for job in jobs if states[job.digest].kind == "done"]

    def rank(digests: list[str]) -> tuple[int, int]:
        """How good a picture is: how much of what is wanted it holds, then with how many seeds; none if mixed."""
        for tier, jobs in enumerate((quick, full)):
            if digests and set(digests) <= {job.digest for job in jobs}:
                return len(digests), tier
        return 0, 0

    own = {job.digest for job in (*quick, *full) if job.scenario == YOURS}
    settled = all(states[job.digest].kind in ("done", "failed") for job in full)
    best = max(ready(quick), ready(full), key=rank)
    complete = settled or not drawn or not own or bool(own & set(best))
    redraw = bool(best) and best != shown and complete and rank(best) > rank(shown)
    finished = settled and (not best or (drawn == shown and not redraw))
    said, share = words.progress(choice, book, (*quick, *full), list(states.values()))
    if messages and settled:
        said = " ".join(["This run did not finish.", *sorted(messages)])
    elif settled:
        said = "Up to date." if finished else "Drawing…"
    classes = ["results"]
    if not drawn:
        classes.append("first")
    elif (own and not own & set(drawn)) or not set(drawn) <= set(states):
        classes.append("stale")
    if messages:
        classes.append("failed")
    return (
        said,
        str(100 if settled else share),
        "progress settled" if finished else "progress",
        " ".join(classes),
        finished,
        best if redraw else no_update,
    )


def _ask(app: dash.Dash, book: ModelIndex, store: Store) -> None:
    @app.callback(
        Output("compare-choice", "data"),
        Output("compare-link", "data"),
        Output("compare-csv", "href"),
        Output("compare-json", "href"),
        Output("compare-toml", "href"),
        Output("compare-toml-line", "className"),
        Output("compare-command", "children"),
        Output("compare-python", "children"),
        Output("compare-policy", "children"),
        Output({"type": "compare-section-moved", "section": ALL}, "children"),
        Output("compare-reset-all", "disabled"),
        Output({"type": "compare-scenario", "name": ALL}, "disabled"),
        *(Output(*one) for one in STATUS),
        Input("compare-place", "value"),
        Input("compare-seeds", "value"),
        Input("compare-scenarios", "value"),
        Input("compare-services", "value"),
        Input("compare-start", "value"),
        Input("compare-over", "value"),
        Input("compare-lasts", "value"),
        Input({"type": "compare-lever-slider", "name": ALL}, "value"),
        Input("compare-aims", "data"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        State("compare-drawn", "data"),
    )
    def ask(
        place: Any,
        seeds: Any,
        scenarios: Any,
        services: Any,
        start: Any,
        over: Any,
        lasts: Any,
        values: list[Any],
        aims: Any,
        session: Any,
        shown: Any,
        drawn: Any,
    ) -> tuple[Any, ...]:
        raw = {
            "place": place,
            "seeds": seeds,
            "compare": scenarios or [],
            "show": services or [],
            "start": start,
            "over": over,
            "lasts": lasts,
            "levers": dict(zip(book.levers, values, strict=False)),
            "aims": aims,
        }
        choice, _ = checked(raw, book)
        link = write_link(choice, book)
        jobs = choice.jobs(book)
        if jobs:
            refusal = store.want(str(session)[:64], (*choice.quick_jobs(book), *jobs))
            state = look(choice, book, store, listed(shown), listed(drawn))
            if refusal:
                state = (refusal, *state[1:])
        else:
            said = "Choose at least one policy, or move a lever."
            state = (said, "0", "progress idle", "results stale" if drawn else "results first", True, no_update)
        own = words.policy(choice, book)
        sections = [book.levers[name].section for name in choice.levers]
        return (
            loose(choice),
            link,
            f"/download/comparison.csv{link}",
            f"/download/comparison.json{link}",
            f"/download/{recipe.FILE}{link}",
            "" if own else "hidden",
            recipe.command(choice, book),
            recipe.python_code(choice, book),
            own,
            [f"{sections.count(name)} moved" if name in sections else "" for name in book.sections],
            not choice.levers,
            [
                len(choice.scenarios) >= book.settings.most_scenarios and name not in choice.scenarios
                for name in book.policies
            ],
            *state,
        )

    @app.callback(
        *(Output(*one, allow_duplicate=True) for one in STATUS),
        Input("compare-poll", "n_intervals"),
        State("compare-choice", "data"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        State("compare-drawn", "data"),
        prevent_initial_call=True,
    )
    def poll(_n: int, data: Any, session: Any, shown: Any, drawn: Any) -> tuple[Any, ...]:
        choice = choice_of(data, book)
        jobs: tuple[RunState, ...] = tuple(store.state(job) for job in choice.jobs(book))
        if any(state.kind == "unknown" for state in jobs):  # a restarted server, a full shelf
            store.want(str(session)[:64], (*choice.quick_jobs(book), *choice.jobs(book)))
        return look(choice, book, store, listed(shown), listed(drawn))


# --- from the runs to the charts ------------------------------------------------------------------------------------


def _draw(app: dash.Dash, book: ModelIndex, store: Store) -> None:
    everything = list(book.metrics.values())

    def figure(name: str) -> list[Output]:
        return [
            Output(f"compare-{name}-title", "children"),
            Output(f"compare-{name}", "figure"),
            Output(f"compare-{name}-frame", "aria-label"),
            Output(f"compare-table-{name}", "children"),
        ]

    def slots(kind: str) -> list[Output]:
        parts = {"slot": "className", "title": "children", "finding": "children", "unit": "children",
                 "graph": "figure", "frame": "aria-label"}  # fmt: skip
        return [Output({"type": f"compare-{kind}-{part}", "index": ALL}, what) for part, what in parts.items()]

    @app.callback(
        Output("compare-drawn", "data"),
        Output("compare-headline", "children"),
        Output("compare-cards", "children"),
        Output("compare-cards-note", "children"),
        *figure("main"),
        *figure("difference"),
        *figure("spend"),
        *figure("fifths"),
        Output("compare-key-services", "children"),
        Output("compare-key-spend", "children"),
        Input("compare-shown", "data"),
        Input("compare-period", "value"),
        prevent_initial_call=True,
    )
    def draw(shown: Any, period: Any) -> tuple[Any, ...]:
        document = drawing.shown_document(store, shown)
        if document is None:
            raise dash.exceptions.PreventUpdate
        return (
            shown,
            *drawing.opening(document, book),
            *drawing.main_figure(document, book, monthly=period == "month"),
            *drawing.difference_figure(document, book),
            *drawing.spend_figure(document, book),
            *drawing.fifths_figure(document, book),
            words.key(document),
            words.key(document),
        )

    @app.callback(
        *slots("service"),
        Output("compare-table-services", "children"),
        Input("compare-shown", "data"),
        Input("compare-services", "value"),
        prevent_initial_call=True,
    )
    def draw_services(shown: Any, services: Any) -> tuple[Any, ...]:
        document = drawing.shown_document(store, shown)
        if document is None:
            raise dash.exceptions.PreventUpdate
        chosen = checked({"show": services or []}, book)[0].services
        made = drawing.slots(document, book, chosen, book.settings.most_services)
        return (*made, drawing.level_tables(document, book, chosen) if chosen else "No measure is chosen.")

    @app.callback(
        *slots("money"),
        Output("compare-table-money", "children"),
        Output("compare-table-worth", "children"),
        Output("compare-table-all", "children"),
        Input("compare-drawn", "data"),
        prevent_initial_call=True,
    )
    def draw_rest(drawn: Any) -> tuple[Any, ...]:
        """What stands far down the page comes after what is looked at first."""
        document = drawing.shown_document(store, drawn)
        if document is None:
            raise dash.exceptions.PreventUpdate
        return (
            *drawing.slots(document, book, book.spend, len(book.spend)),
            drawing.level_tables(document, book, book.spend),
            tables.worth(document, book.worth) if book.worth else no_update,
            tables.last_year(document, everything),
        )


# --- what the browser does by itself (assets/page.js) ----------------------------------------------------------------


def _in_the_browser(app: dash.Dash) -> None:
    def here(function: str, *parts: Any, initial: bool) -> None:
        app.clientside_callback(  # type: ignore[no-untyped-call]  # Dash leaves it untyped
            ClientsideFunction("upstream", function), *parts, prevent_initial_call=not initial
        )

    def of(part: str) -> dict[str, Any]:
        return {"type": f"compare-lever-{part}", "name": MATCH}

    here("address", Output("compare-nothing", "data"), Input("compare-link", "data"), initial=False)
    here(
        "lever",
        Output(of("value"), "children"),
        Output(of("slider"), "attributes"),
        Output(of("reset"), "disabled"),
        Input(of("slider"), "value"),
        State(of("slider"), "label"),
        State(of("slider"), "id"),
        initial=False,
    )
    here("find", Output("compare-search-none", "hidden"), Input("compare-search", "value"), initial=False)
    here(
        "fold",
        Output("compare-controls", "className"),
        Output("compare-fold", "aria-expanded"),
        Output("compare-fold", "children"),
        Input("compare-fold", "n_clicks"),
        initial=True,
    )
