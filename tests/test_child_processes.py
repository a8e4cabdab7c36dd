"""Code that child processes execute: the package `sim` of their parent, and nothing from the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT

from sim.ensemble import precompile

NAMES = ("numpy", "numba", "random", "llvmlite", "pydantic", "typer", "sitecustomize", "usercustomize", "dashboard")
"""Names of modules that the model, the command line or Python itself imports."""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder in which every such module, and a package `sim`, would leave a file if it were imported."""
    folder = tmp_path / "current"
    (folder / "sim").mkdir(parents=True)
    for path in (*(folder / f"{name}.py" for name in NAMES), folder / "sim" / "__init__.py"):
        executed = str(tmp_path / f"executed-{path.parent.name}-{path.name}")
        path.write_text(f"import pathlib; pathlib.Path({executed!r}).touch()\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def assert_not_executed(folder: Path) -> None:
    """No module of the current folder was imported."""
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith("executed")] == []


def imported_by_child(folder: Path) -> list[str]:
    """The files that the compiling child imports as `sim` and as numpy, and its search path."""
    report = folder.parent / "report.txt"
    lines = ["import numpy, pathlib", "lines = [sim.__file__, compile_backwards.__code__.co_filename, numpy.__file__]",
             f"pathlib.Path({str(report)!r}).write_text(chr(10).join([*lines, *sys.path]))"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precompile, "CHILD", precompile.CHILD.replace("\ncompile_backwards()", "\n" + "\n".join(lines)))
        patch.setattr(os, "cpu_count", lambda: 2)
        second = precompile.SecondProcess()
        second.start()
    assert second._process is not None
    assert second._process.wait(300) == 0
    second.stop()
    return report.read_text(encoding="utf-8").splitlines()


def test_the_compiling_child_imports_nothing_from_the_current_folder(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever way the current folder came into the search path of the parent, the child does not import from it."""
    monkeypatch.setattr(sys, "path", ["", ".", str(hostile), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", ".", str(ROOT))))
    package, module, numpy_file, *search_path = imported_by_child(hostile)
    assert_not_executed(hostile)
    assert package == str(ROOT / "sim" / "__init__.py")
    assert module == str(ROOT / "sim" / "ensemble" / "precompile.py")
    assert not Path(numpy_file).is_relative_to(hostile)
    assert str(hostile) not in search_path
    assert "" not in search_path


def test_the_child_imports_the_package_of_its_parent(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another copy of `sim`, first in the search path, is not imported."""
    other = hostile.parent / "elsewhere"
    hostile.rename(other)
    hostile.mkdir()
    monkeypatch.chdir(hostile)
    (other / "numpy.py").unlink()
    monkeypatch.setattr(sys, "path", [str(other), *sys.path])
    for path in other.glob("*.py"):
        path.unlink()
    assert imported_by_child(hostile)[0] == str(ROOT / "sim" / "__init__.py")
    assert_not_executed(hostile)


def test_the_child_of_an_isolated_process_is_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `python -I` or `-E`, Python's environment variables do not apply to the child either."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    assert precompile.child_environment()["PYTHONHOME"] == "/nowhere"
    code = "from sim.ensemble.precompile import child_environment; print('PYTHONHOME' in child_environment())"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        env={**os.environ, "PYTHONHOME": "/nowhere"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("words", "has_package"), [(["-m", "sim"], False), (["-P", "-m", "sim"], True)], ids=["-m", "-P -m"]
)
def test_the_command_imports_nothing_from_the_current_folder(
    words: list[str], has_package: bool, hostile: Path
) -> None:
    """Modules in the current folder are ignored. Only a package `sim` in it is imported by `-m`, without `-P`."""
    if not has_package:
        (hostile / "sim" / "__init__.py").unlink()
        (hostile / "sim").rmdir()
    done = subprocess.run(
        [sys.executable, *words, "list", "parameters"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert_not_executed(hostile)
