"""The project's files: no host names or local paths, documented commands, pinned versions, module docstrings."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tree() -> list[Path]:
    """Every file that git tracks, or would track after `git add`."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of the project's own files")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    assert "pyproject.toml" in names
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def read(name: str) -> str:
    """The text of a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict[str, object]:
    """The `[project]` table of pyproject.toml."""
    return tomllib.loads(read("pyproject.toml"))["project"]


def normal(name: str) -> str:
    """The normalised name of a package: `dash[compress]` and `Dash` are both `dash`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ;]", name)[0]).lower()


def test_no_file_names_a_package_host_or_this_machine(tree: list[Path]) -> None:
    """No file has the name of a package host or an absolute path of this machine."""
    # Each word is in two parts, so that this file does not contain it.
    forbidden = ["py" + "pi.", "files.python" + "hosted", "npm" + "js", "index" + "-url", "/wo" + "rk/", "/ro" + "ot/"]
    matches = [
        f"{path.relative_to(ROOT)}:{number}: {word}"
        for path in tree
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        for word in forbidden
        if word.encode() in line
    ]
    assert matches == []


def test_readme_names_commands_that_exist() -> None:
    """Every `make …` in README.md and CONTRIBUTING.md is a target."""
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", read(page), re.DOTALL))
        named = set(re.findall(r"\bmake ([a-z]+)", code))
        assert named, f"{page} names no command"
        assert named <= targets, f"{page} names {sorted(named - targets)}; the Makefile has {sorted(targets)}"
    assert {"run", "test", "check", "bench"} <= targets  # the contract with users


def test_the_changelog_has_the_current_version() -> None:
    """The changelog has a section for this version, or an unreleased one."""
    version = re.escape(str(project()["version"]))
    assert re.search(rf"^## .*(Unreleased|{version})", read("CHANGELOG.md"), re.MULTILINE)


def test_the_version_is_consistent() -> None:
    """pyproject.toml and CITATION.cff have the same version."""
    assert re.findall(r"^version: (.+)$", read("CITATION.cff"), re.MULTILINE) == [project()["version"]]


def test_every_requirement_has_an_exact_version() -> None:
    """constraints.txt has only lines `name==version`, and one for each package that pyproject.toml requires."""
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    pinned = {normal(line) for line in lines}
    meta = project()
    asked = {normal(name) for name in [*meta["dependencies"], *meta["optional-dependencies"]["dev"]]}
    assert asked - pinned == set()


def test_every_module_has_a_docstring() -> None:
    """Each module has a docstring."""
    silent = []
    for path in sorted(p for root in ("sim", "dashboard") for p in (ROOT / root).rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(module):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_importing_sim_stays_light() -> None:
    """`import sim` does not import Mesa, Dash or Plotly: they are imported where they are used."""
    code = "import json, sys, sim; print(json.dumps([sim.__file__, sorted({m.split('.')[0] for m in sys.modules})]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    file, loaded = json.loads(done.stdout)
    assert file is not None, "sim/__init__.py is missing"
    assert Path(file).is_relative_to(ROOT)
    assert {"mesa", "dash", "plotly"} & set(loaded) == set()


def test_no_published_table_is_copied_into_the_tree(tree: list[Path], data: Path) -> None:
    """No file of the project is a copy of a table in shared/data."""

    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    published = {digest(path): path.name for path in data.rglob("*") if path.is_file()}
    assert published
    copies = {str(path.relative_to(ROOT)): published[digest(path)] for path in tree if digest(path) in published}
    assert copies == {}
