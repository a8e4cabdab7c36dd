"""The style of each scenario of a document, and the picture of its line."""

from __future__ import annotations

from urllib.parse import quote

from dashboard.model import Document
from sim.results.scenario_styles import LineStyle, styles_of

SWATCH_WIDTH, SWATCH_HEIGHT = 44, 12


def styles(document: Document) -> dict[str, LineStyle]:
    """The style of each scenario of a document."""
    return styles_of(document["scenarios"])


def swatch_address(look: LineStyle) -> str:
    """A picture of a scenario's line, as the address of an image, for keys and cards."""
    dashes = f' stroke-dasharray="{look.svg_dash}"' if look.svg_dash else ""
    middle = SWATCH_HEIGHT / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SWATCH_WIDTH}" height="{SWATCH_HEIGHT}">'
        f'<line x1="0" y1="{middle}" x2="{SWATCH_WIDTH}" y2="{middle}" stroke="{look.colour}" '
        f'stroke-width="{look.width + 1}"{dashes}/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
