"""What a policy asked for and what came out, against a calculation by hand, and for every scenario of the library."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from strategies import SERVICES

import sim
from sim.cli.asked_and_done_table import TITLE, show_asked_and_done
from sim.place.place import Place
from sim.policies import levers
from sim.results import asked_and_done
from sim.results.asked_budgets import asked_budgets
from sim.results.comparison import Comparison
from sim.results.records import Record
from sim.results.summary_table import ASKED_COLUMNS, asked_and_done_table
from sim.scenario.scenario import Scenario, library
from sim.services.catalogue import load_catalogue
from sim.state.codes import SILOS

YEARS, SEEDS, PEOPLE = 3, 3, 3_000
TIERS = {"spend_acute": "acute", "spend_responsive": "responsive", "spend_preventive": "preventive"}


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """A cut for all, a shift to one kind, a gate and a programme, of a small town."""
    base = Scenario.load("baseline").with_settings(years=YEARS)
    cut = base.with_policy("total_budget", value=0.85, over_months=12, name="cut")
    kind = base.with_policy("prevention_share", shift=0.02, prevention="public_health", name="kind")
    gate = base.with_policy("threshold", value=0.6, service="camhs", name="gate")
    gate = gate.with_policy("outreach", value=0.05, name="gate").with_policy("cashable", value=0.5, name="gate")
    return sim.compare(base, cut, kind, gate, people=PEOPLE, seeds=SEEDS, draws="none")


@pytest.fixture(scope="module")
def table(compared: Comparison) -> pd.DataFrame:
    """What the cut asked for, and what came out."""
    return compared.asked_and_done("cut").set_index(["part", "name", "unit"])


def pounds(record: Record, column: str, rows: list[int]) -> float:
    """Pounds a head in the last year, from the counts of a run."""
    people = record.monthly["people"][-12:].sum(axis=(1, 2)).mean()
    return float(record.monthly[column][-12:, rows].sum() / 100.0 / people)


def services(tier: str) -> list[int]:
    """The positions of the services of a tier."""
    return [k for k, s in enumerate(load_catalogue()) if s.tier == tier]


def runs(compared: Comparison, name: str, column: str, rows: list[int]) -> np.ndarray:
    """Pounds a head in the last year of each seed."""
    return np.array([pounds(record, column, rows) for record in compared.records[name]])


@pytest.mark.parametrize(("measure", "tier"), TIERS.items())
def test_spending_is_that_of_a_calculation_by_hand(
    compared: Comparison, table: pd.DataFrame, measure: str, tier: str
) -> None:
    """The change in pounds with its interval, and in % of the baseline, from the recorded pence."""
    before, after = (runs(compared, name, "spent", services(tier)) for name in ("baseline", "cut"))
    change = after - before
    row = table.loc["spending", measure, asked_and_done.PER_HEAD]
    half = stats.t.ppf(0.975, SEEDS - 1) * change.std(ddof=1) / math.sqrt(SEEDS)
    assert row["mean"] == pytest.approx(change.mean())
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((change.mean() - half, change.mean() + half))
    relative = table.loc["spending", measure, asked_and_done.RELATIVE]
    ratio = after.mean() / before.mean()
    spread = (after - ratio * before).std(ddof=1) / before.mean()
    half = stats.t.ppf(0.975, SEEDS - 1) * 100.0 * spread / math.sqrt(SEEDS)
    assert relative["mean"] == pytest.approx(100.0 * (ratio - 1.0))
    assert (relative["ci_low"], relative["ci_high"]) == pytest.approx(
        (100.0 * (ratio - 1.0) - half, 100.0 * (ratio - 1.0) + half)
    )


def test_sums_over_all_years_are_those_of_the_years(compared: Comparison, table: pd.DataFrame) -> None:
    """Pounds a head over all years are the sum of the yearly differences."""
    yearly = compared["spend_total"].difference()
    row = table.loc["spending", "spend_total", asked_and_done.PER_HEAD_IN_ALL]
    assert row["period"] == f"years 1 to {YEARS}"
    assert row["mean"] == pytest.approx(yearly[yearly.scenario == "cut"]["mean"].sum())


def test_an_even_cut_asks_every_line_for_the_same(table: pd.DataFrame) -> None:
    """Asked: 15% less of every tier and kind; what came out differs from it."""
    spending = table.loc["spending"].xs(asked_and_done.RELATIVE, level="unit")
    assert spending["asked"].to_numpy() == pytest.approx(-15.0)
    assert spending.loc["spend_acute", "mean"] > -10.0, "acute services overspend"
    assert table.loc["policy", "total_budget", asked_and_done.RELATIVE]["asked"] == pytest.approx(-15.0)


def test_a_shift_to_one_kind_asks_nothing_of_the_other_kinds(compared: Comparison) -> None:
    """The other kinds are asked for 0; the kind gains what responsive and acute lines lose."""
    rows = compared.asked_and_done("kind").set_index(["part", "name", "unit"])
    asked = rows.loc["spending"].xs(asked_and_done.PER_HEAD, level="unit")["asked"]
    for other in ("spend_general_practice", "spend_targeted_prevention", "spend_community", "spend_total"):
        assert asked[other] == 0.0
    assert asked["spend_public_health"] == pytest.approx(-asked["spend_acute"] - asked["spend_responsive"])
    assert asked["spend_public_health"] > 25.0
    policy = rows.loc["policy", "prevention_share", asked_and_done.RELATIVE]
    assert policy["mean"] == rows.loc["spending", "spend_public_health", asked_and_done.RELATIVE]["mean"]


def test_payers_share_all_spending(compared: Comparison, table: pd.DataFrame) -> None:
    """What budget holders and the centre pay more sums to spending in scope; a budget holder's is as by hand."""
    paid = table.loc["payer"].xs(asked_and_done.PER_HEAD, level="unit")["mean"]
    total = table.loc["spending", "spend_total", asked_and_done.PER_HEAD]["mean"]
    assert paid.sum() == pytest.approx(total)
    of_nhs = [k for k, s in enumerate(load_catalogue()) if s.silo == "nhs"]
    f = SILOS.index("nhs")

    def by_hand(name: str) -> float:
        accounts = (runs(compared, name, c, [f]) for c in ("bailed_out", "clawed_back", "pooled"))
        bailed_out, clawed_back, pooled = accounts
        out: float = (runs(compared, name, "spent", of_nhs) - bailed_out + clawed_back - pooled).mean()
        return out

    assert paid["nhs"] == pytest.approx(by_hand("cut") - by_hand("baseline"))


