"""Charts of a report as inline SVG, each with a text alternative. Colours are CSS variables: light or dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from sim.results.number_text import MINUS, difference_unit, fixed, number_text, shown_unit
from sim.results.scenario_styles import PALETTE, styles_of
from sim.results.svg_panel import INTERVAL, RUNS, Box, Colours, Panel, axis

if TYPE_CHECKING:
    from sim.results.comparison import Comparison
    from sim.results.metric_types import Metric

WIDTH, HEIGHT = 720, 330
COLOURS = Colours("var(--ink)", "var(--soft)", "var(--line)")
BAR_LABELS, BAR_LINE, BAR_SPACE = 250, 26, 14
"""Width of the labels of bars, height of a bar with its space, and space between groups."""


class ScenarioStyle(NamedTuple):
    """Line of a scenario in every chart."""

    label: str
    colour: str
    dash: str


class Chart(NamedTuple):
    """A chart with its text alternative."""

    title: str
    svg: Markup
    alternative: str
    is_change: bool = False


class ChartBar(NamedTuple):
    """A difference as a bar, with the ends of its interval and of the middle 95% of runs."""

    group: str
    scenario: str
    mean: float
    interval: tuple[float, float] | None
    runs: tuple[float, float]


def styles(result: Comparison) -> dict[str, ScenarioStyle]:
    """Choose the line of each scenario.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    dict of str to ScenarioStyle
        By name.
    """
    return {
        name: ScenarioStyle(result.headings[name], f"var(--series-{PALETTE.index(look.colour)})", look.svg_dash)
        for name, look in styles_of(result.headings).items()
    }


def line_chart(result: Comparison, measure: Metric, *, change: bool) -> Chart:
    """Draw a measure by year: the level of each scenario, or each difference from the baseline.

    Parameters
    ----------
    result : Comparison
        The comparison.
    measure : Metric
        The measure.
    change : bool
        Whether differences are drawn.

    Returns
    -------
    Chart
    """
    series = result[measure.name]
    table = series.difference() if change else series.by_year()
    has_interval = not table["ci_low"].isna().any()
    bands = (RUNS, INTERVAL) if change and has_interval else (RUNS,)
    panel = Panel(Box(70, WIDTH - 14, 16, HEIGHT - 50), table, bands, COLOURS)
    looks = styles(result)
    names = result.names[1:] if change else result.names
    elements = panel.axes(signed=change)
    for name in names:
        elements += panel.line(name, looks[name].colour, looks[name].dash)
    unit = difference_unit(measure.unit) if change else shown_unit(measure.unit)
    drawn = "difference from the baseline" if change else "level"
    texts = []
    for name in names:
        rows = table[table["scenario"] == name]
        first, last = (
            number_text(float(value), measure.unit, measure.decimals, signed=change, minus=MINUS)
            for value in (rows["mean"].iloc[0], rows["mean"].iloc[-1])
        )
        texts.append(f"{looks[name].label}: {first} in year 1, {last} in year {panel.years}")
    title = f"{measure.label}: {drawn}"
    alternative = f"{title}, {unit}. {'; '.join(texts)}."
    return Chart(title, _svg(elements, HEIGHT, title), alternative, is_change=change)


def bar_chart(title: str, unit: str, bars: Sequence[ChartBar], looks: Mapping[str, ScenarioStyle]) -> Chart:
    """Draw differences as horizontal bars: thick whiskers are intervals of means, thin ones the middle 95% of runs.

    Parameters
    ----------
    title : str
        Title.
    unit : str
        Unit of the differences.
    bars : sequence of ChartBar
        The differences, those of a group together.
    looks : mapping of str to ScenarioStyle
        Lines of the scenarios.

    Returns
    -------
    Chart
    """
    ends = [0.0, *(end for bar in bars for end in (bar.mean, *bar.runs, *(bar.interval or ())))]
    scale = axis(min(ends), max(ends))
    right = WIDTH - 20

    def x(value: float) -> float:
        return BAR_LABELS + (value - scale.floor) / (scale.ceiling - scale.floor) * (right - BAR_LABELS)

    elements, texts, y, group = [], [], 8, ""
    for bar in bars:
        if bar.group != group:
            y += BAR_SPACE
            elements.append(f'<text x="0" y="{y + 12}" font-weight="600">{escape(bar.group)}</text>')
            y, group = y + 20, bar.group
        look, middle = looks[bar.scenario], y + BAR_LINE / 2
        left, width = min(x(0.0), x(bar.mean)), abs(x(bar.mean) - x(0.0))
        elements.append(f'<text x="14" y="{middle + 4:.0f}">{escape(look.label)}</text>')
        elements.append(
            f'<rect x="{left:.1f}" y="{y + 4}" width="{width:.1f}" height="{BAR_LINE - 8}" fill="{look.colour}"/>'
        )
        whiskers = [(bar.runs, 1.5)] if bar.interval is None else [(bar.runs, 1.5), (bar.interval, 5.0)]
        for (low, high), thickness in whiskers:
            path = f"M{x(low):.1f} {middle:.0f}H{x(high):.1f}"
            elements.append(f'<path d="{path}" stroke="{COLOURS.text}" stroke-width="{thickness}"/>')
        texts.append(f"{bar.group}, {look.label}: {_rounded(bar.mean)}")
        y += BAR_LINE
    grid = []
    for value in scale.ticks():
        colour = COLOURS.axis if value == 0.0 else COLOURS.grid
        grid.append(f'<path d="M{x(value):.1f} 12V{y + 4}" stroke="{colour}"/>')
        number = f"{value:+,g}".replace("-", MINUS) if value else "0"
        elements.append(f'<text x="{x(value):.1f}" y="{y + 20}" text-anchor="middle">{number}</text>')
    return Chart(title, _svg([*grid, *elements], y + 30, title), f"{title}, {unit}. {'; '.join(texts)}.")


def key(looks: Mapping[str, ScenarioStyle], names: Sequence[str]) -> list[tuple[str, Markup]]:
    """Draw the line of each scenario for a key: label and picture."""
    return [
        (
            looks[name].label,
            Markup(
                '<svg viewBox="0 0 36 10" width="36" height="10" aria-hidden="true"><path d="M0 5H36" fill="none" '
                'stroke="{}" stroke-width="3" stroke-dasharray="{}"/></svg>'
            ).format(looks[name].colour, looks[name].dash or "none"),
        )
        for name in names
    ]


def _rounded(value: float) -> str:
    return fixed(value, 0 if abs(value) >= 100.0 else 1 if abs(value) >= 1.0 else 3, signed=True, minus=MINUS)


def _svg(elements: Sequence[str], height: float, title: str) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}" font-size="13" fill="{}">').format(
        WIDTH, height, title, COLOURS.axis
    )
    return head + Markup("\n".join(elements)) + Markup("</svg>")  # texts in the elements are escaped where they enter
