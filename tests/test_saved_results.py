"""Saved results: a comparison comes back to the last bit, and more seeds are added to it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import assert_refused

import sim
from sim.cli import command
from sim.ensemble import paired_runs
from sim.results import result_folder, run_files
from sim.results.comparison import Comparison
from sim.results.origin import Origin
from sim.results.records import Record
from sim.results.run_files import RunKey
from sim.results.run_store import RunStore

PEOPLE, YEARS = 1_500, 2
AXES = ("service", "quintile", "age", "neighbourhood", "domain")
NAMES = ("baseline", "salami-slice")
COMMAND = ["compare", *NAMES, "--people", f"{PEOPLE}", "--years", f"{YEARS}", "--draws", "none", "--json"]
Damage = Callable[[Path], object]


def town(*seeds: int, **options: Any) -> Comparison:
    """The comparison of this module, for some seeds."""
    return sim.compare(*NAMES, **{"people": PEOPLE, "years": YEARS, "draws": "none", "seeds": seeds} | options)


@pytest.fixture(scope="module")
def complete() -> Comparison:
    """Four seeds in one go."""
    return town(0, 1, 2, 3)


@pytest.fixture(scope="module")
def saved(complete: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved comparison, which no test changes."""
    return complete.save(tmp_path_factory.mktemp("saved") / "results")


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved folder, which a test may damage."""
    folder = tmp_path / "results"
    for path in saved.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(saved)).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(saved)).write_bytes(path.read_bytes())
    return folder


def runs(result: Comparison) -> Iterator[Record]:
    """All records of a comparison: of its seeds, and of its replicates."""
    for part in (result, result.replicates):
        for records in part.records.values() if part is not None else ():
            yield from records


def assert_same(one_way: Comparison, other_way: Comparison) -> None:
    """Both have the same records, documents, tables and provenance, to the last bit."""
    assert one_way.seeds == other_way.seeds
    for first, second in zip(runs(one_way), runs(other_way), strict=True):
        assert first.seed == second.seed
        for ours, theirs in ((first.monthly, second.monthly), (first.yearly, second.yearly)):
            assert list(ours) == list(theirs)
            for name, array in ours.items():
                assert array.dtype == theirs[name].dtype, name
                assert array.tobytes() == theirs[name].tobytes(), name
    assert json.dumps(one_way.document(by=AXES)) == json.dumps(other_way.document(by=AXES))
    for frame in (
        Comparison.to_frame, Comparison.table, Comparison.expectations, lambda c: c.acute_demand.difference("quintile")
    ):  # fmt: skip
        pd.testing.assert_frame_equal(frame(one_way), frame(other_way), check_exact=True)
    assert one_way.to_xarray().identical(other_way.to_xarray())
    ours, theirs = (result.provenance() | {"seconds": 0.0} for result in (one_way, other_way))
    assert json.dumps(ours) == json.dumps(theirs)


# Results come back.


def test_a_saved_result_comes_back(complete: Comparison, saved: Path) -> None:
    """`sim.load` gives the comparison that was saved, and saves the same files again."""
    loaded = sim.load(saved)
    assert_same(loaded, complete)
    assert (loaded.scenarios, loaded.place, loaded.neighbourhoods) == (
        complete.scenarios, complete.place, complete.neighbourhoods
    )  # fmt: skip


def test_files_do_not_depend_on_the_writing(saved: Path, copy: Path) -> None:
    """A loaded result that is saved again, over itself or elsewhere, has the same bytes in every file."""
    files = {path.relative_to(saved): path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    for folder in (copy, copy.with_name("elsewhere")):
        sim.load(saved).save(folder)
        assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_other_programs_can_read_the_runs(saved: Path, complete: Comparison) -> None:
    """A file of runs is an Arrow table with a row for each scenario, and tensors with axes, units and meanings."""
    import pyarrow as pa

    (path,) = saved.glob("runs/*/seed-1-*.arrow")
    table = pa.ipc.open_file(str(path)).read_all()
    assert table.column("scenario").to_pylist() == list(NAMES)
    field = table.schema.field("opened")
    assert field.type.dim_names == ["month", "service", "quintile", "age"]
    assert field.metadata[b"unit"] == b"episodes"
    values = table.column("opened").combine_chunks().to_numpy_ndarray()
    assert np.array_equal(values[1], complete.records["salami-slice"][1].monthly["opened"])


def test_a_twin_without_chance_comes_back(tmp_path: Path) -> None:
    """The record of the stock-flow twin, whose numbers are not whole, is saved like any other."""
    records = {
        name: [dataclasses.replace(record[0], monthly=halved(record[0].monthly))]
        for name, record in town(0).records.items()
    }
    result = dataclasses.replace(town(0), records=records, settings={"engine": "stocks"})
    assert_same(sim.load(result.save(tmp_path / "twin")), result)


def halved(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of numbers that are not whole."""
    return {name: array / 2.0 + 1e-3 for name, array in arrays.items()}


