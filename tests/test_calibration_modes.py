"""How hazards are solved for other parameters: not at all, fast, or in full; and parameters that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import select

from sim.calibration import attainable_rates, calibrate, paired_run
from sim.calibration.attainable_rates import CalibrationError, Diagnosis
from sim.calibration.calibrate import solution_for
from sim.calibration.donor_pool import kinds, with_shares
from sim.hazards import Solution
from sim.place.place import Place
from sim.scenario.data_parameters import set_in_england
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError

SCAR = {"resilience.scar": 0.15}
START = 'name = "x"\nlabel = "X"\nquestion = "What does it do?"\nreason = "It changes the lever."\n'


def with_parameters(values: dict[str, float], calibration: str = "fast") -> Scenario:
    """The baseline with other parameters."""
    return Scenario.load("baseline").model_copy(update={"parameters": values, "calibrate": calibration})


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calibration runs of few people and years, and a list to which each run adds its place."""
    runs: list[str] = []
    run = paired_run._run

    def counted(place: Place, *arguments: object) -> paired_run.PairedRun:
        runs.append(place.name)
        return run(place, *arguments)  # type: ignore[arg-type]  # those of the run

    settings = {"PEOPLE": 3_000, "REFERENCE_PEOPLE": 3_000, "YEARS": 2, "FIRST_YEARS": 2}
    for name, value in {**settings, "EXTRAPOLATED_AT": 6, "FORGOTTEN_AT": 12}.items():
        monkeypatch.setattr(paired_run, name, value)
    monkeypatch.setattr(paired_run, "_run", counted)
    monkeypatch.setattr(paired_run, "_references", {})
    monkeypatch.setattr(calibrate, "_adapted_models", {})
    for module, folder in ((paired_run, "REFERENCES"), (calibrate, "FOLDER")):
        monkeypatch.setattr(module, folder, type(getattr(module, folder))(None, "none"))
    return runs


def same(first: Solution, other: Solution) -> bool:
    """Whether two solutions are the same to the last bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_default_parameters_have_the_supplied_solution(short_runs: list[str]) -> None:
    """Without other parameters nothing is solved, in every mode."""
    supplied = solution_for(Scenario.load("baseline")).solution
    for mode in ("none", "fast", "full"):
        assert solution_for(with_parameters({}, mode)).solution is supplied
        assert solution_for(with_parameters({"valuation.discount_money": 0.0}, mode)).solution is supplied
    assert not short_runs


def test_without_calibration_hazards_stay(short_runs: list[str]) -> None:
    """Mode "none" has the parameters of the scenario and the hazards of the default ones."""
    model = solution_for(with_parameters(SCAR, "none"))
    assert model.solution is solution_for(Scenario.load("baseline")).solution
    assert model.params["resilience"].scar == 0.15  # type: ignore[attr-defined]  # its group has it
    assert not short_runs


def test_a_set_is_solved_once_and_exactly(short_runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parameters have the same hazards, from memory and when they are solved again; others have others."""
    labels: list[str] = []
    first = solution_for(with_parameters(SCAR), progress=lambda _done, _all, label: labels.append(label)).solution
    runs = len(short_runs)
    assert labels == ["calibrating anytown"]
    assert solution_for(with_parameters(SCAR)).solution is first
    assert len(short_runs) == runs
    monkeypatch.setattr(calibrate, "_adapted_models", {})
    assert same(solution_for(with_parameters(SCAR)).solution, first)
    assert len(short_runs) == runs + 1, "the reference is not run again"
    other = solution_for(with_parameters({"resilience.scar": 0.05})).solution
    assert other.resilience.mean() > first.resilience.mean()


