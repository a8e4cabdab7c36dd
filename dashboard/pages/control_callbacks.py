"""Callbacks of the controls: link, levers, target groups, submission of runs, and their progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash
from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, html, no_update

from dashboard import lever_controls, reproduce, summary
from dashboard.choice import Choice, checked, choice_data, read_link, target_data, write_link
from dashboard.lever_settings import EVERYONE, TargetGroup
from dashboard.model import YOURS, ModelIndex, RunRequest
from dashboard.pages.results import View
from dashboard.store import JobState, Store
from sim.schema.errors import InputError, Phrase

TARGET_PARTS = ("service", "fifths", "from", "to")


def register(app: dash.Dash, index: ModelIndex, store: Store) -> None:
    """Register the callbacks of the controls."""
    _register_link(app, index)
    _register_resets(app, index)
    _register_targets(app, index)
    _register_runs(app, index, store)
    _register_browser_callbacks(app)


def stored_choice(data: Any, index: ModelIndex) -> Choice:
    """The choice in the browser's store, checked again because browser data are untrusted."""
    return checked(data, index)[0]


def lever_name(component: Any) -> str:
    """The lever in the id of a component. Raises InputError for other data than the page's."""
    name = component.get("name") if isinstance(component, dict) else None
    if not isinstance(name, str):
        raise InputError("page data", None, "id", "the id of a lever's control", component)
    return name


# --- from the address to the controls, and back to the baseline -----------------------------------------------------


def _register_link(app: dash.Dash, index: ModelIndex) -> None:
    @app.callback(
        Output("compare-place", "value"),
        Output("compare-seeds", "value"),
        Output("compare-draws", "value"),
        Output("compare-year", "value"),
        Output("compare-scenarios", "value"),
        Output("compare-services", "value"),
        Output("compare-start", "value"),
        Output("compare-over", "value"),
        Output("compare-lasts", "value"),
        Output({"type": "compare-lever-slider", "name": ALL}, "value"),
        Output("compare-targets", "data"),
        Output("compare-notices", "children"),
        Input("compare-url", "search"),
        Input("compare-back", "data"),
        State({"type": "compare-lever-slider", "name": ALL}, "value"),
    )
    def follow_link(query: str | None, back: Any, values: list[Any]) -> tuple[Any, ...]:
        if dash.ctx.triggered_id == "compare-back" and isinstance(back, dict):
            query = str(back.get("search", ""))
        choice, said = read_link(str(query or ""), index)
        values_of_choice = choice_data(choice)
        wanted = [choice.levers.get(lever.name, lever.baseline) for lever in index.levers.values()]
        return (
            choice.place,
            str(choice.seeds),
            choice.draws,
            str(choice.year),
            list(choice.scenarios),
            list(choice.services),
            choice.start,
            str(choice.over_months),
            str(values_of_choice["lasts"]),
            # A slider that is set to its current value is drawn again; for some sixty sliders that takes seconds.
            [no_update if new == old else new for new, old in zip(wanted, values, strict=True)],
            values_of_choice["targets"],
            [html.P(sentence) for sentence in said],
        )


def _register_resets(app: dash.Dash, index: ModelIndex) -> None:
    @app.callback(
        Output({"type": "compare-lever-slider", "name": ALL}, "value", allow_duplicate=True),
        Input({"type": "compare-lever-reset", "name": ALL}, "n_clicks"),
        Input({"type": "compare-moved-reset", "name": ALL}, "n_clicks"),
        Input("compare-reset-all", "n_clicks"),
        prevent_initial_call=True,
    )
    def reset(_sliders: list[Any], _moved: list[Any], _all: Any) -> list[Any]:
        trigger = dash.ctx.triggered_id
        if not dash.ctx.triggered or not dash.ctx.triggered[0]["value"]:
            return [no_update] * len(index.levers)
        name = trigger["name"] if isinstance(trigger, dict) else None
        reset_all = trigger == "compare-reset-all"
        return [lever.baseline if reset_all or lever.name == name else no_update for lever in index.levers.values()]


# --- the target groups of moved levers ------------------------------------------------------------------------------


