"""Draws the loop map: a causal-loop diagram, strengths over time, and the effect of disabling each loop.

The figures are Plotly figures. The Mermaid text is for web pages that draw the diagram themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from sim.analysis.feedback_loops.knock_out import KnockOuts
from sim.analysis.feedback_loops.links import Link
from sim.analysis.feedback_loops.loops import DetectedLoop, LoopMap
from sim.analysis.feedback_loops.strength import Strength

if TYPE_CHECKING:
    import plotly.graph_objects as go

SIGNS = {1: "+", -1: "−", 0: "±"}
COLOURS = {1: "#1f77b4", -1: "#c1440e", 0: "#767676"}
DELAYED = 3.0
"""Memory in months from which an arrow has the mark of a delay."""
BACKGROUND = "rgba(255, 255, 255, 0.85)"
LINE_LENGTH = 16
"""Largest number of characters in a line of a label."""


def chain(loop_map: LoopMap, loop: DetectedLoop) -> str:
    """A loop in one line: variables, with the sign of each link, and its delay if there is one."""
    out = loop_map.label(loop.cycle[0].source)
    for link in loop.cycle:
        out += f" {arrow(loop_map, loop, link)} {loop_map.label(link.target)}"
    return out


def arrow(loop_map: LoopMap, loop: DetectedLoop, link: Link) -> str:
    """The sign of a link, with the delay in months: '−(12 mo)→'."""
    sign = loop.cut[link].sign if link in loop.cut else loop_map.acting[link].sign
    months = loop_map.memory[link.target]
    return f"{SIGNS[sign]}({months:.0f} mo)→" if months >= DELAYED else f"{SIGNS[sign]}→"


def diagram_links(loop_map: LoopMap) -> dict[Link, list[str]]:
    """The links of the diagram, each with the names of its listed loops."""
    out: dict[Link, list[str]] = {}
    for loop in loop_map.listed:
        for link in loop.cycle:
            out.setdefault(link, []).append(loop.name)
    return out


def _sign(loop_map: LoopMap, link: Link) -> int:
    """The sign of a link in the first listed loop that includes it."""
    loop = next(loop for loop in loop_map.listed if link in loop.cycle)
    return loop.cut[link].sign if link in loop.cut else loop_map.acting[link].sign


def diagram(loop_map: LoopMap) -> go.Figure:
    """A causal-loop diagram of the listed loops: blue arrows increase, red arrows decrease, ‖ marks a delay."""
    import plotly.graph_objects as go

    links = diagram_links(loop_map)
    positions = _layout(list(links))
    figure = go.Figure()
    pairs: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        pairs.setdefault((link.source, link.target), []).append(link)
    for (source, target), links_of_pair in pairs.items():
        sign = _sign(loop_map, links_of_pair[0])
        months = loop_map.memory[target]
        names = sorted(
            {name for link in links_of_pair for name in links[link]}, key=lambda name: (name[0], int(name[1:]))
        )
        description = f"{loop_map.label(source)} {SIGNS[sign]}→ {loop_map.label(target)}<br>{', '.join(names)}"
        description += f"<br>through {', '.join(sorted({link.mechanism for link in links_of_pair}))}"
        description += f"<br>memory of {months:.0f} months" if months > 0.0 else "<br>without delay"
        (x0, y0), (x1, y1) = positions[source], positions[target]
        if source == target:
            x1, y1 = x0 + 0.05, y0 + 0.09
        length = float(np.hypot(x1 - x0, y1 - y0)) or 1.0
        bend = 0.08 if (target, source) in pairs and source != target else 0.02
        middle = ((x0 + x1) / 2 - bend * (y1 - y0) / length, (y0 + y1) / 2 + bend * (x1 - x0) / length)
        figure.add_scatter(
            x=[x0, middle[0], x1],
            y=[y0, middle[1], y1],
            mode="lines",
            line={"color": COLOURS[sign], "width": 1.4, "shape": "spline"},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_annotation(
            x=x1 + (middle[0] - x1) * 0.45,
            y=y1 + (middle[1] - y1) * 0.45,
            ax=middle[0],
            ay=middle[1],
            xref="x",
            yref="y",
            axref="x",
            ayref="y",
            showarrow=True,
            arrowhead=3,
            arrowsize=1.3,
            arrowwidth=1.4,
            arrowcolor=COLOURS[sign],
            text="",
        )
        mark = SIGNS[sign] + (" ‖" if months >= DELAYED else "")
        figure.add_annotation(
            x=middle[0],
            y=middle[1],
            text=f"{mark} {' '.join(names)}",
            font={"size": 10, "color": COLOURS[sign]},
            bgcolor=BACKGROUND,
            borderpad=1,
            showarrow=False,
            hovertext=description,
        )
    for name, (x, y) in positions.items():
        figure.add_annotation(
            x=x,
            y=y,
            text=_wrapped(loop_map.label(name)),
            font={"size": 13, "color": "#222222"},
            bgcolor=BACKGROUND,
            borderpad=2,
            showarrow=False,
        )
    figure.update_layout(
        title="Feedback loops derived from the mechanisms (+ increases, − decreases, ‖ is a delay of months)",
        xaxis={"visible": False},
        yaxis={"visible": False, "scaleanchor": "x"},
        plot_bgcolor="white",
        height=900,
        margin={"l": 20, "r": 20, "t": 60, "b": 20},
    )
    return figure


def strength_figure(strengths: Sequence[Strength]) -> go.Figure:
    """The strength of each loop over time, with the 95 % interval of its mean."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for strength in strengths:
        if not np.isfinite(strength.mean).all():
            continue
        style = {"x": list(strength.years), "name": strength.name, "mode": "lines+markers"}
        error = {
            "type": "data",
            "symmetric": False,
            "array": list(np.nan_to_num(strength.ci_high - strength.mean)),
            "arrayminus": list(np.nan_to_num(strength.mean - strength.ci_low)),
            "thickness": 1,
        }
        figure.add_scatter(y=list(strength.mean), error_y=error, **style)
    figure.update_layout(
        title="Strength of each loop: share of the policy's effect that passes round the loop",
        xaxis_title="year",
        yaxis_title="strength (product of link scores, 0 to 1)",
        plot_bgcolor="white",
    )
    return figure


