"""All results of a comparison in one document for JSON, as the command line prints it and the page reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.results.asked_and_done import rows, sentence
from sim.results.composition import composition_document
from sim.results.doubt import BEYOND_BANDS
from sim.results.metric_series import MetricSeries
from sim.results.metric_types import Metric
from sim.results.metrics import HEADLINE, metric, metrics
from sim.results.number_text import plain_number
from sim.results.summary import BAND, SUMMARY, summary

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]


def document(comparison: Comparison, by: Iterable[str] = ()) -> dict[str, Any]:
    """Collect all results in one document for JSON.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    by : iterable of str
        Axes to group by, for the measures that are available by them.

    Returns
    -------
    dict
        `scenarios` and `differences` by name and measure, with the unit, and figures by month and year; acute demand
        always with its groups by service. `composition` has the same by name of the scenario, in
        rows. `money` has the appraisals by name.
    """
    axes = tuple(by)
    out: dict[str, Any] = {
        "upstream": comparison.origin.versions["upstream"],
        **({"extensions": comparison.origin.extensions} if comparison.origin.extensions else {}),
        "place": comparison.place.name,
        "people": comparison.people,
        "engine": comparison.engine,
        "seeds": list(comparison.seeds),
        "months": comparison.months,
        "years": list(range(1, comparison.scenarios[0].years + 1)),
        "baseline": comparison.baseline,
        "labels": comparison.headings,
        "bands": comparison.bands,
        "draws": comparison.draws,
        "replicates": list(comparison.replicates.seeds) if comparison.replicates is not None else [],
        "refused": {str(seed): reason for seed, reason in comparison.refused.items()},
        "beyond_bands": BEYOND_BANDS,
        "meanings": {measure.name: measure.meaning for measure in metrics() if measure.meaning},
        "note": "Exploratory, not a forecast.",
        "notes": list(comparison.notes),
        "scenarios": {name: {} for name in comparison.names},
        "differences": {name: {} for name in comparison.names[1:]},
        "money": {name: comparison.money(name).document() for name in comparison.names[1:]},
    }
    measures, others = metrics(), comparison.names[1:]
    by_month, by_year = (
        {name: _figures_of_all(comparison, measures, name, step, change=False) for name in comparison.names}
        for step in ("month", "year")
    )
    changes = {name: _figures_of_all(comparison, measures, name, "year", change=True) for name in others}
    groups: dict[tuple[str, str], tuple[str | None, ...]] = {}
    shown = tuple(dict.fromkeys((*axes, "service")))  # the headline is always divided between its services
    for axis in shown:
        for measure in measures if axis in axes else [metric(HEADLINE)]:
            with suppress(ValueError):  # a measure without this axis has no groups
                groups[measure.name, axis] = MetricSeries(comparison, measure).groups(axis)
        for name in comparison.names:
            comparison.measure(name, [measure for measure in measures if (measure.name, axis) in groups], axis)
    for k, measure in enumerate(measures):
        for name in comparison.names:
            out["scenarios"][name][measure.name] = {
                "unit": measure.unit,
                "label": measure.label,
                "decimals": measure.decimals,
                **{figure: by_month[name][k][figure][0] for figure in BAND},
                "by_year": _rows(by_year[name][k], 0),
            }
        for name in others:
            out["differences"][name][measure.name] = {
                "unit": measure.unit,
                "by_year": _rows(changes[name][k], 0),
            }
        for axis in (axis for axis in shown if (measure.name, axis) in groups):
            for part in ("scenarios", "differences"):
                for name, entries in out[part].items():
                    figures = _plain(
                        MetricSeries(comparison, measure).figures(name, "year", axis, change=part == "differences")
                    )
                    entries[measure.name].setdefault("groups", {})[axis] = {
                        str(group): {"unit": measure.unit, "by_year": _rows(figures, row)}
                        for row, group in enumerate(groups[measure.name, axis])
                    }
    out["composition"] = composition_document(comparison)
    if others:
        out["asked_and_done"] = {name: _asked_and_done(comparison, name) for name in others}
    return out


def _asked_and_done(comparison: Comparison, name: str) -> dict[str, Any]:
    """What a policy asked for and what came out, in a sentence and in rows."""
    table = rows(comparison, name)
    plain = [
        {key: plain_number(value) if isinstance(value, float) else value for key, value in row.flat().items()}
        for row in table
    ]
    return {"sentence": sentence(comparison, name, table), "rows": plain}


def _figures_of_all(
    comparison: Comparison, measures: Sequence[Metric], scenario: str, step: str, *, change: bool
) -> list[dict[str, Any]]:
    """Summarise all measures without groups in one pass.

    As `MetricSeries.figures` does, in lists; by month without the interval of the mean.
    """

    def values(of: Comparison) -> F:
        def level(name: str) -> F:
            of.measure(name, measures, None)
            return np.concatenate([of.grouped(name, measure, step, None) for measure in measures], axis=1)

        return level(scenario) - level(of.baseline) if change else level(scenario)

    ends = zip(*(m.difference_limits if change else m.limits for m in measures), strict=True)
    low, high = (np.array(end)[:, None] for end in ends)
    of_seeds, replicates = comparison.paired(values, step)
    figures = summary(of_seeds, (low, high), replicates)
    every = _plain({figure: figures[figure] for figure in (BAND if step == "month" else SUMMARY)})
    return [
        _plain(MetricSeries(comparison, measure).figures(scenario, step, None, change=True))
        if change and measure.against is not None
        else {figure: rows[k : k + 1] for figure, rows in every.items()}
        for k, measure in enumerate(measures)
    ]


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """The same figures with lists for arrays, for JSON."""

    def listed(rows: F) -> list[list[float | None]]:
        return [[plain_number(v) for v in row] for row in rows.tolist()]

    return {k: listed(values) if isinstance(values, np.ndarray) else values for k, values in figures.items()}


def _rows(figures: dict[str, Any], group: int) -> list[dict[str, Any]]:
    """Figures of a group by year, counted from 1. `figures` has lists."""
    columns: dict[str, Sequence[Any]] = {k: figures[k][group] for k in SUMMARY}
    if "note" in figures:
        columns["note"] = figures["note"]
    names, steps = ("year", *columns), range(1, len(columns["mean"]) + 1)
    return [dict(zip(names, row, strict=True)) for row in zip(steps, *columns.values(), strict=True)]
