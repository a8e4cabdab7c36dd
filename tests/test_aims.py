"""Policies for some people only, figures of the data files as parameters, and parameters drawn from their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import SERVICES, calibrated, columns, different, live, same, scenario, town

from sim.calibration.calibrate import adapt
from sim.calibration.calibrated_model import Calibrated, england_targets
from sim.engine.schedule import Clock
from sim.ensemble import parameter_sampling
from sim.place.place import Place
from sim.scenario import data_parameters
from sim.scenario.parameters import parameters
from sim.scenario.scenario import Scenario
from sim.schema.toml_files import InputError
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import Month, run_months, set_aim_groups
from sim.state.tables import EMPTY_SLOT, World, handle
from sim.world.build import copy

PEOPLE = 6_000
OLD = {"ages": [65, 109]}


def base(years: int = 3) -> Scenario:
    """The baseline in a town of a size that has all fifths."""
    return scenario(years).with_settings(people=PEOPLE)


def helped(world: World, service: str, groups: np.ndarray) -> np.ndarray:
    """People whom a service helps, by the group they belong to."""
    s, people = SERVICES.index(service), world.people
    mine = (people.age != EMPTY_SLOT) & (people.help[world.services.domain[s]] == 1 + s)
    return np.bincount(groups[people.neighbourhood[mine], people.band[mine]], minlength=int(groups.max()) + 1)


def followed(what: Scenario, seed: int, service: str, groups: np.ndarray) -> np.ndarray:
    """People helped by group, month after month. Shape (month, group)."""
    world = copy(town(PEOPLE, seed))
    set_aim_groups(world, what)
    month = Month(calibrated().params, what.paths(SERVICES, world.places))
    out = []
    for m in range(12 * what.years):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        out.append(helped(world, service, groups))
    return np.array(out)


def pair(what: Scenario, seed: int, service: str, towns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """People helped by group and month with the policy and without it, summed over towns."""
    groups = what.groups(town(PEOPLE, seed).places)
    runs = [
        (followed(what, n, service, groups), followed(base(what.years), n, service, groups))
        for n in range(seed, seed + towns)
    ]
    return sum(after for after, _ in runs), sum(before for _, before in runs)


@pytest.mark.statistics
def test_a_cut_for_the_old_is_theirs_alone(seed: int) -> None:
    """Home care cut by 31 % for people over 65 falls by that for them, and stays what it is for the others.

    In eighteen towns over four years the paired ratios were 0.745 and 0.925, with standard errors near 0.01 (seen over
    three sets of six towns): the bounds are three or more of them away. Both are off the plain 0.69 and 1: some places
    stand empty at baseline (3 %), so a cut takes a little less help than places, and two small pools may stand idle
    more often than one.
    """
    what = base(6).with_policy("service_budget", value=0.69, service="home_care", who=OLD)
    after, before = pair(what, seed, "home_care", towns=18)
    ratio = after[24:].sum(axis=0) / before[24:].sum(axis=0)
    assert ratio[1] == pytest.approx(0.69, abs=0.09)
    assert ratio[0] == pytest.approx(1.0, abs=0.15)


def test_a_service_closes_at_once_where_it_is_closed(seed: int) -> None:
    """Youth work closed in half the neighbourhoods helps nobody there from the first month, and goes on elsewhere."""
    what = base().with_policy("service_budget", value=0.0, service="youth_work", where={"share": 0.5})
    after, before = pair(what, seed, "youth_work", towns=3)
    assert before[12:, 1].sum() > 0
    assert after[11, 1] == before[11, 1]
    assert not after[12:, 1].any()
    assert after[12:, 0].sum() > 0.8 * before[12:, 0].sum()


def test_money_for_some_is_money_for_their_part(seed: int) -> None:
    """A line grows by what the policy adds for the part of the service that the people aimed at had."""
    what = base(2).with_policy("service_budget", value=2.0, service="gp", where={"quintiles": [1]}, start="2025-04")
    world = copy(town(PEOPLE, seed))
    groups = what.groups(world.places)
    set_aim_groups(world, what)
    Month(calibrated().params, what.paths(SERVICES, world.places))(
        world, handle(world), Clock(np.uint64(seed), np.int64(0))
    )
    s = SERVICES.index("gp")
    part = world.aims.part[:, s]
    assert part.sum() == pytest.approx(1.0)
    had = helped(town(PEOPLE, seed), "gp", groups)
    assert part[1] == pytest.approx(had[1] / had.sum(), abs=0.02)
    assert world.services.granted[s] / world.services.base_budget[s] == pytest.approx(1.0 + part[1])


def test_a_grant_is_pounds_per_head(seed: int) -> None:
    """Ten pounds a head come in for the service, from nowhere else; for some people, ten for each of them."""
    s = SERVICES.index("community_nursing")
    for who, heads in ((None, slice(None)), (OLD, slice(7, None))):
        what = base(2).with_policy("grant", shift=10.0, service="community_nursing", who=who, start="2025-04")
        world = copy(town(PEOPLE, seed))
        people = world.tally.people[:, heads].sum()
        set_aim_groups(world, what)
        Month(calibrated().params, what.paths(SERVICES, world.places))(
            world, handle(world), Clock(np.uint64(seed), np.int64(0))
        )
        more = world.services.granted - world.services.base_budget
        assert more[s] == pytest.approx(10.0 * people, rel=0.01)
        assert np.delete(more, s) == pytest.approx(0.0)


def test_refusals_for_some_are_theirs_alone(seed: int) -> None:
    """A higher threshold in the most deprived fifth turns more requests away there, and no more elsewhere."""
    what = base().with_policy("threshold", value=0.8, where={"quintiles": [1]}, start="2025-04")
    turned, asked = {}, {}
    for name, one in (("with", what), ("without", base())):
        record = run_months(town(PEOPLE, seed), one, calibrated().params, seed).monthly
        turned[name] = record["turned_away"].sum(axis=(0, 1)).astype(float)
        asked[name] = record["asked"].sum(axis=(0, 1)).astype(float)
    share = {name: turned[name] / np.maximum(1.0, asked[name]) for name in turned}
    assert share["with"][0] > share["without"][0] + 0.15
    assert share["with"][1:] == pytest.approx(share["without"][1:], abs=0.06)


def test_aims_without_effect_change_nothing(seed: int) -> None:
    """A policy for some people that moves nothing leaves every column of every month as it is, but for the aims."""
    what = base(1).with_policy("total_budget", value=1.0, where={"quintiles": [1]}, who=OLD, start="2025-04")
    world = copy(town(PEOPLE, seed))
    set_aim_groups(world, what)
    month = Month(calibrated().params, what.paths(SERVICES, world.places))
    for m, expected in live(town(PEOPLE, seed), base(1), seed):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        apart = [n for n in different(columns(world), columns(expected)) if not n.startswith("aims.")]
        assert not apart, f"in month {m}"


def test_a_share_is_the_same_lot_for_every_seed(seed: int) -> None:
    """Half the neighbourhoods are the same half for every seed, and hold a quarter of them whole."""
    places, others = town(PEOPLE, seed).places, town(PEOPLE, seed + 1).places
    chosen = {}
    for share in (0.25, 0.5, 1.0):
        what = base().with_policy("total_budget", value=0.9, where={"share": share})
        chosen[share] = what.groups(places).any(axis=1)
        assert same(what.groups(places), what.groups(others))
        assert chosen[share].sum() == round(share * places.code.size)
    assert (chosen[0.25] <= chosen[0.5]).all()


def test_people_in_the_same_policies_are_one_group(seed: int) -> None:
    """Two overlapping aims make three groups and everybody else; each sees its own value of the lever."""
    places = town(PEOPLE, seed).places
    what = (
        base()
        .with_policy("total_budget", value=0.8, where={"quintiles": [1]})
        .with_policy("total_budget", shift=-0.1, who=OLD, start="2027-04")
    )
    groups = what.groups(places)
    assert groups.max() == 3
    path = what.paths(SERVICES, places)["total_budget"]
    assert path.shape == (36, 4 * len(SERVICES))
    last = path[-1].reshape(4, -1)[:, 0]
    both = groups[places.quintile == 0][:, 9][0]
    assert sorted(last) == pytest.approx([0.7, 0.8, 0.9, 1.0])
    assert last[both] == pytest.approx(0.7)
    assert last[0] == 1.0


def test_a_lever_by_neighbourhood_has_a_column_for_each(seed: int) -> None:
    """Where only some neighbourhoods weigh need, the others' weights stay as they are."""
    what = base().with_policy("neighbourhood_formula", value=2.0, where={"quintiles": [1]}, start="2025-04")
    world = copy(town(PEOPLE, seed))
    for _, now in live(world, what, seed):
        weight, first = now.places.weight, now.places.quintile == 0
        assert (weight[~first] == 1.0).all()
        assert (weight[first] != 1.0).all()
        break


