"""Acute demand: episodes at fixed unit costs as an index, what it is made of, and the count beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from rich.table import Table
from strategies import SERVICES

import sim
from sim.cli.composition_table import composition_lines, composition_title
from sim.ensemble.batch import Readings, Setting
from sim.people.domains import load_domains
from sim.results.comparison import Comparison
from sim.results.episode_weights import share_counted, unit_cost
from sim.results.measurement import values_by_step
from sim.results.metrics import metric
from sim.results.records import Record
from sim.results.service_groups import counted_services
from sim.results.summary_table import summary_table
from sim.schema.quantities import AGE_BAND_NAMES
from sim.services.catalogue import Service, load_catalogue

PEOPLE, YEARS, SEEDS = 3_000, 2, 3
ACUTE, EPISODES = metric("acute_demand"), metric("acute_episodes")
SERVICE = {service.id: service for service in load_catalogue()}
COUNTED = [load_catalogue()[k] for k in counted_services()]


@pytest.fixture(scope="module")
def compared() -> Comparison:
    """A baseline and a deep cut of everything."""
    base = sim.Scenario.load("baseline").with_settings(years=YEARS)
    cut = base.with_policy("total_budget", value=0.6, start="2025-05", name="cut")
    return sim.compare(base, cut, people=PEOPLE, seeds=SEEDS, draws="none")


def changed(record: Record, **opened: float) -> Record:
    """The record with the episodes of some services multiplied."""
    counts = record.monthly["opened"].astype(float)
    for service, factor in opened.items():
        counts[:, SERVICES.index(service)] *= factor
    return replace(record, monthly={**record.monthly, "opened": counts})


# Weights.


def test_the_unit_cost_of_an_episode_is_that_of_the_catalogue() -> None:
    """A visit costs its episode; a crisis that lasts costs its further months too, at the domain's lengths."""
    for name in ("ae", "emergency_admission", "police_custody"):
        assert unit_cost(SERVICE[name]) == SERVICE[name].cost.per_episode.value  # type: ignore[union-attr]  # this service has one
    crisis_team, domain = SERVICE["crisis_team"], next(d for d in load_domains() if d.id == "mental_health")
    first, month = (getattr(crisis_team.cost, key).value for key in ("per_episode", "per_month"))
    (months,) = set(domain.crisis.mean_months.values())  # the same at every age
    assert unit_cost(crisis_team) == pytest.approx(first + (months - 1.0) * month)
    lengths = next(d for d in load_domains() if d.id == "family_safety").crisis.mean_months
    children = [lengths[band] - 1.0 for band in AGE_BAND_NAMES[:4]]
    first, month = (getattr(SERVICE["children_in_care"].cost, key).value for key in ("per_episode", "per_month"))
    assert first + min(children) * month < unit_cost(SERVICE["children_in_care"]) < first + max(children) * month


def test_a_service_without_episodes_has_no_unit_cost() -> None:
    """Only an acute service has episodes."""
    with pytest.raises(ValueError, match="'gp' is no acute service"):
        unit_cost(SERVICE["gp"])


def test_an_admitted_visit_is_counted_once(compared: Comparison) -> None:
    """400 people come to hospital: 300 leave A&E again, 75 are admitted through A&E, and 25 directly."""
    share = SERVICE["ae"].walk_in.arrives_with_crisis_share.value  # type: ignore[union-attr]  # this service has one
    admitted, sent_home = 100, 300
    record = compared.records["baseline"][0]
    opened = np.zeros_like(record.monthly["opened"])
    opened[0, SERVICES.index("emergency_admission"), 0, 0] = admitted
    opened[0, SERVICES.index("ae"), 0, 0] = sent_home + share * admitted
    month, _ = values_by_step(replace(record, monthly={**record.monthly, "opened": opened}), EPISODES, None)
    assert month[0, 0] * record.monthly["people"][0].sum() / 12_000.0 == pytest.approx(admitted + sent_home)
    assert {s.id for s in COUNTED if share_counted(s) < 1.0} == {"emergency_admission"}


@pytest.mark.statistics
def test_admissions_are_visits_as_often_as_the_count_takes_them_to_be() -> None:
    """With no visit but those of crises, A&E has the stated share of the admissions.

    Four standard errors of a binomial share: by chance alone the test fails once in 16,000 runs.
    """
    from strategies import calibrated, scenario, town

    from sim.simulation.simulate import run_months

    world = town(PEOPLE)
    rates = world.rates._replace(walk_in=0.0 * world.rates.walk_in, knock=0.0 * world.rates.knock)
    opened = run_months(world._replace(rates=rates), scenario(2), calibrated().params, 0).monthly["opened"]
    visits, admissions = (opened[:, SERVICES.index(name)].sum() for name in ("ae", "emergency_admission"))
    share = 1.0 - share_counted(SERVICE["emergency_admission"])
    assert abs(visits - share * admissions) < 4.0 * np.sqrt(share * (1.0 - share) * admissions)


