"""Outcomes: every metric of the interface exists, its formula is right, and counts add up."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from strategies import SERVICES, calibrated, columns, every_lever_moved, live, scenario, town

import sim
from sim.networks.survey import ASKED
from sim.people.domains import load_domains
from sim.place.place import Place
from sim.results import metrics as results
from sim.results import outcomes, service_groups
from sim.results.comparison import Comparison
from sim.results.expectation_tests import of_groups
from sim.results.long_table import AMOUNTS
from sim.results.metric_series import MetricSeries
from sim.results.metrics import metric, metrics
from sim.results.money.health import qalys_with_deaths
from sim.results.records import RECORDED_BY_YEAR, Record, end_to_end
from sim.results.summary import SUMMARY
from sim.schema.quantities import AGE_BAND_NAMES, AGE_BANDS
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months
from sim.state.codes import EMPTY_SLOT, FINE

NAMED = """
acute_demand acute_episodes ae_attendances emergency_admissions mental_health_crises delayed_discharge_days
care_home_admissions homeless_households children_entering_care
offences arrests deaths life_expectancy qalys wellbeing need_1 need_2 need_3
unmet_need turned_away failure_demand_share wait_months hours_per_person staff_turnover vacancy_rate morale
practice_quality group_members community_energy lonely trust carer_hours spend_acute spend_responsive spend_preventive
spend_community spend_total prevention_share saving_reinvested clawed_back bailed_out inverse_care_index slope_index
gap_most_least_deprived break_even_year cost_per_qaly
""".split()  # noqa: SIM905  (easier to compare with the interface)
"""The ids of the metrics in the interface."""
MEASURED = {s.measure or s.id for s in load_catalogue() if s.tier == "acute"}
AXES = {
    "service": "acute_demand ae_attendances wait_months failure_demand_share staff_turnover hours_per_person",
    "quintile": "acute_demand life_expectancy qalys wellbeing lonely trust carer_hours unmet_need deaths",
    "age": "acute_demand acute_episodes qalys need_2 unmet_need lonely delayed_discharge_days",
    "child_age": "acute_demand emergency_admissions children_entering_care",
    "neighbourhood": "acute_demand community_energy practice_quality",
    "domain": "need_2 unmet_need inverse_care_index",
}


@pytest.fixture(scope="module")
def compared() -> Iterator[Comparison]:
    """A small comparison of the baseline and two policies. A warning of NumPy is an error."""
    base = sim.Scenario.load("baseline").with_settings(years=2)
    pushed = base.with_policy("prevention_share", shift=0.05, name="pushed")
    cut = base.with_policy("total_budget", value=0.8, name="cut")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield sim.compare(base, pushed, cut, people=8_000, seeds=3, threads=2, draws="none")


@pytest.fixture(scope="module")
def record() -> Record:
    """Two years of a town under every lever."""
    return run_months(town(3_000), every_lever_moved(2), calibrated().params, 0)


# --- the interface ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
def test_a_metric_of_the_interface_exists(name: str, compared: Comparison) -> None:
    """A metric has a unit, a finite value in each scenario, and a finite difference or a note with the reason."""
    if name == "offences" and name not in MEASURED:
        pytest.skip("no service of this catalogue counts offences")
    series: MetricSeries = compared[name]
    assert series.unit
    change = series.difference()
    assert list(change.columns[:9]) == ["scenario", "year", *SUMMARY]
    assert len(change) == 2 * 2
    if series.metric.against is not None:
        assert (change["mean"].notna() | (change["note"] != "")).all()
        assert series.by_year()["mean"].isna().all(), "a comparison has no level"
        return
    for table in (series.by_year(), series.by_month(), change):
        assert np.isfinite(table[["mean", "q025", "q975"]].to_numpy(dtype=float)).all()


@pytest.mark.parametrize(("axis", "name"), [(axis, name) for axis, names in AXES.items() for name in names.split()])
def test_a_metric_has_its_axes(axis: str, name: str, compared: Comparison) -> None:
    """By an axis there is a row for each group, scenario and year, and the same groups in differences and document."""
    series: MetricSeries = compared[name]
    groups = series.groups(axis)
    table, change = series.by_year(axis), series.difference(axis)
    assert len(table) == len(groups) * 3 * 2
    assert list(table[axis].unique()) == list(groups) == list(change[axis].unique())
    assert np.isfinite(table["mean"].to_numpy(dtype=float)).any()
    document = compared.document(by=(axis,))
    assert list(document["scenarios"]["baseline"][name]["groups"][axis]) == list(groups)


def test_acute_demand_by_service_adds_up(compared: Comparison) -> None:
    """Acute demand is the sum of its services, and the mean of neighbourhoods weighted by people."""
    series = compared.acute_demand
    total = compared.values("baseline", series.metric)
    by_service = compared.grouped("baseline", series.metric, "year", "service").sum(axis=1)
    assert by_service == pytest.approx(total)
    near = np.nanmean(compared.grouped("baseline", series.metric, "year", "neighbourhood"), axis=(0, 1))
    assert near == pytest.approx(total.mean(axis=0), rel=0.15)  # neighbourhoods are of about one size


def test_tables_hold_every_metric(compared: Comparison) -> None:
    """The table has every metric; the tidy frame omits metrics that are comparisons, and has amounts of money."""
    assert set(compared.table()["metric"]) == {m.name for m in metrics()}
    tidy = compared.to_frame()
    assert set(tidy["metric"]) == {m.name for m in metrics() if m.against is None} | set(AMOUNTS)
    assert len(tidy) == 3 * 3 * 24 * tidy["metric"].nunique()
    arrays = compared.to_xarray()
    assert arrays["opened_age"].dims == ("scenario", "seed", "year", "service", "child_age", "quintile")


def test_an_expectation_may_be_of_any_outcome(compared: Comparison) -> None:
    """A scenario may have an expectation of life expectancy, or of bounds for loneliness."""
    from sim.scenario.expectations import Expect

    expect = [
        Expect(metric="life_expectancy", year=2, direction="up"),
        Expect(metric="lonely", year=2, low=-0.5, high=0.5),
    ]
    changed = [s.model_copy(update={"expect": expect}) if s.name == "cut" else s for s in compared.scenarios]
    table = replace(compared, scenarios=tuple(changed)).expectations()
    assert list(table["met"]) == [False, True]


def test_missing_values_are_none_in_the_document(compared: Comparison) -> None:
    """The document's differences have the notes of comparisons; values that do not exist are None."""
    last = compared.document()["differences"]["cut"]["break_even_year"]["by_year"][-1]
    assert last["mean"] is None
    assert last["note"] == "spends less from its first year: no cost to recover"
    level = compared.document()["scenarios"]["cut"]["break_even_year"]
    assert level["by_year"][-1]["mean"] is None
    assert level["mean"] == [None] * 24


