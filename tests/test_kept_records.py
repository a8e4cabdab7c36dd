"""A baseline's record read from disk is the one that was run; what cannot be relied on is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import calibrated

from sim.cache import records, worlds
from sim.cache import records as kept_records
from sim.ensemble import compare as analysis
from sim.place.place import Place
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import run_months

PEOPLE = 1_500
SHORT = Scenario.load("baseline").with_settings(people=PEOPLE, years=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's."""
    monkeypatch.setattr(records, "FOLDER", tmp_path / "baselines")
    return tmp_path / "baselines"


class Runs:
    """Records, from disk if they are there, and the seeds that were run for them."""

    def __init__(self) -> None:
        self.run: list[int] = []

    def recalled(self, seed: int, scenario: Scenario = SHORT, disabled: tuple[str, ...] = ()) -> Record:
        """The record of a scenario for a seed."""
        where = Place.load("anytown")
        stem = kept_records.stem_of(worlds.stem_of(calibrated(), where, PEOPLE), scenario, disabled)

        def make() -> Record:
            self.run.append(seed)
            world = worlds.settled("tests", calibrated(), where, PEOPLE, seed)
            return run_months(world, scenario, scenario.params(), seed, disabled)

        return kept_records.recalled(stem, seed, make)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs from worlds of this test alone."""
    monkeypatch.setattr(worlds, "FOLDER", tmp_path / "worlds")
    return Runs()


def alike(a: Record, b: Record) -> bool:
    """Whether two records are the same to the last bit, and of the same types."""
    return a.seed == b.seed and all(
        x.keys() == y.keys() and all(x[k].dtype == y[k].dtype and np.array_equal(x[k], y[k]) for k in x)
        for x, y in ((a.monthly, b.monthly), (a.yearly, b.yearly))
    )


def test_a_kept_record_is_the_record(folder: Path, runs: Runs, seed: int) -> None:
    """The second time it is read; another seed, other years, or a loop left out is another run."""
    first = runs.recalled(seed)
    assert alike(runs.recalled(seed), first)
    assert runs.run == [seed]
    assert not alike(runs.recalled(seed + 1), first)
    runs.recalled(seed, SHORT.with_settings(years=2))
    runs.recalled(seed, disabled=("R1",))
    assert runs.run == [seed, seed + 1, seed, seed]
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("harm", ["cut short", "one bit", "empty"])
def test_a_harmed_file_is_not_relied_on(folder: Path, runs: Runs, harm: str, seed: int) -> None:
    """A file that lost its end, or in which a bit has changed, is run again, and is whole afterwards."""
    first = runs.recalled(seed)
    (path,) = folder.iterdir()
    whole = bytearray(path.read_bytes())
    if harm == "one bit":
        whole[len(whole) // 2] ^= 1
    path.write_bytes({"cut short": whole[:-100], "one bit": whole, "empty": b""}[harm])
    assert alike(runs.recalled(seed), first)
    assert alike(runs.recalled(seed), first)
    assert runs.run == [seed, seed]


def test_a_folder_that_cannot_be_written_is_done_without(folder: Path, runs: Runs, seed: int) -> None:
    """Where nothing can be kept, it is run each time."""
    folder.write_text("a file where the folder should be")
    assert alike(runs.recalled(seed), runs.recalled(seed))
    assert runs.run == [seed, seed]


def test_a_comparison_keeps_the_baseline_and_no_policy(
    folder: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """What is compared with the baseline is run anew; both ways every number is the same."""
    given: dict[str, Any] = {"people": PEOPLE, "years": 2, "seeds": 2, "seed": seed}
    policy = Scenario.load("salami-slice")
    first = analysis.compare(SHORT, policy, **given)
    assert len(list(folder.iterdir())) == 2
    monkeypatch.setattr(analysis, "_baselines", type(analysis._baselines)(4))  # another process has none in memory
    again = analysis.compare(SHORT, policy, **given)
    for name, records in first.records.items():
        assert all(alike(a, b) for a, b in zip(records, again.records[name], strict=True))
    analysis.compare(policy, **given)
    assert len(list(folder.iterdir())) == 2
