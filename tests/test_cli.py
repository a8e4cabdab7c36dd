"""The command line: what goes to standard output and what does not, exit statuses, messages, files, tables."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import sim
from sim.cli import choices, command, fit, keep, show
from sim.cli.json_text import indented
from sim.results.comparison import Comparison
from sim.results.metrics import metric, metrics
from sim.schema.toml_files import InputError, Phrase

ROOT = Path(__file__).parents[1]
SMALL = ("--people", "3000", "--years", "2", "--seeds", "2")
LATER = ("sweep", "status", "sensitivity", "discover", "report")
OURS = {"results.parquet", "summary.csv", "document.json", "run.json"}
HEAD = """\
name = "mine"
label = "Mine"
question = "What happens if so?"
reason = "Because the equations do."
"""
HEADER = "lsoa11_code,imd2019_decile,age_0_4,age_5_15,age_16_24,age_25_44,age_45_64,age_65_74,age_75_84,age_85_plus"


def typed(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    asked = [sys.executable, "-c", "from sim.cli import main; main()", *args]
    env = {**os.environ, **environment}
    return subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for this module's results."""
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def printed(out: Path) -> str:
    """What `compare --json` prints, on one thread; its files lie in `out/one`."""
    asked = ("compare", "baseline", "salami-slice", *SMALL, "--by", "quintile", "--json")
    done = typed(*asked, "--threads", "1", "--out", str(out / "one"))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def small() -> Comparison:
    """The same comparison, here."""
    scenarios = choices.gather(
        ["baseline", "salami-slice"], place=None, people=3000, years=2, seeds=2, seed=0, threads=None, sets=[]
    ).scenarios
    return sim.compare(*scenarios, people=3000, seeds=2)


def gather(*names: str, sets: tuple[str, ...] = (), **options: Any) -> choices.SelectedScenarios:
    """Scenarios as the command line would choose them."""
    usual: dict[str, Any] = {"place": None, "people": None, "years": None, "seeds": 2, "seed": 0, "threads": None}
    return choices.gather(names, sets=sets, **{**usual, **options})


# --- help ------------------------------------------------------------------------------------------------------------


def test_help_is_quick() -> None:
    """`upstream --help` names what exists, promises nothing that does not, and imports nothing heavy."""
    heavy = "{'numba', 'numpy', 'pandas', 'plotly', 'dash', 'scipy', 'pyarrow'}"
    code = f"import sys; from sim.cli import command; command(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
    commands = done.stdout.split("Commands:")[1].split()
    for name in ("run", "compare", "list", "schema", "place", "calibrate", "claims", "validate", "export", "dashboard"):
        assert name in commands
    assert not set(LATER) & {line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.strip()}