# Life expectancy and quality of life.


def test_a_life_table_computed_by_hand() -> None:
    """Three bands of 10, 20 and open years: q = n m / (1 + n (1 - a) m), L = n l - n (1 - a) d, the last l / m."""
    deaths, lived = np.array([10.0, 40.0, 50.0]), np.array([1000.0, 2000.0, 500.0])
    a = np.array([0.1, 0.5, 0.5])
    q0 = 10 * 0.01 / (1 + 10 * 0.9 * 0.01)  # 0.0917431
    q1 = 20 * 0.02 / (1 + 20 * 0.5 * 0.02)  # 0.3333333
    l1 = 1 - q0
    l2 = l1 * (1 - q1)
    wanted = (10 - 10 * 0.9 * q0) + (20 * l1 - 20 * 0.5 * l1 * q1) + l2 / 0.1
    assert wanted == pytest.approx(9.1743119 + 15.1376147 + 6.0550459)
    assert outcomes.life_expectancy(deaths, lived, np.array([10.0, 20.0, 99.0]), a) == pytest.approx(wanted)


def test_a_life_table_agrees_with_single_years() -> None:
    """With death rates that rise by a tenth per year of age, ten bands are within a third of a year of single years."""
    age = np.arange(130)
    rate = np.minimum(0.9, 0.00003 * np.exp(0.1 * age) + 0.0002)
    alive = np.concatenate([[1.0], np.cumprod(np.exp(-rate))[:-1]])
    exact = (alive * (1 - np.exp(-rate)) / rate).sum()
    band = np.searchsorted([first for first, _ in AGE_BANDS], age, side="right") - 1
    dying = alive * (1.0 - np.exp(-rate))
    deaths, lived = np.zeros(10), np.zeros(10)
    np.add.at(deaths, band, dying)
    np.add.at(lived, band, dying / rate)
    assert outcomes.life_expectancy(deaths, lived) == pytest.approx(exact, abs=0.33)


