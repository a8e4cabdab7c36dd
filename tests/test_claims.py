"""Claims and published experiments: the tests of expectations, the files, and the two commands that run them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.calibration.calibrate import solution_for
from sim.cli import command
from sim.ensemble.batch import Readings
from sim.ensemble.compare import compare
from sim.results.expectation_tests import (
    Estimate,
    Verdict,
    assess,
    difference,
    expected_by_chance,
    missed_again,
    needs,
    unmeasured,
    wording,
)
from sim.scenario.expectations import Expect, MeasureSpec
from sim.scenario.scenario import FOLDER, Scenario, library
from sim.schema.toml_files import InputError
from sim.validation import claims as claims_module
from sim.validation import natural_experiments as experiments_module
from sim.validation.claims import OUTSIDE, cases, claim_texts, outside_texts, regions, run_claims, walks
from sim.validation.natural_experiments import EXPERIMENTS, Experiment, validate

F = npt.NDArray[np.float64]
SEEDS, PEOPLE = 3, 3000
HEAD = """\
name = "{name}"
label = "Made up"
question = "What happens if so?"
reason = "Because the equations do so."
years = 3
shows = ["M94"]
"""
CUT = """
[[policies]]
lever = "total_budget"
start = "2025-10"
value = 0.8
"""
EXPERIMENT = """\
id = "X1"
title = "A made-up experiment"
protocol = "What is cut there is cut here."
years = 3
[published]
finding = "Spending fell by a fifth."
source = "made up"
"""


def expect(**given: Any) -> Expect:
    """An expectation of acute demand in year 1."""
    return Expect.model_validate({"metric": "acute_demand", "year": 1, **given})


# --- estimates and verdicts ------------------------------------------------------------------------------------------


def test_a_difference_has_the_interval_of_a_paired_t_test(seed: int) -> None:
    """Mean, interval and p are those of SciPy's paired t test."""
    dice = np.random.default_rng(seed)
    one, other = dice.normal(10.0, 2.0, 12), dice.normal(9.0, 2.0, 12)
    found = Estimate.of(one) - Estimate.of(other)
    peer = stats.ttest_rel(one, other)
    assert found.value == pytest.approx((one - other).mean())
    assert found.interval() == pytest.approx(tuple(peer.confidence_interval(0.95)))
    assert found.chance(0.0, above=True) == pytest.approx(
        stats.ttest_rel(one, other, alternative="greater").pvalue * 2.0
    )


@pytest.mark.statistics
def test_a_ratio_covers_the_truth(seed: int) -> None:
    """The interval of a ratio of differences of 20 seeds holds the true ratio in 95 % of 2,000 trials: within four
    standard errors (0.5 points each) and one point for its being an approximation. Fails by chance once in 15,000."""
    dice = np.random.default_rng(seed)
    inside = 0
    for _ in range(2_000):
        luck = dice.normal(0.0, 1.0, 20)
        top, bottom = 6.0 + luck + dice.normal(0.0, 1.0, 20), 12.0 + luck + dice.normal(0.0, 1.0, 20)
        low, high = (Estimate.of(top) / Estimate.of(bottom)).interval()
        inside += low <= 0.5 <= high
    assert abs(inside / 2_000 - 0.95) < 4 * 0.005 + 0.01


def test_nothing_is_sure_over_a_denominator_that_may_be_nothing(seed: int) -> None:
    """A ratio to what is not told from 0 has no interval, and meets no expectation."""
    dice = np.random.default_rng(seed)
    ratio = Estimate.of(dice.normal(5.0, 1.0, 20)) / Estimate.of(dice.normal(0.0, 1.0, 20) + 1e-3)
    if not np.isnan(ratio.interval()[0]):  # luck told the denominator from 0, as it does one time in twenty
        ratio = Estimate.of(np.ones(20)) / Estimate.of(np.array([-1.0, 1.0] * 10))
    assert np.isnan(ratio.interval()).all()
    verdict = assess(expect(direction="up"), ratio)
    assert (verdict.met, verdict.told) == (False, False)


