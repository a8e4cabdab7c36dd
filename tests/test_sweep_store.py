"""The folder of a sweep: each run once, whatever happens; damage, full disks, other designs and versions."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sweep_fakes import FakePool, assert_same, design, killed_at

import sim
from sim.results import result_folder
from sim.schema.errors import InputError
from sim.sweeps import manifest, part_files, store
from sim.sweeps.merging import merge
from sim.sweeps.results import Sweep
from sim.sweeps.status import status_of
from sim.sweeps.sweep import finish

RUNS = 24


@pytest.fixture(autouse=True)
def fake_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers without a model."""
    FakePool.clear()
    monkeypatch.setattr("sim.sweeps.pool.Pool", FakePool)
    monkeypatch.setattr("sim.sweeps.store.MOST_SMALL", 3)
    yield
    FakePool.clear()


def run(folder: Path, lines: list[str] | None = None, **options: Any) -> Sweep:
    """Run the design, or another, in a folder."""
    changes = options.pop("changes", {})
    say = (lambda _: None) if lines is None else lines.append
    return sim.sweep(design(**changes), folder, workers=1, notify=say, **options)


@pytest.fixture
def reference(tmp_path: Path) -> Sweep:
    """The sweep without interruption."""
    out = run(tmp_path / "reference")
    FakePool.calls.clear()
    return out


def files(folder: Path, pattern: str = "*/*.parquet") -> list[Path]:
    """The files of a sweep."""
    return sorted(folder.glob(pattern))


# Frames.


def test_frames(reference: Sweep) -> None:
    """The table of runs has every input; every column has unit and meaning; outcomes join by run."""
    runs, outcomes = reference.runs, reference.outcomes
    assert len(runs) == runs["run"].nunique() == RUNS
    assert set(runs["status"]) == {"done"}
    assert set(runs["policy"]) == {"baseline", "baseline-00000", "baseline-00001"}
    assert runs.groupby("policy")["resilience.scar"].agg(sorted).map(tuple).nunique() == 1  # the same points
    assert runs.loc[runs["policy"] == "baseline", "prevention_share"].isna().all()
    assert len(outcomes) == 2 * RUNS
    assert set(outcomes["run"]) == set(runs["run"])
    dictionary = pd.read_csv(reference.folder / "data_dictionary.csv").query("table == 'runs'")
    assert list(dictionary["column"]) == list(runs.columns)
    assert dictionary["meaning"].notna().all()
    (path,) = files(reference.folder, "outcomes/*")
    fields = pq.read_schema(path)
    assert fields.field("emergency_admissions").metadata[b"unit"].decode() == reference.unit["emergency_admissions"]
    crate = json.loads((reference.folder / "ro-crate-metadata.json").read_text())
    listed = {entry["@id"] for entry in crate["@graph"]}
    assert all(name.split("/")[0] in {entry.strip("/") for entry in listed} for name in ("runs/", "outcomes/"))


def test_a_loaded_sweep_is_the_same(reference: Sweep) -> None:
    """`sim.load` gives the same frames, and the same plan."""
    loaded = sim.load(reference.folder)
    assert isinstance(loaded, Sweep)
    assert_same(loaded, reference)
    assert list(loaded.rows()["run"]) == list(reference.rows()["run"])
    assert loaded.done == RUNS


def test_differences_are_paired(reference: Sweep) -> None:
    """A difference is that of two runs with the same point."""
    table = reference.differences()
    assert len(table) == 2 * 16
    row = table.iloc[0]
    runs = reference.runs.set_index(["policy", "point"])["run"]
    values = reference.outcomes.set_index(["run", "year"])["deaths"]
    level, base = (values[runs[name, row["point"]], row["year"]] for name in (row["policy"], "baseline"))
    assert row["deaths"] == level - base


def test_csv_is_safe_in_a_spreadsheet(reference: Sweep, tmp_path: Path) -> None:
    """A text that looks like a formula is text; files say that they are UTF-8; numbers are exact."""
    FakePool.failing.add(reference.rows()["run"][3])
    failed = run(tmp_path / "failed")
    paths = failed.to_csv(tmp_path / "csv")
    assert [path.name for path in paths] == ["runs.csv", "outcomes.csv"]
    assert paths[0].read_bytes().startswith(b"\xef\xbb\xbf")
    assert "'=a reason" in paths[0].read_text(encoding="utf-8")
    again = pd.read_csv(paths[1]).sort_values(["run", "year"], ignore_index=True)
    pd.testing.assert_frame_equal(
        again, failed.outcomes.sort_values(["run", "year"], ignore_index=True), check_exact=True, check_dtype=False
    )


# Resuming.


