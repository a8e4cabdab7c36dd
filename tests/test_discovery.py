"""Discovery and sensitivity of sweeps: planted boxes, figures by hand, known indices, chance apart, refused input."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from command_line import assert_refused
from sweep_fakes import FakePool
from sweep_fakes import design as small_design

import sim
from sim.cli import command
from sim.discovery import boxes
from sim.discovery.chance import point_spread
from sim.discovery.dominance import dominances
from sim.schema.errors import InputError
from sim.sweeps import part_files
from sim.sweeps.batch import Batch, BatchOutcome, Group, RunOutcome
from sim.sweeps.outcomes import POUNDS, schema
from sim.sweeps.results import Sweep

F = npt.NDArray[np.float64]
Level = Callable[[int, Group], float]
SCAR, STIFFNESS, MEMORY = "resilience.scar", "rationing.stiffness", "rationing.memory"
LOW, HIGH = 0.05, 0.15
"""Range of the first parameter."""


class FunctionPool(FakePool):
    """Workers whose runs have levels by a function of the policy and the group, in every year the same."""

    level: ClassVar[Level]

    def next(self) -> tuple[Batch, BatchOutcome]:
        """Answer a batch."""
        batch = self._waiting.popleft()
        years, names = self.setting.policies[0].years, self.setting.metrics
        runs, rows = [], []
        for group in batch.groups:
            base = type(self).level(0, group)
            for policy, run in zip(group.policies, group.runs, strict=True):
                status = "failed" if run in self.failing else "done"
                runs.append(RunOutcome(run, status, "", 1e-5))  # type: ignore[arg-type]
                if status == "done":
                    value = type(self).level(policy, group)
                    rows.append(
                        (run, [100.0 * value / base if name == "acute_demand" else value for name in names], value)
                    )
        columns: list[Any] = [
            np.repeat([run for run, _, _ in rows], years),
            np.tile(np.arange(1, years + 1, dtype=np.int16), len(rows)),
            *(np.repeat([values[k] for _, values, _ in rows], years) for k in range(len(names))),
        ]
        kinds = schema(names, grouped=False)
        if POUNDS in kinds.names:
            columns.append(np.repeat([value for _, _, value in rows], years))
        tables = {"outcomes": part_files.encoded(pa.table(list(map(pa.array, columns)), schema=kinds))} if rows else {}
        return batch, BatchOutcome(tuple(runs), tables, 1e-5 * len(runs))


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers without a model; few random halves and bootstrap samples."""
    FakePool.clear()
    monkeypatch.setattr("sim.sweeps.pool.Pool", FunctionPool)
    monkeypatch.setattr("sim.ensemble.precompile.warm_up", lambda: None)
    monkeypatch.setattr(boxes, "HALVES", 4)
    monkeypatch.setattr("sim.analysis.sensitivity.indices.RESAMPLES", 20)
    yield
    FakePool.clear()


def swept(folder: Path, level: Level, **changes: Any) -> Sweep:
    """A sweep of a function: two scenarios, one measure of which less is better."""
    FunctionPool.level = staticmethod(level)  # type: ignore[assignment]
    settings = {"scenarios": ["baseline", "salami-slice"], "metrics": ["deaths"], "levers": None, "years": 2}
    return sim.sweep(small_design(**{**settings, **changes}), folder, workers=1, notify=lambda _: None)


def uncertain(samples: int, method: str = "latin_hypercube", *further: str) -> dict[str, Any]:
    """Uncertainties of two parameters and some more."""
    names = {SCAR: {"low": LOW, "high": HIGH}, STIFFNESS: {"low": 0.0, "high": 1.0}}
    return {"method": method, "samples": samples, "factors": names | {name: {} for name in further}}


def in_planted_box(group: Group) -> bool:
    """The box of the tests: two of three parameters."""
    return group.parameters[SCAR] > 0.11 and group.parameters[STIFFNESS] < 0.5


# Boxes.


def planted_level(policy: int, group: Group) -> float:
    """A policy that is worse than the baseline in the box, and better elsewhere."""
    return 10.0 + (0.0 if not policy else 1.0 if in_planted_box(group) else -1.0)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep of this policy over three parameters, of which two matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.sweeps.pool.Pool", FunctionPool)
        folder = tmp_path_factory.mktemp("planted") / "sweep"
        return swept(folder, planted_level, uncertainties=uncertain(200, "latin_hypercube", MEMORY))


