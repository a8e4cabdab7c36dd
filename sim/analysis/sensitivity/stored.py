"""Stored results of studies: in the cache, and for the main policies with the project.

A result belongs to a question: the scenarios, the place, the measure, and the value and range of every parameter. The
digest of these is its `identity`, and a result of another identity is never used. It also belongs to a version of the
source code, whose digest is `source`: a result of another version is returned, and its user must state that
(`is_current`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sim.analysis.sensitivity.result import Sensitivity
from sim.analysis.sensitivity.source import source_digest
from sim.engine.verified_files import cache_folder
from sim.ensemble.parameter_sampling import sampled_parameters
from sim.place.place import Place
from sim.results.metrics import metric as metric_of
from sim.scenario.scenario import Scenario

FOLDER = cache_folder("sensitivity", 50_000_000)
SUPPLIED = Path(__file__).parent / "supplied"
"""Results that come with the project; `python -m sim.analysis.sensitivity` computes them again."""
BASELINE, POLICIES, PLACE, METRIC = (
    "baseline",
    ("salami-slice", "more-acute", "prevention-shift"),
    "anytown",
    "acute_demand",
)
"""The question of the supplied results."""
IGNORED = {"expect", "stops", "label", "question", "reason", "shows", "quick", "years", "place", "people"}
"""Keys of a scenario that do not change a difference by year in a place."""


def identity(baseline: Scenario, scenario: Scenario, place: Place, metric: str) -> str:
    """Compute the digest of a question.

    Parameters
    ----------
    baseline, scenario : Scenario
        The scenarios. Their length does not matter: a shorter run has the same first years.
    place : Place
        The place.
    metric : str
        Id of the measure.

    Returns
    -------
    str
        A hexadecimal digest.
    """
    known = sampled_parameters("all", place.name, baseline.parameters)
    basis = {
        "scenarios": [s.model_dump(mode="json", exclude=IGNORED) for s in (baseline, scenario)],
        "place": place.model_dump(mode="json"),
        "metric": [metric, metric_of(metric).unit],
        "parameters": sorted((name, p.value, p.spec.low, p.spec.high) for name, p in known.items()),
    }
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:32]


def put(result: Sensitivity) -> None:
    """Store a result in the cache."""
    FOLDER.put(_cache_name(result.document["identity"]), json.dumps(result.document).encode())
    FOLDER.limit()


def find(name: str, scenario: str, place: str, metric: str) -> Sensitivity | None:
    """Look a result up: in the cache, if it is of this version of the source code, else with the project.

    Parameters
    ----------
    name : str
        Identity of the question.
    scenario, place, metric : str
        Names of the question, which are those of the supplied file.

    Returns
    -------
    Sensitivity or None
        None if the question was not studied.
    """
    cached = FOLDER.get(_cache_name(name), lambda content: Sensitivity(json.loads(bytes(content))))
    supplied = read_supplied(scenario, place, metric)
    results = [r for r in (cached, supplied) if r is not None and r.document["identity"] == name]
    return next((r for r in results if is_current(r)), results[0] if results else None)


def is_current(result: Sensitivity) -> bool:
    """Whether a result was computed with this version of the source code."""
    return bool(result.document["source"] == source_digest())


def supplied_path(scenario: str, place: str, metric: str) -> Path:
    """The file of a supplied result."""
    return SUPPLIED / f"{place}-{scenario}-{metric}.json"


def read_supplied(scenario: str, place: str, metric: str) -> Sensitivity | None:
    """Read a supplied result; None if there is none for these names."""
    path = supplied_path(scenario, place, metric)
    return Sensitivity(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def write_supplied(result: Sensitivity) -> Path:
    """Write a result into the project, and return its path."""
    document: dict[str, Any] = dict(result.document)
    path = supplied_path(document["scenario"], document["place"], document["metric"])
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    return path


def _cache_name(name: str) -> str:
    return f"{name}.json"
