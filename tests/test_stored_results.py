"""The stored results of full runs: their short form, and the tables and counts that are made from them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import reference_docs
from sim.results.doubt import BEYOND_BANDS
from sim.results.expectation_tests import Estimate
from sim.validation import stored_results
from sim.validation.conditions import Design
from sim.validation.natural_experiments import ExperimentEffect, ExperimentOutcome, Validation, experiments
from sim.validation.robustness import ConditionEffect
from sim.validation.stored_results import store, stored

FACTOR = re.compile(r"is (\d+(?:\.\d+)?) times the published one")
SPREAD = np.array([-0.01, 0.0, 0.01])


REPEATED = experiments()


def validation(factor: float) -> Validation:
    """Every experiment, with an effect that is the published one times a factor, or 0.05, under two conditions."""
    outcomes = []
    for experiment in REPEATED:
        effects = []
        for measure in experiment.measures:
            published = measure.turned(measure.published)
            value = 0.05 if published is None else factor * published
            estimate = Estimate(value, SPREAD * abs(value))
            conditions = (
                ConditionEffect("all", "all draws", (0, 1, 2), estimate),
                ConditionEffect("place", "Wigan", (0, 1, 2), estimate),
            )
            effects.append(ExperimentEffect(measure, conditions, experiment.shares_source_with(measure)))
        outcomes.append(ExperimentOutcome(experiment, tuple(effects)))
    return Validation(tuple(outcomes), Design.of(3), None, {})


CLAIMS: dict[str, Any] = {
    "upstream": "0.1.0", "seeds": [0, 1], "people": 3000, "counts": {"shown": 60, "depends": 20, "direct only": 0},
    "conditions": {"draws": "none", "bases": [[0, 1]], "places": []}, "expectations": {}, "expectations_by_effect": {},
    "claims_with_holding_expectation": {"direct": 87, "propagated": 71},
    "claims": [{"claim": f"M{k}", "status": "shown", "direct": {}, "propagated": {}, "text": "long"}
               for k in range(94)],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of stored results in place of that of the project."""
    into = tmp_path / "supplied"
    monkeypatch.setattr(reference_docs, "stored", lambda name: stored(name, into))
    return into


def test_a_figure_that_is_right_fits_and_one_that_is_tripled_does_not(folder: Path) -> None:
    """With the published effects no figure is out; with three times as much every figure but 0 is, with its factor."""
    right, wrong = validation(1.0), validation(3.0)
    assert right.figures()["out"] == 0
    assert right.figures()["in band"] >= 3
    assert right.figures()["not counted"] > right.figures()["in band"]
    out = folder.parent / "out"
    out.mkdir()
    (out / "validation.json").write_text(json.dumps(wrong.document()), encoding="utf-8")
    assert store(out, folder) == [folder / "validation.json"]
    text = reference_docs.validation_text()
    assert wrong.figures()["out"] == sum(wrong.figures().values()) - 1
    assert text.count("the simulated effect is 3 times the published one (2.9 to 3.1)") >= 8
    assert text.count("the simulated cost is 0.33 times the published one") == 2
    assert "| 3,800 | 1,900 to 7,600 | 1,270 (" in text
    assert "Wigan: out" in text
    assert "3 runs of each scenario, places at full size" in text
    assert "11 out" in reference_docs.results_text()


def test_counts_of_claims_come_from_the_stored_run(folder: Path) -> None:
    """README.md and the table of claims state the claims for which a propagated expectation holds."""
    assert "No full run of `upstream claims` is stored" in reference_docs.results_text()
    out = folder.parent / "out"
    out.mkdir()
    (out / "claims.json").write_text(json.dumps(CLAIMS), encoding="utf-8")
    assert store(out, folder) == [folder / "claims.json"]
    assert "text" not in stored("claims.json", folder)["claims"][0]  # type: ignore[index]  # it is stored
    for text in (reference_docs.results_text(), reference_docs.claims_table()):
        assert "at least one propagated expectation held for 71 of 94 claims" in text
        assert "60 shown, 20 depends" in text


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["no-such-folder"]])
def test_wrong_arguments_of_the_module_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and one line."""
    assert stored_results.main(arguments) == 2
    assert "expected one folder" in capsys.readouterr().err


def test_the_sentence_on_doubt_has_the_counts_of_the_stored_validation() -> None:
    """The number of published figures, of those out of their band, and of those wrong by a factor of 2 and more."""
    stored_validation = json.loads((stored_results.FOLDER / "validation.json").read_text(encoding="utf-8"))
    measures = [m for experiment in stored_validation["experiments"] for m in experiment["measures"]]
    figures = [m for m in measures if m["published"] is not None and m["counted_as"] is not None]
    factors = [max(f, 1.0 / f) for m in figures if (match := FACTOR.search(m["miss"])) for f in [float(match[1])]]
    counts = stored_validation["counts"]["figures"]
    expected = [len(figures), counts["out"], sum(f >= 2.0 for f in factors), round(max(factors), 1), counts["scrapes"]]
    numbers = [float(number) for number in re.findall(r"\b\d+(?:\.\d+)?", BEYOND_BANDS)]
    numbers.remove(2.0)  # the factor from which a figure counts as far off
    assert numbers == [*expected, counts["not counted"]]