def _register_targets(app: dash.Dash, index: ModelIndex) -> None:
    def checked_target(name: str, service: Any, fifths: Any, first: Any, last: Any) -> TargetGroup:
        """The target group in the controls of one moved lever."""
        ages = [int(age) if str(age).isdecimal() else -1 for age in (first, last)]
        lever = index.levers[name]
        parts = {
            "service": service or [] if "service" in lever.aims else [],
            "fifths": fifths or [] if "where" in lever.aims else [],
            "ages": ages if "who" in lever.aims else [],
        }
        value = next(value for value in (lever.high, lever.low) if value != lever.baseline)
        choice, _ = checked({"levers": {name: value}, "targets": {name: parts}}, index)
        return choice.targets.get(name, EVERYONE)

    @app.callback(
        Output("compare-moved", "children"),
        Output("compare-rows", "data"),
        Input("compare-choice", "data"),
        State("compare-rows", "data"),
        prevent_initial_call=True,
    )
    def list_moved(data: Any, rows: Any) -> tuple[Any, Any]:
        choice = stored_choice(data, index)
        wanted = {"names": list(choice.levers), "targets": choice_data(choice)["targets"]}
        if wanted == rows:
            return no_update, no_update
        return lever_controls.moved_levers(choice, index), wanted

    @app.callback(
        Output("compare-targets", "data", allow_duplicate=True),
        Output("compare-rows", "data", allow_duplicate=True),
        *(Input({"type": f"compare-moved-{part}", "name": ALL}, "value") for part in TARGET_PARTS),
        State({"type": "compare-moved-service", "name": ALL}, "id"),
        State("compare-targets", "data"),
        State("compare-rows", "data"),
        prevent_initial_call=True,
    )
    def set_targets(
        services: Any, fifths: Any, firsts: Any, lasts: Any, ids: Any, before: Any, rows: Any
    ) -> tuple[Any, Any]:
        columns = ids, services, fifths, firsts, lasts
        if len({len(column) for column in columns}) > 1:
            raise InputError("page data", None, "moved levers", "a value of each control", Phrase("other values"))
        checked({"targets": before}, index)
        targets = before or {}
        for lever_id, *parts in zip(*columns, strict=True):
            name = lever_name(lever_id)
            if name in index.levers:
                targets = {**targets, name: target_data(checked_target(name, *parts))}
        targets = {name: parts for name, parts in targets.items() if any(parts.values())}
        if targets == before:
            return no_update, no_update
        names = rows.get("names") if isinstance(rows, dict) else None
        if not isinstance(names, list):
            raise InputError("page data", None, "rows", "the rows of the moved levers", rows)
        return targets, {**rows, "targets": {name: parts for name, parts in targets.items() if name in names}}

    @app.callback(
        Output({"type": "compare-moved-for", "name": MATCH}, "children"),
        *(Input({"type": f"compare-moved-{part}", "name": MATCH}, "value") for part in TARGET_PARTS),
        State({"type": "compare-moved-service", "name": MATCH}, "id"),
        prevent_initial_call=True,
    )
    def show_target(service: Any, fifths: Any, first: Any, last: Any, lever_id: Any) -> str:
        lever = index.levers.get(lever_name(lever_id))
        if lever is None:
            raise InputError("page data", None, "id", "the name of a lever", lever_id["name"], index.levers)
        return lever_controls.target_text(checked_target(lever.name, service, fifths, first, last), index, lever)


# --- from the controls to the runs ----------------------------------------------------------------------------------

PARTS = ("main", "services", "lower")
"""The parts of the page that are drawn by a callback each, the upper part first."""
PROGRESS = (
    ("compare-status", "children"),
    ("compare-bar", "value"),
    ("compare-progress", "className"),
    ("results", "className"),
)
STATUS = (*PROGRESS, ("compare-ended", "data"), ("compare-shown", "data"))