# The index.


def test_the_baselines_first_year_is_100(compared: Comparison) -> None:
    """On average over the seeds, and in a run of one scenario by itself; a policy is measured in the same points."""
    assert compared.acute_demand.level("baseline")["mean"][0] == pytest.approx(100.0, abs=1e-12)
    assert compared.values("baseline", ACUTE)[:, 0] != pytest.approx(100.0)
    alone = replace(compared, scenarios=compared.scenarios[1:], records={"cut": compared.records["cut"]})
    assert alone.acute_demand.level("cut")["mean"][0] == pytest.approx(100.0, abs=1e-12)
    together, by_itself = (result.values("cut", ACUTE) for result in (compared, alone))
    assert together / by_itself == pytest.approx(compared.values("cut", ACUTE)[:, 0].mean() / 100.0)


def pounds(record: Record) -> npt.NDArray[np.float64]:
    """Acute demand by year as written down in words: episodes times their unit cost, over people."""
    cost = sum(unit_cost(s) * record.monthly["opened"][:, SERVICES.index(s.id)].sum(axis=(1, 2)) for s in COUNTED)
    people = record.monthly["people"].sum(axis=(1, 2))
    yearly: npt.NDArray[np.float64] = np.reshape(cost, (-1, 12)).sum(axis=1) / people.reshape(-1, 12).mean(axis=1)
    return yearly


def test_levels_are_pounds_per_person_over_those_of_the_first_year(compared: Comparison) -> None:
    """Every seed and scenario has the same scale, so that differences are paired."""
    first = np.mean([pounds(record)[0] for record in compared.records["baseline"]])
    for name in compared.names:
        expected = [100.0 * pounds(record) / first for record in compared.records[name]]
        assert compared.values(name, ACUTE) == pytest.approx(np.array(expected))


def test_groups_have_the_scale_of_everybody(compared: Comparison) -> None:
    """Fifths and ages are points of one index: weighted by their people, they make the level of everybody."""
    people = np.array([record.monthly["people"] for record in compared.records["baseline"]]).astype(float)
    people = people.reshape(SEEDS, YEARS, 12, *people.shape[2:]).sum(axis=2)
    for by, weights in (("quintile", people.sum(axis=3)), ("age", people.sum(axis=2))):
        groups = np.nan_to_num(compared.grouped("baseline", ACUTE, "year", by)).swapaxes(1, 2)
        mean = (groups * weights).sum(axis=2) / weights.sum(axis=2)
        assert mean == pytest.approx(compared.values("baseline", ACUTE)), by
    fifths = compared.acute_demand.by_year("quintile").query("scenario == 'baseline' and year == 1")["mean"]
    assert fifths.iloc[0] > 100.0 > fifths.iloc[-1]


def test_inequality_is_in_points_of_the_index(compared: Comparison) -> None:
    """The gap is the difference of the index between two fifths, also as a difference from the baseline."""
    fifths = compared.grouped("cut", ACUTE, "year", "quintile")
    assert compared.values("cut", metric("gap_most_least_deprived")) == pytest.approx(fifths[:, 0] - fifths[:, -1])
    for name in ("gap_most_least_deprived", "slope_index"):
        assert metric(name).unit == "points of the index of acute demand"


def test_twice_the_children_in_care_add_their_share_of_the_cost(compared: Comparison) -> None:
    """A service moves the index by its points, and a count of episodes by its number."""
    more = [changed(record, children_in_care=2.0) for record in compared.records["baseline"]]
    doubled = replace(compared, records={"baseline": compared.records["baseline"], "cut": more})
    rows = doubled.composition().set_index(["year", "service"])
    change = doubled.acute_demand.change("cut")["mean"]
    for year in (1, 2):
        assert change[year - 1] == pytest.approx(rows.loc[(year, "children_in_care"), "baseline"])
    assert change.max() > 1.0
    counted = doubled.acute_episodes.change("cut")["mean"]
    share = change / doubled.acute_demand.level("baseline")["mean"]
    assert (counted / doubled.acute_episodes.level("baseline")["mean"] < 0.1 * share).all()


# What it is made of.


def test_the_composition_adds_up(compared: Comparison) -> None:
    """Services add up to the index in every year and scenario, and their differences to its difference."""
    for name in compared.names:
        rows = compared.composition(name)
        assert list(rows.columns[:7]) == ["year", "service", "label", "unit_cost", "baseline", "level", "difference"]
        assert set(rows["service"]) == {service.id for service in COUNTED}
        sums = rows.groupby("year")[["baseline", "level", "difference"]].sum()
        series = compared.acute_demand
        assert sums["baseline"].to_numpy() == pytest.approx(series.level("baseline")["mean"])
        assert sums["level"].to_numpy() == pytest.approx(series.level(name)["mean"])
        assert sums["difference"].to_numpy() == pytest.approx(series.change(name)["mean"], abs=1e-9)
        assert rows.query("year == 1")["baseline"].sum() == pytest.approx(100.0)
    largest = compared.composition().groupby("service", sort=False)["baseline"].mean()
    assert list(largest) == sorted(largest, reverse=True)
    with pytest.raises(KeyError, match="no scenario called 'other'; there are baseline, cut"):
        compared.composition("other")


