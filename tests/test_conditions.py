"""The conditions under which lines are tested: their seeds, places and runs, and the runs that are missing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.cli import command
from sim.ensemble import batch
from sim.ensemble.batch import Readings, Setting
from sim.ensemble.paired_runs import RefusedDrawsError
from sim.results.expectation_tests import bounds, difference
from sim.scenario.expectations import Expect
from sim.scenario.policy import NeighbourhoodFilter
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.validation.conditions import PLACES, Design, Line, in_place
from sim.validation.robustness import Robustness, judge

BASELINE = Scenario.load("baseline").with_settings(years=2)
CUT = BASELINE.with_policy("total_budget", value=0.8, start="2025-10").model_copy(update={"name": "cut"})
LESS = Expect(metric="spend_total", year=2, direction="down")


class FakeResult:
    """The result of `compare`: a reading of each seed and year."""

    def __init__(self, seeds: Sequence[int], values: npt.NDArray[np.float64]) -> None:
        self.seeds, self._values = tuple(seeds), values

    def of_groups(self, _name: str, _metric: str, _groups: object) -> npt.NDArray[np.float64]:
        """The values of a reading."""
        return self._values

    def index_scale(self, _measure: object) -> float:
        """The factor of a measure that is no index."""
        return 1.0


class FakeCompare:
    """`compare` without a model: a policy lowers readings by about 10, and raises them in the places of `opposite`."""

    def __init__(self, opposite: Sequence[str] = (), unsolved: Sequence[int] = (), failing: str = "") -> None:
        self.opposite, self.unsolved, self.failing = opposite, unsolved, failing
        self.calls: list[tuple[str, str, int, str]] = []

    def __call__(self, scenario: Scenario, *, seeds: Sequence[int], draws: str, **_: Any) -> FakeResult:
        """Make a result; leave out the seeds whose draws cannot be calibrated."""
        is_drawn = draws != "none"
        self.calls.append((scenario.name, scenario.place, len(seeds), draws))
        if is_drawn and scenario.place == self.failing:
            raise RefusedDrawsError("draws", None, "", "draws that can be calibrated", Phrase("3 of 4 that cannot"))
        solved = np.array([seed for seed in seeds if not is_drawn or seed not in self.unsolved])
        values = 100.0 + np.cos(solved)
        if scenario.name != "baseline":
            values += (10.0 if scenario.place in self.opposite else -10.0) + 0.1 * np.sin(solved)
        return FakeResult([int(seed) for seed in solved], np.tile(values[:, None], (1, scenario.years)))


def line(expected: Expect = LESS) -> Line:
    """The line of a cut that is expected to lower spending."""
    return Line(
        {"baseline": BASELINE, "cut": CUT}, (expected,), lambda read: difference(expected, "cut", "baseline", read)
    )


def judged(
    fake: FakeCompare, design: Design, monkeypatch: pytest.MonkeyPatch, folder: Path | None = None
) -> Robustness:
    """The verdict of the line with faked runs."""
    monkeypatch.setattr(batch, "compare", fake)
    readings, conditions = Readings(people=3_000, folder=folder), design.conditions("anytown")
    line().ask(readings, conditions)
    readings.run()
    return judge(bounds(LESS), line().effects(readings, conditions))


def test_seeds_are_split_into_bases() -> None:
    """Twenty seeds make bases of 7, 7 and 6, and about half of each runs in further places."""
    design = Design.of(20, 5)
    assert [len(base) for base in design.bases] == [7, 7, 6]
    assert [base[0] for base in design.bases] == [5, 165, 325]
    assert design.part == (5, 6, 7, 8, 165, 166, 167, 168, 325, 326, 327)
    assert len(set(Design.of(1_000).seeds)) == 1_000
    assert Design.of(2).bases == ((0,), (160,))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"bases": 0}, "--bases: wanted a number of bases from 1 to 20, the number of seeds, got 0"),
        ({"seeds": 2, "bases": 3}, "from 1 to 2"),
        ({"seeds": 0}, "at least one seed"),
        ({"places": ["atlantis"]}, "atlantis"),
    ],
)
def test_a_design_that_cannot_be_run_is_refused(options: dict[str, Any], part: str) -> None:
    """No seeds, no bases, more bases than seeds, and an unknown place."""
    with pytest.raises(InputError, match=part):
        Design.of(**options)


def test_conditions_of_a_line() -> None:
    """All draws, each base, the other place, and the default parameters; a line of Wigan is also run in Anytown."""
    kinds = [(c.kind, c.place, c.setting.draws, len(c.seeds)) for c in Design.of(6).conditions("anytown")]
    assert kinds == [
        ("all", None, "all", 6), *[("base", None, "all", 2)] * 3, ("place", "wigan", "all", 3),
        ("defaults", None, "none", 3),
    ]  # fmt: skip
    assert [c.place for c in Design.of(6).conditions("wigan") if c.kind == "place"] == ["anytown"]
    plain = Design.of(6, draws="none", bases=1, places=())
    assert [c.kind for c in plain.conditions("anytown")] == ["all"]
    assert set(PLACES) == {"anytown", "wigan"}


def test_a_scenario_moves_with_its_number_of_people() -> None:
    """In another place, a scenario has as many people as in its own, so that the runs take as long."""
    assert in_place(BASELINE, "wigan").people == 30_000
    assert in_place(BASELINE.model_copy(update={"people": 8_000}), "wigan").people == 8_000
    assert in_place(BASELINE, "wigan", 3_000).people == 3_000


def test_runs_are_shared_by_the_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bases are parts of the same runs: each scenario runs once in its place, once in the other, once undrawn."""
    fake = FakeCompare()
    robust = judged(fake, Design.of(9), monkeypatch)
    assert sorted(call for call in fake.calls if call[0] == "cut") == [
        ("cut", "anytown", 6, "none"),
        ("cut", "anytown", 9, "all"),
        ("cut", "wigan", 6, "all"),
    ]
    assert len(fake.calls) == 6
    assert (robust.verdict, robust.count("base"), robust.count("place")) == ("holds", (3, 3), (2, 2))


