"""A panel of a line chart as SVG elements: years on the x axis, a measure with its bands on the y axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

MOST_STEPS = 6
"""Largest number of steps between the grid lines of an axis."""
LONG = 12
"""Years from which not every year has its number."""
RUNS, INTERVAL = ("q025", "q975", ".14"), ("ci_low", "ci_high", ".3")
"""Bands: the names of their ends, and their opacity."""
Bands = Sequence[tuple[str, str, str]]


class Box(NamedTuple):
    """The area of a panel, in the units of the picture."""

    left: float
    right: float
    top: float
    bottom: float


class Colours(NamedTuple):
    """Colours of a chart's text, axes and grid, as SVG writes them."""

    text: str = "#22303c"
    axis: str = "#4f5d69"
    grid: str = "#e3e8ed"


class Axis(NamedTuple):
    """The values of an axis: its ends and the step between its grid lines."""

    floor: float
    ceiling: float
    step: float

    def ticks(self) -> Iterator[float]:
        """Iterate over the values of the grid lines."""
        for k in itertools.count():
            value = self.floor + k * self.step
            if value > self.ceiling + 1e-9 * max(1.0, abs(self.ceiling)):
                return
            yield 0.0 if abs(value) < 1e-9 * self.step else value


def axis(least: float, most: float) -> Axis:
    """Choose the ends and the step of an axis: 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    least, most : float
        Smallest and largest value.

    Returns
    -------
    Axis

    Examples
    --------
    >>> axis(542.0, 671.0), axis(0.0, 0.0)
    (Axis(floor=500.0, ceiling=700.0, step=50.0), Axis(floor=0.0, ceiling=1.0, step=0.2))
    """
    if most <= least:
        most = least + 1.0
    widths = (digit * 10.0**power for power in range(-9, 13) for digit in (1, 2, 5))
    step = next(width for width in widths if (most - least) / width <= MOST_STEPS)
    step = round(step, 9)
    return Axis(round(step * (least // step), 9), round(step * -(-most // step), 9), step)


class Panel:
    """A panel of a chart.

    Parameters
    ----------
    box : Box
        Its area.
    table : pandas.DataFrame
        `scenario`, `year`, `mean` and the ends of the bands.
    bands : sequence of tuple
        The bands that are drawn.
    colours : Colours
        Colours of axes and grid.
    """

    def __init__(self, box: Box, table: pd.DataFrame, bands: Bands, colours: Colours) -> None:
        self.box, self.table, self.bands, self.colours = box, table, bands, colours
        self.years = int(table["year"].max())
        ends = [name for low, high, _ in bands for name in (low, high)] or ["mean"]
        values = table[ends].astype(float)
        self.axis = axis(float(values.min().min()), float(values.max().max()))

    def x(self, year: float) -> float:
        """Return the place of a year."""
        share = (year - 1) / (self.years - 1) if self.years > 1 else 0.5
        return self.box.left + share * (self.box.right - self.box.left)

    def y(self, value: float) -> float:
        """Return the place of a value."""
        share = (value - self.axis.floor) / (self.axis.ceiling - self.axis.floor)
        return self.box.bottom - share * (self.box.bottom - self.box.top)

    def axes(self, *, signed: bool) -> list[str]:
        """Draw the grid with its numbers, and the years."""
        box, elements = self.box, []
        for value in self.axis.ticks():
            y = self.y(value)
            colour = self.colours.axis if signed and value == 0.0 else self.colours.grid
            elements.append(f'<path d="M{box.left:.0f} {y:.1f}H{box.right:.0f}" stroke="{colour}"/>')
            number = f"{value:+,g}".replace("-", "−") if signed and value else f"{value:,g}"
            elements.append(f'<text x="{box.left - 7:.0f}" y="{y + 4:.1f}" text-anchor="end">{number}</text>')
        years = range(1, self.years + 1) if self.years < LONG else (1, *range(5, self.years + 1, 5))
        elements += [
            f'<text x="{self.x(year):.1f}" y="{box.bottom + 20:.0f}" text-anchor="middle">{year}</text>'
            for year in years
        ]
        middle = (box.left + box.right) / 2
        elements.append(f'<text x="{middle:.0f}" y="{box.bottom + 40:.0f}" text-anchor="middle">year</text>')
        return elements

    def line(self, name: str, colour: str, dash: str) -> list[str]:
        """Draw the bands and the mean of a scenario; a single year as a point."""
        rows = self.table[self.table["scenario"] == name]

        def points(column: str) -> list[str]:
            return [f"{self.x(y):.1f} {self.y(v):.1f}" for y, v in zip(rows["year"], rows[column], strict=True)]

        elements = [
            f'<path d="M{" L".join(points(high) + points(low)[::-1])}Z" fill="{colour}" opacity="{opacity}"/>'
            for low, high, opacity in self.bands
        ]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        elements.append(
            f'<path d="M{" L".join(points("mean"))}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>'
        )
        if len(rows) == 1:
            x, y = points("mean")[0].split()
            elements.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>')
        return elements
