"""Services, levers and all else of a user's folder, `--with FOLDER`: lists, runs, files, provenance, refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, run_upstream

from sim.schema import extensions
from sim.schema.errors import InputError

EXAMPLE = ROOT / "docs" / "own_science" / "befriending"
LIMIT = 3.0
"""Processor seconds within which a folder is refused, start of Python and reading of all declarations included."""

EXPERIMENT = """
import contextlib, io, json, sys
import sim

folder, out = sys.argv[1:]
[used] = sim.use(folder)
from sim.calibration import calibrate, paired_run
from sim.cli import command

# A small, rough calibration is enough in this test, and is not stored.
for module, name in ((paired_run, "REFERENCES"), (calibrate, "FOLDER")):
    setattr(module, name, type(getattr(module, name))(None, "none"))
for name in ("PEOPLE", "REFERENCE_PEOPLE"):
    setattr(paired_run, name, 3_000)
paired_run.YEARS = paired_run.FIRST_YEARS = 2
paired_run.EXTRAPOLATED_AT, paired_run.FORGOTTEN_AT = 6, 12
calibrate.TOWNS_PEOPLE, calibrate.TOWNS_YEARS = (3_000,), 1

def printed(*words):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        assert command([*words]) == 0, words
    return text.getvalue()

place = ("--people", "3000", "--years", "2", "--draws", "none")
document = json.loads(printed("compare", "baseline", "more-befriending", *place, "--seeds", "1", "--threads", "1",
                              "--by", "service", "--out", out, "--json", "--with", folder))
result = sim.load(out)
k = [s.id for s in sim.load_catalogue()].index("befriending")
runs = {name: records[0].monthly for name, records in result.records.items()}
twin = json.loads(printed("compare", "baseline", "more-befriending", "--years", "2", "--engine", "stocks", "--json"))
base = calibrate.solution_for(sim.Scenario.load("baseline"))
names = sim.parameters()["name"]
printed("report", out)
printed("log", "--json")
print(json.dumps({
    "used": used.sha256,
    "document": document["extensions"],
    "run": json.loads(open(out + "/run.json").read())["extensions"],
    "summary": open(out + "/summary.csv").read().count("befriending"),
    "report": open(out + "/report.html").read().count("efriending"),
    "dataset": result.to_xarray().attrs,
    "services": [str(s) for s in result.to_xarray()["service"].values],
    "metrics": [m.name for m in sim.metrics()],
    "visited": float(result["people_befriended"].by_year()["mean"].iloc[-1]),
    "helped": {name: int(run["helped"][-6:, k].sum()) for name, run in runs.items()},
    "refused": {name: int(run["turned_away"][-6:, k].sum()) for name, run in runs.items()},
    "funding": {name: int(run["funding"][-1, k]) for name, run in runs.items()},
    "twin": twin["differences"]["more-befriending"]["spend_preventive"]["by_year"][-1]["mean"],
    "parameters": [name for name in names if "befriending" in name],
    "ask": float(base.solution.ask[k]),
    "shape": base.solution.ask.shape,
}))
"""


def run_python(program: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "UPSTREAM_QUIET": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def write(path: Path, text: str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


LISTS = """
import json, sys
import sim
if sys.argv[1:]:
    sim.use(*sys.argv[1:])
