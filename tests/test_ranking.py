"""Rankings of interventions: places and ties by hand, one budget for all, and a small real ranking with its files."""

from __future__ import annotations

import csv
import io
import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import assert_refused

import sim
from sim.cli import command
from sim.policies import levers
from sim.ranking import rank as ranking_task
from sim.ranking.budget import TOLERANCE, Budget, budget_of, fitted
from sim.ranking.criteria import CRITERIA, Effects, per_pound, surely_costs
from sim.ranking.interventions import Intervention, interventions
from sim.ranking.order import chance_among_best, standings
from sim.ranking.programme_cost import added_to_lines
from sim.ranking.ranking import NOTHING, Ranking
from sim.ranking.sentences import against_nothing, first_places
from sim.ranking.tables import files
from sim.results.money.discounting import present_values
from sim.scenario.scenario import Scenario, scenario_names
from sim.schema.errors import InputError
from sim.services.catalogue import load_catalogue
from sim.state.codes import PURPOSES, SILOS

PEOPLE, YEARS, SEEDS = 1_500, 3, 2
NAMES = ["grant-gp", "outreach", "prevention-shift", "autonomy"]


def small(**options: object) -> Ranking:
    """A ranking of three interventions in a small town, and of one that cannot be ranked."""
    settings: dict[str, object] = {
        "only": NAMES, "budget": 5, "people": PEOPLE, "years": YEARS, "seeds": SEEDS, "draws": "none", "threads": 1,
        "notify": lambda _: None,
    }  # fmt: skip
    return sim.rank("anytown", **{**settings, **options})  # type: ignore[arg-type]  # options of several types


@pytest.fixture(scope="module")
def ranked() -> Ranking:
    """The small ranking."""
    return small()


def by_hand(ranking: Ranking, table: Mapping[str, list[float]], cost: list[float] | None = None) -> Ranking:
    """A ranking with values of every criterion by hand, for each pound of a cost of £1."""
    entry, draws = ranking.interventions[0], len(next(iter(table.values())))
    pounds = np.array(cost or [1.0] * draws)
    made = []
    for name, numbers in table.items():
        values = np.repeat(np.array(numbers)[:, None], len(CRITERIA), axis=1)
        effects = Effects(values, per_pound(values, pounds), pounds, np.zeros(draws), np.zeros((draws, len(SILOS))))
        made.append(replace(entry, name=name, label=name, effects=effects, replicates=None))
    return replace(ranking, interventions=tuple(made), seeds=tuple(range(draws)))


# Places.


def test_places_ties_and_chances_by_hand() -> None:
    """Means order; a difference that is the same in every draw is clear, one that changes its sign is a tie."""
    a, b = np.array([5.0, 1.0, 5.0, 1.0]), np.array([2.0, 3.0, 2.0, 3.0])
    places = standings({"b": b, "worst": b - 4.0, "a": a})
    assert [place.name for place in places] == ["a", "b", "worst"]
    assert [(p.rank, p.rank_low, p.rank_high) for p in places] == [(1, 1, 3), (2, 1, 2), (3, 2, 3)]
    assert [p.tied for p in places] == [("b", "worst"), ("a",), ("a",)]
    assert [p.best for p in places] == [0.5, 0.5, 0.0]
    assert [p.best_three for p in places] == [1.0, 1.0, 1.0]


def test_a_paired_difference_counts_and_not_two_intervals() -> None:
    """Draws move both by far more than they differ: the paired difference is clear though the intervals overlap."""
    draws = np.array([-10.0, 0.0, 10.0, 20.0])
    first, second = standings({"a": draws + np.array([1.0, 1.1, 0.9, 1.0]), "b": draws})
    assert (first.name, first.rank_high, second.rank_low) == ("a", 1, 2)
    assert first.tied == second.tied == ()


def test_equal_values_share_their_places() -> None:
    """Two that do nothing are the best in half of the draws each; equal means have the same rank."""
    places = standings({"a": np.zeros(3), "b": np.zeros(3), "c": np.full(3, -1.0)})
    assert [p.rank for p in places] == [1, 1, 3]
    assert [p.best for p in places] == [0.5, 0.5, 0.0]
    assert places[0].tied == ("b",)
    assert [p.rank_high for p in places] == [2, 2, 3]


