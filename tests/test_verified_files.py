"""Files that the program writes for itself: what comes back from disk is proved, or removed and computed again."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ROOT, run_upstream
from damage import StoredFile, arrays_of, flips, outcomes, replaced, stored_files, truncations

from sim.engine import jit, verified_files
from sim.engine.verified_files import MOST_LINES, VerifiedFolder, cache_root, exclusive
from sim.ensemble import precompile

KINDS = ("world", "record", "solution", "stored run", "machine code", "list of machine code")
FLIPS, TRUNCATIONS = 60, 15
"""Of each kind of file; `python tests/damage.py` makes more."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, seed: int) -> dict[str, StoredFile]:
    """A file of each kind."""
    return stored_files(tmp_path_factory.mktemp("stored"), seed)


def as_text(content: memoryview) -> str:
    """Content as text."""
    return bytes(content).decode()


@pytest.fixture
def folder(tmp_path: Path) -> VerifiedFolder:
    """A folder with two files."""
    out = VerifiedFolder(tmp_path / "texts", "texts")
    out.put("a", b"first ", b"text")
    out.put("b", b"second text")
    return out


# Damage.


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_or_a_cut_is_noticed(files: dict[str, StoredFile], kind: str, seed: int) -> None:
    """Every file with a flipped bit, and every truncated file, is removed: no wrong number and no exception."""
    file = files[kind]
    content = file.path.read_bytes()
    assert outcomes(file, flips(content, FLIPS, seed)) == {"removed": FLIPS}
    assert outcomes(file, truncations(content, TRUNCATIONS, seed)) == {"removed": TRUNCATIONS}
    assert arrays_of(file.read())


@pytest.mark.skipif(sys.platform == "win32", reason="no links and pipes")
@pytest.mark.parametrize("kind", KINDS)
def test_other_things_in_place_of_a_file_are_removed(files: dict[str, StoredFile], kind: str) -> None:
    """Noise, a file of another kind, a folder, a link or a pipe in place of a file is removed, and read by nobody."""
    file = files[kind]
    other = files["record" if kind == "world" else "world"].path
    for thing in replaced(file.path, other):
        assert file.read() is None, thing
        assert not file.path.exists(), thing
    assert arrays_of(file.read())


@pytest.mark.parametrize("kind", KINDS)
def test_content_of_another_kind_is_removed(files: dict[str, StoredFile], kind: str) -> None:
    """A file with the right digest whose content is not of its kind is removed; no exception reaches the caller."""
    file = files[kind]
    content = file.path.read_bytes()
    for wrong in (b"", b"{}", b"\x80\x04N.", b"\xff" * 200):
        key = f"{file.path.parent.name}/{file.path.name}\0".encode()
        digest = hashlib.sha256(key + wrong).hexdigest().encode()
        file.path.write_bytes((verified_files.JSON if kind == "stored run" else verified_files.BINARY) % digest + wrong)
        if kind == "list of machine code" and wrong != b"\xff" * 200:
            continue  # a list of any length
        assert file.read() is None, wrong
        assert not file.path.exists()
    file.path.write_bytes(content)


def test_machine_code_of_another_function_is_not_loaded(tmp_path: Path, seed: int) -> None:
    """Machine code under the name of another function, with the right digest, is refused before it is loaded."""
    import numba
    from numba.core.registry import cpu_target

    from sim.engine.code_cache import CodeCache

    def one_more(x: float) -> float:
        return x + 1.0

    def one_less(x: float) -> float:
        return x - 1.0

    code = VerifiedFolder(tmp_path / "compiled", "compiled")
    functions = []
    for plain in (one_more, one_less):
        function = numba.njit(plain)
        names: set[str] = set()
        function._cache = CodeCache(function, code, names)
        function(1.0)
        functions.append((function, *names))
    (first, name), (_, other) = functions
    content = code.get(other, bytes)
    assert content is not None
    code.put(name, content)
    (signature,) = first.overloads
    assert first._cache.load_overload(signature, cpu_target.target_context) is None
    assert not (tmp_path / "compiled" / name).exists()


# Reports.


def test_a_file_is_read_back(folder: VerifiedFolder) -> None:
    """The parts of a file come back as one content; a file that does not exist is no damage."""
    assert folder.get("a", as_text) == "first text"
    assert folder.get("c", as_text) is None