@pytest.mark.parametrize("args", [[], ["place"], ["place", "new", "--help"], ["compare", "-h"], ["--version"]])
def test_asking_is_no_error(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help and version go to standard output."""
    assert command(args) == 0
    told = capsys.readouterr()
    assert told.out
    assert not told.err


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(args: list[str], capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    """The command ends with 2, one line on standard error that has every part, and nothing on standard output."""
    assert command(args) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("upstream: ")
    assert told.err.count("\n") == 1, told.err
    for part in parts:
        assert part in told.err, told.err


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["--seeds", "0"], ["--seeds", "from 1 to", "got 0"]),
        (["--seed", "-1"], ["--seed", "got -1"]),
        (["--people", "-5"], ["--people", "from 1,500", "got -5"]),
        (["--people", "100"], ["--people", "from 1,500", "got 100"]),
        (["--years", "0"], ["--years", "from 1 to 60", "got 0"]),
        (["--years", "ten"], ["--years", "wanted a whole number, got 'ten'"]),
        (["--threads", "0"], ["--threads", "got 0"]),
        (["--by", "colour"], ["--by", "got 'colour'", "service, quintile, age, child_age, neighbourhood"]),
        (["--place", "nowhere"], ["got 'nowhere'", "anytown", "wigan"]),
        (["--place", "no/where.toml"], ["no/where.toml"]),
        (["--set", "policies.treshold=0.4"], ["got 'treshold'", "did you mean 'threshold'?"]),
        (["--set", "policies.threshold=4"], ["policies.threshold", "0 to 0.8", "got 4"]),
        (["--set", "policies.threshold=+0.1"], ["without a sign", "got '+0.1'"]),
        (["--set", "policies.prevention_share=+0.5"], ["-0.05 to 0.1", "got 0.5"]),
        (["--set", "policies.threshold=true"], ["a number", "got true"]),
        (["--set", "parameters.need.nothing=1"], ["need.nothing", "need.beta_support"]),
        (["--set", "parameters.need.beta_support=99"], ["0.1 to 0.7", "got 99"]),
        (["--set", "colour=1"], ["got 'colour'", "policies.LEVER"]),
        (["--set", "years=ten"], ["years", "a whole number", "got 'ten'"]),
        (["--set", "years=3", "--years", "4"], ["one value", "4 and 3"]),
        (["--set", "years"], ["KEY=VALUE", "got 'years'"]),
        (["--draw-parameters=some"], ["one of these", "got 'some'", "mechanisms, all"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) and part[0].startswith("--") else "",
)
def test_a_wrong_option_is_refused(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what was wanted, what came and what there is; nothing is run."""
    refused(["run", "baseline", *args], capsys, *parts)


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["run"], ["Missing argument", "upstream run --help"]),
        (["compare", "baseline"], ["Missing argument"]),
        (["rnu"], ["No such command 'rnu'"]),
        (["run", "basline"], ["got 'basline'", "did you mean 'baseline'?"]),
        (["run", "no/such.toml"], ["no/such.toml"]),
        (["compare", "baseline", "baseline"], ["baseline.toml, line", "a name of its own"]),
        (["compare", "baseline", "more-acute", "--years", "1"], ["more-acute.toml, line", "start", "got '2026-04'"]),
        (["list", "animals"], ["got 'animals'", "levers"]),
        (["schema", "animal"], ["got 'animal'", "service"]),
        (["dashboard", "--host", "0.0.0.0"], ["--host", "no login", "--allow-others"]),
        (["dashboard", "--port", "0"], ["--port", "got 0"]),
        (["calibrate", "nowhere"], ["got 'nowhere'"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_wrong_command_is_refused(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The same for commands and scenario names."""
    refused(args, capsys, *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (HEAD + 'colour = "red"\n', ["line 5", "colour", "known here", "years, people, policies"]),
        (HEAD + '[[policies]]\nlever = "threshold"\nstart = "2026-04"\nvalue = "half"\n',
         ["line 8", "policies[0].value", "wanted a number", "got 'half'"]),
        (HEAD + '[[policies]]\nlever = "threshold"\nstart = "2066-04"\nvalue = 0.5\n',
         ["line 7", "policies[0].start", "2025-04 to 2045-03", "got '2066-04'"]),
        (HEAD + '[[expect]]\nmetric = "joy"\nyear = 2\ndirection = "up"\n',
         ["line 6", "expect[0].metric", "got 'joy'", "acute_demand"]),
        (HEAD + '[[expect]]\nmetric = "deaths"\nyear = 2\n', ["line 5", "expect[0]", "a direction, low or high"]),
        ("people = 100\n" + HEAD, ["line 1", "people", "got 100"]),
        ("people = -5\n" + HEAD, ["line 1", "people", "got -5"]),
        ('place = "wigan"\n' + HEAD, ["line 1", "place", "anytown (or --place)", "got 'wigan'"]),
        ("years = 5\n" + HEAD, ["line 1", "years", "20", "got 5"]),
    ],
    ids=["key", "type", "late", "metric", "empty expect", "few", "negative", "other place", "other years"],
)  # fmt: skip
def test_a_wrong_scenario_file_is_refused(
    text: str, parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the file, its line and the key."""
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    refused(["compare", "baseline", str(file)], capsys, "mine.toml", *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lsoa11_code,imd2019_decile\nE01,3\n", ["line 1", "age_0_4", "a column", "imd2019_decile"]),
        ("HEADER\nE01,3,1,1,many,1,1,1,1,1\n", ["line 2", "age_16_24", "a whole number", "got 'many'"]),
        ("HEADER\nE01,3,1,1,-4,1,1,1,1,1\n", ["line 2", "age_16_24", "at least 0", "got -4"]),
        (None, ["table.csv"]),
    ],
    ids=["column", "text", "negative", "missing"],
)
def test_a_wrong_table_is_refused(
    text: str | None, parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`place new` names the file, line and column, and writes nothing."""
    table, made = tmp_path / "table.csv", tmp_path / "places"
    if text is not None:
        table.write_text(text.replace("HEADER", HEADER), encoding="utf-8")
    asked = ["place", "new", "here", "--authority", "E06000005", "--neighbourhoods", str(table), "--out", str(made)]
    refused(asked, capsys, *parts)
    assert not made.exists()


def test_an_out_that_is_a_file_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file, or a path through one, is no folder."""
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        refused(["run", "baseline", "--out", str(path)], capsys, "--out", "wanted a folder", "file")


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The page does not start where somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(["dashboard", "--port", str(port)], capsys, "--port", str(port))


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_anything_else_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of ours is one line, and with `--debug` (anywhere) or UPSTREAM_DEBUG its traceback."""

    def slip(*_: object, **__: object) -> None:
        raise ValueError("shapes do not match\nat all")

    monkeypatch.setattr(sim, "compare", slip)
    assert command(["run", "baseline"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ValueError: shapes do not match at all" in told
    assert command(["run", "baseline", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("UPSTREAM_DEBUG", "1")
    assert command(["run", "baseline"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Ctrl-C is not an error of anybody's, and leaves no folder behind."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sim, "compare", interrupted)
    assert command(["run", "baseline", "--json", "--out", str(tmp_path / "new")]) == 130
    assert capsys.readouterr() == ("", "upstream: interrupted\n")
    assert not list(tmp_path.iterdir())


def test_a_reader_that_leaves_is_no_error() -> None:
    """`upstream schema | head` complains of nothing."""
    asked = [sys.executable, "-c", "from sim.cli import main; main()", "list", "services", "--json"]
    with subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018
        process.stdout.close()
        assert process.stderr.read() == b""


# --- what is chosen --------------------------------------------------------------------------------------------------


def test_a_lever_moves_in_the_policies_alone() -> None:
    """`--set policies.x` begins in the second year, in every scenario but the baseline, and a run's only scenario."""
    before, after = gather(
        "baseline", "more-acute", sets=("policies.threshold=0.4", "policies.prevention_share=+0.02")
    ).scenarios
    assert before.policies == []
    assert [(p.lever, p.value, p.shift, p.start) for p in after.policies[-2:]] == [
        ("threshold", 0.4, None, "2026-04"),
        ("prevention_share", None, 0.02, "2026-04"),
    ]
    assert after.name == "more-acute"
    (alone,) = gather("baseline", sets=("policies.threshold=0.4",)).scenarios
    assert (alone.name, len(alone.policies)) == ("baseline", 1)


def test_the_baseline_beside_itself_with_a_lever() -> None:
    """`compare baseline baseline --set policies.x=` is a policy put together by hand, under its own name."""
    before, after = gather("baseline", "baseline", sets=("policies.threshold=0.4", "policies.cut_rule=0.5")).scenarios
    assert (before.name, after.name) == ("baseline", "baseline-threshold")
    assert [p.lever for p in after.policies] == ["threshold", "cut_rule"]


def test_options_and_sets_choose_alike() -> None:
    """A parameter is for every scenario; place, people and years may come either way."""
    sets = ("parameters.need.beta_support=0.4", "place=wigan", "people=5000", "years=6")
    by_set = gather("baseline", "more-acute", sets=sets)
    by_option = gather("baseline", "more-acute", sets=sets[:1], place="wigan", people=5000, years=6)
    assert by_set == by_option
    assert by_set.place.name == "wigan"
    assert {s.parameters["need.beta_support"] for s in by_set.scenarios} == {0.4}


def test_expectations_beyond_the_end_are_said_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A shorter run is no error of the scenario's."""
    chosen = gather("baseline", "salami-slice", years=6)
    assert chosen.scenarios[1].expect == []
    assert "not tested" in capsys.readouterr().err


def test_axes_come_once_in_order() -> None:
    """`--by` takes a list with commas."""
    assert choices.axes("age, quintile,age") == ("age", "quintile")
    assert choices.axes(None) == ()
    with pytest.raises(InputError):
        choices.axes("")


# --- results ---------------------------------------------------------------------------------------------------------


def test_json_is_one_document(printed: str) -> None:
    """Standard output is the document of the contract, groups and all, and nothing else."""
    assert printed.count("\n") == 1
    document = json.loads(printed)
    assert (document["place"], document["people"], document["seeds"]) == ("anytown", 3000, [0, 1])
    assert (document["months"][0], len(document["months"])) == ("2025-04", 24)
    level = document["scenarios"]["baseline"]["acute_demand"]
    assert level["unit"] == "episodes per 1,000 people per year"
    assert len(level["mean"]) == 24
    assert set(level["groups"]["quintile"]) == set("12345")
    change = document["differences"]["salami-slice"]["acute_demand"]["by_year"]
    assert [row["year"] for row in change] == [1, 2]
    assert change[0]["mean"] == 0.0, "nothing has changed in the first year, and the dice are the same"


def test_threads_and_processes_do_not_matter(printed: str, out: Path, small: Comparison) -> None:
    """The same command on two threads, in another process, prints and writes the same bytes; so does Python."""
    asked = ("compare", "baseline", "salami-slice", *SMALL, "--by", "quintile", "--json")
    done = typed(*asked, "--threads", "2", "--out", str(out / "two"))
    assert done.stdout == printed
    for name in OURS - {"run.json"}:
        assert (out / "one" / name).read_bytes() == (out / "two" / name).read_bytes(), name
    assert json.loads(printed) == json.loads(json.dumps(small.document(by=["quintile"])))


def test_files_say_what_made_them(printed: str, out: Path) -> None:
    """`run.json` has the digests of the other files, and the page checksums of the table hold."""
    folder = out / "one"
    assert {path.name for path in folder.iterdir()} == OURS
    assert {path.name for path in out.iterdir()} <= {"one", "two"}
    made = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert [s["name"] for s in made["scenarios"]] == ["baseline", "salami-slice"]
    for name in OURS - {"run.json"}:
        assert made["files"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    table = pq.read_table(folder / "results.parquet", page_checksum_verification=True)
    assert table.column_names == ["scenario", "seed", "month", "metric", "unit", "value"]
    assert json.loads((folder / "document.json").read_text(encoding="utf-8")) == json.loads(printed)


def test_the_table_is_the_tidy_frame(printed: str, out: Path, small: Comparison) -> None:
    """`results.parquet` holds what `to_frame` gives: the same rows, types and bits."""
    told = pd.read_parquet(out / "one" / "results.parquet")
    pd.testing.assert_frame_equal(told, small.to_frame(), check_exact=True)
    runs = len(small.names) * len(small.seeds)
    assert len(told) == sum(m.against is None for m in metrics()) * runs * len(small.months)
    row = told[(told.scenario == "salami-slice") & (told.seed == 1) & (told.month == "2026-07")]
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
    """The quick way to indented JSON writes what Python's slow one does; neither writes NaN."""
    assert indented(document) == json.dumps(document, indent=1) + "\n"
    with pytest.raises(ValueError, match="not JSON compliant"):
        indented([document, float("nan")])


def test_the_summary_is_the_document_as_a_table(printed: str, out: Path) -> None:
    """A row for each scenario, metric, group and year; differences beside levels."""
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
    """What a spreadsheet would run is written as text; numbers stay numbers."""
    year = {"year": 1, "mean": -1.5, "q025": -2.0, "q975": -1.0, "ci_low": None, "ci_high": None}
    level = {"unit": "=1+1", "by_year": [year], "groups": {"age": {"@x": {"unit": "=1+1", "by_year": [year]}}}}
    rows = list(keep.summary({"scenarios": {"-s": {"+m": level}}, "differences": {}}))
    assert rows[0][:6] == ["'-s", 1, "'+m", "'=1+1", "", ""]
    assert rows[0][6:9] == [-1.5, -2.0, -1.0]
    assert rows[1][5] == "'@x"


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "existing folder"])
def test_nothing_is_half_written(
    there: bool, small: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption leaves the folder as it was; the next time our files are replaced and others left alone."""
    folder = tmp_path / "results"
    if there:
        folder.mkdir()
        (folder / "notes.txt").write_text("mine", encoding="utf-8")
        (folder / "run.json").write_text("old", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keep, "_digest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            keep.write(folder, small, small.document())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert folder.exists() == there
    keep.write(folder, small, small.document())
    assert {path.name for path in folder.iterdir()} == OURS | ({"notes.txt"} if there else set())
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["people"] == 3000


# --- tables ----------------------------------------------------------------------------------------------------------


def told(comparison: Comparison, width: int, axes: tuple[str, ...] = ()) -> str:
    """What a terminal of some width shows."""
    page = io.StringIO()
    document = comparison.document(by=axes)
    show.comparison(comparison, document, axes, Console(file=page, width=width, highlight=False))
    return page.getvalue()


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_every_width_shows_every_number(small: Comparison, width: int) -> None:
    """Nothing is cut off in a narrow terminal; every chosen measure, its unit and difference are there."""
    text = told(small, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    flat = "".join(text.split())
    change = small.document()["differences"]["salami-slice"]["spend_total"]["by_year"][-1]
    numbers = (f"{change[k]:+,.1f}" for k in ("mean", "ci_low", "ci_high"))
    assert "{}({}to{})".format(*numbers) in flat
    for label in ("Acutedemand", "A&Eattendances", "Arrests", "Seriousneed", "Year2"):
        assert label in flat
    assert text.rstrip().endswith("not a forecast")


def test_luck_is_marked(small: Comparison) -> None:
    """A difference whose interval includes 0 has the mark, and only such a one; shares are in per cent."""
    assert show.sure({"ci_low": 0.1, "ci_high": 0.2})
    assert not show.sure({"ci_low": -0.1, "ci_high": 0.2})
    assert not show.sure({"ci_low": None, "ci_high": None})
    assert "~ not told from luck" in told(small, 100)
    assert show.number(0.1234, "share of spending", 4) == "12.34"
    assert show.number(-0.00001, "months", 2, signed=True) == "0.00"
    assert show.number(None, "months", 2) == "-"


def test_groups_have_tables(small: Comparison) -> None:
    """`--by` adds a table for each measure that can be told so."""
    text = told(small, 120, ("domain", "neighbourhood"))
    assert "by domain, year 2" in text
    assert "economic_security" in text
    assert "Energy of community groups by neighbourhood" in text


def test_one_scenario_has_no_differences(small: Comparison) -> None:
    """`run` shows levels and the band of the seeds, and no talk of a baseline."""
    alone = Comparison(
        small.scenarios[:1], small.place, small.people, small.seeds, {"baseline": small.records["baseline"]},
        small.neighbourhoods, small.seconds,
    )  # fmt: skip
    text = told(alone, 100)
    assert "middle 95 % of seeds" in text
    assert "luck" not in text


# --- lists, schema, places, fit, page --------------------------------------------------------------------------------

KINDS = ("scenarios", "places", "levers", "parameters", "services", "domains", "loops", "metrics")


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_for_people_and_programs(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every entry of the JSON list stands in the printed one."""
    assert command(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[kind]
    assert command(["list", kind]) == 0
    text = capsys.readouterr().out
    assert rows
    for row in rows:
        assert row["name"] in text
        if kind in ("levers", "parameters"):
            assert row["unit"] and row["source"] and row["low"] < row["high"]  # noqa: PT018
        if kind == "loops":
            assert row["claim"] and row["source"] and row["writes"]  # noqa: PT018


def test_schema_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every input file has a JSON Schema that takes no unknown key."""
    assert command(["schema"]) == 0
    every = json.loads(capsys.readouterr().out)
    assert set(every) == {
        "scenario",
        "place",
        "domain",
        "service",
        "experiment",
        "claims",
        "outside",
        "regions",
        "levers",
        "loops",
    }
    assert all(one["additionalProperties"] is False for one in every.values())
    assert command(["schema", "place"]) == 0
    assert json.loads(capsys.readouterr().out) == every["place"]


def test_a_place_is_built_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`place new` writes a place that can be used, and replaces one only when told to."""
    table = tmp_path / "table.csv"
    rows = [f"E01{k:06d},{k % 10 + 1},E06000005,90,180,150,400,380,150,90,60" for k in range(20)]
    table.write_text("\n".join([HEADER.replace("_decile", "_decile,ltla21_code"), *rows]), encoding="utf-8")
    asked = ["place", "new", "here", "--authority", "E06000005", "--neighbourhoods", str(table)]
    asked += ["--out", str(tmp_path)]
    assert command(asked) == 0
    assert "30,000 people in 20 neighbourhoods" in capsys.readouterr().out
    assert gather("baseline", place=str(tmp_path / "here.toml")).place.authority_code == "E06000005"
    refused(asked, capsys, "--force")
    assert command([*asked, "--force"]) == 0


def test_the_fit_counts_as_the_metrics_do(small: Comparison) -> None:
    """What the fit says was simulated is what the metric counts; what is implied is near what is cited."""
    rows = {row.id: row for row in fit.rows(small)}
    for measure, name in (("ae_attendances", "ae_attendances"), ("emergency_admissions", "emergency_admissions_0_109")):
        opened = [r.monthly["opened"][:, k].sum() for r in small.records["baseline"] for k in [_position(measure)]]
        people = [r.monthly["people"].sum() for r in small.records["baseline"]]
        rates = [12_000 * n / of for n, of in zip(opened, people, strict=True)]
        assert rows[name].simulated == pytest.approx(sum(rates) / len(rates))
    published = [row for row in rows.values() if row.published is not None]
    assert len(published) >= 12
    for row in published:
        assert row.published is not None
        assert 0.5 < row.implied / row.published < 2.0, row.id  # 3,000 people: two neighbourhoods, both deprived
        assert row.source
    for name in ("long_term_care", "temporary_accommodation", "children_in_care", "care_home_residents_65_109"):
        assert rows[name].simulated >= 0.0
    json.dumps(fit.document(small, list(rows.values())), allow_nan=False)


def _position(metric: str) -> int:
    from sim.services.catalogue import load_catalogue

    return next(k for k, service in enumerate(load_catalogue()) if (service.measure or service.id) == metric)


def test_calibrate_prints_the_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """The baseline is run on the place and set beside what is published."""
    assert command(["calibrate", "--people", "3000", "--years", "1", "--seeds", "2"]) == 0
    text = capsys.readouterr().out
    for part in (
        "A&E attendances",
        "fifth 1 (most deprived)",
        "Children in care",
        "temporary",
        "England",
    ):
        assert part in text


@pytest.mark.parametrize("seeds", [1, 2])
def test_steadiness_ends_with_a_verdict(small: Comparison, seeds: int) -> None:
    """Every rate has its line; the last line says whether the baseline is steady, as the document does; one seed
    says nothing of chance."""
    alone = sim.run(small.scenarios[0], people=3000, seeds=seeds)
    shown = Console(file=io.StringIO(), width=200)
    fit.show_steady(alone, shown)
    lines = shown.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    told = json.loads(json.dumps(fit.steady_document(alone), allow_nan=False))
    assert len(told["steadiness"]) >= 15
    for row in told["steadiness"]:
        assert any(row["rate"] in line for line in lines)
    if seeds == 1:
        assert lines[-1].startswith("One seed says nothing")
    else:
        assert lines[-1].startswith("Steady." if told["judged"]["steady"] else "NOT steady")
        assert f"{told['judged']['outside']} of {told['judged']['of']} rate-years" in "\n".join(lines)


def test_drifts_end_with_a_verdict(small: Comparison) -> None:
    """The last line says whether nine draws in ten stay, as the document does."""
    shown = Console(file=io.StringIO(), width=200)
    fit.show_drifts(small, shown)
    last = shown.file.getvalue().splitlines()[-1]  # type: ignore[attr-defined]  # a StringIO
    told = json.loads(json.dumps(fit.drift_document(small), allow_nan=False))["drifts"]
    assert told["within"] == sum(abs(x) < 0.1 for x in told["furthest"])
    assert last.startswith("At least" if told["met"] else "NOT")


def test_a_drawn_baseline_is_asked_to_stay_ten_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """`calibrate --draw-parameters` runs ten years of the baseline alone, each seed a draw."""
    asked: list[tuple[Any, ...]] = []

    def compare(*scenarios: Any, **options: Any) -> Comparison:
        asked.append((scenarios, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(sim, "compare", compare)
    command(["calibrate", "--draw-parameters", "all", "--seeds", "40", "--steady"])
    ((scenarios, options),) = asked
    assert [(s.name, s.years) for s in scenarios] == [("baseline", 10)]
    assert (options["draw_parameters"], options["seeds"]) == ("all", 40)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the page was asked to serve."""
    import dashboard.app

    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(dashboard.app, "serve", lambda *args, **options: asked.append((*args, options)))
    return asked


def test_the_page_is_served(served: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """Host and port are handed on, and the address is said on standard error."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert command(["dashboard", "--port", str(port)]) == 0
    assert served == [("127.0.0.1", port, {"allow_others": False})]
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().err
