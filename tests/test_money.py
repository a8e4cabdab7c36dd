"""Public money: discounting by the Green Book, a ledger that balances, and net values worked out by hand.

The hand calculation uses nothing of `sim.results.money`: it reads `results.parquet` with pandas, and writes the rates,
the values and the formulas again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from strategies import LEVERS, calibrated, moved, scenario, town

import sim
from sim.feedback.double_running import DoubleRunning
from sim.results.comparison import Comparison
from sim.results.money import verdicts
from sim.results.money.amounts import present
from sim.results.money.appraisal import PresentValue
from sim.results.money.chart import money_chart
from sim.results.money.discounting import discount_factors, present_values, yearly_rates
from sim.results.money.double_running import double_running_pounds
from sim.results.money.ledger import FLOWS, SILO_LABELS, SPENDERS, by_year
from sim.results.money.switching import change_of_cost, change_of_health, qaly_switch
from sim.results.money.tables import SILO_ROWS, money_rows
from sim.scenario.valuation import Valuation, valuation_file
from sim.schema.prices import to_base
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months
from sim.state.codes import SILOS

PEOPLE, YEARS, SEEDS = 3_000, 3, 2


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """A town under the baseline, a cut, a policy that costs first, one with new money, and the baseline again."""
    base = sim.Scenario.load("baseline").with_settings(years=YEARS)
    cut = base.with_policy("total_budget", value=0.8, start="2025-10", name="cut")
    shift = base.with_policy("prevention_share", shift=0.05, start="2025-10", name="shift")
    new = base.with_policy("organisers", value=4.0, start="2025-10", name="new")
    pooled = cut.with_policy("pooling", value=1.0, start="2025-10", name="pooled")
    same = base.model_copy(update={"name": "same"})
    return sim.compare(base, cut, shift, new, pooled, same, people=PEOPLE, seeds=SEEDS, threads=1, draws="none")


# Discounting.


@pytest.mark.parametrize(
    ("year", "money", "health"),
    [
        (0, 1.0, 1.0),
        (1, 0.9662, 1 / 1.015),
        (5, 0.8420, 1.015**-5),
        (10, 0.7089, 1.015**-10),
        (20, 0.5026, 1.015**-20),
        (30, 0.3563, 1.015**-30),
        (31, 0.3459, 1.015**-30 / 1.0129),
        (75, 1.035**-30 * 1.03**-45, 1.015**-30 * 1.0129**-45),
        (76, 1.035**-30 * 1.03**-45 / 1.025, 1.015**-30 * 1.0129**-45 / 1.0107),
    ],
)
def test_discount_factors_are_those_of_the_green_book(year: int, money: float, health: float) -> None:
    """Textbook factors of 3.5% to four places; rates that fall after years 30 and 75 leave the years before alone."""
    assert discount_factors(year + 1, "money")[year] == pytest.approx(money, abs=0.00005)
    assert discount_factors(year + 1, "health")[year] == pytest.approx(health, abs=1e-12)


def test_the_step_of_year_31() -> None:
    """From year 30 to year 31 a pound loses 3%, and health 1.29%; a year before, 3.5% and 1.5%."""
    for schedule, before, after in (("money", 0.035, 0.03), ("health", 0.015, 0.0129)):
        factors = discount_factors(40, schedule)
        assert factors[29] / factors[30] == pytest.approx(1.0 + before)
        assert factors[30] / factors[31] == pytest.approx(1.0 + after)
        assert factors[31] == pytest.approx(1.0 / ((1.0 + before) ** 30 * (1.0 + after)))


def test_another_rate_keeps_the_steps() -> None:
    """A rate that is set replaces the first step, and later steps fall in proportion; 0 discounts nothing."""
    assert yearly_rates(77, "money", 0.07)[[1, 30, 31, 76]] == pytest.approx([0.07, 0.07, 0.06, 0.05])
    assert (discount_factors(80, "health", 0.0) == 1.0).all()


def test_present_values_of_a_textbook_case() -> None:
    """£1,000 a year for five years, the first at once, is worth 1,000 + 3,673.08 at 3.5%."""
    assert present_values(np.full(5, 1000.0), "money")[-1] == pytest.approx(4673.079, abs=0.001)


@for_all(
    a=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    b=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    factor=st.floats(-10.0, 10.0),
)
def test_net_values_are_linear(a: list[float], b: list[float], factor: float) -> None:
    """The net value of two policies' amounts together is the sum of their net values, and scales with them."""

    def nets(spending: np.ndarray, qalys: np.ndarray) -> np.ndarray:
        yearly = {"spending": spending[None], "cost": 0.0 * spending[None], "qalys": qalys[None]}
        made = present(yearly, Valuation())
        return np.concatenate([made[name][0] for name in ("npv_public", "npv.nhs_margin", "npv.green_book")])

    x, y = np.array(a), np.array(b)
    together = nets(x + factor * y, y - factor * x)
    assert together == pytest.approx(nets(x, y) + factor * nets(y, -x), rel=1e-9, abs=1.0)


