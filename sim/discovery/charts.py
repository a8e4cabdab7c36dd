"""Pictures of discoveries: regret of each policy over points, and the ranges of a box. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from sim.analysis.sensitivity.charts import CENTRAL, HIGH, LOW
from sim.results.number_text import MINUS, difference_unit, fixed, number_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sim.discovery.result import Discovery

MOST_POLICIES = 40
HEIGHT_PER_ROW, MARGIN = 40, 190
FAINT = "rgba(18, 67, 109, 0.25)"
ROOM = 0.02
"""Space at the ends of the scale of a range."""


def regret_chart(document: Mapping[str, Any]) -> go.Figure:
    """Draw the regret of each policy: mean, nine tenths of points, and the largest.

    Parameters
    ----------
    document : mapping
        Document of a discovery.

    Returns
    -------
    plotly.graph_objects.Figure
        The policy with the smallest largest regret on top.
    """
    import plotly.graph_objects as go

    rows = sorted(document["policies"], key=lambda row: row["max_regret"])[:MOST_POLICIES]
    names = [row["policy"] for row in rows]
    unit = difference_unit(document["unit"])
    figure = go.Figure()
    figure.add_bar(
        y=names, x=[row["max_regret"] for row in rows], orientation="h", name="largest regret of a point",
        marker={"color": FAINT}, error_x=_whiskers(rows, "max_regret"),
    )  # fmt: skip
    figure.add_bar(
        y=names, x=[row["mean_regret"] for row in rows], orientation="h", name="mean regret",
        marker={"color": LOW}, error_x=_whiskers(rows, "mean_regret"), width=0.3,
    )  # fmt: skip
    figure.add_scatter(
        y=names, x=[row["regret_q90"] for row in rows], mode="markers", name="nine tenths of points lie below",
        marker={"color": HIGH, "symbol": "line-ns-open", "size": 16, "line": {"width": 3}},
    )  # fmt: skip
    figure.update_layout(
        barmode="overlay",
        title=f"Regret of each policy over {document['points']:,} points: {document['metric_label']}, year "
        f"{document['year']}",
        xaxis_title=f"regret, {unit} (lines: 95% intervals)",
        yaxis={"autorange": "reversed", "automargin": True},
        height=MARGIN + HEIGHT_PER_ROW * len(rows),
        legend={"orientation": "h", "y": -0.3},
        template="plotly_white",
    )
    return figure


def _whiskers(rows: list[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """Intervals as error bars; none where there is no interval."""
    ends = [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None else high - value for value, _, high in ends],
        "arrayminus": [0.0 if low is None else min(value - low, value) for value, low, _ in ends],
        "color": CENTRAL,
        "visible": any(low is not None for _, low, _ in ends),
    }


def box_chart(document: Mapping[str, Any], searched: Mapping[str, Any], number: int) -> go.Figure:
    """Draw the ranges of a box, each as a part of the range of all points.

    Parameters
    ----------
    document : mapping
        Document of a discovery.
    searched : mapping
        Its entry of the policy.
    number : int
        Number of the box, from 1.

    Returns
    -------
    plotly.graph_objects.Figure
        A line for each restricted input, the least likely by chance on top, with the ends in the input's unit.
    """
    import plotly.graph_objects as go

    box = searched["boxes"][number - 1]
    rows = box["restrictions"]
    names = [f"{row['name']}{', ' + row['unit'] if row['unit'] else ''}" for row in rows]
    figure = go.Figure()
    figure.add_bar(
        y=names, x=[1.0] * len(rows), orientation="h", marker={"color": "#e6ebf0"}, width=0.5,
        name="all points", hoverinfo="skip",
    )  # fmt: skip
    ends = [_ends(row) for row in rows]
    figure.add_bar(
        y=names, x=[high - low for low, high in ends], base=[low for low, _ in ends], orientation="h",
        marker={"color": LOW}, width=0.3, name="in the box", text=[range_text(row) for row in rows],
        textposition="none", hovertemplate="%{y}: %{text}<extra></extra>",
    )  # fmt: skip
    for name, row in zip(names, rows, strict=True):
        figure.add_annotation(
            y=name, x=1.0 + ROOM, text=f"{escape(range_text(row))} ({p_text(row)})", showarrow=False, xanchor="left"
        )
    share = fixed(100.0 * box["density"], 0)
    figure.update_layout(
        barmode="overlay",
        title=f"{escape(searched['policy'])}, box {number}: {box['cases']:,} of {box['points']:,} points ({share}%) "
        f"are of interest, {fixed(100.0 * box['coverage'], 0)}% of all such points<br><sup>of interest: "
        f"{escape(document['interest']['text'])}; year {document['year']}{_elsewhere(box)}</sup>",
        xaxis={"title": "part of the range of all points", "range": [-ROOM, 1.6], "tickvals": [0.0, 0.5, 1.0]},
        yaxis={"autorange": "reversed", "automargin": True},
        height=MARGIN + HEIGHT_PER_ROW * max(1, len(rows)),
        legend={"orientation": "h", "y": -0.3},
        template="plotly_white",
    )
    return figure


def _elsewhere(box: Mapping[str, Any]) -> str:
    """Density in points that were not used, in words."""
    if box["other_density"] is None:
        return ""
    return f"; in points not used for a box, {fixed(100.0 * box['other_density'], 0)}% of it are of interest"


def _ends(row: Mapping[str, Any]) -> tuple[float, float]:
    """Ends of a restriction as parts of the range of all points."""
    if row["from_"] is None or row["to"] == row["from_"]:
        return 0.0, 1.0
    width = row["to"] - row["from_"]
    low = row["from_"] if row["low"] is None else row["low"]
    high = row["to"] if row["high"] is None else row["high"]
    return (low - row["from_"]) / width, (high - row["from_"]) / width


def range_text(row: Mapping[str, Any]) -> str:
    """A restriction in words: "0.1 to 0.2", "at least 0.1", or names."""
    if row["values"]:
        return ", ".join(row["values"])
    low, high = (None if end is None else f"{end:.4g}".replace("-", MINUS) for end in (row["low"], row["high"]))
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def p_text(row: Mapping[str, Any]) -> str:
    """Quasi-p-values of a restriction in words."""
    values = [p for p in (row["qp_low"], row["qp_high"]) if p is not None]
    texts = ["<0.001" if p < 0.001 else f"{p:.3f}" for p in values]
    return "quasi-p " + " and ".join(texts)


def page(result: Discovery) -> str:
    """Make a self-contained HTML page of all pictures, which requests nothing from other hosts.

    Parameters
    ----------
    result : Discovery
        The result.

    Returns
    -------
    str
    """
    d = result.document
    figures = [result.plot_regret()]
    figures += [
        box_chart(d, each, k) for each in d["boxes"] for k, box in enumerate(each["boxes"], 1) if box["restrictions"]
    ]
    parts = [figure.to_html(full_html=False, include_plotlyjs=k == 0) for k, figure in enumerate(figures)]
    title = f"{d['metric_label']}, year {d['year']}: policies over {d['points']:,} points"
    columns = {
        "policy": "Policy",
        "mean": f"Mean difference, {difference_unit(d['unit'])}",
        "max_regret": "Largest regret",
        "mean_regret": "Mean regret",
        "best_share": "Best at",
        "satisficing": "Not of interest at" if d["interest"]["is_failure"] else "Of interest at",
    }
    head = "".join(f"<th>{escape(label)}</th>" for label in columns.values())
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row[name], name, d))}</td>" for name in columns) + "</tr>"
        for row in d["policies"]
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in d["notes"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>'
        f"<h1>{escape(title)}</h1><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"{''.join(parts)}{notes}</body></html>\n"
    )


def _cell(value: Any, name: str, document: Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return value
    if name in ("satisficing", "best_share"):
        return f"{fixed(100.0 * value, 0)}%"
    is_signed = name == "mean"
    return number_text(value, document["unit"], document["decimals"], signed=is_signed, minus=MINUS)