def test_chances_of_a_place_add_up_to_the_number_of_places(seed: int) -> None:
    """However often values are equal, one is the best in each draw and three are among the best three."""
    table = np.random.default_rng(seed).integers(0, 3, size=(6, 40)).astype(float)
    assert chance_among_best(table, 1).sum() == pytest.approx(1.0)
    assert chance_among_best(table, 3).sum() == pytest.approx(3.0)


def test_one_draw_distinguishes_nothing() -> None:
    """With one draw every place is possible."""
    places = standings({"a": np.array([1.0]), "b": np.array([0.0])})
    assert [(p.rank_low, p.rank_high, p.tied) for p in places] == [(1, 2, ("b",)), (1, 2, ("a",))]


def test_interventions_can_lose_to_none(ranked: Ranking) -> None:
    """No intervention stands in every table with 0; what harms in every draw is clearly worse."""
    ranking = by_hand(ranked, {"helps": [2.0, 2.1, 1.9], "harms": [-2.0, -2.1, -1.9], "nothing": [0.0, 0.0, 0.0]})
    for criterion in CRITERIA:
        places = ranking.standings[criterion.name]
        assert places[0].name == "helps"
        assert places[-1].name == "harms"
        assert {p.name for p in places} == {"helps", "harms", "nothing", NOTHING}
        assert against_nothing(places) == (("helps",), ("harms",))
    text = first_places(ranking)[0]
    assert "helps has the best mean" in text
    assert "clearly better than every other row" in text
    assert "Clearly better than no intervention: 1 of 3; clearly worse: 1." in text


def test_ties_with_the_first_are_named(ranked: Ranking) -> None:
    """The sentence names those that are not distinguished from the first, with no intervention among them."""
    ranking = by_hand(ranked, {"a": [3.0, -1.0, 2.0], "b": [0.5, 0.4, 0.6]})
    assert "The draws do not distinguish it from b; No intervention." in first_places(ranking)[0]


def test_no_ratio_over_a_cost_that_may_be_zero(ranked: Ranking) -> None:
    """A cost of 0 in a draw, or with an interval that reaches 0, gives no ratio and no place; a reason is stated."""
    assert surely_costs(np.array([1.0, 1.1, 0.9]))
    assert not surely_costs(np.array([1.0, 1.1, 0.0]))
    assert not surely_costs(np.array([0.1, 9.0]))
    ranking = by_hand(ranked, {"a": [3.0, 1.0, 2.0]}, cost=[1.0, 0.0, 1.0])
    assert ranking.without_ratio == ("a",)
    assert [p.name for p in ranking.standings["acute"]] == [NOTHING]
    last = list(csv.DictReader(io.StringIO(files(ranking)["ranking.csv"])))[-1]
    assert last["name"] == "a"
    assert "not surely above £0" in last["note"]


# The budget.


@pytest.mark.parametrize(
    ("text", "budget"),
    [("10", Budget(10.0, False)), ("£2.50", Budget(2.5, False)), ("1%", Budget(1.0, True)), (3, Budget(3.0, False))],
)
def test_budgets_in_pounds_and_per_cent(text: str | float, budget: Budget) -> None:
    """A budget is pounds a head a year, or per cent of spending in scope."""
    assert budget_of(text) == budget


@pytest.mark.parametrize("text", ["", "ten", "0", "-5", "1e3", "nan", "500", "11%", "£1%", "0%"])
def test_budgets_out_of_range_are_refused(text: str) -> None:
    """Neither a word, nor nothing, nor more than can be spent."""
    with pytest.raises(InputError, match="pounds a head a year"):
        budget_of(text)