def test_finished_runs_are_not_run_again(reference: Sweep) -> None:
    """The same command again runs nothing."""
    assert_same(run(reference.folder), reference)
    assert FakePool.calls == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_process_killed_at_any_moment_loses_nothing(reference: Sweep, seed: int, tmp_path: Path) -> None:
    """Killed at random writes and deletions, again and again, a sweep ends as the one without interruption."""
    rng = random.Random(seed)
    folder, kills = tmp_path / "killed", 0
    while killed_at(rng.randrange(1, 30), lambda: run(folder)):
        kills += 1
        assert kills < 200, "it never comes to an end"
    assert kills >= 3
    assert_same(run(folder), reference)
    assert not list(folder.rglob(".*"))
    assert len(sim.load(folder).runs) == RUNS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_process_killed_while_files_are_put_together(
    reference: Sweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At every single write and deletion of putting small files together."""
    with monkeypatch.context() as patch:
        patch.setattr(store.SweepStore, "compact", lambda _self: None)
        many = run(tmp_path / "many")
    assert len(files(many.folder, "runs/*")) > 5

    def put_together(folder: Path) -> None:
        finish(store.SweepStore(folder, many.plan, lambda _: None))

    for moment in range(1, 200):
        folder = tmp_path / f"{moment}"
        shutil.copytree(many.folder, folder)
        if not killed_at(moment, lambda folder=folder: put_together(folder)):
            break
        assert_same(sim.load(folder), reference)
        put_together(folder)
        assert_same(sim.load(folder), reference)
        assert len(files(folder)) == len(files(reference.folder))
    else:
        raise AssertionError("it never comes to an end")
    assert moment > 10


@pytest.mark.parametrize("kind", ["outcomes", "done", "failed"])
@pytest.mark.parametrize("fault", ["flipped", "truncated", "empty", "missing"])
def test_damage_is_repaired(kind: str, fault: str, reference: Sweep, seed: int, tmp_path: Path) -> None:
    """A damaged file is removed and reported, and its runs are run again; nothing else is."""
    folder = tmp_path / "sweep"
    bad = reference.rows()["run"][5]
    FakePool.failing.add(bad)
    before = run(folder)
    FakePool.calls.clear()
    (path, *_) = files(folder, f"*/{kind}-*.parquet")
    if fault == "missing":
        path.unlink()
    else:
        raw = bytearray(path.read_bytes())
        rng = random.Random(seed)
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes({"flipped": raw, "truncated": raw[: len(raw) // 2], "empty": b""}[fault])
    if not (fault == "missing" and kind != "outcomes"):
        with pytest.raises(InputError, match="damaged"):
            len(sim.load(folder).runs), len(sim.load(folder).outcomes)
    lines: list[str] = []
    assert_same(run(folder, lines), before)
    assert any("damaged" in line for line in lines) == (not (fault == "missing" and kind != "outcomes"))
    assert len(FakePool.calls) == (1 if kind == "failed" else RUNS - 1)


def test_a_damaged_design_is_written_again(reference: Sweep) -> None:
    """`sweep.json` is written again from the design; a reader names it."""
    path = reference.folder / manifest.MANIFEST
    raw = path.read_text()
    path.write_text(raw.replace('"seed": 0', '"seed": 1', 1))
    with pytest.raises(InputError, match="SHA-256"):
        sim.load(reference.folder)
    assert_same(run(reference.folder), reference)
    assert path.read_text() == raw
    assert FakePool.calls == []


@pytest.mark.parametrize("call", range(1, 12, 2))
def test_a_full_disk_stops_cleanly(
    call: int, reference: Sweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was stored stays, nothing is half written, the message names the folder, and it continues afterwards."""
    folder, count, original = tmp_path / "full", 0, os.fsync

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count >= 2 * call:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as error:
            run(folder)
    assert error.value.errno == errno.ENOSPC
    assert error.value.filename == str(folder)
    assert not list(folder.rglob(f"*{part_files.PARTIAL}"))
    assert all(part_files.is_proved(path) for path in files(folder))
    assert_same(run(folder), reference)


# Failures.


def test_failed_runs_keep_their_error_until_they_are_tried_again(reference: Sweep, tmp_path: Path) -> None:
    """A failed run is left out by the same command, and run by `--retry-failed`; its row is then that of a done run."""
    folder, bad = tmp_path / "failed", set(reference.rows()["run"][[2, 9, 20]])
    FakePool.failing.update(bad)
    assert run(folder).failed == dict.fromkeys(bad, "failed")
    FakePool.calls.clear()
    assert run(folder).failed.keys() == bad
    assert FakePool.calls == []
    still = min(bad)
    FakePool.failing.intersection_update({still})
    again = run(folder, retry_failed=True)
    assert set(FakePool.calls) == bad
    assert again.failed == {still: "failed"}
    runs = sim.load(folder).runs.set_index("run")
    assert len(runs) == RUNS
    assert runs.loc[still, "error"] == "=a reason"
    assert status_of(folder)[:5] == (RUNS, RUNS - 1, 1, 0, 0)
    FakePool.failing.clear()
    assert_same(run(folder, retry_failed=True), reference)


def test_a_run_that_ends_its_workers_is_set_aside(reference: Sweep, tmp_path: Path) -> None:
    """It is tried three times, named, and the other runs of its batch are run."""
    folder, deadly = tmp_path / "deadly", reference.rows()["run"][7]
    FakePool.deadly.add(deadly)
    out = run(folder)
    assert out.failed == {deadly: "set aside"}
    row = out.runs.set_index("run").loc[deadly]
    assert row["lost_workers"] == 3
    assert "3 times" in row["error"]
    assert "set aside" in status_of(folder).text()
    assert set(FakePool.calls) == set(reference.rows()["run"]) - {deadly}
    FakePool.deadly.clear()
    assert_same(run(folder, retry_failed=True), reference)


# Parts, further seeds, other sweeps.


def test_parts_are_put_together(reference: Sweep, tmp_path: Path) -> None:
    """The parts of a design have each run once, and merged they are the design; merging again changes nothing."""
    parts = [run(tmp_path / f"part{k}", part=(k, 3)).folder for k in (1, 2, 3)]
    assert len(FakePool.calls) == len(set(FakePool.calls)) == RUNS
    merged = merge(parts, tmp_path / "merged", notify=lambda _: None)
    assert_same(merged, reference)
    assert_same(merge([*parts, reference.folder], tmp_path / "merged", notify=lambda _: None), reference)
    FakePool.calls.clear()
    assert_same(run(tmp_path / "merged"), reference)
    assert FakePool.calls == []


def test_sweeps_of_other_designs_are_not_merged(reference: Sweep, tmp_path: Path) -> None:
    """The message names the folder."""
    other = run(tmp_path / "other", changes={"years": 3})
    with pytest.raises(InputError, match="of another design"):
        merge([reference.folder, other.folder], tmp_path / "merged", notify=lambda _: None)
    assert not (tmp_path / "merged").exists()


def test_points_are_added(reference: Sweep) -> None:
    """A longer Sobol' sequence begins with the shorter one: only new points are run."""
    longer = {**design()["uncertainties"], "samples": 16}
    assert run(reference.folder, changes={"uncertainties": longer}).done == 2 * RUNS
    assert len(FakePool.calls) == RUNS


def test_another_design_is_refused(reference: Sweep) -> None:
    """Runs of another design are not mixed in, and nothing is lost."""
    with pytest.raises(InputError, match="24 of 24 stored runs are not in this design"):
        run(reference.folder, changes={"years": 3})
    assert_same(run(reference.folder), reference)


def test_an_edited_scenario_is_another_design(tmp_path: Path) -> None:
    """The design names the same file, but its policies have changed; runs of the twin depend on all policies."""
    path = tmp_path / "own.toml"
    source = (Path(__file__).parents[1] / "scenarios" / "more-acute.toml").read_text(encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    changes = {"scenarios": ["baseline", str(path)], "levers": None, "uncertainties": None}
    run(tmp_path / "sweep", changes=changes)
    edited = re.sub(r"over_months = (\d+)", lambda match: f"over_months = {int(match[1]) + 1}", source, count=1)
    assert edited != source
    path.write_text(edited, encoding="utf-8")
    with pytest.raises(InputError, match="2 of 2 stored runs are not in this design"):
        run(tmp_path / "sweep", changes=changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99, of a newer version"),
        ({"format": 0}, "format 0, of an older version"),
        ({"versions": "other"}, "one of another version"),
    ],
)
def test_another_version_is_refused(change: dict[str, Any], message: str, reference: Sweep) -> None:
    """A sweep of another format or made by other code is refused in words; other code can still be read."""
    path = reference.folder / manifest.MANIFEST
    opened = result_folder.opened(path.read_text())
    assert opened is not None
    document = json.loads(opened)
    if "versions" in change:
        change = {"versions": {**document["versions"], "model": "0" * 64}}
    path.write_text(result_folder.sealed(json.dumps({**document, **change}, indent=1)))
    with pytest.raises(InputError, match=message):
        run(reference.folder)
    if "versions" in change:
        assert len(sim.load(reference.folder).runs) == RUNS


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """Files of the user stay as they are."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="a folder with other files"):
        run(tmp_path)
    with pytest.raises(InputError, match=r"a folder without sweep\.json"):
        status_of(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_second_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sweeps at a time cannot write to one folder."""
    errors: list[str] = []

    def second(self: FakePool, batch: Any) -> None:
        if not errors:
            with pytest.raises(InputError) as error:
                run(tmp_path / "sweep")
            errors.append(str(error.value))
            assert status_of(tmp_path / "sweep").is_running
        self._waiting.append(batch)

    monkeypatch.setattr(FakePool, "submit", second)
    run(tmp_path / "sweep")
    assert "another run is writing to" in errors[0]
    assert not status_of(tmp_path / "sweep").is_running


def test_a_disk_without_space_is_refused_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate is compared with the free space."""
    monkeypatch.setattr("sim.sweeps.sweep.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000})())
    with pytest.raises(InputError, match="free space"):
        run(tmp_path / "sweep")
    assert FakePool.calls == []
    assert not (tmp_path / "sweep").exists()


def test_the_size_is_stated_first(tmp_path: Path) -> None:
    """Number of runs, time and space; a dry run writes nothing."""
    lines: list[str] = []
    run(tmp_path / "sweep", lines, dry_run=True)
    assert lines[0].startswith("24 runs: about ")
    assert "MB on disk" in lines[0]
    assert not list(tmp_path.iterdir())
