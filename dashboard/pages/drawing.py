"""From a comparison's document to what the comparison's page shows of it, part by part."""

from __future__ import annotations

from typing import Any

from dash import html, no_update

from dashboard import charts, findings, tables, words
from dashboard.model import YOURS, Document, ModelIndex, merged
from dashboard.store import Store


def shown_document(store: Store, digests: Any) -> Document | None:
    """The kept results a page shows, as one document, the visitor's own policy last. None if there are none."""
    if not isinstance(digests, list):
        return None
    found = [store.document(str(digest)) for digest in digests[:8]]
    documents = [document for document in found if document is not None]
    if not documents:
        return None
    try:
        whole = merged(documents)
    except ValueError:  # results of two places: a page caught in between
        return None
    for part in ("scenarios", "differences"):
        if YOURS in whole[part]:
            whole[part][YOURS] = whole[part].pop(YOURS)
    return whole


def opening(document: Document, book: ModelIndex) -> tuple[Any, ...]:
    """Headline, cards, and what the cards' numbers are."""
    return findings.headline(document, book.main), words.cards(document, book), words.cards_note(document, book)


def main_figure(document: Document, book: ModelIndex, *, monthly: bool) -> tuple[Any, ...]:
    """Acute demand over time: title, figure, label, table."""
    title = findings.soon(document, book.main)
    figure = charts.over_time(document, book.main, monthly=monthly, title=title)
    return (*_lifted(figure), tables.by_year(document, book.metrics[book.main], id="compare-acute"))


def difference_figure(document: Document, book: ModelIndex) -> tuple[Any, ...]:
    """Its difference from the baseline: title, figure, label, table."""
    metric = book.metrics[book.main]
    table = tables.by_year(document, metric, differences=True, id="compare-acute-difference")
    return (*_lifted(charts.difference(document, book.main)), table)


def spend_figure(document: Document, book: ModelIndex) -> tuple[Any, ...]:
    """Spend by tier beside it: title, figure, label, table."""
    if not book.spend:
        return (no_update,) * 4
    table = [tables.by_year(document, book.metrics[name], differences=True) for name in book.spend]
    return (*_lifted(charts.spend_difference(document, book.spend)), table)


def fifths_figure(document: Document, book: ModelIndex) -> tuple[Any, ...]:
    """Who gains, by deprivation: title, figure, label, table."""
    table = tables.by_fifth(document, book.metrics[book.main])
    return (*_lifted(charts.by_fifth(document, book.main)), table)


def _lifted(figure: Any) -> tuple[str, Any, str]:
    title, bare = charts.lifted(figure)
    return title, bare, alt(title)


def slots(document: Document, book: ModelIndex, metrics: tuple[str, ...], places: int) -> tuple[list[Any], ...]:
    """Classes, titles, findings, units, figures and labels of small charts; slots without a metric are hidden."""
    classes: list[Any] = []
    titles: list[Any] = []
    found: list[Any] = []
    units: list[Any] = []
    figures: list[Any] = []
    labels: list[Any] = []
    for name in metrics[:places]:
        metric = book.metrics[name]
        title, figure = charts.lifted(charts.over_time(document, name, compact=True))
        better = {"down": "; lower is better", "up": "; higher is better"}.get(metric.better or "", "")
        classes.append("multiple")
        titles.append(metric.label)
        found.append(findings.finding_brief(document, name))
        units.append(f"{findings.in_per_cent(metric.unit)}{better}")
        figures.append(figure)
        labels.append(alt(title))
    empty = places - len(classes)
    classes += ["multiple hidden"] * empty
    for part in (titles, found, units, figures, labels):
        part.extend([no_update] * empty)
    return classes, titles, found, units, figures, labels


def level_tables(document: Document, book: ModelIndex, metrics: tuple[str, ...]) -> list[html.Div]:
    """A table a measure, by year."""
    return [tables.by_year(document, book.metrics[name]) for name in metrics]


def alt(title: str) -> str:
    """What a chart is called for who cannot see it."""
    return f"Chart. {title}. The same numbers are in the table below it."