# The ledger.


def test_the_ledger_balances_to_the_penny(compared: Comparison) -> None:
    """Each month, spending equals budgets, bail-outs less claw-back, transfers and reserves, for every spender."""
    for name in compared.names:
        ledger = compared.ledger(name)
        assert ledger.flows["spending"].dtype == np.int64
        assert not ledger.imbalance().any(), name
        assert (ledger.flows["spending"].sum(axis=-1) == ledger.spent.sum(axis=-1) + ledger.outlay.sum(axis=-1)).all()
        assert not ledger.flows["pooled"].sum(axis=-1).any(), "what budget holders pay one another cancels out"
    assert compared.ledger("pooled").flows["pooled"].any()
    assert compared.ledger("cut").flows["bailed_out"].any()
    assert compared.ledger("new").flows["spending"][..., SPENDERS.index("outside")].all(axis=(0,)).any()


def test_a_penny_too_much_is_seen(compared: Comparison) -> None:
    """A bail-out that is also counted as spending, or a penny that nobody pays, breaks the balance."""
    ledger = compared.ledger("cut")
    spent = ledger.spent.copy()
    spent[0, 5, 0] += 1
    assert replace(ledger, spent=spent).imbalance().sum() == 1
    twice = replace(ledger, bailed_out=2 * ledger.bailed_out)
    assert twice.imbalance().any()


def test_parts_add_up_to_spending(compared: Comparison) -> None:
    """Budget holders, payers and tiers each add up to the change of spending; parts of the table do too."""
    for name in compared.names[1:]:
        money = compared.money(name)
        total = pytest.approx(money.spending.mean, abs=1e-6)
        assert sum(estimate.mean for estimate in money.by_silo.values()) == total
        assert sum(estimate.mean for estimate in money.payers.values()) == total
        parts = [row.item for row in money_rows(money.valuation) if row.is_part]
        assert sum(money.estimate(item).mean for item in parts) == total
        tiers = sum(money.estimate(f"{tier}.{silo}").mean for tier in ("preventive", "responsive", "acute", "community")
                    for silo in SILOS)  # fmt: skip
        assert tiers + money.by_silo["outside"].mean == total