def test_scaling_meets_the_budget_within_the_tolerance() -> None:
    """Costs in proportion, rising faster and rising slower than the size all meet it; too small a size does not."""
    shapes = {
        "in proportion": lambda x: 40.0 * x,
        "faster": lambda x: 30.0 * x**3,
        "slower": lambda x: 12.0 * math.sqrt(x),
        "with a step": lambda x: 20.0 * x + (2.0 if x > 0.1 else 0.0),
        "small": lambda x: 9.0 * x,
        "free": lambda x: 0.0 * x,
    }
    rounds = []

    def costs(sizes: Mapping[str, float]) -> dict[str, float]:
        rounds.append(len(sizes))
        return {name: shapes[name](x) for name, x in sizes.items()}

    fits = fitted(costs, dict.fromkeys(shapes, 1.0), 10.0)
    for name in ("in proportion", "faster", "slower", "with a step"):
        assert fits[name].fits
        assert shapes[name](fits[name].factor) == pytest.approx(10.0, rel=TOLERANCE)
    assert fits["in proportion"].factor == 0.25
    assert not fits["small"].fits
    assert fits["small"].cost == 9.0
    assert not fits["free"].fits
    assert rounds[1] == 4  # what cannot meet the budget is not tried again


# Interventions.


def test_nothing_of_the_library_is_dropped() -> None:
    """Each main scenario, lever, and service that is not acute is ranked, or set apart with a reason."""
    listed = interventions(Scenario.load("baseline"))
    names = {entry.name for entry in listed.interventions} | {entry.name for entry in listed.apart}
    assert {name for name in scenario_names() if name != "baseline"} <= names
    assert {lever.name.replace("_", "-") for lever in levers()} <= names
    grants = {f"grant-{s.id.replace('_', '-')}" for s in load_catalogue() if s.tier != "acute"}
    ranked = {entry.name for entry in listed.interventions}
    assert grants | {name.replace("_", "-") for name in PURPOSES} | {"grant-acute-services", "more-acute"} <= ranked
    assert {"salami-slice", "autonomy", "pandemic"} <= {entry.name for entry in listed.apart}
    assert all(entry.reason for entry in listed.apart)
    assert len(names) == len(listed.interventions) + len(listed.apart)


def test_all_policies_of_a_scenario_are_scaled_together() -> None:
    """Values move away from the baseline of their lever in proportion, shifts in proportion, up to a range's end."""
    base = Scenario.load("baseline")
    mixed = base.with_policy("community_investment", value=2.0).with_policy("grant", shift=10.0, service="gp")
    entry = Intervention(mixed, 3.0)
    half = entry.scaled(0.5)
    assert [policy.value for policy in half.policies] == [1.5, None]
    assert [policy.shift for policy in half.policies] == [None, 5.0]
    assert entry.funding == "new money"
    (shift,) = interventions(base, ["prevention-shift"]).interventions
    assert shift.funding == "other lines"
    assert shift.largest == pytest.approx(5.0)
    assert shift.scaled(5.0).policies[0].shift == pytest.approx(0.1)


def test_the_cost_of_a_plan_by_hand() -> None:
    """A grant costs its pounds times the people; moved money costs what the gaining lines gain."""
    base = Scenario.load("baseline").with_settings(years=3)
    hoods = sim.Place.load("anytown").neighbourhoods(PEOPLE)
    budgets = np.full(len(load_catalogue()), 1e6)
    grant = base.with_policy("grant", shift=10.0, service="gp", start="2026-04", over_months=24)
    cost = added_to_lines(grant, hoods, budgets, 1000.0)
    ramp = [0.0, np.arange(1, 13).mean() / 24, np.arange(13, 25).mean() / 24]
    assert cost == pytest.approx(10_000.0 * np.array(ramp))
    shift = base.with_policy("prevention_share", shift=0.02, start="2026-04")
    silos = {s.silo for s in load_catalogue() if s.tier in ("preventive", "community")}
    plan = sum(1e6 for s in load_catalogue() if s.silo in silos)
    assert added_to_lines(shift, hoods, budgets, 1000.0)[2] == pytest.approx(0.02 * plan)
    autonomy = base.with_policy("autonomy", value=1.0, start="2026-04")
    assert not added_to_lines(autonomy, hoods, budgets, 1000.0).any()


# A small real ranking.


