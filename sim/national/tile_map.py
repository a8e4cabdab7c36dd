"""A tile map: one square of equal size for each authority, as SVG that needs nothing else.

The project has no positions of authorities. So tiles are in blocks by region, in the order of the published table, and
in each block from the most to the least deprived authority; the picture says so.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from html import escape

from sim.national.planning import AuthorityPlan
from sim.results.number_text import fixed

TILE, SPACE, MARGIN, HEAD, FOOT = 22, 2, 24, 78, 104
ROWS = 5
"""Rows of tiles in a block."""
WIDTH = 920
LESS, NONE, MORE = (0, 95, 115), (238, 238, 235), (174, 75, 20)
"""Colours of the ends and the middle of the scale; distinct for every kind of colour vision, and in grey."""
POSITIONS = (
    "One square is one authority. Squares are not at geographic positions: they stand in blocks by region, in each "
    "from the most deprived (top left, downwards) to the least deprived authority."
)
OUTLINE = "A dark outline: the 95% interval excludes 0. Of {number} such intervals {wrong} would do so by chance alone."
WRONG = 0.05
LETTER = 9.5
"""Width of a letter of the name of a region."""
KEY_STEPS = 9


def layout(authorities: Sequence[AuthorityPlan]) -> tuple[dict[str, tuple[int, int]], list[tuple[str, int, int]], int]:
    """Positions of tiles and of the names of regions.

    Parameters
    ----------
    authorities : sequence of AuthorityPlan
        The authorities, region by region.

    Returns
    -------
    tiles : dict of str to (int, int)
        Left and top of the square of each authority, by code.
    names : list of (str, int, int)
        Name of each region, left and baseline.
    bottom : int
        Lowest edge.
    """
    blocks: dict[str, list[AuthorityPlan]] = {}
    for authority in authorities:
        blocks.setdefault(authority.region, []).append(authority)
    tiles, names = {}, []
    step = TILE + SPACE
    left, top = MARGIN, HEAD
    for region, members in blocks.items():
        across = max(math.ceil(len(members) / ROWS), math.ceil(len(region) * LETTER / step))
        if left + across * step > WIDTH - MARGIN and left > MARGIN:
            left, top = MARGIN, top + ROWS * step + 44
        names.append((region, left, top + 12))
        for k, authority in enumerate(sorted(members, key=lambda a: (a.tenth, a.code))):
            tiles[authority.code] = left + (k // ROWS) * step, top + 20 + (k % ROWS) * step
        left += across * step + step
    return tiles, names, top + 20 + ROWS * step


def svg(
    authorities: Sequence[AuthorityPlan],
    values: Mapping[str, float],
    title: str,
    notes: Sequence[str] = (),
    certain: Collection[str] | None = None,
) -> str:
    """Draw the tile map.

    Parameters
    ----------
    authorities : sequence of AuthorityPlan
        The authorities.
    values : mapping of str to float
        Difference of each authority in points of the index of acute demand, by code.
    title : str
        The title.
    notes : sequence of str
        Sentences below the map.
    certain : collection of str, optional
        Codes of authorities whose interval excludes 0; None if there are no intervals.

    Returns
    -------
    str
        An SVG document.
    """
    tiles, names, bottom = layout(authorities)
    most = max((abs(values[code]) for code in tiles if math.isfinite(values[code])), default=0.0) or 1.0
    by_code = {authority.code: authority for authority in authorities}
    outline = OUTLINE.format(number=len(tiles), wrong=max(1, round(WRONG * len(tiles))))
    lines = [POSITIONS, *([] if certain is None else [outline]), *notes]
    wrapped = [part for line in lines for part in _wrapped(line)]
    height = bottom + FOOT + 16 * len(wrapped)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title" font-family="system-ui, sans-serif" fill="#22303c">',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{MARGIN}" y="34" font-size="19" font-weight="600">{escape(title)}</text>',
        f'<text x="{MARGIN}" y="56" font-size="13">Points of the index of acute demand per person (all authorities, '
        "baseline, year 1 = 100)</text>",
    ]
    out += [f'<text x="{x}" y="{y}" font-size="13" font-weight="600">{escape(name)}</text>' for name, x, y in names]
    for code, (x, y) in tiles.items():
        authority, value = by_code[code], values[code]
        text = f"{authority.name}: {value:+.1f} points; fifth {authority.tier} by deprivation; {authority.region}"
        edge = ' stroke="#22303c" stroke-width="2"' if code in (certain or ()) else ""
        out.append(
            f'<rect x="{x}" y="{y}" width="{TILE}" height="{TILE}" rx="3" fill="{colour(value / most)}"{edge}>'
            f"<title>{escape(text)}</title></rect>"
        )
        out.append(
            f'<text x="{x + TILE / 2}" y="{y + 14}" font-size="8" text-anchor="middle" pointer-events="none" '
            f'fill="{"#ffffff" if abs(value / most) > 0.55 else "#22303c"}">{escape(_short(authority.name))}</text>'
        )
    top = bottom + 26
    for k in range(KEY_STEPS):
        share = 2.0 * k / (KEY_STEPS - 1) - 1.0
        x = MARGIN + k * 44
        out.append(f'<rect x="{x}" y="{top}" width="44" height="14" fill="{colour(share)}"/>')
        if k % 2 == 0:
            text = fixed(share * most, 1, signed=True)
            out.append(f'<text x="{x + 22}" y="{top + 30}" font-size="12" text-anchor="middle">{text}</text>')
    for k, line in enumerate(wrapped):
        out.append(f'<text x="{MARGIN}" y="{top + 58 + 16 * k}" font-size="12">{escape(line)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def colour(share: float) -> str:
    """The colour of a share of the largest difference, -1 (less demand) to 1 (more)."""
    if not math.isfinite(share):
        return "#ffffff"
    end = MORE if share > 0 else LESS
    mixed = (round(n + (e - n) * min(1.0, abs(share))) for n, e in zip(NONE, end, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _short(name: str) -> str:
    """The first four letters of a name, by which a reader finds a tile; its full name is in its tooltip."""
    return "".join(c for c in name if c.isalpha())[:4]


def _wrapped(text: str, longest: int = 132) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > longest:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]
