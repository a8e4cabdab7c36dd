"""Picture of a ranking as SVG: for each criterion, the interval of every intervention."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from sim.ranking.criteria import CRITERIA, Criterion
from sim.ranking.sentences import subject, title
from sim.results.number_text import MINUS
from sim.results.svg_panel import Axis, Box, Colours, axis

if TYPE_CHECKING:
    from sim.ranking.ranking import Ranking

COLOURS = Colours()
NEW, MOVED = "#12436D", "#F46A25"
"""Colours of new money, and of money of other lines."""
LABELS, PANEL, SPACE, ROW, TOP = 330.0, 190.0, 34.0, 21.0, 150.0
"""Widths of the labels, of a panel and of the space between panels; height of a row; top of the panels."""
LONGEST = 46
"""Characters of a label."""


def ranking_chart(ranking: Ranking) -> str:
    """Draw the values for each pound of all interventions, in the order of the first criterion.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    str
        The SVG document.
    """
    names = [place.name for place in ranking.standings[CRITERIA[0].name]]
    bottom = TOP + ROW * len(names)
    width = LABELS + len(CRITERIA) * (PANEL + SPACE) + 20.0
    heading = title(ranking)
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {bottom + 60.0:.0f}" role="img" '
        f'font-size="12" font-family="system-ui, sans-serif" fill="{COLOURS.axis}"><title>{escape(heading)}</title>',
        f'<rect width="{width:.0f}" height="{bottom + 60.0:.0f}" fill="#fff"/>',
        f'<text x="20" y="32" font-size="20" font-weight="600" fill="{COLOURS.text}">{escape(heading)}</text>',
        f'<text x="20" y="54">{escape(subject(ranking))}</text>',
        '<text x="20" y="74">Point: mean; thick line: 95% interval of the mean; thin line: middle 95% of draws. More '
        "is better. Illustrative, not a forecast.</text>",
        f'<path d="M20 90h26" stroke="{NEW}" stroke-width="5"/><text x="52" y="94">new money</text>',
        f'<path d="M140 90h26" stroke="{MOVED}" stroke-width="5"/><circle cx="153" cy="90" r="4" fill="#fff" '
        f'stroke="{MOVED}" stroke-width="2"/><text x="172" y="94">money of other lines</text>',
    ]
    for k, name in enumerate(names):
        y = TOP + ROW * (k + 0.5)
        elements.append(
            f'<text x="{LABELS - 12:.0f}" y="{y + 4:.1f}" text-anchor="end" fill="{COLOURS.text}">'
            f"{escape(_short(ranking.labels[name]))}</text>"
        )
    for k, criterion in enumerate(CRITERIA):
        left = LABELS + k * (PANEL + SPACE)
        elements += _panel(ranking, criterion, names, Box(left, left + PANEL, TOP, bottom))
    return "\n".join([*elements, "</svg>\n"])


def _panel(ranking: Ranking, criterion: Criterion, names: list[str], box: Box) -> list[str]:
    """The intervals of one criterion."""
    figures = {name: ranking.figures(name, criterion) for name in names}
    ends = [value for each in figures.values() for value in (each["q025"], each["q975"], each["mean"])]
    ends += [value for each in figures.values() for value in (each["ci_low"], each["ci_high"]) if not math.isnan(value)]
    scale = axis(min(*ends, 0.0), max(*ends, 0.0))

    def x(value: float) -> float:
        return box.left + (value - scale.floor) / (scale.ceiling - scale.floor) * (box.right - box.left)

    elements = [
        f'<text x="{box.left:.0f}" y="{box.top - 30:.0f}" font-weight="600" fill="{COLOURS.text}">'
        f"{escape(criterion.label)}</text>",
        f'<text x="{box.left:.0f}" y="{box.top - 14:.0f}">{escape(criterion.unit)}</text>',
    ]
    for value in _ticks(scale):
        colour = COLOURS.axis if value == 0.0 else COLOURS.grid
        elements.append(f'<path d="M{x(value):.1f} {box.top:.0f}V{box.bottom:.0f}" stroke="{colour}"/>')
        number = f"{value:+,g}".replace("-", MINUS) if value else "0"
        elements.append(f'<text x="{x(value):.1f}" y="{box.bottom + 18:.0f}" text-anchor="middle">{number}</text>')
    for k, name in enumerate(names):
        y, each = box.top + ROW * (k + 0.5), figures[name]
        entry = ranking.by_name.get(name)
        is_moved = entry is not None and entry.funding == "other lines"
        colour = MOVED if is_moved else NEW
        for low, high, stroke in (("q025", "q975", 1.5), ("ci_low", "ci_high", 5.0)):
            if not math.isnan(each[low]):
                elements.append(
                    f'<path d="M{x(each[low]):.1f} {y:.1f}H{x(each[high]):.1f}" stroke="{colour}" '
                    f'stroke-width="{stroke:g}"/>'
                )
        fill = "#fff" if is_moved else colour
        elements.append(
            f'<circle cx="{x(each["mean"]):.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        )
    return elements


def _ticks(scale: Axis) -> list[float]:
    """Every second grid line of a narrow panel, with 0 among them."""
    values = list(scale.ticks())
    zero = min(range(len(values)), key=lambda k: abs(values[k]))
    return [value for k, value in enumerate(values) if (k - zero) % 2 == 0]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
