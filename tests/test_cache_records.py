"""The cache of records: a baseline's record read from disk is that of the run; a damaged file is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import calibrated

from sim.cache import records, worlds
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble import compare as analysis
from sim.ensemble.memory_cache import baseline_records
from sim.place.place import Place
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import run_months

PEOPLE = 1_500
ONE_YEAR = Scenario.load("baseline").with_settings(people=PEOPLE, years=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's folder."""
    monkeypatch.setattr(records, "FOLDER", VerifiedFolder(tmp_path / "baselines", "baselines"))
    return tmp_path / "baselines"


class Runs:
    """Records, from disk if they are cached, and the seeds that were run."""

    def __init__(self) -> None:
        self.run: list[int] = []

    def recalled(self, seed: int, scenario: Scenario = ONE_YEAR, disabled: tuple[str, ...] = ()) -> Record:
        """The record of a scenario for a seed."""
        place = Place.load("anytown")
        stem = records.digest_of(worlds.digest_of(calibrated(), place, PEOPLE), scenario, disabled)

        def make() -> Record:
            self.run.append(seed)
            world = worlds.burned_in_world("tests", calibrated(), place, PEOPLE, seed)
            return run_months(world, scenario, scenario.params(), seed, disabled)

        return records.cached_record(stem, seed, make)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs with a cache of worlds for this test alone."""
    monkeypatch.setattr(worlds, "FOLDER", VerifiedFolder(tmp_path / "worlds", "worlds"))
    return Runs()


def alike(a: Record, b: Record) -> bool:
    """Whether two records have the same types and values."""
    return a.seed == b.seed and all(
        x.keys() == y.keys() and all(x[k].dtype == y[k].dtype and np.array_equal(x[k], y[k]) for k in x)
        for x, y in ((a.monthly, b.monthly), (a.yearly, b.yearly))
    )


def test_a_cached_record_is_the_record(folder: Path, runs: Runs, seed: int) -> None:
    """The second time, the record is read; another seed, other years or a disabled loop is another run."""
    first = runs.recalled(seed)
    assert alike(runs.recalled(seed), first)
    assert runs.run == [seed]
    assert not alike(runs.recalled(seed + 1), first)
    runs.recalled(seed, ONE_YEAR.with_settings(years=2))
    runs.recalled(seed, disabled=("R1",))
    assert runs.run == [seed, seed + 1, seed, seed]
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty"])
def test_a_damaged_file_is_run_again(folder: Path, runs: Runs, damage: str, seed: int) -> None:
    """A file that is cut short, or has a changed bit, is run again and replaced."""
    first = runs.recalled(seed)
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut short": content[:-100], "one bit": content, "empty": b""}[damage])
    assert alike(runs.recalled(seed), first)
    assert alike(runs.recalled(seed), first)
    assert runs.run == [seed, seed]


def test_a_record_of_another_seed_is_not_used(folder: Path, runs: Runs, seed: int) -> None:
    """The record of one seed under the name of another is removed, and the seed is run again."""
    first = runs.recalled(seed)
    (path,) = folder.iterdir()
    runs.recalled(seed + 1)
    (other,) = set(folder.iterdir()) - {path}
    path.write_bytes(other.read_bytes())
    assert alike(runs.recalled(seed), first)
    assert runs.run == [seed, seed + 1, seed]


def test_an_unwritable_folder_is_no_error(folder: Path, runs: Runs, seed: int) -> None:
    """If the folder cannot be written, every record is run."""
    folder.write_text("a file where the folder should be")
    assert alike(runs.recalled(seed), runs.recalled(seed))
    assert runs.run == [seed, seed]


def test_a_comparison_caches_only_the_baseline(folder: Path, runs: Runs, seed: int) -> None:
    """A comparison caches the baseline's records and no policy's; with the cache every number is the same."""
    options: dict[str, Any] = {"people": PEOPLE, "years": 2, "seeds": 2, "seed": seed, "draws": "none"}
    policy = Scenario.load("salami-slice")
    baseline_records.clear()
    first = analysis.compare(ONE_YEAR, policy, **options)
    assert len(list(folder.iterdir())) == 2
    baseline_records.clear()  # as in another process
    again = analysis.compare(ONE_YEAR, policy, **options)
    for name, runs_of_name in first.records.items():
        assert all(alike(a, b) for a, b in zip(runs_of_name, again.records[name], strict=True))
    analysis.compare(policy, **options)
    assert len(list(folder.iterdir())) == 2
