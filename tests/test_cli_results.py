"""Results on the command line: the document, the files of `--out`, and the tables of a terminal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from command_line import run_upstream, small_comparison
from rich.console import Console

from sim.cli import tables
from sim.cli.progress import Bar
from sim.results import result_folder
from sim.results.comparison import Comparison
from sim.results.long_table import AMOUNTS
from sim.results.metrics import metric, metrics
from sim.results.number_text import number_text
from sim.results.summary_table import summary_table
from sim.schema.errors import Phrase
from sim.schema.json_text import indented_json

SMALL = ("--people", "3000", "--years", "2", "--seeds", "2", "--draws", "none")
TABLES = {"results.parquet", "summary.csv", "asked_and_done.csv", "money.csv", "money_by_year.csv", "document.json"}
OURS = TABLES | {"run.json", "runs"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for this module's results."""
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def printed(out: Path) -> str:
    """The output of `compare --json` on one thread; its files are in `out/one`."""
    args = ("compare", "baseline", "salami-slice", *SMALL, "--by", "quintile", "--json")
    done = run_upstream(*args, "--threads", "1", "--out", str(out / "one"))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def small() -> Comparison:
    """The baseline and a policy in a small town, run in this process."""
    return small_comparison()


# Documents and files.


def test_json_is_one_document(printed: str) -> None:
    """Standard output is one document with scenarios, differences and groups, and nothing else."""
    assert printed.count("\n") == 1
    document = json.loads(printed)
    assert (document["place"], document["people"], document["seeds"]) == ("anytown", 3000, [0, 1])
    assert (document["months"][0], len(document["months"])) == ("2025-04", 24)
    level = document["scenarios"]["baseline"]["acute_demand"]
    assert level["unit"] == "index, baseline year 1 = 100"
    assert len(level["mean"]) == 24
    assert set(level["groups"]["quintile"]) == set("12345")
    change = document["differences"]["salami-slice"]["acute_demand"]["by_year"]
    assert [row["year"] for row in change] == [1, 2]
    assert change[0]["mean"] == 0.0, "nothing has changed in the first year, and the random numbers are the same"


def test_threads_and_processes_do_not_matter(printed: str, out: Path, small: Comparison) -> None:
    """The same command on two threads, in another process, prints and writes the same bytes; `sim.compare` agrees."""
    args = ("compare", "baseline", "salami-slice", *SMALL, "--by", "quintile", "--json")
    done = run_upstream(*args, "--threads", "2", "--out", str(out / "two"))
    assert done.stdout == printed
    runs = {str(path.relative_to(out / "one")) for path in (out / "one").rglob("*.arrow")}
    assert len(runs) == 2
    for name in TABLES | runs:
        assert (out / "one" / name).read_bytes() == (out / "two" / name).read_bytes(), name
    document = json.loads(printed)
    assert {key for key in document if key.startswith("driver")} == {"drivers", "driver_others", "driver_notes"}
    result = {key: value for key, value in document.items() if not key.startswith("driver")}
    assert result == json.loads(json.dumps(small.document(by=["quintile"])))


