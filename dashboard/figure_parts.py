"""Parts that figures share: lines, bands, bars with whiskers, axes that count years, and the common layout."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from dashboard.horizon import answer_year
from dashboard.model import BASELINE, YOURS, Document
from sim.results.number_text import MINUS, is_share, number_text, shown_unit
from sim.results.scenario_styles import BY_NAME, LineStyle

HOVER = "%{customdata[0]}%{customdata[1]}<br>runs %{customdata[2]}"
"""Text of a point: mean, interval of the mean and middle 95% of runs, written by `_hover`."""
PALE, DARK = 0.12, 0.38
"""Opacity of the bands."""

BASELINE_LOOK = BY_NAME[BASELINE]
TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


def blank() -> go.Figure:
    """A figure without Plotly's default template, which is 7 kB of unused colours."""
    return go.Figure(layout={"template": go.layout.Template()})


class Points(NamedTuple):
    """A line's times and means, with the ends of the CI of the mean and of the middle 95% of runs."""

    x: list[Any]
    mean: list[float]
    low: list[float]
    high: list[float]
    run_low: list[float]
    run_high: list[float]

    @property
    def has_interval(self) -> bool:
        """Whether the mean has a CI: levels by month, and results of one run, have none."""
        return not all(math.isnan(end) for end in self.low)

    def figures(self) -> Iterator[tuple[float, ...]]:
        """Mean, CI and middle 95% of runs of each point."""
        return zip(self.mean, self.low, self.high, self.run_low, self.run_high, strict=True)


def monthly(document: Document, record: dict[str, Any]) -> Points:
    """A record by month, at yearly rates; its mean has no CI."""
    none = [math.nan] * len(document["months"])
    return Points(document["months"], record["mean"], none, none, record["q025"], record["q975"])


def yearly(rows: Sequence[Mapping[str, Any]], scale: float = 1.0) -> Points:
    """Rows by year."""

    def column(key: str) -> list[float]:
        return [math.nan if row.get(key) is None else scale * row[key] for row in rows]

    years = [row.get("year") for row in rows]
    return Points(years, column("mean"), column("ci_low"), column("ci_high"), column("q025"), column("q975"))


def bars(
    last: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    name: str,
    document: Document,
    look: LineStyle,
    decimals: int,
) -> list[go.Bar]:
    """One scenario's differences as horizontal bars, because labels are long and phones narrow.

    A thin whisker is the middle 95% of runs. A thick one is the CI of the mean; it belongs to an empty bar in the same
    place, because a bar has one whisker.
    """
    points = yearly(last)
    common = {"orientation": "h", "y": list(labels), "meta": name, "offsetgroup": name, "legendgroup": name}
    bars = [
        go.Bar(
            **common,
            x=points.mean,
            name=plain_label(document, name),
            marker={
                "color": look.colour,
                "pattern": {
                    "shape": look.pattern,
                    "fillmode": "overlay",
                    "fgcolor": "white",
                    "size": 7,
                    "solidity": 0.2,
                },
            },
            error_x=_whisker(points.mean, points.run_low, points.run_high, thickness=1.5, width=4),
            customdata=[_hover(figures, "", decimals, signed=True) for figures in points.figures()],
            hovertemplate=HOVER,
        )
    ]
    if points.has_interval:
        whisker = _whisker(points.mean, points.low, points.high, thickness=5, width=0)
        bars.append(
            go.Bar(
                **common,
                x=points.mean,
                marker={"color": "rgba(0,0,0,0)"},
                error_x=whisker,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    return bars


def _whisker(
    mean: Sequence[float], low: Sequence[float], high: Sequence[float], *, thickness: float, width: float
) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [end - middle for middle, end in zip(mean, high, strict=True)],
        "arrayminus": [middle - end for middle, end in zip(mean, low, strict=True)],
        "color": TEXT,
        "thickness": thickness,
        "width": width,
    }


def set_horizontal(figure: go.Figure, labels: Sequence[str], title: str) -> None:
    """Set the layout of horizontal bars. Plotly orders bars from below; reversed, the first is at the top."""
    figure.update_layout(barmode="group", bargap=0.25, hovermode="y unified", legend_traceorder="reversed")
    figure.update_yaxes(showgrid=False, nticks=0, categoryorder="array", categoryarray=list(labels)[::-1])
    figure.update_xaxes(title_text=wrapped(title, 30), tickformat=",~g", showgrid=True, gridcolor=GRID)


def line(
    points: Points, name: str, document: Document, look: LineStyle, metric: str, signed: bool = False
) -> go.Scatter:
    """One scenario's line, which is of differences if `signed`; differences of shares are in percentage points."""
    record = document["scenarios"][document["baseline"]][metric]
    decimals = record["decimals"]
    if signed and is_share(record["unit"]):
        decimals = max(decimals - 2, 1)
    unit = "" if signed else record["unit"]
    return go.Scatter(
        x=list(points.x),
        y=list(points.mean),
        name=plain_label(document, name),
        meta=name,
        legendgroup=name,
        mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": look.width},
        customdata=[_hover(figures, unit, decimals, signed=signed) for figures in points.figures()],
        hovertemplate=HOVER,
    )


def _hover(figures: tuple[float, ...], unit: str, decimals: int, *, signed: bool) -> list[str]:
    """Mean, CI and range of runs as the tables have them: Plotly's own formats write '−0.0', and '%' for points."""
    mean, low, high, run_low, run_high = (
        number_text(value, unit, decimals, signed=signed, minus=MINUS, missing="none") for value in figures
    )
    interval_text = "" if math.isnan(figures[1]) else f" ({low} to {high})"
    return [mean, interval_text, f"{run_low} to {run_high}"]


def band(
    x: Sequence[Any], low: Sequence[float], high: Sequence[float], name: str, look: LineStyle, opacity: float
) -> go.Scatter:
    """A filled polygon along the upper edge and back along the lower edge."""
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        meta=name,
        legendgroup=name,
        mode="lines",
        fill="toself",
        fillcolor=_faint(look.colour, opacity),
        line={"width": 0, "color": look.colour},
        hoverinfo="skip",
        showlegend=False,
    )


