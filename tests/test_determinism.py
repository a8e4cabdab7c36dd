"""The same seed gives the same run: on any number of threads, in any process, with any other scenarios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from strategies import (
    LEVERS,
    SERVICES,
    calibrated,
    columns,
    different,
    digest,
    every_lever_moved,
    live,
    moved,
    scenario,
    town,
)

from sim.cache import records
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble.compare import compare
from sim.ensemble.memory_cache import baseline_records
from sim.place.place import Place
from sim.policies import Lever
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import ensemble, run_months
from sim.state.world import World

ROOT = Path(__file__).parents[1]
PEOPLE, YEARS = 2_000, 2
by_lever = pytest.mark.parametrize("lever", LEVERS.values(), ids=list(LEVERS))


def named(case: Scenario, name: str) -> Scenario:
    """The same scenario under another name."""
    return case.model_copy(update={"name": name})


SCENARIOS = [named(scenario(YEARS), "baseline"), named(every_lever_moved(YEARS), "all-levers")]


def fresh(seed: int) -> World:
    """A town that is built and burned in again, not taken from a cache."""
    return calibrated().burned_in_world(Place.load("anytown"), PEOPLE, seed)


def digests(records: dict[str, list[Record]]) -> dict[str, list[str]]:
    """Each run's digest, by scenario and seed."""
    return {name: [digest(r) for r in runs] for name, runs in records.items()}


@pytest.fixture(scope="module")
def once(seed: int) -> dict[str, list[str]]:
    """Two scenarios, three seeds, one thread."""
    return digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 1))


def test_the_same_seed_gives_the_same_run(once: dict[str, list[str]], seed: int) -> None:
    """A second run, with towns built again, has the same recorded numbers."""
    assert digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 1)) == once


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_matter(once: dict[str, list[str]], seed: int, threads: int) -> None:
    """Any number of threads gives the same numbers as one thread."""
    assert digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], threads)) == once


