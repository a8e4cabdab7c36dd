"""The Aqua Book's logs: complete, generated from the project's own files, and readable in every form."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from command_line import ROOT, assert_refused

from sim.assurance import data, decisions, validation, verification, version_history
from sim.assurance.assumptions import Studies, assumptions_table, supplied_studies
from sim.assurance.limits import limits_table, mechanism_files, structural_limits
from sim.assurance.log import AssuranceLog, assurance_log, csv_files, markdown
from sim.assurance.roles import UNNAMED, Roles, load_roles
from sim.assurance.uses import excluded_uses
from sim.cli import command
from sim.place.place import Place
from sim.policies import levers
from sim.scenario.parameters import parameters

TODAY = date(2026, 11, 30)
BOOKS = ("uses", "roles", "assumptions", "limits", "decisions", "data", "data_files", "verification", "validation",
         "changes")  # fmt: skip


@pytest.fixture(scope="module")
def log() -> AssuranceLog:
    """The log of the model."""
    return assurance_log(today=TODAY)


def rows(log: AssuranceLog, name: str) -> list[dict[str, object]]:
    """The rows of a log."""
    return [dict(row) for row in next(table for table in log.tables if table.name == name).rows]


# Completeness.


def test_every_log_is_there(log: AssuranceLog) -> None:
    """The log of the model has each of the Aqua Book's logs once, none of them empty."""
    assert tuple(table.name for table in log.tables) == BOOKS
    assert [table.name for table in log.tables if not table.rows] == []


def test_every_parameter_appears_once(log: AssuranceLog) -> None:
    """Each parameter has one row, with its declaration, its grades, a file that exists, and a date."""
    logged = rows(log, "assumptions")
    known = parameters()
    assert Counter(row["name"] for row in logged) == Counter(list(known))
    for row in logged:
        declared = known[str(row["name"])]
        assert (row["value"], row["status"], row["source"]) == (
            declared.value,
            declared.spec.status,
            declared.spec.source,
        )
        assert (ROOT / str(row["file"])).is_file(), row["name"]
        assert row["owner"] == UNNAMED
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(row["changed"])) or row["changed"] == version_history.UNKNOWN


def test_every_mechanism_lever_and_limit_appears_once(log: AssuranceLog) -> None:
    """Each structural limit, each file that makes a claim, and each lever has one row with its limits."""
    logged = rows(log, "limits")
    files = [version_history.relative(path) for path, _ in mechanism_files()]
    assert {f"sim/policies/{lever.name}.py" for lever in levers()} <= set(files)
    assert Counter(row["name"] for row in logged if str(row["name"]).endswith(".py")) == Counter(files)
    titles = [f"{limit.title}." for limit in structural_limits()]
    assert [row["assumption"] for row in logged[: len(titles)]] == titles
    assert [row["name"] for row in logged if not row["limits"]] == []


def test_every_decision_appears_once(log: AssuranceLog) -> None:
    """Each page of sim/decisions has one row with its choice, its cost and what would change it."""
    logged = rows(log, "decisions")
    pages = sorted((ROOT / "sim" / "decisions").glob("[0-9]*.md"))
    assert [row["file"] for row in logged] == [version_history.relative(page) for page in pages]
    assert [row["number"] for row in logged] == list(range(1, len(pages) + 1))
    for key in ("title", "status", "chosen", "given_up", "would_change"):
        assert [row["file"] for row in logged if not row[key]] == [], key


def test_every_data_file_appears_once(log: AssuranceLog) -> None:
    """Each service, domain, place, experiment, derived table and table of deflators has one row."""
    names = [str(row["file"]) for row in rows(log, "data_files")]
    assert len(names) == len(set(names))
    expected = [
        path
        for folder in ("sim/services/catalogue", "sim/people/domains", "scenarios/places", "scenarios/experiments")
        for path in (ROOT / folder).glob("*.toml")
    ]
    expected += [*ROOT.glob("sim/**/*.npz"), *ROOT.glob("sim/analysis/sensitivity/supplied/*.json")]
    expected += ROOT.glob("sim/schema/*.toml")
    assert {version_history.relative(path) for path in expected} <= set(names)


def test_every_source_that_a_figure_cites_is_registered(log: AssuranceLog) -> None:
    """A key in brackets in the source of a figure has an entry with publisher, licence and dates."""
    texts = [parameter.spec.source for parameter in parameters().values()] + [lever.source for lever in levers()]
    for path in data.data_files():
        if path.suffix == ".toml":
            texts += re.findall(r'\bsource = "(.*?)"(?: |,|$|\n)', path.read_text(encoding="utf-8"))
    cited = {key for text in texts for key in re.findall(r"\[([A-Z][A-Za-z]*\d*)\]", text)}
    assert len(cited) > 90
    assert cited - set(data.sources()) == set()
    keys = Counter(re.match(r"\[(\w+)\]", str(row["name"]))[1] for row in rows(log, "data") if "[" in str(row["name"]))  # type: ignore[index]  # every such name begins with a key
    assert keys == Counter(list(data.sources()))


