"""Levers moved alone and loops knocked out: the files, the judging, and a few of them run. `upstream claims --levers`
and `--loops` run them all."""

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
from sim.schema.toml_files import InputError
from sim.validation import one_at_a_time
from sim.validation.one_at_a_time import LeverEffect, LeverEnd, experiments, judged, knock_out, lever_needs, move_levers

LEVERS = {lever.name: lever for lever in levers()}


def test_every_loop_has_an_experiment() -> None:
    """Each loop of the list stands in the file once, with a look that says which way, or within which margin."""
    found = experiments()
    assert list(found) == [loop.name for loop in LOOPS]
    assert all(look.direction is not None for experiment in found.values() for look in experiment.looks)


def test_every_lever_can_be_moved() -> None:
    """Whatever must be aimed is, and nobody says that a lever needs its own lever moved."""
    needs = lever_needs().needs
    for lever in levers():
        if "service" in lever.needs:
            assert needs[lever.name].service
        if lever.name in needs:
            assert lever.name not in {policy.lever for policy in needs[lever.name].world}


def noise(dice: np.random.Generator, ends: int) -> list[LeverEnd]:
    """Levers that do nothing, judged on 20 measures of 12 towns."""
    measure, lever = metric("acute_demand"), LEVERS["pay"]
    found = [
        (lever, 1.0, [LeverEffect.of(measure, dice.normal(9.0, 1.0, 12), dice.normal(9.0, 1.0, 12)) for _ in range(20)])
        for _ in range(ends)
    ]
    return judged(found)


@pytest.mark.statistics
def test_luck_moves_no_lever(seed: int) -> None:
    """Of 200 reports on 4 idle ends each, one in twenty names a change, within four standard errors (1.5 points each).
    Fails by chance once in 15,000."""
    dice = np.random.default_rng(seed)
    wrong = sum(any(end.reach != "nothing" for end in noise(dice, 4)) for _ in range(200))
    assert 0 < wrong / 200 < 0.05 + 4 * 0.015


def test_the_largest_change_is_named(seed: int) -> None:
    """Among what is told, size in standard deviations between towns decides; what becomes of people goes first."""
    dice = np.random.default_rng(seed)
    towns = dice.normal(100.0, 2.0, 12)
    small, large, money = (
        LeverEffect.of(metric(name), towns, towns + by + dice.normal(0.0, 0.01, 12))
        for name, by in (("acute_demand", 1.0), ("deaths", 3.0), ("spend_total", 9.0))
    )
    first, second = judged([(LEVERS["pay"], 1.2, [small, large, money]), (LEVERS["pay"], 0.9, [money])])
    assert (first.named.metric.name, first.reach, first.told) == ("deaths", "outcomes", 3)
    assert first.named.size == pytest.approx(3.0 / towns.std(ddof=1), rel=0.02)
    assert (second.named.metric.name, second.reach) == ("spend_total", "staff or money")


def test_levers_that_move_something_and_one_that_cannot(seed: int) -> None:
    """More refused, more cases and outreach each reach beyond staff; mutual aid without a shock only costs money, and
    a rule for cuts without one changes nothing: it is listed as idle."""
    asked = ["cut_rule", "caseload", "mutual_aid", "outreach", "threshold"]
    report = move_levers(asked, seeds=6, seed=seed, people=1_500, years=4, given={})
    reach = {(end.lever.name, end.value): end.reach for end in report.ends}
    beyond = {name for (name, _), met in reach.items() if met in ("outcomes", "access or community")}
    assert beyond == {"caseload", "outreach", "threshold"}
    assert reach["mutual_aid", 1.0] == "staff or money"
    assert report.idle == ("cut_rule",)
    assert next(end for end in report.ends if end.lever.name == "cut_rule").named.mean == 0.0


def test_loops_that_act(seed: int) -> None:
    """The loop of burnout raises turnover under heavy caseloads, that of crowding out lowers prevention under a cut."""
    report = knock_out(["R1", "R3"], seeds=6, seed=seed, people=1_500)
    found = {(look.loop.name, look.look.metric): look for look in report.looks}
    assert found["R1", "spend_preventive"].verdict.met
    assert found["R3", "staff_turnover"].verdict.met
    one = found["R3", "staff_turnover"]
    assert one.verdict.mean == pytest.approx(one.with_it - one.disabled)


def test_a_loop_does_nothing_where_nothing_drives_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a change changes nothing, the loop has no part in it: exactly 0, and no look is met."""
    nothing = [Policy(lever="caseload", start="2025-10", value=1.0)]
    calm = experiments()["R3"].model_copy(update={"change": nothing})
    monkeypatch.setattr(one_at_a_time, "experiments", lambda: {"R3": calm})
    report = knock_out(["R3"], seeds=3, seed=seed, people=1_500)
    assert [look.verdict.mean for look in report.looks] == [0.0] * len(calm.looks)
    assert len(report.unmet) == len(calm.looks)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Names a loop's part and counts; --json is one document; exit 1 where something is not as described."""
    asked = ["claims", "--loops", "R3", "--seeds", "3", "--people", "1500"]
    assert command(asked) in (0, 1)
    told = capsys.readouterr().out
    assert "R3 burnout (+)" in told
    assert "looks are as described" in told
    assert command([*asked, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert {row["loop"] for row in document["loops"]} == {"R3"}
    asked = ["claims", "--levers", "caseload", "cut_rule", "--seeds", "4", "--people", "1500"]
    assert command(asked) in (0, 1)
    assert "caseload" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["claims", "--levers", "luck"], ["the name of a lever", "luck", "pay"]),
        (["claims", "--loops", "R11"], ["the name of a loop", "R11", "R10"]),
        (["claims", "--loops", "--levers"], ["--levers", "more than that"]),
        (["claims", "--loops", "--seeds", "1"], ["--seeds", "2"]),
    ],
)
def test_what_cannot_be_asked(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with what was wanted, what came and what there is."""
    assert command(args) == 2
    told = capsys.readouterr().err
    assert [part for part in parts if part not in told] == [], told


def test_a_slip_in_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that is no loop, a measure that is none, and a year beyond the last are found before anything runs."""
    path = tmp_path / "loops.toml"
    monkeypatch.setattr(one_at_a_time, "LOOPS_FILE", path)
    head = 'people = 10\nyears = 2\nwhy = "because it should"\n'
    for name, look, part in (
        ("R99", 'metric = "deaths", year = 1, what = "level"', "the name of a loop"),
        ("R1", 'metric = "joy", year = 1, what = "level"', "the id of a metric"),
        ("R1", 'metric = "deaths", year = 3, what = "level"', "years from 1 to 2"),
        ("R1", 'metric = "deaths", year = 1', "a change to look at"),
    ):
        path.write_text(f'[loops.{name}]\n{head}looks = [{{ {look}, direction = "up" }}]\n', encoding="utf-8")
        with pytest.raises(InputError, match=part):
            experiments()