@pytest.mark.statistics
@pytest.mark.parametrize("direction", ["up", "down"])
def test_false_alarms(direction: str, seed: int) -> None:
    """Where nothing differs, a direction is met once in 40 times: 4,000 trials, within four standard errors
    (0.25 points each). Fails by chance once in 15,000."""
    dice = np.random.default_rng(seed)
    asked = expect(direction=direction)
    met = sum(assess(asked, Estimate.of(dice.normal(0.0, 3.0, 20))).met for _ in range(4_000))
    assert abs(met / 4_000 - 0.025) < 4 * 0.0025


@pytest.mark.statistics
def test_equivalence_is_never_met_by_doubt(seed: int) -> None:
    """'either' needs the interval inside the margin: a truth at the margin's edge passes at most once in 40 times
    (4,000 trials, four standard errors), few noisy seeds never do, and a truth of 0 with a narrow interval does."""
    dice = np.random.default_rng(seed)
    asked = expect(direction="either", low=-1.0, high=1.0)
    at_the_edge = sum(assess(asked, Estimate.of(dice.normal(1.0, 1.0, 20))).met for _ in range(4_000))
    assert at_the_edge / 4_000 < 0.025 + 4 * 0.0025
    assert not assess(asked, Estimate.of(np.array([-8.0, 8.0, -9.0, 9.0]))).met
    assert assess(asked, Estimate.of(dice.normal(0.0, 0.1, 20))).met
    assert assess(asked, Estimate.of(np.zeros(20))).met


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({"direction": "up"}, True),
        ({"direction": "down"}, False),
        ({"low": 1.0}, True),
        ({"low": 2.0}, False),  # the interval, 1.6 to 2.4, reaches above 2 and is not above it
        ({"low": 3.0}, False),
        ({"high": 3.0}, True),
        ({"high": 2.0}, False),
        ({"low": 1.0, "high": 3.0}, True),
        ({"low": 1.9, "high": 3.0}, False),
        ({"direction": "up", "high": 3.0}, True),
        ({"direction": "up", "high": 2.0}, False),
        ({"direction": "up", "low": 2.0}, False),
    ],
)
def test_no_expectation_is_looser_than_it_says(given: dict[str, Any], met: bool) -> None:
    """A bound is met where the whole interval lies beyond it, not where it reaches across; p says the same."""
    seen = Estimate.of(2.0 + 0.5 * np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0, 0.0]))
    low, high = seen.interval()
    assert 1.6 < low < 1.9
    assert 2.1 < high < 2.4
    verdict = assess(expect(**given), seen)
    assert verdict.met == met
    assert (verdict.chance < 0.05) == met


def test_one_seed_tells_nothing() -> None:
    """With one seed there is no interval, so that nothing is met."""
    verdict = assess(expect(low=-1e9, high=1e9), Estimate.of(np.array([3.0])))
    assert (verdict.mean, verdict.met, verdict.told) == (3.0, False, False)


def test_a_family_is_judged_together() -> None:
    """Of 40 false expectations luck meets one; Holm's level for the k-th smallest p of n is 5 % / (n - k + 1)."""

    def verdict(chance: float) -> Verdict:
        return Verdict("up", 1.0, 0.5, 1.5, chance, met=chance < 0.05, told=True)

    assert expected_by_chance([verdict(1e-9)] * 40) == (1.0, 40)
    assert (
        expected_by_chance([verdict(p) for p in (0.001, 0.02, 0.03, 0.04)])[1] == 1
    )  # 0.0125, then 0.02 > 0.0167 stops it
    assert expected_by_chance([verdict(p) for p in (0.001, 0.011, 0.015, 0.04)])[1] == 4
    assert expected_by_chance([]) == (0.0, 0)


