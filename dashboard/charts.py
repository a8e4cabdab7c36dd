"""Charts as pure functions: each makes a Plotly figure of a comparison's document. The title states the finding.

Each policy has the colour, the dash and the pattern that belong to its name (styles.py). Pale bands are the middle 95% of runs. Charts of differences also
have dark bands, the 95% CI of the mean. Charts of levels have none: the policies of a run share its parameters, so the
CIs of two levels overlap even if the difference is clear.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from dash import dcc

from dashboard.findings import (
    MEAN,
    MEAN_SHORT,
    RUNS,
    capital,
    direction,
    excludes_zero,
    figure_decimals,
    figure_text,
    finding,
    focus,
    gains,
    interval,
    is_or_are,
    metric_label,
    scenario_label,
)
from dashboard.horizon import answer_row, answer_year
from dashboard.lever_settings import FIFTH_LABELS
from dashboard.model import BASELINE, YOURS, Document
from dashboard.styles import BY_NAME, Style, styles
from sim.results.number_text import MINUS, difference_unit, is_share, number_text, shown_unit

BANDS = f"pale band: {RUNS}"
MEAN_BANDS = f"dark band: {MEAN}"
HOVER = "%{customdata[0]}%{customdata[1]}<br>runs %{customdata[2]}"
"""Text of a point: mean, interval of the mean and middle 95% of runs, written by `_hover`."""
PALE, DARK = 0.12, 0.38
"""Opacity of the bands."""

BASELINE_LOOK = BY_NAME[BASELINE]
TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


# --- figures -------------------------------------------------------------------------------------------------------


def over_time(
    document: Document, metric: str, *, monthly: bool = False, compact: bool = False, title: str = ""
) -> go.Figure:
    """One measure under every scenario with its bands, by year, or by month at yearly rates.

    The title is the finding, unless `title` replaces it.
    """
    figure = _blank()
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    looks = styles(document)
    series = {}
    for name, metrics in document["scenarios"].items():
        record = metrics[metric]
        series[name] = _monthly(document, record) if monthly else _yearly(record["by_year"])
    for name, points in series.items():
        figure.add_trace(_band(points.x, points.run_low, points.run_high, name, looks[name], PALE))
    for name, points in series.items():
        figure.add_trace(_line(points, name, document, looks[name], metric))
    figure.add_trace(_bands_note(BANDS, PALE))
    _set_layout(figure, title or finding(document, metric), compact)
    figure.update_yaxes(title_text=None if compact else _axis(unit), tickformat="~%" if is_share(unit) else ",~g")
    _set_years(figure, document, monthly=monthly, compact=compact)
    return figure


def difference(document: Document, metric: str) -> go.Figure:
    """The difference of each scenario from the baseline, paired by run, with both bands.

    The baseline is the line at 0.
    """
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    scale = 100.0 if is_share(unit) else 1.0  # percentage points
    base = document["baseline"]
    series = {name: _yearly(metrics[metric]["by_year"], scale) for name, metrics in document["differences"].items()}
    for name, points in series.items():
        figure.add_trace(_band(points.x, points.run_low, points.run_high, name, looks[name], PALE))
    for name, points in series.items():
        if points.has_interval:
            figure.add_trace(_band(points.x, points.low, points.high, name, looks[name], DARK))
    zeros = [0.0] * len(document["years"])
    figure.add_trace(
        _line(Points(document["years"], zeros, zeros, zeros, zeros, zeros), base, document, looks[base], metric, True)
    )
    for name, points in series.items():
        figure.add_trace(_line(points, name, document, looks[name], metric, True))
    figure.add_trace(_bands_note(BANDS, PALE))
    if any(points.has_interval for points in series.values()):
        figure.add_trace(_bands_note(MEAN_BANDS, DARK))
    _set_layout(figure, _difference_title(document, metric), compact=False)
    figure.update_yaxes(title_text=_axis(difference_unit(unit)), tickformat=",~g")
    _set_years(figure, document)
    return figure


def spend_difference(document: Document, metrics: Sequence[str]) -> go.Figure:
    """Spending by kind in the year of the answer: differences from the baseline with intervals."""
    figure = _blank()
    looks = styles(document)
    base = document["scenarios"][document["baseline"]]
    unit = base[metrics[0]]["unit"]
    labels = [_wrapped(metric_label(document, metric), 11) for metric in metrics]
    for name, records in reversed(document["differences"].items()):
        last = [answer_row(document, records[metric]) for metric in metrics]
        figure.add_traces(_bars(last, labels, name, document, looks[name], metrics[0]))
    figure.add_vline(x=0.0, line={"color": BASELINE_LOOK.colour, "width": 2.5})
    _set_layout(figure, _spend_title(document, metrics), compact=False)
    _set_horizontal(figure, labels, unit)
    return figure


def by_fifth(document: Document, metric: str) -> go.Figure:
    """One measure in the year of the answer: differences from the baseline by deprivation fifth, with intervals."""
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    labels = [_wrapped(capital(label), 16) for label in FIFTH_LABELS]
    for name, records in reversed(document["differences"].items()):
        groups = records[metric].get("groups", {}).get("quintile", {})
        last = [answer_row(document, groups[key]) for key in sorted(groups)]
        if last:
            figure.add_traces(_bars(last, labels, name, document, looks[name], metric))
    figure.add_vline(x=0.0, line={"color": BASELINE_LOOK.colour, "width": 2.5})
    _set_layout(figure, gains(document, metric), compact=False)
    _set_horizontal(figure, labels, unit)
    return figure


def empty(text: str = "The first results will appear here.") -> go.Figure:
    """A placeholder until the first results are available."""
    figure = _blank()
    _set_layout(figure, "", compact=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=text, showarrow=False, font={"size": 16, "color": AXIS}, xref="paper", yref="paper")
    return figure


def split_title(figure: go.Figure) -> tuple[str, go.Figure]:
    """A figure's title as text, for a heading on the page, and the figure without its title."""
    title = " ".join((figure.layout.title.text or "").replace("<br>", " ").split())
    bare = go.Figure(figure)
    bare.layout.title = None
    bare.update_layout(margin_t=12)
    return title, bare


