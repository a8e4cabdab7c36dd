"""Published natural experiments: their files, and the command that repeats them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sim.cli import command
from sim.schema.errors import InputError
from sim.validation import natural_experiments
from sim.validation.natural_experiments import EXPERIMENTS, Experiment, validate

SEEDS, PEOPLE = 3, 3000
PLAIN: dict[str, Any] = {"draws": "none", "bases": 1, "places": ()}
"""Options of runs with the default parameters in one place."""
PLAIN_OPTIONS = ["--draws", "none", "--bases", "1", "--places", "own"]
REASON = 'band_reason = "Made up for this test, like the study."\n'
CUT = """
[[policies]]
lever = "total_budget"
start = "2025-10"
value = 0.8
"""
EXPERIMENT = """\
id = "X1"
title = "A made-up experiment"
protocol = "The same cut in the model."
years = 3
[published]
finding = "Spending fell by a fifth."
source = "made up"
"""


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_experiments_can_be_run(path: Path) -> None:
    """Every shipped experiment loads, with levers, aims, metrics and groups that exist, and cites a row of evidence."""
    experiment = Experiment.load(path)
    assert path.stem.startswith(experiment.id.lower() + "-")
    assert re.match(r"[A-Z]\d\d \[", experiment.published.source)


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ('[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"',
         ["one change, under policies, or arms", "neither"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\n', ["measures[0]", "a band"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "death"\nyear = 2\nsign = "up"',
         ["line 16", "measures[0].metric", "did you mean 'deaths'?"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"\narm = "b"',
         ["line 19", "measures[0].arm", "there are: change"]),
        (CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 9\nsign = "up"',
         ["line 17", "measures[0].year", "1 to 3"]),
        (CUT.replace("0.8", "8.0") + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\n'
         'sign = "up"', ["line 12", "policies[0].value", "got 8.0"]),
    ],
    ids=["no change", "neither band nor sign", "metric", "arm", "late", "lever's range"],
)  # fmt: skip
def test_an_error_in_an_experiment_is_refused(lines: str, parts: list[str], tmp_path: Path) -> None:
    """The message has the file, the line, the key, the value that was expected and the value that came."""
    path = tmp_path / "x1.toml"
    path.write_text(EXPERIMENT + lines + "\n" + (REASON if "[[measures]]" in lines else ""), encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        Experiment.load(path)
    assert [part for part in ["x1.toml", *parts] if part not in str(wrong.value)] == [], str(wrong.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the library of experiments."""
    monkeypatch.setattr(natural_experiments, "EXPERIMENTS", tmp_path)
    return tmp_path


def test_an_experiment_of_two_arms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report has the published and the simulated effect, its band and its sign, and a ratio of two arms.

    A wrong sign and an effect outside its band are reported, and are not an error.
    """
    arms = "".join(
        f'[[arms]]\nname = "{name}"\n[[arms.policies]]\nlever = "total_budget"\nstart = "2025-04"\nvalue = {value}\n'
        for name, value in (("large", 0.7), ("small", 0.85))
    )
    head = f'[[measures]]\n{REASON}label = "Spending"\nunit = "share"\nmetric = "spend_preventive"\nyears = [2, 3]\n'
    measures = head + 'relative = true\narm = "large"\npublished = -0.3\nband = [-0.9, -0.1]\nsign = "down"\n'
    measures += head + 'relative = true\narm = "small"\nband = [0.1, 0.2]\nsign = "up"\n'
    measures += head + 'arm = "large"\nratio_to = "small"\nband = [0.5, 6.0]\n'
    measures += head + 'arm = "large"\nband = [-1.0, 3.0]\ndivide_by = { metric = "spend_total", years = [2, 3] }\n'
    (folder / "x1.toml").write_text(EXPERIMENT + arms + measures, encoding="utf-8")
    validation = validate(seeds=SEEDS, people=PEOPLE, **PLAIN)
    first, second, ratio, part = validation.outcomes[0].effects
    assert (first.fit, first.standing, first.miss, first.sign.verdict) == ("in band", "in band", "", "holds")
    assert (second.fit, second.sign.verdict) == ("out", "not met")
    assert second.miss == "the simulated effect lies below the band"
    assert 1.2 < ratio.mean < 3.0
    assert 0.0 < part.mean < 1.5
    args = ["validate", "X1", "--seeds", str(SEEDS), "--people", str(PEOPLE), *PLAIN_OPTIONS]
    assert command([*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {
        "figures": {"in band": 1, "scrapes": 0, "out": 0, "not counted": 0, "no value": 0, "not run": 0},
        "limits": {"in band": 2, "scrapes": 0, "out": 1, "not counted": 0, "no value": 0, "not run": 0},
        "signs": {"holds": 1, "depends": 0, "not decided": 0, "not met": 1},
    }
    assert command(args) == 0
    text = capsys.readouterr().out
    assert "published -30.0%; simulated -" in text
    assert "Published figures: 1 of 1 in band, 0 scrape, 0 out, 0 not counted." in text
    assert "X1 Spending: the simulated effect lies below the band." in text


def test_an_unknown_experiment_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and a message with the ids that there are."""
    text = EXPERIMENT + CUT + '[[measures]]\nlabel = "Deaths"\nunit = "x"\nmetric = "deaths"\nyear = 2\nsign = "up"\n'
    text += REASON
    (folder / "x1.toml").write_text(text, encoding="utf-8")
    assert command(["validate", "X9"]) == 2
    message = capsys.readouterr().err
    assert [part for part in ("id of an experiment", "X9", "X1") if part not in message] == [], message
