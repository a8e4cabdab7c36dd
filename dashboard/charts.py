"""Charts as pure functions: each makes a Plotly figure of a comparison's document. The title states the finding.

Each policy has the colour, the dash and the pattern that belong to its name (styles.py). Pale bands are the middle 95%
of runs. Charts of differences also have dark bands, the 95% CI of the mean. Charts of levels have none: the policies
of a run share its parameters, so the CIs of two levels overlap even if the difference is clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from dash import dcc

from dashboard import figure_parts as parts
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
from dashboard.model import YOURS, Document
from dashboard.styles import styles
from sim.results.number_text import difference_unit, is_share

BANDS = f"pale band: {RUNS}"
MEAN_BANDS = f"dark band: {MEAN}"

# --- figures -------------------------------------------------------------------------------------------------------


def over_time(
    document: Document, metric: str, *, monthly: bool = False, compact: bool = False, title: str = ""
) -> go.Figure:
    """One measure under every scenario with its bands, by year, or by month at yearly rates.

    The title is the finding, unless `title` replaces it.
    """
    figure = parts.blank()
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    looks = styles(document)
    series = {}
    for name, metrics in document["scenarios"].items():
        record = metrics[metric]
        series[name] = parts.monthly(document, record) if monthly else parts.yearly(record["by_year"])
    for name, points in series.items():
        figure.add_trace(parts.band(points.x, points.run_low, points.run_high, name, looks[name], parts.PALE))
    for name, points in series.items():
        figure.add_trace(parts.line(points, name, document, looks[name], metric))
    figure.add_trace(parts.bands_note(BANDS, parts.PALE))
    parts.set_layout(figure, title or finding(document, metric), compact)
    figure.update_yaxes(title_text=None if compact else parts.axis(unit), tickformat="~%" if is_share(unit) else ",~g")
    parts.set_years(figure, document, monthly=monthly, compact=compact)
    return figure


def difference(document: Document, metric: str) -> go.Figure:
    """The difference of each scenario from the baseline, paired by run, with both bands.

    The baseline is the line at 0.
    """
    figure = parts.blank()
    looks = styles(document)
    unit = document["scenarios"][document["baseline"]][metric]["unit"]
    scale = 100.0 if is_share(unit) else 1.0  # percentage points
    base = document["baseline"]
    changes = {name: metrics[metric]["by_year"] for name, metrics in document["differences"].items()}
    series = {name: parts.yearly(rows, scale) for name, rows in changes.items()}
    for name, points in series.items():
        figure.add_trace(parts.band(points.x, points.run_low, points.run_high, name, looks[name], parts.PALE))
    for name, points in series.items():
        if points.has_interval:
            figure.add_trace(parts.band(points.x, points.low, points.high, name, looks[name], parts.DARK))
    zeros = [0.0] * len(document["years"])
    zero = parts.Points(document["years"], *(zeros for _ in range(5)))
    figure.add_trace(parts.line(zero, base, document, looks[base], metric, True))
    for name, points in series.items():
        figure.add_trace(parts.line(points, name, document, looks[name], metric, True))
    figure.add_trace(parts.bands_note(BANDS, parts.PALE))
    if any(points.has_interval for points in series.values()):
        figure.add_trace(parts.bands_note(MEAN_BANDS, parts.DARK))
    parts.set_layout(figure, _difference_title(document, metric), compact=False)
    figure.update_yaxes(title_text=parts.axis(difference_unit(unit)), tickformat=",~g")
    parts.set_years(figure, document)
    return figure


def spend_difference(document: Document, metrics: Sequence[str]) -> go.Figure:
    """Spending by kind in the year of the answer: differences from the baseline with intervals."""
    figure = parts.blank()
    looks = styles(document)
    base = document["scenarios"][document["baseline"]]
    unit = base[metrics[0]]["unit"]
    labels = [parts.wrapped(metric_label(document, metric), 11) for metric in metrics]
    for name, records in reversed(document["differences"].items()):
        last = [answer_row(document, records[metric]) for metric in metrics]
        figure.add_traces(parts.bars(last, labels, name, document, looks[name], base[metrics[0]]["decimals"]))
    figure.add_vline(x=0.0, line={"color": parts.BASELINE_LOOK.colour, "width": 2.5})
    parts.set_layout(figure, _spend_title(document, metrics), compact=False)
    parts.set_horizontal(figure, labels, unit)
    return figure


def by_fifth(document: Document, metric: str) -> go.Figure:
    """One measure in the year of the answer: differences from the baseline by deprivation fifth, with intervals."""
    figure = parts.blank()
    looks = styles(document)
    record = document["scenarios"][document["baseline"]][metric]
    labels = [parts.wrapped(capital(label), 16) for label in FIFTH_LABELS]
    for name, records in reversed(document["differences"].items()):
        groups = records[metric].get("groups", {}).get("quintile", {})
        last = [answer_row(document, groups[key]) for key in sorted(groups)]
        if last:
            figure.add_traces(parts.bars(last, labels, name, document, looks[name], record["decimals"]))
    figure.add_vline(x=0.0, line={"color": parts.BASELINE_LOOK.colour, "width": 2.5})
    parts.set_layout(figure, gains(document, metric), compact=False)
    parts.set_horizontal(figure, labels, record["unit"])
    return figure


def empty(text: str = "The first results will appear here.") -> go.Figure:
    """A placeholder until the first results are available."""
    figure = parts.blank()
    parts.set_layout(figure, "", compact=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=text, showarrow=False, font={"size": 16, "color": parts.AXIS}, xref="paper", yref="paper"
    )
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


# --- titles ----------------------------------------------------------------------------------------------------


def _difference_title(document: Document, metric: str) -> str:
    """The finding of the cards, in the measure's own unit."""
    name = focus(document, metric)
    label = metric_label(document, metric)
    if name is None:
        return f"{label}: no policy differs clearly from the baseline"
    last = answer_row(document, document["differences"][name][metric])
    if not excludes_zero(last):
        return f"{label}: no clear difference in year {last['year']} under {scenario_label(document, name)}"
    of_metric = document["differences"][name][metric]["unit"]
    scale = 100.0 if is_share(of_metric) else 1.0
    unit = f" {difference_unit(of_metric)}" if is_share(of_metric) or of_metric.startswith("index") else ""
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
