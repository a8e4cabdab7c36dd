"""The documents of Upstream: generated tables are current, links lead to files, and examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sim import reference_docs
from sim.engine.schedule import REGISTRY
from sim.scenario.scenario import Scenario

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DECISIONS = sorted((ROOT / "sim" / "decisions").glob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", reference_docs.MODEL, *DECISIONS]
ODD = (
    "Purpose and patterns",
    "Entities, state variables and scales",
    "Process overview and scheduling",
    "Design concepts",
    "Initialization",
    "Input data",
    "Submodels",
)
CONCEPTS = (
    *("Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing"),
    *("Interaction", "Stochasticity", "Collectives", "Observation"),
)


def model() -> str:
    """The text of MODEL.md."""
    return reference_docs.MODEL.read_text(encoding="utf-8")


def test_generated_tables_are_fresh() -> None:
    """Every generated table in MODEL.md, README.md and docs/index.md agrees with the declarations in the code."""
    for page in (reference_docs.MODEL, *reference_docs.OTHER_PAGES):
        text = page.read_text(encoding="utf-8")
        assert reference_docs.fill_tables(text) == text, f"{page.name}: stale: python -m sim.reference_docs --tables"


def test_other_pages_have_the_shared_parts() -> None:
    """README.md and docs/index.md have each part that they share with MODEL.md once, and no part twice."""
    for page in reference_docs.OTHER_PAGES:
        named = re.findall(r"<!-- begin generated: (\S+) -->", page.read_text(encoding="utf-8"))
        assert set(reference_docs.SHARED) <= set(named) <= set(reference_docs.GENERATED), page.name
        assert len(named) == len(set(named)), page.name


def test_every_table_has_its_place() -> None:
    """MODEL.md has each generated table once; a table that is not there is in README.md."""
    named = re.findall(r"<!-- begin generated: (\S+) -->", model())
    elsewhere = set(re.findall(r"<!-- begin generated: (\S+) -->", README.read_text(encoding="utf-8"))) - set(named)
    assert sorted([*named, *elsewhere]) == sorted(reference_docs.GENERATED)
    assert model().count("<!-- end generated -->") == len(named)


def test_an_unknown_marker_is_refused() -> None:
    """A misspelt marker is an error that lists the tables."""
    with pytest.raises(ValueError, match=r"no table called 'moth'; the tables are .*month"):
        reference_docs.fill_tables("<!-- begin generated: moth -->\n<!-- end generated -->")


def test_check_detects_stale_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` returns 1 and changes nothing if a table is stale; after `--tables` it returns 0."""
    page = tmp_path / "MODEL.md"
    page.write_text(model().replace("per month", "per fortnight"), encoding="utf-8")
    stale = page.read_text(encoding="utf-8")
    monkeypatch.setattr(reference_docs, "MODEL", page)
    assert reference_docs.main(["--check"]) == 1
    assert page.read_text(encoding="utf-8") == stale
    assert reference_docs.main(["--tables"]) == 0
    assert reference_docs.main(["--check"]) == 0


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt option returns 2, and the message has the options."""
    assert reference_docs.main(["--tabels"]) == 2
    assert "--tables" in capsys.readouterr().err


def test_model_has_the_seven_elements_in_order() -> None:
    """MODEL.md follows ODD: seven elements in order, and all eleven design concepts."""
    headings = re.findall(r"^## (\d)\. (.+)$", model(), re.MULTILINE)
    assert headings == [(str(k), name) for k, name in enumerate(ODD, 1)]
    assert [name for name in CONCEPTS if f"**{name}.**" not in model()] == []


def test_every_mechanism_is_described() -> None:
    """The text written by hand describes each mechanism that is not a lever, with a link to its file."""
    by_hand = re.sub(r"<!-- begin generated.*?<!-- end generated -->", "", model(), flags=re.DOTALL)
    files = {f"{m.module.removeprefix('sim.').replace('.', '/')}.py" for m in REGISTRY.month() if m.lever is None}
    assert sorted(file for file in files if f"({file})" not in by_hand) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture is a file or folder of the project."""
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert sorted({link for link in links if not (page.parent / link).exists()}) == []


def test_decisions_are_numbered_and_complete() -> None:
    """Decision pages are numbered from 1, and each has the parts on the choice, its cost, and reasons to change it."""
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for page in DECISIONS:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. ")
        for part in ("**Chosen.**", "**Given up.**", "**What would change our mind.**"):
            assert part in text, f"{page.name} lacks {part}"


def test_the_picture_is_small_and_self_contained() -> None:
    """The picture is well-formed and under 60 KB, loads nothing from outside, and names the scenarios compared."""
    text = reference_docs.CHART.read_text(encoding="utf-8")
    assert len(text.encode()) < 60_000
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert not re.search(r"(href|src|url\()", text)
    words = " ".join(element.text or "" for element in root.iter())
    assert "not a forecast" in words
    assert [name for name in reference_docs.CHART_SCENARIOS if Scenario.load(name).label not in words] == []


@pytest.mark.slow
def test_readme_example_runs() -> None:
    """The Python example of README.md runs, here with fewer people and seeds."""
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    small = code[1].replace("people=30_000, seeds=20", "people=3_000, seeds=2")
    assert small != code[1]
    names: dict[str, object] = {}
    exec(compile(small, "README.md", "exec"), names)
    table = names["result"].acute_demand.difference()  # type: ignore[attr-defined]  # a Comparison
    assert list(table["year"]) == list(range(1, 21))


@pytest.mark.slow
def test_documented_commands_of_upstream_exist() -> None:
    """Every `upstream …` command in README.md, MODEL.md and CHANGELOG.md has a help page."""
    pages = (README, reference_docs.MODEL, ROOT / "CHANGELOG.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"(?:^|`|bin/)upstream (place new|[a-z]+)", text, re.MULTILINE))
    assert {"run", "compare", "list", "schema", "place new", "calibrate", "dashboard"} <= named
    for name in sorted(named):
        words = [sys.executable, "-c", "from sim.cli import main; main()", *name.split(), "--help"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"upstream {name}: {done.stderr}"