def test_a_policy_equal_to_the_baseline_has_no_net_value(compared: Comparison) -> None:
    """Every amount of a policy that changes nothing is exactly 0, and the sentence says so."""
    money = compared.money("same")
    assert all(not values.any() for values in money.items.values())
    assert money.npv == PresentValue(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert money.switch_of_qaly.case == "no difference"
    (sentence,) = money.sentences
    assert "makes no difference to spending or health" in sentence


# By hand.


def by_hand(table: pd.DataFrame, policy: str) -> dict[str, float]:
    """Net values, QALYs and flows of a policy, computed with pandas from the rows of `results.parquet`."""
    rows = table[table["scenario"].isin(["baseline", policy])].copy()
    first = int(table["month"].min()[:4]) * 12 + int(table["month"].min()[5:])
    month = rows["month"].str[:4].astype(int) * 12 + rows["month"].str[5:].astype(int) - first
    rows["year"] = month // 12
    wide = rows.pivot_table(index=["metric", "seed", "year"], columns="scenario", values="value", aggfunc="sum")
    change = (wide[policy] - wide["baseline"]).groupby(["metric", "year"]).mean().unstack("year")
    pounds = (change / [1.035**year for year in range(change.shape[1])]).sum(axis=1)
    health = (change / [1.015**year for year in range(change.shape[1])]).sum(axis=1)
    spending = sum(pounds[name] for name in pounds.index if name.startswith("spending."))
    out = {name: pounds[name] for name in pounds.index if "." in name}
    out |= {"spending": spending, "qalys": health["qalys_with_deaths"]}
    out |= {f"npv.{name}": value * out["qalys"] - spending for name, value in
            (("nhs_margin", 13_500), ("dhsc", 15_000), ("nice_low", 25_000), ("nice_high", 35_000),
             ("green_book", 70_000 * 1.4916820702403 / 1.32088724584104))}  # fmt: skip
    return out


def test_a_hand_calculation_agrees_to_the_pound(compared: Comparison, tmp_path: Path) -> None:
    """Net values, QALYs with deaths, and each budget holder's flows are those of pandas on `results.parquet`."""
    compared.save(tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    for policy in ("cut", "shift", "new"):
        hand, money = by_hand(table, policy), compared.money(policy)
        for name in ("spending", *(f"npv.{value.name}" for value in money.valuation.qaly_values)):
            assert money.estimate(name).mean == pytest.approx(hand[name], abs=0.5), (policy, name)
        assert money.qalys.mean == pytest.approx(hand["qalys"], abs=1e-6)
        for flow in FLOWS:
            for silo in SILOS:
                item = f"{flow}.{silo}"
                assert money.estimate(item).mean == pytest.approx(hand[item], abs=0.5), (policy, item)
        assert money.npv_public.mean == pytest.approx(-hand["spending"], abs=0.5)
    saved = pd.read_csv(tmp_path / "out" / "money.csv").set_index(["scenario", "item"])
    assert saved.loc[("cut", "npv.green_book"), "mean"] == pytest.approx(compared.money("cut").npv.mean, abs=1e-5)
    years = pd.read_csv(tmp_path / "out" / "money_by_year.csv")
    of_nhs = years[(years["scenario"] == "cut") & (years["item"] == "spending.nhs")]["mean"].to_numpy()
    assert (of_nhs / 1.035 ** np.arange(YEARS)).sum() == pytest.approx(
        compared.money("cut").by_silo["nhs"].mean, abs=0.1
    )


def test_measures_agree_with_the_ledger(compared: Comparison) -> None:
    """Spending a head times people is the ledger's spending on services, and so are bail-outs."""
    people = np.stack([r.monthly["people"].sum(axis=(1, 2)) for r in compared.records["cut"]]).astype(float)
    months = by_year(people)
    ledger = compared.ledger("cut")
    for measure, pence in (("spend_total", ledger.spent), ("bailed_out", ledger.bailed_out)):
        a_head = compared.values("cut", compared[measure].metric)
        assert a_head * months / 12.0 == pytest.approx(by_year(pence).sum(axis=-1) / 100.0)


# Parts of spending.


def test_double_running_is_that_of_the_model(seed: int) -> None:
    """The cost worked out again from budgets is what the mechanism adds to spending, to a few pence a month.

    In the first year it changes nothing else: accounts are settled at its end.
    """
    shift = scenario(1, [moved(LEVERS["prevention_share"], 0.06, 3, 1)])
    params = calibrated().params
    with_it, without = (
        run_months(town(), shift, {**params, "double_running": DoubleRunning(set_up=share)}, seed).monthly
        for share in (0.2, 0.0)
    )
    assert (with_it["funding"] == without["funding"]).all()
    charged = (with_it["spent"] - without["spent"]).sum(axis=1) / 100.0
    assert charged.max() > 10.0
    budgets = with_it["funding"].astype(float)
    again = double_running_pounds(budgets, budgets[0], {"double_running.set_up": 0.2})
    assert again == pytest.approx(charged, abs=0.3)
    assert double_running_pounds(budgets, budgets[0], {}) == pytest.approx(again * DoubleRunning().set_up / 0.2)


def test_cash_and_the_rest_add_up_to_the_value_of_episodes(compared: Comparison) -> None:
    """Acute episodes avoided, at the baseline's average cost of one, are the cash saved and the rest."""
    acute = [k for k, service in enumerate(load_catalogue()) if service.tier == "acute"]
    total = np.zeros(YEARS)
    for before, after in zip(compared.records["baseline"], compared.records["cut"], strict=True):
        for k in acute:
            spent, opened = (by_year(r[None]) [0] for r in (before.monthly["spent"][:, k],
                             before.monthly["opened"][:, k].sum(axis=(1, 2))))  # fmt: skip
            later = by_year(after.monthly["opened"][:, k].sum(axis=(1, 2))[None])[0]
            if opened.sum():
                total += spent.sum() / 100.0 / opened.sum() * (opened - later) / SEEDS
            else:
                total += by_year((before.monthly["spent"] - after.monthly["spent"])[None, :, k])[0] / 100.0 / SEEDS
    yearly = compared.money("cut").yearly
    assert (yearly["acute_cash"] + yearly["acute_not_cash"]).mean(axis=0) == pytest.approx(total)


def test_costs_are_what_a_policy_adds(compared: Comparison) -> None:
    """A cut adds nothing; new programmes cost what they spend; optimism bias raises these costs and nothing else."""
    assert compared.money("cut").cost.mean == pytest.approx(0.0)
    new = compared.money("new")
    assert new.cost.mean == pytest.approx(new.by_silo["outside"].mean)
    assert new.npv_if_costs_rise.mean == pytest.approx(new.npv.mean - 0.24 * new.cost.mean)
    scenarios = [s.with_settings(parameters={"valuation.optimism_bias": 0.5}) for s in compared.scenarios]
    biased = replace(compared, scenarios=tuple(scenarios)).money("new")
    assert biased.spending == new.spending
    assert biased.npv.mean == pytest.approx(new.npv.mean - 0.5 * new.cost.mean)


# Verdicts, in numbers and words.


def beyond(pounds: list[list[float]], qalys: list[list[float]] | None = None) -> verdicts.NetEffect:
    """Invented differences, of shape (seed, year)."""
    made = np.array(pounds)
    return verdicts.NetEffect(made, np.zeros_like(made) if qalys is None else np.array(qalys))


def test_break_even() -> None:
    """The break-even year is the first, after the start, in which the mean cost is not above the baseline.

    It has an interval, or a note if there is no such year, or no cost to recover.
    """
    years = verdicts.break_even(beyond([[0, 50, 20, -10, -30], [0, 60, 30, -5, -40], [0, 40, 10, 3, -50]]))
    assert "no difference" in years[0].note
    assert np.isnan(years[2].mean)
    assert years[2].note == "not within 3 years; the 95% interval does not exclude it"
    assert (years[4].mean, years[4].ci_high, years[4].note) == (4.0, 5.0, "")
    assert years[4].ci_low == 3.0
    never = verdicts.break_even(beyond([[10, 20, 30], [11, 22, 33], [12, 21, 35]]))[-1]
    assert np.isnan(never.mean)
    assert never.note == "not within 3 years"
    saves = verdicts.break_even(beyond([[-5, 9, -9]]))
    assert all(np.isnan(verdict.mean) and "no cost to recover" in verdict.note for verdict in saves)
    again = verdicts.break_even(beyond([[5, -9, 9, -9]]))
    assert again[1].mean == 2.0
    assert np.isnan(again[2].mean), "recovered for a year, then above again"
    assert again[3].mean == 4.0


def test_the_cost_of_a_qaly() -> None:
    """Only a policy that surely costs more and surely gains health has a cost of a QALY; others have words."""
    pounds = [[1000.0], [1100.0], [900.0], [1050.0]]
    gain = [[0.1], [0.11], [0.09], [0.1]]
    loss = [[-x[0]] for x in gain]
    saving = [[-x[0]] for x in pounds]
    price = verdicts.cost_per_qaly(beyond(pounds, gain))[0]
    assert price.mean == pytest.approx(1012.5 / 0.1)
    assert price.ci_low < price.mean < price.ci_high
    assert price.note == ""
    for effect, words in (
        (beyond(saving, gain), "spends less and gains health"),
        (beyond(pounds, loss), "costs more and gains no health"),
        (beyond(saving, loss), "a saving and a loss, not the cost of a gain"),
        (
            beyond(pounds, [[0.1], [-0.08], [0.09], [0.02]]),
            "no ratio: the 95% interval of the health gained includes 0",
        ),
        (beyond([[1000.0], [-900.0], [400.0], [100.0]], gain), "no ratio: the 95% interval of the cost includes 0"),
        (beyond([[0.0], [0.0]]), "no difference"),
        (beyond(saving, [[0.0]] * 4), "spends less and loses no health"),
    ):
        verdict = verdicts.cost_per_qaly(effect)[0]
        assert np.isnan([verdict.mean, verdict.ci_low, verdict.ci_high]).all()
        assert words in verdict.note


@pytest.mark.statistics
def test_fieller_covers(seed: int) -> None:
    """Fieller's 95 % interval covers the true ratio in 95 % of 2,000 trials, within 2.5 points (5 standard errors)."""
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(2_000):
        both = rng.multivariate_normal([100.0, 10.0], [[400.0, 12.0], [12.0, 4.0]], 12)
        low, high = verdicts.fieller(both[:, 0], both[:, 1])
        covered += low <= 10.0 <= high
    assert covered / 2_000 == pytest.approx(0.95, abs=0.025)


def test_switching_values() -> None:
    """At a switching value the net value is zero, whatever the signs are; where none exists there is none."""
    for public, qalys, case in ((-500.0, 0.01, "worth above"), (500.0, -0.01, "worth below")):
        switch = qaly_switch(np.array([public]), np.array([qalys]))
        assert switch.case == case
        assert public + switch.pounds * qalys == pytest.approx(0.0)
    assert qaly_switch(np.array([1.0]), np.array([1.0])) == ("better at any value", None, None, None)
    assert qaly_switch(np.array([-1.0]), np.array([-1.0])) == ("worse at any value", None, None, None)
    cost, saving, health = 100.0, 30.0, 50.0
    net = -cost + saving + health
    assert -cost * (1.0 + change_of_cost(net, cost)) + saving + health == pytest.approx(0.0)
    assert -cost + saving + health * (1.0 + change_of_health(-cost + saving, health)) == pytest.approx(0.0)
    assert change_of_cost(-150.0, 100.0) is None
    assert change_of_health(-1.0, -1.0) is None


def test_a_ratio_needs_a_cost_that_is_surely_above_zero(compared: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    """£2 a person, with an interval around 0, is no cost to divide a gain by."""
    money = compared.money("shift")
    gain = money.npv_health._replace(mean=1_000.0, ci_low=500.0, ci_high=1_500.0)
    monkeypatch.setattr(type(money), "npv_health", gain)
    for low, high, ratio in ((-400.0, -100.0, 4.0), (-500.0, 1.0, None), (100.0, 400.0, None)):
        public = gain._replace(mean=(low + high) / 2.0, ci_low=low, ci_high=high)
        monkeypatch.setattr(type(money), "npv_public", public)
        assert money.benefit_cost_ratio == ratio


def test_a_cut_is_a_saving_and_a_loss(compared: Comparison) -> None:
    """A cut has no cost of a QALY and no break-even year; its sentences say what is saved and who pays."""
    document = compared.document()
    for measure in ("cost_per_qaly", "break_even_year"):
        last = document["differences"]["cut"][measure]["by_year"][-1]
        assert last["mean"] is None
        assert last["note"]
    money = compared.money("cut")
    assert money.break_even is None
    assert money.benefit_cost_ratio is None
    text = " ".join(money.sentences)
    assert "less than the baseline" in text
    assert ("the centre pays" in text) == money.estimate("centre").excludes_zero
    assert "no cost to recover" in text
    assert not any(word in text for word in ("will ", "forecast", "money back", "pays back"))
    assert f"Nothing after year {YEARS} is counted" in text


def test_the_document_has_the_keys_of_the_interface(compared: Comparison) -> None:
    """`money` has a number for every key of the interface, an interval for every item, and the sentences."""
    money = compared.document()["money"]
    assert list(money) == list(compared.names[1:])
    cut = money["cut"]
    for key in ("npv", "spending", "bailed_out", "clawed_back", "reinvested", "qalys"):
        assert isinstance(cut[key], float), key
    assert set(cut["by_silo"]) == set(SPENDERS) == set(SILO_LABELS) == {row.item.split(".")[1] for row in SILO_ROWS}
    assert cut["npv"] == cut["estimates"]["npv.green_book"]["mean"]
    assert cut["estimates"]["npv.green_book"]["ci_low"] < cut["npv"]
    assert cut["npv"] == pytest.approx(cut["npv_public"] + cut["npv_health"], abs=1e-5)
    assert cut["sentences"] == list(compared.money("cut").sentences)
    with pytest.raises(KeyError, match="no policy called 'baseline'; there are cut, shift"):
        compared.money("baseline")


def test_the_chart_is_of_the_document(compared: Comparison) -> None:
    """A bar for each policy and budget holder, in pounds a person."""
    money: Any = {name: compared.document()["money"][name] for name in ("cut", "shift")}
    figure = money_chart(money, compared.headings)
    assert [bar.name for bar in figure.data] == [compared.headings[name] for name in money]
    assert figure.data[0].x[0] == pytest.approx(money["cut"]["by_silo"]["nhs"] / PEOPLE, abs=0.01)
    payers = money_chart(money, compared.headings, "payers")
    assert sum(payers.data[0].x) == pytest.approx(money["cut"]["spending"] / PEOPLE, abs=0.01)


# Values.


def test_values_have_sources_and_dates() -> None:
    """Every rate and value of a QALY has a source, an edition and a date of review."""
    file = valuation_file()
    for name, figure in {**file.rates, **file.qaly_values}.items():
        assert figure.published < figure.review, name
        assert len(figure.source) > 20, name
    for name, rate in file.rates.items():
        assert getattr(Valuation(), name) == rate.value
    for name, value in file.qaly_values.items():
        assert getattr(Valuation(), name) == pytest.approx(to_base(value.value, value.price_year))
    values = Valuation().qaly_values
    assert [value.pounds for value in values] == sorted(value.pounds for value in values)
    assert values[-1].label == "Green Book, £70,000 in 2020-21 prices"
    assert Valuation(green_book=70_000.0).qaly_values[-1].label == "Green Book"
    assert all(expired.valid_until < "2026-04-01" for expired in file.expired.values())
    assert [step.first for step in file.steps] == [0, 31, 76, 126, 201, 301]
    for schedule in ("money", "health"):
        assert getattr(file.steps[0], schedule) == getattr(Valuation(), f"discount_{schedule}")
