"""Charts as pure functions: each makes a Plotly figure of a comparison's document. The title states the finding.

The colours are the categories of the Government Analysis Function (at most four, baseline first). Each has a different
dash, so that no information depends on colour alone. The bands of levels are the middle 95% of seeds; the bands of
differences are the 95% CI of the mean. Neither includes the uncertainty of the model.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from dash import dcc

from dashboard.findings import (
    MEAN,
    SEEDS,
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
from dashboard.lever_settings import FIFTH_LABELS
from dashboard.model import YOURS, Document
from sim.results.number_text import MINUS, difference_unit, is_share, number_text, shown_unit

BANDS = f"bands: {SEEDS}"
MEAN_BANDS = f"bands: {MEAN}"
HOVER = "%{customdata[0]} (%{customdata[1]} to %{customdata[2]})"
"""Text of a point: mean and interval, written by `_hover`."""

TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


class Style(NamedTuple):
    """The style of one scenario in all charts."""

    colour: str
    dash: str
    pattern: str
    width: float


BASELINE_STYLE = Style("#12436D", "solid", "", 2.5)
YOURS_STYLE = Style("#A285D1", "solid", "+", 4.0)
OTHER_STYLES = (
    Style("#F46A25", "dash", "/", 2.5),
    Style("#28A197", "dot", ".", 3.0),
    Style("#801650", "dashdot", "\\", 2.5),
    Style("#3D3D3D", "longdash", "x", 2.0),
)


def styles(document: Document) -> dict[str, Style]:
    """The style of each scenario. Baseline and visitor's policy are fixed, the others follow the document's order."""
    by_name = {}
    others = 0
    for name in document["scenarios"]:
        if name == document["baseline"]:
            by_name[name] = BASELINE_STYLE
        elif name == YOURS:
            by_name[name] = YOURS_STYLE
        else:
            by_name[name] = OTHER_STYLES[others % len(OTHER_STYLES)]
            others += 1
    return by_name


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
        if monthly:
            series[name] = (document["months"], record["mean"], record["q025"], record["q975"])
        else:
            series[name] = _yearly(record["by_year"])
    for name, (x, _, low, high) in series.items():
        figure.add_trace(_band(x, low, high, name, looks[name]))
    for name, (x, mean, low, high) in series.items():
        figure.add_trace(_line(x, mean, low, high, name, document, looks[name], unit))
    figure.add_trace(_bands_note(BANDS))
    _set_layout(figure, title or finding(document, metric), compact)
    figure.update_yaxes(title_text=None if compact else _axis(unit), tickformat="~%" if is_share(unit) else ",~g")
    if monthly:
        figure.update_xaxes(title_text=None if compact else "month", type="date")
    else:
        figure.update_xaxes(title_text=None if compact else _year_axis(document), dtick=_year_tick(document))
    return figure


def difference(document: Document, metric: str) -> go.Figure:
    """The difference of each scenario from the baseline, paired by seed, with the interval of its mean.

    The baseline is the line at 0.
    """
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    scale = 100.0 if is_share(unit) else 1.0  # percentage points
    years = list(document["years"])
    for name, metrics in document["differences"].items():
        x, _, low, high = _difference_series(metrics[metric]["by_year"], scale)
        figure.add_trace(_band(x, low, high, name, looks[name]))
    zeros = [0.0] * len(years)
    base = document["baseline"]
    figure.add_trace(_line(years, zeros, zeros, zeros, base, document, looks[base], "", signed=True))
    for name, metrics in document["differences"].items():
        x, mean, low, high = _difference_series(metrics[metric]["by_year"], scale)
        figure.add_trace(_line(x, mean, low, high, name, document, looks[name], "", signed=True))
    figure.add_trace(_bands_note(f"bands: {_interval_kind(document, metric)}"))
    _set_layout(figure, _difference_title(document, metric), compact=False)
    figure.update_yaxes(title_text=_axis(difference_unit(unit)), tickformat=",~g")
    figure.update_xaxes(title_text=_year_axis(document), dtick=_year_tick(document))
    return figure


def spend_difference(document: Document, metrics: Sequence[str]) -> go.Figure:
    """Spending by tier in the last year: differences from the baseline with intervals."""
    figure = _blank()
    looks = styles(document)
    base = document["scenarios"][document["baseline"]]
    unit = base[metrics[0]]["unit"]
    labels = [_wrapped(metric_label(document, metric), 11) for metric in metrics]
    for name, records in reversed(document["differences"].items()):
        last = [records[metric]["by_year"][-1] for metric in metrics]
        figure.add_trace(_bar(last, labels, name, document, looks[name]))
    figure.add_vline(x=0.0, line={"color": BASELINE_STYLE.colour, "width": 2.5})
    _set_layout(figure, _spend_title(document, metrics), compact=False)
    _set_horizontal(figure, labels, f"{unit}; whiskers: {_interval_kind(document, metrics[0])}")
    return figure


def by_fifth(document: Document, metric: str) -> go.Figure:
    """One measure in the last year: differences from the baseline by deprivation fifth, with intervals."""
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    labels = [_wrapped(capital(label), 16) for label in FIFTH_LABELS]
    for name, records in reversed(document["differences"].items()):
        groups = records[metric].get("groups", {}).get("quintile", {})
        last = [groups[key]["by_year"][-1] for key in sorted(groups)]
        if last:
            figure.add_trace(_bar(last, labels, name, document, looks[name]))
    figure.add_vline(x=0.0, line={"color": BASELINE_STYLE.colour, "width": 2.5})
    _set_layout(figure, gains(document, metric), compact=False)
    _set_horizontal(figure, labels, f"{unit}; whiskers: {_interval_kind(document, metric)}")
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


def _yearly(records: Sequence[dict[str, Any]]) -> tuple[list[Any], list[float], list[float], list[float]]:
    return (
        [record["year"] for record in records],
        [record["mean"] for record in records],
        [record["q025"] for record in records],
        [record["q975"] for record in records],
    )


def _difference_series(
    records: Sequence[dict[str, Any]], scale: float
) -> tuple[list[Any], list[float], list[float], list[float]]:
    """The years of a difference, its means, and the ends of its intervals."""
    ends = [interval(record) for record in records]
    return (
        [record["year"] for record in records],
        [scale * record["mean"] for record in records],
        [scale * low for low, _, _ in ends],
        [scale * high for _, high, _ in ends],
    )


def _interval_kind(document: Document, metric: str) -> str:
    """The kind of interval of the bands and whiskers of differences."""
    rows = [records[metric]["by_year"][-1] for records in document["differences"].values()]
    return interval(rows[0])[2] if rows else MEAN


def _bar(last: Sequence[dict[str, Any]], labels: Sequence[str], name: str, document: Document, look: Style) -> go.Bar:
    """One scenario's differences as horizontal bars, because labels are long and phones narrow."""
    ends = [interval(record) for record in last]
    means = [record["mean"] for record in last]
    return go.Bar(
        orientation="h",
        x=means,
        y=list(labels),
        name=_plain_label(document, name),
        meta=name,
        marker={
            "color": look.colour,
            "pattern": {"shape": look.pattern, "fillmode": "overlay", "fgcolor": "white", "size": 7, "solidity": 0.2},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - mean for mean, (_, high, _) in zip(means, ends, strict=True)],
            "arrayminus": [mean - low for mean, (low, _, _) in zip(means, ends, strict=True)],
            "color": TEXT,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[
            _hover((mean, low, high), "", signed=True) for mean, (low, high, _) in zip(means, ends, strict=True)
        ],
        hovertemplate=HOVER,
    )


