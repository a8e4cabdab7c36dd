"""Imports follow the layers in pyproject.toml: these tests run the check, and show that it can fail."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def layers() -> list[str]:
    """Every layer that must exist, from the contracts; layers in parentheses are optional."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["type"] == "layers")
    named = [name.strip() for layer in contract["layers"] for name in re.split("[:|]", layer)]
    return [name for name in named if not name.startswith("(")]


def lint(folder: Path) -> tuple[bool, str]:
    """Whether the code in a folder meets the contracts in its pyproject.toml, and import-linter's report."""
    done = subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert re.search(r"\d+ kept, \d+ broken", report), f"the check did not run to its end:\n{report}"
    return done.returncode == 0, report


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree with Upstream's contracts and layers, without any import."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ["sim", *layers()]:
        path = name.replace(".", "/")
        if (ROOT / path).is_dir():
            (tmp_path / path).mkdir()
            (tmp_path / path / "__init__.py").touch()
        else:
            (tmp_path / f"{path}.py").touch()
    return tmp_path


def test_imports_follow_the_layers() -> None:
    """No module imports from a higher layer, and the five folders of mechanisms do not import each other."""
    passed, report = lint(ROOT)
    assert passed, report


def test_every_folder_with_code_is_checked() -> None:
    """Every folder has `__init__.py`: without it the check would omit the folder."""
    folders = {path.parent for root in ("sim", "dashboard") for path in (ROOT / root).rglob("*.py")}
    assert sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()) == []


def test_allowed_imports_pass(small_tree: Path) -> None:
    """A layer may import a lower one, and the command line may import `sim` and the dashboard."""
    (small_tree / "sim/scenario/scenario.py").write_text("import sim.policies\n", encoding="utf-8")
    (small_tree / "sim/__init__.py").write_text("from sim.ensemble.compare import x\n", encoding="utf-8")
    (small_tree / "sim/cli/__init__.py").write_text("import dashboard\nfrom sim import x\n", encoding="utf-8")
    passed, report = lint(small_tree)
    assert passed, report


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("sim/people/__init__.py", "import sim.services", "sim.people is not allowed to import sim.services"),
        (
            "sim/engine/month.py",
            "from sim import scenario",
            "sim.engine is not allowed to import sim.scenario",
        ),
        (
            "sim/schema/quantities.py",
            "def f():\n    import sim.engine",
            "sim.schema is not allowed to import sim.engine",
        ),
        ("sim/results/metrics.py", "import dashboard", "sim.results is not allowed to import dashboard"),
        ("sim/feedback/trust.py", "from sim import compare", "sim.feedback.trust is not allowed to import sim"),
    ],
    ids=["sibling", "up", "inside a function", "dashboard", "the package itself"],
)
def test_a_forbidden_import_is_reported(small_tree: Path, file: str, line: str, complaint: str) -> None:
    """An import from a higher layer or a sibling fails the check, which names both modules."""
    (small_tree / file).write_text(line + "\n", encoding="utf-8")
    passed, report = lint(small_tree)
    assert not passed
    assert complaint in " ".join(report.split())