def test_run_json_has_digests(printed: str, out: Path) -> None:
    """`run.json` names the scenarios and has the digests of the other files; the table's page checksums are right."""
    folder = out / "one"
    assert {path.name for path in folder.iterdir()} == OURS
    assert {path.name for path in out.iterdir()} <= {"one", "two"}
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert [s["name"] for s in run["scenarios"]] == ["baseline", "salami-slice"]
    runs = {str(path.relative_to(folder)) for path in folder.rglob("*.arrow")}
    assert set(run["files"]) == TABLES | runs
    for name in run["files"]:
        assert run["files"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    table = pq.read_table(folder / "results.parquet", page_checksum_verification=True)
    assert table.column_names == ["scenario", "seed", "month", "metric", "unit", "value"]
    assert json.loads((folder / "document.json").read_text(encoding="utf-8")) == json.loads(printed)


def test_the_table_is_the_tidy_frame(printed: str, out: Path, small: Comparison) -> None:
    """`results.parquet` equals `to_frame`: the same rows, types and bits."""
    table = pd.read_parquet(out / "one" / "results.parquet")
    pd.testing.assert_frame_equal(table, small.to_frame(), check_exact=True)
    runs = len(small.names) * len(small.seeds)
    assert len(table) == (sum(m.against is None for m in metrics()) + len(AMOUNTS)) * runs * len(small.months)
    row = table[(table.scenario == "salami-slice") & (table.seed == 1) & (table.month == "2026-07")]
    values = dict(zip(row["metric"], row["value"], strict=True))
    assert values["wait_months"] == small.values("salami-slice", metric("wait_months"), "month")[1, 15]


@pytest.mark.parametrize(
    "document",
    [
        1.5,
        None,
        "é\n, ",
        [],
        {},
        [[], {}],
        {"a": [], "b": {"c": [1, 2.0, None, True]}, "d": ({"e": 1}, "f, g: h")},
        {"row": Phrase("x")},
    ],
)
def test_json_for_people_is_indented(document: object) -> None:
    """`indented_json` writes the same text as `json.dumps`, and refuses NaN."""
    assert indented_json(document) == json.dumps(document, indent=1) + "\n"
    with pytest.raises(ValueError, match="not JSON compliant"):
        indented_json([document, float("nan")])


def test_the_summary_is_the_document_as_a_table(printed: str, out: Path) -> None:
    """`summary.csv` has a row for each scenario, metric, group and year, with levels and differences."""
    with (out / "one" / "summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    document = json.loads(printed)
    wanted = document["differences"]["salami-slice"]["wait_months"]["by_year"][1]
    (row,) = [
        r for r in rows
        if (r["scenario"], r["metric"], r["year"], r["by"]) == ("salami-slice", "wait_months", "2", "")
    ]  # fmt: skip
    assert float(row["difference_mean"]) == wanted["mean"]
    assert {r["group"] for r in rows if r["by"] == "quintile"} == set("12345")


def test_a_text_cell_is_no_formula() -> None:
    """A cell that a spreadsheet would run as a formula is written as text; numbers stay numbers."""
    year = {"year": 1, "mean": -1.5, "q025": -2.0, "q975": -1.0, "ci_low": None, "ci_high": None}
    level = {"unit": "=1+1", "by_year": [year], "groups": {"age": {"@x": {"unit": "=1+1", "by_year": [year]}}}}
    text = summary_table({"scenarios": {"-s": {"+m": level}}, "differences": {}})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [rows[0][name] for name in ("scenario", "year", "metric", "unit")] == ["'-s", "1", "'+m", "'=1+1"]
    assert [rows[0][name] for name in ("mean", "q025", "q975", "ci_low")] == ["-1.5", "-2", "-1", ""]
    assert rows[1]["group"] == "'@x"


@pytest.mark.parametrize("exists", [False, True], ids=["new folder", "existing folder"])
def test_nothing_is_half_written(
    exists: bool, small: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption leaves the folder unchanged. A later write replaces Upstream's files and no others."""
    folder = tmp_path / "results"
    if exists:
        folder.mkdir()
        (folder / "notes.txt").write_text("mine", encoding="utf-8")
        (folder / "run.json").write_text("old", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(result_folder, "_digest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            result_folder.write(folder, small, small.document())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert folder.exists() == exists
    result_folder.write(folder, small, small.document())
    assert {path.name for path in folder.iterdir()} == OURS | ({"notes.txt"} if exists else set())
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["people"] == 3000


# Tables.


def terminal_text(comparison: Comparison, width: int, axes: tuple[str, ...] = ()) -> str:
    """The text of a comparison in a terminal of some width."""
    page = io.StringIO()
    document = comparison.document(by=axes)
    tables.show(comparison, document, axes, Console(file=page, width=width, highlight=False))
    return page.getvalue()


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_every_width_shows_every_number(small: Comparison, width: int) -> None:
    """Nothing is cut off in a narrow terminal: every measure has its label, level and difference."""
    text = terminal_text(small, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    flat = "".join(text.split())
    change = small.document()["differences"]["salami-slice"]["spend_total"]["by_year"][-1]
    numbers = (f"{change[k]:+,.1f}" for k in ("mean", "ci_low", "ci_high"))
    assert "{}({}to{})".format(*numbers) in flat
    for label in ("Acutedemand", "A&Eattendances", "Arrests", "Seriousneed", "Year2"):
        assert label in flat
    assert text.rstrip().endswith("not a forecast")


def test_an_interval_that_includes_zero_is_marked(small: Comparison) -> None:
    """A difference has the mark if its interval includes 0, and only then; shares are percentages."""
    assert tables.excludes_zero({"ci_low": 0.1, "ci_high": 0.2})
    assert not tables.excludes_zero({"ci_low": -0.1, "ci_high": 0.2})
    assert not tables.excludes_zero({"ci_low": None, "ci_high": None})
    assert "~ 95% CI includes 0" in terminal_text(small, 100)
    assert number_text(0.1234, "share of spending", 4) == "12.34%"
    assert number_text(-0.00001, "months", 2, signed=True) == "0.00"
    assert number_text(None, "months", 2) == "-"


def test_groups_have_tables(small: Comparison) -> None:
    """`--by` adds a table for each measure that has the axis."""
    text = terminal_text(small, 120, ("domain", "neighbourhood"))
    assert "by domain, year 2" in text
    assert "economic_security" in text
    assert "Energy of community groups by neighbourhood" in text


def test_one_scenario_has_no_differences(small: Comparison) -> None:
    """`run` shows levels and the band of the seeds, and no differences."""
    alone = Comparison(
        small.scenarios[:1], small.place, small.people, small.seeds, {"baseline": small.records["baseline"]},
        small.neighbourhoods, small.seconds,
    )  # fmt: skip
    text = terminal_text(alone, 100)
    assert "middle 95% of seeds" in text
    assert "includes 0" not in text


def test_the_time_left_is_that_of_the_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Compilation before the first run is not counted: 300 s of it, then a run a second."""
    clock = iter([0.0, *(300.0 + 10.0 * k for k in range(1, 4))])
    monkeypatch.setattr("sim.cli.progress.time.monotonic", lambda: next(clock))
    shown = Bar()
    for done in (1, 11, 21):
        shown(done, 121, "")
    assert capsys.readouterr().err.splitlines() == [
        "1 of 121 runs done",
        "11 of 121 runs done, about 1:50 left",
        "21 of 121 runs done, about 1:40 left",
    ]
