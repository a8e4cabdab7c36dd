"""The loop map as a picture: a causal-loop diagram, strengths over time, and what goes away without each loop.

Figures are Plotly's; Mermaid text is for pages that draw it themselves.
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
"""Months of memory from which an arrow carries the mark of a delay."""
BEHIND = "rgba(255, 255, 255, 0.85)"
WIDE = 16
"""Letters in a line of a variable's label."""


def chain(found: LoopMap, one: DetectedLoop) -> str:
    """A loop in a line: variables, with the sign of each link, and its delay where it has one."""
    out = found.label(one.cycle[0].source)
    for link in one.cycle:
        out += f" {arrow(found, one, link)} {found.label(link.target)}"
    return out


def arrow(found: LoopMap, one: DetectedLoop, link: Link) -> str:
    """The sign of a link, with months of delay: '−(12 mo)→'."""
    sign = one.cut[link].sign if link in one.cut else found.acting[link].sign
    months = found.memory[link.target]
    return f"{SIGNS[sign]}({months:.0f} mo)→" if months >= DELAYED else f"{SIGNS[sign]}→"


def drawn_links(found: LoopMap) -> dict[Link, list[str]]:
    """The links of the diagram, each with the listed loops that it lies on."""
    out: dict[Link, list[str]] = {}
    for one in found.listed:
        for link in one.cycle:
            out.setdefault(link, []).append(one.name)
    return out


def _sign(found: LoopMap, link: Link) -> int:
    """A link's sign, as the first loop on it has it."""
    one = next(one for one in found.listed if link in one.cycle)
    return one.cut[link].sign if link in one.cut else found.acting[link].sign


def diagram(found: LoopMap) -> go.Figure:
    """A causal-loop diagram of the listed loops: blue arrows add, red ones take away, ‖ marks a delay."""
    import plotly.graph_objects as go

    links = drawn_links(found)
    at = _places(list(links))
    figure = go.Figure()
    pairs: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        pairs.setdefault((link.source, link.target), []).append(link)
    for (source, target), each in pairs.items():
        sign = _sign(found, each[0])
        months = found.memory[target]
        names = sorted({name for link in each for name in links[link]}, key=lambda name: (name[0], int(name[1:])))
        told = f"{found.label(source)} {SIGNS[sign]}→ {found.label(target)}<br>{', '.join(names)}"
        told += f"<br>through {', '.join(sorted({link.mechanism for link in each}))}"
        told += f"<br>remembered for {months:.0f} months" if months > 0.0 else "<br>at once"
        (x0, y0), (x1, y1) = at[source], at[target]
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
            bgcolor=BEHIND,
            borderpad=1,
            showarrow=False,
            hovertext=told,
        )
    for name, (x, y) in at.items():
        figure.add_annotation(
            x=x,
            y=y,
            text=_broken(found.label(name)),
            font={"size": 13, "color": "#222222"},
            bgcolor=BEHIND,
            borderpad=2,
            showarrow=False,
        )
    figure.update_layout(
        title="Loops found in what mechanisms declare (+ adds, − takes away, ‖ is a delay of months)",
        xaxis={"visible": False},
        yaxis={"visible": False, "scaleanchor": "x"},
        plot_bgcolor="white",
        height=900,
        margin={"l": 20, "r": 20, "t": 60, "b": 20},
    )
    return figure


def strength_figure(strengths: Sequence[Strength]) -> go.Figure:
    """Each loop's strength over time, with the 95 % interval of its mean."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for one in strengths:
        if not np.isfinite(one.mean).all():
            continue
        shown = {"x": list(one.years), "name": one.name, "mode": "lines+markers"}
        error = {
            "type": "data",
            "symmetric": False,
            "array": list(np.nan_to_num(one.high - one.mean)),
            "arrayminus": list(np.nan_to_num(one.mean - one.low)),
            "thickness": 1,
        }
        figure.add_scatter(y=list(one.mean), error_y=error, **shown)
    figure.update_layout(
        title="Of what the policy moves on the way round, how much comes round",
        xaxis_title="year",
        yaxis_title="strength (product of link scores, 0 to 1)",
        plot_bgcolor="white",
    )
    return figure


def knock_out_figure(knocked: KnockOuts) -> go.Figure:
    """What goes away without each loop, with its 95 % interval."""
    import plotly.graph_objects as go

    rows = [(" + ".join(one.names), one.label, one.at_end()) for one in knocked.loops]
    gone = [row["goes_away"] or 0.0 for _, _, row in rows]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [(row["goes_away_high"] or value) - value for (_, _, row), value in zip(rows, gone, strict=True)],
        "arrayminus": [value - (row["goes_away_low"] or value) for (_, _, row), value in zip(rows, gone, strict=True)],
    }
    figure = go.Figure()
    figure.add_bar(x=[f"{name} {label}" for name, label, _ in rows], y=gone, error_x=None, error_y=error)
    figure.update_layout(
        title=f"{knocked.metric.label}: what of the policy's difference goes away without each loop (need not add up)",
        yaxis_title=knocked.metric.unit,
        plot_bgcolor="white",
    )
    return figure


def mermaid(found: LoopMap) -> str:
    """The diagram as Mermaid text."""
    links = drawn_links(found)
    names = list(dict.fromkeys(name for link in links for name in (link.source, link.target)))
    key = {name: f"v{k}" for k, name in enumerate(names)}
    lines = ["flowchart LR", *(f'    {key[name]}["{found.label(name)}"]' for name in names)]
    for link, loops in links.items():
        months = found.memory[link.target]
        wait = f" ‖{months:.0f}" if months >= DELAYED else ""
        sign = SIGNS[_sign(found, link)]
        lines.append(f'    {key[link.source]} -->|"{sign}{wait} {" ".join(loops)}"| {key[link.target]}')
    return "\n".join(lines) + "\n"


def _places(links: Sequence[Link]) -> dict[str, tuple[float, float]]:
    """Where each variable stands: those with short ways between them near one another. The same each time."""
    plain = nx.Graph([(link.source, link.target) for link in links if link.source != link.target])
    plain.add_nodes_from(link.source for link in links)
    parts = [plain.subgraph(part) for part in nx.connected_components(plain)]
    out: dict[str, tuple[float, float]] = {}
    beside = 0.0
    for part in sorted(parts, key=len, reverse=True):
        scale = 0.25 + len(part) / 20.0
        for name, (x, y) in nx.kamada_kawai_layout(part, scale=scale).items():
            out[name] = float(x) + beside, float(y)
        beside += 2.2 * scale
    return out


def _broken(label: str) -> str:
    lines = [""]
    for word in label.split():
        if len(lines[-1]) + len(word) > WIDE and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(f"<b>{line}</b>" for line in lines)
