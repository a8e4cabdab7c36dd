"""Drawing of acute demand under several scenarios as a small SVG chart, for README.md."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sim.results.number_text import MINUS, fixed
from sim.results.scenario_styles import styles_of
from sim.results.svg_panel import INTERVAL, RUNS, Box, Colours, Panel

if TYPE_CHECKING:
    import pandas as pd

    from sim.results.comparison import Comparison

WIDTH, HEIGHT = 1000, 440
COLOURS = Colours()
TEXT, AXIS = COLOURS.text, COLOURS.axis
TOP, BOTTOM = 118.0, 370.0


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
    left = Panel(Box(60, 440, TOP, BOTTOM), levels, (RUNS,), COLOURS)
    right = Panel(Box(540, 780, TOP, BOTTOM), changes, (RUNS, INTERVAL), COLOURS)
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
    looks = styles_of([scenario.name for scenario in result.scenarios])
    for scenario in result.scenarios:
        colour, dash = looks[scenario.name].colour, looks[scenario.name].svg_dash
        elements += left.line(scenario.name, colour, dash)
        if scenario.name != result.baseline:
            elements += right.line(scenario.name, colour, dash)
            final = changes[(changes["scenario"] == scenario.name) & (changes["year"] == right.years)].iloc[0]
            names = ("mean", "ci_low", "ci_high", "q025", "q975")
            mean, low, high, least, most = (fixed(final[k], 1, signed=True, minus=MINUS) for k in names)
            lines = (f"{mean} ({low} to {high})", f"runs: {least} to {most}", _spread_text(final))
            ends.append((right.y(float(final["mean"])), headings[scenario.name], lines))
    label_y = right.box.top - 45.0
    for y, label, lines in sorted(ends):
        label_y = max(y, label_y + 15.0 * (len(lines) + 1) + 6.0)
        elements.append(f'<text x="790" y="{label_y:.1f}" font-weight="600" fill="{TEXT}">{escape(label)}</text>')
        elements += [
            f'<text x="790" y="{label_y + 15 * (k + 1):.1f}" font-size="12">{line}</text>'
            for k, line in enumerate(lines)
        ]
    key_x = 60.0
    for scenario in result.scenarios:
        colour, dash = looks[scenario.name].colour, looks[scenario.name].svg_dash
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        elements.append(f'<path d="M{key_x:.0f} 428h26" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        elements.append(f'<text x="{key_x + 32:.0f}" y="432">{escape(headings[scenario.name])}</text>')
        key_x += 50 + 8 * len(headings[scenario.name])
    return "\n".join([*elements, "</svg>\n"])