def test_a_life_table_without_deaths_in_the_last_bands() -> None:
    """Bands without deaths at the end are merged into the open band; without any deaths the result is NaN."""
    deaths, lived = np.array([0.0, 5.0, 0.0]), np.array([100.0, 100.0, 20.0])
    widths = np.array([10.0, 10.0, 99.0])
    assert outcomes.life_expectancy(deaths, lived, widths, np.full(3, 0.5)) == pytest.approx(10.0 + 120.0 / 5.0)
    assert np.isnan(outcomes.life_expectancy(np.zeros(3), lived, widths, np.full(3, 0.5)))


def test_quality_of_life_falls_with_need() -> None:
    """Utility is at most 1 and positive with serious need in every domain; losses increase with the level."""
    q = outcomes.quality()
    assert (q.utility <= 1.0).all()
    assert (q.utility - q.utility_loss[:, 2].sum() > 0.0).all(), (
        "serious need in all domains must not be worse than death"
    )
    for losses in (q.utility_loss, q.satisfaction_loss):
        assert losses.shape == (len(load_domains()), 4)
        assert (np.diff(losses, axis=1) >= 0.0).all()


def test_levels_by_person_sum_to_the_people(record: Record) -> None:
    """With household needs assigned to people, a domain's levels sum to the people of a fifth and age every month."""
    people = record.monthly["people"]
    spread = outcomes.by_person(record.monthly["census"], people).sum(axis=2)
    assert spread == pytest.approx(np.broadcast_to(people[:, None], spread.shape))


def test_a_death_costs_its_years_and_a_move_does_not(record: Record) -> None:
    """QALYs fall by a life's quality when somebody dies, and are unchanged when somebody moves away."""
    base = qalys_with_deaths(record).sum()

    def without_one(how: str) -> float:
        monthly = {name: array.copy() for name, array in record.monthly.items()}
        b = AGE_BAND_NAMES.index("25-44")
        q = int(monthly["people"][0, :, b].argmax())
        monthly["people"][12:, q, b] -= 1
        for d, domain in enumerate(load_domains()):
            if domain.unit == "person":
                monthly["census"][12:, d, 0, q, b] -= 1
        monthly[how][12, q, ...] += np.eye(10, dtype=int)[b] if how == "died" else 1
        return float(qalys_with_deaths(replace(record, monthly=monthly)).sum())

    assert base - without_one("died") == pytest.approx(outcomes.quality().utility[5], abs=0.06)
    assert base - without_one("moved_out") == pytest.approx(0.0, abs=0.15)


def test_the_measure_that_counts_deaths_has_the_same_sum(compared: Comparison) -> None:
    """QALYs lived are those of the account of pounds and QALYs, for every 1,000 people of the start."""
    for record in compared.records["cut"]:
        at_start = record.monthly["people"][0].sum()
        by_year = of_groups([record], metric("qalys_lived"), {}, ())[0]
        assert by_year * at_start / 1000.0 == pytest.approx(qalys_with_deaths(record).reshape(-1, 12).sum(axis=1))


# Inequality.


def test_the_slope_index_is_a_weighted_regression(seed: int) -> None:
    """The slope index is the slope of NumPy's weighted least squares on ridits, for any rates and sizes."""
    rng = np.random.default_rng(seed)
    people = rng.uniform(50, 500, (20, 5))
    events = rng.uniform(0, 100, (20, 5))
    for pair, slope in zip(zip(events, people, strict=True), outcomes.slope_index(events, people), strict=True):
        e, n = (x[::-1] for x in pair)
        ridit = (np.cumsum(n) - n / 2) / n.sum()
        assert slope == pytest.approx(np.polyfit(ridit, e / n, 1, w=np.sqrt(n))[0])


