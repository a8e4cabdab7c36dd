"""Commands other than `run` and `compare`: lists, schemas, places, the fit of a calibration, the dashboard."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from command_line import HEADER, assert_refused, select, small_comparison
from rich.console import Console

import sim
from sim.cli import calibration_fit as fit_tables
from sim.cli import command
from sim.results.comparison import Comparison
from sim.validation import calibration_fit


@pytest.fixture(scope="module")
def small() -> Comparison:
    """The baseline and a policy in a small town, run in this process."""
    return small_comparison()


KINDS = ("scenarios", "places", "authorities", "levers", "parameters", "services", "domains", "loops", "metrics")


@pytest.mark.parametrize("kind", KINDS)
def test_lists_agree_as_text_and_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed list names every entry of the JSON list."""
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
    """Every input file has a JSON Schema that allows no unknown key."""
    assert command(["schema"]) == 0
    every = json.loads(capsys.readouterr().out)
    assert set(every) == {
        "scenario",
        "place",
        "domain",
        "service",
        "experiment",
        "nation",
        "roles",
        "sources",
        "claims",
        "outside",
        "regions",
        "levers",
        "loops",
    }
    assert all(schema["additionalProperties"] is False for schema in every.values())
    assert command(["schema", "place"]) == 0
    assert json.loads(capsys.readouterr().out) == every["place"]


def test_a_place_is_built_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`place new` writes a place that can be used, and replaces one only with `--force`."""
    table = tmp_path / "table.csv"
    rows = [f"E01{k:06d},{k % 10 + 1},E06000005,90,180,150,400,380,150,90,60" for k in range(20)]
    table.write_text("\n".join([HEADER.replace("_decile", "_decile,ltla21_code"), *rows]), encoding="utf-8")
    args = ["place", "new", "tiny", "--authority", "E06000005", "--neighbourhoods", str(table)]
    args += ["--out", str(tmp_path)]
    assert command(args) == 0
    assert "30,000 people in 20 neighbourhoods" in capsys.readouterr().out
    assert select("baseline", place=str(tmp_path / "tiny.toml")).place.authority_code == "E06000005"
    assert_refused(args, capsys, "--force")
    assert command([*args, "--force"]) == 0


def test_the_fit_counts_as_the_metrics_do(small: Comparison) -> None:
    """The simulated value of a row of the fit is the metric's; the implied value is near the published one."""
    rows = {row.id: row for row in calibration_fit.fit_rows(small)}
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
    json.dumps(calibration_fit.fit_document(small, list(rows.values())), allow_nan=False)


def _position(metric: str) -> int:
    from sim.services.catalogue import load_catalogue

    return next(k for k, service in enumerate(load_catalogue()) if (service.measure or service.id) == metric)


def test_the_fit_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`upstream fit` runs the baseline of a place and prints each published figure with its simulated value."""
    assert command(["fit", "--people", "3000", "--years", "1", "--seeds", "2"]) == 0
    text = capsys.readouterr().out
    for part in (
        "A&E attendances",
        "fifth 1 (most",  # the column may be too narrow for the rest
        "Children in care",
        "temporary",
        "England",
    ):
        assert part in text


@pytest.mark.parametrize("seeds", [1, 2])
def test_stability_ends_with_a_verdict(small: Comparison, seeds: int) -> None:
    """Every rate has a line, and the last line is the document's verdict; with one seed there is none."""
    alone = sim.run(small.scenarios[0], people=3000, seeds=seeds, draws="none")
    shown = Console(file=io.StringIO(), width=200)
    fit_tables.show_stability(alone, shown)
    lines = shown.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    document = json.loads(json.dumps(calibration_fit.stability_document(alone), allow_nan=False))
    assert len(document["steadiness"]) >= 15
    for row in document["steadiness"]:
        assert any(row["rate"] in line for line in lines)
    if seeds == 1:
        assert lines[-1].startswith("One seed does not show random variation")
    else:
        assert lines[-1].startswith("Steady." if document["judged"]["steady"] else "NOT steady")
        assert f"{document['judged']['outside']} of {document['judged']['rate_years']} rate-years" in "\n".join(lines)


def test_drifts_end_with_a_verdict(small: Comparison) -> None:
    """The last line states whether nine draws in ten stay within the limit, as the document does."""
    shown = Console(file=io.StringIO(), width=200)
    fit_tables.show_drifts(small, shown)
    last = shown.file.getvalue().splitlines()[-1]  # type: ignore[attr-defined]  # a StringIO
    document = json.loads(json.dumps(calibration_fit.drift_document(small), allow_nan=False))["drifts"]
    assert document["within"] == sum(abs(x) < 0.1 for x in document["furthest"])
    assert last.startswith("At least" if document["met"] else "NOT")


def test_a_drawn_baseline_is_run_for_ten_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fit --draws … --stability` runs ten years of the baseline alone, each seed with a draw of its own."""
    calls: list[tuple[Any, ...]] = []

    def compare(*scenarios: Any, **options: Any) -> Comparison:
        calls.append((scenarios, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(sim, "compare", compare)
    command(["fit", "--draws", "all", "--seeds", "40", "--stability"])
    ((scenarios, options),) = calls
    assert [(s.name, s.years) for s in scenarios] == [("baseline", 10)]
    assert (options["draws"], options["seeds"]) == ("all", 40)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The arguments of each call that would start the dashboard."""
    import dashboard.app

    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(dashboard.app, "serve", lambda *args, **options: calls.append((*args, options)))
    return calls


def test_the_dashboard_is_served(served: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """Host and port are passed on, and the address is printed on standard error."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert command(["dashboard", "--port", str(port)]) == 0
    assert served == [("127.0.0.1", port, {"allow_others": False})]
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().err