def test_levers_that_move_no_money_show_the_variable_on_which_they_act(compared: Comparison) -> None:
    """A gate shows requests turned away by its service, a programme its money; one without a record says so."""
    rows = compared.asked_and_done("gate")
    policies = rows[rows.part == "policy"].set_index("name")
    assert policies.loc["threshold", "unit"] == "percentage points of requests"
    assert policies.loc["threshold", "asked"] == pytest.approx(25.0)
    refused = [
        compared.of_groups(n, "turned_away", {"service": ("camhs",)})[:, -1].mean() for n in ("baseline", "gate")
    ]
    assert policies.loc["threshold", "mean"] == pytest.approx(100.0 * (refused[1] - refused[0]))
    assert policies.loc["threshold", "item"] == (
        "Share of requests turned away: 60% of requests instead of 35% for children's mental health service, "
        "from April 2026"
    )
    assert policies.loc["outreach", "unit"] == asked_and_done.PER_HEAD
    assert policies.loc["outreach", "mean"] > 0.0
    assert policies.loc["cashable", "unit"] == ""
    assert math.isnan(policies.loc["cashable", "mean"])
    assert rows[rows.part == "spending"]["asked"].isna().all(), "no budget was asked for"


def test_the_sentence_states_asked_and_came_out(compared: Comparison) -> None:
    """A clear change has its figure, an unclear one is named without; the centre's money is stated."""
    text = asked_and_done.sentence(compared, "cut")
    assert text.startswith(
        "Asked: total budget 15% less for every service, in equal steps over 1 year from April 2026. "
        f"Came out in year {YEARS}: "
    )
    table = {row.name: row for row in asked_and_done.rows(compared, "cut") if row.unit == asked_and_done.RELATIVE}
    for measure in TIERS:
        figure = asked_and_done.percent_text(table[measure].figures["mean"])
        assert (figure in text) == asked_and_done.is_clear(table[measure])


def test_the_document_and_the_csv_have_the_same_rows(compared: Comparison) -> None:
    """JSON and CSV contain every row; a missing number is null, or an empty cell."""
    document = compared.document()
    json.dumps(document["asked_and_done"], allow_nan=False)
    read = list(csv.DictReader(io.StringIO(asked_and_done_table(document))))
    assert tuple(read[0]) == ASKED_COLUMNS
    for name in compared.names[1:]:
        frame, rows = compared.asked_and_done(name), document["asked_and_done"][name]["rows"]
        written = [row for row in read if row["scenario"] == name]
        assert len(frame) == len(rows) == len(written)
        for (_, first), second, third in zip(frame.iterrows(), rows, written, strict=True):
            assert first["item"] == second["item"] == third["item"].removeprefix("'")
            assert (second["mean"] is None) == math.isnan(first["mean"]) == (third["mean"] == "")


