"""Ensembles with draws of the parameters: each seed has its own, the same for every policy, and some are run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import assert_refused
from strategies import digest

import sim
from sim.cache import records as cached_records
from sim.calibration.attainable_rates import CalibrationError
from sim.calibration.calibrated_model import Calibrated
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble import paired_runs, parameter_sampling
from sim.ensemble.memory_cache import baseline_records, burned_in_worlds
from sim.ensemble.request import checked_request
from sim.ensemble.sequential_stopping import FIRST
from sim.place.place import Place
from sim.results.comparison import Comparison
from sim.results.metrics import metric
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError

SMALL: dict[str, Any] = {"people": 1_500, "years": 2}
PAIR = ("baseline", "salami-slice")
solution_for = paired_runs.solution_for


def uncalibrated(scenario: Scenario, place: Place, _progress: object = None) -> Calibrated:
    """The supplied hazards with the parameters of a draw: quick, and not steady."""
    return solution_for(scenario.model_copy(update={"calibrate": "none"}), place)


@pytest.fixture(autouse=True)
def quick_calibration(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Draws are not calibrated in these tests, which are about ensembles."""
    monkeypatch.setattr(paired_runs, "solution_for", uncalibrated)
    yield
    baseline_records.clear()  # others calibrate their draws
    burned_in_worlds.clear()


def digests(result: Comparison) -> dict[str, dict[int, str]]:
    """The digest of each run, by scenario and seed."""
    return {
        name: {seed: digest(record) for seed, record in zip(result.seeds, runs, strict=True)}
        for name, runs in result.records.items()
    }


def test_the_default_draws_all_parameters() -> None:
    """Each seed has parameters of its own, the same for every policy; two are run again with other chance events."""
    result = sim.compare(*PAIR, seeds=3, **SMALL)
    assert result.draws == "all"
    drawn = result.settings["drawn"]
    assert [float(drawn[str(seed)]["need.beta_resilience"]) for seed in result.seeds] == [
        draw["need.beta_resilience"] for draw in parameter_sampling.draws("all", result.seeds, "anytown", {})
    ]
    assert result.replicates is not None
    assert result.replicates.seeds == (0, 1)
    again, first = (digests(runs)["baseline"] for runs in (result.replicates, result))
    assert not set(again.values()) & set(first.values())
    change = result.acute_demand.difference()
    assert (change[change.year == 1][["mean", "luck_sd", "parameter_sd"]] == 0.0).all(axis=None)
    total = result.acute_demand.change("salami-slice")
    values = result.values("salami-slice", metric("acute_demand")) - result.values("baseline", metric("acute_demand"))
    assert total["luck_sd"] ** 2 + total["parameter_sd"] ** 2 == pytest.approx(values.var(axis=0, ddof=1))
    assert total["mean"] == pytest.approx(values.mean(axis=0))


def test_replicates_are_reproducible() -> None:
    """The same command gives the same runs and replicates, from other caches and on one thread."""
    first = sim.compare(*PAIR, seeds=2, **SMALL)
    baseline_records.clear()
    burned_in_worlds.clear()
    again = sim.compare(*PAIR, seeds=2, threads=1, **SMALL)
    assert digests(first) == digests(again)
    assert first.replicates is not None
    assert again.replicates is not None
    assert digests(first.replicates) == digests(again.replicates)
    assert first.document()["differences"] == again.document()["differences"]


def test_an_ensemble_can_be_split() -> None:
    """Seeds in two halves have the runs, and the replicates, that they have together."""
    both = sim.compare(*PAIR, seeds=4, **SMALL)
    halves = [sim.compare(*PAIR, seeds=2, seed=first, **SMALL) for first in (0, 2)]
    for name, runs in digests(both).items():
        assert runs == {seed: run for half in halves for seed, run in digests(half)[name].items()}
    assert both.replicates is not None
    assert halves[0].replicates is not None
    assert digests(both.replicates) == digests(halves[0].replicates)


