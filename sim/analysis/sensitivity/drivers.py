"""Drivers of a comparison: the parameters on which each policy's difference depends most, from a stored study.

A comparison computes no indices: a study takes minutes. It looks its question up in the stored studies (`stored.py`).
If there is none, it names the command that computes it. Drivers of another version of the model are marked as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sim.analysis.sensitivity import stored
from sim.results.comparison import Comparison
from sim.results.metrics import metric as metric_of
from sim.results.number_text import fixed

METRIC = "acute_demand"
"""The measure whose drivers are shown."""


class Drivers(NamedTuple):
    """The drivers of one policy.

    Attributes
    ----------
    rows : list of dict
        As `Sensitivity.drivers` returns them; empty if the question was not studied.
    others : dict or None
        `share`, `share_low` and `share_high` of all parameters that were not studied one by one.
    note : str
        What a reader must know about the rows, or the command that computes them.
    """

    rows: list[dict[str, Any]]
    others: dict[str, float] | None
    note: str


def drivers(result: Comparison, metric: str = METRIC) -> dict[str, Drivers]:
    """Look up the drivers of each policy of a comparison, for its last year.

    Parameters
    ----------
    result : Comparison
        The comparison.
    metric : str
        Id of the measure.

    Returns
    -------
    dict of str to Drivers
        By name of the policy.
    """
    return {scenario.name: _drivers(result, k, metric) for k, scenario in enumerate(result.scenarios) if k > 0}


def _drivers(result: Comparison, number: int, metric: str) -> Drivers:
    baseline, scenario = result.scenarios[0], result.scenarios[number]
    if result.settings.get("disabled"):
        return Drivers([], None, "not computed for a model with disabled loops or mechanisms")
    name = stored.identity(baseline, scenario, result.place, metric)
    study = stored.find(name, scenario.name, result.place.name, metric)
    elsewhere = "" if result.place.name == baseline.place else f" --place {result.place.name}"
    command = f"upstream sensitivity {baseline.name} {scenario.name}{elsewhere}"
    if study is None or study.years < baseline.years:
        return Drivers([], None, f"not computed yet for these scenarios, place and parameters; `{command}` computes it")
    rows = study.drivers(baseline.years)
    if not rows:
        return Drivers([], None, "the difference in this year does not depend on parameters")
    notes = [] if study.document["people"] == result.people else [f"for {study.document['people']:,} people"]
    if not stored.is_current(study):
        notes.append(f"computed with another version of the model; `{command}` computes it again")
    return Drivers(rows, study.others(baseline.years), "; ".join(notes))


def document(result: Comparison) -> dict[str, Any]:
    """Collect the drivers of a comparison for its JSON document.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    dict
        By name of each policy: `drivers`, its measure and rows; `driver_others`, the share of all other parameters
        together, or None; `driver_notes`, a note or "".
    """
    looked_up = drivers(result)
    return {
        "drivers": {name: {METRIC: each.rows} for name, each in looked_up.items()},
        "driver_others": {name: each.others for name, each in looked_up.items()},
        "driver_notes": {name: each.note for name, each in looked_up.items()},
    }


def lines(written: Mapping[str, Any]) -> list[str]:
    """Write the drivers of a comparison as text for a terminal.

    Parameters
    ----------
    written : mapping
        The document of the comparison, with that of `document`.

    Returns
    -------
    list of str
        A heading, then for each policy a line with its label and note, and an indented line for each driver. Empty for
        a document without drivers.
    """
    policies = written.get("drivers", {})
    if not policies:
        return []
    label, year = metric_of(METRIC).label, written["years"][-1]
    out = [f"Parameters on which the difference in {label[0].lower()}{label[1:]} in year {year} depends most"]
    for name, measures in policies.items():
        note, others = written["driver_notes"][name], written["driver_others"][name]
        out.append(f"{written['labels'][name]}{': ' if note else ''}{note}")
        out += [f"  {driver_text(row)}" for row in measures[METRIC]]
        if others is not None:
            out.append(f"  all parameters that were not studied one by one: {_interval(others)}")
    if any(measures[METRIC] for measures in policies.values()):
        out.append(
            "Share of the variance of the difference over draws of all parameters that involves this one (total Sobol' "
            "index), with its 95% interval, by the stock-flow twin. Shares of parameters that act together overlap."
        )
    return out


def driver_text(row: dict[str, Any]) -> str:
    """Write a driver in a line.

    Parameters
    ----------
    row : dict
        A row of `Sensitivity.drivers`.

    Returns
    -------
    str
    """
    sign = "the sign may change within its range" if row["sign_may_change"] else "the sign holds over its range"
    return f"{row['parameter']}: {_interval(row)}, {row['status']}, {sign}"


def _interval(row: dict[str, Any]) -> str:
    share, low, high = (f"{fixed(100.0 * row[name], 0)}%" for name in ("share", "share_low", "share_high"))
    unsettled = "" if row["settled"] else ", not settled by this many samples"
    return f"{share} ({low} to {high}{unsettled})"