@pytest.mark.parametrize(
    ("aim", "words"),
    [
        ('service = ["gp", "gip"]', ["line 8", "service[1]", "got 'gip'", "did you mean 'gp'"]),
        ("service = []", ["at least one service"]),
        ('where = { names = ["d1-01", "d1-99"] }', ["line 8", "names[1]", "got 'd1-99'"]),
        ("where = { quintiles = [6] }", ["line 8", "quintiles[0]", "got 6"]),
        ("where = {}", ["line 8", "quintiles, names or share"]),
        ("where = { share = 1.5 }", ["line 8", "at most 1"]),
        ("where = { quintles = [1] }", ["line 8", "quintiles"]),
        ("who = { ages = [60, 109] }", ["line 8", "edges of age bands", "65-74"]),
    ],
)
def test_a_wrong_aim_is_told(aim: str, words: list[str], tmp_path: Path) -> None:
    """Whatever is wrong with an aim is said with its line, key, what was wanted and what came."""
    file = tmp_path / "aimed.toml"
    file.write_text(
        'name = "aimed"\nlabel = "Aimed"\nquestion = "What does it do?"\nreason = "It does what it does."\n'
        f'[[policies]]\nlever = "total_budget"\nstart = "2026-04"\n{aim}\nvalue = 0.9\n'
    )
    with pytest.raises(InputError) as told:
        Scenario.load(file)
    for word in words:
        assert word in str(told.value)