def test_draws_from_points_are_the_runs_without_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every range is a point, each seed has the run that it has without draws."""
    monkeypatch.setattr(parameter_sampling, "draws", lambda which, seeds, place, fixed: [{} for _ in seeds])
    monkeypatch.setattr(paired_runs, "solution_for", solution_for)
    drawn, none = (sim.compare(*PAIR, seeds=2, draws=draws, **SMALL) for draws in ("all", "none"))
    assert digests(drawn) == digests(none)


@pytest.mark.parametrize("draws", ["none", None])
def test_without_draws_there_is_luck_alone(draws: Any) -> None:
    """Without draws there are no replicates, all spread is chance, and every seed has the central parameters."""
    result = sim.run("baseline", seeds=2, draws=draws, **SMALL)
    assert (result.draws, result.replicates) == ("none", None)
    level = result.acute_demand.level("baseline")
    assert (level["parameter_sd"] == 0.0).all()
    values = result.values("baseline", metric("acute_demand"))
    assert level["luck_sd"] == pytest.approx(values.std(axis=0, ddof=1))


def test_parameters_of_a_scenario_are_fixed() -> None:
    """A parameter that the scenario sets has its value in every draw."""
    fixed = {"waiting.urgency": 2.0}
    scenario = Scenario.load("baseline").with_settings(parameters=fixed)
    result = sim.run(scenario, seeds=2, **SMALL)
    assert all("waiting.urgency" not in draw for draw in result.settings["drawn"].values())


def failing(*failing_seeds: int) -> Callable[..., Calibrated]:
    """A calibration that refuses the draws of some seeds."""
    refused = {
        draw["need.beta_resilience"]: seed
        for seed, draw in zip(failing_seeds, parameter_sampling.draws("all", failing_seeds, "anytown", {}), strict=True)
    }

    def calibrate(scenario: Scenario, place: Place, _progress: object = None) -> Calibrated:
        if scenario.parameters["need.beta_resilience"] in refused:
            raise CalibrationError("calibration", None, "resilience.scar", "a draw whose baseline is steady", 0.25)
        return uncalibrated(scenario, place)

    return calibrate


def test_a_draw_that_cannot_be_calibrated_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seed has no run, and the result names it with the reason; the others have the runs that they have alone."""
    monkeypatch.setattr(paired_runs, "solution_for", failing(1))
    steps: list[tuple[int, int]] = []
    result = sim.run("baseline", seeds=4, progress=lambda done, total, _: steps.append((done, total)), **SMALL)
    assert result.seeds == (0, 2, 3)
    assert list(result.refused) == [1]
    assert "resilience.scar" in result.refused[1]
    document = result.document()
    assert (document["seeds"], list(document["refused"])) == ([0, 2, 3], ["1"])
    assert result.replicates is not None
    assert result.replicates.seeds == (0, 2)
    assert steps[-1][0] == steps[-1][1]
    alone = sim.run("baseline", seeds=[2, 3], **SMALL)
    assert digests(alone)["baseline"].items() <= digests(result)["baseline"].items()


def test_another_error_is_no_refused_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the input that is no refusal of a draw ends the comparison at once."""

    def wrong(*_: object) -> Calibrated:
        raise InputError("place", None, "", "a place", 0)

    monkeypatch.setattr(paired_runs, "solution_for", wrong)
    with pytest.raises(InputError, match=r"^place: wanted a place"):
        sim.run("baseline", seeds=2, **SMALL)


def test_too_many_refused_draws_end_the_comparison(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If more than a quarter of the draws cannot be calibrated, the error counts them and states reasons."""
    monkeypatch.setattr(paired_runs, "solution_for", failing(1, 2))
    with pytest.raises(InputError, match=r"at least 75% can be calibrated, got 2 of 4 that cannot be \(seed 1: "):
        sim.run("baseline", seeds=4, **SMALL)
    options = ["--people", "1500", "--years", "1", "--seeds", "4"]
    assert_refused(["run", "baseline", *options], capsys, "draws", "2 of 4", "resilience.scar")