@pytest.mark.parametrize("width", [60, 160])
def test_the_table_is_printed_on_wide_and_narrow_terminals(compared: Comparison, width: int) -> None:
    """The title, a sentence and the money of the centre stand there; no line is wider than the terminal."""
    from rich.console import Console

    out = io.StringIO()
    show_asked_and_done(compared.document(), Console(file=out, width=width, highlight=False))
    lines = out.getvalue().splitlines()
    assert TITLE in lines
    assert max(len(line.rstrip()) for line in lines) <= width
    assert any("Bailed out by the centre" in line for line in lines)
    assert any("not recorded" in line for line in lines)


def test_a_scenario_that_is_not_compared_is_refused(compared: Comparison) -> None:
    """The message lists the policies."""
    with pytest.raises(KeyError, match="there are cut, kind, gate"):
        compared.asked_and_done("baseline")


# --- budgets that are asked for --------------------------------------------------------------------------------------


def asked(case: Scenario, budgets: np.ndarray) -> np.ndarray:
    """The budgets asked for in the last year, relative to the baseline."""
    hoods = Place.load("anytown").neighbourhoods(PEOPLE)
    out: np.ndarray = asked_budgets(case, hoods, budgets, PEOPLE)[-1] / budgets
    return out


def test_a_policy_for_some_people_asks_for_their_part() -> None:
    """Twice the budget for the most deprived fifth asks for as much more as its share of the people served."""
    base, budgets = Scenario.load("baseline"), np.full(len(SERVICES), 1e6)
    hoods = Place.load("anytown").neighbourhoods(PEOPLE)
    residents = np.array([n.ages for n in hoods], float).sum(axis=1)
    part = residents[[n.quintile == 1 for n in hoods]].sum() / residents.sum()
    case = base.with_policy("service_budget", value=2.0, service="gp", where={"quintiles": [1]})
    change = asked(case, budgets)
    assert change[SERVICES.index("gp")] == pytest.approx(1.0 + part)
    assert np.delete(change, SERVICES.index("gp")) == pytest.approx(1.0)


def test_budget_levers_act_together_in_the_order_of_a_month() -> None:
    """A cut of 10% and a grant of £2 a head for one service ask for 90% of its budget and £2 a head."""
    base, budgets = Scenario.load("baseline"), np.full(len(SERVICES), 1e6)
    case = base.with_policy("total_budget", value=0.9).with_policy("grant", shift=2.0, service="youth_work")
    change = asked(case, budgets)
    youth = SERVICES.index("youth_work")
    assert change[youth] == pytest.approx(0.9 + 2.0 * PEOPLE / 1e6)
    assert np.delete(change, youth) == pytest.approx(0.9)


# --- the library -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record() -> Record:
    """A record of the first year of the baseline."""
    return sim.run("baseline", people=PEOPLE, years=1, seeds=1, draws="none").records["baseline"][0]


def without_runs(case: Scenario, record: Record) -> Comparison:
    """A comparison of a scenario whose every year is that of the record, under the policies and the baseline."""
    base = Scenario.load("baseline").model_copy(update={"years": case.years, "start": case.start})
    monthly, yearly = (
        {name: np.concatenate([array] * case.years) for name, array in arrays.items()}
        for arrays in (record.monthly, record.yearly)
    )
    repeated = [replace(record, monthly=monthly, yearly=yearly)]
    return Comparison(
        (base, case), Place.load("anytown"), PEOPLE, (0,), {base.name: repeated, case.name: repeated}, (), 0.0
    )


def cases() -> Iterator[Scenario]:
    """Every scenario of the library, and one that moves each lever to an end of its range."""
    for name in library():
        if name != "baseline":
            yield Scenario.load(name)
    policies = []
    for lever in levers():
        end = lever.high if lever.high > lever.baseline else lever.low
        amount: dict[str, Any] = {"shift": end} if lever.kind == "shift" else {"value": end}
        service = {"service": "gp"} if "service" in lever.needs else {}
        policies.append(sim.Policy(lever=lever.name, start="2026-04", **amount, **service))
    yield Scenario.load("baseline").model_copy(update={"name": "every-lever", "policies": policies})


def test_every_scenario_of_the_library_and_every_lever_has_a_description(record: Record) -> None:
    """Each policy has a row that names it in words; with the baseline's runs, no change came out."""
    for case in cases():
        rows = asked_and_done.rows(without_runs(case, record), case.name)
        policies = [row for row in rows if row.part == "policy"]
        assert len(policies) == len(case.moves), case.name
        assert all(row.item and row.figures.get("mean", 0.0) == pytest.approx(0.0, abs=1e-9) for row in rows), case.name
        moves_money = any("services.granted" in m.writes for m in asked_and_done.mechanisms_of(case))
        assert any(not math.isnan(row.asked) for row in rows if row.part == "spending") == moves_money, case.name
        assert asked_and_done.sentence(without_runs(case, record), case.name, rows).startswith("Asked: "), case.name
