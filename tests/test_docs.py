"""The documentation site: pages name modules that exist, tutorials run, and the build has no warning."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import sim

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIALS = sorted(path for path in (DOCS / "tutorials").glob("*.md") if path.stem != "index")
WRITTEN = ("_build", "generated", "decisions")
"""Folders of docs/ that the build writes."""
PAGES = sorted(
    path for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")) if not set(WRITTEN) & set(path.relative_to(DOCS).parts)
)
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
"""Elements of a page that load a file, and the attribute that names it."""
IDENTITY = {"canonical", "license", "author", "search", "index", "next", "prev", "genindex"}
"""Kinds of `link` that load nothing."""


def cells(page: Path) -> list[str]:
    """The code of the cells of a tutorial, in order."""
    return re.findall(
        r"^```\{code-cell\}[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def normal(name: str) -> str:
    """The normalised name of a package."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ;]", name)[0]).lower()


class Assets(HTMLParser):
    """Collects the addresses that a page loads when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address of an element that loads a file."""
        values = dict(attrs)
        if tag == "link" and set((values.get("rel") or "").split()) <= IDENTITY:
            return
        self.addresses += [value for name, value in attrs if (tag, name) in LOADED and value]


def test_pages_name_modules_that_exist() -> None:
    """Every dotted name under `sim` on a page is a module, or a name in one."""
    missing = []
    for page in PAGES:
        for name in sorted(set(re.findall(r"(?<![\w/.])sim(?:\.\w+)+(?!\w*\()", page.read_text(encoding="utf-8")))):
            head, _, tail = name.rpartition(".")
            parts = name.split(".")
            module = next(
                ".".join(parts[:k]) for k in range(len(parts), 0, -1) if k == 1 or _is_module(".".join(parts[:k]))
            )
            thing: object = importlib.import_module(module)
            try:
                for part in parts[module.count(".") + 1 :]:
                    thing = getattr(thing, part)
            except AttributeError:
                missing.append(f"{page.relative_to(ROOT)}: {head}.{tail}")
    assert missing == []


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_every_public_name_is_in_the_reference() -> None:
    """The reference documents every name of `sim.__all__`, and every package that it promises."""
    text = (DOCS / "reference" / "public.rst").read_text(encoding="utf-8")
    documented = {name.rsplit(".", 1)[-1] for name in re.findall(r"^\.\. auto\w+:: (sim\S+)", text, re.MULTILINE)}
    assert set(sim.__all__) - documented == set()
    packages = (DOCS / "reference" / "packages.rst").read_text(encoding="utf-8")
    for package in ("schema", "engine", "state", "scenario", "results", "simulation", "ensemble"):
        assert re.search(rf"^\s+sim\.{package}$", packages, re.MULTILINE), package


def test_every_requirement_of_the_docs_has_an_exact_version() -> None:
    """constraints.txt has a version for each package of the extra `docs`, and `make check` builds the pages."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line) for line in lines if "==" in line}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {normal(name) for name in extras["docs"]} - pinned == set()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    prerequisites = re.findall(r"^check: ([^#\n]*)", makefile, re.MULTILINE)[0]
    assert "docs" in prerequisites.split()


def test_tutorials_stay_small() -> None:
    """Each tutorial has cells that compile; each comparison has at most 7,500 people, 8 years and 4 seeds."""
    assert {page.stem for page in TUTORIALS} == {"policy_team", "researcher", "teacher"}
    for page in TUTORIALS:
        code = "\n".join(cells(page))
        assert "sim.compare(" in code, page.name
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sim.compare", "sim.run"}:
                size = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg in LIMITS}
                assert set(size) == set(LIMITS), f"{page.name}:{node.lineno} leaves out {set(LIMITS) - set(size)}"
                for name, limit in LIMITS.items():
                    value = len(size[name]) if isinstance(size[name], list) else size[name]
                    assert value <= limit, f"{page.name}: {name}={value}"


LIMITS = {"people": 7_500, "years": 8, "seeds": 4}


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of a tutorial run in order, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for number, code in enumerate(cells(page), 1):
        exec(compile(code, f"{page.name}, cell {number}", "exec"), names)


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_needs_no_network(tmp_path: Path) -> None:
    """Sphinx builds every page without a warning, and no page loads anything from another host.

    The tutorials are not executed here: `test_tutorial_runs` does that, and so does `make docs`.
    """
    if find_spec("sphinx") is None or find_spec("myst_nb") is None:
        pytest.skip("the extra 'docs' is not installed: `make docs` installs it")
    html = tmp_path / "html"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-D", "nb_execution_mode=off"),
            *("-d", str(tmp_path / "doctrees"), str(DOCS), str(html)),
        ],
        cwd=ROOT,
        env={**os.environ, "UPSTREAM_QUIET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    assert (html / "reference" / "public.html").exists()
    assert outside(html) == []


def outside(html: Path) -> list[str]:
    """What the pages of a folder load from other hosts."""
    return sorted(_outside(html))


def _outside(html: Path) -> Iterator[str]:
    for page in html.rglob("*.html"):
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        for address in assets.addresses:
            if re.match(r"(?:[a-z]+:)?//", address):
                yield f"{page.relative_to(html)}: {address}"
    for sheet in html.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        for address in re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", text):
            yield f"{sheet.relative_to(html)}: {address}"