from sim.cli import catalogues
kinds = ("services", "levers", "scenarios", "metrics", "parameters", "places")
print(json.dumps({kind: [row["name"] for row in catalogues.rows(kind)] for kind in kinds}))
"""


def listed(*folders: Path) -> dict[str, list[str]]:
    """The names that `upstream list` shows, by kind, in a process that uses the folders."""
    done = run_python(LISTS, *map(str, folders))
    assert done.returncode == 0, done.stderr[-2_000:]
    names: dict[str, list[str]] = json.loads(done.stdout)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Figures of a small comparison with a copy of the example outside the repository, and its folder of results."""
    base = tmp_path_factory.mktemp("science")
    mine = shutil.copytree(EXAMPLE, base / "befriending", ignore=shutil.ignore_patterns("__pycache__"))
    done = run_python(EXPERIMENT, str(mine), str(base / "out"))
    assert done.returncode == 0, done.stderr[-4_000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures, base / "out"


# Lists.


def test_a_folder_is_in_the_lists(folder: Path) -> None:
    """All that a folder declares is listed, and nothing of it without the folder. Services follow the package's."""
    place = (ROOT / "scenarios" / "places" / "wigan.toml").read_text(encoding="utf-8")
    write(folder / "scenarios" / "places" / "hamlet.toml", place.replace('name = "wigan"', 'name = "hamlet"'))
    names, shipped = listed(folder), listed()
    further = {kind: [name for name in names[kind] if name not in shipped[kind]] for kind in names}
    assert further.pop("parameters") == [name for name in names["parameters"] if ".befriending." in name] != []
    assert further == {
        "services": ["befriending"],
        "levers": ["second_look"],
        "scenarios": ["more-befriending"],
        "metrics": ["people_befriended"],
        "places": ["hamlet"],
    }
    assert names["services"] == [*shipped["services"], "befriending"]
    assert names["metrics"][-1] == "people_befriended"


def test_the_option_can_stand_anywhere_and_be_a_variable(folder: Path) -> None:
    """The option before the command, with an equals sign, and the environment variable do the same."""
    first = run_upstream(f"--with={folder}", "list", "levers", "second_look")
    other = run_upstream("list", "levers", "second_look", **{extensions.VARIABLE: str(folder)})
    assert "second_look" in first.stdout
    assert first.stdout == other.stdout
    assert first.stderr == other.stderr
    assert "With mine: policies 1, services 1, metrics 1, scenarios 1 (SHA-256 " in first.stderr


def test_an_installed_package_is_named(tmp_path: Path) -> None:
    """An extension of an installed package is used if it is named, and not because it is installed."""
    site = tmp_path / "site"
    package = shutil.copytree(EXAMPLE, site / "befriending_package", ignore=shutil.ignore_patterns("__pycache__"))
    write(Path(package) / "__init__.py", "raise RuntimeError('executed')\n")
    info = site / "befriending_package-1.0.dist-info"
    write(info / "METADATA", "Metadata-Version: 2.1\nName: befriending-package\nVersion: 1.0\n")
    write(info / "entry_points.txt", f"[{extensions.GROUP}]\nvisits = befriending_package\n")
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(site)])}
    done = run_upstream("list", "levers", "second_look", "--with", "visits", **path)
    assert "second_look" in done.stdout
    assert "With visits: " in done.stderr
    assert not run_upstream("list", "levers", "second_look", **path).stdout.strip()
    refused = run_upstream("list", "levers", "--with", "visit", **path)
    assert refused.returncode == 2
    assert "did you mean 'visits'?" in refused.stderr


# Runs.


@pytest.mark.slow
def test_a_service_and_a_lever_work(saved: tuple[dict[str, Any], Path]) -> None:
    """The service helps people and has a calibrated probability of asking; the lever and its budget change it."""
    figures, _ = saved
    assert figures["helped"]["baseline"] > 0
    assert figures["helped"]["more-befriending"] > figures["helped"]["baseline"]
    assert figures["refused"]["more-befriending"] == 0 < figures["refused"]["baseline"]
    assert figures["funding"]["more-befriending"] > 2 * figures["funding"]["baseline"] > 0
    assert figures["ask"] > 0.0
    assert figures["shape"] == [len(figures["services"])]
    assert figures["twin"] > 0.0


@pytest.mark.slow
def test_files_and_provenance_name_the_folder(saved: tuple[dict[str, Any], Path]) -> None:
    """Tables, labelled arrays and the report have the service; each result has the folder's SHA-256."""
    figures, _ = saved
    sha256 = figures["used"]
    assert figures["document"] == figures["run"] == {"befriending": sha256}
    assert figures["dataset"]["extension_befriending"] == sha256
    assert figures["services"][-1] == "befriending"
    assert figures["summary"] > 0 < figures["report"]
    assert figures["metrics"][-1] == "people_befriended"
    assert figures["visited"] > 0.0
    assert "services.befriending.effect.recovery" in figures["parameters"]