def page_status(choice: Choice, index: ModelIndex, store: Store, shown: View, drawn: Sequence[View]) -> tuple[Any, ...]:
    """The values of `STATUS`: status text, progress, the link of a choice whose runs have ended, the view to draw.

    Parameters
    ----------
    choice, index, store
        The visitor's choice, the index of the model and the store of runs.
    shown : View
        The view that the parts of the page were last asked to draw.
    drawn : sequence of View
        The view that each part has drawn, the upper part first.

    Notes
    -----
    Until the runs with all seeds are done, the preliminary runs with few seeds are drawn as soon as more of them are
    done than of the runs with all seeds. The page is up to date when every part has drawn the view.
    """
    full, quick = choice.jobs(index), choice.quick_jobs(index)
    states = {job.digest: store.state(job) for job in (*quick, *full)}
    messages = {states[job.digest].message for job in full if states[job.digest].kind == "failed"}

    def ready(jobs: tuple[RunRequest, ...]) -> list[str]:
        return [job.digest for job in jobs if states[job.digest].kind == "done"]

    def rank(digests: Sequence[str]) -> tuple[int, int]:
        """Order of preference: the number of policies, then the number of seeds; lowest for a mixture of both."""
        for tier, jobs in enumerate((quick, full)):
            if digests and set(digests) <= {job.digest for job in jobs}:
                return len(digests), tier
        return 0, 0

    visitors = {job.digest for job in (*quick, *full) if job.scenario == YOURS}
    ended = all(states[job.digest].kind in ("done", "failed") for job in full)
    best = max(ready(quick), ready(full), key=rank)
    drawn_runs = set(drawn[0].runs)
    complete = ended or not drawn_runs or not visitors or bool(visitors & set(best))
    better = complete and best != list(shown.runs) and rank(best) > rank(shown.runs)
    view = View(tuple(best) if better else shown.runs, choice.year)
    redraw = bool(view.runs) and view != shown
    finished = ended and (not best or (not redraw and all(part == shown for part in drawn)))
    text, share = summary.progress(choice, index, (*quick, *full), list(states.values()))
    if messages and ended:
        text = " ".join(["This run did not finish.", *sorted(messages)])
    elif ended:
        text = "Up to date." if finished else "Drawing…"
    classes = ["results"]
    if not drawn_runs:
        classes.append("first")
    elif (visitors and not visitors & drawn_runs) or not drawn_runs <= set(states):
        classes.append("stale")
    if messages:
        classes.append("failed")
    return (
        text,
        str(100 if ended else share),
        "progress settled" if finished else "progress",
        " ".join(classes),
        write_link(choice, index) if ended else None,
        view.data if redraw else no_update,
    )