def _set_horizontal(figure: go.Figure, labels: Sequence[str], title: str) -> None:
    """Set the layout of horizontal bars. Plotly orders bars from below; reversed, the first is at the top."""
    figure.update_layout(barmode="group", bargap=0.25, hovermode="y unified", legend_traceorder="reversed")
    figure.update_yaxes(showgrid=False, nticks=0, categoryorder="array", categoryarray=list(labels)[::-1])
    figure.update_xaxes(title_text=_wrapped(title, 30), tickformat=",~g", showgrid=True, gridcolor=GRID)


def _line(
    x: Sequence[Any],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    name: str,
    document: Document,
    look: Style,
    unit: str,
    *,
    signed: bool = False,
) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(mean),
        name=_plain_label(document, name),
        meta=name,
        legendgroup=name,
        mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": look.width},
        customdata=[_hover(figures, unit, signed=signed) for figures in zip(mean, low, high, strict=True)],
        hovertemplate=HOVER,
    )


def _hover(figures: tuple[float, float, float], unit: str, *, signed: bool) -> list[str]:
    """The mean and the ends of an interval as text: Plotly's own formats write '−0.0', and '%' for points."""
    decimals = 3 if is_share(unit) else figure_decimals(*figures) if signed else max(1, figure_decimals(*figures))
    return [number_text(value, unit, decimals, signed=signed, minus=MINUS, missing="none") for value in figures]


