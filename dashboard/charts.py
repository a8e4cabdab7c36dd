"""Charts as pure functions: a comparison's document in, a Plotly figure out, whose title is the finding in words.

Colours are the Government Analysis Function's categories (at most four, baseline first), each with a dash of its own
so that colour never speaks alone. Bands hold the middle 95 % of seeds: luck between runs, not doubt about the model.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from dash import dcc

from dashboard.model import YOURS, Document

SEEDS = "middle 95 % of seeds"
BANDS = f"bands: {SEEDS}"

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


# --- what the numbers say ------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """A metric's difference from the baseline in one year, in the way it is best said."""

    mean: float
    low: float
    high: float
    unit: str  # "%" of the baseline, "percentage points", or the metric's own unit
    year: int
    told_apart: bool

    @property
    def clear(self) -> bool:
        """Whether the difference is told from luck."""
        return self.told_apart


def told_apart(row: dict[str, Any]) -> bool:
    """Whether a difference is told from luck: the 95 % interval of its mean leaves out zero (without such an interval,
    as with one seed or an older document, the middle 95 % of the seeds does)."""
    low, high = row.get("sure_low"), row.get("sure_high")
    if low is None or high is None:
        low, high = row["low"], row["high"]
    return bool(low > 0.0 or high < 0.0)


def change(document: Document, metric: str, name: str) -> Change:
    """The difference of one scenario from the baseline in the last year."""
    record = document["differences"][name][metric]
    last = record["by_year"][-1]
    base = document["scenarios"][document["baseline"]][metric]["by_year"][-1]["mean"]
    if is_share(record["unit"]):
        scale, unit = 100.0, "percentage points"
    elif abs(base) > 1e-12 and not record["unit"].startswith("%"):
        scale, unit = 100.0 / abs(base), "%"
    else:
        scale, unit = 1.0, record["unit"]
    return Change(
        last["mean"] * scale, last["low"] * scale, last["high"] * scale, unit, int(last["year"]), told_apart(last)
    )


def is_share(unit: str) -> bool:
    """Whether a unit is a part of a whole, 0 to 1, which reads better in per cent."""
    return unit == "share" or unit.startswith("share ")


def in_per_cent(unit: str) -> str:
    """A share's unit as it is shown: 'share of budget' is 'per cent of budget'."""
    return unit.replace("share", "per cent", 1) if is_share(unit) else unit


def focus(document: Document, metric: str) -> str | None:
    """The scenario a chart's title is about: the visitor's own, else the one that differs most beyond luck."""
    names = list(document["differences"])
    if YOURS in names:
        return YOURS
    changes = {name: change(document, metric, name) for name in names}
    clear = [name for name in names if changes[name].clear]
    return max(clear, key=lambda name: abs(changes[name].mean), default=None)


def finding(document: Document, metric: str, name: str | None = None) -> str:
    """What the chart of one metric shows, in a sentence: which policy, how much, how sure."""
    label = metric_label(document, metric)
    name = name or focus(document, metric)
    if not document["differences"]:
        return f"{_capital(label)} under {scenario_label(document, document['baseline'])}"
    if name is None:
        return f"No difference in {_small(label)} larger than luck by year {document['years'][-1]} under any policy"
    found = change(document, metric, name)
    if not found.clear:
        where = f"by year {found.year} under {scenario_label(document, name)}"
        return f"No difference in {_small(label)} larger than luck {where} ({SEEDS}: {spread(found)})"
    return f"{_capital(label)} {_is(label)} {finding_short(document, metric, name)}"


def finding_short(document: Document, metric: str, name: str | None = None) -> str:
    """The same without the metric's name, for where that stands above it already."""
    name = name or focus(document, metric)
    if name is None:
        return f"no difference larger than luck by year {document['years'][-1]} under any policy"
    found = change(document, metric, name)
    said = size(found) if found.clear else "no difference larger than luck"
    return f"{said} by year {found.year} under {scenario_label(document, name)} ({SEEDS}: {spread(found)})"


def summary(document: Document, metric: str) -> str:
    """Every policy in one sentence: 'By year 20, acute demand is 2.5 % higher under … and 1.5 % lower under …'."""
    parts = []
    year = document["years"][-1]
    for name in sorted(document["differences"], key=lambda other: other != YOURS):
        found = change(document, metric, name)
        said = f"{size(found)}" if found.clear else "not different beyond luck"
        parts.append(f"{said} under {scenario_label(document, name)}")
    label = metric_label(document, metric)
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "as it is"
    return f"By year {year}, {_small(label)} {_is(label)} {listed}, each against the baseline on the same seeds."


def size(found: Change) -> str:
    """'1.8 % lower'."""
    return f"{figure_text(abs(found.mean))} {found.unit} {_direction(found.mean)}"


def spread(found: Change) -> str:
    """'1.1 to 2.4 % lower', or '0.5 % lower to 0.9 % higher' where the band spans nothing."""
    if found.clear:
        small, large = sorted((abs(found.low), abs(found.high)))
        return f"{figure_text(small)} to {figure_text(large)} {found.unit} {_direction(found.mean)}"
    if found.low == found.high == 0.0:
        return "no difference at all"
    ends = (f"{figure_text(abs(end))} {found.unit} {_direction(end)}" for end in (found.low, found.high))
    return " to ".join(ends)


