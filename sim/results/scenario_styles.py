"""The colour, dash and pattern of each scenario: bound to its name, so that two pictures never contradict each other.

The colours are categories of the Government Analysis Function and shades of the same contrast. Each policy of the
library also has its own dash, so that no information depends on colour alone. One pattern of dashes draws lines in
charts and in keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class LineStyle(NamedTuple):
    """The style of one scenario in all charts, keys and cards.

    Attributes
    ----------
    colour : str
        Six hexadecimal digits after "#".
    dash : str
        Lengths of dashes and gaps in pixels, as Plotly reads them; "solid" for none.
    pattern : str
        Pattern of Plotly's bars; "" for none.
    width : float
        Width of a line in pixels.
    """

    colour: str
    dash: str
    pattern: str
    width: float

    @property
    def svg_dash(self) -> str:
        """The dash as SVG reads it; "" for none."""
        return "" if self.dash == "solid" else self.dash.replace("px", "").replace(",", " ")


COLOURS = ("#28A197", "#F46A25", "#801650", "#3D3D3D", "#6B7A00", "#B0005B", "#8C5A2B", "#2073BC")
DASHES = ("2px,3px", "10px,4px", "10px,4px,2px,4px", "18px,5px", "4px,4px", "18px,4px,2px,4px,2px,4px")
PATTERNS = (".", "/", "\\", "x", "|", "-")
PALETTE = ("#12436D", "#A285D1", *COLOURS)
"""All colours: the baseline's, that of a visitor's policy on the page, and the others."""
BY_NAME = {
    "baseline": LineStyle(PALETTE[0], "solid", "", 2.5),
    "your-policy": LineStyle(PALETTE[1], "solid", "+", 4.0),
    "prevention-shift": LineStyle(COLOURS[0], DASHES[0], PATTERNS[0], 3.0),
    "salami-slice": LineStyle(COLOURS[1], DASHES[1], PATTERNS[1], 2.5),
    "more-acute": LineStyle(COLOURS[2], DASHES[2], PATTERNS[2], 2.5),
}
"""Styles that never change. Other names get one of the remaining styles by a digest of the name."""


def styles_of(names: Iterable[str]) -> dict[str, LineStyle]:
    """Choose the style of each scenario.

    Parameters
    ----------
    names : iterable of str
        Names of the scenarios of a picture. Of two with one style by digest, the later in the alphabet gets the next.

    Returns
    -------
    dict of str to LineStyle
        By name, in the order of `names`.
    """
    wanted = list(names)
    chosen = {name: BY_NAME[name] for name in wanted if name in BY_NAME}
    for name in sorted(set(wanted) - chosen.keys()):
        colours, dashes = ({getattr(style, part) for style in chosen.values()} for part in ("colour", "dash"))
        free = (style for style in _candidates(name) if style.colour not in colours and style.dash not in dashes)
        chosen[name] = next(free, next(_candidates(name)))
    return {name: chosen[name] for name in wanted}


def _candidates(name: str) -> Iterator[LineStyle]:
    """The style of a name by its digest, then the styles that it gets if another name has that colour or dash."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    reserved = {style.colour for style in BY_NAME.values()}
    colours = [colour for colour in COLOURS if colour not in reserved]
    for step in range(len(colours) * len(DASHES)):
        colour = colours[(start + step) % len(colours)]
        dash = (start // len(colours) + step // len(colours) + step) % len(DASHES)
        yield LineStyle(colour, DASHES[dash], PATTERNS[dash], 2.5)
