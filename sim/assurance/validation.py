"""The validation log: published experiments, and the simulated effects of a saved run of `upstream validate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.assurance.log_table import LogTable, Value
from sim.results.expectation_tests import about
from sim.results.number_text import fixed
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_files import read_text
from sim.validation.natural_experiments import Measure, experiments
from sim.validation.stored_results import stored

FILE = "validation.json"
LARGEST = 20_000_000
"""Bytes of a saved validation."""
NOT_RUN = "not run: `upstream validate --out DIR`, then `upstream log --validation DIR`"
COLUMNS = {
    "experiment": "Experiment",
    "title": "Title",
    "measure": "Measure",
    "about": "Group and time",
    "unit": "Unit",
    "published": "Published",
    "band": "Band",
    "sign": "Sign",
    "simulated": "Simulated, with its 95% interval",
    "band_reason": "Reason for the band",
    "verdict": "Fit, as it is counted",
    "miss": "Miss in words",
    "shares_source": "Parameters with the same source",
    "sign_verdict": "Sign as published",
    "finding": "Published finding",
    "source": "Source",
}


def saved_validation(folder: Path) -> dict[str, Any]:
    """Read what `upstream validate --out` saved.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    dict
        The document of the validation.

    Raises
    ------
    InputError
        If there is no such folder, or its file is no validation.
    """
    folder = folder.expanduser().resolve()
    wanted = "a folder that `upstream validate --out` wrote"
    if not folder.is_dir():
        raise InputError(folder, None, "--validation", wanted, Phrase("a file" if folder.exists() else "nothing"))
    path = folder / FILE
    if not path.is_file():
        raise InputError(folder, None, "--validation", wanted, Phrase(f"a folder without {FILE}"))
    try:
        document = json.loads(read_text(path, suffix=".json", largest=LARGEST))
        effects = [measure for experiment in document["experiments"] for measure in experiment["measures"]]
        if not all({"label", "mean", "ci_low", "ci_high"} <= set(measure) for measure in effects):
            raise ValueError("a measure without a figure")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(path, None, "--validation", wanted, Phrase("another document")) from None
    return dict(document)


def validation_table(saved: Mapping[str, Any] | None = None) -> LogTable:
    """Make the validation log.

    Parameters
    ----------
    saved : mapping, optional
        A saved validation. Default: the run that is supplied with the project.

    Returns
    -------
    LogTable
        A row for each measure of each experiment.
    """
    saved = stored(FILE) if saved is None else saved
    simulated = {
        (experiment["id"], measure["label"]): measure
        for experiment in (saved or {}).get("experiments", ())
        for measure in experiment["measures"]
    }
    rows = tuple(
        {
            "experiment": experiment.id,
            "title": experiment.title,
            "finding": experiment.published.finding,
            "source": measure.source or experiment.published.source,
            **_measure(measure),
            "shares_source": ", ".join(experiment.shares_source_with(measure)),
            **_effect(simulated.get((experiment.id, measure.label)), measure),
        }
        for experiment in experiments()
        for measure in experiment.measures
    )
    notes = [
        "Published natural experiments that the model repeats, without being fitted to them. A miss is a finding. A "
        "fit is not counted if a parameter shares its source: for these the experiment is no independent test.",
        _note(saved),
    ]
    return LogTable("validation", "Validation log", COLUMNS, rows, tuple(notes))


def _note(saved: Mapping[str, Any] | None) -> str:
    if saved is None:
        return f"Simulated effects: {NOT_RUN} adds them."
    return (
        f"Simulated with version {saved.get('upstream', 'unknown')}, {len(saved.get('seeds', ()))} seeds; verdicts are "
        "those of `upstream validate`."
    )


def _measure(measure: Measure) -> dict[str, Value]:
    return {
        "measure": measure.label,
        "about": about(measure),
        "unit": measure.unit,
        "published": measure.published,
        "band": None if measure.band is None else " to ".join(f"{end:g}" for end in measure.band),
        "band_reason": measure.band_reason,
        "sign": measure.sign,
    }


def _effect(row: Mapping[str, Any] | None, measure: Measure) -> dict[str, Value]:
    if row is None:
        return {"simulated": "not run"}
    mean, low, high = ("none" if row[name] is None else fixed(row[name], 3) for name in ("mean", "ci_low", "ci_high"))
    return {
        "simulated": f"{mean} ({low} to {high})",
        "verdict": row.get("counted_as") or ("no band" if measure.band is None else None),
        "miss": row.get("miss"),
        "sign_verdict": row.get("sign_right"),
    }