def test_damage_is_reported_in_one_line(folder: VerifiedFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the file, the reason and the outcome; from the fourth file on a folder is silent."""
    assert folder.path is not None
    path = folder.path / "a"
    path.write_bytes((folder.path / "b").read_bytes())
    assert folder.get("a", as_text) is None
    assert folder.get("a", as_text) is None  # removed: not reported again
    text = f"upstream: {path}: damaged: its SHA-256 does not match; removed; computed again\n"
    assert capsys.readouterr().err == text
    for _ in range(10):
        path.write_bytes(b"noise")
        assert folder.get("a", as_text) is None
    assert capsys.readouterr().err.count("\n") == MOST_LINES - 1


def test_an_unreadable_file_is_removed(folder: VerifiedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read, or that the disk cannot read, is removed. Too many open files are not its fault."""
    assert folder.path is not None
    for number, is_removed in ((errno.EMFILE, False), (errno.EACCES, True), (errno.EIO, True)):
        folder.put("a", b"text")
        with monkeypatch.context() as patch:

            def refuse(*_: object, number: int = number) -> int:
                raise OSError(number, os.strerror(number))

            patch.setattr(os, "open", refuse)
            assert folder.get("a", as_text) is None
        assert (folder.path / "a").exists() != is_removed


# Writing.


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EFBIG])
def test_a_full_or_read_only_disk_is_no_error(
    folder: VerifiedFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Nothing is stored, no part of a file is left, and one line per process says so; what is there is still read."""
    assert folder.path is not None

    def refuse(*_: object) -> Path:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    folder.put("a", b"other")
    folder.put("c", b"other")
    assert folder.get("a", as_text) == "first text"
    assert sorted(path.name for path in folder.path.iterdir()) == ["a", "b"]
    assert capsys.readouterr().err.count(os.strerror(number)) == 1
    with pytest.raises(OSError, match=os.strerror(number)):
        folder.write("a", b"other")


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of file sizes is a POSIX one")
def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """If the system refuses the second half of a file, the first half is deleted."""
    code = (
        "import resource, pathlib; from sim.engine.verified_files import VerifiedFolder\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        f"VerifiedFolder(pathlib.Path({str(tmp_path)!r}), 'texts').put('a', bytes(4_000), bytes(40_000))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_no_error(tmp_path: Path) -> None:
    """A path that leads through a file stores nothing."""
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        folder = VerifiedFolder(path, "texts")
        folder.put("a", b"text")
        assert folder.get("a", as_text) is None


def test_a_deleted_folder_is_created_again(folder: VerifiedFolder) -> None:
    """If the folder is deleted during a run, the next file is stored as before."""
    assert folder.path is not None
    verified_files._delete(folder.path)
    assert folder.get("a", as_text) is None
    folder.put("a", b"text")
    assert folder.get("a", as_text) == "text"


def test_a_folder_in_place_of_a_file_is_replaced(folder: VerifiedFolder) -> None:
    """A file is stored even if a folder has its name."""
    assert folder.path is not None
    (folder.path / "c" / "in").mkdir(parents=True)
    folder.put("c", b"text")
    assert folder.get("c", as_text) == "text"


def test_stale_temporary_files_are_deleted(folder: VerifiedFolder) -> None:
    """`limit` deletes temporary files that a killed process left, and not those of a process that is writing."""
    assert folder.path is not None
    folder.most = 1_000
    old, new = (folder.path / f".{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7_200.0,) * 2)
    folder.limit()
    assert not old.exists()
    assert new.exists()
    assert folder.get("a", as_text) == "first text"


def test_writers_and_readers_at_once(tmp_path: Path) -> None:
    """Processes that write one file at once never make a reader see a damaged one."""
    code = (
        "import pathlib, sys; from sim.engine.verified_files import VerifiedFolder\n"
        f"folder = VerifiedFolder(pathlib.Path({str(tmp_path)!r}), 'texts')\n"
        "for _ in range(100):\n"
        "    folder.put('a', sys.argv[1].encode() * 50_000)\n"
        "    assert folder.get('a', lambda content: len(set(bytes(content)))) == 1\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, letter], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for letter in "xyz"
    ]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [("", 0)] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# The setting, and the lock.


def test_the_setting_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`off` stores nothing; an empty setting counts as none; any other setting is a folder."""
    monkeypatch.chdir(tmp_path)
    assert [cache_root(setting) for setting in ("off", "OFF", " Off ")] == [None] * 3
    assert cache_root("") == cache_root(None)
    assert cache_root("./off") == tmp_path / "off"
    assert cache_root("somewhere/else") == tmp_path / "somewhere" / "else"
    none = VerifiedFolder(None, "texts")
    none.put("a", b"text")
    none.limit()
    assert none.get("a", as_text) is None


def test_without_a_cache_nothing_is_stored(tmp_path: Path) -> None:
    """With `UPSTREAM_CACHE=off` a command writes no file, and creates no folder called `off`."""
    done = run_upstream("list", "places", UPSTREAM_CACHE="off", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "x"))
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
    assert not (ROOT / "off").exists()