def test_the_slope_index_of_a_straight_gradient() -> None:
    """For five equal fifths, each 10 above the next, the gap is 40 and the slope index 50."""
    people = np.full(5, 100.0)
    events = np.array([50.0, 40.0, 30.0, 20.0, 10.0]) * 100
    assert outcomes.slope_index(events, people) == pytest.approx(50.0)
    assert outcomes.gap(events, people) == pytest.approx(40.0)
    assert outcomes.gap(events, np.array([0.0, 100.0, 100.0, 100.0, 0.0])) == pytest.approx(20.0)
    assert np.isnan(outcomes.slope_index(events, np.array([100.0, 0, 0, 0, 0])))


def test_the_inverse_care_index() -> None:
    """The index is 1 for help in proportion to need, below 1 for more help where need is smaller, within 0 to 2."""
    need = np.array([50.0, 40.0, 30.0, 20.0, 10.0])
    assert outcomes.inverse_care(need * 0.3, need) == pytest.approx(1.0)
    assert outcomes.inverse_care(need[::-1], need) < 1.0 < outcomes.inverse_care(need**2, need)
    assert outcomes.inverse_care(np.array([1.0, 0, 0, 0, 0]), need) == pytest.approx(2.0 - 50.0 / 150.0)
    assert np.isnan(outcomes.inverse_care(np.zeros(5), need))


def test_several_runs_are_measured_as_each_alone(compared: Comparison) -> None:
    """Several runs together have the same values as each run alone, to the last bit, for every metric and axis."""
    records = compared.records["cut"]
    together = end_to_end(records)
    assert (together.runs, list(together.monthly)) == (3, list(records[0].monthly))
    assert np.array_equal(qalys_with_deaths(together), np.concatenate([qalys_with_deaths(each) for each in records]))
    for measure in metrics():
        for by in (None, *AXES):
            try:
                MetricSeries(compared, measure).groups(by)
            except ValueError:
                continue
            for step in ("month", "year"):
                ours = compared.grouped("cut", measure, step, by)
                single = [replace(compared, records={"cut": [r]}, index_base=compared) for r in records]
                each = [single_run.grouped("cut", measure, step, by)[0] for single_run in single]
                assert np.array_equal(ours, np.stack(each), equal_nan=True), (measure.name, by, step)


# Counts.


def test_counts_by_age_and_neighbourhood_sum_to_all(record: Record) -> None:
    """Children's episodes by year of age sum to those of their bands; episodes by neighbourhood sum to all."""
    opened = record.monthly["opened"].reshape(2, 12, *record.monthly["opened"].shape[1:]).sum(axis=1)
    assert (record.yearly["opened_in"].sum(axis=2) == opened.sum(axis=(2, 3))).all()
    assert (record.opened_by_year == record.yearly["opened_in"]).all()
    for b in np.flatnonzero(outcomes.CHILDREN):
        first, last = AGE_BANDS[b]
        by_age = record.yearly["opened_age"][:, :, first : last + 1].sum(axis=2)
        assert (by_age == opened[:, :, :, b]).all()
    assert set(record.yearly) == set(RECORDED_BY_YEAR)


def test_a_survey_asks_everybody_once_a_year(seed: int) -> None:
    """In twelve months, about all adults and all children of a town are surveyed."""
    months = [
        (w.tally.surveyed.sum(), w.tally.children.sum(), w.tally.residents.sum())
        for _, w in live(town(), scenario(1), seed)
    ]
    counts = np.array(months)
    assert (counts[:, 0] + counts[:, 1] >= counts[:, 2]).all()  # people of 16 and 17 count as both
    world = town()
    ages = world.people.age[world.people.age != EMPTY_SLOT]
    assert counts[:, 2].sum() == pytest.approx(ages.size, rel=0.05)
    assert counts[:, 0].sum() == pytest.approx((ages >= 16).sum(), rel=0.05)
    assert counts[:, 1].sum() == pytest.approx((ages < 18).sum(), rel=0.1)


