"""The picture of a front: the first objective against the second, by the twin and by agents, as SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from sim.results.number_text import MINUS, difference_unit, is_share
from sim.results.svg_panel import Axis, Box, Colours, axis

WIDTH, HEIGHT = 900, 580
BOX = Box(90.0, 620.0, 92.0, 492.0)
TITLE_LINE, LEGEND_LINE = 76, 30
"""Characters of a line of the title, and of the legend."""
TWIN, AGENTS, LOST = "#12436D", "#F46A25", "#801650"
"""Colours of the Analysis Function's categories; shapes differ too."""
SMALLEST, LARGEST = 3.5, 8.5
"""Radii of the points with the smallest and the largest third objective."""


class _Frame(NamedTuple):
    """The axes of the picture."""

    horizontal: Axis
    vertical: Axis

    def x(self, value: float) -> float:
        """The place of a value of the first objective."""
        return BOX.left + _share(self.horizontal, value) * (BOX.right - BOX.left)

    def y(self, value: float) -> float:
        """The place of a value of the second objective."""
        return BOX.bottom - _share(self.vertical, value) * (BOX.bottom - BOX.top)


def picture(document: Mapping[str, Any]) -> str:
    """Draw a front.

    Parameters
    ----------
    document : mapping
        The document of a `SearchResult` that is done.

    Returns
    -------
    str
        SVG. Circles: mixes by the twin, larger with a larger third objective; diamonds: points by agents with the 95%
        interval of their mean, in another colour and crossed if they do not survive; a line joins the two.
    """
    objectives = document["objectives"]
    first, second = objectives[:2]
    points = [[p["objectives"][o["name"]]["objective"] for o in objectives] for p in document["front"]]
    confirmed = _confirmed(document)
    ends = [[0.0], [0.0]]
    for k in range(2):
        ends[k] += [p[k] for p in points]
        ends[k] += [value for each in confirmed for value in (each[1], each[2])[k]]
    frame = _Frame(axis(min(ends[0]), max(ends[0])), axis(min(ends[1]), max(ends[1])))
    body = [*_axes(frame, first, second), *_baseline(frame)]
    thirds = [p[2] for p in points] if len(objectives) > 2 else []
    for p, source in zip(points, document["front"], strict=True):
        radius = _radius(p[2], thirds) if thirds else 5.0
        about = f"Point {source['point']}: " + "; ".join(
            f"{o['label']}: {value:+.3g}" for o, value in zip(objectives, p, strict=True)
        )
        body.append(
            f'<circle cx="{frame.x(p[0]):.1f}" cy="{frame.y(p[1]):.1f}" r="{radius:.1f}" fill="{TWIN}" '
            f'fill-opacity=".55" stroke="{TWIN}"><title>{escape(about)}</title></circle>'
        )
    for number, across, upward, survives in confirmed:
        twin = points[number - 1]
        body += _diamond(frame, number, (twin[0], twin[1]), across, upward, survives=survives)
    title = document["question"] or f"Mixes of spending in {document['place']} under the same money"
    description = " ".join(document["sentences"])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-family="Arial, Helvetica, sans-serif" font-size="13">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(description)}</desc>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<g fill="{Colours().text}">',
            *(
                f'<text x="{BOX.left:.0f}" y="{24 + 19 * k}" font-size="15" font-weight="bold">{escape(line)}</text>'
                for k, line in enumerate(textwrap.wrap(title, TITLE_LINE, max_lines=2, placeholder=" …"))
            ),
            f'<text x="{BOX.left:.0f}" y="66">Differences from the baseline, mean of the years; the plan costs the same'
            "</text>",
            *body,
            *_legend(objectives, any(not each[3] for each in confirmed)),
            "</g>",
            "</svg>",
            "",
        ]
    )


def _confirmed(document: Mapping[str, Any]) -> list[tuple[int, Sequence[float], Sequence[float], bool]]:
    """Points by agents: number, and (value, low, high) of the first and of the second objective."""
    out: list[tuple[int, Sequence[float], Sequence[float], bool]] = []
    confirmation = document["confirmation"]
    for p in confirmation["points"] if confirmation is not None else ():
        ends: list[Sequence[float]] = []
        for objective in document["objectives"][:2]:
            figures = p["objectives"][objective["name"]]["agents"]
            value = figures["objective"]
            is_mean = objective["quantile"] is None and figures["ci_low"] is not None
            ends.append((value, figures["ci_low"], figures["ci_high"]) if is_mean else (value, value, value))
        out.append((p["point"], ends[0], ends[1], p["survives"]))
    return out


def _share(of: Axis, value: float) -> float:
    return (value - of.floor) / (of.ceiling - of.floor)


def _radius(value: float, every: Sequence[float]) -> float:
    width = max(every) - min(every)
    share = (value - min(every)) / width if width > 0.0 else 0.5
    return SMALLEST + share * (LARGEST - SMALLEST)