def _band(x: Sequence[Any], low: Sequence[float], high: Sequence[float], name: str, look: Style) -> go.Scatter:
    """A filled polygon along the upper edge and back along the lower edge."""
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        meta=name,
        legendgroup=name,
        mode="lines",
        fill="toself",
        fillcolor=_faint(look.colour),
        line={"width": 0, "color": look.colour},
        hoverinfo="skip",
        showlegend=False,
    )


def _bands_note(text: str) -> go.Scatter:
    """An entry of the legend that explains the bands; it draws nothing."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=text,
        mode="markers",
        marker={"symbol": "square", "size": 14, "color": "#c4ccd4"},
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
    last = document["differences"][name][metric]["by_year"][-1]
    if not excludes_zero(last):
        return f"{label}: no clear difference in year {last['year']} under {scenario_label(document, name)}"
    scale, unit = (
        (100.0, " percentage points") if is_share(document["differences"][name][metric]["unit"]) else (1.0, "")
    )
    mean, near, far = _sizes(last, scale)
    return (
        f"{label} {is_or_are(label)} {mean}{unit} {direction(last['mean'])} in year "
        f"{last['year']} under {scenario_label(document, name)} ({near} to {far})"
    )


def _sizes(row: dict[str, Any], scale: float = 1.0, decimals: int | None = None) -> tuple[str, str, str]:
    """The size of a difference and of the near and the far end of its interval, with the same decimals."""
    figures = (abs(row["mean"]) * scale, *sorted(abs(end) * scale for end in interval(row)[:2]))
    decimals = figure_decimals(*figures) if decimals is None else decimals
    mean, near, far = (figure_text(figure, decimals) for figure in figures)
    return mean, near, far


def _spend_title(document: Document, metrics: Sequence[str]) -> str:
    """The largest clear difference in spending of a tier."""
    clear = []
    for name, records in document["differences"].items():
        if YOURS in document["differences"] and name != YOURS:
            continue
        for metric in metrics:
            last = records[metric]["by_year"][-1]
            if excludes_zero(last):
                clear.append((abs(last["mean"]), name, metric, last))
    years = document["years"]
    if not clear:
        return f"No clear difference in spending in year {years[-1]}"
    _, name, metric, last = max(clear, key=lambda item: item[0])
    mean, near, far = _sizes(last, decimals=0)
    return (
        f"{capital(metric_label(document, metric))} is £{mean} {direction(last['mean'])} "
        f"in year {last['year']} under {scenario_label(document, name)} (£{near} to £{far})"
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


def _year_tick(document: Document) -> int:
    years = len(document["years"])
    return 1 if years <= 10 else 2 if years <= 14 else 5


def _wrapped(text: str, width: int) -> str:
    """The text broken into lines with `<br>`, as Plotly requires."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"