def test_every_intervention_costs_the_budget(ranked: Ranking) -> None:
    """The cost of each is that of a grant of £5 a head that grows over two years; the cost is that of the plan."""
    ramp = np.array([0.0, np.arange(1, 13).mean() / 24, np.arange(13, 25).mean() / 24])
    assert ranked.budget_present == pytest.approx(float(present_values(5.0 * ramp, "money")[-1]))
    for entry in ranked.interventions:
        assert entry.effects.cost == pytest.approx(ranked.budget_present, rel=2 * TOLERANCE), entry.name
    assert [entry.name for entry in ranked.interventions] == NAMES[:3]
    assert [(entry.name, "no price" in entry.reason) for entry in ranked.apart] == [("autonomy", True)]


def test_amounts_are_those_of_the_comparison(ranked: Ranking) -> None:
    """Money and health for each pound are those of `Comparison.money` of the same policy, over its cost."""
    base = Scenario.load("baseline").with_settings(years=YEARS)
    size = ranked.by_name["grant-gp"].size[0]
    assert "+5 (pounds per head a year)" in size
    grant = base.with_policy("grant", shift=5.0, service="gp", start="2026-04", over_months=24, name="grant-gp")
    result = sim.compare(base, grant, people=PEOPLE, seeds=SEEDS, draws="none", threads=1)
    money = result.money("grant-gp")
    effects = ranked.by_name["grant-gp"].effects
    cost = effects.cost * PEOPLE
    expected = {
        "health": 1e6 * money.items["qalys"][:, -1] / cost,
        "money": money.items["npv_public"][:, -1] / cost,
        "value": money.items["npv.green_book"][:, -1] / cost,
    }
    for k, criterion in enumerate(CRITERIA):
        if criterion.name in expected:
            assert effects.per_pound[:, k] == pytest.approx(expected[criterion.name], rel=1e-3, abs=1e-6)
    # Acute demand in pounds is the index times the pounds of its base.
    series = result.acute_demand
    change = result.values("baseline", series.metric) - result.values("grant-gp", series.metric)
    pounds = present_values(change / result.index_scale(series.metric), "money")[:, -1]
    assert effects.values[:, 0] == pytest.approx(pounds, rel=1e-3, abs=1e-6)


def test_files_and_documents_agree(ranked: Ranking) -> None:
    """JSON, CSV, the frame and the picture hold the same rows; the parts of who pays add up to spending."""
    written = files(ranked)
    document = json.loads(written["ranking.json"])
    rows = list(csv.DictReader(io.StringIO(written["ranking.csv"])))
    assert len(rows) == len(CRITERIA) * 4 + 1 == len(ranked.to_frame())
    for criterion in CRITERIA:
        places = document["criteria"][criterion.name]["places"]
        assert [p["name"] for p in places] == [r["name"] for r in rows if r["criterion"] == criterion.name]
        assert sum(p["best"] for p in places) == pytest.approx(1.0)
    payers = list(csv.DictReader(io.StringIO(written["payers.csv"])))
    for name in ranked.by_name:
        of = [r for r in payers if r["name"] == name]
        paid, spent = (sum(float(r["mean"]) for r in of if r["part"] == part) for part in ("pays", "spends"))
        assert paid == pytest.approx(spent, abs=1e-4)
    for entry in ranked.interventions:
        assert entry.effects.by_silo.sum(axis=1) == pytest.approx(entry.effects.values[:, 0], abs=1e-6)
    picture = ET.fromstring(written["ranking.svg"])
    texts = "".join(picture.itertext())
    assert all(label in texts for label in ranked.labels.values())
    assert "nan" not in written["ranking.svg"]