@pytest.mark.slow
def test_a_result_asks_for_its_folder(saved: tuple[dict[str, Any], Path]) -> None:
    """A saved result is refused without the folder that it was made with, with its name and SHA-256."""
    figures, out = saved
    done = run_upstream("report", str(out))
    assert done.returncode == 2
    assert f"befriending (SHA-256 {figures['used'][:12]})" in done.stderr
    assert "--with FOLDER" in done.stderr


SWEEP = """
import sys
from pathlib import Path
import sim

folder, design, out, way = sys.argv[1:]
import os, distributed
if __name__ == "__main__":
    local = None
    if way == "cluster":  # its workers are started before the folder is named
        local = distributed.LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", protocol="tcp",
                                         dashboard_address=None)
    sim.use(folder)
    address = local.scheduler_address if local is not None else None
    done = sim.sweep(design, out, workers=None if local else 1, scheduler=address, notify=lambda _: None)
    print(done.done, [error for error in done.runs["error"] if error], done.outcomes["turned_away"].sum())
    if local is not None:
        local.close()
"""
DESIGN = """
scenarios = ["baseline", "looked"]
people = 1500
years = 2
seeds = 1
draws = "none"
calibrate = "none"
metrics = ["turned_away", "deaths"]
"""


@pytest.mark.slow
def test_workers_of_sweeps_use_the_folder(folder: Path, tmp_path: Path) -> None:
    """Processes and Dask workers run the lever of the folder alike; the sweep is refused without it."""
    shutil.rmtree(folder / "services")
    scenario = (folder / "scenarios" / "more-befriending.toml").read_text()
    lines = scenario.split("[[policies]]")[0].replace("more-befriending", "looked")
    (folder / "scenarios" / "looked.toml").write_text(
        lines + '[[policies]]\nlever = "second_look"\nstart = "2025-07"\nvalue = 1.0\n'
    )
    (folder / "scenarios" / "more-befriending.toml").unlink()
    design = tmp_path / "design.toml"
    design.write_text(DESIGN)
    answers = []
    for way in ("processes", "cluster"):
        done = run_python(SWEEP, str(folder), str(design), str(tmp_path / way), way)
        assert done.returncode == 0, done.stderr[-3_000:]
        answers.append(done.stdout.splitlines()[-1])
    assert answers[0].startswith("2 [] ")
    assert answers[0] == answers[1]
    refused = run_upstream("status", str(tmp_path / "processes"))
    assert refused.returncode == 2
    assert "the extension with which the result was made, mine (SHA-256" in refused.stderr


# Digests.

DIGESTS = """
import json, sys
import sim
if sys.argv[1:]:
    sim.use(*sys.argv[1:])
from sim.analysis.sensitivity.source import source_digest
from sim.engine import jit
from sim.results.origin import present_origin
from sim.schema.model_digest import model_digest
print(json.dumps([model_digest(), jit.DIGEST, source_digest(), present_origin().versions]))
"""


def digests(*folders: Path) -> list[Any]:
    """The digests of code and model, and the versions of results, in a process that uses the folders."""
    done = run_python(DIGESTS, *map(str, folders))
    assert done.returncode == 0, done.stderr[-2_000:]
    values: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def test_every_digest_has_the_folder(folder: Path) -> None:
    """An edit in a folder changes the digests under which results, worlds and studies are stored."""
    model, code, studies, versions = digests(folder)
    without = digests()
    assert {model, code, studies}.isdisjoint(without[:3])
    assert versions.pop("extension mine") == extensions._read([str(folder)])[0].sha256
    assert versions.keys() == without[3].keys()
    lever = folder / "policies" / "second_look.py"
    lever.write_text(lever.read_text().replace("max(0.0, ", "max(0.01, "))
    edited = digests(folder)
    assert {model, code, studies}.isdisjoint(edited[:3])
    figure = folder / "services" / "befriending.toml"
    figure.write_text(figure.read_text().replace("value = 70", "value = 71"))
    last = digests(folder)
    assert last[0] != edited[0]
    assert last[1] == edited[1], "figures of services are in the digest of the solution, not in that of the code"


