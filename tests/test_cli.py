"""The command line: help, error messages, exit statuses, and the scenarios that options select."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import HEADER, ROOT, assert_refused, select

import sim
from sim.cli import arguments, command
from sim.schema.errors import InputError

NOT_COMMANDS = ("lessons",)
HEAD = """\
name = "mine"
label = "Mine"
question = "What happens if so?"
reason = "Because the equations do."
"""


# Help.


def test_help_is_quick() -> None:
    """`upstream --help` lists the commands that exist and no others, and imports no heavy package."""
    heavy = "{'numba', 'numpy', 'pandas', 'plotly', 'dash', 'scipy', 'pyarrow'}"
    code = f"import sys; from sim.cli import command; command(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
    commands = done.stdout.split("Commands:")[1].split()
    for name in ("run", "compare", "list", "schema", "place", "fit", "calibrate", "claims", "validate", "export",
                 "log", "report", "sweep", "status", "discover", "search", "rank", "nation", "dashboard"):  # fmt: skip
        assert name in commands
    first_words = {line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.strip()}
    assert not set(NOT_COMMANDS) & first_words


@pytest.mark.parametrize("args", [[], ["place"], ["place", "new", "--help"], ["compare", "-h"], ["--version"]])
def test_help_and_version_are_no_error(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help and version are printed on standard output, with exit status 0."""
    assert command(args) == 0
    output = capsys.readouterr()
    assert output.out
    assert not output.err