def _register_runs(app: dash.Dash, index: ModelIndex, store: Store) -> None:
    @app.callback(
        Output("compare-choice", "data"),
        Output("compare-link", "data"),
        Output("compare-csv", "href"),
        Output("compare-money-csv", "href"),
        Output("compare-json", "href"),
        Output("compare-toml", "href"),
        Output("compare-toml-line", "className"),
        Output("compare-command", "children"),
        Output("compare-python", "children"),
        Output("compare-policy", "children"),
        Output("compare-notice", "children"),
        Output({"type": "compare-section-moved", "section": ALL}, "children"),
        Output("compare-reset-all", "disabled"),
        Output({"type": "compare-scenario", "name": ALL}, "disabled"),
        *(Output(*target) for target in STATUS),
        Input("compare-place", "value"),
        Input("compare-seeds", "value"),
        Input("compare-draws", "value"),
        Input("compare-year", "value"),
        Input("compare-scenarios", "value"),
        Input("compare-services", "value"),
        Input("compare-start", "value"),
        Input("compare-over", "value"),
        Input("compare-lasts", "value"),
        Input({"type": "compare-lever-slider", "name": ALL}, "value"),
        Input("compare-targets", "data"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        *(State(f"compare-drawn-{part}", "data") for part in PARTS),
    )
    def submit(
        place: Any,
        seeds: Any,
        draws: Any,
        year: Any,
        scenarios: Any,
        services: Any,
        start: Any,
        over: Any,
        lasts: Any,
        values: list[Any],
        targets: Any,
        session: Any,
        shown: Any,
        *drawn: Any,
    ) -> tuple[Any, ...]:
        raw = {
            "place": place,
            "seeds": seeds,
            "draws": draws,
            "year": year,
            "compare": scenarios or [],
            "show": services or [],
            "start": start,
            "over": over,
            "lasts": lasts,
            "levers": dict(zip(index.levers, values, strict=False)),
            "targets": targets,
        }
        choice, _ = checked(raw, index)
        link = write_link(choice, index)
        jobs = choice.jobs(index)
        if jobs:
            refusal = store.submit(str(session)[:64], (*choice.quick_jobs(index), *jobs))
            state = page_status(choice, index, store, View.of_data(shown), [View.of_data(part) for part in drawn])
            if refusal:
                state = (refusal, *state[1:])
        else:
            text = "Choose at least one policy, or move a lever."
            old = "results stale" if View.of_data(drawn[0]).runs else "results first"
            state = (text, "0", "progress idle", old, link, no_update)
        policy = summary.policy(choice, index)
        sections = [index.levers[name].section for name in choice.levers]
        return (
            choice_data(choice),
            link,
            f"/download/comparison.csv{link}",
            f"/download/money.csv{link}",
            f"/download/comparison.json{link}",
            f"/download/{reproduce.FILE}{link}",
            "" if policy else "hidden",
            reproduce.command(choice, index),
            reproduce.python_code(choice, index),
            policy,
            summary.notice(choice.place, index),
            [f"{sections.count(name)} moved" if name in sections else "" for name in index.sections],
            not choice.levers,
            [
                len(choice.scenarios) >= index.settings.most_scenarios and name not in choice.scenarios
                for name in index.policies
            ],
            *state,
        )

    @app.callback(
        *(Output(*target, allow_duplicate=True) for target in STATUS),
        Input("compare-poll", "n_intervals"),
        State("compare-choice", "data"),
        State("compare-session", "data"),
        State("compare-shown", "data"),
        *(State(f"compare-drawn-{part}", "data") for part in PARTS),
        prevent_initial_call=True,
    )
    def poll(_n: int, data: Any, session: Any, shown: Any, *drawn: Any) -> tuple[Any, ...]:
        choice = stored_choice(data, index)
        states: tuple[JobState, ...] = tuple(store.state(job) for job in choice.jobs(index))
        if any(state.kind == "unknown" for state in states):  # after a restart, or if the store was full
            store.submit(str(session)[:64], (*choice.quick_jobs(index), *choice.jobs(index)))
        return page_status(choice, index, store, View.of_data(shown), [View.of_data(part) for part in drawn])

    @app.callback(
        *(Output(*target, allow_duplicate=True) for target in PROGRESS),
        *(Input(f"compare-drawn-{part}", "data") for part in PARTS),
        State("compare-shown", "data"),
        State("compare-choice", "data"),
        prevent_initial_call=True,
    )
    def show_drawn(*data: Any) -> tuple[Any, ...]:
        """Show whether the page is up to date when a part has been drawn."""
        *drawn, shown, choice = data
        views = [View.of_data(part) for part in drawn]
        return page_status(stored_choice(choice, index), index, store, View.of_data(shown), views)[: len(PROGRESS)]


# --- callbacks in the browser (assets/page.js) ------------------------------------------------------------------------


def _register_browser_callbacks(app: dash.Dash) -> None:
    def browser_callback(function: str, *parts: Any, initial: bool) -> None:
        app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
            ClientsideFunction("upstream", function), *parts, prevent_initial_call=not initial
        )

    def lever_part(part: str) -> dict[str, Any]:
        return {"type": f"compare-lever-{part}", "name": MATCH}

    browser_callback("address", Output("compare-nothing", "data"), Input("compare-link", "data"), initial=False)
    browser_callback(
        "lever",
        Output(lever_part("value"), "children"),
        Output(lever_part("slider"), "attributes"),
        Output(lever_part("reset"), "disabled"),
        Input(lever_part("slider"), "value"),
        State(lever_part("slider"), "label"),
        State(lever_part("slider"), "id"),
        initial=False,
    )
    browser_callback(
        "polling",
        Output("compare-poll", "disabled"),
        Input("compare-ended", "data"),
        Input("compare-link", "data"),
        initial=False,
    )
    browser_callback("find", Output("compare-search-none", "hidden"), Input("compare-search", "value"), initial=False)
    browser_callback(
        "fold",
        Output("compare-controls", "className"),
        Output("compare-fold", "aria-expanded"),
        Output("compare-fold", "children"),
        Input("compare-fold", "n_clicks"),
        initial=True,
    )
