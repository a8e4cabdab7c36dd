"""The lock on the folder of `--out`, and the files that killed runs leave."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from command_line import assert_refused

import sim
from sim.cli import command, output_folder, output_lock
from sim.schema.errors import InputError

SMALL_RUN = ["run", "baseline", "--people", "1500", "--years", "1", "--seeds", "1", "--draws", "none"]


@pytest.mark.parametrize("exists", [False, True], ids=["new folder", "existing folder"])
@pytest.mark.parametrize(
    "args", [SMALL_RUN, ["claims"], ["validate"], ["loops", "salami-slice"], ["story", "baseline", "salami-slice"]]
)
def test_a_folder_in_use_is_refused_before_the_run(
    args: list[str], exists: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second command with the same `--out` is refused before it starts, in whatever way it writes the path."""
    folder = tmp_path / "results"
    if exists:
        folder.mkdir()
    with output_lock.locked(folder):
        assert_refused([*args, "--out", f"{tmp_path}/other/../results"], capsys, "--out", "another run")
        with output_lock.locked(tmp_path / "another"):
            pass


def test_a_folder_can_be_used_again(tmp_path: Path) -> None:
    """The lock ends with its block, and leaves neither its file nor empty folders."""
    folder = tmp_path / "a" / "b" / "results"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), output_lock.locked(folder):
            raise KeyboardInterrupt
        assert not list(tmp_path.iterdir())
    with output_lock.locked(folder):
        folder.mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", "results"]


def test_files_of_killed_runs_are_deleted(tmp_path: Path) -> None:
    """The next command with `--out` deletes locks and unfinished files that no process uses, and nothing else."""
    for name in ("results", "other", "busy"):
        (tmp_path / f".{name}.upstream-part-1").mkdir()
        (tmp_path / f".{name}.upstream-part-1" / "summary.csv").touch()
    for name in ("other", "lone"):
        (tmp_path / f".{name}.upstream-lock").touch()
    (tmp_path / "notes.upstream-lock").touch()
    with output_lock.locked(tmp_path / "busy"):
        (tmp_path / ".busy.upstream-part-2").mkdir()
        with output_lock.locked(tmp_path / "results"):
            assert not (tmp_path / ".results.upstream-part-1").exists()
        remaining = {path.name for path in tmp_path.iterdir()}
    assert remaining == {".busy.upstream-lock", ".busy.upstream-part-2", "notes.upstream-lock"}


def test_a_folder_without_writable_parent_is_locked_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of an existing folder lies in it if nothing can be written beside it."""
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setattr(output_lock, "_is_writable", lambda parent: parent != tmp_path)
    with output_lock.locked(folder):
        assert [path.name for path in tmp_path.iterdir()] == ["results"]
        with pytest.raises(InputError), output_lock.locked(folder):
            pass
    assert not list(folder.iterdir())


def test_a_full_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error while results are written names the folder of `--out`, and leaves nothing."""

    def fail(_: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output_folder, "_digest", fail)
    assert command([*SMALL_RUN, "--out", str(tmp_path / "results")]) == 1
    assert f"{tmp_path / 'results'}: No space left on device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_results_are_not_lost_if_the_folder_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that something else creates during the run receives the results."""
    folder = tmp_path / "results"
    compare = sim.compare

    def create(*args: object, **options: object) -> object:
        folder.mkdir()
        (folder / "notes.txt").touch()
        return compare(*args, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(sim, "compare", create)
    assert command([*SMALL_RUN, "--out", str(folder)]) == 0
    assert {"notes.txt", "run.json", "summary.csv"} < {path.name for path in folder.iterdir()}