def test_compare_agrees_with_the_runs(
    once: dict[str, list[str]], seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compare` gives the same runs, on one thread and on two, with separate caches."""
    for threads in (1, 2):
        monkeypatch.setattr(records, "FOLDER", VerifiedFolder(tmp_path / str(threads), "baselines"))
        baseline_records.clear()
        result = compare(*SCENARIOS, people=PEOPLE, seeds=3, seed=seed, threads=threads, draws="none")
        assert digests(result.records) == once


def test_public_names_are_not_replaced_by_modules(seed: int) -> None:
    """After a run, the public names of `sim` are still functions and classes: no module replaces them."""
    import sim

    compare(scenario(1), people=1_500, seeds=1, seed=seed, threads=1, draws="none")
    for name in sim.__all__:
        assert not isinstance(getattr(sim, name), ModuleType), f"sim.{name} has become a module"
    assert sim.run(scenario(1), people=1_500, seeds=1, seed=seed, threads=1, draws="none").people == 1_500


def test_seeds_differ(once: dict[str, list[str]]) -> None:
    """Another seed, or another policy, is another run."""
    every = [text for texts in once.values() for text in texts]
    assert len(set(every)) == len(every)


OTHER_PROCESS = """
import json, sys
sys.path.insert(0, sys.argv[2])
from test_determinism import SCENARIOS, digests, fresh
from sim.simulation.simulate import ensemble
seed = int(sys.argv[1])
print(json.dumps(digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 2))))
"""


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_another_process_gives_the_same_run(once: dict[str, list[str]], seed: int, hash_seed: str) -> None:
    """Another process, in which Python's sets have another order, has the same recorded numbers."""
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(seed), str(ROOT / "tests")],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert json.loads(done.stdout) == once


def test_a_run_is_independent_of_other_scenarios(once: dict[str, list[str]], seed: int) -> None:
    """The other scenarios of a comparison, and their order, change nothing in a run; nor does a run alone."""
    seeds = [seed, seed + 1, seed + 2]
    others = [named(scenario(YEARS, [moved(LEVERS["total_budget"], 0.7)]), "cut"), *reversed(SCENARIOS)]
    together = digests(ensemble(lambda number: town(PEOPLE, number), others, seeds, 2))
    assert {name: together[name] for name in once} == once
    for case in SCENARIOS:
        assert digests(ensemble(fresh, [case], seeds, 1)) == {case.name: once[case.name]}
    backwards = digests(ensemble(fresh, SCENARIOS, seeds[::-1], 1))
    assert {name: texts[::-1] for name, texts in backwards.items()} == once


def test_a_run_does_not_change_its_town(seed: int) -> None:
    """Every policy starts from the same burned-in town: a run works on a copy."""
    world = fresh(seed)
    before = {name: column.copy() for name, column in columns(world).items()}
    run_months(world, SCENARIOS[1], calibrated().params, seed)
    assert different(before, columns(world)) == []


def test_a_longer_run_starts_with_the_shorter_run(seed: int) -> None:
    """The first two years of a run of five years are the run of two years."""
    params = calibrated().params
    policies = [moved(LEVERS["prevention_share"], 0.03, 6), moved(LEVERS["threshold"], 0.5, 12)]
    short = run_months(town(PEOPLE, seed), scenario(2, policies), params, seed)
    long = run_months(town(PEOPLE, seed), scenario(5, policies), params, seed)
    assert different(short.monthly, {name: column[:24] for name, column in long.monthly.items()}) == []
    assert (short.opened_by_year == long.opened_by_year[:2]).all()


@by_lever
def test_a_policy_does_not_affect_earlier_months(lever: Lever, seed: int) -> None:
    """A policy that starts in the last month changes no column in any earlier month."""
    target = lever.high if lever.high != lever.baseline else lever.low
    last = 12 * YEARS - 1
    with_it = live(town(PEOPLE, seed), scenario(YEARS, [moved(lever, target, last, YEARS)]), seed)
    for (m, world), (_, baseline) in zip(with_it, live(town(PEOPLE, seed), scenario(YEARS), seed), strict=True):
        if m < last:
            assert different(columns(world), columns(baseline)) == [], f"in month {m}"


@by_lever
def test_a_policy_at_the_baseline_changes_nothing(lever: Lever, seed: int) -> None:
    """A lever moved to its baseline gives the baseline in every recorded number."""
    params = calibrated().params
    unmoved = run_months(town(PEOPLE, seed), scenario(YEARS, [moved(lever, lever.baseline, 3, YEARS)]), params, seed)
    assert digest(unmoved) == digest(run_months(town(PEOPLE, seed), scenario(YEARS), params, seed))


def test_a_budget_for_one_service_changes_no_other(seed: int) -> None:
    """A budget moved for one service changes the funding of no other service in that month."""
    params, k = calibrated().params, SERVICES.index("gp")
    aimed = [moved(LEVERS["total_budget"], 1.3, 0, 1, service="gp")]
    baseline = run_months(town(PEOPLE, seed), scenario(1), params, seed).monthly["funding"][0]
    other = run_months(town(PEOPLE, seed), scenario(1, aimed), params, seed).monthly["funding"][0]
    changed = (baseline != other).nonzero()[0]
    assert changed.tolist() == [k]


def test_a_month_uses_no_generator_with_a_state() -> None:
    """No file that runs a month, or builds a town, uses random numbers that depend on their order, or a clock."""
    folders = ("engine", "people", "services", "networks", "policies", "feedback", "simulation", "state", "world")
    paths = [path for folder in folders for path in sorted((ROOT / "sim" / folder).glob("*.py"))]
    words = ("np.random", "import random", "random.random(", "time.time(", "perf_counter", "secrets.")
    paths = [path for path in paths if path.name != "verified_files.py"]  # deletes unfinished files by their age
    assert len(paths) > 30
    assert [f"{path.name}: {word}" for path in paths for word in words if word in path.read_text()] == []
