"""Designs of sweeps: points of each method, the order and identity of runs, parts, filters, and wrong designs."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import assert_refused
from sweep_fakes import design

from sim.schema.errors import InputError
from sim.sweeps.execution import Execution
from sim.sweeps.planning import planned
from sim.sweeps.size import duration

RANGE = {"resilience.scar": {"low": 0.05, "high": 0.15}, "rationing.stiffness": {"low": 0.2, "high": 0.8}}


def runs(**settings: Any) -> list[str]:
    """The identity of every run of a design."""
    return [run for group in planned(design(**settings)).groups() for run in group.runs]


def sampled(method: str, samples: int, seed: int = 0) -> np.ndarray:
    """The points of a method."""
    uncertainties = {"method": method, "samples": samples, "seed": seed, "factors": RANGE}
    return planned(design(uncertainties=uncertainties)).points


# Points.


def test_a_grid_has_every_combination() -> None:
    """Values, and steps of a range."""
    factors = {"resilience.scar": {"values": [0.1, 0.05]}, "rationing.stiffness": {"low": 0.2, "high": 0.8, "steps": 3}}
    points = planned(design(uncertainties={"factors": factors})).points
    assert points.tolist() == [[x, y] for x in (0.1, 0.05) for y in (0.2, 0.5, 0.8)]


@pytest.mark.parametrize(
    ("method", "samples", "count"),
    [("latin_hypercube", 10, 10), ("sobol_sequence", 10, 10), ("sobol", 8, 32), ("morris", 5, 15)],
)
def test_points_of_methods(method: str, samples: int, count: int) -> None:
    """The number of points, within the ranges, the same for the same seed."""
    points = sampled(method, samples)
    assert points.shape == (count, 2)
    assert (points.min(axis=0) >= [0.05, 0.2]).all()
    assert (points.max(axis=0) <= [0.15, 0.8]).all()
    assert np.array_equal(points, sampled(method, samples))
    assert not np.array_equal(points, sampled(method, samples, seed=1))


@pytest.mark.parametrize(("method", "few"), [("sobol_sequence", 8), ("sobol", 32)])
def test_more_samples_continue(method: str, few: int) -> None:
    """The first points stay as they are."""
    assert np.array_equal(sampled(method, 16)[:few], sampled(method, 8))


def test_a_latin_hypercube_has_a_point_in_each_part() -> None:
    """Each tenth of each range."""
    shares = (sampled("latin_hypercube", 10) - [0.05, 0.2]) / [0.1, 0.6]
    assert (np.sort((10 * shares).astype(int), axis=0) == np.arange(10)[:, None]).all()


def test_a_morris_design_moves_one_parameter_at_a_time() -> None:
    """Two steps in each trajectory."""
    moved = np.diff(sampled("morris", 5).reshape(5, 3, 2), axis=1) != 0.0
    assert (moved.sum(axis=2) == 1).all()


def test_triangular_points_prefer_the_declared_value() -> None:
    """More than half lie in the middle half of the range around it."""
    factors = {"resilience.scar": {"low": 0.05, "high": 0.15, "distribution": "triangular"}}
    plan = planned(design(uncertainties={"method": "latin_hypercube", "samples": 100, "factors": factors}))
    assert np.mean(np.abs(plan.points - 0.1) < 0.025) > 0.7


# Runs.


def test_every_policy_has_the_same_points_and_seeds() -> None:
    """The runs of a group differ in their policy only; each run has an identity of its own."""
    plan = planned(design(draws="mechanisms", seeds=3, replicates=1, engine="stocks"))
    groups = list(plan.groups())
    assert [group.policies for group in groups] == [(0, 1, 2)] * 24
    assert len({run for group in groups for run in group.runs}) == 72
    by_seed = {
        group.seed: group.parameters["cohesion.spread"] for group in groups if "cohesion.spread" in group.parameters
    }
    drawn = {
        seed: {g.parameters[n] for g in groups if g.seed == seed} for seed in range(3) for n in ["burnout.reference"]
    }
    assert all(len(values) == 1 for values in drawn.values())
    assert len(set.union(*drawn.values())) == 3
    assert len(by_seed) in (0, 3)


def test_replicates_have_the_draw_and_other_chance_events() -> None:
    """The same parameters, another seed of chance events, another identity."""
    plan = planned(design(engine="agents", calibrate="none", draws="mechanisms", replicates=2, uncertainties=None))
    first, second = plan.groups()
    assert first.parameters == second.parameters
    assert first.chance != second.chance
    assert not set(first.runs) & set(second.runs)


def test_the_identity_is_that_of_the_content(tmp_path: Path) -> None:
    """Names and texts of a scenario change nothing; people, years, measures and parameters do."""
    base = runs()
    assert runs() == base
    assert not set(base) & {*runs(people=2_000), *runs(years=3), *runs(metrics=["deaths"])}
    source = Path(__file__).parents[1] / "scenarios" / "salami-slice.toml"
    copy = tmp_path / "copy.toml"
    copy.write_text(source.read_text().replace('label = "', 'label = "Another: ', 1).replace("salami-slice", "copy"))
    settings = {"levers": None, "uncertainties": None}
    assert runs(scenarios=["salami-slice"], **settings) == runs(scenarios=[str(copy)], **settings)


def test_a_lever_at_its_baseline_is_the_baseline() -> None:
    """A point that moves nothing is the run of the baseline, which is made once."""
    levers = {"factors": {"prevention_share": {"values": [0.0, 0.02]}}}
    first, second, third = runs(levers=levers, uncertainties=None)
    assert first == second != third


@pytest.mark.parametrize(
    ("settings", "n"), [({}, 3), ({"draws": "mechanisms", "seeds": 5}, 4), ({"uncertainties": None}, 2)]
)
def test_parts_have_each_run_once(settings: dict[str, Any], n: int) -> None:
    """All parts together are the design."""
    plan = planned(design(**settings))
    parts = [[run for group in plan.groups((k, n)) for run in group.runs] for k in range(1, n + 1)]
    assert sorted(itertools.chain(*parts)) == sorted(run for group in plan.groups() for run in group.runs)


def test_a_filter_leaves_runs_out() -> None:
    """Every condition must hold, of numbers, texts, and one column against another."""
    kept = planned(
        design(
            uncertainties={"method": "list", "points": [{"resilience.scar": 0.05}, {"resilience.scar": 0.1}]},
            filter=[
                {"column": "resilience.scar", "above": 0.06},
                {"column": "prevention_share", "below": "resilience.scar"},
                {"column": "policy", "one_of": ["baseline", "baseline-00001"]},
            ],
        )
    )
    (group,) = kept.groups()
    assert [kept.policies[p].scenario.name for p in group.policies] == ["baseline-00001"]
    assert kept.number_of_runs() == 1


# Batches.


class Recorder:
    """Workers that only record the batches."""

    workers, capacity = 2, 3

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._waiting: list[Any] = []

    def submit(self, batch: Any) -> None:
        """Record a batch."""
        self.sizes.append(len(batch.runs))
        self._waiting.append(batch)

    def next(self) -> Any:
        """Answer as if a run took a tenth of a second."""
        from sim.sweeps.batch import BatchOutcome

        batch = self._waiting.pop(0)
        return batch, BatchOutcome((), {}, 0.1 * len(batch.runs))


def test_batches_take_seconds_and_are_small_at_the_end() -> None:
    """A batch takes two seconds, once the time of a run is known, until few runs are left."""
    uncertainties = {"method": "sobol_sequence", "samples": 256, "factors": RANGE}
    plan, workers = planned(design(uncertainties=uncertainties)), Recorder()
    Execution(workers, plan.groups(), plan.most_runs, lambda *_: None, first_alone=False).run()
    assert sum(workers.sizes) == 768
    assert max(workers.sizes) == 21
    assert workers.sizes[:3] == [3, 3, 3]
    assert workers.sizes[-1] == 3
    assert workers.sizes.count(21) > 25


def test_durations_are_in_words() -> None:
    """The unit that fits."""
    assert [duration(s) for s in (0.1, 80, 600, 7_200, 4e5)] == [
        "1 second",
        "80 seconds",
        "10 minutes",
        "2 hours",
        "5 days",
    ]


# Wrong designs.

WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"scenarios": []}, ("scenarios",)),
    ({"scenarios": ["basline"]}, ("scenarios", "did you mean 'baseline'?")),
    ({"scenarios": ["baseline", "baseline"]}, ("each entry once",)),
    ({"places": ["anytwon"]}, ("places", "did you mean 'anytown'?")),
    ({"metrics": ["deths"]}, ("metrics", "did you mean 'deaths'?")),
    ({"by": ["postcode"]}, ("by", "quintile")),
    ({"seeds": 0}, ("seeds",)),
    ({"seeds": [1, 1]}, ("seeds", "each once")),
    ({"seeds": 4}, ("one seed", "no chance events")),
    ({"replicates": 2}, ("replicates",)),
    ({"calibrate": "full"}, ("calibrate",)),
    ({"people": 3}, ("3",)),
    ({"colour": 1}, ("a key that is known here", "'colour'")),
    ({"levers": {"factors": {"prevention": {"values": [1.0]}}}}, ("the name of a lever",)),
    ({"levers": {"factors": {"prevention_share": {"values": [9.0]}}}}, ("its range",)),
    ({"levers": {"factors": {}}}, ("at least one factor",)),
    ({"uncertainties": {"factors": {"resilience.scra": {"steps": 3}}}}, ("did you mean 'resilience.scar'?",)),
    ({"uncertainties": {"factors": {"resilience.scar": {}}}}, ("values, or a number of steps",)),
    ({"uncertainties": {"factors": {"resilience.scar": {"low": 0.2, "high": 0.1}}}}, ("a number above low",)),
    ({"uncertainties": {"factors": {"resilience.scar": {"low": -3.0, "steps": 2}}}}, ("its range",)),
    ({"uncertainties": {"factors": {"resilience.scar": {"values": [0.1], "low": 0.1}}}}, ("values, or a range",)),
    ({"uncertainties": {"method": "sobol", "factors": RANGE}}, ("the number of samples",)),
    ({"uncertainties": {"method": "sobol", "samples": 6, "factors": RANGE}}, ("a power of 2",)),
    ({"uncertainties": {"method": "grid", "samples": 6, "factors": RANGE}}, ("no samples",)),
    ({"uncertainties": {"method": "list", "points": []}}, ("at least one point",)),
    ({"uncertainties": {"method": "list", "points": [{"resilience.scar": 0.1}, {}]}}, ("factors of the first",)),
    ({"uncertainties": {"method": "list", "points": [{"resilience.scar": 9.0}]}}, ("9.0",)),
    ({"filter": [{"column": "colour", "equals": 1.0}]}, ("a column of the table of runs",)),
    ({"filter": [{"column": "seed"}]}, ("at least one of",)),
    ({"filter": [{"column": "place", "above": 1.0}]}, ("equals or one_of",)),
    ({"filter": [{"column": "seed", "above": "place"}]}, ("a column of numbers",)),
    ({"filter": [{"column": "seed", "above": 5.0}]}, ("a filter that none of 24 meets",)),
    ({"filter": ["seed > 1"]}, ("filter[0]",)),
    ({"uncertainties": {"method": "sobol", "samples": 8, "factors": RANGE},
      "filter": [{"column": "resilience.scar", "above": 0.1}]}, ("indices of a sobol design",)),
]  # fmt: skip


@pytest.mark.parametrize(("change", "parts"), WRONG, ids=[str(k) for k in range(len(WRONG))])
def test_wrong_designs(change: dict[str, Any], parts: tuple[str, ...]) -> None:
    """Each mistake is named, with what is wanted."""
    with pytest.raises(InputError) as error:
        planned(design(**change))
    for part in parts:
        assert part in str(error.value)


def test_a_parameter_that_the_scenario_sets_cannot_vary(tmp_path: Path) -> None:
    """The scenario's value and the design's would contradict each other."""
    path = tmp_path / "own.toml"
    source = (Path(__file__).parents[1] / "scenarios" / "baseline.toml").read_text()
    path.write_text(f"{source}\n[parameters]\nresilience.scar = 0.12\n")
    with pytest.raises(InputError, match="which they set"):
        planned(design(scenarios=[str(path)]))


def test_a_mistake_in_a_file_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line, key; exit status 2; nothing is written."""
    path = tmp_path / "design.toml"
    path.write_text('people = 1500\nengine = "stocks"\n\n[uncertainties.factors]\nresilience.scra = { steps = 2 }\n')
    arguments = ["sweep", str(path), "--out", str(tmp_path / "out")]
    assert_refused(arguments, capsys, "design.toml, line 5", "did you mean 'resilience.scar'?")
    assert [entry.name for entry in tmp_path.iterdir()] == ["design.toml"]