def _axes(frame: _Frame, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    colours = Colours()
    for value in frame.vertical.ticks():
        y = frame.y(value)
        yield f'<path d="M{BOX.left:.0f} {y:.1f}H{BOX.right:.0f}" stroke="{colours.grid}"/>'
        yield f'<text x="{BOX.left - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{_number(value, second)}</text>'
    for value in frame.horizontal.ticks():
        x = frame.x(value)
        yield f'<path d="M{x:.1f} {BOX.top:.0f}V{BOX.bottom:.0f}" stroke="{colours.grid}"/>'
        yield f'<text x="{x:.1f}" y="{BOX.bottom + 18:.0f}" text-anchor="middle">{_number(value, first)}</text>'
    middle, half = (BOX.left + BOX.right) / 2, (BOX.top + BOX.bottom) / 2
    yield f'<text x="{middle:.0f}" y="{BOX.bottom + 42:.0f}" text-anchor="middle">{escape(_title(first))}</text>'
    yield (
        f'<text x="24" y="{half:.0f}" text-anchor="middle" transform="rotate(-90 24 {half:.0f})">'
        f"{escape(_title(second))}</text>"
    )


def _title(objective: Mapping[str, Any]) -> str:
    return f"{objective['label']}, {difference_unit(objective['unit'])} ({objective['better']} is better)"


def _number(value: float, objective: Mapping[str, Any]) -> str:
    scaled = 100.0 * value if is_share(objective["unit"]) else value
    return (f"{scaled:+,g}" if scaled else "0").replace("-", MINUS)


def _baseline(frame: _Frame) -> Iterator[str]:
    x, y, colour = frame.x(0.0), frame.y(0.0), Colours().axis
    across = f"M{BOX.left:.0f} {y:.1f}H{BOX.right:.0f}"
    yield f'<path d="M{x:.1f} {BOX.top:.0f}V{BOX.bottom:.0f}{across}" stroke="{colour}"/>'
    yield f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="{colour}"><title>Baseline</title></rect>'


def _diamond(
    frame: _Frame,
    number: int,
    twin: tuple[float, float],
    across: Sequence[float],
    upward: Sequence[float],
    *,
    survives: bool,
) -> Iterator[str]:
    """A point by agents, with its intervals and a line to its point by the twin."""
    colour = AGENTS if survives else LOST
    x, y = frame.x(across[0]), frame.y(upward[0])
    yield (
        f'<path d="M{frame.x(twin[0]):.1f} {frame.y(twin[1]):.1f}L{x:.1f} {y:.1f}" stroke="{colour}" '
        'stroke-dasharray="3 3" fill="none"/>'
    )
    yield (
        f'<path d="M{frame.x(across[1]):.1f} {y:.1f}H{frame.x(across[2]):.1f}M{x:.1f} {frame.y(upward[1]):.1f}'
        f'V{frame.y(upward[2]):.1f}" stroke="{colour}" stroke-width="1.5"/>'
    )
    yield f'<path d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7Z" fill="{colour}" stroke="#ffffff"/>'
    if not survives:
        yield f'<path d="M{x - 8:.1f} {y - 8:.1f}l16 16m0 -16l-16 16" stroke="{LOST}" stroke-width="2"/>'
    yield f'<text x="{x + 10:.1f}" y="{y - 9:.1f}" font-weight="bold">{number}</text>'


def _legend(objectives: Sequence[Mapping[str, Any]], some_lost: bool) -> Iterator[str]:
    left, y = BOX.right + 28, BOX.top + 12
    colour = Colours().axis
    rows = [
        (f'<rect x="{left - 5:.0f}" y="{{0:.0f}}" width="10" height="10" fill="{colour}"/>', -5.0, "baseline"),
        (
            f'<circle cx="{left:.0f}" cy="{{0:.0f}}" r="5" fill="{TWIN}" fill-opacity=".55"/>',
            0.0,
            "front, stock-flow twin",
        ),
        (f'<path d="M{left:.0f} {{0:.0f}}l7 7l-7 7l-7 -7Z" fill="{AGENTS}"/>', -7.0, "agents, fresh draws, 95% CI"),
    ]
    if some_lost:
        rows.append((f'<path d="M{left:.0f} {{0:.0f}}l7 7l-7 7l-7 -7Z" fill="{LOST}"/>', -7.0, "does not survive"))
    for k, (shape, up, text) in enumerate(rows):
        at = y + 24 * k
        yield shape.format(at + up)
        yield f'<text x="{left + 16:.0f}" y="{at + 4:.0f}">{text}</text>'
    if len(objectives) > 2:
        at = y + 24 * len(rows) + 6
        text = f"Larger circles: higher {str(objectives[2]['label']).lower()}"
        for k, line in enumerate(textwrap.wrap(text, LEGEND_LINE)):
            yield f'<text x="{left - 6:.0f}" y="{at + 18 * k:.0f}">{escape(line)}</text>'
