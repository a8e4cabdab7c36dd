"""Policies for some people only: they change the help, the money and the refusals of those people and of no others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import SERVICES, calibrated, columns, different, live, same, scenario, town

from sim.engine.schedule import Clock
from sim.results.service_groups import services_of
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.simulation.month import Month
from sim.simulation.simulate import run_months, set_aim_groups
from sim.state.codes import EMPTY_SLOT, RESPONSIVE
from sim.state.world import World, handle
from sim.world.build import copy

PEOPLE = 6_000
OVER_65 = {"ages": [65, 109]}


def baseline(years: int = 3) -> Scenario:
    """The baseline in a town that is large enough to have all deprivation fifths."""
    return scenario(years).with_settings(people=PEOPLE)


def helped(world: World, service: str, groups: np.ndarray) -> np.ndarray:
    """The number of people whom a service helps, by their group."""
    s, people = SERVICES.index(service), world.people
    is_helped = (people.age != EMPTY_SLOT) & (people.help[world.services.domain[s]] == 1 + s)
    return np.bincount(groups[people.neighbourhood[is_helped], people.band[is_helped]], minlength=int(groups.max()) + 1)


def followed(policy: Scenario, seed: int, service: str, groups: np.ndarray) -> np.ndarray:
    """The number of people helped, of shape (month, group)."""
    world = copy(town(PEOPLE, seed))
    set_aim_groups(world, policy)
    month = Month(calibrated().params, policy.paths(SERVICES, world.places))
    out = []
    for m in range(12 * policy.years):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        out.append(helped(world, service, groups))
    return np.array(out)


def pair(policy: Scenario, seed: int, service: str, towns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The number of people helped by month and group, with the policy and without it, summed over towns."""
    groups = policy.groups(town(PEOPLE, seed).places)
    runs = [
        (followed(policy, n, service, groups), followed(baseline(policy.years), n, service, groups))
        for n in range(seed, seed + towns)
    ]
    return sum(after for after, _ in runs), sum(before for _, before in runs)


@pytest.mark.statistics
def test_a_cut_for_some_ages_affects_only_those_ages(seed: int) -> None:
    """Home care cut by 31 % for people over 65 falls by that for them, and does not change for other people.

    In eighteen towns over four years the paired ratios were 0.745 and 0.925, with standard errors near 0.01 (over
    three sets of six towns): the bounds are three or more of them away. Both differ from the plain 0.69 and 1: some
    places are empty at baseline (3 %), so that a cut removes a little less help than places, and two small pools may
    be idle more often than one.
    """
    cut = baseline(6).with_policy("service_budget", value=0.69, service="home_care", who=OVER_65)
    after, before = pair(cut, seed, "home_care", towns=18)
    ratio = after[24:].sum(axis=0) / before[24:].sum(axis=0)
    assert ratio[1] == pytest.approx(0.69, abs=0.09)
    assert ratio[0] == pytest.approx(1.0, abs=0.15)


def test_a_service_closes_at_once_where_it_is_closed(seed: int) -> None:
    """Youth work closed in half the neighbourhoods helps nobody in them from the first month; elsewhere it goes on."""
    closure = baseline().with_policy("service_budget", value=0.0, service="youth_work", where={"share": 0.5})
    after, before = pair(closure, seed, "youth_work", towns=3)
    assert before[12:, 1].sum() > 0
    assert after[11, 1] == before[11, 1]
    assert not after[12:, 1].any()
    assert after[12:, 0].sum() > 0.8 * before[12:, 0].sum()


def test_a_budget_for_some_grows_by_their_part(seed: int) -> None:
    """A budget doubled for some people grows by the part of the service that those people had."""
    policy = baseline(2).with_policy(
        "service_budget", value=2.0, service="gp", where={"quintiles": [1]}, start="2025-04"
    )
    world = copy(town(PEOPLE, seed))
    groups = policy.groups(world.places)
    set_aim_groups(world, policy)
    Month(calibrated().params, policy.paths(SERVICES, world.places))(
        world, handle(world), Clock(np.uint64(seed), np.int64(0))
    )
    s = SERVICES.index("gp")
    part = world.aims.part[:, s]
    assert part.sum() == pytest.approx(1.0)
    had = helped(town(PEOPLE, seed), "gp", groups)
    assert part[1] == pytest.approx(had[1] / had.sum(), abs=0.02)
    assert world.services.granted[s] / world.services.base_budget[s] == pytest.approx(1.0 + part[1])


def test_a_grant_is_pounds_per_head(seed: int) -> None:
    """A grant of £10 per head adds £10 a resident to one budget and changes no other; for some ages, £10 for each."""
    s = SERVICES.index("community_nursing")
    for ages, heads in ((None, slice(None)), (OVER_65, slice(7, None))):
        policy = baseline(2).with_policy("grant", shift=10.0, service="community_nursing", who=ages, start="2025-04")
        world = copy(town(PEOPLE, seed))
        people = world.tally.people[:, heads].sum()
        set_aim_groups(world, policy)
        Month(calibrated().params, policy.paths(SERVICES, world.places))(
            world, handle(world), Clock(np.uint64(seed), np.int64(0))
        )
        more = world.services.granted - world.services.base_budget
        assert more[s] == pytest.approx(10.0 * people, rel=0.01)
        assert np.delete(more, s) == pytest.approx(0.0)