# Damaged, older and foreign files.


def edit(path: Path, change: Callable[[dict[str, Any]], object], *, seal: bool = True) -> None:
    """Change a run.json; sealed, it has the digest of its new content."""
    run = json.loads(path.read_text(encoding="utf-8"))
    change(run)
    run.pop("sha256", None)
    text = json.dumps(run, indent=1) + "\n"
    path.write_text(result_folder.sealed(text) if seal else text, encoding="utf-8")


def flip(pattern: str, place: float) -> Damage:
    """Change one bit of a file."""

    def damage(folder: Path) -> None:
        path = min(folder.glob(pattern))
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 4
        path.write_bytes(content)

    return damage


def in_run(key: str, value: object, *, seal: bool = True) -> Damage:
    """Replace an entry of run.json; None deletes it."""
    return lambda folder: edit(
        folder / "run.json", lambda run: run.pop(key) if value is None else run.__setitem__(key, value), seal=seal
    )


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        *((flip("runs/*/seed-2-*.arrow", place), ["seed-2-", "SHA-256"]) for place in (0.0, 0.3, 0.6, 0.999)),
        *((flip("run.json", place), ["run.json"]) for place in (0.001, 0.2, 0.5, 0.9)),
        (lambda folder: min(folder.glob("runs/*/seed-0*")).unlink(), ["seed-0-", "nothing"]),
        (lambda folder: min(folder.glob("runs/*/seed-0*")).write_bytes(b""), ["seed-0-", "SHA-256"]),
        (lambda folder: (folder / "run.json").unlink(), ["without run.json"]),
        (lambda folder: (folder / "run.json").write_text("{}", encoding="utf-8"), ["another document"]),
        (lambda folder: (folder / "run.json").write_text("[" * 100_000, encoding="utf-8"), ["not a JSON document"]),
        (lambda folder: (folder / "run.json").write_bytes(b"\xff\xfe"), ["not a JSON document"]),
        (in_run("format", None), ["format 1", "a version that did not save runs"]),
        (in_run("format", 2), ["format 1", "format 2"]),
        (in_run("people", 10_000, seal=False), ["SHA-256"]),
        (in_run("people", 10_000), ["other comparison"]),
        (in_run("seeds", [0, 1, 7]), ["no file for seed-7"]),
        (in_run("files", {}), ["no runs"]),
        (in_run("place_data", {"name": "x"}), ["cannot be used"]),
        (in_run("scenarios", [{"name": "x"}]), ["cannot be used"]),
        (in_run("neighbourhoods", ["a"]), ["other comparison"]),
        (in_run("machine", None), ["cannot be used"]),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_refused(damage: Damage, parts: list[str], copy: Path) -> None:
    """The message names the file and what is wrong with it."""
    damage(copy)
    with pytest.raises(sim.InputError) as refused:
        sim.load(copy)
    assert str(refused.value).count("\n") == 0
    for part in parts:
        assert part in str(refused.value)