def test_a_planted_box_is_discovered(planted: Sweep) -> None:
    """PRIM finds the two parameters and their ends; density, coverage and size are those of the points."""
    result = sim.discover(planted)
    (searched,) = result.document["boxes"]
    (box,) = searched["boxes"]
    ranges = {row["name"]: row for row in box["restrictions"]}
    assert set(ranges) == {SCAR, STIFFNESS}
    assert ranges[SCAR]["low"] == pytest.approx(0.11, abs=0.004)
    assert ranges[SCAR]["high"] is None
    assert ranges[STIFFNESS]["high"] == pytest.approx(0.5, abs=0.04)
    assert ranges[STIFFNESS]["low"] is None
    assert all(row["reproduced"] == 1.0 for row in ranges.values())
    points = planted.points
    cases = (points[SCAR] > 0.11) & (points[STIFFNESS] < 0.5)
    inside = (points[SCAR] >= ranges[SCAR]["low"]) & (points[STIFFNESS] <= ranges[STIFFNESS]["high"])
    assert searched["cases"] == cases.sum()
    assert box["points"] == inside.sum()
    assert box["density"] == pytest.approx((cases & inside).sum() / inside.sum())
    assert box["coverage"] == pytest.approx((cases & inside).sum() / cases.sum())
    assert box["size"] == pytest.approx(inside.mean())
    assert min(box["density"], box["coverage"]) > 0.9
    assert box["other_density"] > 0.8
    scores = {row["name"]: row for row in searched["features"]}
    assert scores[SCAR]["above_chance"]
    assert scores[STIFFNESS]["above_chance"]
    assert min(scores[name]["score"] for name in (SCAR, STIFFNESS)) > 1.5 * scores[MEMORY]["score"]
    chosen = result.path().query("chosen")
    assert list(chosen["density"]) == [pytest.approx(box["density"])]