def graph(id: Any, figure: go.Figure | None = None, *, buttons: bool = True) -> dcc.Graph:
    """The component of every chart: no cloud service, no logo, at most a button to save the picture."""
    return dcc.Graph(
        id=id,
        figure=figure if figure is not None else empty(),
        responsive=True,
        style={"height": "100%"},  # of its frame, which is taller on a phone
        config={
            "showSendToCloud": False,
            "plotlyServerURL": "",
            "displaylogo": False,
            "displayModeBar": "hover" if buttons else False,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "upstream"},
            "scrollZoom": False,
            "doubleClick": False,
            "showTips": False,
        },
    )


# --- parts of figures ----------------------------------------------------------------------------------------------


def _blank() -> go.Figure:
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


def _monthly(document: Document, record: dict[str, Any]) -> Points:
    none = [math.nan] * len(document["months"])
    return Points(document["months"], record["mean"], none, none, record["q025"], record["q975"])


def _yearly(rows: Sequence[dict[str, Any]], scale: float = 1.0) -> Points:
    def column(key: str) -> list[float]:
        return [math.nan if row.get(key) is None else scale * row[key] for row in rows]

    years = [row["year"] for row in rows]
    return Points(years, column("mean"), column("ci_low"), column("ci_high"), column("q025"), column("q975"))