# Refusals.


LEVER = (EXAMPLE / "policies" / "second_look.py").read_text(encoding="utf-8")
SERVICE = (EXAMPLE / "services" / "befriending.toml").read_text(encoding="utf-8")
METRICS = (EXAMPLE / "metrics" / "people_befriended.py").read_text(encoding="utf-8")


NOT_NEW = "a file name that the package does not have"


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("policies/threshold.py", [NOT_NEW, "'threshold'"]),
        ("policies/need.py", [NOT_NEW, "'need'"]),
        ("people/threshold.py", [NOT_NEW, "'threshold'"]),
        ("services/gp.toml", [NOT_NEW, "'gp'"]),
        ("services/catalogue/gp.toml", [NOT_NEW, "'gp'"]),
        ("domains/care.toml", [NOT_NEW, "'care'"]),
        ("scenarios/salami-slice.toml", [NOT_NEW, "'salami-slice'"]),
        ("scenarios/cut-alone.toml", [NOT_NEW, "'cut-alone'"]),
        ("places/wigan.toml", [NOT_NEW, "'wigan'"]),
        ("networks/second_look.py", ["a file name that", "second_look.py does not have"]),
        ("policies/levers.py", [NOT_NEW, "'levers'"]),
        ("policies/not-a-name.py", ["letters, digits and underscores"]),
        ("polices/second.py", ["one of these folders", "did you mean 'policies'?"]),
        ("second.py", ["one of these folders", "none of them", "policies"]),
        ("befriending.toml", ["one of these folders", "services"]),
        ("policies/second.toml", ["a .toml file in one of these folders", "'policies'"]),
        ("scenarios/claims/mine.toml", ["one of these folders", "'scenarios/claims'"]),
    ],
)
def test_names_and_places_of_files(folder: Path, file: str, parts: list[str]) -> None:
    """A name of the package, or a file that would declare nothing where it is, is refused before anything is read."""
    write(folder / file, "")
    with pytest.raises(InputError) as refused:
        extensions._read([str(folder)])
    for part in (file, *parts):
        assert part in str(refused.value)


ONE_MORE = SERVICE.replace("order = 1", "order = 2")