def test_every_test_file_and_experiment_appears_once(log: AssuranceLog) -> None:
    """Each file of tests has a row with what it checks; each published experiment has its measures."""
    files = [str(row["file"]) for row in rows(log, "verification")]
    assert sorted(files) == sorted(f"tests/{path.name}" for path in (ROOT / "tests").glob("test_*.py"))
    assert [row["file"] for row in rows(log, "verification") if not row["checks"]] == []
    ids = {row["experiment"] for row in rows(log, "validation")}
    assert len(ids) == len(list((ROOT / "scenarios" / "experiments").glob("*.toml")))
    assert "not run" not in {row["simulated"] for row in rows(log, "validation")}


# Assumptions.


def test_ratings_follow_from_status_and_study() -> None:
    """A parameter with a large share is of high impact, one that was only screened of low, any other not computed."""
    studies = supplied_studies()
    table = assumptions_table(Place.load("anytown"), studies, Roles())
    for row in table.rows:
        grade, impact = row["quality"], row["impact"]
        assert grade == {"measured": "high", "estimated": "medium", "assumed": "low"}[str(row["status"])]
        assert (row["rating"] == "red") == (grade == "low" and impact == "high")
        assert (row["rating"] == "green") == (grade == "high" or impact == "low")
    for study in studies.results.values():
        leading = [row for row in study.rows() if row["parameter"] in parameters() and (row["total"] or 0.0) >= 0.1]
        impacts = {row["name"]: row["impact"] for row in table.rows}
        assert leading
        assert {impacts[row["parameter"]] for row in leading} == {"high"}


def test_without_a_study_no_impact_is_computed() -> None:
    """Nothing is of low impact, and so green, because nobody computed it."""
    table = assumptions_table(Place.load("anytown"), Studies({}), Roles())
    assert {row["impact"] for row in table.rows} == {"not computed"}
    assert {row["rating"] for row in table.rows if row["status"] != "measured"} == {"amber"}


def test_owners_are_those_of_the_file(tmp_path: Path) -> None:
    """The longest beginning of a parameter's name has priority; the analyst owns the rest."""
    path = tmp_path / "roles.toml"
    text = 'analyst = "A. Analyst"\n[owners]\nservices = "B. Owner"\n"services.gp" = "C. Owner"\n'
    path.write_text(text, encoding="utf-8")
    table = assumptions_table(Place.load("anytown"), Studies({}), load_roles(path))
    owners = {row["name"]: row["owner"] for row in table.rows}
    assert owners["services.gp.activity.mean_months"] == "C. Owner"
    assert owners["services.camhs.activity.mean_months"] == "B. Owner"
    assert owners["resilience.scar"] == "A. Analyst"


# Data.


def test_an_expired_entry_is_reported(log: AssuranceLog) -> None:
    """An entry past its date is reported, and stands before the others; on an earlier day it is not."""
    late = data.due(TODAY)
    assert late
    assert all(entry.review <= TODAY for entry in late)
    assert data.due(date(2000, 1, 1)) == []
    states = [row["state"] for row in rows(log, "data")]
    assert states.count(data.DUE) == len(late)
    assert states == sorted(states, key=lambda state: state != data.DUE)


def test_dates_of_review_in_data_files_are_read() -> None:
    """A table of a data file with a date of review is an entry, wherever it stands; a table called `review` is not."""
    text = 'expires = 2026-11-01\n[a.b]\nreview = "2027-02"\n[[c]]\nreview = "2025"\n[review]\nx = 1\n'
    dates = {key: data._review(table) for key, table in data.dated_tables(tomllib.loads(text))}
    assert dates == {"": date(2026, 11, 1), "a.b": date(2027, 2, 28), "c[0]": date(2025, 12, 31)}
    with pytest.raises(ValueError, match="no date"):
        data.as_date("soon")


# Forms, and the command.


def test_markdown_has_every_row(log: AssuranceLog) -> None:
    """The Markdown document has each decision, each parameter and each excluded use."""
    text = markdown(log)
    for row in rows(log, "decisions"):
        assert text.count(f"### {row['number']}: {row['title']}") == 1
    for name in parameters():
        assert f"\n| {name} | " in text
    assert all(use.use in text for use in excluded_uses())


def test_csv_and_json_have_the_same_rows(log: AssuranceLog) -> None:
    """A CSV file for each log has the rows of the JSON document, which has no NaN."""
    document = json.loads(json.dumps(log.document(), allow_nan=False))
    for name, text in csv_files(log).items():
        head, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
        logged = document["logs"][name.removesuffix(".csv")]
        assert head == list(logged["columns"])
        assert len(lines) == len(logged["rows"])