def test_a_box_of_chance_does_not_hold_in_other_points(tmp_path: Path) -> None:
    """Where the difference does not depend on inputs, a box is as dense elsewhere as all points are."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=200)
    sweep = swept(
        tmp_path / "noise",
        lambda policy, group: 10.0 + (values[group.point] if policy else 0.0),
        uncertainties=uncertain(200, "latin_hypercube", MEMORY),
    )
    (searched,) = sim.discover(sweep).document["boxes"]
    (box,) = searched["boxes"]
    rate = searched["cases"] / searched["points"]
    assert not box["restrictions"] or box["other_density"] < rate + 0.15 < box["density"]


def test_levers_are_inputs_of_a_box(tmp_path: Path) -> None:
    """A scenario at several points of the levers is one subject; its box has ends of levers and parameters."""

    def level(policy: int, group: Group) -> float:
        return 10.0 + (policy <= 2) * (1.0 if group.parameters[SCAR] > 0.1 else -1.0) * (policy > 0) - (policy > 2)

    sweep = swept(
        tmp_path / "levers", level, scenarios=["baseline"], uncertainties=uncertain(60),
        levers={"factors": {"prevention_share": {"values": [0.01, 0.02, 0.03, 0.04]}}},
    )  # fmt: skip
    (searched,) = sim.discover(sweep).document["boxes"]
    ranges = {row["name"]: row for row in searched["boxes"][0]["restrictions"]}
    assert searched["points"] == 4 * 60
    assert set(ranges) == {SCAR, "prevention_share"}
    assert 0.02 <= ranges["prevention_share"]["high"] < 0.03
    with pytest.raises(InputError, match="of this sweep"):
        sim.discover(sweep, policy="baseline-9")
    (single,) = sim.discover(sweep, policy="baseline-00001").document["boxes"]
    assert single["points"] == 60


def test_places_are_inputs_of_a_box(tmp_path: Path) -> None:
    """A place can be the restriction of a box."""
    sweep = swept(
        tmp_path / "places",
        lambda policy, group: 10.0 + policy * (1.0 if group.place else -1.0),
        places=["anytown", "wigan"], uncertainties=uncertain(32, "sobol_sequence"),
    )  # fmt: skip
    (searched,) = sim.discover(sweep).document["boxes"]
    (restriction,) = searched["boxes"][0]["restrictions"]
    assert restriction["name"] == "place"
    assert restriction["values"] == ["wigan"]
    assert searched["boxes"][0]["coverage"] == searched["boxes"][0]["density"] == 1.0


def test_a_policy_without_points_of_interest_has_no_box(tmp_path: Path) -> None:
    """One policy is better everywhere and the other nowhere: there is nothing to separate, and no error."""
    sweep = swept(
        tmp_path / "sure",
        lambda policy, _group: 10.0 + (0.0, 1.0, -1.0)[policy],
        scenarios=["baseline", "salami-slice", "more-acute"],
        uncertainties=uncertain(20),
    )
    assert [(each["cases"], each["boxes"]) for each in sim.discover(sweep).document["boxes"]] == [(20, []), (0, [])]


# Robust choice.


def test_regret_satisficing_and_dominance_are_those_by_hand(tmp_path: Path) -> None:
    """Three policies at three points with two seeds. Chance moves all policies of a seed alike, so it cancels."""
    differences = [[0.0, 0.0, 0.0], [-2.0, -1.0, 3.0], [-1.0, -1.0, -1.0]]
    sweep = swept(
        tmp_path / "hand",
        lambda policy, group: 10.0 + group.seed + differences[policy][group.point] + (0.5 - group.seed) * (policy > 0),
        engine="agents", seeds=2, scenarios=["baseline", "salami-slice", "more-acute"],
        uncertainties={"method": "list", "points": [{SCAR: 0.08}, {SCAR: 0.1}, {SCAR: 0.12}]},
    )  # fmt: skip
    result = sim.discover(sweep, boxes=0)
    table = result.choice().set_index("policy")
    assert list(table["mean"]) == pytest.approx([0.0, 0.0, -1.0])
    assert list(table["max_regret"]) == pytest.approx([2.0, 4.0, 1.0])
    assert list(table["max_regret_point"]) == [0, 2, 0]
    assert list(table["mean_regret"]) == pytest.approx([4 / 3, 4 / 3, 1 / 3])
    assert list(table["satisficing"]) == pytest.approx([1.0, 2 / 3, 1.0])
    assert list(table["best_share"]) == pytest.approx([0.0, 2 / 3, 2 / 3])
    assert list(table["chance_share"]) == pytest.approx([0.0, 0.0, 0.0])
    # The difference of a seed is half a death more or less at every point: a 95% interval by two seeds.
    assert table.loc["salami-slice", "ci_high"] == pytest.approx(12.706 * 0.5, rel=1e-3)
    dominance = {(row["policy"], row["over"]): row["order"] for row in result.document["dominance"]}
    assert dominance == {
        ("more-acute", "baseline"): "every point",
        ("more-acute", "salami-slice"): "second",
        ("baseline", "salami-slice"): "second",
    }
    regret = result.regret()
    assert regret[["baseline", "salami-slice", "more-acute"]].to_numpy().tolist() == [
        pytest.approx(row) for row in ([2.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 4.0, 0.0])
    ]
    assert result.document["least_bad"]["max_regret"] == ["more-acute"]


def test_first_order_dominance() -> None:
    """Better at every rank, though not at every point."""
    (dominance,) = dominances(np.array([[0.0, 2.0, 4.0], [3.0, 1.0, 5.0]]), None)
    assert (dominance.policy, dominance.over, dominance.order) == (1, 0, "first")


def test_dominance_that_hangs_on_a_seed_is_named() -> None:
    """With one of the seeds left out the order does not hold."""
    gains = np.array([[0.0, 0.0], [1.0, 1.0]])
    without = np.stack([gains, np.array([[0.0, 0.0], [1.0, -1.0]])])
    assert [d.without_each_seed for d in dominances(gains, without)] == [False]
    assert [d.without_each_seed for d in dominances(gains, np.stack([gains, gains]))] == [True]


@pytest.mark.statistics
def test_chance_is_apart_from_parameters(seed: int) -> None:
    """The spread between points is split: an effect of a seed at all points is no part of it.

    Parameters have sd 2, the seed sd 3 at all points, and chance sd 1 within points; with 400 points and 4 seeds the
    standard errors are about 4% and 2%; the tolerance is four of them.
    """
    rng = np.random.default_rng(seed)
    parameters, seeds = rng.normal(scale=2.0, size=(400, 1)), rng.normal(scale=3.0, size=4)
    spread = point_spread(parameters + seeds + rng.normal(size=(400, 4)), is_crossed=True)
    assert spread.parameter_sd == pytest.approx(2.0, rel=0.16)
    assert spread.chance_sd == pytest.approx(0.5, rel=0.08)
    assert spread.chance_share is not None
    assert spread.chance_share == pytest.approx(0.25 / 4.25, rel=0.3)
    within = point_spread(parameters + rng.normal(size=(400, 4)), is_crossed=False)
    assert within.chance_sd == pytest.approx(0.5, rel=0.08)


def test_points_that_chance_leaves_undecided_are_counted(tmp_path: Path) -> None:
    """Two points are surely worse and better; at the third the seeds disagree."""
    sweep = swept(
        tmp_path / "undecided",
        lambda policy, group: 10.0 + policy * ((5.0, -5.0, 0.1)[group.point] + 0.2 * (group.seed - 1.5)),
        engine="agents", seeds=4, uncertainties={"method": "list", "points": [{SCAR: s} for s in (0.08, 0.1, 0.12)]},
    )  # fmt: skip
    row = sim.discover(sweep, boxes=0).choice().set_index("policy").loc["salami-slice"]
    assert (row["cases"], row["sure_cases"], row["sure_others"], row["undecided"]) == (2, 1, 1, 1)


def test_the_index_of_a_point_is_that_of_all_its_seeds(tmp_path: Path) -> None:
    """Acute demand: 100 is the mean of the baseline's first year over the seeds, as in a comparison."""
    sweep = swept(
        tmp_path / "index", lambda policy, group: 100.0 + 300.0 * group.seed + 10.0 * policy, metrics=["acute_demand"],
        engine="agents", seeds=2, uncertainties={"method": "list", "points": [{SCAR: 0.08}, {SCAR: 0.1}]},
    )  # fmt: skip
    table = sim.discover(sweep, boxes=0).choice().set_index("policy")
    assert table.loc["salami-slice", "mean"] == pytest.approx(100.0 * 10.0 / 250.0)