def _bars(
    last: Sequence[dict[str, Any]], labels: Sequence[str], name: str, document: Document, look: Style, metric: str
) -> list[go.Bar]:
    """One scenario's differences as horizontal bars, because labels are long and phones narrow.

    A thin whisker is the middle 95% of runs. A thick one is the CI of the mean; it belongs to an empty bar in the same
    place, because a bar has one whisker.
    """
    points = _yearly(last)
    common = {"orientation": "h", "y": list(labels), "meta": name, "offsetgroup": name, "legendgroup": name}
    bars = [
        go.Bar(
            **common,
            x=points.mean,
            name=_plain_label(document, name),
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
            customdata=[_hover(figures, document, metric, signed=True) for figures in points.figures()],
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


def _set_horizontal(figure: go.Figure, labels: Sequence[str], title: str) -> None:
    """Set the layout of horizontal bars. Plotly orders bars from below; reversed, the first is at the top."""
    figure.update_layout(barmode="group", bargap=0.25, hovermode="y unified", legend_traceorder="reversed")
    figure.update_yaxes(showgrid=False, nticks=0, categoryorder="array", categoryarray=list(labels)[::-1])
    figure.update_xaxes(title_text=_wrapped(title, 30), tickformat=",~g", showgrid=True, gridcolor=GRID)


def _line(points: Points, name: str, document: Document, look: Style, metric: str, signed: bool = False) -> go.Scatter:
    return go.Scatter(
        x=list(points.x),
        y=list(points.mean),
        name=_plain_label(document, name),
        meta=name,
        legendgroup=name,
        mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": look.width},
        customdata=[_hover(figures, document, metric, signed=signed) for figures in points.figures()],
        hovertemplate=HOVER,
    )


def _hover(figures: tuple[float, ...], document: Document, metric: str, *, signed: bool) -> list[str]:
    """Mean, CI and range of runs as the tables have them: Plotly's own formats write '−0.0', and '%' for points."""
    record = document["scenarios"][document["baseline"]][metric]
    unit, scale = record["unit"], 0.01 if signed and is_share(record["unit"]) else 1.0  # lines are in points
    mean, low, high, run_low, run_high = (
        number_text(scale * value, unit, record["decimals"], signed=signed, minus=MINUS, missing="none")
        for value in figures
    )
    interval_text = "" if math.isnan(figures[1]) else f" ({low} to {high})"
    return [mean, interval_text, f"{run_low} to {run_high}"]


def _band(
    x: Sequence[Any], low: Sequence[float], high: Sequence[float], name: str, look: Style, opacity: float
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


def _bands_note(text: str, opacity: float) -> go.Scatter:
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


def _set_layout(figure: go.Figure, title: str, compact: bool) -> None:
    """Set the layout that all figures share: white background, light grid, legend above, no dragging."""
    figure.update_layout(
        title={"text": _wrapped(title, 60 if compact else 95), "font": {"size": 16, "color": TEXT}, "x": 0.0},
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


def _difference_title(document: Document, metric: str) -> str:
    """The finding of the cards, in the measure's own unit."""
    name = focus(document, metric)
    label = metric_label(document, metric)
    if name is None:
        return f"{label}: no policy differs clearly from the baseline"
    last = answer_row(document, document["differences"][name][metric])
    if not excludes_zero(last):
        return f"{label}: no clear difference in year {last['year']} under {scenario_label(document, name)}"
    scale, unit = (
        (100.0, " percentage points") if is_share(document["differences"][name][metric]["unit"]) else (1.0, "")
    )
    mean, near, far = _sizes(last, scale)
    return (
        f"{label} {is_or_are(label)} {mean}{unit} {direction(last['mean'])} in year "
        f"{last['year']} under {scenario_label(document, name)} ({_interval_name(last)} {near} to {far})"
    )


def _sizes(row: dict[str, Any], scale: float = 1.0, decimals: int | None = None) -> tuple[str, str, str]:
    """The size of a difference and of the near and the far end of its interval, with the same decimals."""
    figures = (abs(row["mean"]) * scale, *sorted(abs(end) * scale for end in interval(row)[:2]))
    decimals = figure_decimals(*figures) if decimals is None else decimals
    mean, near, far = (figure_text(figure, decimals) for figure in figures)
    return mean, near, far


def _interval_name(row: dict[str, Any]) -> str:
    return MEAN_SHORT if interval(row)[2] == MEAN else RUNS


def _spend_title(document: Document, metrics: Sequence[str]) -> str:
    """The largest clear difference in spending of a tier."""
    clear = []
    for name, records in document["differences"].items():
        if YOURS in document["differences"] and name != YOURS:
            continue
        for metric in metrics:
            last = answer_row(document, records[metric])
            if excludes_zero(last):
                clear.append((abs(last["mean"]), name, metric, last))
    if not clear:
        return f"No clear difference in spending in year {answer_year(document)}"
    _, name, metric, last = max(clear, key=lambda item: item[0])
    mean, near, far = _sizes(last, decimals=0)
    return (
        f"{capital(metric_label(document, metric))} is £{mean} {direction(last['mean'])} "
        f"in year {last['year']} under {scenario_label(document, name)} ({_interval_name(last)} £{near} to £{far})"
    )


def _plain_label(document: Document, name: str) -> str:
    if name == YOURS:
        return "Your policy"
    return str(document.get("labels", {}).get(name, name))


def _axis(unit: str) -> str:
    return _wrapped(shown_unit(unit), 24)


def _year_axis(document: Document) -> str:
    year, month = (int(part) for part in document["months"][0].split("-"))
    return f"year (year 1 begins in {calendar.month_name[month]} {year})"


def _year_ticks(document: Document) -> list[int]:
    """The years with a label: every year of a short run, else every second or fifth."""
    years = len(document["years"])
    step = 1 if years <= 10 else 2 if years <= 14 else 5
    return [year for year in document["years"] if year % step == 0]


def _set_years(figure: go.Figure, document: Document, *, monthly: bool = False, compact: bool = False) -> None:
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


def _wrapped(text: str, width: int) -> str:
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
