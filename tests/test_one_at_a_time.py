"""Levers moved one at a time and loops knocked out: the files, the assessment, and a few of them run.

`upstream claims --levers` and `upstream claims --loops` run them all.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim.cli import command
from sim.feedback.loops import LOOPS
from sim.policies import levers
from sim.results.metrics import metric
from sim.scenario.policy import Policy
from sim.schema.errors import InputError
from sim.validation import one_at_a_time
from sim.validation.one_at_a_time import (
    LeverEffect,
    LeverEnd,
    assess_levers,
    experiments,
    knock_out,
    lever_preconditions,
    move_levers,
)

LEVERS = {lever.name: lever for lever in levers()}


def test_every_loop_has_an_experiment() -> None:
    """The file has each loop of the list once, with effects that have a direction or a margin."""
    by_name = experiments()
    assert list(by_name) == [loop.name for loop in LOOPS]
    assert all(look.direction is not None for experiment in by_name.values() for look in experiment.looks)


def test_every_lever_can_be_moved() -> None:
    """Levers that need an aim have one, and no lever needs itself to be moved."""
    needs = lever_preconditions().needs
    for lever in levers():
        if "service" in lever.needs:
            assert needs[lever.name].service
        if lever.name in needs:
            assert lever.name not in {policy.lever for policy in needs[lever.name].world}


def noise(rng: np.random.Generator, ends: int) -> list[LeverEnd]:
    """Levers without an effect, assessed on 20 metrics of 12 towns."""
    measure, lever = metric("acute_demand"), LEVERS["pay"]
    ends_data = [
        (lever, 1.0, [LeverEffect.of(measure, rng.normal(9.0, 1.0, 12), rng.normal(9.0, 1.0, 12)) for _ in range(20)])
        for _ in range(ends)
    ]
    return assess_levers(ends_data)


@pytest.mark.statistics
def test_chance_moves_no_lever(seed: int) -> None:
    """Of 200 reports on 4 ends without an effect, one in twenty names a change, within four standard errors.

    A standard error is 1.5 points. The test fails by chance once in 15,000 runs.
    """
    rng = np.random.default_rng(seed)
    wrong = sum(any(end.reach != "nothing" for end in noise(rng, 4)) for _ in range(200))
    assert 0 < wrong / 200 < 0.05 + 4 * 0.015


def test_the_largest_change_is_named(seed: int) -> None:
    """Of the significant changes the largest, in standard deviations between towns, is named; outcomes come first."""
    rng = np.random.default_rng(seed)
    towns = rng.normal(100.0, 2.0, 12)
    small, large, money = (
        LeverEffect.of(metric(name), towns, towns + by + rng.normal(0.0, 0.01, 12))
        for name, by in (("acute_demand", 1.0), ("deaths", 3.0), ("spend_total", 9.0))
    )
    first, second = assess_levers([(LEVERS["pay"], 1.2, [small, large, money]), (LEVERS["pay"], 0.9, [money])])
    assert (first.largest.metric.name, first.reach, first.significant) == ("deaths", "outcomes", 3)
    assert first.largest.size == pytest.approx(3.0 / towns.std(ddof=1), rel=0.02)
    assert (second.largest.metric.name, second.reach) == ("spend_total", "staff or money")


def test_levers_with_and_without_an_effect(seed: int) -> None:
    """Refusals, caseload and outreach reach beyond staff. Mutual aid without a shock only costs money. A rule for cuts
    changes nothing without a cut, and is listed as idle."""
    names = ["cut_rule", "caseload", "mutual_aid", "outreach", "threshold"]
    report = move_levers(names, seeds=6, seed=seed, people=1_500, years=4, preconditions={})
    reach = {(end.lever.name, end.value): end.reach for end in report.ends}
    beyond = {name for (name, _), met in reach.items() if met in ("outcomes", "access or community")}
    assert beyond == {"caseload", "outreach", "threshold"}
    assert reach["mutual_aid", 1.0] == "staff or money"
    assert report.idle == ("cut_rule",)
    assert next(end for end in report.ends if end.lever.name == "cut_rule").largest.mean == 0.0


def test_loops_that_act(seed: int) -> None:
    """The burnout loop raises turnover under heavy caseloads; overspend recovery lowers prevention under a cut."""
    report = knock_out(["R1", "R3"], seeds=6, seed=seed, people=1_500)
    effects = {(test.loop.name, test.expectation.metric): test for test in report.tests}
    assert effects["R1", "spend_preventive"].verdict.met
    assert effects["R3", "staff_turnover"].verdict.met
    turnover = effects["R3", "staff_turnover"]
    assert turnover.verdict.mean == pytest.approx(turnover.with_loop - turnover.without_loop)


def test_a_loop_has_no_effect_without_a_change(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a change that changes nothing, every effect of the loop is exactly 0, and no expectation is met."""
    no_change = [Policy(lever="caseload", start="2025-10", value=1.0)]
    unchanged = experiments()["R3"].model_copy(update={"change": no_change})
    monkeypatch.setattr(one_at_a_time, "experiments", lambda: {"R3": unchanged})
    report = knock_out(["R3"], seeds=3, seed=seed, people=1_500)
    assert [test.verdict.mean for test in report.tests] == [0.0] * len(unchanged.looks)
    assert len(report.unmet) == len(unchanged.looks)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the effects of a loop and their number; `--json` is one document; the status is 0 or 1."""
    args = ["claims", "--loops", "R3", "--seeds", "3", "--people", "1500"]
    assert command(args) in (0, 1)
    text = capsys.readouterr().out
    assert "R3 burnout (+)" in text
    assert "effects are as described" in text
    assert command([*args, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert {row["loop"] for row in document["loops"]} == {"R3"}
    args = ["claims", "--levers", "caseload", "cut_rule", "--seeds", "4", "--people", "1500"]
    assert command(args) in (0, 1)
    assert "caseload" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["claims", "--levers", "magic"], ["the name of a lever", "magic", "pay"]),
        (["claims", "--loops", "R11"], ["the name of a loop", "R11", "R10"]),
        (["claims", "--loops", "--levers"], ["--levers", "more than that"]),
        (["claims", "--loops", "--seeds", "1"], ["--seeds", "2"]),
    ],
)
def test_wrong_arguments_are_refused(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, with the value that was expected, the value that came and the choices."""
    assert command(args) == 2
    message = capsys.readouterr().err
    assert [part for part in parts if part not in message] == [], message


def test_an_error_in_the_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An unknown loop, an unknown metric and a year after the last are refused before anything runs."""
    path = tmp_path / "loops.toml"
    monkeypatch.setattr(one_at_a_time, "LOOPS_FILE", path)
    head = 'people = 10\nyears = 2\nwhy = "because it should"\n'
    for name, look, part in (
        ("R99", 'metric = "deaths", year = 1, quantity = "level"', "the name of a loop"),
        ("R1", 'metric = "joy", year = 1, quantity = "level"', "the id of a metric"),
        ("R1", 'metric = "deaths", year = 3, quantity = "level"', "years from 1 to 2"),
        ("R1", 'metric = "deaths", year = 1', "a change to measure"),
    ):
        path.write_text(f'[loops.{name}]\n{head}looks = [{{ {look}, direction = "up" }}]\n', encoding="utf-8")
        with pytest.raises(InputError, match=part):
            experiments()