def test_a_place_with_the_opposite_effect_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut that raises spending in Wigan depends on the place; without this place, it holds."""
    robust = judged(FakeCompare(opposite=["wigan"]), Design.of(9), monkeypatch)
    assert (robust.verdict, robust.depends_on) == ("depends", ("not in Wigan",))
    alone = judged(FakeCompare(opposite=["wigan"]), Design.of(9, places=()), monkeypatch)
    assert alone.verdict == "holds"


def test_seeds_that_cannot_be_calibrated_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other seeds are used, and the seeds that are left out are listed by place."""
    monkeypatch.setattr(batch, "compare", FakeCompare(unsolved=[1, 160]))
    readings, conditions = Readings(people=3_000), Design.of(9).conditions("anytown")
    line().ask(readings, conditions)
    readings.run()
    effects = line().effects(readings, conditions)
    assert effects[0].seeds == (0, 2, 161, 162, 320, 321, 322)
    assert effects[1].seeds == (0, 2)
    assert readings.left_out() == {"Anytown": (1, 160), "Wigan": (1, 160)}
    assert judge(bounds(LESS), effects).verdict == "holds"


def test_a_place_that_cannot_be_calibrated_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """If too few draws can be calibrated in a place, the other conditions are judged, and the reason is stated."""
    robust = judged(FakeCompare(failing="wigan"), Design.of(9), monkeypatch)
    assert robust.verdict == "holds"
    (place,) = robust.of("place")
    assert place.outcome == "not run"
    assert "3 of 4 that cannot" in place.effect.reason
    nowhere = judged(FakeCompare(failing="anytown"), Design.of(9), monkeypatch)
    assert (nowhere.verdict, nowhere.total.outcome) == ("not decided", "not run")


