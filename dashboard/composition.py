"""What acute demand is made of: the points of its index that each service makes, as charts and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import html

from dashboard import figure_parts as parts
from dashboard import tables
from dashboard.findings import MEAN, direction, excludes_zero, focus, listed, scenario_label, small
from dashboard.horizon import answer_rows, answer_year
from dashboard.model import Document
from dashboard.styles import styles
from sim.results.money.sentences import pounds_text
from sim.results.number_text import INDEX_POINTS, MINUS, fixed

LEAST_POINTS = 3.0
"""Services below this many points of the baseline's index are drawn as one part."""
OTHERS = "All other services"
SHADES = ("#12436D", "#2073BC", "#6BACE6", "#AEC6E0", "#5B6470", "#98A2AC", "#CBD2D8")
"""Shades of the parts; neighbours are also separated by a white line, and wide parts have their name."""
LIGHT = ("#6BACE6", "#AEC6E0", "#98A2AC", "#CBD2D8")
HEADLINE = "acute_demand"

Rows = Sequence[Mapping[str, Any]]


def rows_of_year(document: Document) -> dict[str, Rows]:
    """The rows of each scenario in the year of the answer, the largest service of the baseline first."""
    return {name: answer_rows(document, rows) for name, rows in document["composition"].items()}


def title(document: Document) -> str:
    """The finding: the largest parts of acute demand in the baseline, and their share."""
    rows = rows_of_year(document)[document["baseline"]]
    total = sum(row["baseline"] for row in rows)
    largest = sorted(rows, key=lambda row: -row["baseline"])[:2]
    share = 100.0 * sum(row["baseline"] for row in largest) / total if total else 0.0
    names = listed([small(row["label"]) for row in largest])
    return f"What acute demand is made of: {names} are {fixed(share, 0)}% of it in the baseline, weighted by cost"


def levels(document: Document) -> go.Figure:
    """The index of each scenario in the year of the answer, as a bar whose parts are the services."""
    figure = parts.blank()
    rows = rows_of_year(document)
    base = rows[document["baseline"]]
    large = [row["service"] for row in base if row["baseline"] >= LEAST_POINTS]
    names = list(rows)
    labels = [parts.wrapped(tables.column(document, name), 16) for name in names]
    for k, service in enumerate([*large, OTHERS]):
        points = [_points(rows[name], service, large) for name in names]
        if not any(points):
            continue
        label = next((row["label"] for row in base if row["service"] == service), OTHERS)
        shade = SHADES[k % len(SHADES)]
        figure.add_trace(
            go.Bar(
                orientation="h",
                y=labels,
                x=points,
                name=label,
                meta=service,
                marker={"color": shade, "line": {"color": "white", "width": 1.5}},
                text=[parts.wrapped(label, 12) if value >= 12.0 else "" for value in points],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": parts.TEXT if shade in LIGHT else "white", "size": 14},
                customdata=[[fixed(value, 1)] for value in points],
                hovertemplate="%{fullData.name}: %{customdata[0]} points<extra></extra>",
            )
        )
    parts.set_layout(figure, title(document), compact=False)
    figure.update_layout(barmode="stack", bargap=0.3, hovermode="closest", legend_traceorder="normal")
    figure.update_yaxes(showgrid=False, categoryorder="array", categoryarray=labels[::-1])
    axis = f"index, baseline year 1 = 100; year {answer_year(document)}"
    figure.update_xaxes(title_text=parts.wrapped(axis, 30), showgrid=True, gridcolor=parts.GRID)
    return figure


def differences_title(document: Document) -> str:
    """The finding: the service that makes most of the difference under the policy in focus."""
    name = focus(document, HEADLINE)
    rows = [row for row in rows_of_year(document).get(name or "", ()) if excludes_zero(row)]
    if name is None or not rows:
        return "No service makes a clear difference to acute demand"
    most = max(rows, key=lambda row: abs(row["difference"]))
    size = fixed(abs(most["difference"]), 2)
    return (
        f"Under {scenario_label(document, name)}, the largest clear part of the difference is {small(most['label'])}: "
        f"{size} points {direction(most['difference'])}"
    )


def _points(rows: Rows, service: str, large: Sequence[str]) -> float:
    if service == OTHERS:
        return float(sum(row["level"] for row in rows if row["service"] not in large))
    return float(next(row["level"] for row in rows if row["service"] == service))


def differences(document: Document) -> go.Figure:
    """The difference that each service makes under each policy, with intervals; the parts add up to the headline's."""
    figure = parts.blank()
    looks, rows = styles(document), rows_of_year(document)
    moving = [k for k, row in enumerate(rows[document["baseline"]])
              if row["baseline"] or any(each[k]["difference"] for each in rows.values())]  # fmt: skip
    labels = [parts.wrapped(rows[document["baseline"]][k]["label"], 16) for k in moving]
    for name in reversed(list(document["differences"])):
        of_policy = [{**rows[name][k], "mean": rows[name][k]["difference"]} for k in moving]
        figure.add_traces(parts.bars(of_policy, labels, name, document, looks[name], decimals=2))
    figure.add_vline(x=0.0, line={"color": parts.BASELINE_LOOK.colour, "width": 2.5})
    parts.set_layout(figure, differences_title(document), compact=False)
    parts.set_horizontal(figure, labels, INDEX_POINTS)
    return figure


def table(document: Document, subject: str = "What acute demand is made of") -> html.Div:
    """A row for each service: cost of an episode, points in the baseline, and the difference under each policy.

    Two charts have this table, each under its own subject, so that a screen reader names each differently.
    """
    rows = rows_of_year(document)
    base = rows[document["baseline"]]
    policies = list(document["differences"])
    body = []
    for k, row in enumerate(base):
        cells = [_difference(rows[name][k]) for name in policies]
        if row["baseline"] or any(rows[name][k]["difference"] for name in policies):
            body.append([row["label"], pounds_text(row["unit_cost"]), fixed(row["baseline"], 1), *cells])
    total = [fixed(sum(row["baseline"] for row in base), 1)]
    total += [fixed(sum(r["difference"] for r in rows[name]), 2, signed=True, minus=MINUS) for name in policies]
    body.append(["Acute demand", "", *total])
    headings = ["Service", "Cost of an episode", "Baseline", *(tables.column(document, name) for name in policies)]
    caption = f"{subject} in year {answer_year(document)}, {INDEX_POINTS}"
    note = f"Under a policy: the difference from the baseline, and in brackets the {MEAN}. The parts add up."
    return tables.table(caption, headings, body, note=note)


def _difference(row: Mapping[str, Any]) -> str:
    mean, low, high = (
        "" if row.get(key) is None else fixed(row[key], 2, signed=True, minus=MINUS)
        for key in ("difference", "ci_low", "ci_high")
    )
    return f"{mean} ({low} to {high})" if low and high else mean