@pytest.mark.parametrize(
    ("lever", "how", "words"),
    [
        ("service_budget", {"value": 2.0}, ["service_budget", "the service"]),
        ("prevention_share", {"shift": 0.01, "where": {"quintiles": [1]}}, ["some neighbourhoods", "total_budget"]),
        ("community_investment", {"value": 2.0, "who": {"ages": [0, 4]}}, ["some ages", "threshold"]),
        ("prevention_share", {"shift": 0.01, "service": "gp"}, ["some services", "service_budget"]),
    ],
)
def test_a_lever_says_what_it_can_be_aimed_at(lever: str, how: Mapping[str, Any], words: list[str]) -> None:
    """A lever refuses an aim it cannot take, and asks for one it needs."""
    with pytest.raises(InputError) as told:
        base().with_policy(lever, **how)
    for word in words:
        assert word in str(told.value)


# Parameters.


def test_every_figure_is_a_parameter() -> None:
    """Parameters of mechanisms and figures of the data files have one list, each with a value inside its range."""
    every = parameters()
    assert {"waiting.urgency", "services.gp.activity.mean_months"} <= set(every)
    assert "domains.care.crisis.england_total.65-109" in every
    assert "place.ties.close_ties" in every
    for name, (value, told) in every.items():
        assert told.low <= value <= told.high, name
        assert told.unit, name
        assert told.source, name