def test_drawn_baselines_are_cached_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second comparison, as in another process, reads the baselines and replicates of the first."""
    folder = tmp_path / "baselines"
    monkeypatch.setattr(cached_records, "FOLDER", VerifiedFolder(folder, "baselines"))
    first = sim.compare(*PAIR, seeds=2, **SMALL)
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 4
    baseline_records.clear()
    times = {path: path.read_bytes() for path in folder.iterdir()}
    again = sim.compare("baseline", "more-acute", seeds=2, **SMALL)
    assert {path: path.read_bytes() for path in folder.iterdir()} == times
    assert digests(first)["baseline"] == digests(again)["baseline"]
    other = sim.compare(*PAIR, seeds=2, draws="mechanisms", **SMALL)
    assert digests(other)["baseline"] != digests(first)["baseline"]
    assert len(list(folder.iterdir())) == 8, "another draw is another run"


def test_the_twin_has_no_draws(capsys: pytest.CaptureFixture[str]) -> None:
    """The stock-flow twin makes one run with central parameters, and says so; requested draws are refused."""
    result = sim.run("baseline", engine="stocks", **SMALL)
    assert (result.draws, result.seeds) == ("none", (0,))
    assert "without chance events or draws" in result.bands
    with pytest.raises(InputError, match="stock-flow twin"):
        sim.run("baseline", engine="stocks", draws="mechanisms", **SMALL)
    assert_refused(["run", "baseline", "--engine", "stocks", "--draws"], capsys, "--draws", "stock-flow twin")


def test_precision_counts_the_doubt_about_parameters() -> None:
    """Sequential stopping works with draws; replicates are run for the seeds that were used."""
    result = sim.compare(*PAIR, seeds=FIRST + 1, precision=0.9, **SMALL)
    assert len(result.seeds) == FIRST
    assert result.replicates is not None
    assert result.replicates.seeds == (0, 4)
    assert list(result.settings["drawn"]) == [str(seed) for seed in range(FIRST + 1)]


def test_arrays_have_both_spreads() -> None:
    """The labelled arrays have chance and parameters for levels and differences, as the frames do."""
    result = sim.compare(*PAIR, seeds=2, **SMALL)
    arrays = result.to_xarray()
    frame = result.acute_demand.difference()
    at = {"metric": "acute_demand", "scenario": "salami-slice"}
    for cause in ("luck_sd", "parameter_sd"):
        np.testing.assert_array_equal(arrays[f"difference_{cause}"].sel(at), frame[cause])
        assert arrays[cause].dims == ("metric", "scenario", "year")
    assert arrays.attrs["draws"] == "all"


def test_one_seed_has_one_draw() -> None:
    """A single seed has a draw, no replicate and no spread."""
    result = sim.run("baseline", seeds=1, **SMALL)
    assert (result.draws, result.replicates) == ("all", None)
    assert np.isnan(result.acute_demand.level("baseline")["luck_sd"]).all()


def test_an_unknown_kind_of_draws_is_refused() -> None:
    """Draws are all, mechanisms or none."""
    with pytest.raises(InputError, match=r"draws: wanted one of these, got 'plausible'; there are: all"):
        sim.run("baseline", draws="plausible", **SMALL)  # type: ignore[arg-type]


def test_a_changed_world_is_calibrated_for_its_draw_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `calibrate` none, hazards are those of the draw without the scenario's own parameters, which only run."""
    asked: list[Scenario] = []

    def solved(scenario: Scenario, place: Place, _progress: object = None) -> Calibrated:
        asked.append(scenario)
        return uncalibrated(scenario, place)

    monkeypatch.setattr(paired_runs, "solution_for", solved)
    changed = Scenario.load("baseline").model_copy(
        update={"parameters": {"need.beta_support": 0.1}, "calibrate": "none", "name": "changed", "years": 1}
    )
    request = checked_request(
        [changed], place=None, people=1_500, years=None, seeds=2, seed=0, threads=1, disabled=(), draws="all",
        engine="agents", precision=None,
    )  # fmt: skip
    runs = paired_runs.PairedRuns(request, None)
    calibrated, _ = runs._calibrated(1)
    (scenario,) = asked
    assert scenario.calibrate == "fast"
    assert "need.beta_support" not in scenario.parameters
    assert scenario.parameters == runs.drawn[1]
    assert calibrated.params["need"].beta_support == 0.1  # type: ignore[attr-defined]  # a parameter of need
    assert calibrated.params["need"].beta_resilience == runs.drawn[1]["need.beta_resilience"]  # type: ignore[attr-defined]  # likewise