@pytest.mark.parametrize(
    ("file", "text", "parts"),
    [
        ("services/second.toml", SERVICE, ["second.toml, line 4: order", "befriending"]),
        ("services/second.toml", ONE_MORE, ["second.toml, line 2: id", "no other service", "'befriending'"]),
        (
            "services/second.toml",
            ONE_MORE.replace('"befriending"', '"gp"'),
            ["second.toml, line 2: id", "no other service", "'gp'"],
        ),
        (
            "services/befriending.toml",
            SERVICE.replace('"mental_health"', '"mental_helth"'),
            ["befriending.toml, line 5: domain", "physical_health", "did you mean 'mental_health'?"],
        ),
        (
            "services/befriending.toml",
            SERVICE.replace("mean_months", "mean_month"),
            ["befriending.toml, line 16: activity.mean_month", "did you mean 'mean_months'?"],
        ),
        (
            "policies/second_look.py",
            LEVER.replace('"Who gets in"', '"Access"'),
            ["second_look.py, line 21: Lever.section", "'Access'", "Who gets in"],
        ),
        (
            "policies/second_look.py",
            LEVER.replace('writes="services.refused"', 'writes="services.refuses"'),
            ["second_look.py, line 37: mechanism.writes", "did you mean 'services.refused'?"],
        ),
        (
            "policies/second_look.py",
            LEVER.replace("    low=0.0,", "    low=1 / 0,"),
            ["second_look.py, line 23", "division by zero"],
        ),
        ("policies/second_look.py", LEVER.replace("Lever(", "Lever(("), ["second_look.py, line 18", "never closed"]),
        ("policies/second_look.py", "raise SystemExit('out')\n", ["second_look.py, line 1", "SystemExit"]),
        ("policies/other.py", LEVER, ["other.py, line 19: Lever.name", "the name of its file", "'second_look'"]),
        (
            "metrics/people_befriended.py",
            METRICS.replace('"people_befriended"', '"deaths"'),
            ["people_befriended.py, line 17: Metric.name", "no other measure", "'deaths'"],
        ),
        ("metrics/people_befriended.py", "import no_such_package\n", ["people_befriended.py, line 1"]),
    ],
)
def test_bad_declarations_are_refused(folder: Path, file: str, text: str, parts: list[str]) -> None:
    """One line with file, line, key, the value that came and the choices; exit status 2, and quickly."""
    write(folder / file, text)
    before = os.times()
    done = run_upstream("compare", "baseline", "more-befriending", "--with", str(folder))
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr.splitlines()[-1], done.stderr
    assert spent < LIMIT


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--with", "no/such/folder"], ["a folder or the name of an installed extension", "'no/such/folder'"]),
        (["--with", str(ROOT / "README.md")], ["a folder", "a file"]),
        (["--with", str(ROOT / "tests")], ["an extension", "policies", "scenarios"]),
        (["--with"], ["--with", "a folder after it"]),
        (["--with", str(EXAMPLE), "--with", str(EXAMPLE)], ["different names", "befriending"]),
    ],
)
def test_bad_folders_are_refused(words: list[str], parts: list[str]) -> None:
    """A folder that is absent, no folder, no extension, or named twice."""
    done = run_upstream("list", "levers", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr, done.stderr


@pytest.mark.slow
def test_a_kernel_that_does_not_compile(folder: Path) -> None:
    """The file, the line and the kernel of a lever that Numba cannot compile, as wrong input."""
    shutil.rmtree(folder / "services")
    shutil.rmtree(folder / "metrics")
    shutil.rmtree(folder / "scenarios")
    write(folder / "policies" / "second_look.py", LEVER.replace("max(0.0, ", "max('0', "))
    words = ["run", "baseline", "--set", "policies.second_look=0.5", "--people", "1500", "--years", "2", "--seeds", "1"]
    done = run_upstream(*words, "--draws", "none", "--with", str(folder))
    assert done.returncode == 2, done.stderr
    assert "second_look.py, line 45: accept: wanted a kernel that Numba compiles" in done.stderr.splitlines()[-1]


def test_two_folders_with_one_lever(folder: Path, tmp_path: Path) -> None:
    """Folders whose files have the same names are refused together."""
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    with pytest.raises(InputError, match=r"a file name that .*mine.* does not have"):
        extensions._read([str(folder), str(other)])


def test_a_folder_is_named_before_the_model_is_used(folder: Path) -> None:
    """In a process that uses the model already, another folder is refused; the same one is no error."""
    program = "import sim; sim.use({0!r}); sim.levers(); sim.use({0!r}); print(len(sim.levers()))\nsim.use({1!r})"
    done = run_python(program.format(str(folder), str(EXAMPLE)))
    assert done.stdout
    assert "InputError: sim.use: wanted extensions that are named before the model is first used" in done.stderr
    done = run_python(f"import sim; sim.levers(); sim.use({str(folder)!r})")
    assert "restart it, and call sim.use directly after" in done.stderr


def test_results_of_other_folders_are_refused(tmp_path: Path) -> None:
    """A result that has an extension which is not in use is refused; without extensions nothing is."""
    extensions.require({"model": "1"}, tmp_path)
    with pytest.raises(InputError, match=r"visits \(SHA-256 abcdefabcdef\)"):
        extensions.require({"extension visits": "abcdefabcdefabcdef"}, tmp_path)