# Errors in the input.


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
        (["--draws=some"], ["one of these", "got 'some'", "all, mechanisms, none"]),
        (["--until", "0.5"], ["--until is now called --precision"]),
        (["--until=0.5"], ["--until is now called --precision"]),
        (["--engine", "reference"], ["--engine reference is now called --engine mesa"]),
        (["--set", "policies.voice=0.5"], ["policies.voice is now called policies.resident_voice"]),
        (["--set", "parameters.crowding_out.most=0.5"], ["is now called parameters.overspend_recovery"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) and part[0].startswith("--") else "",
)
def test_a_wrong_option_is_refused(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line states the value that was expected, the value that came and the choices; nothing is run."""
    assert_refused(["run", "baseline", *args], capsys, *parts)


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["run"], ["Missing argument", "upstream run --help"]),
        (["compare", "baseline"], ["Missing argument"]),
        (["rnu"], ["No such command 'rnu'"]),
        (["run", "basline"], ["got 'basline'", "did you mean 'baseline'?"]),
        (["run", "no/such.toml"], ["no/such.toml"]),
        (["compare", "baseline", "baseline"], ["baseline.toml, line", "a different name for each scenario"]),
        (["compare", "baseline", "more-acute", "--years", "1"], ["more-acute.toml, line", "start", "got '2026-04'"]),
        (["list", "animals"], ["got 'animals'", "levers"]),
        (["schema", "animal"], ["got 'animal'", "service"]),
        (["dashboard", "--host", "0.0.0.0"], ["--host", "no login", "--allow-others"]),
        (["dashboard", "--port", "0"], ["--port", "got 0"]),
        (["fit", "nowhere"], ["got 'nowhere'"]),
        (["calibrate", "anytown", "--solve"], ["upstream calibrate --solve is now called upstream calibrate"]),
        (["loops", "salami-slice", "--without", "R1"], ["--without is now called --knock-out"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_wrong_command_is_refused(args: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command, scenario name or argument is refused in one line."""
    assert_refused(args, capsys, *parts)


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
    """The message names the file, its line and the key."""
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    assert_refused(["compare", "baseline", str(file)], capsys, "mine.toml", *parts)


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
    table, folder = tmp_path / "table.csv", tmp_path / "places"
    if text is not None:
        table.write_text(text.replace("HEADER", HEADER), encoding="utf-8")
    args = ["place", "new", "tiny", "--authority", "E06000005", "--neighbourhoods", str(table), "--out", str(folder)]
    assert_refused(args, capsys, *parts)
    assert not folder.exists()


def test_an_out_that_is_a_file_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--out` with a file, or a path below a file, is refused."""
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        assert_refused(["run", "baseline", "--out", str(path)], capsys, "--out", "wanted a folder", "file")


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The dashboard does not start on a port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_refused(["dashboard", "--port", str(port)], capsys, "--port", str(port))


# Exit statuses.


def test_any_other_error_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An unexpected error is one line; with `--debug` (in any position) or UPSTREAM_DEBUG, its traceback follows."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("shapes do not match\nat all")

    monkeypatch.setattr(sim, "compare", fail)
    assert command(["run", "baseline"]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "ValueError: shapes do not match at all" in message
    assert command(["run", "baseline", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("UPSTREAM_DEBUG", "1")
    assert command(["run", "baseline"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Ctrl-C prints one line and leaves no folder behind."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sim, "compare", interrupted)
    assert command(["run", "baseline", "--json", "--out", str(tmp_path / "new")]) == 130
    assert capsys.readouterr() == ("", "upstream: interrupted\n")
    assert not list(tmp_path.iterdir())


def test_a_closed_pipe_is_no_error() -> None:
    """`upstream list … | head` prints no error."""
    words = [sys.executable, "-c", "from sim.cli import main; main()", "list", "services", "--json"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018
        process.stdout.close()
        assert process.stderr.read() == b""


# Choice of scenarios.


def test_a_set_lever_moves_in_policies_alone() -> None:
    """`--set policies.x` starts in the second year, in every scenario except the baseline, or in a run's only one."""
    before, after = select(
        "baseline", "more-acute", sets=("policies.threshold=0.4", "policies.prevention_share=+0.02")
    ).scenarios
    assert before.policies == []
    assert [(p.lever, p.value, p.shift, p.start) for p in after.policies[-2:]] == [
        ("threshold", 0.4, None, "2026-04"),
        ("prevention_share", None, 0.02, "2026-04"),
    ]
    assert after.name == "more-acute"
    (alone,) = select("baseline", sets=("policies.threshold=0.4",)).scenarios
    assert (alone.name, len(alone.policies)) == ("baseline", 1)


def test_the_baseline_is_compared_with_itself_and_a_lever() -> None:
    """`compare baseline baseline --set policies.x=` makes a second scenario with a name that includes the lever."""
    before, after = select("baseline", "baseline", sets=("policies.threshold=0.4", "policies.pay=1.1")).scenarios
    assert (before.name, after.name) == ("baseline", "baseline-threshold")
    assert [p.lever for p in after.policies] == ["threshold", "pay"]


def test_options_and_sets_select_the_same_scenarios() -> None:
    """`--set` of place, people and years does what their options do. A parameter is set in every scenario."""
    sets = ("parameters.need.beta_support=0.4", "place=wigan", "people=5000", "years=6")
    by_set = select("baseline", "more-acute", sets=sets)
    by_option = select("baseline", "more-acute", sets=sets[:1], place="wigan", people=5000, years=6)
    assert by_set == by_option
    assert by_set.place.name == "wigan"
    assert {s.parameters["need.beta_support"] for s in by_set.scenarios} == {0.4}


def test_expectations_beyond_the_end_are_not_tested(capsys: pytest.CaptureFixture[str]) -> None:
    """A shorter run omits expectations beyond its last year, and a message states that."""
    chosen = select("baseline", "salami-slice", years=6)
    assert chosen.scenarios[1].expect == []
    assert "not tested" in capsys.readouterr().err


def test_axes_are_unique_and_in_order() -> None:
    """`--by` takes a list with commas; each axis counts once, in the standard order."""
    assert arguments.axes("age, quintile,age") == ("age", "quintile")
    assert arguments.axes(None) == ()
    with pytest.raises(InputError):
        arguments.axes("")