def knock_out_figure(knock_outs: KnockOuts) -> go.Figure:
    """The part of the policy's difference that is lost without each loop, with its 95 % interval."""
    import plotly.graph_objects as go

    rows = [(" + ".join(effect.names), effect.label, effect.at_end()) for effect in knock_outs.loops]
    removed = [row["goes_away"] or 0.0 for _, _, row in rows]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [(row["goes_away_high"] or value) - value for (_, _, row), value in zip(rows, removed, strict=True)],
        "arrayminus": [
            value - (row["goes_away_low"] or value) for (_, _, row), value in zip(rows, removed, strict=True)
        ],
    }
    figure = go.Figure()
    figure.add_bar(x=[f"{name} {label}" for name, label, _ in rows], y=removed, error_x=None, error_y=error)
    figure.update_layout(
        title=f"{knock_outs.metric.label}: part of the difference lost without each loop (parts do not add up)",
        yaxis_title=knock_outs.metric.unit,
        plot_bgcolor="white",
    )
    return figure


def mermaid(loop_map: LoopMap) -> str:
    """The diagram as Mermaid text."""
    links = diagram_links(loop_map)
    names = list(dict.fromkeys(name for link in links for name in (link.source, link.target)))
    key = {name: f"v{k}" for k, name in enumerate(names)}
    lines = ["flowchart LR", *(f'    {key[name]}["{loop_map.label(name)}"]' for name in names)]
    for link, loops in links.items():
        months = loop_map.memory[link.target]
        wait = f" ‖{months:.0f}" if months >= DELAYED else ""
        sign = SIGNS[_sign(loop_map, link)]
        lines.append(f'    {key[link.source]} -->|"{sign}{wait} {" ".join(loops)}"| {key[link.target]}')
    return "\n".join(lines) + "\n"


def _layout(links: Sequence[Link]) -> dict[str, tuple[float, float]]:
    """The position of each variable: variables with short paths between them are close. The layout is deterministic."""
    undirected = nx.Graph([(link.source, link.target) for link in links if link.source != link.target])
    undirected.add_nodes_from(link.source for link in links)
    components = [undirected.subgraph(component) for component in nx.connected_components(undirected)]
    out: dict[str, tuple[float, float]] = {}
    offset = 0.0
    for component in sorted(components, key=len, reverse=True):
        scale = 0.25 + len(component) / 20.0
        for name, (x, y) in nx.kamada_kawai_layout(component, scale=scale).items():
            out[name] = float(x) + offset, float(y)
        offset += 2.2 * scale
    return out


def _wrapped(label: str) -> str:
    lines = [""]
    for word in label.split():
        if len(lines[-1]) + len(word) > LINE_LENGTH and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(f"<b>{line}</b>" for line in lines)
