"""Drawing of acute demand under several scenarios as a small SVG chart, for README.md."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from sim.results.number_text import MINUS, fixed

if TYPE_CHECKING:
    import pandas as pd

    from sim.results.comparison import Comparison

WIDTH, HEIGHT = 1000, 440
TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
STYLES = (("#12436D", ""), ("#F46A25", "9 5"), ("#28A197", "2 4"), ("#801650", "10 4 2 4"))
"""Colour and dashes of each scenario, the baseline first. The colours are the Analysis Function's categories."""
RUNS, INTERVAL = ("q025", "q975", ".14"), ("ci_low", "ci_high", ".3")
"""Bands: the names of their ends, and their opacity."""


class _Panel:
    """One panel of the chart: years on the x axis, a measure on the y axis."""

    def __init__(self, left: float, right: float, table: pd.DataFrame, bands: Sequence[tuple[str, str, str]]) -> None:
        self.left, self.right, self.top, self.bottom = left, right, 118.0, 370.0
        self.table, self.bands = table, bands
        self.years = int(table["year"].max())
        floor = min(float(table[low].min()) for low, _, _ in bands)
        ceiling = max(float(table[high].max()) for _, high, _ in bands)
        self.step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if (ceiling - floor) / s <= 6)
        self.floor = self.step * (floor // self.step)
        self.ceiling = self.step * -(-ceiling // self.step)

    def x(self, year: float) -> float:
        return self.left + (year - 1) / (self.years - 1) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.floor) / (self.ceiling - self.floor) * (self.bottom - self.top)

    def axes(self, signed: bool) -> list[str]:
        elements = []
        value = self.floor
        while value <= self.ceiling + 1e-9:
            y = self.y(value)
            colour = AXIS if signed and abs(value) < 1e-9 else GRID
            elements.append(f'<path d="M{self.left:.0f} {y:.1f}H{self.right:.0f}" stroke="{colour}"/>')
            number = f"{value:+g}".replace("-", "−") if signed and abs(value) > 1e-9 else f"{value:g}"
            elements.append(f'<text x="{self.left - 7:.0f}" y="{y + 4:.1f}" text-anchor="end">{number}</text>')
            value += self.step
        elements += [
            f'<text x="{self.x(year):.1f}" y="{self.bottom + 20:.0f}" text-anchor="middle">{year}</text>'
            for year in (1, *range(5, self.years + 1, 5))
        ]
        middle = (self.left + self.right) / 2
        elements.append(f'<text x="{middle:.0f}" y="{self.bottom + 40:.0f}" text-anchor="middle">year</text>')
        return elements

    def line(self, name: str, colour: str, dash: str) -> list[str]:
        rows = self.table[self.table["scenario"] == name]

        def points(column: str) -> list[str]:
            return [f"{self.x(y):.1f} {self.y(v):.1f}" for y, v in zip(rows["year"], rows[column], strict=True)]

        bands = [
            f'<path d="M{" L".join(points(high) + points(low)[::-1])}Z" fill="{colour}" opacity="{opacity}"/>'
            for low, high, opacity in self.bands
        ]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        mean = f'<path d="M{" L".join(points("mean"))}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>'
        return [*bands, mean]


def _spread_text(figures: pd.Series[float]) -> str:
    """How much of the standard deviation between runs is chance, and how much is parameters."""
    by_chance, by_parameters = (fixed(figures[name], 1) for name in ("luck_sd", "parameter_sd"))
    return f"SD: chance {by_chance}, parameters {by_parameters}"


def comparison_chart(result: Comparison) -> str:
    """Draw acute demand under each scenario, and its difference from the baseline, as an SVG.

    Parameters
    ----------
    result : Comparison
        A comparison of up to four scenarios; the first is the baseline.

    Returns
    -------
    str
        The SVG document.
    """
    series, headings = result["acute_demand"], result.headings
    levels, changes = series.by_year(), series.difference()
    left, right = _Panel(60, 440, levels, (RUNS,)), _Panel(540, 780, changes, (RUNS, INTERVAL))
    each = "each with parameters of its own" if result.is_drawn else "with the central parameters"
    causes = "chance and parameters" if result.is_drawn else "chance alone"
    runs = f"{result.people:,} people, {len(result.seeds)} runs, {each}: the bands show {causes}"
    caption = f"Illustrative, not a forecast. {runs}."
    left_note = "mean; band: middle 95% of runs; the axis does not start at 0"
    right_note = "mean; light band: middle 95% of runs; dark: 95% interval of the mean"
    difference_title = f"Difference from “{headings[result.baseline]}”"
    title = f"Acute demand in {result.place.label} under four ways of spending"
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="13" '
        f'font-family="system-ui, sans-serif" fill="{AXIS}"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="20" y="32" font-size="20" font-weight="600" fill="{TEXT}">{escape(title)}</text>',
        f'<text x="20" y="54">{escape(caption)}</text>',
        f'<text x="20" y="88" font-weight="600" fill="{TEXT}">{escape(series.unit.capitalize())}</text>',
        f'<text x="20" y="105" font-size="12">{left_note}</text>',
        f'<text x="500" y="88" font-weight="600" fill="{TEXT}">{escape(difference_title)}</text>',
        f'<text x="500" y="105" font-size="12">{right_note}</text>',
        *left.axes(signed=False),
        *right.axes(signed=True),
    ]
    ends = []
    for scenario, (colour, dash) in zip(result.scenarios, STYLES, strict=False):
        elements += left.line(scenario.name, colour, dash)
        if scenario.name != result.baseline:
            elements += right.line(scenario.name, colour, dash)
            final = changes[(changes["scenario"] == scenario.name) & (changes["year"] == right.years)].iloc[0]
            names = ("mean", "ci_low", "ci_high", "q025", "q975")
            mean, low, high, least, most = (fixed(final[k], 1, signed=True, minus=MINUS) for k in names)
            lines = (f"{mean} ({low} to {high})", f"runs: {least} to {most}", _spread_text(final))
            ends.append((right.y(float(final["mean"])), headings[scenario.name], lines))
    label_y = right.top - 45.0
    for y, label, lines in sorted(ends):
        label_y = max(y, label_y + 15.0 * (len(lines) + 1) + 6.0)
        elements.append(f'<text x="790" y="{label_y:.1f}" font-weight="600" fill="{TEXT}">{escape(label)}</text>')
        elements += [
            f'<text x="790" y="{label_y + 15 * (k + 1):.1f}" font-size="12">{line}</text>'
            for k, line in enumerate(lines)
        ]
    key_x = 60.0
    for scenario, (colour, dash) in zip(result.scenarios, STYLES, strict=False):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        elements.append(f'<path d="M{key_x:.0f} 428h26" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        elements.append(f'<text x="{key_x + 32:.0f}" y="432">{escape(headings[scenario.name])}</text>')
        key_x += 50 + 8 * len(headings[scenario.name])
    return "\n".join([*elements, "</svg>\n"])
