"""Callbacks that draw the results: headline, cards, charts and tables, from the stored runs."""

from __future__ import annotations

from typing import Any

import dash
from dash import ALL, Input, Output

from dashboard import asked, drivers, money, scope, summary, tables
from dashboard.choice import checked
from dashboard.model import Document, ModelIndex
from dashboard.pages import results
from dashboard.pages.results import View
from dashboard.store import Store


def register(app: dash.Dash, index: ModelIndex, store: Store) -> None:
    """Register the callbacks from the digests of finished runs to the results on the page."""
    metrics = list(index.metrics.values())

    def shown_document(data: Any) -> Document:
        document = results.shown_document(store, View.of_data(data))
        if document is None:
            raise dash.exceptions.PreventUpdate
        return document

    def figure_outputs(name: str) -> list[Output]:
        return [
            Output(f"compare-{name}-title", "children"),
            Output(f"compare-{name}", "figure"),
            Output(f"compare-{name}-frame", "aria-label"),
            Output(f"compare-table-{name}", "children"),
        ]

    def slot_outputs(kind: str) -> list[Output]:
        parts = {"slot": "className", "title": "children", "finding": "children", "unit": "children",
                 "graph": "figure", "frame": "aria-label"}  # fmt: skip
        return [Output({"type": f"compare-{kind}-{part}", "index": ALL}, prop) for part, prop in parts.items()]

    @app.callback(
        Output("compare-drawn-main", "data"),
        Output("compare-headline", "children"),
        Output("compare-doubt", "children"),
        Output("compare-cards", "children"),
        Output("compare-cards-note", "children"),
        *figure_outputs("main"),
        *figure_outputs("difference"),
        *figure_outputs("spend"),
        *figure_outputs("fifths"),
        Output("compare-key-services", "children"),
        Output("compare-key-spend", "children"),
        Input("compare-shown", "data"),
        Input("compare-period", "value"),
        prevent_initial_call=True,
    )
    def draw_main(shown: Any, period: Any) -> tuple[Any, ...]:
        document = shown_document(shown)
        return (
            shown,
            *results.opening(document, index),
            *results.main_figure(document, index, monthly=period == "month"),
            *results.difference_figure(document, index),
            *results.spend_figure(document, index),
            *results.fifths_figure(document, index),
            summary.legend(document),
            summary.legend(document),
        )

    @app.callback(
        Output("compare-drawn-services", "data"),
        *slot_outputs("service"),
        Output("compare-table-services", "children"),
        Input("compare-shown", "data"),
        Input("compare-services", "value"),
        prevent_initial_call=True,
    )
    def draw_services(shown: Any, services: Any) -> tuple[Any, ...]:
        document = shown_document(shown)
        chosen = checked({"show": services or []}, index)[0].services
        slots = results.small_charts(document, index, chosen, index.settings.most_services)
        return (shown, *slots, results.level_tables(document, index, chosen) if chosen else "No measure is chosen.")

    @app.callback(
        Output("compare-drawn-lower", "data"),
        *slot_outputs("money"),
        Output("compare-table-money", "children"),
        *figure_outputs("parts"),
        *figure_outputs("part-differences"),
        *figure_outputs("spenders"),
        *figure_outputs("payers"),
        Output("compare-asked", "children"),
        Output("compare-scope", "children"),
        Output("compare-worth", "children"),
        Output("compare-table-worth", "children"),
        Output("compare-drivers", "children"),
        Output("compare-table-all", "children"),
        Input("compare-drawn-main", "data"),
        prevent_initial_call=True,
    )
    def draw_lower_sections(drawn: Any) -> tuple[Any, ...]:
        """Draw the lower sections of the page after the upper ones."""
        document = shown_document(drawn)
        return (
            drawn,
            *results.small_charts(document, index, index.spend, len(index.spend)),
            results.level_tables(document, index, index.spend),
            *results.composition_figures(document),
            *results.money_figures(document),
            asked.of_policies(document),
            scope.table(index.scope),
            money.sentences(document),
            money.table(document),
            drivers.of_policies(document, index),
            tables.all_measures(document, metrics),
        )