@pytest.mark.statistics
def test_how_many_would_be_missed_again(seed: int) -> None:
    """Of 2,000 truths, each tested in two runs of 40 seeds, the first foretells how many the second misses: within four
    standard errors (each miss a coin) and a part in fifty for t against normal. Fails by chance once in 15,000."""
    dice = np.random.default_rng(seed)
    truths = dice.normal(0.0, 4.0, 2_000) / np.sqrt(40)  # as wide as nothing known beforehand would have it
    first, second = (
        [assess(expect(direction="up"), Estimate.of(dice.normal(truth, 1.0, 40))) for truth in truths] for _ in range(2)
    )
    missed = sum(not verdict.met for verdict in second)
    assert missed_again(first) == pytest.approx(missed, abs=4 * np.sqrt(2_000 * 0.25) + 2_000 / 50)


def read_from(levels: dict[str, list[float]]) -> Any:
    """A reader of made-up runs: the same two seeds' levels every year, twice as high in quintile 1."""

    def read(name: str, metric: str, groups: Any) -> F:
        factor = 2.0 if groups.get("quintile") == ("1",) else 1.0
        return factor * np.repeat(np.array(levels[name])[:, None], 4, axis=1)

    return read


def test_what_a_difference_is_taken_from() -> None:
    """From the baseline, from another scenario, from two others together; as a share; between groups."""
    read = read_from({"base": [10.0, 12.0], "a": [13.0, 15.0], "b": [11.0, 13.0], "ab": [16.0, 18.0]})

    def found(against: str | None = None, together: tuple[str, ...] = (), **given: Any) -> float:
        looked = MeasureSpec.model_validate({"metric": "acute_demand", "years": [2, 4], **given})
        return difference(looked, "ab", "base", read, against, together).value

    assert found() == pytest.approx(6.0)
    assert found(against="a") == pytest.approx(3.0)
    assert found(together=("a", "b")) == pytest.approx(16.0 - 13.0 - 11.0 + 10.0)
    assert found(relative=True) == pytest.approx(6.0 / 11.0)
    assert found(relative=True, against="a") == pytest.approx(3.0 / 14.0)
    assert found(quintile=1, compared_with={"quintile": 5}) == pytest.approx(12.0 - 6.0)
    assert found(quintile=1, compared_with={"quintile": 5}, relative=True) == pytest.approx(0.0)
    assert found(quintile=1, share_of={"quintile": [1, 5]}) == pytest.approx(0.0)


def test_needs_name_every_reading() -> None:
    """Whatever a difference reads is asked for beforehand."""
    looked = expect(direction="up", age="85+", quintile=1, compared_with={"quintile": 5}, share_of={"age": "65-74"})
    asked = [groups for _, groups in needs(looked)]
    assert {"age": ("85+",), "quintile": ("1",)} in asked
    assert {"age": ("85+",), "quintile": ("5",)} in asked
    assert {"age": ("65-74",), "quintile": ("5",)} in asked
    assert len(asked) == 4


def test_words() -> None:
    """An expectation in words keeps its bounds and its unit."""
    assert wording(expect(direction="either", low=-0.01, high=0.02, relative=True)) == "no difference: -1 % to +2 %"
    assert wording(expect(direction="up", low=3.0)) == "up, more than +3"


@pytest.mark.parametrize(
    ("given", "below", "came"),
    [
        ({"metric": "joy"}, ("metric",), "joy"),
        ({"quintile": 6}, ("quintile",), "6"),
        ({"age": "18-24", "compared_with": {"age": "100+"}}, ("compared_with", "age"), "100+"),
        ({"domain": "care"}, ("domain",), "domain"),
    ],
)
def test_a_measure_that_is_not_there(given: dict[str, Any], below: tuple[str, ...], came: str) -> None:
    """A metric, axis or group that does not exist is found before anything is run, with what there is."""
    wrong = unmeasured(expect(direction="up", **given))
    assert wrong is not None
    assert (wrong.below, wrong.came) == (below, came)
    assert wrong.choices


# --- files -----------------------------------------------------------------------------------------------------------


