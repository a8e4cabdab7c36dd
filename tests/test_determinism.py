"""The same seed gives the same people: on any number of threads, in any process, beside any other scenario."""

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
from sim.ensemble import compare as analysis
from sim.ensemble.compare import compare
from sim.place.place import Place
from sim.policies import Lever
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import ensemble, run_months
from sim.state.tables import World

ROOT = Path(__file__).parents[1]
PEOPLE, YEARS = 2_000, 2
by_lever = pytest.mark.parametrize("lever", LEVERS.values(), ids=list(LEVERS))


def named(what: Scenario, name: str) -> Scenario:
    """The same scenario under another name."""
    return what.model_copy(update={"name": name})


SCENARIOS = [named(scenario(YEARS), "baseline"), named(every_lever_moved(YEARS), "all-levers")]


def fresh(seed: int) -> World:
    """A town built and settled anew, not one that is kept."""
    return calibrated().settled(Place.load("anytown"), PEOPLE, seed)


def digests(records: dict[str, list[Record]]) -> dict[str, list[str]]:
    """Each run's digest, by scenario and seed."""
    return {name: [digest(r) for r in runs] for name, runs in records.items()}


@pytest.fixture(scope="module")
def once(seed: int) -> dict[str, list[str]]:
    """Two scenarios, three seeds, one thread."""
    return digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 1))


def test_the_same_seed_gives_the_same_run(once: dict[str, list[str]], seed: int) -> None:
    """A second run, its towns built anew, repeats every recorded number."""
    assert digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 1)) == once


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_matter(once: dict[str, list[str]], seed: int, threads: int) -> None:
    """Any number of threads gives the numbers that one gives."""
    assert digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], threads)) == once


def test_the_public_face_agrees(
    once: dict[str, list[str]], seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compare` gives these runs too, on one thread and on two, none of them remembered from the other."""
    for threads in (1, 2):
        monkeypatch.setattr(records, "FOLDER", tmp_path / str(threads))
        monkeypatch.setattr(analysis, "_baselines", type(analysis._baselines)(4))
        result = compare(*SCENARIOS, people=PEOPLE, seeds=3, seed=seed, threads=threads)
        assert digests(result.records) == once


def test_public_names_stay_what_they_are(seed: int) -> None:
    """`sim.run` and its like are the same things before and after the model was used: no module takes their name."""
    import sim

    compare(scenario(1), people=1_500, seeds=1, seed=seed, threads=1)
    for name in sim.__all__:
        assert not isinstance(getattr(sim, name), ModuleType), f"sim.{name} has become a module"
    assert sim.run(scenario(1), people=1_500, seeds=1, seed=seed, threads=1).people == 1_500


def test_seeds_differ(once: dict[str, list[str]]) -> None:
    """Another seed is another town with other luck; another policy is another run."""
    every = [text for texts in once.values() for text in texts]
    assert len(set(every)) == len(every)


ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[2])
from test_determinism import SCENARIOS, digests, fresh
from sim.runs import ensemble
seed = int(sys.argv[1])
print(json.dumps(digests(ensemble(fresh, SCENARIOS, [seed, seed + 1, seed + 2], 2))))
"""


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_another_process_gives_the_same_run(once: dict[str, list[str]], seed: int, hash_seed: str) -> None:
    """A process of its own, in which Python's sets come in another order, repeats every recorded number."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(seed), str(ROOT / "tests")],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert json.loads(done.stdout) == once


def test_a_scenario_does_not_see_its_neighbours(once: dict[str, list[str]], seed: int) -> None:
    """The others in a comparison, and their order, change nothing in a run; nor does running alone."""
    seeds = [seed, seed + 1, seed + 2]
    others = [named(scenario(YEARS, [moved(LEVERS["total_budget"], 0.7)]), "cut"), *reversed(SCENARIOS)]
    together = digests(ensemble(lambda number: town(PEOPLE, number), others, seeds, 2))
    assert {name: together[name] for name in once} == once
    for what in SCENARIOS:
        assert digests(ensemble(fresh, [what], seeds, 1)) == {what.name: once[what.name]}
    backwards = digests(ensemble(fresh, SCENARIOS, seeds[::-1], 1))
    assert {name: texts[::-1] for name, texts in backwards.items()} == once


def test_a_run_leaves_its_town_as_it_was(seed: int) -> None:
    """Every policy starts from the same settled town: a run works on a copy."""
    world = fresh(seed)
    before = {name: column.copy() for name, column in columns(world).items()}
    run_months(world, SCENARIOS[1], calibrated().params, seed)
    assert different(before, columns(world)) == []


def test_a_longer_run_begins_as_the_shorter(seed: int) -> None:
    """The first two years of five are the two years run alone."""
    params = calibrated().params
    policies = [moved(LEVERS["prevention_share"], 0.03, 6), moved(LEVERS["threshold"], 0.5, 12)]
    short = run_months(town(PEOPLE, seed), scenario(2, policies), params, seed)
    long = run_months(town(PEOPLE, seed), scenario(5, policies), params, seed)
    assert different(short.monthly, {name: column[:24] for name, column in long.monthly.items()}) == []
    assert (short.opened_by_year == long.opened_by_year[:2]).all()


@by_lever
def test_the_future_does_not_reach_back(lever: Lever, seed: int) -> None:
    """A policy that starts in the last month leaves all earlier months as they are, every column to the last bit."""
    target = lever.high if lever.high != lever.baseline else lever.low
    last = 12 * YEARS - 1
    with_it = live(town(PEOPLE, seed), scenario(YEARS, [moved(lever, target, last, YEARS)]), seed)
    for (m, now), (_, usual) in zip(with_it, live(town(PEOPLE, seed), scenario(YEARS), seed), strict=True):
        if m < last:
            assert different(columns(now), columns(usual)) == [], f"in month {m}"


@by_lever
def test_a_policy_that_comes_to_nothing_changes_nothing(lever: Lever, seed: int) -> None:
    """A lever moved to where it stands is the baseline, in every recorded number."""
    params = calibrated().params
    still = run_months(town(PEOPLE, seed), scenario(YEARS, [moved(lever, lever.baseline, 3, YEARS)]), params, seed)
    assert digest(still) == digest(run_months(town(PEOPLE, seed), scenario(YEARS), params, seed))


def test_one_service_is_aimed_at_alone(seed: int) -> None:
    """A budget moved for one service leaves the funding of every other as it was in that month."""
    params, k = calibrated().params, SERVICES.index("gp")
    aimed = [moved(LEVERS["total_budget"], 1.3, 0, 1, service="gp")]
    usual = run_months(town(PEOPLE, seed), scenario(1), params, seed).monthly["funding"][0]
    other = run_months(town(PEOPLE, seed), scenario(1, aimed), params, seed).monthly["funding"][0]
    changed = (usual != other).nonzero()[0]
    assert changed.tolist() == [k]


def test_a_month_throws_no_ordinary_dice() -> None:
    """No file that runs a month, or builds a town, draws numbers whose order matters, or looks at a clock."""
    folders = ("engine", "people", "services", "networks", "policies", "feedback")
    paths = [ROOT / "sim" / f"{name}.py" for name in ("bookkeeping", "runs", "world")]
    paths += [path for folder in folders for path in sorted((ROOT / "sim" / folder).glob("*.py"))]
    words = ("np.random", "import random", "random.random(", "time.time(", "perf_counter", "secrets.")
    assert len(paths) > 30
    assert [f"{path.name}: {word}" for path in paths for word in words if word in path.read_text()] == []