def figure_text(value: float) -> str:
    """A size with about two figures that mean something: 0.04, 1.8, 12.3, 140."""
    if math.isnan(value):
        return "an unknown"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 0.095 or value == 0.0:
        return f"{value:.1f}"
    return f"{value:.2g}" if value >= 0.001 else "less than 0.001"


def scenario_label(document: Document, name: str) -> str:
    """A scenario's name in a sentence."""
    if name == YOURS:
        return "your policy"
    return f"“{document.get('labels', {}).get(name, name)}”"


def metric_label(document: Document, metric: str) -> str:
    """A metric's name."""
    return str(document["scenarios"][document["baseline"]][metric].get("label", metric.replace("_", " ")))


def _is(label: str) -> str:
    """'is' or 'are', as a metric's name asks for."""
    words = label.lower().split()
    plural = any(word.endswith("s") and not word.endswith("ss") for word in (words[0], words[-1]))
    return "are" if plural or words[0] in ("children", "people") else "is"


def _direction(value: float) -> str:
    return "lower" if value < 0 else "higher"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


# --- figures -------------------------------------------------------------------------------------------------------


def over_time(document: Document, metric: str, *, monthly: bool = False, compact: bool = False) -> go.Figure:
    """One metric under every scenario, with bands: by year, or month by month at yearly rates."""
    figure = _blank()
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    looks = styles(document)
    series = {}
    for name, metrics in document["scenarios"].items():
        record = metrics[metric]
        if monthly:
            series[name] = (document["months"], record["mean"], record["low"], record["high"])
        else:
            series[name] = _yearly(record["by_year"])
    for name, (x, _, low, high) in series.items():
        figure.add_trace(_band(x, low, high, name, looks[name]))
    for name, (x, mean, low, high) in series.items():
        figure.add_trace(_line(x, mean, low, high, name, document, looks[name], unit))
    figure.add_trace(_bands_note())
    _dress(figure, finding(document, metric), compact)
    figure.update_yaxes(title_text=None if compact else _axis(unit), tickformat=".1%" if is_share(unit) else None)
    if monthly:
        figure.update_xaxes(title_text=None if compact else "month", type="date")
    else:
        figure.update_xaxes(title_text=None if compact else _year_axis(document), dtick=_year_tick(document))
    return figure


def difference(document: Document, metric: str) -> go.Figure:
    """How far each scenario stands from the baseline, seed by seed; the baseline is the line at nought."""
    figure = _blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    years = list(document["years"])
    for name, metrics in document["differences"].items():
        x, _, low, high = _yearly(metrics[metric]["by_year"])
        figure.add_trace(_band(x, low, high, name, looks[name]))
    nought = [0.0] * len(years)
    base = document["baseline"]
    figure.add_trace(_line(years, nought, nought, nought, base, document, looks[base], unit))
    for name, metrics in document["differences"].items():
        x, mean, low, high = _yearly(metrics[metric]["by_year"])
        figure.add_trace(_line(x, mean, low, high, name, document, looks[name], unit))
    figure.add_trace(_bands_note())
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
        look = looks[name]
        figure.add_trace(
            go.Bar(
                orientation="h",  # tiers have long names, and a phone is narrow
                x=[record["mean"] for record in last],
                y=labels,
                name=_plain_label(document, name),
                meta=name,
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
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [record["high"] - record["mean"] for record in last],
                    "arrayminus": [record["mean"] - record["low"] for record in last],
                    "color": TEXT,
                    "thickness": 1.5,
                    "width": 4,
                },
                customdata=[[record["low"], record["high"]] for record in last],
                hovertemplate="%{x:+,.1f} (%{customdata[0]:+,.1f} to %{customdata[1]:+,.1f})",
            )
        )
    figure.add_vline(x=0.0, line={"color": BASELINE_STYLE.colour, "width": 2.5})
    _dress(figure, _spend_title(document, metrics), compact=False)
    figure.update_layout(barmode="group", bargap=0.25, hovermode="y unified")
    # Plotly stacks from below: turned about, the first tier and scenario are on top, as one reads
    figure.update_layout(legend_traceorder="reversed")
    figure.update_yaxes(showgrid=False, nticks=0, categoryorder="array", categoryarray=labels[::-1])
    title = f"{_axis(unit)}; whiskers: {SEEDS}"
    figure.update_xaxes(title_text=_wrapped(title, 32), tickformat="+,~g", showgrid=True, gridcolor=GRID)
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
        [record["low"] for record in records],
        [record["high"] for record in records],
    )


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


def _bands_note() -> go.Scatter:
    """An entry in the legend that says what bands cover; it draws nothing."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=BANDS,
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
    label = _small(metric_label(document, metric))
    changes = [(name, change(document, metric, name)) for name in document["differences"]]
    if not changes:
        return f"No policy to set beside the baseline for {label}"
    said = [
        f"{_plain_label(document, name)} {size(found) if found.clear else 'no more than luck'}"
        for name, found in changes
    ]
    return f"Difference in {label} from the baseline by year {changes[0][1].year}: " + "; ".join(said)


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
    unit = document["differences"][name][metric]["unit"].removeprefix("£").strip()
    small, large = sorted((abs(last["low"]), abs(last["high"])))
    return (
        f"{_capital(metric_label(document, metric))} is £{figure_text(abs(last['mean']))} {unit} "
        f"{_direction(last['mean'])} in year {last['year']} under {scenario_label(document, name)} "
        f"(middle 95 % of seeds: £{figure_text(small)} to £{figure_text(large)} {_direction(last['mean'])})"
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
