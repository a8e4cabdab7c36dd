"""Charts of studies: the tornado chart, and the difference along the range of one parameter. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from sim.analysis.sensitivity.indices import OTHERS
from sim.results.number_text import MINUS, difference_unit, fixed, number_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sim.analysis.sensitivity.result import Sensitivity

LOW, HIGH, CENTRAL = "#12436D", "#F46A25", "#22303c"
"""Colours of the low end, the high end, and the declared value: the categories of the Analysis Function."""
MOST_BARS = 15
HEIGHT_PER_BAR, MARGIN = 34, 170


def tornado(result: Sensitivity, year: int) -> go.Figure:
    """Draw the tornado chart of a year.

    Parameters
    ----------
    result : Sensitivity
        The study.
    year : int
        The year.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar for each leading parameter, from the difference at its low end to that at its high end, with the others as
        declared; the parameter with the largest total index on top.
    """
    import plotly.graph_objects as go

    d = result.document
    declared = d["declared"][year - 1]
    rows = [
        row
        for row in result.rows(year)
        if row["parameter"] != OTHERS and row["at_low"] is not None and row["at_high"] is not None
    ][:MOST_BARS]
    names = [f"{row['parameter']} ({_percent(row['total'])})" for row in rows]
    figure = go.Figure()
    for end, label, colour, pattern in (("at_low", "low end", LOW, ""), ("at_high", "high end", HIGH, "/")):
        value = end.removeprefix("at_")
        figure.add_bar(
            y=names,
            x=[row[end] - declared for row in rows],
            base=declared,
            orientation="h",
            name=f"at the {label} of the range",
            marker={"color": colour, "pattern": {"shape": pattern}},
            customdata=[[f"{row[value]:g} {row['unit']}", _text(row[end], d)] for row in rows],
            hovertemplate="%{y}<br>%{customdata[0]}: %{customdata[1]}<extra></extra>",
        )
    figure.add_vline(x=declared, line={"color": CENTRAL, "width": 1})
    figure.add_vline(x=0.0, line={"color": CENTRAL, "width": 1, "dash": "dot"})
    figure.update_layout(
        barmode="overlay",
        title=f"{d['metric_label']}, {d['label']}: difference from the baseline in year {year}, {_text(declared, d)} "
        "with all parameters as declared",
        xaxis_title=f"difference, {difference_unit(d['unit'])}",
        yaxis={"autorange": "reversed", "automargin": True},
        height=MARGIN + HEIGHT_PER_BAR * len(rows),
        legend={"orientation": "h", "y": -0.25 if len(rows) < 8 else -0.12},
        template="plotly_white",
    )
    return figure


def along_range(document: Mapping[str, Any]) -> go.Figure:
    """Draw the difference along the range of one parameter.

    Parameters
    ----------
    document : mapping
        The document of `along` (sim/analysis/sensitivity/one_parameter.py).

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    points = document["points"]
    figure = go.Figure()
    figure.add_scatter(
        x=[p["value"] for p in points],
        y=[p["difference"] for p in points],
        mode="lines+markers",
        line={"color": LOW},
        name="stock-flow twin",
    )
    agents = [p for p in points if p.get("agents_mean") is not None]
    if agents:
        figure.add_scatter(
            x=[p["value"] for p in agents],
            y=[p["agents_mean"] for p in agents],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [p["agents_ci_high"] - p["agents_mean"] for p in agents],
                "arrayminus": [p["agents_mean"] - p["agents_ci_low"] for p in agents],
            },
            mode="markers",
            marker={"color": HIGH, "symbol": "diamond", "size": 10},
            name="agents, 95% interval of the mean",
        )
    figure.add_vline(x=document["declared"], line={"color": CENTRAL, "width": 1, "dash": "dot"})
    figure.add_hline(y=0.0, line={"color": CENTRAL, "width": 1})
    figure.update_layout(
        title=f"{document['metric_label']}, {document['label']}: difference from the baseline in year "
        f"{document['year']} along the range of {document['parameter']}",
        xaxis_title=f"{document['parameter']}, {document['parameter_unit']} (dotted: the declared value)",
        yaxis_title=f"difference, {difference_unit(document['unit'])}",
        template="plotly_white",
    )
    return figure


def page(figure: go.Figure, title: str, notes: tuple[str, ...]) -> str:
    """Make a self-contained HTML page of a chart, which requests nothing from other hosts.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The chart.
    title : str
        Title of the page.
    notes : tuple of str
        Sentences below the chart.

    Returns
    -------
    str
    """
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    body = figure.to_html(full_html=False, include_plotlyjs=True)
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"{head}<title>{escape(title)}</title></head><body>{body}{paragraphs}</body></html>\n"


def _text(value: float, document: Mapping[str, Any]) -> str:
    return number_text(value, document["unit"], document["decimals"], signed=True, minus=MINUS)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{fixed(100.0 * share, 0, minus=MINUS)}%"