def test_a_threshold_for_one_fifth_affects_only_that_fifth(seed: int) -> None:
    """A higher threshold in the most deprived fifth refuses more requests in it, and no more elsewhere."""
    policy = baseline().with_policy("threshold", value=0.8, where={"quintiles": [1]}, start="2025-04")
    responsive = services_of(RESPONSIVE)  # a threshold is that of services which assess
    turned, asked = {}, {}
    for name, case in (("with", policy), ("without", baseline())):
        record = run_months(town(PEOPLE, seed), case, calibrated().params, seed).monthly
        turned[name] = record["turned_away"][:, responsive].sum(axis=(0, 1)).astype(float)
        asked[name] = record["asked"][:, responsive].sum(axis=(0, 1)).astype(float)
    share = {name: turned[name] / np.maximum(1.0, asked[name]) for name in turned}
    assert share["with"][0] > share["without"][0] + 0.15
    assert share["with"][1:] == pytest.approx(share["without"][1:], abs=0.06)


def test_aims_without_effect_change_nothing(seed: int) -> None:
    """A targeted policy that moves nothing changes no column in any month, except those of the targeting itself."""
    policy = baseline(1).with_policy("total_budget", value=1.0, where={"quintiles": [1]}, who=OVER_65, start="2025-04")
    world = copy(town(PEOPLE, seed))
    set_aim_groups(world, policy)
    month = Month(calibrated().params, policy.paths(SERVICES, world.places))
    for m, expected in live(town(PEOPLE, seed), baseline(1), seed):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        apart = [n for n in different(columns(world), columns(expected)) if not n.startswith("aims.")]
        assert not apart, f"in month {m}"


def test_a_share_selects_the_same_neighbourhoods_for_every_seed(seed: int) -> None:
    """Half the neighbourhoods are the same half for every seed, and include those that a share of 0.25 selects."""
    places, others = town(PEOPLE, seed).places, town(PEOPLE, seed + 1).places
    chosen = {}
    for share in (0.25, 0.5, 1.0):
        policy = baseline().with_policy("total_budget", value=0.9, where={"share": share})
        chosen[share] = policy.groups(places).any(axis=1)
        assert same(policy.groups(places), policy.groups(others))
        assert chosen[share].sum() == round(share * places.code.size)
    assert (chosen[0.25] <= chosen[0.5]).all()


def test_people_in_the_same_policies_are_one_group(seed: int) -> None:
    """Two overlapping aims make three groups and everybody else, each with its own value of the lever."""
    places = town(PEOPLE, seed).places
    policy = (
        baseline()
        .with_policy("total_budget", value=0.8, where={"quintiles": [1]})
        .with_policy("total_budget", shift=-0.1, who=OVER_65, start="2027-04")
    )
    groups = policy.groups(places)
    assert groups.max() == 3
    path = policy.paths(SERVICES, places)["total_budget"]
    assert path.shape == (36, 4 * len(SERVICES))
    last = path[-1].reshape(4, -1)[:, 0]
    both = groups[places.quintile == 0][:, 9][0]
    assert sorted(last) == pytest.approx([0.7, 0.8, 0.9, 1.0])
    assert last[both] == pytest.approx(0.7)
    assert last[0] == 1.0


def test_a_lever_by_neighbourhood_has_a_column_for_each(seed: int) -> None:
    """A lever by neighbourhood, aimed at some, changes the weights of those and of no others."""
    policy = baseline().with_policy("neighbourhood_formula", value=2.0, where={"quintiles": [1]}, start="2025-04")
    world = copy(town(PEOPLE, seed))
    for _, now in live(world, policy, seed):
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
def test_a_wrong_aim_is_refused(aim: str, words: list[str], tmp_path: Path) -> None:
    """The message has the line, the key, the value that was expected and the value that came."""
    file = tmp_path / "aimed.toml"
    file.write_text(
        'name = "aimed"\nlabel = "Aimed"\nquestion = "What does it do?"\nreason = "It changes the lever."\n'
        f'[[policies]]\nlever = "total_budget"\nstart = "2026-04"\n{aim}\nvalue = 0.9\n'
    )
    with pytest.raises(InputError) as error:
        Scenario.load(file)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("lever", "options", "words"),
    [
        ("service_budget", {"value": 2.0}, ["service_budget", "the service"]),
        ("prevention_share", {"shift": 0.01, "where": {"quintiles": [1]}}, ["some neighbourhoods", "total_budget"]),
        ("community_investment", {"value": 2.0, "who": {"ages": [0, 4]}}, ["some ages", "threshold"]),
        ("prevention_share", {"shift": 0.01, "service": "gp"}, ["some services", "service_budget"]),
    ],
)
def test_a_lever_refuses_aims_that_it_does_not_have(lever: str, options: Mapping[str, Any], words: list[str]) -> None:
    """A lever refuses an aim that it does not have, and a policy without an aim that it needs."""
    with pytest.raises(InputError) as error:
        baseline().with_policy(lever, **options)
    for word in words:
        assert word in str(error.value)
