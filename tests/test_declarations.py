"""Wrong declarations are refused when they are read: with file, line, choices and exit status 2, before compilation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from sim.policies import Lever

ROOT = Path(__file__).parents[1]
PAY, WAGES = "sim/policies/pay.py", "sim/policies/wages.py"
TRUST, GP = "sim/people/trust.py", "sim/services/catalogue/gp.toml"
BELIEF = "sim/feedback/legitimacy.py"


class Mistake(NamedTuple):
    """An edit of one file that makes a declaration wrong, and what the message must say."""

    file: str
    old: str
    new: str
    says: tuple[str, ...]
    reported_in: str = ""
    """The file that the message names, if it is another."""


MISTAKES = {
    "section": Mistake(PAY, r'section="[^"]*"', 'section="Access"', ("section", "'Access'", "Money", "How staff work")),
    "no source": Mistake(PAY, r'source="[^"]*"', 'source=""', ("source", "at least 3 characters")),
    "range reversed": Mistake(PAY, r"low=[\d.]+", "low=9.0", ("low end", "9")),
    "baseline outside": Mistake(PAY, r"baseline=[\d.]+", "baseline=7.0", ("baseline inside the range", "7")),
    "range of the baseline": Mistake(
        PAY, r"baseline=1.0", "baseline=1.0, baseline_range=(0.1, 1.0)", ("range around the baseline", "0.1")
    ),
    "text for a number": Mistake(PAY, r"high=[\d.]+", 'high="much"', ("high", "'much'", "number")),
    "no step": Mistake(PAY, r"step=[\d.]+", "step=0", ("step", "greater than 0")),
    "unknown aim": Mistake(PAY, r'aims=\("service",', 'aims=("services",', ("aims", "'services'", "where")),
    "unknown key": Mistake(PAY, r"step=", "stride=", ("stride",)),
    "axis": Mistake(
        PAY, r'kind="value"|LEVER = Lever\(', 'LEVER = Lever(\n    axis="street",', ("axis", "'street'", "place")
    ),
    "name of another file": Mistake(PAY, r'name="pay"', 'name="wages"', ("name of its file", "'wages'", "pay")),
    "no such lever": Mistake(PAY, r'lever="pay"', 'lever="salary"', ("name of a lever", "'salary'", "pay")),
    "no such column": Mistake(
        TRUST, r'writes="people\.trust', 'writes="people.trusts', ("people.trusts", "people.trust")
    ),
    "no such table": Mistake(
        TRUST, r'writes="people\.trust', 'writes="persons.trust', ("persons.trust", "people", "money")
    ),
    "no such column read": Mistake(TRUST, r'reads="', 'reads="people.aged ', ("people.aged", "people.age")),
    "no such predecessor": Mistake(TRUST, r'after="', 'after="resilence ', ("resilence", "resilience")),
    "predecessor of another phase": Mistake(TRUST, r'after="', 'after="spending ', ("spending", "ACCOUNTS", "MEMORY")),
    "order left open": Mistake(
        BELIEF, r'after="[^"]*"', 'after=""', ("both touch", "people.changed", "comes first"), "resilience.py"
    ),
    "parameter outside its range": Mistake(
        TRUST, r"share\(\s*0\.25", "share(\n        0.05", ("0.05", "outside its own range")
    ),
    "parameter without source": Mistake(TRUST, r'source="assumed"', 'source=""', ("source", "assumed")),
    "syntax": Mistake(TRUST, r"class Trust\(Params\):", "class Trust(Params:", ("Python source",)),
    "domain of a service": Mistake(GP, r'domain = "[^"]*"', 'domain = "youth"', ("domain", "'youth'", "mental_health")),
    "silo of a service": Mistake(GP, r'silo = "[^"]*"', 'silo = "council"', ("silo", "'council'", "adult_care")),
    "tier of a service": Mistake(GP, r'tier = "[^"]*"', 'tier = "early"', ("tier", "'early'", "preventive")),
    "unit of a figure": Mistake(GP, r'unit = "[^"]*"', "unit = 3", ("unit", "3")),
    "figure outside its range": Mistake(GP, r"value = [\d.]+", "value = 99999.0", ("99999", "range")),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which files may be spoilt."""
    folder = tmp_path_factory.mktemp("upstream")
    for part in ("sim", "scenarios"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def list_levers(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `upstream list levers` on a copy of the project."""
    return subprocess.run(
        [sys.executable, "-m", "sim", "list", "levers"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "UPSTREAM_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_copy_is_accepted(copied: Path) -> None:
    """Without a mistake, the copy lists its levers."""
    done = list_levers(copied)
    assert done.returncode == 0, done.stderr
    assert "Pay" in done.stdout


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_declaration_is_refused_with_file_line_and_choices(copied: Path, mistake: Mistake) -> None:
    """One line on standard error names the file, the line and what there is to choose from; nothing is compiled."""
    path = copied / mistake.file
    text = path.read_text(encoding="utf-8")
    spoilt, edits = re.subn(mistake.old, lambda _: mistake.new, text, count=1)
    assert edits == 1, f"{mistake.file} has nothing like {mistake.old}"
    try:
        path.write_text(spoilt, encoding="utf-8")
        done = list_levers(copied)
    finally:
        path.write_text(text, encoding="utf-8")
    message = done.stderr
    assert done.returncode == 2, message
    assert len(message.splitlines()) == 1, message
    assert (mistake.reported_in or Path(mistake.file).name) in message, message
    assert re.search(r"line \d+", message), message
    for words in mistake.says:
        assert words in message, message
    assert not (copied / "cache" / "compiled").exists() or not list((copied / "cache" / "compiled").iterdir())


def test_a_lever_without_a_kernel_is_refused(copied: Path) -> None:
    """A lever that no kernel applies is named, with the declaration that it lacks."""
    path = copied / WAGES
    head = (copied / PAY).read_text(encoding="utf-8").split("@mechanism")[0]
    try:
        path.write_text(head.replace('name="pay"', 'name="wages"'), encoding="utf-8")
        done = list_levers(copied)
    finally:
        path.unlink()
    assert done.returncode == 2, done.stderr
    assert "wages.py" in done.stderr
    assert 'lever="wages"' in done.stderr


def test_whole_numbers_become_floats() -> None:
    """A lever declared in whole numbers has floats: a kernel is not compiled for integers."""
    lever = Lever(
        name="bus_passes", label="Bus passes", section="Community", unit="share", low=0, high=1, baseline=0, step=1,
        source="assumed", meaning="Share of people with a bus pass.",
    )  # fmt: skip
    assert {type(value) for value in (lever.low, lever.high, lever.baseline, lever.step)} == {float}