def test_missing_runs_are_left_out(planted: Sweep, tmp_path: Path) -> None:
    """A sweep that is done in part, or has failures, is compared at the points that every policy has."""
    rows = planted.rows()
    FakePool.failing.update(rows[rows["point"].isin([3, 50])].groupby("point")["run"].last())
    sweep = swept(tmp_path / "part", planted_level, uncertainties=uncertain(200, "latin_hypercube", MEMORY))
    result = sim.discover(sweep, boxes=0)
    assert result.document["points"] == 198
    assert set(range(200)) - set(result.regret()["point"]) == {3, 50}
    _, inputs, outputs = sweep.to_salib()
    assert np.flatnonzero(np.isnan(outputs)).tolist() == [3, 50]
    assert inputs.shape == (200, 3)


def test_draws_are_points_and_their_parameters_inputs(tmp_path: Path) -> None:
    """With draws each seed is a point; replicates are chance; a parameter that is drawn can restrict a box."""

    def level(policy: int, group: Group) -> float:
        return 10.0 + policy * ((1.0 if group.parameters[STIFFNESS] > 0.25 else -1.0) + 0.01 * group.replicate)

    sweep = swept(
        tmp_path / "draws", level, engine="agents", draws="mechanisms", seeds=60, replicates=2, uncertainties=None
    )
    result = sim.discover(sweep)
    assert result.document["points"] == 60
    assert result.document["repeats"] == 2
    row = result.choice().set_index("policy").loc["salami-slice"]
    assert 0.0 <= row["chance_share"] < 0.001
    (box,) = result.document["boxes"][0]["boxes"]
    assert STIFFNESS in [each["name"] for each in box["restrictions"]]


# Indices.


def scaled(group: Group, name: str, low: float, high: float) -> float:
    """A parameter as a share of its range."""
    return (group.parameters[name] - low) / (high - low)


def test_the_ishigami_function_has_its_exact_indices(tmp_path: Path) -> None:
    """Through the path of sweeps, as the difference from a baseline that varies too: Ishigami and Homma 1990."""

    def level(policy: int, group: Group) -> float:
        x, y, z = (math.pi * (2.0 * scaled(group, *each) - 1.0) for each in ends)
        difference = math.sin(x) + 7.0 * math.sin(y) ** 2 + 0.1 * z**4 * math.sin(x)
        return 100.0 + 50.0 * z + policy * difference

    ends = ((SCAR, LOW, HIGH), (STIFFNESS, 0.0, 1.0), (MEMORY, 6.0, 12.0))
    factors = {name: {"low": low, "high": high} for name, low, high in ends}
    sweep = swept(tmp_path / "sobol", level, uncertainties={"method": "sobol", "samples": 1024, "factors": factors})
    (entry,) = sim.sweep_sensitivity(sweep)["indices"]
    rows = {row["parameter"]: row for row in entry["parameters"]}
    exact = {SCAR: (0.3139, 0.5576), STIFFNESS: (0.4424, 0.4424), MEMORY: (0.0, 0.2437)}
    for name, (first, total) in exact.items():
        assert rows[name]["first_order"] == pytest.approx(first, abs=0.03), name
        assert rows[name]["total"] == pytest.approx(total, abs=0.03), name
        assert rows[name]["total_low"] <= total + 0.02
        assert rows[name]["total_high"] >= total - 0.02
        assert rows[name]["pawn"] > rows["random numbers"]["pawn"], name
    problem, inputs, outputs = sweep.to_salib()
    assert problem["names"] == [SCAR, STIFFNESS, MEMORY]
    assert problem["bounds"] == [[LOW, HIGH], [0.0, 1.0], [6.0, 12.0]]
    assert inputs.shape == (1024 * 5, 3)
    assert np.isfinite(outputs).all()