def test_the_command_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`upstream log --format csv --out DIR` writes a file for each log, and warns about data past their date."""
    assert command(["log", "--format", "csv", "--out", str(tmp_path / "logs")]) == 0
    output = capsys.readouterr()
    assert not output.out
    assert "due for review" in output.err
    assert sorted(path.stem for path in (tmp_path / "logs").iterdir()) == sorted(BOOKS)


def test_wrong_input_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder, a folder without a result, an unreadable file of roles and other wrong files end with status 2."""
    for arguments, parts in [
        (["log", "--format", "pdf"], ["--format", "one of these", "got 'pdf'", "md, html, csv, json"]),
        (["log", "--format", "csv"], ["--out DIR"]),
        (["log", str(tmp_path / "none")], ["results that Upstream saved", "nothing"]),
        (["log", str(tmp_path)], ["a folder without run.json"]),
        (["report", str(tmp_path)], ["a folder without run.json"]),
        (["report", str(tmp_path / "none")], ["results that Upstream saved", "nothing"]),
        (["log", "--roles", str(tmp_path)], ["a file", "a folder"]),
        (["log", "--validation", str(tmp_path)], ["upstream validate --out", "without validation.json"]),
        (["log", "--validation", str(tmp_path / "none")], ["upstream validate --out", "nothing"]),
        (["log", "--tests", str(tmp_path / "none.xml")], ["none.xml"]),
    ]:
        assert_refused(arguments, capsys, *parts)
    wrong = {
        "--roles": ("roles.toml", 'analist = "A"\n', ["line 1", "analist", "did you mean 'analyst'?"]),
        "--tests": ("tests.xml", "<html></html>", ["--junitxml", "without tests"]),
    }
    for option, (name, text, parts) in wrong.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert_refused(["log", option, str(tmp_path / name)], capsys, *parts)
    (tmp_path / "validation.json").write_text('{"experiments": 3}', encoding="utf-8")
    assert_refused(["log", "--validation", str(tmp_path)], capsys, "another document")


# Records of tests and validation.


def test_a_recorded_run_of_tests_is_read(tmp_path: Path) -> None:
    """Passed, failed and skipped tests are counted by file; a file that is not in the record is marked."""
    path = tmp_path / "tests.xml"
    path.write_text(
        '<testsuites><testsuite timestamp="2026-11-30T10:00:00"><testcase classname="tests.test_cli" name="a"/>'
        '<testcase classname="tests.test_cli.TestA" name="b"><failure/></testcase>'
        '<testcase classname="tests.test_cli" name="c"><skipped/></testcase></testsuite></testsuites>',
        encoding="utf-8",
    )
    table = verification.verification_table(verification.recorded_run(path))
    results = {row["file"]: row["result"] for row in table.rows}
    assert results["tests/test_cli.py"] == "1 passed, 1 failed, 1 skipped"
    assert results["tests/test_state.py"] == "not in the record"
    assert "2026-11-30 10:00" in table.notes[-1]


def test_saved_effects_stand_beside_published_ones() -> None:
    """A saved validation fills the columns of its measures, and no others."""
    first = validation.validation_table().rows[0]
    effect = {"label": first["measure"], "mean": 0.02, "ci_low": 0.018, "ci_high": 0.022, "counted_as": "out"}
    saved = {"upstream": "0.1.0", "seeds": [0], "experiments": [{"id": first["experiment"], "measures": [effect]}]}
    filled, *others = validation.validation_table(saved).rows
    assert (filled["simulated"], filled["verdict"]) == ("0.020 (0.018 to 0.022)", "out")
    assert {row["simulated"] for row in others} == {"not run"}


def test_a_decision_is_divided_at_its_headings() -> None:
    """Headings of their own line and in bold are read alike; without a status a decision is in force."""
    bold = "# 1. A\n\n**Chosen.** B\nc.\n\nD.\n\n**Given up.** E.\n"
    lines = "# 1. A\n\n## Chosen\n\nB\nc.\n\nD.\n\n## Given up\n\nE.\n"
    expected = {"": "1. A", "Chosen": "B c.\nD.", "Given up": "E."}
    assert decisions.parts(bold) == decisions.parts(lines) == expected


def test_a_file_without_history_has_no_date(tmp_path: Path) -> None:
    """Outside a checkout there is no date, and no error."""
    path = tmp_path / "a.toml"
    path.write_text("a = 1\n", encoding="utf-8")
    dates = version_history.line_dates([path])
    assert version_history.last_change(dates, path, 1, 1) == version_history.UNKNOWN
    assert len(limits_table().rows) == len(structural_limits()) + len(list(mechanism_files()))
