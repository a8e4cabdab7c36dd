"""The colour, dash and pattern of each policy: bound to its name, so that two pictures never contradict each other.

The colours are categories of the Government Analysis Function and shades of the same contrast. Each policy of the
library also has its own dash, so that no information depends on colour alone. One pattern of dashes draws lines in
charts and in keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from dashboard.model import BASELINE, YOURS, Document


class Style(NamedTuple):
    """The style of one scenario in all charts, keys and cards."""

    colour: str
    dash: str
    """Lengths of dashes and gaps in pixels, as Plotly and SVG read them; "solid" for none."""
    pattern: str
    width: float


COLOURS = ("#28A197", "#F46A25", "#801650", "#3D3D3D", "#6B7A00", "#B0005B", "#8C5A2B", "#2073BC")
DASHES = ("2px,3px", "10px,4px", "10px,4px,2px,4px", "18px,5px", "4px,4px", "18px,4px,2px,4px,2px,4px")
PATTERNS = (".", "/", "\\", "x", "|", "-")
BY_NAME = {
    BASELINE: Style("#12436D", "solid", "", 2.5),
    YOURS: Style("#A285D1", "solid", "+", 4.0),
    "prevention-shift": Style(COLOURS[0], DASHES[0], PATTERNS[0], 3.0),
    "salami-slice": Style(COLOURS[1], DASHES[1], PATTERNS[1], 2.5),
    "more-acute": Style(COLOURS[2], DASHES[2], PATTERNS[2], 2.5),
}
"""Styles that never change. Other names get one of the remaining styles by a digest of the name."""
SWATCH_WIDTH, SWATCH_HEIGHT = 44, 12


def styles(document: Document) -> dict[str, Style]:
    """The style of each scenario of a document."""
    return styles_of(document["scenarios"])


def styles_of(names: Iterable[str]) -> dict[str, Style]:
    """The style of each name. Of two names with one style by digest, the later in the alphabet gets the next."""
    wanted = list(names)
    chosen = {name: BY_NAME[name] for name in wanted if name in BY_NAME}
    for name in sorted(set(wanted) - chosen.keys()):
        colours, dashes = ({getattr(style, part) for style in chosen.values()} for part in ("colour", "dash"))
        free = (style for style in _candidates(name) if style.colour not in colours and style.dash not in dashes)
        chosen[name] = next(free, next(_candidates(name)))
    return {name: chosen[name] for name in wanted}


def _candidates(name: str) -> Iterator[Style]:
    """The style of a name by its digest, then the styles that it gets if another name has that colour or dash."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    reserved = {style.colour for style in BY_NAME.values()}
    colours = [colour for colour in COLOURS if colour not in reserved]
    for step in range(len(colours) * len(DASHES)):
        colour = colours[(start + step) % len(colours)]
        dash = (start // len(colours) + step // len(colours) + step) % len(DASHES)
        yield Style(colour, DASHES[dash], PATTERNS[dash], 2.5)


def swatch_address(look: Style) -> str:
    """A picture of a scenario's line, as the address of an image, for keys and cards."""
    dashes = "" if look.dash == "solid" else f' stroke-dasharray="{look.dash.replace("px", "")}"'
    middle = SWATCH_HEIGHT / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SWATCH_WIDTH}" height="{SWATCH_HEIGHT}">'
        f'<line x1="0" y1="{middle}" x2="{SWATCH_WIDTH}" y2="{middle}" stroke="{look.colour}" '
        f'stroke-width="{look.width + 1}"{dashes}/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