def test_every_claim_has_its_sentence() -> None:
    """M1 to M94, once each, in a sentence; those outside the model have a reason and no scenario."""
    texts = claim_texts()
    assert list(texts) == [f"M{k}" for k in range(1, 95)]
    assert all(re.fullmatch(r"[A-Z].*\.", text) for text in texts.values())
    outside = outside_texts()
    assert set(outside) <= set(texts)
    assert all(re.fullmatch(r"[A-Z].*\.", reason) for reason in outside.values())
    assert not set(outside) & {claim for case in cases() for claim in case.claims}


@pytest.mark.parametrize("name", list(library()))
def test_library_scenarios_can_be_put_to_the_test(name: str) -> None:
    """A scenario of the library bears its file's name, can be loaded by it, and names claims that it says something
    of: each has an expectation, and whatever is expected can be measured."""
    scenario = Scenario.load(name)
    assert scenario.name == name
    assert re.fullmatch(r"[A-Z].*\?", scenario.question), scenario.question
    assert re.fullmatch(r"[A-Z].*\.", scenario.reason, re.DOTALL), scenario.reason
    every = [*scenario.expect, *(expected for stop in scenario.stops for expected in stop.expect)]
    assert [expected for expected in every if unmeasured(expected) is not None] == []
    if scenario.expect:
        of = {claim for e in scenario.expect for claim in ([e.claim] if e.claim else scenario.shows)}
        assert of == set(scenario.shows)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_experiments_can_be_run(path: Path) -> None:
    """Every shipped experiment loads: its levers, aims, metrics and groups exist, and it cites a row of evidence."""
    experiment = Experiment.load(path)
    assert path.stem.startswith(experiment.id.lower() + "-")
    assert re.match(r"[A-Z]\d\d \[", experiment.published.source)


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ('metric = "deaths"\nyear = 2\ndirection = "either"', ["line 7", "expect[0]", "low and high", "one without"]),
        ('metric = "deaths"\nyear = 2\nyears = [1, 2]\nlow = 0', ["expect[0]", "one of year and years", "both"]),
        ('metric = "deaths"\nyears = [2, 9]\nlow = 0', ["line 9", "expect[0].years", "1 to 3", "got 9"]),
        ('metric = "deaths"\nyear = 2\nlow = 2\nhigh = 1', ["line 11", "expect[0].high", "above low"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\nclaim = "M2"', ["line 11", "expect[0].claim", "M94"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\nclaim = "M95"', ["line 11", "expect[0].claim", "M95"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\nagainst = "b"\ninteraction = ["a", "b"]', ["one of against and"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\n[[stops]]\nbecause = "there is no other world"\nexpect = []\n',
         ["line 13", "stops[0].expect", "at least 1"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\n[[stops]]\nbecause = "there is no other world"\n'
         'expect = [{ metric = "deaths", year = 1, low = 0 }]\n', ["line 11", "stops[0]", "change or policies"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\n[[stops]]\nbecause = "there is no other world"\n'
         'expect = [{ metric = "deaths", year = 1, low = 0 }]\nchange = { "need.luck" = 1 }\n',
         ["line 14", 'stops[0].change."need.luck"', "need.beta_support"]),
        ('metric = "deaths"\nyear = 2\nlow = 0\n[[stops]]\nbecause = "there is no other world"\n'
         'expect = [{ metric = "deaths", year = 1, low = 0 }]\npolicies = [{ lever = "luck", start = "2026-04" }]\n',
         ["line 14", "stops[0].policies[0].lever", "acute_share"]),
    ],
    ids=["margin", "two spans", "late", "crossed", "not shown", "no claim", "two references", "empty", "same world",
         "no parameter", "no lever"],
)  # fmt: skip
def test_a_slip_in_a_scenario(lines: str, parts: list[str], tmp_path: Path) -> None:
    """The message names file, line and key, what was wanted, what came."""
    path = tmp_path / "mine.toml"
    path.write_text(HEAD.format(name="mine") + "[[expect]]\n" + lines, encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        Scenario.load(path)
    assert [part for part in ["mine.toml", *parts] if part not in str(wrong.value)] == [], str(wrong.value)


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ('[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"',
         ["one change, under policies, or arms", "neither"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\n', ["measures[0]", "a band"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "death"\nyear = 2\nsign = "up"',
         ["line 16", "measures[0].metric", "did you mean 'deaths'?"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"\narm = "b"',
         ["line 19", "measures[0].arm", "there are: change"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 9\nsign = "up"',
         ["line 17", "measures[0].year", "1 to 3"]),
        (CUT.replace("0.8", "8.0") + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\n'
         'sign = "up"', ["line 12", "policies[0].value", "got 8.0"]),
    ],
    ids=["no change", "neither band nor sign", "metric", "arm", "late", "lever's range"],
)  # fmt: skip
def test_a_slip_in_an_experiment(lines: str, parts: list[str], tmp_path: Path) -> None:
    """The message names file, line and key, what was wanted, what came."""
    path = tmp_path / "x1.toml"
    path.write_text(EXPERIMENT + lines, encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        Experiment.load(path)
    assert [part for part in ["x1.toml", *parts] if part not in str(wrong.value)] == [], str(wrong.value)


# --- runs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for scenarios and experiments, beside which the library has but its baseline, and no regions."""
    monkeypatch.setattr(claims_module, "library", lambda: {"baseline": FOLDER / "baseline.toml"})
    monkeypatch.setattr(experiments_module, "EXPERIMENTS", tmp_path / "mine")
    (tmp_path / "none.toml").write_text("regions = []", encoding="utf-8")
    monkeypatch.setattr(claims_module, "REGIONS", tmp_path / "none.toml")
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def write(folder: Path, name: str, *parts: str) -> None:
    """A scenario of three years that shows M94."""
    (folder / f"{name}.toml").write_text(HEAD.format(name=name) + "\n".join(parts), encoding="utf-8")


TRUE = '[[expect]]\nmetric = "spend_total"\nyear = 2\ndirection = "down"\nrelative = true\n'
FALSE = '[[expect]]\nmetric = "spend_total"\nyear = 2\ndirection = "up"\n'
STOPS = """
[[stops]]
because = "what is cut is given back at once"
policies = [{ lever = "total_budget", start = "2025-10", value = 1.0 }]
expect = [{ metric = "spend_total", year = 2, relative = true, direction = "either", low = -0.001, high = 0.001 }]
"""


def test_a_claim_that_is_met_and_where_it_stops(mine: Path) -> None:
    """A cut lowers spending, and a cut of nothing is shown to be the same as none; the baseline is run once for all.

    The stop replaces the cut by one of the same lever, so that three runs are made: baseline, cut, and neither."""
    write(mine, "cut", TRUE, CUT, STOPS)
    report = run_claims(seeds=SEEDS, people=PEOPLE, folders=[mine])
    assert (report.made, report.kept) == (3, 0)
    shown = next(claim for claim in report.claims if claim.number == "M94")
    assert shown.status == "shown"
    assert -0.3 < shown.findings[0].verdict.mean < -0.02
    assert [found.verdict.met for found in shown.stops] == [True]
    assert shown.stops[0].verdict.mean == 0.0
    assert report.count("missing") == 94 - 1 - len(outside_texts())


def test_a_claim_that_must_fail_does(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cut that is expected to raise spending: NOT met, exit status 1, and the message counts it."""
    write(mine, "cut", FALSE, CUT)
    asked = ["claims", "M94", "--from", str(mine), "--seeds", str(SEEDS), "--people", str(PEOPLE)]
    assert command(asked) == 1
    told = capsys.readouterr()
    assert "M94 not shown" in told.out
    assert "NOT met" in told.out
    assert "1 of 1 expectations are not met" in told.err


def test_what_is_there_is_not_run_again(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --out a second time makes no run, prints the same document, and exits 0; another policy is another run."""
    write(mine, "cut", TRUE, CUT)
    asked = ["claims", "M94", "--from", str(mine), "--seeds", str(SEEDS), "--people", str(PEOPLE), "--json"]
    asked += ["--out", str(tmp_path / "out")]
    assert command(asked) == 0
    first = json.loads(capsys.readouterr().out)
    files = sorted((tmp_path / "out" / "runs").iterdir())
    assert len(files) == 2
    before = [path.stat().st_mtime_ns for path in files]
    assert command(asked) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert [path.stat().st_mtime_ns for path in files] == before
    assert json.loads((tmp_path / "out" / "claims.json").read_text(encoding="utf-8")) == first
    files[0].write_text("half a fi", encoding="utf-8")
    write(mine, "cut", TRUE, CUT.replace("0.8", "0.9"))
    assert command(asked) == 0
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 3


def test_against_and_together(mine: Path) -> None:
    """Scenarios that are named are run beside; the same cut under another name is the same run."""
    write(mine, "cut", TRUE, CUT)
    write(mine, "same", '[[expect]]\nmetric = "spend_total"\nyear = 2\nagainst = "cut"\ndirection = "either"\n'
          'low = -0.1\nhigh = 0.1\n', CUT)  # fmt: skip
    write(mine, "deeper", '[[expect]]\nmetric = "spend_total"\nyear = 2\nagainst = "cut"\ndirection = "down"\n',
          CUT.replace("0.8", "0.6"))  # fmt: skip
    write(mine, "twice", '[[expect]]\nmetric = "spend_total"\nyear = 2\ninteraction = ["cut", "same"]\n'
          'direction = "up"\n', CUT)  # fmt: skip
    report = run_claims(["M94"], seeds=SEEDS, people=PEOPLE, folders=[mine])
    assert report.made == 3
    assert report.unmet == ()
    found = {f.case.scenario.name: f.verdict for f in report.findings}
    assert found["same"].mean == 0.0
    one = next(f.verdict.mean for f in run_claims(["M94"], seeds=SEEDS, people=PEOPLE, folders=[mine]).findings
               if f.case.scenario.name == "twice")  # fmt: skip
    assert one == pytest.approx(found["twice"].mean)  # a cut is not twice itself: - cut + baseline


def test_quick_says_what_it_leaves_out(mine: Path) -> None:
    """A claim that only other scenarios show is 'not run', and not missing."""
    write(mine, "cut", TRUE, CUT)
    report = run_claims(seeds=SEEDS, people=PEOPLE, folders=[mine], quick=True)
    assert (report.made, report.count("not run")) == (0, 1)


def test_some_claims_of_the_library(seed: int) -> None:
    """Five claims whose effects are large are shown, and stop where they say, in a town of 4,000 with 8 seeds; their
    least certain expectation has p below 1e-4 there, so that other luck hardly ever fails this."""
    chosen = ["M16", "M55", "M56", "M83", "M91"]
    report = run_claims(chosen, quick=True, seeds=8, seed=seed, people=4_000)
    assert [(found.case.scenario.name, found.row()) for found in report.unmet] == []
    assert report.count("shown") == len(chosen)
    assert sum(len(claim.stops) for claim in report.claims) > 4


MUST_CONTRADICT = {"M4", "M16", "M32", "M55", "M56", "M57", "M62", "M67", "M80", "M82"}


def test_what_must_be_open_to_contradiction_is() -> None:
    """Each such claim is walked along something, and has a place where it stops, if only along that."""
    assert {region.claim for region in regions()} == MUST_CONTRADICT
    for region, places in walks():
        assert len(places) == len(region.values)
        assert region.claim in places[0].scenario.shows


def test_a_claim_is_true_here_and_false_there(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cut that is walked from half to half as much more: spending falls, does not move, rises."""
    write(mine, "cut", TRUE, CUT)
    path = mine.parent / "regions.toml"
    path.write_text(
        '[[regions]]\nclaim = "M94"\nscenario = "cut"\nalong = "total_budget"\nstart = "2025-10"\npeople = 3000\n'
        'values = [0.5, 1.0, 1.5]\nwhy = "Spending follows money."\n'
        'expect = { metric = "spend_total", year = 2, direction = "down" }\n',
        encoding="utf-8",
    )
    there = {"baseline": FOLDER / "baseline.toml", "cut": mine / "cut.toml"}
    monkeypatch.setattr(claims_module, "library", lambda: there)
    monkeypatch.setattr(claims_module, "REGIONS", path)
    report = run_claims(["M94"], seeds=SEEDS, people=PEOPLE)
    (walk,) = report.claims[0].walks
    assert walk.places() == ("true", "not told", "false")
    assert report.made == 5
    assert [f.case.stops for f in report.findings] == [None]  # a region is no expectation
    assert command(["claims", "M94", "--seeds", str(SEEDS), "--people", str(PEOPLE)]) == 0
    told = capsys.readouterr().out
    assert "along total_budget (cut): Spending follows money." in told
    assert re.search(r"at 1.5: \+.*: FALSE", told)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ('along = "luck"\nstart = "2025-10"', "a lever or a parameter"),
        ('along = "total_budget"', "a first month for a lever"),
        ('along = "need.informal"\nstart = "2025-10"', "got one for a parameter"),
        ('along = "need.informal"\nscenario = "nowhere"', "the name of a scenario"),
        ('along = "need.informal"\nvalues = [0.1, 9.0]', "0.1 to 0.5"),
    ],
)
def test_a_slip_in_a_region(given: str, part: str, tmp_path: Path) -> None:
    """Found before anything is run, with file and key."""
    path = tmp_path / "regions.toml"
    rest = {"scenario": '"more-money"', "values": "[0.1, 0.2]"}
    lines = [f"{name} = {value}" for name, value in rest.items() if f"{name} =" not in given]
    expected = 'expect = { metric = "deaths", year = 2, direction = "down" }'
    path.write_text(
        "\n".join(['[[regions]]\nclaim = "M16"\nwhy = "because it should"', given, *lines, expected]), encoding="utf-8"
    )
    with pytest.raises(InputError, match=part):
        walks(path=path)


def test_another_world_has_a_baseline_of_its_own(mine: Path) -> None:
    """Changed parameters, and policies `in_baseline`, are in the baseline of the place where a claim stops too."""
    world = '[[stops]]\nbecause = "help is worth nothing there"\nchange = { "need.beta_support" = 0.1 }\n'
    world += 'expect = [{ metric = "deaths", year = 1, low = -9 }]\n'
    both = '[[stops]]\nbecause = "everything is cut anyway"\nin_baseline = true\n'
    both += 'policies = [{ lever = "cut_rule", start = "2025-10", value = 1.0 }]\n'
    both += 'expect = [{ metric = "deaths", year = 1, low = -9 }]\n'
    write(mine, "cut", TRUE, CUT, world, both)
    own, other, cut = cases(folders=[mine])
    assert own.baseline.parameters == {}
    assert other.baseline.parameters == other.scenario.parameters == {"need.beta_support": 0.1}
    assert not other.baseline.recalibrate
    assert [policy.lever for policy in cut.baseline.policies] == ["cut_rule"]
    assert [policy.lever for policy in cut.scenario.policies] == ["total_budget", "cut_rule"]
    readings = Readings(SEEDS)
    assert len({readings.digest(s) for case in (own, other, cut) for s in (case.scenario, case.baseline)}) == 6


def test_a_world_that_is_not_recalibrated_keeps_its_hazards() -> None:
    """Its parameters are its own, its hazards those solved for the default ones."""
    base = Scenario.load("baseline")
    changed = base.model_copy(update={"parameters": {"need.beta_support": 0.1}, "recalibrate": False})
    usual, other = solution_for(base), solution_for(changed)
    assert other.solution is usual.solution
    assert other.params["need"].beta_support == 0.1  # type: ignore[attr-defined]  # a parameter of need
    assert usual.params["need"].beta_support != 0.1  # type: ignore[attr-defined]  # likewise


def test_a_claim_is_shown_or_outside_but_not_both(mine: Path) -> None:
    """A scenario that shows a claim for which outside.toml has a reason is refused."""
    number = next(iter(outside_texts()))
    write(mine, "cut", TRUE, CUT)
    path = mine / "cut.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("M94", number), encoding="utf-8")
    with pytest.raises(InputError, match="claims that no scenario shows") as wrong:
        run_claims(seeds=SEEDS, people=PEOPLE, folders=[mine])
    assert wrong.value.file == str(OUTSIDE)


def test_groups_are_summed_before_the_ratio() -> None:
    """A measure of all five fifths together is the measure of everybody, and a single one that of its axis."""
    result = compare(Scenario.load("baseline"), years=1, people=PEOPLE, seeds=1)
    every = result.of_groups("baseline", "ae_attendances", {"quintile": ("1", "2", "3", "4", "5")})
    assert every == pytest.approx(result.of_groups("baseline", "ae_attendances", {}))
    old = result.of_groups(
        "baseline", "ae_attendances", {"age": ("75-84", "85+"), "quintile": ("1", "2", "3", "4", "5")}
    )
    opened = result.records["baseline"][0].monthly["opened"]
    people = result.records["baseline"][0].monthly["people"]
    k = list(result.to_xarray()["service"].values).index("ae")
    assert old[0, 0] == pytest.approx(12000.0 * opened[:, k, :, 8:].sum() / people[:, :, 8:].sum())
    with pytest.raises(ValueError, match="cannot be told by"):
        result.of_groups("baseline", "deaths", {"domain": ("care",)})


def test_an_experiment_of_two_arms(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Published beside simulated, band and sign; a ratio of two arms; a wrong sign and a wrong band are told, and are
    no error."""
    arms = "".join(
        f'[[arms]]\nname = "{name}"\n[[arms.policies]]\nlever = "total_budget"\nstart = "2025-04"\nvalue = {value}\n'
        for name, value in (("large", 0.7), ("small", 0.85))
    )
    head = '[[measures]]\nlabel = "Spending"\nunit = "share"\nmetric = "spend_preventive"\nyears = [2, 3]\n'
    measures = head + 'relative = true\narm = "large"\npublished = -0.3\nband = [-0.9, -0.1]\nsign = "down"\n'
    measures += head + 'relative = true\narm = "small"\nband = [0.1, 0.2]\nsign = "up"\n'
    measures += head + 'arm = "large"\nratio_to = "small"\nband = [1.2, 3.0]\n'
    measures += head + 'arm = "large"\nband = [0.0, 1.5]\ndivide_by = { metric = "spend_total", years = [2, 3] }\n'
    (mine / "x1.toml").write_text(EXPERIMENT + arms + measures, encoding="utf-8")
    found = validate(seeds=SEEDS, people=PEOPLE)
    first, second, ratio, part = found.outcomes[0].effects
    assert (first.in_band, first.sign_right) == ("yes", "yes")
    assert (second.in_band, second.sign_right) == ("no", "no")
    assert 1.2 < ratio.mean < 3.0
    assert 0.0 < part.mean < 1.5
    assert command(["validate", "X1", "--seeds", str(SEEDS), "--people", str(PEOPLE), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"bands": 4, "in_band": 3, "signs": 2, "sign_right": 1, "sign_wrong": 1}
    assert command(["validate", "X1", "--seeds", str(SEEDS), "--people", str(PEOPLE)]) == 0
    text = capsys.readouterr().out
    assert "published -0.300; simulated -0." in text
    assert "In their band: 3 of 4" in text


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["claims", "M99"], ["number of a claim", "M99"]),
        (["claims", "--from", "nowhere"], ["nowhere", "a folder"]),
        (["claims", "--seeds", "0"], ["--seeds"]),
        (["validate", "X9"], ["id of an experiment", "X9", "X1"]),
    ],
)
def test_what_cannot_be_asked(
    args: list[str], parts: list[str], mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and one line that says what there is."""
    text = EXPERIMENT + CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"\n'
    (mine / "x1.toml").write_text(text, encoding="utf-8")
    assert command(args) == 2
    told = capsys.readouterr().err
    assert [part for part in parts if part not in told] == [], told