@pytest.mark.statistics
def test_a_sample_represents_everybody(seed: int) -> None:
    """If a third of the people is surveyed each year, with weight 3, the answers agree with those of everybody.

    All other records are the same. Each of about 1,500 adults answers in one of three years. Over twelve seeds the
    standard deviation of the sampling error was 0.5 % of adults, 2.5 % of needs and 0.2 points of shares: each limit
    is at least five of these, which chance exceeds less than once in a million.
    """
    sampled = town()._replace(rates=town().rates._replace(asked_every=np.array([3])))
    a, b = (run_months(w, scenario(3), calibrated().params, seed) for w in (town(), sampled))
    answers = {"surveyed", "lonely", "trusting", "resilient", "members", "carers", "carer_hours"}
    needs = {"need_alone", "need_several"}
    for name in a.monthly.keys() - answers - needs:
        assert np.array_equal(a.monthly[name], b.monthly[name]), name
    assert all(np.array_equal(a.yearly[name], b.yearly[name]) for name in a.yearly)
    for name in answers | needs:
        assert (b.monthly[name] % 3 == 0).all(), name
    asked = [record.monthly["surveyed"].sum() for record in (a, b)]
    assert asked[1] == pytest.approx(asked[0], rel=0.03)
    for name in ("lonely", "trusting"):
        shares = [record.monthly[name].sum() / FINE / many for record, many in zip((a, b), asked, strict=True)]
        assert shares[1] == pytest.approx(shares[0], abs=0.012), name
    for name in needs:
        assert b.monthly[name].sum() == pytest.approx(a.monthly[name].sum(), rel=0.125), name


def test_only_large_places_are_sampled() -> None:
    """In a town everybody is surveyed each year; in a large place the number of slots gives about 175,000 adults.

    In the smallest towns a twentieth fewer slots are taken, so that the number is tested in a larger one.
    """
    assert town().rates.asked_every.tolist() == [1]
    age = calibrated().world(Place.load("anytown"), 30_000, 0).world.people.age
    assert ASKED * (age[age != EMPTY_SLOT] >= 16).sum() / age.size == pytest.approx(175_000, rel=0.02)


def test_answers_are_of_the_adults_surveyed(record: Record) -> None:
    """Lonely people, members and carers are no more than the adults surveyed, and no children are among them."""
    asked = record.monthly["surveyed"]
    for name, unit in (("lonely", FINE), ("trusting", FINE), ("members", 1), ("carers", 1)):
        assert (record.monthly[name] <= asked * unit).all()
        assert (record.monthly[name][:, :, ~outcomes.ADULTS] == 0).all()
    assert (record.monthly["carer_hours"][record.monthly["carers"] == 0] == 0.0).all()


def test_the_survey_changes_nothing(seed: int) -> None:
    """Without the survey, everything else in a town is the same to the last bit."""
    answers = {"screen.company", "places.practice"} | {f"tally.{name}" for name in ("residents", "children", "surveyed",
            "lonely", "trusting", "resilient", "members", "carers", "carer_hours")}  # fmt: skip
    with_it = live(town(), scenario(1), seed)
    disabled = live(town(), scenario(1), seed, disabled=("survey", "company"))
    for (_, a), (_, b) in zip(with_it, disabled, strict=True):
        surveyed, unsurveyed = columns(a), columns(b)
        assert [
            name for name in surveyed if name not in answers and not np.array_equal(surveyed[name], unsurveyed[name])
        ] == []


@pytest.mark.statistics
def test_about_seven_in_a_hundred_are_lonely(compared: Comparison) -> None:
    """A10: 7 % of adults; A12: more of those in need; the most deprived fifth above the least (A13)."""
    baseline = compared.lonely.by_year().query("scenario == 'baseline'")["mean"]
    assert baseline.mean() == pytest.approx(0.07, abs=0.012)
    fifths = compared.lonely.by_year("quintile").query("scenario == 'baseline' and year == 2").set_index("quintile")
    assert fifths.loc["1", "mean"] > fifths.loc["5", "mean"]


def test_services_that_do_not_count_are_omitted(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service whose episodes do not count has its own metric and is not part of acute demand."""
    services = load_catalogue()
    changed = tuple(s.model_copy(update={"counts": s.id != "police_custody"}) for s in services)
    for counted, catalogue in ((True, services), (False, changed)):
        for module in (results, service_groups):
            monkeypatch.setattr(module, "load_catalogue", lambda catalogue=catalogue: catalogue)
        made = metric("acute_demand")
        assert made.parts is not None
        parts = made.parts(record)
        assert parts.services is not None
        assert ("police_custody" in parts.services) == counted
        acute = [SERVICES.index(name) for name in parts.services]
        opened = record.monthly["opened"][:, acute].sum(axis=(0, 2, 3))
        assert parts.numerator.sum() == pytest.approx(opened @ results.episode_costs(acute))
        assert metric("arrests").parts is not None