def test_one_process_at_a_time_does_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that start at once do a task one after another; a process that is killed holds up nobody."""
    code = (
        "import os, pathlib, sys, time; from sim.engine import verified_files\n"
        f"verified_files.ROOT = pathlib.Path({str(tmp_path)!r}) / 'new'\n"
        "with verified_files.exclusive('compiling', lambda: None):\n"
        "    done = verified_files.ROOT / 'done'\n"
        "    if sys.argv[1] == 'die': os._exit(9)\n"
        "    if not done.exists():\n"
        "        time.sleep(0.3); done.write_text('x'); print('did it')\n"
    )

    def start(word: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code, word], cwd=ROOT, stdout=subprocess.PIPE, text=True)

    assert start("die").wait() == 9
    assert sorted(process.communicate()[0] for process in [start("") for _ in range(4)]) == ["", "", "", "did it\n"]


@pytest.mark.parametrize("thing", ["folder", "link", "file"])
def test_a_task_is_done_without_a_lock_if_none_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thing: str
) -> None:
    """A folder or a link in place of the lock file, or a cache that is a file, does not stop a task."""
    path = tmp_path / "compiling.lock"
    if thing == "folder":
        path.mkdir()
    elif thing == "link":
        path.symlink_to("nowhere")
    else:
        path.write_text("")
    for root in (tmp_path, path, None):
        monkeypatch.setattr(verified_files, "ROOT", root)
        with exclusive("compiling", lambda: None):
            pass


# The list of machine code.


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerifiedFolder:
    """Two files of machine code, and their list; this process does not know yet whether the model is compiled."""
    out = VerifiedFolder(tmp_path / "compiled", "compiled")
    monkeypatch.setattr(jit, "FOLDER", out)
    monkeypatch.setattr(jit, "_names", {"a.code", "b.code"})
    monkeypatch.setattr(jit, "_warm", type(jit._warm)())
    for name in jit._names:
        out.put(name, b"machine code")
    assert not jit.is_warm()
    jit.mark_warm()
    jit._warm.clear()
    return out


@pytest.mark.parametrize("damage", ["none", "code gone", "code damaged", "list gone", "list damaged"])
def test_the_model_counts_as_compiled_only_if_all_code_is_sound(
    compiled: VerifiedFolder, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a file of machine code or the list is gone or damaged, the model is compiled again, and a message says so."""
    assert compiled.path is not None
    (list_path,) = compiled.path.glob("complete-*")
    target = list_path if damage.startswith("list") else compiled.path / "b.code"
    if damage.endswith("gone"):
        target.unlink()
    if damage.endswith("damaged"):
        target.write_bytes(target.read_bytes()[:-1])
    compilations = []
    monkeypatch.setattr(verified_files, "ROOT", compiled.path.parent)
    monkeypatch.setattr(precompile, "_compile", lambda: compilations.append(damage))
    precompile.warm_up()
    assert compilations == ([] if damage == "none" else [damage])


def test_another_processor_has_its_own_list(compiled: VerifiedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a shared folder, machine code for another processor or with other compiler settings does not count."""
    from numba.core import config

    assert jit.is_warm()
    for name, value in (("CPU_NAME", "generic"), ("OPT", 0), ("BOUNDSCHECK", 1)):
        jit._warm.clear()
        with monkeypatch.context() as patch:
            patch.setattr(config, name, value)
            assert not jit.is_warm(), name


def test_no_call_of_id() -> None:
    """No cache of the program is keyed on the address of an object, which another object may have later."""
    import ast

    for folder in ("sim", "dashboard"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
                assert not re.fullmatch("id", name), f"{path}, line {getattr(node, 'lineno', 0)}"