def test_stored_readings_are_those_of_their_conditions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A second report runs nothing and has the same verdict; other draws or seeds run; fewer places run nothing.

    With a tenth seed, the part of the seeds that runs elsewhere is the same, so only the runs of all seeds are new.
    """
    first, second = FakeCompare(unsolved=[1]), FakeCompare(unsolved=[1])
    robust = judged(first, Design.of(9), monkeypatch, tmp_path)
    assert judged(second, Design.of(9), monkeypatch, tmp_path).row() == robust.row()
    assert second.calls == []
    for design, runs in (
        (Design.of(9, draws="none"), 4),
        (Design.of(10), 2),
        (Design.of(9, places=()), 0),
    ):
        fake = FakeCompare()
        judged(fake, design, monkeypatch, tmp_path)
        assert len(fake.calls) == runs, design


def test_identity_of_a_run() -> None:
    """Seeds and draws are part of the identity of a run; the name of the scenario is not."""
    readings, seeds = Readings(), (0, 1)
    names = {readings.digest(BASELINE, Setting(seeds, draws)) for draws in ("none", "mechanisms", "all")}
    assert len(names | {readings.digest(BASELINE, Setting((0, 2)))}) == 4
    renamed = BASELINE.model_copy(update={"name": "as-it-is"})
    assert readings.digest(renamed, Setting(seeds)) in names


def test_a_line_about_neighbourhoods_of_one_place_is_not_run_elsewhere() -> None:
    """A measure or a policy that names a neighbourhood which the other place does not have: the reason names it."""
    expected = LESS.model_copy(update={"neighbourhood": "d1-99"})
    (place,) = (c for c in Design.of(3, draws="none").conditions("anytown") if c.kind == "place")
    (effect,) = line(expected).effects(Readings(people=3_000), [place])
    assert effect.estimate is None
    assert "a neighbourhood of Wigan" in effect.reason
    policy = CUT.policies[0].model_copy(update={"where": NeighbourhoodFilter(names=["d1-99"])})
    scenario = CUT.model_copy(update={"policies": [policy]})
    moved = Line({"baseline": BASELINE, "cut": scenario}, (LESS,), line().estimate)
    (effect,) = moved.effects(Readings(people=3_000), [place])
    assert "d1-99" in effect.reason


# Commands.


def test_a_report_states_its_conditions_and_dependences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`validate` prints the runs, the seeds that were left out, and the effect in the place that contradicts.

    The JSON document has every condition.
    """
    monkeypatch.setattr(batch, "compare", FakeCompare(opposite=["wigan"], unsolved=[160]))
    args = ["validate", "V5", "--people", "3000", "--seeds", "12"]
    assert command(args) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "3,000 people. 12 runs of each scenario, each with its own draw of all parameters, in 3 bases of seeds (0 to "
        "3, 160 to 163, 320 to 323). 6 of these seeds also run in each further place (Anytown, Wigan), and with the",
        "Anytown: left out 1 draw of parameters that cannot be calibrated (seed 160)",
        "sign down: depends: not in Wigan [bases 3/3 \N{MIDDLE DOT} places 1/2 \N{MIDDLE DOT} runs 11/11 "
        "\N{MIDDLE DOT} defaults yes]",
        "Wigan: +10.0% (",
        "Signs: 0 of 2 hold, 2 depend, 0 not decided, 0 not met.",
    ):
        assert part in text, part
    assert command([*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["seeds_left_out"] == {"Anytown": [160], "Wigan": [160]}
    assert document["counts"]["signs"]["depends"] == 2
    conditions = document["experiments"][0]["measures"][0]["robustness"]["sign"]["conditions"]
    assert [condition["kind"] for condition in conditions] == ["all", "base", "base", "base", "place", "defaults"]
    assert [condition["outcome"] for condition in conditions] == [*["holds"] * 4, "flips", "holds"]


def test_a_claim_that_depends_is_not_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`claims` gives such a claim the status `depends`, prints the effect that contradicts, and exits with status 1."""
    monkeypatch.setattr(batch, "compare", FakeCompare(opposite=["wigan"]))
    assert command(["claims", "M2", "--people", "3000", "--seeds", "12"]) == 1
    output = capsys.readouterr()
    assert "depends: not in Wigan" in output.out
    assert re.search(r"expectations do not hold under all conditions: \d+ depend", output.err)
