"""Charts as pure functions: a comparison's document in, a Plotly figure out, whose title is the finding in words.

Colours are the Government Analysis Function's categories (at most four, baseline first), each with a dash of its own
so that colour never speaks alone. Bands about levels hold the middle 95 % of seeds; those about differences are the
95 % interval of the mean, which tells a difference from luck. Neither holds doubt about the model.
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
    figure_text,
    finding,
    focus,
    gains,
    in_per_cent,
    interval,
    is_or_are,
    is_share,
    metric_label,
    scenario_label,
    told_apart,
)
from dashboard.model import YOURS, Document
from dashboard.moves import FIFTH_LABELS

BANDS = f"bands: {SEEDS}"
MEAN_BANDS = f"bands: {MEAN}"

TEXT, AXIS, GRID = "#22303c", "#4f5d69", "#e3e8ed"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


class Style(NamedTuple):
    """How one scenario looks wherever it is drawn."""

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
    """Each scenario's style: the baseline's and the visitor's own are fixed, the others follow the document's order."""
    found = {}
    others = 0
    for name in document["scenarios"]:
        if name == document["baseline"]:
            found[name] = BASELINE_STYLE
        elif name == YOURS:
            found[name] = YOURS_STYLE
        else:
            found[name] = OTHER_STYLES[others % len(OTHER_STYLES)]
            others += 1
    return found


# --- figures -------------------------------------------------------------------------------------------------------


def over_time(
    document: Document, metric: str, *, monthly: bool = False, compact: bool = False, title: str = ""
) -> go.Figure:
    """One metric under every scenario, with bands: by year, or month by month at yearly rates. Its title is the
    finding, unless another is given."""
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
    _dress(figure, title or finding(document, metric), compact)
    figure.update_yaxes(title_text=None if compact else _axis(unit), tickformat=".1%" if is_share(unit) else None)
    if monthly:
        figure.update_xaxes(title_text=None if compact else "month", type="date")
    else:
        figure.update_xaxes(title_text=None if compact else _year_axis(document), dtick=_year_tick(document))
    return figure


def difference(document: Document, metric: str) -> go.Figure:
    """How far each scenario stands from the baseline, seed by seed, with the interval of the mean; the baseline is the
    line at nought."""
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    years = list(document["years"])
    for name, metrics in document["differences"].items():
        x, _, low, high = _apart(metrics[metric]["by_year"])
        figure.add_trace(_band(x, low, high, name, looks[name]))
    nought = [0.0] * len(years)
    base = document["baseline"]
    figure.add_trace(_line(years, nought, nought, nought, base, document, looks[base], unit))
    for name, metrics in document["differences"].items():
        x, mean, low, high = _apart(metrics[metric]["by_year"])
        figure.add_trace(_line(x, mean, low, high, name, document, looks[name], unit))
    figure.add_trace(_bands_note(f"bands: {_what(document, metric)}"))
    _dress(figure, _difference_title(document, metric), compact=False)
    figure.update_yaxes(title_text=_axis(unit), tickformat="+.1%" if is_share(unit) else "+~g")
    figure.update_xaxes(title_text=_year_axis(document), dtick=_year_tick(document))
    return figure


def spend_difference(document: Document, metrics: Sequence[str]) -> go.Figure:
    """Spend by tier in the last year as a difference from the baseline, with intervals."""
    figure = _blank()
    looks = styles(document)
    base = document["scenarios"][document["baseline"]]
    unit = base[metrics[0]]["unit"]
    labels = [_wrapped(metric_label(document, metric), 11) for metric in metrics]
    for name, records in reversed(document["differences"].items()):
        last = [records[metric]["by_year"][-1] for metric in metrics]
        figure.add_trace(_bar(last, labels, name, document, looks[name]))
    figure.add_vline(x=0.0, line={"color": BASELINE_STYLE.colour, "width": 2.5})
    _dress(figure, _spend_title(document, metrics), compact=False)
    _lie_down(figure, labels, f"{unit}; whiskers: {_what(document, metrics[0])}")
    return figure


def by_fifth(document: Document, metric: str) -> go.Figure:
    """One metric in the last year as a difference from the baseline, in each fifth of neighbourhoods by deprivation."""
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
    _dress(figure, gains(document, metric), compact=False)
    _lie_down(figure, labels, f"{unit}; whiskers: {_what(document, metric)}")
    return figure


def empty(words: str = "The first results will appear here.") -> go.Figure:
    """A quiet place for a chart that is on its way."""
    figure = _blank()
    _dress(figure, "", compact=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=words, showarrow=False, font={"size": 16, "color": AXIS}, xref="paper", yref="paper")
    return figure


def lifted(figure: go.Figure) -> tuple[str, go.Figure]:
    """A figure's title as text, and the figure without it: on a page it is a heading, which wraps and is read."""
    title = " ".join((figure.layout.title.text or "").replace("<br>", " ").split())
    bare = go.Figure(figure)
    bare.layout.title = None
    bare.update_layout(margin_t=12)
    return title, bare


