"""Makes each part of the results section from a comparison's document."""

from __future__ import annotations

from typing import Any, NamedTuple

from dash import html, no_update

from dashboard import charts, composition, findings, horizon, money, summary, tables
from dashboard.model import YOURS, Document, ModelIndex, merged
from dashboard.store import Store
from sim.results.number_text import shown_unit


class View(NamedTuple):
    """What the charts show: the digests of some runs, and the year of the answer."""

    runs: tuple[str, ...] = ()
    year: int = 0

    @property
    def data(self) -> dict[str, Any]:
        """The view as plain data for the browser's store."""
        return {"runs": list(self.runs), "year": self.year}

    @classmethod
    def of_data(cls, data: Any) -> View:
        """The view in the browser's store; an empty view for other data."""
        runs, year = (data.get("runs"), data.get("year")) if isinstance(data, dict) else (None, None)
        if not isinstance(runs, list) or not isinstance(year, int):
            return cls()
        return cls(tuple(str(digest) for digest in runs[:8]), year)


def shown_document(store: Store, view: View) -> Document | None:
    """The stored results of some runs as one document, the visitor's own policy last; None if there are none."""
    stored = [store.document(digest) for digest in view.runs]
    documents = [document for document in stored if document is not None]
    if not documents:
        return None
    try:
        combined = merged(documents)
    except ValueError:  # results of two places, while the page changes from one to the other
        return None
    for part in ("scenarios", "differences"):
        if YOURS in combined[part]:
            combined[part][YOURS] = combined[part].pop(YOURS)
    return combined | ({horizon.KEY: view.year} if view.year in combined["years"] else {})


def opening(document: Document, index: ModelIndex) -> tuple[Any, ...]:
    """Headline, how certain it is, cards, and the note on the cards."""
    return (
        findings.headline(document, index.main),
        summary.doubt_lines(document, index),
        summary.cards(document, index),
        summary.cards_note(document, index),
    )


def main_figure(document: Document, index: ModelIndex, *, monthly: bool) -> tuple[Any, ...]:
    """Acute demand over time: title, figure, label, table."""
    title = findings.soon(document, index.main)
    figure = charts.over_time(document, index.main, monthly=monthly, title=title)
    return (*_figure_parts(figure), tables.by_year(document, index.metrics[index.main], id="compare-acute"))


def difference_figure(document: Document, index: ModelIndex) -> tuple[Any, ...]:
    """Difference of acute demand from the baseline: title, figure, label, table."""
    metric = index.metrics[index.main]
    table = tables.by_year(document, metric, differences=True, id="compare-acute-difference")
    return (*_figure_parts(charts.difference(document, index.main)), table)


def spend_figure(document: Document, index: ModelIndex) -> tuple[Any, ...]:
    """Spending by tier: title, figure, label, table."""
    if not index.spend:
        return (no_update,) * 4
    table = [tables.by_year(document, index.metrics[name], differences=True) for name in index.spend]
    return (*_figure_parts(charts.spend_difference(document, index.spend)), table)


def fifths_figure(document: Document, index: ModelIndex) -> tuple[Any, ...]:
    """Difference by deprivation fifth: title, figure, label, table."""
    table = tables.by_fifth(document, index.metrics[index.main])
    return (*_figure_parts(charts.by_fifth(document, index.main)), table)


def composition_figures(document: Document) -> tuple[Any, ...]:
    """What acute demand is made of: the levels and their table, then the differences and their table."""
    return (
        *_figure_parts(composition.levels(document)),
        composition.table(document),
        *_figure_parts(composition.differences(document)),
        composition.table(document, "Which services make the difference in acute demand"),
    )


def money_figures(document: Document) -> tuple[Any, ...]:
    """Who spends and who pays: titles, figures, labels, tables."""
    return (
        *_figure_parts(money.who_spends(document)),
        money.table_of_spenders(document),
        *_figure_parts(money.who_pays(document)),
        money.table_of_payers(document),
    )


def _figure_parts(figure: Any) -> tuple[str, Any, str]:
    title, bare = charts.split_title(figure)
    return title, bare, alt(title)


def small_charts(document: Document, index: ModelIndex, metrics: tuple[str, ...], slots: int) -> tuple[list[Any], ...]:
    """Classes, titles, findings, units, figures and labels of small charts. Slots without a measure are hidden.

    The meaning of a measure that needs one, such as what counts as help, follows the finding.
    """
    classes: list[Any] = []
    titles: list[Any] = []
    texts: list[Any] = []
    units: list[Any] = []
    figures: list[Any] = []
    labels: list[Any] = []
    for name in metrics[:slots]:
        metric = index.metrics[name]
        title, figure = charts.split_title(charts.over_time(document, name, compact=True))
        better = {"down": "; lower is better", "up": "; higher is better"}.get(metric.better or "", "")
        classes.append("multiple")
        titles.append(metric.label)
        meaning = document.get("meanings", {}).get(name, "")
        texts.append(f"{findings.finding_brief(document, name)} {meaning}".rstrip())
        units.append(f"{shown_unit(metric.unit)}{better}")
        figures.append(figure)
        labels.append(alt(title))
    empty = slots - len(classes)
    classes += ["multiple hidden"] * empty
    for part in (titles, texts, units, figures, labels):
        part.extend([no_update] * empty)
    return classes, titles, texts, units, figures, labels


def level_tables(document: Document, index: ModelIndex, metrics: tuple[str, ...]) -> list[html.Div]:
    """A table of levels by year for each measure."""
    return [tables.by_year(document, index.metrics[name]) for name in metrics]


def alt(title: str) -> str:
    """The text alternative of a chart."""
    return f"Chart. {title}. The table below it has the same numbers."