def test_a_morris_design_has_its_effects(tmp_path: Path) -> None:
    """A linear function has the same effect everywhere: its slope times half of the distribution."""

    def level(policy: int, group: Group) -> float:
        return 10.0 + policy * (4.0 * scaled(group, SCAR, LOW, HIGH) - 2.0 * scaled(group, STIFFNESS, 0.0, 1.0))

    sweep = swept(tmp_path / "morris", level, uncertainties=uncertain(8, "morris"))
    (entry,) = sim.sweep_sensitivity(sweep)["indices"]
    rows = {row["parameter"]: row for row in entry["parameters"]}
    assert rows[SCAR]["mu"] == pytest.approx(2.0)
    assert rows[STIFFNESS]["mu"] == pytest.approx(-1.0)
    assert rows[STIFFNESS]["mu_star"] == pytest.approx(1.0)
    assert rows[SCAR]["sigma"] == pytest.approx(0.0, abs=1e-9)


# Other programs.


def test_experiments_have_the_names_of_parameters(planted: Sweep) -> None:
    """EMA Workbench's PRIM reads them as they are."""
    from ema_workbench.analysis import prim

    experiments, outcomes = planted.to_ema(year=2)
    assert {SCAR, STIFFNESS, MEMORY, "policy", "scenario", "model"} <= set(experiments.columns)
    assert len(experiments) == len(outcomes["deaths"]) == 200
    search = prim.Prim(experiments[[SCAR, STIFFNESS, MEMORY]], (outcomes["deaths"] > 0.0).astype(int), threshold=0.8)
    assert search.find_box().peeling_trajectory["density"].max() > 0.9
    levels, by_year = planted.to_ema(levels=True)
    assert len(levels) == 400
    assert by_year["deaths"].shape == (400, 2)


