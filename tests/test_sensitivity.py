"""Sensitivity of a policy's difference: studies, their results and charts, drivers of comparisons, and the command."""

from __future__ import annotations

import copy
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from command_line import assert_refused, select, small_comparison
from rich.console import Console

import sim
from sim.analysis.sensitivity import agents, drivers, evaluations, indices, stored, study
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.model import Question
from sim.analysis.sensitivity.one_parameter import along
from sim.analysis.sensitivity.result import Sensitivity
from sim.analysis.sensitivity.source import source_digest
from sim.analysis.sensitivity.two_stages import SampleDesign
from sim.cli import command
from sim.cli import sensitivity as tables
from sim.engine.verified_files import VerifiedFolder
from sim.ensemble.parameter_sampling import draws, sampled_parameters
from sim.results.comparison import Comparison
from sim.schema.errors import InputError

F = npt.NDArray[np.float64]
LEADING = {"levers.overspend_share": 100.0, "resilience.scar": 300.0, "semi_fixed_costs.late": -40.0}
"""Effect on the difference of a unit of some parameters, in the model of these tests."""


SCAR = {"resilience.scar": 0.2}


class SimpleModel:
    """Levels that are linear in a few parameters: 500 in the baseline, and a policy with 20 plus their effects."""

    def __init__(self, question: Question) -> None:
        self.question = question

    def __call__(self, samples: F) -> F:
        """Evaluate samples: shape (samples, scenarios, years)."""
        columns = [self.question.names.index(name) for name in LEADING if name in self.question.names]
        weights = [LEADING[name] for name in LEADING if name in self.question.names]
        policy = 520.0 + (samples[:, columns] - 0.5) @ np.array(weights)
        years = np.arange(self.question.scenarios[0].years)
        levels = np.stack([np.full(len(samples), 500.0), *[policy] * (len(self.question.scenarios) - 1)], axis=1)
        return 500.0 + (levels[:, :, None] - 500.0) * (years > 0)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and evaluations are stored in a temporary folder; the model is linear; nothing is supplied."""
    monkeypatch.setattr(evaluations, "FOLDER", VerifiedFolder(tmp_path / "evaluations", "evaluations", 10**8))
    monkeypatch.setattr(stored, "FOLDER", VerifiedFolder(tmp_path / "sensitivity", "sensitivity", 10**7))
    monkeypatch.setattr(stored, "SUPPLIED", tmp_path / "supplied")
    monkeypatch.setattr(indices, "RESAMPLES", 20)
    monkeypatch.setattr(Question, "make", lambda question: SimpleModel(question))  # noqa: PLW0108  # a class is not bound as a method


_studied: list[Sensitivity] = []


def studied() -> Sensitivity:
    """A small study of the salami slice, computed once and stored in the folder of each test."""
    if not _studied:
        _studied.append(sim.sensitivity("baseline", "salami-slice", samples=64, threads=1, years=3))
    stored.put(_studied[0])
    return _studied[0]


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """The baseline and the salami slice in a small town for two years."""
    return small_comparison()


def test_a_study_ranks_the_parameters() -> None:
    """Indices, the differences at the ends of ranges, and the sign are those of a linear function."""
    result = studied()
    frame = result.frame().set_index("parameter")
    assert list(frame.index[:3]) == ["levers.overspend_share", "resilience.scar", "semi_fixed_costs.late"]
    assert frame.index[-1] == OTHERS
    assert frame.loc[OTHERS, "total"] == pytest.approx(0.0, abs=1e-9)
    assert frame["total"].sum() == pytest.approx(1.0, abs=0.1)
    row = frame.loc["levers.overspend_share"]
    declared = result.document["declared"][-1]
    assert (row["value"], row["low"], row["high"], row["status"]) == (0.5, 0.0, 1.0, "assumed")
    assert row["at_low"] == pytest.approx(declared - 50.0)
    assert row["at_high"] == pytest.approx(declared + 50.0)
    assert row["sign_may_change"] == (min(declared - 50.0, declared) < 0.0 < declared + 50.0)
    assert len(result.drivers()) == 5
    assert set(frame.index) - set(result.fixable()) == {*LEADING, OTHERS} or OTHERS not in result.fixable()
    assert not set(LEADING) & set(result.fixable())
    assert result.document["evaluations"] == study.TRAJECTORIES * (result.document["screened"] + 1) + 64 * (15 + 1 + 2)
    assert "salami-slice" in repr(result)


def test_a_year_without_a_difference_has_no_drivers() -> None:
    """In the first year, before the policy begins, nothing depends on parameters; other years do not exist."""
    result = studied()
    assert result.drivers(1) == []
    assert all(row["total"] is None for row in result.rows(1))
    assert result.drivers(2)
    with pytest.raises(ValueError, match="from 1 to 3"):
        result.frame(4)


def test_the_sign_may_change_if_any_end_has_the_other_sign() -> None:
    """The ends of a range, and the declared value, are compared with 0."""
    document = copy.deepcopy(dict(studied().document))
    entry = next(p for p in document["parameters"] if p["parameter"] == "resilience.scar")
    for declared, low, high, changes in (
        (5.0, 1.0, 9.0, False),
        (5.0, -1.0, 9.0, True),
        (-5.0, -1.0, -9.0, False),
        (5.0, 0.0, 9.0, False),
        (5.0, None, -1.0, True),
    ):
        document["declared"][-1], entry["at_low"][-1], entry["at_high"][-1] = declared, low, high
        row = next(r for r in Sensitivity(document).rows() if r["parameter"] == "resilience.scar")
        assert row["sign_may_change"] is changes


def test_several_policies_share_their_draws() -> None:
    """The baseline of each draw is evaluated once for all policies, and each has a result."""
    results = study.sensitivities(
        "baseline", "salami-slice", "more-acute", years=2, threads=1, design=SampleDesign(2, 16)
    )
    assert [r.document["scenario"] for r in results] == ["salami-slice", "more-acute"]


def test_a_parameter_that_a_scenario_sets_is_not_drawn() -> None:
    """A fixed parameter has no index."""
    scenarios = [
        sim.Scenario.load(name).model_copy(update={"parameters": {"resilience.scar": 0.05}})
        for name in ("baseline", "salami-slice")
    ]
    result = sim.sensitivity(*scenarios, samples=16, threads=1, years=2)
    assert "resilience.scar" not in set(result.frame()["parameter"])


def test_charts_are_self_contained(tmp_path: Path) -> None:
    """The page of the tornado chart loads nothing; the table, the CSV and the JSON agree."""
    result = studied()
    figure = result.plot()
    assert len(figure.data) == 2
    assert len(figure.data[0].y) <= 15
    written = tables.document(result, 3)
    names = tables.write(tmp_path, result, 3, written)
    assert {"sensitivity.json", "sensitivity.csv", "tornado.html"} <= set(names)
    page = (tmp_path / "tornado.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", page)
    rows = list(csv.DictReader((tmp_path / "sensitivity.csv").open(encoding="utf-8")))
    assert [row["parameter"] for row in rows] == [row["parameter"] for row in result.rows()]
    assert json.loads((tmp_path / "sensitivity.json").read_text(encoding="utf-8"))["drivers"] == result.drivers()


def test_the_table_names_what_may_be_fixed() -> None:
    """The printed table has each leading parameter, its value and range, and those that may be fixed."""
    result = studied()
    console = Console(width=200, record=True)
    checks: list[dict[str, Any]] = [
        {"draw": 0, "seeds": 2, "twin": 20.0, "agents": 19.0, "ci_low": 15.0, "ci_high": 23.0, "error": 1.0},
        {"draw": 1, "seeds": 2, "twin": None, "agents": None, "ci_low": None, "ci_high": None, "error": None},
    ]
    tables.show(result, 3, checks, console)
    text = console.export_text()
    assert "0.5 (0 to 1) share" in text
    assert "May be fixed" in text
    assert "twin +20.0, agents +19.0 (+15.0 to +23.0), 2 seeds; the twin's error is +1.0" in text


def test_the_difference_along_a_range(tmp_path: Path) -> None:
    """Eleven values and the declared one, within the range or a part of it; the page of the chart loads nothing."""
    document = along("baseline", "salami-slice", "levers.overspend_share", years=2, threads=1)
    values = [point["value"] for point in document["points"]]
    assert values == pytest.approx(np.linspace(0.0, 1.0, 11))
    differences = np.array([point["difference"] for point in document["points"]])
    assert np.diff(differences) == pytest.approx(np.full(10, 10.0))
    part = along("baseline", "salami-slice", "resilience.scar", limits=(0.02, 0.1), points=3, years=2, threads=1)
    assert [point["value"] for point in part["points"]] == pytest.approx([0.02, 0.06, 0.1])
    assert "along.html" in tables.write_along(tmp_path, document)
    console = Console(width=120, record=True)
    tables.show_along(document, console)
    assert "0.5 (declared)" in console.export_text()


def test_draws_are_confirmed_by_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the twin is its difference less that of agents; a draw that agents refuse has no error."""

    def by_agents(_: Question, parameters: dict[str, float], *__: Any, **___: Any) -> agents.AgentDifference:
        if parameters["resilience.scar"] == refused:
            raise InputError("draw", None, "", "a steady baseline", 0)
        return agents.AgentDifference(10.0, 8.0, 12.0)

    first, refused = (draw["resilience.scar"] for draw in draws("all", range(2), "anytown", {}))
    monkeypatch.setattr(agents, "agent_difference", by_agents)
    scenarios = [sim.Scenario.load(name).with_settings(years=2) for name in ("baseline", "salami-slice")]
    settings: dict[str, Any] = {"people": 3_000, "metric": "acute_demand", "year": 2, "seeds": 3, "draws": 2}
    rows = agents.checks(*scenarios, place=sim.Place.load("anytown"), **settings)
    assert first != refused
    assert [row["agents"] for row in rows] == [10.0, None]
    assert rows[0]["error"] == pytest.approx(rows[0]["twin"] - 10.0)
    assert rows[1]["error"] is None


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--metric", "nope"], ["--metric", "'nope'", "acute_demand"]),
        (["--metric", "lonely"], ["--metric", "stock-flow twin"]),
        (["--year", "21"], ["--year", "1 to 20", "21"]),
        (["--samples", "100"], ["--samples", "power of 2", "100"]),
        (["--one", "resilience.scarr"], ["--one", "'resilience.scarr'", "did you mean 'resilience.scar'"]),
        (["--one", "nothing.like.it"], ["--one", "the name of a parameter"]),
        (["--one", "valuation.discount_money"], ["--one", "drawn from its range"]),
        (["--one", "resilience.scar", "--set", "parameters.resilience.scar=0.1"], ["--one", "drawn from its range"]),
        (["--one", "resilience.scar", "--range", "0.2,0.1"], ["--range", "the lower first", "0.2,0.1"]),
        (["--one", "resilience.scar", "--range", "0.1,9"], ["--range", "0 to 0.25"]),
        (["--one", "resilience.scar", "--range", "0.1"], ["--range", "two numbers"]),
        (["--one", "resilience.scar", "--range", "nan,nan"], ["--range", "the lower first"]),
        (["--range", "0,1"], ["--range needs --one"]),
    ],
)
def test_bad_input_is_refused(options: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each message names the option, what was wanted and what came."""
    assert_refused(["sensitivity", "baseline", "salami-slice", *options], capsys, *parts)


def test_more_samples_than_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the largest number that fits."""
    monkeypatch.setattr(study, "free_memory", lambda: 300_000_000)
    args = ["sensitivity", "baseline", "salami-slice", "--samples", "65536"]
    assert_refused(args, capsys, "--samples", "at most 256", "free memory")


def test_the_command_prints_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` writes one document with the drivers; `--out` writes the files."""
    out = str(tmp_path / "out")
    args = ["sensitivity", "baseline", "salami-slice", "--years", "2", "--samples", "16", "--threads", "1"]
    assert command([*args, "--json", "--out", out]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["drivers"]) == 5
    assert document["year"] == 2
    assert (tmp_path / "out" / "tornado.html").is_file()
    assert command([*args[:5], "--one", "resilience.scar", "--threads", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameter"] == "resilience.scar"


# Drivers of a comparison.


def edited(result: Sensitivity, **changes: Any) -> Sensitivity:
    """A result with other values in its document."""
    return Sensitivity({**result.document, **changes})


def test_a_comparison_names_its_drivers(comparison: Comparison) -> None:
    """Drivers come from the stored study of the same question; the comparison may be shorter, or of another size."""
    note = drivers.drivers(comparison)["salami-slice"].note
    assert "`upstream sensitivity baseline salami-slice` computes it" in note
    result = studied()
    looked_up = drivers.drivers(comparison)["salami-slice"]
    assert drivers.lines(comparison.document()) == []
    assert looked_up.rows == result.drivers(2)
    assert looked_up.others == result.others(2)
    assert "for 30,000 people" in looked_up.note
    document = drivers.document(comparison)
    row = document["drivers"]["salami-slice"]["acute_demand"][0]
    assert {
        "parameter",
        "status",
        "share",
        "share_low",
        "share_high",
        "settled",
        "source",
        "sign_may_change",
    } <= row.keys()
    assert [r["share"] for r in result.drivers()] == sorted((r["share"] for r in result.drivers()), reverse=True)
    text = "\n".join(drivers.lines({**comparison.document(), **document}))
    assert "resilience.scar: " in text
    assert "all parameters that were not studied one by one" in text


def test_drivers_of_another_model_are_marked_or_withheld(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the code is stated; another question, such as another range of a parameter, has no drivers."""
    result = studied()
    stored.put(edited(result, source="another version"))
    assert "another version of the model" in drivers.drivers(comparison)["salami-slice"].note
    stored.write_supplied(result)
    assert "another version" not in drivers.drivers(comparison)["salami-slice"].note  # the supplied one is current
    known = sampled_parameters("all", "anytown", {})
    spec = known["resilience.scar"].spec
    changed = {**known, "resilience.scar": known["resilience.scar"]._replace(spec=spec._replace(high=0.3))}
    monkeypatch.setattr(stored, "sampled_parameters", lambda *_: changed)
    assert drivers.drivers(comparison)["salami-slice"].rows == []


@pytest.mark.parametrize(
    "change",
    [
        lambda r: {"settings": {**r.settings, "disabled": ["R1"]}},
        lambda r: {"scenarios": tuple(s.model_copy(update={"parameters": SCAR}) for s in r.scenarios)},
        lambda _: {"place": sim.Place.load("wigan")},
    ],
    ids=["loops", "parameters", "place"],
)
def test_drivers_belong_to_their_question(
    change: Callable[[Comparison], dict[str, Any]], comparison: Comparison
) -> None:
    """A comparison with other parameters, in another place, or with disabled loops has no drivers of the plain one."""
    from dataclasses import replace

    stored.write_supplied(studied())
    looked_up = drivers.drivers(replace(comparison, **change(comparison)))["salami-slice"]
    assert looked_up.rows == []
    assert looked_up.note


def test_comments_do_not_make_another_version() -> None:
    """The version of the model is that of its statements."""
    import ast

    from sim.analysis.sensitivity.source import _without_docstrings

    def dumped(text: str) -> str:
        return ast.dump(_without_docstrings(ast.parse(text)))

    plain = "def f(x):\n    return x\nA = 1\n"
    noted = '"""Text."""\ndef f(x):\n    """Text."""\n    return x  # why\nA = 1\n"""About A."""\n'
    assert dumped(plain) == dumped(noted)
    assert dumped(plain) != dumped(plain.replace("1", "2"))
    assert len(source_digest()) == 32


def test_a_study_is_the_same_for_a_command_and_in_python() -> None:
    """The scenarios that the command line selects have the identity of those that Python loads."""
    selected = select("baseline", "salami-slice")
    first, second = selected.scenarios
    before, after = (sim.Scenario.load(name) for name in ("baseline", "salami-slice"))
    expected = stored.identity(before, after, sim.Place.load("anytown"), "acute_demand")
    assert stored.identity(first, second, selected.place, "acute_demand") == expected
