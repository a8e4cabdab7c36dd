"""Measures of extensions: each file in `metrics/` of an extension declares them as `METRICS`.

A measure is a `Metric` (sim/results/metric_types.py), made of the counts that a run records (sim/results/records.py).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

from sim.results.metric_types import Metric
from sim.schema import extensions
from sim.schema.declarations import import_file, line_of
from sim.schema.errors import NOTHING, InputError, Phrase

KINDS: tuple[str, ...] = get_args(get_type_hints(Metric)["kind"])
DIRECTIONS = ("up", "down", None)


@cache
def extension_metrics(taken: tuple[str, ...]) -> tuple[Metric, ...]:
    """Collect the measures of the extensions in use.

    Parameters
    ----------
    taken : tuple of str
        Ids of the other measures.

    Returns
    -------
    tuple of Metric

    Raises
    ------
    InputError
        If a file cannot be executed, declares no measure, or one that is not possible.
    """
    out: list[Metric] = []
    for path in (path for some in extensions.files("metrics") for path in some):
        declared = getattr(import_file(path), "METRICS", None)
        if not isinstance(declared, tuple | list) or not declared:
            came = NOTHING if declared is None else declared
            raise InputError(path, line_of(path, r"^METRICS"), "METRICS", "a tuple of Metric", came)
        for measure in declared:
            _check(measure, path, (*taken, *(other.name for other in out)))
            out.append(measure)
    return tuple(out)


def _check(measure: object, path: Path, taken: tuple[str, ...]) -> None:
    """Refuse a measure that could not be computed or shown."""
    line = line_of(path, r"^METRICS")
    if not isinstance(measure, Metric):
        raise InputError(path, line, "METRICS", "a tuple of Metric", Phrase(type(measure).__name__))
    line = line_of(path, rf"[\"']{re.escape(str(measure.name))}[\"']") or line
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(measure.name)):
        raise InputError(path, line, "Metric.name", "a name of small letters, digits and underscores", measure.name)
    if measure.name in taken:
        raise InputError(path, line, "Metric.name", "an id that no other measure has", measure.name)
    if measure.kind not in KINDS:
        raise InputError(path, line, "Metric.kind", "one of these", measure.kind, KINDS)
    if measure.better not in DIRECTIONS:
        raise InputError(path, line, "Metric.better", "'up', 'down' or None", measure.better)
    ways = [measure.parts, measure.derived, measure.against]
    if sum(way is not None for way in ways) != 1:
        wanted = "one of parts, derived and against"
        raise InputError(path, line, "Metric.parts", wanted, Phrase(f"{sum(way is not None for way in ways)} of them"))
    if measure.index_of is not None and measure.index_of not in taken:
        raise InputError(path, line, "Metric.index_of", "the id of a measure", measure.index_of, taken)