def graph(id: Any, figure: go.Figure | None = None, *, buttons: bool = True) -> dcc.Graph:
    """The only way a chart gets onto a page: no vendor's cloud, no logo, at most a button to save the picture."""
    return dcc.Graph(
        id=id,
        figure=figure if figure is not None else empty(),
        responsive=True,
        style={"height": "100%"},  # of its frame, which has more of it on a phone
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
    """A figure without Plotly's own template, which is 7 kB of colours we do not use."""
    return go.Figure(layout={"template": go.layout.Template()})


def _yearly(records: Sequence[dict[str, Any]]) -> tuple[list[Any], list[float], list[float], list[float]]:
    return (
        [record["year"] for record in records],
        [record["mean"] for record in records],
        [record["q025"] for record in records],
        [record["q975"] for record in records],
    )


def _apart(records: Sequence[dict[str, Any]]) -> tuple[list[Any], list[float], list[float], list[float]]:
    """The years of a difference, its mean, and the ends of its interval."""
    ends = [interval(record) for record in records]
    return (
        [record["year"] for record in records],
        [record["mean"] for record in records],
        [low for low, _, _ in ends],
        [high for _, high, _ in ends],
    )


def _what(document: Document, metric: str) -> str:
    """What the bands and whiskers of differences are."""
    rows = [records[metric]["by_year"][-1] for records in document["differences"].values()]
    return interval(rows[0])[2] if rows else MEAN


def _bar(last: Sequence[dict[str, Any]], labels: Sequence[str], name: str, document: Document, look: Style) -> go.Bar:
    """One scenario's differences, lying down: names are long, and a phone is narrow."""
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
        customdata=[[low, high] for low, high, _ in ends],
        hovertemplate="%{x:+,.1f} (%{customdata[0]:+,.1f} to %{customdata[1]:+,.1f})",
    )


def _lie_down(figure: go.Figure, labels: Sequence[str], title: str) -> None:
    """What charts of lying bars share. Plotly stacks from below: turned about, the first is on top, as one reads."""
    figure.update_layout(barmode="group", bargap=0.25, hovermode="y unified", legend_traceorder="reversed")
    figure.update_yaxes(showgrid=False, nticks=0, categoryorder="array", categoryarray=list(labels)[::-1])
    figure.update_xaxes(title_text=_wrapped(title, 30), tickformat="+,~g", showgrid=True, gridcolor=GRID)


def _line(
    x: Sequence[Any],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    name: str,
    document: Document,
    look: Style,
    unit: str,
) -> go.Scatter:
    number = ".1%" if is_share(unit) else ",.2f"
    return go.Scatter(
        x=list(x),
        y=list(mean),
        name=_plain_label(document, name),
        meta=name,
        legendgroup=name,
        mode="lines",
        line={"color": look.colour, "dash": look.dash, "width": look.width},
        customdata=[list(pair) for pair in zip(low, high, strict=True)],
        hovertemplate=f"%{{y:{number}}} (%{{customdata[0]:{number}}} to %{{customdata[1]:{number}}})",
    )


def _band(x: Sequence[Any], low: Sequence[float], high: Sequence[float], name: str, look: Style) -> go.Scatter:
    """A filled polygon, up along the high edge and back along the low one."""
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


def _bands_note(words: str) -> go.Scatter:
    """An entry in the legend that says what bands cover; it draws nothing."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=words,
        mode="markers",
        marker={"symbol": "square", "size": 14, "color": "#c4ccd4"},
        hoverinfo="skip",
        legendrank=2000,
    )


def _dress(figure: go.Figure, title: str, compact: bool) -> None:
    """What every figure shares: white ground, quiet grid, legend above, nothing to drag by accident."""
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
    """The same finding as on the cards, but in the metric's own unit."""
    name = focus(document, metric)
    label = metric_label(document, metric)
    if name is None:
        return f"{label}: no policy differs from the baseline by more than luck"
    last = document["differences"][name][metric]["by_year"][-1]
    if not told_apart(last):
        return f"{label}: no difference larger than luck in year {last['year']} under {scenario_label(document, name)}"
    scale, unit = (100.0, " points") if is_share(document["differences"][name][metric]["unit"]) else (1.0, "")
    near, far = sorted(abs(end) * scale for end in interval(last)[:2])
    return (
        f"{label} {is_or_are(label)} {figure_text(abs(last['mean']) * scale)}{unit} {direction(last['mean'])} in year "
        f"{last['year']} under {scenario_label(document, name)} ({figure_text(near)} to {figure_text(far)})"
    )


def _spend_title(document: Document, metrics: Sequence[str]) -> str:
    """The largest move of money between tiers that luck does not explain."""
    clear = []
    for name, records in document["differences"].items():
        if YOURS in document["differences"] and name != YOURS:
            continue
        for metric in metrics:
            last = records[metric]["by_year"][-1]
            if told_apart(last):
                clear.append((abs(last["mean"]), name, metric, last))
    years = document["years"]
    if not clear:
        return f"No difference in spend larger than luck in year {years[-1]}"
    _, name, metric, last = max(clear, key=lambda item: item[0])
    near, far = sorted(abs(end) for end in interval(last)[:2])
    return (
        f"{capital(metric_label(document, metric))} is £{figure_text(abs(last['mean']))} {direction(last['mean'])} "
        f"in year {last['year']} under {scenario_label(document, name)} "
        f"(£{figure_text(near)} to £{figure_text(far)})"
    )


def _plain_label(document: Document, name: str) -> str:
    if name == YOURS:
        return "Your policy"
    return str(document.get("labels", {}).get(name, name))


def _axis(unit: str) -> str:
    if is_share(unit):
        return in_per_cent(unit)
    return _wrapped(unit, 24)


def _year_axis(document: Document) -> str:
    year, month = (int(part) for part in document["months"][0].split("-"))
    return f"year (year 1 begins in {calendar.month_name[month]} {year})"


def _year_tick(document: Document) -> int:
    years = len(document["years"])
    return 1 if years <= 10 else 2 if years <= 14 else 5


def _wrapped(text: str, width: int) -> str:
    """Text broken into lines with `<br>`, which is how Plotly breaks."""
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