def test_an_adapted_solution_is_stored(short_runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read from the cache is the solution that was computed, to the last bit."""
    for module, folder in ((paired_run, "REFERENCES"), (calibrate, "FOLDER")):
        monkeypatch.setattr(module, folder, type(getattr(module, folder))(tmp_path / folder, folder))
    first = solution_for(with_parameters(SCAR)).solution
    monkeypatch.setattr(calibrate, "_adapted_models", {})
    monkeypatch.setattr(paired_run, "_references", {})
    runs = len(short_runs)
    assert same(solution_for(with_parameters(SCAR)).solution, first)
    assert same(
        paired_run.reference_run(calibrate._solution_for(()), Place.load("anytown")),
        next(iter(paired_run._references.values())),
    )
    assert len(short_runs) == runs


def test_another_place_is_adapted_from_the_nearest_supplied_one(short_runs: list[str]) -> None:
    """A place without a solution has one that is adapted, with and without other parameters."""
    place = Place.load("leeds")
    assert calibrate.nearest_supplied(Place.load("wigan")) == "wigan"
    for values in ({}, SCAR):
        model = solution_for(with_parameters(values), place)
        assert not same(model.solution, solution_for(Scenario.load("baseline")).solution)
    assert short_runs.count("leeds") == 2


def test_donors_have_the_shares_of_need_of_the_figures() -> None:
    """Donors move to other published shares of need, as few as possible, and stay in their order."""
    base = solution_for(Scenario.load("baseline"))
    domains, services = set_in_england({"domains.mental_health.prevalence.serious.scale": 1.2})
    aims = calibrate.england_targets(domains, services, base.solution)
    assert (with_shares(base.solution, base.aims, base.aims, domains) == base.solution.donor_level).all()
    levels = with_shares(base.solution, base.aims, aims, domains)
    d = [domain.id for domain in domains].index("mental_health")
    others = [k for k in range(len(domains)) if k != d]
    assert (levels[:, others] == base.solution.donor_level[:, others]).all()
    assert (levels[:, d] >= base.solution.donor_level[:, d]).all()
    adults = kinds(base.solution)[2] >= 3
    before, after = ((each[adults, d] >= 2).mean() for each in (base.solution.donor_level, levels))
    assert after / before == pytest.approx(1.2, abs=0.05)


def test_hazards_reproduce_the_reference(short_runs: list[str]) -> None:
    """A run whose people have the modifiers of the reference changes no hazard of a crisis, except as figures do."""
    base, place = calibrate._solution_for(()), Place.load("anytown")
    reference = paired_run.reference_run(base, place)
    assert paired_run._crisis_hazards(reference, base.aims, reference, base.aims) == pytest.approx(1.0)
    doubled = reference._replace(modifiers=2.0 * reference.modifiers)
    ratio = paired_run._crisis_hazards(doubled, base.aims, reference, base.aims)
    assert ratio[reference.modifiers > 0.0] == pytest.approx(0.5)
    more = base.aims._replace(crises=1.1 * base.aims.crises)
    raised = paired_run._crisis_hazards(reference, more, reference, base.aims)
    assert raised[base.aims.crises > 0.0] == pytest.approx(1.1)


def test_parameters_without_a_baseline_are_refused_by_name() -> None:
    """The error states the rate, what was wanted and what came, and the parameters furthest from their values."""
    values = {"services.ae.walk_in.knock_per_year.physical_health": 1.2, "resilience.scar": 0.25}
    attainable_rates.check(Diagnosis({"care": 0.96}, {"ae": 1.09}), values, "anytown")
    with pytest.raises(CalibrationError) as visits:
        attainable_rates.check(Diagnosis({"care": 1.0}, {"ae": 1.2}), values, "anytown")
    with pytest.raises(CalibrationError, match=r"crises of care, got 90% of these crises$"):
        attainable_rates.check(Diagnosis({"care": 0.9}, {"ae": 1.0}), values, "anytown")
    assert "got 120% of the visits to ae" in str(visits.value)
    assert "knock_per_year.physical_health = 1.2 (0.2 to 1.2)" in str(visits.value)
    assert "scar" not in str(visits.value)
    assert isinstance(visits.value, InputError)


def test_a_refusal_is_raised_each_time(short_runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that is refused is refused again, without another run."""
    monkeypatch.setattr(attainable_rates, "LEAST_CRISES", 2.0)
    for _ in range(2):
        with pytest.raises(CalibrationError):
            solution_for(with_parameters(SCAR))
    assert len(short_runs) == 3, "two for the reference, and one for the set"


def test_the_former_key_is_named(tmp_path: Path) -> None:
    """`recalibrate` is refused with its new name, and `calibrate` with its values."""
    file = tmp_path / "x.toml"
    for line, words in (
        ("recalibrate = false", "line 5: recalibrate: recalibrate is now called calibrate"),
        ('calibrate = "fats"', "there are: none, fast, full (did you mean 'fast'?)"),
    ):
        file.write_text(START + line + "\n")
        with pytest.raises(InputError) as error:
            Scenario.load(file)
        assert words in str(error.value)


def test_the_option_sets_the_mode_of_every_scenario() -> None:
    """`--calibrate` replaces the mode of the files; another word is refused with the modes."""
    selected = select("baseline", "salami-slice", calibrate="none")
    assert {scenario.calibrate for scenario in selected.scenarios} == {"none"}
    assert select("ties-cut").scenarios[0].calibrate == "none"
    with pytest.raises(InputError, match="none, fast, full"):
        select("baseline", calibrate="quick")