def test_what_is_no_folder_of_results_is_refused(tmp_path: Path) -> None:
    """A missing folder, a file and a folder of other files are refused; a result is not saved in place of a file."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, came in (("file", "a file"), ("folder", "a folder without run.json"), ("none", "nothing")):
        with pytest.raises(sim.InputError, match=f"wanted a folder of results that Upstream saved, got {came}"):
            sim.load(tmp_path / name)
    with pytest.raises(sim.InputError, match="wanted a folder, got a file"):
        town(0).save(tmp_path / "file")


class Payload:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_no_code_is_run(copy: Path, tmp_path: Path) -> None:
    """A pickle in place of runs, with the right digests everywhere, is refused and not unpickled."""
    path = min(copy.glob("runs/*/seed-0*"))
    content = pickle.dumps(Payload(tmp_path / "ran"))
    name = f"{path.parent.relative_to(copy)}/{run_files.file_name(RunKey(0), content)}"
    (copy / name).write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(copy / "run.json", lambda run: run["files"].update({name: entry}))
    with pytest.raises(sim.InputError, match="cannot be used"):
        sim.load(copy)
    assert not (tmp_path / "ran").exists()


def test_a_path_out_of_the_folder_is_not_followed(copy: Path) -> None:
    """Files of runs are read below the folder only."""
    name = min(copy.glob("runs/*/seed-0*")).name

    def change(run: dict[str, Any]) -> None:
        run["files"] = {f"runs/../{key.split('/')[-1]}": entry for key, entry in run["files"].items()}

    (copy / "runs" / ".." / name).write_bytes(min(copy.glob("runs/*/seed-0*")).read_bytes())
    edit(copy / "run.json", change)
    with pytest.raises(sim.InputError, match="no runs"):
        sim.load(copy)


def test_another_version_of_the_model_is_reported(copy: Path, complete: Comparison) -> None:
    """A result of other code is loaded with a warning, keeps its version when it is saved, and joins no other."""
    comparison = dataclasses.replace(
        complete, origin=Origin(complete.origin.versions | {"model": "0" * 64}, complete.origin.machine)
    )
    comparison.save(copy)
    with pytest.warns(UserWarning, match="another version of the model"):
        loaded = sim.load(copy)
    assert loaded.provenance()["model"] == "0" * 64
    with pytest.raises(sim.InputError, match="model: code 000000000000 and code"):
        sim.concat([loaded, town(4)])


# More seeds.


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_parts_together_are_the_complete_run(order: Sequence[int], complete: Comparison, tmp_path: Path) -> None:
    """Parts of the seeds, saved and loaded, in any order, are together the run with all seeds."""
    parts = [town(0, 2), town(1), town(3)]
    loaded = [sim.load(part.save(tmp_path / f"{k}")) for k, part in enumerate(parts)]
    assert_same(sim.concat([loaded[k] for k in order]), complete)
    assert_same(sim.load(sim.concat([parts[k] for k in order]).save(tmp_path / "all")), complete)


@pytest.mark.slow
def test_draws_are_saved_and_extended(tmp_path: Path) -> None:
    """Parts of an ensemble with draws are together the ensemble, with the same draws and the same spread by chance."""
    parts = [town(0, 1, draws="mechanisms"), town(2, 3, draws="mechanisms")]
    together = town(0, 1, 2, 3, draws="mechanisms")
    assert_same(sim.concat([sim.load(part.save(tmp_path / f"{k}")) for k, part in enumerate(parts)]), together)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: town(4, people=3_000), "people: 1,500 and 3,000"),
        (lambda: town(4, years=3), "years: 2 and 3"),
        (lambda: town(4, disabled=["R1"]), r"disabled"),
        (lambda: sim.run("baseline", people=PEOPLE, years=YEARS, seeds=[4], draws="none"), "scenarios: "),
        (lambda: town(1, 4), "each seed in one of the results, got several with 1"),
    ],
)  # fmt: skip
def test_results_that_differ_are_not_put_together(
    other: Callable[[], Comparison], words: str, complete: Comparison
) -> None:
    """The message states in what the results differ."""
    with pytest.raises(sim.InputError, match=words):
        sim.concat([complete, other()])


def test_scenarios_that_differ_are_not_put_together(complete: Comparison) -> None:
    """Another policy, or another text of the same policy, is named."""
    policy = complete.scenarios[1]
    for change, words in (({"label": "Another"}, "another label"), ({"policies": []}, "other policies of salami")):
        scenarios = (complete.scenarios[0], policy.model_copy(update=change))
        with pytest.raises(sim.InputError, match=words):
            sim.concat([complete, dataclasses.replace(town(4), scenarios=scenarios)])


def test_only_results_are_put_together(complete: Comparison) -> None:
    """No results, and things that are no results, are refused; a single result is returned."""
    for wrong in ([], [complete, "out/mine"]):
        with pytest.raises(sim.InputError, match="a list of results"):
            sim.concat(wrong)  # type: ignore[arg-type]  # what a user might pass
    assert sim.concat([complete]) is complete


# The command line.


@pytest.fixture
def run_seeds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that commands run, and do not read."""
    made: list[int] = []
    ensemble = paired_runs.ensemble

    def noted(world: Any, scenarios: Any, seeds: list[int], *rest: Any, **options: Any) -> Any:
        made.extend(seeds)
        return ensemble(world, scenarios, seeds, *rest, **options)

    monkeypatch.setattr(paired_runs, "ensemble", noted)
    return made