def test_documents_and_tables_have_the_composition(compared: Comparison) -> None:
    """JSON has the rows of the frame, the spreadsheet a row for each service, and the terminal a table with a sum."""
    document = compared.document()
    rows = compared.composition("cut").to_dict("records")
    assert [row["service"] for row in document["composition"]["cut"]] == [row["service"] for row in rows]
    assert document["composition"]["cut"][-1]["level"] == pytest.approx(rows[-1]["level"], abs=1e-6)
    assert document["meanings"]["acute_demand"] == ACUTE.meaning
    cells = [
        row
        for row in csv.DictReader(io.StringIO(summary_table(document)))
        if (row["metric"], row["by"], row["scenario"], row["year"]) == ("acute_demand", "service", "cut", "2")
    ]
    level = document["scenarios"]["cut"]["acute_demand"]["by_year"][1]["mean"]
    assert sum(float(row["mean"]) for row in cells) == pytest.approx(level, abs=1e-4)
    assert composition_title(document).startswith("What acute demand is made of, in year 2")
    table, _ = composition_lines(document, 160)
    assert isinstance(table, Table)
    labels = list(table.columns[0].cells)
    assert str(labels[-1]) == "All of them"
    assert "Crisis sanctuary" not in map(str, labels), "nobody goes there in either scenario"
    narrow = [line for line in composition_lines(document, 60) if not isinstance(line, Table)]
    assert ("Accident and emergency", 0) in narrow


# One scale in every form of a result.


@pytest.mark.parametrize("name", ["acute_demand", "slope_index"])
def test_runs_that_are_read_one_by_one_have_the_baselines_scale(compared: Comparison, name: str) -> None:
    """`upstream claims` runs each scenario by itself: its readings are those of the comparison."""
    base, cut = compared.scenarios
    readings, setting = Readings(people=PEOPLE), Setting((0, 1, 2))
    for scenario in (cut, base):
        readings.ask(scenario, setting, [(name, {})])
    readings.run()
    for seeds in ((0, 1, 2), (0, 2)):
        read = readings.read({"baseline": base, "cut": cut}, setting, seeds)
        records = {key: [compared.records[key][seed] for seed in seeds] for key in compared.names}
        expected = replace(compared, seeds=seeds, records=records)
        for key in compared.names:
            assert read(key, name, {}) == pytest.approx(expected.values(key, metric(name)))


def test_joined_results_have_the_scale_of_all_their_seeds(compared: Comparison) -> None:
    """The constant of a part is not that of the whole: `concat` computes it again."""
    parts = [
        replace(
            compared,
            seeds=compared.seeds[some],
            records={name: records[some] for name, records in compared.records.items()},
        )
        for some in (slice(0, 1), slice(1, None))
    ]
    assert parts[0].index_scale(ACUTE) != parts[1].index_scale(ACUTE)
    joined = sim.concat(parts)
    assert joined.index_scale(ACUTE) == compared.index_scale(ACUTE)
    assert np.array_equal(joined.values("cut", ACUTE), compared.values("cut", ACUTE))


def test_replicates_have_the_scale_of_the_seeds(compared: Comparison) -> None:
    """Runs that repeat some draws are in the points of the comparison, not in points of their own."""
    again = replace(compared, seeds=(1,), records={name: some[1:2] for name, some in compared.records.items()})
    result = replace(compared, replicates=again, settings={**compared.settings, "draws": "all"})
    values, replicates = result.paired(lambda of: of.values("cut", ACUTE), "year")
    assert replicates is not None
    assert np.array_equal(replicates.values, values[1:2])


def test_the_yardstick_does_not_move_with_parameters() -> None:
    """With other costs in a scenario, and so in a draw, the same episodes are the same demand."""
    base = sim.Scenario.load("baseline").with_settings(years=1)
    expensive = base.model_copy(update={"parameters": {"services.ae.cost.per_episode": 300.0}, "calibrate": "none"})
    results = [sim.run(each, people=1_500, seeds=1, draws="none") for each in (base, expensive)]
    services: Mapping[str, Service] = SERVICE
    for result in results:
        row = result.composition().query("year == 1 and service == 'ae'").iloc[0]
        assert row["unit_cost"] == services["ae"].cost.per_episode.value  # type: ignore[union-attr]  # this service has one
    assert results[0].spend_acute.level("baseline")["mean"] != results[1].spend_acute.level("baseline")["mean"]
