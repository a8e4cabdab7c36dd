"""Imports climb one ladder, written down in pyproject.toml; this runs it, and shows that it can fail."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def rungs() -> list[str]:
    """Every rung that must be there, from the contracts themselves; those in parentheses need not."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "ladder")
    named = [name.strip() for layer in layers for name in re.split("[:|]", layer)]
    return [name for name in named if not name.startswith("(")]


def lint(folder: Path) -> tuple[bool, str]:
    """Whether the code in a folder keeps the contracts in its pyproject.toml, and what import-linter says of it."""
    done = subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert re.search(r"\d+ kept, \d+ broken", report), f"the check did not run to its end:\n{report}"
    return done.returncode == 0, report


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree with Upstream's contracts and rungs, and not one import."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ["sim", *rungs()]:
        path = name.replace(".", "/")
        if (ROOT / path).is_dir():
            (tmp_path / path).mkdir()
            (tmp_path / path / "__init__.py").touch()
        else:
            (tmp_path / f"{path}.py").touch()
    return tmp_path


def test_imports_climb_the_ladder() -> None:
    """No module imports from a rung above its own, and the five folders do not import one another."""
    kept, report = lint(ROOT)
    assert kept, report


def test_every_folder_with_code_is_seen() -> None:
    """A folder without `__init__.py` would be left out of the check in silence."""
    folders = {path.parent for root in ("sim", "dashboard") for path in (ROOT / root).rglob("*.py")}
    assert sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()) == []


def test_a_tree_without_slips_is_kept(small_tree: Path) -> None:
    """What is allowed passes: a rung reads a lower one, and the command line reads the face and starts the page."""
    (small_tree / "sim/scenario/scenario.py").write_text("import sim.policies\n", encoding="utf-8")
    (small_tree / "sim/__init__.py").write_text("from sim.ensemble.compare import x\n", encoding="utf-8")
    (small_tree / "sim/cli/__init__.py").write_text("import dashboard\nfrom sim import x\n", encoding="utf-8")
    kept, report = lint(small_tree)
    assert kept, report


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("sim/people/__init__.py", "import sim.services", "sim.people is not allowed to import sim.services"),
        (
            "sim/engine/month.py",
            "from sim import scenario",
            "sim.engine is not allowed to import sim.scenario.scenario",
        ),
        (
            "sim/schema/quantities.py",
            "def f():\n    import sim.schema.toml_files",
            "sim.schema.quantities is not allowed to import sim.schema.toml_files",
        ),
        ("sim/results/metrics.py", "import dashboard", "sim.results.metrics is not allowed to import dashboard"),
        ("sim/feedback/trust.py", "from sim import compare", "sim.feedback.trust is not allowed to import sim"),
    ],
    ids=["sibling", "up", "inside a function", "a face", "the package's own face"],
)
def test_a_slip_is_reported(small_tree: Path, file: str, line: str, complaint: str) -> None:
    """One import up or sideways breaks the check, which names both ends."""
    (small_tree / file).write_text(line + "\n", encoding="utf-8")
    kept, report = lint(small_tree)
    assert not kept
    assert complaint in " ".join(report.split())