def test_a_figure_is_set_where_its_name_leads() -> None:
    """A set figure stands in the model that is built, and every other figure is as it was."""
    names = {
        "services.gp.activity.mean_months": 30.0,
        "domains.care.crisis.england_total.65-109": 7.0,
        "domains.care.prevalence.serious.scale": 1.2,
        "place.ties.close_ties": 4.0,
    }
    what = base().with_settings(parameters=names)
    domains, services = data_parameters.set_in_england(what.parameters)
    usual = {n: k.value for n, k in data_parameters.of_england().items()}
    care = next(d for d in domains if d.id == "care")
    assert next(s for s in services if s.id == "gp").activity.mean_months.value == 30.0  # type: ignore[union-attr]  # it has one
    assert care.crisis.england_total[1].value.value == 7.0
    assert care.prevalence.serious.by_age is not None
    assert care.prevalence.serious.by_age["85+"] == pytest.approx(1.2 * 0.21)
    assert data_parameters.set_in_place(Place.load("wigan"), what.parameters).ties.close_ties.value == 4.0
    assert usual["services.gp.activity.mean_months"] != 30.0
    assert data_parameters.set_in_england({}) == data_parameters.set_in_england({"need.none": 1.0})
    untouched = [s for s in services if s.id != "gp"]
    assert untouched == [s for s in load_catalogue() if s.id != "gp"]


def test_a_figure_in_a_file_may_be_a_table_in_a_table(tmp_path: Path) -> None:
    """`services.gp.activity.mean_months = 30` needs no quotes, and a slip in it is told with its line."""
    file = tmp_path / "set.toml"
    start = (
        'name = "set"\nlabel = "Set"\nquestion = "What does it do?"\nreason = "It does what it does."\n[parameters]\n'
    )
    file.write_text(start + "services.gp.activity.mean_months = 30\n")
    assert Scenario.load(file).parameters == {"services.gp.activity.mean_months": 30.0}
    for wrong, words in (("mean_months = 9999", ["line 6", "got 9999"]), ("mean = 3", ["line 6", "mean_months"])):
        file.write_text(start + f"services.gp.activity.{wrong}\n")
        with pytest.raises(InputError) as told:
            Scenario.load(file)
        for word in words:
            assert word in str(told.value)


@pytest.mark.parametrize("which", ["mechanisms", "all"])
def test_a_draw_fills_the_ranges_evenly(which: parameter_sampling.Which) -> None:
    """Draws of a parameter lie in its range, one in each of K equally likely parts; seed k of K always has the same."""
    seeds = tuple(range(20))
    found, again = (parameter_sampling.draws(which, seeds, "anytown", {}) for _ in range(2))
    assert found == again
    every = parameters()
    assert found[0].keys() == {n for n in every if which == "all" or not data_parameters.is_figure(n)}
    for name in found[0]:
        value, told = every[name]
        drawn = np.sort([one[name] for one in found])
        assert told.low <= drawn[0]
        assert drawn[-1] <= told.high
        if not data_parameters.is_figure(name):
            below = (drawn <= value).mean()
            assert below == pytest.approx((value - told.low) / (told.high - told.low), abs=0.051), name


def test_what_is_set_is_not_drawn() -> None:
    """A parameter that the scenario sets keeps its value in every draw."""
    fixed = {"waiting.urgency": 2.0}
    for one in parameter_sampling.draws("mechanisms", (0, 1), "anytown", fixed):
        assert "waiting.urgency" not in one


@pytest.mark.slow
@pytest.mark.statistics
@pytest.mark.timeout(900)
def test_a_drawn_baseline_stays_where_it_is(seed: int) -> None:
    """With drawn parameters, adapted calibration keeps acute demand within 10 % of its first year's for ten years.

    Three draws, each in four towns of 12,000: the drift of such a mean has a standard error of 0.7 % by luck alone. Of
    12 draws of everything tried, all stayed; if in truth only nine in ten did, this would fail about once in four runs.
    """
    for draw in parameter_sampling.draws("mechanisms", tuple(range(seed, seed + 3)), "anytown", {}):
        what = scenario(10).with_settings(parameters=draw)
        domains, services = data_parameters.set_in_england(draw)
        solution = adapt(domains, services, what.params())
        own = Calibrated(domains, services, what.params(), solution, england_targets(domains, services, solution))
        drift = []
        for n in range(4):
            opened = run_months(own.settled(Place.load("anytown"), 12_000, n), what, own.params, n).monthly["opened"]
            by_year = opened.reshape(10, -1).sum(axis=1)
            drift.append(by_year[-1] / by_year[0] - 1.0)
        assert abs(np.mean(drift)) < 0.1