def test_groups_and_stored_runs_change_nothing(
    ranked: Ranking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One intervention at a time, and read again from the folder, the ranking is the same to the last bit."""
    monkeypatch.setattr(ranking_task, "GROUP", 1)
    lines: list[str] = []
    first = small(out=tmp_path / "ranking", notify=lines.append)
    assert not any("seeds are in" in line for line in lines)
    again = small(out=tmp_path / "ranking", notify=lines.append)
    assert f"{SEEDS} of {SEEDS} seeds are in {tmp_path / 'ranking'}" in lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ranking"]
    assert len(list((tmp_path / "ranking" / "runs").iterdir())) == 3
    small(only=NAMES[:1], out=tmp_path / "ranking")
    assert len(list((tmp_path / "ranking" / "runs").iterdir())) == 1
    assert first.document() == again.document() == ranked.document()


def test_an_interrupted_ranking_continues(tmp_path: Path) -> None:
    """Runs of groups that were finished before an interruption are not made again."""

    class StoppedError(Exception):
        pass

    made: list[int] = []

    def interrupt(done: int, total: int, label: str) -> None:
        made.append(done)
        if done > SEEDS * 2:
            raise StoppedError

    patch = pytest.MonkeyPatch()
    patch.setattr(ranking_task, "GROUP", 1)
    with patch.context(), pytest.raises(StoppedError):
        small(out=tmp_path / "ranking", progress=interrupt)
    lines: list[str] = []
    small(out=tmp_path / "ranking", notify=lines.append)
    patch.undo()
    assert f"{SEEDS} of {SEEDS} seeds are in {tmp_path / 'ranking'}" in lines


@pytest.mark.slow
def test_draws_have_prices_of_their_own() -> None:
    """With draws the plan stays and its cost differs; a grant in pounds costs the same in every draw."""
    ranking = small(only=["grant-gp", "outreach"], draws="mechanisms")
    grant, outreach = (ranking.by_name[name].effects.cost for name in ("grant-gp", "outreach"))
    assert np.ptp(grant) == pytest.approx(0.0, abs=1e-6)
    assert np.ptp(outreach) > 0.1
    assert ranking.repeated
    figures = ranking.figures("grant-gp", CRITERIA[0])
    assert figures["luck_sd"] >= 0.0


# The command.


def test_the_command_prints_tables_and_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every table has its heading; `--json` prints one document and nothing else; files are written."""
    words = ["rank", "--place", "anytown", "--people", str(PEOPLE), "--years", str(YEARS), "--seeds", str(SEEDS)]
    words += ["--draws", "none", "--threads", "1", "--budget", "5", "--only", ",".join(NAMES[:2]), "--only", NAMES[2]]
    assert command([*words, "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    for heading in ("Acute demand avoided", "Health gained", "Who pays", "Who gains", "How to read it"):
        assert heading in text
    assert command([*words, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["interventions"]) == set(NAMES[:3])
    present = {path.name for path in (tmp_path / "out").iterdir()}
    assert present == {"ranking.json", "ranking.csv", "payers.csv", "ranking.svg", "runs"}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--place", "nowhere"], ["nowhere"]),
        (["--place", "anytown", "--only", "grant-gpp"], ["--only", "'grant-gpp'", "did you mean 'grant-gp'"]),
        (["--place", "anytown", "--budget", "much"], ["--budget", "pounds a head a year", "'much'"]),
        (["--place", "anytown", "--years", "1"], ["--years", "at least 2 years"]),
        (["--place", "anytown", "--seeds", "0"], ["--seeds"]),
        (["--place", "anytown", "--only", "salami-slice"], ["--budget", "salami-slice: it adds"]),
        (
            ["--place", "anytown", "--only", "outreach", "--budget", "150"],
            ["--budget", "outreach: at its largest size"],
        ),
    ],
)
def test_wrong_input_is_refused(words: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake is one line with the key, the value, and what there is; nothing is printed beside it."""
    size = ["--people", str(PEOPLE), "--seeds", "1", "--draws", "none", "--threads", "1"]
    years = [] if "--years" in words else ["--years", "2"]
    size = size if "--seeds" not in words else ["--people", str(PEOPLE)]
    assert_refused(["rank", *words, *size, *years], capsys, *parts)


def test_the_folder_of_a_comparison_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ranking writes into no folder of another command."""
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    words = ["rank", "--place", "anytown", "--out", str(tmp_path)]
    assert_refused(words, capsys, "--out", "that of a ranking", "run.json")