def test_the_model_of_a_design_needs_no_renaming(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """EMA Workbench makes the points; a run of the twin there is the run of a sweep at the same point."""
    import ema_workbench as ema

    monkeypatch.undo()
    settings = small_design(scenarios=["baseline", "salami-slice"], levers=None, metrics=["deaths"])
    model = sim.ema_model(settings, year=2)
    experiments, outcomes = ema.perform_experiments(model, scenarios=2)
    assert {SCAR, STIFFNESS} <= set(experiments.columns)
    points = [{name: float(row[name]) for name in (SCAR, STIFFNESS)} for _, row in experiments.iterrows()]
    listed = {**settings, "uncertainties": {"method": "list", "points": points}}
    sweep = sim.sweep(listed, tmp_path / "same", workers=1, notify=lambda _: None)
    _, _, expected = sweep.to_salib()
    assert outcomes["deaths"] == pytest.approx(expected, rel=1e-12)
    with_levers = sim.ema_model(small_design(), year=2)
    assert [lever.name for lever in with_levers.levers] == ["prevention_share"]
    with pytest.raises(InputError, match="one kind of outcome"):
        sim.ema_model(settings)


# The commands.


def test_the_command_prints_and_writes(planted: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables in a terminal, one JSON document, CSV files, and a page that requests nothing."""
    assert command(["discover", str(planted.folder), "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    for part in ("Largest regret", "Dominance over all points", "Box 1:", SCAR, "quasi-p", "not a forecast"):
        assert part in text
    page = (tmp_path / "out" / "discovery.html").read_text(encoding="utf-8")
    assert page.count("<script src") == page.count("<link") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "discovery.json", "discovery.html", "choice.csv", "regret.csv", "dominance.csv", "boxes.csv", "path.csv",
        "features.csv",
    }  # fmt: skip
    assert command(["discover", str(planted.folder), "--json", "--above", "0.5"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["interest"]["limit"] == 0.5
    assert document["points"] == 200
    assert command(["sensitivity", str(planted.folder), "--out", str(tmp_path / "indices")]) == 0
    assert "PAWN" in capsys.readouterr().out
    assert (tmp_path / "indices" / "sensitivity.csv").read_text().startswith("policy,place,parameter")


def test_a_condition_on_the_level(planted: Sweep) -> None:
    """The level under the policy is 11 in the box and 9 elsewhere."""
    searched = sim.discover(planted, above=10.5, level=True).document["boxes"][0]
    assert searched["cases"] == sim.discover(planted).document["boxes"][0]["cases"]
    good = sim.discover(planted, below=0.0, boxes=0).document
    assert not good["interest"]["is_failure"]
    assert good["policies"][1]["satisficing"] == pytest.approx(1.0 - searched["cases"] / 200)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--metric", "death"], ["--metric", "did you mean 'deaths'?"]),
        (["--year", "3"], ["--year", "1 to 2"]),
        (["--policy", "salami"], ["--policy", "did you mean 'salami-slice'?"]),
        (["--place", "wigan"], ["--place", "anytown"]),
        (["--above", "5"], ["--above", "none of 200 points", "salami-slice: -1 to 1"]),
        (["--above", "-5"], ["--above", "all of 200 points"]),
        (["--above", "1", "--below", "2"], ["one of --above and --below"]),
        (["--above", "nan"], ["a number"]),
        (["--level"], ["--above or --below"]),
        (["--boxes", "9"], ["0 to 5"]),
        (["--box", "900"], ["--box", "a box of the path"]),
    ],
)
def test_wrong_options_are_refused(
    arguments: list[str], parts: list[str], planted: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the option and the choices; exit status 2."""
    assert_refused(["discover", str(planted.folder), *arguments], capsys, *parts)


def test_sweeps_that_cannot_be_analysed_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that is no sweep, one policy, few points, no parameters."""
    assert_refused(["discover", str(tmp_path / "nothing")], capsys, "a sweep that Upstream wrote", "nothing")
    assert_refused(["discover", str(tmp_path)], capsys, "without sweep.json")
    assert_refused(["sensitivity", str(tmp_path)], capsys, "without sweep.json")
    assert_refused(["sensitivity", "baseline"], capsys, "SCENARIO")
    single = swept(tmp_path / "one", lambda _policy, _group: 1.0, scenarios=["baseline"], uncertainties=uncertain(8))
    assert_refused(["discover", str(single.folder)], capsys, "at least two policies", "baseline only")
    assert_refused(["sensitivity", str(single.folder)], capsys, "at least two policies")
    few = swept(tmp_path / "few", lambda policy, group: 1.0 + policy * group.point, uncertainties=uncertain(8))
    assert_refused(["discover", str(few.folder)], capsys, "at least 20 points", "8 of 8", "--boxes 0")
    assert command(["discover", str(few.folder), "--boxes", "0"]) == 0
    capsys.readouterr()
    assert_refused(["sensitivity", str(few.folder)], capsys, "at least 50 points")
    assert_refused(["sensitivity", str(few.folder), "--samples", "64"], capsys, "--samples", "two scenarios")
    none = swept(tmp_path / "none", lambda policy, _group: float(policy), uncertainties=None)
    assert_refused(["discover", str(none.folder), "--boxes", "0"], capsys, "at least 2 points")
    assert_refused(["sensitivity", str(none.folder)], capsys, "uncertainties")
    rows = few.rows()
    FakePool.failing.update(rows[(rows["policy"] != "baseline") & (rows["point"] > 0)]["run"])
    apart = swept(tmp_path / "apart", FunctionPool.level, uncertainties=uncertain(8))
    assert_refused(["discover", str(apart.folder), "--boxes", "0"], capsys, "at least 2 points", "1 of 8")
    FakePool.failing.update(rows["run"])
    failed = swept(tmp_path / "failed", FunctionPool.level, uncertainties=uncertain(8))
    assert_refused(["discover", str(failed.folder)], capsys, "finished runs")


def test_the_missing_package_is_named(planted: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra; tables without boxes need no further package."""
    for name in [name for name in sys.modules if name.startswith("ema_workbench")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ema_workbench", None)
    with pytest.raises(InputError, match=r"upstream-simulator\[discover\]"):
        sim.discover(planted)
    with pytest.raises(InputError, match=r"upstream-simulator\[discover\]"):
        sim.ema_model(small_design())
    assert sim.discover(planted, boxes=0).document["points"] == 200