def bands_note(text: str, opacity: float) -> go.Scatter:
    """An entry of the legend that explains the bands; it draws nothing."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=text,
        mode="markers",
        marker={"symbol": "square", "size": 14, "color": "#dfe4e9" if opacity == PALE else "#9aa5b0"},
        hoverinfo="skip",
        legendrank=2000,
    )


def set_layout(figure: go.Figure, title: str, compact: bool) -> None:
    """Set the layout that all figures share: white background, light grid, legend above, no dragging."""
    figure.update_layout(
        title={"text": wrapped(title, 60 if compact else 95), "font": {"size": 16, "color": TEXT}, "x": 0.0},
        font={"family": FONT, "size": 14, "color": AXIS},
        paper_bgcolor="white",
        plot_bgcolor="white",
        margin={"l": 10, "r": 14, "t": 60 if title else 12, "b": 10},
        hovermode="x unified",
        hoverlabel={"font": {"size": 14, "family": FONT}},
        dragmode=False,
        showlegend=not compact,
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "xanchor": "left",
            "x": 0.0,
            "font": {"size": 14, "color": TEXT},
            "itemdoubleclick": False,
        },
        uirevision="upstream",
        modebar={"bgcolor": "rgba(255,255,255,0.8)", "color": AXIS, "orientation": "h"},
    )
    figure.update_xaxes(
        showgrid=False,
        linecolor=GRID,
        ticks="outside",
        tickcolor=GRID,
        fixedrange=True,
        automargin=True,
        zeroline=False,
        title_font_size=14,
    )
    figure.update_yaxes(title_font_size=14)
    figure.update_yaxes(gridcolor=GRID, fixedrange=True, automargin=True, zeroline=False, nticks=5 if compact else 7)


def plain_label(document: Document, name: str) -> str:
    """A scenario's label in legends."""
    if name == YOURS:
        return "Your policy"
    return str(document.get("labels", {}).get(name, name))


def axis(unit: str) -> str:
    """The title of a vertical axis."""
    return wrapped(shown_unit(unit), 24)


def _year_axis(document: Document) -> str:
    year, month = (int(part) for part in document["months"][0].split("-"))
    return f"year (year 1 begins in {calendar.month_name[month]} {year})"


def _year_ticks(document: Document) -> list[int]:
    """The years with a label: every year of a short run, else every second or fifth."""
    years = len(document["years"])
    step = 1 if years <= 10 else 2 if years <= 14 else 5
    return [year for year in document["years"] if year % step == 0]


def set_years(figure: go.Figure, document: Document, *, monthly: bool = False, compact: bool = False) -> None:
    """Count years on the axis, by year and by month alike, and mark the year of the answer if it is not the last."""
    ticks = _year_ticks(document)

    def place(year: int) -> Any:
        return document["months"][12 * (year - 1) + 6] if monthly else year  # the middle of the year

    figure.update_xaxes(
        title_text=None if compact else _year_axis(document),
        type="date" if monthly else "linear",
        tickmode="array",
        tickvals=[place(year) for year in ticks],
        ticktext=[str(year) for year in ticks],
        unifiedhovertitle_text="%{x|%B %Y}" if monthly else "year %{x}",
    )
    year = answer_year(document)
    if year != document["years"][-1]:
        figure.add_shape(
            type="line", x0=place(year), x1=place(year), y0=0, y1=1, yref="paper",
            line={"color": AXIS, "width": 1.5, "dash": "2px,4px"},
        )  # fmt: skip


def wrapped(text: str, width: int) -> str:
    """The text broken into lines with `<br>`, as Plotly requires."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def _faint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