def test_a_folder_with_some_seeds_is_extended(
    complete: Comparison, run_seeds: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--out` runs only the missing seeds and says so; results and files are those of a run with all of them."""
    folder = tmp_path / "results"
    assert command([*COMMAND, "--seeds", "2", "--out", str(folder)]) == 0
    assert command([*COMMAND, "--seeds", "4", "--out", str(folder)]) == 0
    assert run_seeds == [0, 1, 2, 3]
    assert f"2 of 4 seeds are in {folder}" in capsys.readouterr().err
    assert command([*COMMAND, "--seeds", "4", "--out", str(tmp_path / "at once")]) == 0
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} - {Path("run.json")}
    assert len(files) == len(result_folder.TABLES) + 4
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / "at once" / name).read_bytes(), name
    loaded = sim.load(folder)
    assert json.dumps(loaded.document()) == json.dumps(complete.document())
    assert {path.name for path in tmp_path.iterdir()} == {"results", "at once"}


def test_fewer_seeds_lose_no_run(run_seeds: list[int], saved: Path, copy: Path) -> None:
    """A result with fewer seeds replaces the tables; the runs of the other seeds stay for another time."""
    assert command([*COMMAND, "--seeds", "4", "--out", str(copy)]) == 0
    again = len(run_seeds)  # the scenarios of a command state the number of people, those of this module do not
    assert command([*COMMAND, "--seeds", "2", "--seed", "1", "--out", str(copy)]) == 0
    assert sim.load(copy).seeds == (1, 2)
    assert command([*COMMAND, "--seeds", "4", "--out", str(copy)]) == 0
    assert len(run_seeds) == again
    assert sim.load(copy).seeds == (0, 1, 2, 3)


def test_another_comparison_is_replaced(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of another comparison is reported, and replaced at the end: no file of it remains."""
    args = ["run", "baseline", "--people", "1500", "--years", "1", "--seeds", "1", "--draws", "none"]
    assert command([*args, "--out", str(copy)]) == 0
    assert f"{copy} has results of another comparison (scenarios: ['baseline'" in capsys.readouterr().err
    assert sim.load(copy).names == ("baseline",)
    assert [path.name[:7] for path in copy.rglob("*.arrow")] == ["seed-0-"]


def test_the_former_result_stays_until_the_end(
    copy: Path, complete: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error or interruption while a folder is replaced, at any file, leaves a result that can be loaded."""
    other = town(5)
    replace = Path.replace
    for stop in range(5):
        moved: list[Path] = []

        def stopping(path: Path, target: Path, *, moved: list[Path] = moved, stop: int = stop) -> Path:
            if path.parent.name.startswith(".results.upstream-part") or "upstream-part" in str(path):
                if len(moved) == stop:
                    raise KeyboardInterrupt
                moved.append(path)
            return replace(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", stopping)
            with pytest.raises(KeyboardInterrupt):
                other.save(copy)
        assert sim.load(copy).seeds == complete.seeds
    other.save(copy)
    assert sim.load(copy).seeds == (5,)


def test_what_is_finished_is_used_by_the_next_command(
    run_seeds: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeds that were finished when a command ended early lie beside the folder. The same command continues."""
    folder = tmp_path / "results"
    args = [*COMMAND, "--seeds", "3", "--threads", "1", "--out", str(folder)]
    put = RunStore.put

    def interrupted(store: RunStore, key: RunKey, records: Mapping[str, Record]) -> None:
        if key.seed == 2:
            raise KeyboardInterrupt
        put(store, key, records)

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "put", interrupted)
        assert command(args) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["results.unfinished"]
    with pytest.raises(sim.InputError, match=r"interrupted.*2 seeds are in results\.unfinished"):
        sim.load(folder)
    run_seeds.clear()
    assert command(args) == 0
    assert run_seeds == [2]
    assert f"2 of 3 seeds are in {folder}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert sim.load(folder).seeds == (0, 1, 2)


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0", None], ids=["empty", "cut short", "one bit"])
def test_damaged_runs_are_run_again(
    content: bytes | None, run_seeds: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged file of runs is reported, and its seed is run again: the files are the same as before."""
    folder = tmp_path / "results"
    args = [*COMMAND, "--seeds", "2", "--out", str(folder)]
    assert command(args) == 0
    before = {path.name: path.read_bytes() for path in folder.rglob("*.arrow")}
    if content is None:
        flip("runs/*/seed-1-*", 0.5)(folder)
    else:
        min(folder.glob("runs/*/seed-1-*")).write_bytes(content)
    run_seeds.clear()
    assert command(args) == 0
    assert run_seeds == [1]
    assert "damaged (its SHA-256 does not match); run again" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.rglob("*.arrow")} == before


def test_a_folder_is_saved_by_one_process_at_a_time(complete: Comparison, tmp_path: Path) -> None:
    """`save` respects the lock of a command that uses the folder."""
    with result_folder.locked(tmp_path / "results"), pytest.raises(sim.InputError, match="another run"):
        complete.save(tmp_path / "results")
    assert not list(tmp_path.iterdir())


def test_a_command_with_a_bad_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in place of the folder is refused before anything is run."""
    (tmp_path / "file").touch()
    assert_refused([*COMMAND, "--out", str(tmp_path / "file")], capsys, "--out", "wanted a folder", "file")
