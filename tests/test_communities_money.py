"""Groups, peers, what a place exposes people to, and money between silos: each against a plain formula, and knocked
out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from strategies import LEVERS, SERVICES, calibrated, live, moved, scenario, town

from sim.engine.schedule import REGISTRY, Clock, NoParams
from sim.engine.thinning import reach
from sim.feedback import double_running as double
from sim.feedback import (
    legitimacy,
    non_statutory_closure,
    political_attention,
    pooled_accounts,
    programme_costs,
    semi_fixed_costs,
)
from sim.networks import exposure, groups, local_fit, micro_enterprises, mutual_help, peers, social_prescribing
from sim.people.need import bound, worsening
from sim.policies import ring_fence
from sim.simulation.simulate import run_months
from sim.state.tables import (
    ACUTE,
    CARE,
    COMMUNITY,
    ECONOMIC,
    EMPTY_SLOT,
    FAMILY,
    MENTAL,
    PHYSICAL,
    PREVENTIVE,
    PURPOSES,
    World,
    handle,
)
from sim.world.build import copy

MINE = (
    "pooling",
    "ring_fence",
    "political_salience",
    "cashable",
    "grown_or_commissioned",
    "organisers",
    "resident_control",
    "peer_support",
    "micro_enterprise",
    "mutual_aid",
    "volunteering_days",
    "air_and_activity",
    "housing_quality",
    "job_security",
    "income_floor",
    "recession",
    "pandemic",
    "ageing_wave",
    "devolution",
    "resident_voice",
)
GROUPS = groups.CommunityGroups().compiled()
Step = Callable[..., None]


@pytest.fixture
def world(seed: int) -> World:
    """A town of six neighbourhoods or so, to be changed at will."""
    return copy(town(9_000, seed))


def clock(month: int = 0, seed: int = 0) -> Clock:
    return Clock(np.uint64(seed), np.int64(month))


def run(world: World, kernel: Step, params: object, months: int = 1, first: int = 0) -> None:
    """A kernel by itself, for so many months."""
    seen = handle(world)
    for m in range(first, first + months):
        kernel(seen, params, clock(m))


def everywhere(world: World, **rules: float) -> None:
    for name, value in rules.items():
        getattr(world.rules, name)[:] = value


def calm(world: World) -> None:
    """Groups as they are where chance has done nothing."""
    places = world.places
    for column in (places.grown, places.energy, places.knowhow):
        column[:] = 1.0
    for column in (places.led, places.fullness, places.aid, places.commissioned):
        column[:] = 0.0
    world.services.plan[:] = world.services.base_budget


def community_money(world: World, multiple: float) -> None:
    one = world.services.tier == COMMUNITY
    world.services.plan[one] = multiple * world.services.base_budget[one]


# Community groups.


def test_groups_stay_where_they_are_when_nothing_changes(world: World) -> None:
    """At baseline, chance apart, grown groups and know-how are 1 and stay 1 to the last bit."""
    calm(world)
    run(world, groups.grow, GROUPS, 240)
    assert (world.places.grown == 1.0).all()
    assert (world.places.energy == 1.0).all()
    assert (world.places.knowhow == 1.0).all()


@pytest.mark.statistics
def test_leaders_come_as_often_as_they_go(world: World) -> None:
    """The mean number of leaders stays at its parameter, as immigration and death have it: a Poisson number.

    The mean of 40 trials x 6 neighbourhoods x 40 years, in each of which about 8 independent numbers of variance 3
    fall, has a standard error of 0.04; five of them are allowed.
    """
    world.places.energy[:] = 1.0
    seen = []
    for trial in range(40):
        world.places.leaders[:] = GROUPS.leaders
        for m in range(600):
            groups.lead(handle(world), GROUPS, clock(m, trial))
            if m >= 120:
                seen.append(world.places.leaders.copy())
    assert np.mean(seen) == pytest.approx(GROUPS.leaders, abs=0.2)
    assert np.var(seen) == pytest.approx(GROUPS.leaders, rel=0.25)


def test_growth_is_slow_and_loss_is_fast(world: World) -> None:
    """A month of growth and of loss are the formula's; what four years build, four years without money halve twice."""
    calm(world)
    community_money(world, 4.0)
    run(world, groups.grow, GROUPS)
    assert world.places.grown == pytest.approx(1.0 + (4.0**GROUPS.lean - 1.0) / GROUPS.build)
    run(world, groups.grow, GROUPS, 47)
    built = world.places.grown.copy()
    assert (built < 1.0 + 0.7 * (4.0**GROUPS.lean - 1.0)).all()
    community_money(world, 0.0)
    run(world, groups.grow, GROUPS, 48)
    assert (world.places.grown < 0.1 * built).all()


def test_bought_groups_come_at_once_and_go_with_the_money(world: World) -> None:
    """A year after a contract begins it runs, a year after it ends little is left; grown groups hardly move."""
    calm(world)
    community_money(world, 2.0)
    everywhere(world, seeded=0.5)
    run(world, groups.grow, GROUPS, 12)
    assert world.places.commissioned == pytest.approx(GROUPS.worth, rel=0.02)
    assert (world.places.energy > 1.4).all()
    community_money(world, 1.0)
    everywhere(world, seeded=1.0)
    run(world, groups.grow, GROUPS, 12)
    assert (world.places.commissioned < 0.02).all()
    assert world.places.energy == pytest.approx(1.0, abs=0.06), "the baseline's groups, less what was crowded out"


def test_what_closed_reopens_more_slowly(world: World) -> None:
    """Two years without money cost know-how, and the first year's growth after them is that much slower."""
    calm(world)
    community_money(world, 0.0)
    run(world, groups.grow, GROUPS, 24)
    known = world.places.knowhow.copy()
    assert (known < 0.4).all()
    community_money(world, 1.0)
    fresh = copy(world)
    fresh.places.knowhow[:] = 1.0
    before = world.places.grown.copy()
    for w in (world, fresh):
        run(w, groups.grow, GROUPS)
    assert world.places.grown - before == pytest.approx(known * (fresh.places.grown - before))


def test_groups_spread_to_those_beside_them(world: World) -> None:
    """One strong neighbourhood lifts the next and loses what it gives: the sum of what spreads is nothing."""
    calm(world)
    world.places.grown[:] = 1.0
    world.places.grown[2] = 1.5
    still = GROUPS._replace(build=1e12, fade=1e12)
    run(world, groups.grow, still)
    assert world.places.grown.sum() == pytest.approx(world.places.grown.size + 0.5)
    assert world.places.grown[1] == world.places.grown[3] == pytest.approx(1.0 + GROUPS.spread * 0.5)


def test_a_reorganisation_sets_groups_back(world: World) -> None:
    calm(world)
    everywhere(world, restructuring=1.0)
    run(world, groups.grow, GROUPS)
    assert world.places.grown == pytest.approx(1.0 - GROUPS.setback)


def test_energy_saturates() -> None:
    """As it is up to `ease`, smooth beyond, never above `most`."""
    p = GROUPS
    assert groups.saturated(p, 1.7) == 1.7
    assert groups.saturated(p, p.ease + 1e-6) == pytest.approx(p.ease + 1e-6)
    assert p.ease < groups.saturated(p, 3.0) < 3.0
    assert groups.saturated(p, 1e6) == pytest.approx(p.most)


def test_residents_in_control_make_places_differ() -> None:
    """Over many neighbourhoods some are captured, the others differ, and the mean is what the formula says."""
    fit = np.array([groups.resident_fit(GROUPS, np.uint64(s), n) for s in range(40) for n in range(50)])
    assert (fit == -GROUPS.captors).mean() == pytest.approx(GROUPS.captured, abs=0.04)
    assert fit.mean() == pytest.approx((1 - GROUPS.captured) * GROUPS.gain - GROUPS.captured * GROUPS.captors, abs=0.02)
    assert fit.std() > 0.15


def test_link_workers_fill_groups(world: World) -> None:
    """Three times the link workers without more groups reach no more people than groups have room for, and tire them;
    with three times the groups' energy they reach three times as many."""
    p = social_prescribing.SocialPrescribing().compiled()
    calm(world)
    link = SERVICES.index("link_worker")
    services = world.services
    services.posts[link] = 3.0
    services.places[:] = services.base_places * services.posts
    run(world, social_prescribing.limit, p)
    assert services.places[link] == pytest.approx(p.holds * p.squeeze * services.base_places[link])
    services.helped[link] = 1000
    world.services.base_places[link] = 1000.0 / 3.0
    run(world, social_prescribing.tire, p)
    assert world.places.fullness[0] == pytest.approx(3.0 / p.holds)
    run(world, groups.grow, GROUPS, 60)
    assert (world.places.energy < 0.9).all()
    calm(world)
    world.places.energy[:] = 3.0
    services.places[:] = services.base_places * services.posts
    run(world, social_prescribing.limit, p)
    assert services.places[link] == pytest.approx(3.0 * services.base_places[link])


def test_mutual_aid_fades_unless_nurtured(world: World) -> None:
    """A year of pandemic lifts aid; three years on it is gone, and where it was nurtured some of it has taken root."""
    p = mutual_help.MutualHelp().compiled()
    other = copy(world)
    for w, nurtured in ((world, 0.0), (other, 1.0)):
        calm(w)
        everywhere(w, pandemic=1.0, mutual_aid=nurtured)
        run(w, mutual_help.help_each_other, p, 12)
        assert (w.places.aid > 0.2).all()
        everywhere(w, pandemic=0.0)
        run(w, mutual_help.help_each_other, p, 36, 12)
    assert (world.places.aid < 0.02).all()
    assert (world.places.grown == 1.0).all()
    assert (other.places.aid > 3.0 * world.places.aid).all()
    assert (other.places.grown > 1.1).all()


# What people are exposed to.


def test_peers_are_recovered_people(seed: int) -> None:
    """Recoveries are counted by hand from one month's changes; buying all groups keeps most peers away.

    The town is small enough to be one part, so that all changes stand in one list. Levels at the month's start are
    those of the month before: by its end those of the next month's are noted."""
    p, world = peers.Peers().compiled(), town(6_500, seed)
    months = [copy(w) for m, w in live(world, scenario(1), seed) if m in (2, 3)]
    now = months[1]
    now.people.before[:] = months[0].people.before
    people, kinds = now.people, world.rates.kind
    recovered = np.zeros(now.places.recovered.size)
    for k in range(int(now.screen.events[0])):
        i, d, to = (int(x[k]) for x in (now.screen.event_row, now.screen.event_domain, now.screen.event_to))
        if kinds[d] in (MENTAL, FAMILY) and people.before[d, i] >= 2 and to < people.before[d, i]:
            recovered[people.neighbourhood[i]] += 1
    assert recovered.sum() > 0
    asked, bought = copy(now), copy(now)
    everywhere(asked, peer_support=1.0)
    everywhere(bought, peer_support=1.0, seeded=0.0)
    for w in (now, asked, bought):
        w.places.peers[:] = 0.0
        run(w, peers.become_peers, p)
    assert now.places.peers.sum() == 0.0
    assert asked.places.peers.sum() <= p.invited * recovered.sum() * 1.001
    assert asked.places.peers.sum() > 0.0
    assert bought.places.peers == pytest.approx((1.0 - p.bought_out) * asked.places.peers)


P = exposure.Exposure().compiled()


def hazards(world: World, kind: int) -> np.ndarray:
    d = int(np.flatnonzero(world.rates.kind == kind)[0])
    seen = handle(world)
    return np.array([exposure.log_hazard(seen, P, d, n) for n in range(world.places.energy.size)])


def test_nothing_is_exposed_at_baseline(world: World) -> None:
    """With no lever moved every exposure is 1 to the last bit, and nobody is bounded anew."""
    world.people.changed[:] = 0
    run(world, exposure.expose, P, 24)
    run(world, local_fit.suit, local_fit.LocalFit().compiled(), 24)
    assert (world.places.exposure == 1.0).all()
    assert (world.places.fit == 1.0).all()
    assert not world.people.changed.any()


@pytest.mark.parametrize(
    ("rule", "kind", "value", "expected"),
    [
        ("air_and_activity", PHYSICAL, 1.0, P.air_physical),
        ("housing_quality", PHYSICAL, 0.5, 0.5 * P.homes_physical),
        ("housing_quality", ECONOMIC, 1.0, P.homes_economic),
        ("job_security", FAMILY, 1.0, P.work_family),
        ("income_floor", ECONOMIC, 10.0, P.income_economic),
        ("income_floor", ECONOMIC, 40.0, P.income_economic * 4.0**P.lean),
        ("income_floor", CARE, 40.0, 0.0),
        ("unemployment", FAMILY, 3.0, 3.0 * P.jobless_family),
        ("pandemic", MENTAL, 1.0, P.pandemic_mental),
    ],
)
def test_a_cause_moves_the_hazard(world: World, rule: str, kind: int, value: float, expected: float) -> None:
    """The change of the log hazard is the parameter's, in the neighbourhoods that have the cause and no others."""
    getattr(world.rules, rule)[1] = value
    x = hazards(world, kind)
    assert x[1] == pytest.approx(expected)
    assert (np.delete(x, 1) == 0.0).all()


def test_a_service_may_act_on_everybody(world: World) -> None:
    """Twice the posts add what the service says to the log hazard, half take it away, none at all twice that."""
    d = int(np.flatnonzero(world.rates.kind == PHYSICAL)[0])
    world.services.exposure[4, d] = -0.05
    for posts, times in ((1.0, 0.0), (2.0, 1.0), (0.5, -1.0), (0.0, -2.0), (100.0, 2.0)):
        world.services.posts[4] = posts
        assert hazards(world, PHYSICAL) == pytest.approx(-0.05 * times)


def test_exposure_follows_late_and_everybody_is_bounded_anew(world: World) -> None:
    """After a long time exposure is exp of the change, the hazard is multiplied by it, and no bound lies below it."""
    d = int(np.flatnonzero(world.rates.kind == ECONOMIC)[0])
    everywhere(world, unemployment=6.0)
    run(world, exposure.expose, P)
    assert world.places.exposure[d] == pytest.approx(1.0 + (math.exp(6.0 * P.jobless_economic) - 1.0) / P.lag)
    usual = copy(world)
    usual.places.exposure[:] = 1.0
    run(world, exposure.expose, P, 200)
    assert world.places.exposure[d] == pytest.approx(math.exp(6.0 * P.jobless_economic))
    need = calibrated().params["need"].compiled()
    world.people.changed[:] = 1
    for name in ("room_of_bounds", "bound_updates"):
        run(world, REGISTRY.entries[name].kernel, NoParams().compiled())
    run(world, bound, need)
    heads = world.dwellings.head[world.dwellings.occupants > 0]
    some = [int(i) for i in heads[:400] if world.people.level[d, i] < 2 and world.people.age[i] != EMPTY_SLOT]
    assert some
    for i in some:
        now = worsening(handle(world), need, d, i, world.people.level, 0.0)
        before = worsening(handle(usual), need, d, i, usual.people.level, 0.0)
        assert now == pytest.approx(before * math.exp(6.0 * P.jobless_economic))
        assert now <= reach(world.people.up_bound[d, i]) / 65536.0 + 1e-12


def test_deciding_locally_alone_only_spreads(world: World) -> None:
    """Devolution moves the mean of many places by nothing unless practice is relational, and their spread at once."""
    p = local_fit.LocalFit().compiled()
    everywhere(world, devolution=1.0)
    wanted = [[local_fit.wanted_fit(handle(world), p, np.uint64(s), n) for n in range(6)] for s in range(400)]
    assert np.mean(wanted) == pytest.approx(1.0, abs=0.01)
    assert np.std(wanted) == pytest.approx(p.varies / math.sqrt(3.0), rel=0.1)
    world.places.practice[:] = 1.2
    relational = [[local_fit.wanted_fit(handle(world), p, np.uint64(s), n) for n in range(6)] for s in range(400)]
    assert np.mean(relational) == pytest.approx(1.0 + 0.2 * p.by_practice, abs=0.01)


def test_catalysts_bring_places(world: World) -> None:
    p = micro_enterprises.MicroEnterprises().compiled()
    services = world.services
    everywhere(world, micro_enterprise=2.0)
    for m in range(400):
        services.places[:] = services.base_places
        run(world, micro_enterprises.set_up, p, 1, m)
    care = world.rates.kind[services.domain] == CARE
    helped = (services.tier == PREVENTIVE) & care
    assert helped.any()
    assert services.places[helped] == pytest.approx(services.base_places[helped] * (1.0 + 2.0 * p.providers))
    assert (services.places[~helped] == services.base_places[~helped]).all()


# Money.


def by_silo(world: World, pounds: np.ndarray) -> np.ndarray:
    return np.bincount(world.services.silo, weights=pounds, minlength=world.money.carried.size)


def test_a_pool_shares_to_the_penny(world: World) -> None:
    """Debts are shared by what silos are granted, savings by what their prevention is; nothing is made or lost."""
    rng = np.random.default_rng(1)
    services = world.services
    everywhere(world, pooling=0.7)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    lines = by_silo(world, services.granted * upstream)
    for sign in (-1, 1):
        carried = sign * rng.integers(1, 10**9, world.money.carried.size)
        world.money.carried[:] = carried
        run(world, pooled_accounts.pool, None, 1, 11)
        assert world.money.pooled.sum() == 0
        assert (world.money.carried == carried + world.money.pooled).all()
        share = by_silo(world, services.granted) if sign < 0 else lines
        given = 0.7 * carried
        assert world.money.pooled == pytest.approx(given.sum() * share / share.sum() - given, abs=12)
    before = world.money.carried.copy()
    run(world, pooled_accounts.pool, None, 1, 5)
    assert not world.money.pooled.any()
    assert (world.money.carried == before).all()


@pytest.mark.parametrize("what", ["political_attention", "non_statutory_closure", "ring_fence"])
def test_money_is_moved_not_made(world: World, what: str) -> None:
    """What a headline pulls, the law protects or a fence keeps leaves each silo's total where it was."""
    services = world.services
    services.granted[:] = services.base_budget * 0.8
    services.load[services.tier == ACUTE] = services.base_load[services.tier == ACUTE] * 1.2
    everywhere(world, attention=1.0)
    before = services.granted.copy()
    if what == "political_attention":
        run(world, political_attention.pull, political_attention.PoliticalAttention().compiled())
    elif what == "non_statutory_closure":
        run(world, non_statutory_closure.close_first, non_statutory_closure.NonStatutoryClosure().compiled())
    else:
        run(world, ring_fence.fence, np.ones((1, 1)))
    change = services.granted - before
    assert by_silo(world, services.granted) == pytest.approx(by_silo(world, before))
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    if what == "political_attention":
        assert (change[services.tier == ACUTE][services.base_budget[services.tier == ACUTE] > 0] > 0.0).all()
        assert (change[services.tier != ACUTE] < 0.0).sum() > 10
    elif what == "non_statutory_closure":
        # A silo in which the law demands nothing but acute care has nobody to protect.
        assert (change[services.statutory == 0] <= 0.0).all()
        assert change.min() < 0.0
        assert (change[(services.statutory == 1) & (services.tier != ACUTE)] >= 0.0).all()
        assert (change[services.tier == ACUTE] == 0.0).all()
    else:
        assert services.granted[upstream] == pytest.approx(services.base_budget[upstream])


def test_a_fence_keeps_debts_away(world: World) -> None:
    """A year of overspends takes nothing from fenced lines: the centre pays it all."""
    services, money = world.services, world.money
    settle, pass_on = REGISTRY.entries["overspend_recovery"].kernel, REGISTRY.entries["passing_on"].kernel
    p = calibrated().params["overspend_recovery"].compiled()
    services.granted[:] = services.base_budget
    debt = (-0.1 * 100.0 * by_silo(world, services.base_budget)).astype(np.int64)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    for floor in (0.0, 1.0):
        everywhere(world, ring_fence=floor)
        money.carried[:] = debt
        run(world, settle, p, 1, 11)
        run(world, pass_on, p)
        lost = services.plan[upstream] < services.granted[upstream] - 0.02
        assert lost.all() if floor == 0.0 else not lost.any()
        assert (money.carried == debt + money.bailed_out).all()


def test_pilots_are_forgotten_and_learnt_again(world: World) -> None:
    """A service that closed for two years and opened again reaches fewer people than its posts would; one that the law
    demands does not forget, and neither does one whose posts stay."""
    p = non_statutory_closure.NonStatutoryClosure().compiled()
    services = world.services
    for m in range(36):
        services.posts[:] = 0.2 if m < 24 else 1.0
        services.places[:] = services.base_places * services.posts
        run(world, non_statutory_closure.forget, p, 1, m)
        if m == 12:
            assert services.places == pytest.approx(services.base_places * 0.2), "nothing to learn while it is small"
    free = (services.statutory == 0) & (services.tier != ACUTE) & (services.base_places > 0)
    assert (services.places[free] < 0.75 * services.base_places[free]).all()
    assert services.places[~free] == pytest.approx(services.base_places[~free])
    services.knowhow[:] = 1.0
    services.posts[:] = 0.9
    run(world, non_statutory_closure.forget, p, 12)
    assert (services.knowhow == 1.0).all()


def test_costs_follow_late_and_in_part(world: World) -> None:
    """An acute service that costs a fifth less than usual saves part of that at once and all of it in the end; with
    nothing cashable it saves nothing, with twice the usual part twice that. To the penny, and at the silo's account."""
    p = semi_fixed_costs.SemiFixedCosts().compiled()
    services, money = world.services, world.money
    s = SERVICES.index("emergency_admission")
    usual = services.base_budget[s] / 12.0 * 100.0
    for cashable, last in ((0.4, 1.0), (0.0, 0.0), (0.8, 2.0)):
        everywhere(world, cashable=cashable)
        services.posts[:] = 1.0
        services.cost_gap[:] = 0.0
        saved = []
        for m in range(120):
            money.spent[:] = np.round(services.base_budget / 12.0 * 100.0 * services.posts)
            money.spent[s] = round(0.8 * usual)
            money.carried[:] = 0
            before = money.spent.copy()
            run(world, semi_fixed_costs.stick, p, 1, m)
            assert money.carried.sum() == before.sum() - money.spent.sum()
            saved.append((usual - money.spent[s]) / (0.2 * usual))
        assert saved[0] == pytest.approx(last * (1.0 - p.late + p.late / p.lag), abs=1e-3)
        assert saved[-1] == pytest.approx(last, abs=1e-3)


def test_a_shift_costs_twice_for_a_while(world: World) -> None:
    """Nothing at baseline; a tenth more prevention costs its set-up, ever less of it."""
    p = double.DoubleRunning().compiled()
    services, money = world.services, world.money
    services.granted[:] = services.settled[:] = services.base_budget
    money.spent[:] = money.carried[:] = 0
    run(world, double.run_both, p, 12)
    assert not money.spent.any()
    services.granted[:] = 1.1 * services.base_budget
    run(world, double.run_both, p)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    new = 0.1 * services.base_budget * upstream
    assert money.spent == pytest.approx(p.set_up * new / 12.0 * 100.0, abs=1)
    assert money.carried == pytest.approx(-by_silo(world, money.spent))
    for _ in range(60):
        money.spent[:] = 0
        run(world, double.run_both, p)
    assert (money.spent < 0.1 * p.set_up * new / 12.0 * 100.0 + 1).all()


def test_every_outlay_has_its_price(world: World) -> None:
    """Ten pounds a week for every adult is 520 pounds a year each; a neighbourhood pays for what it has."""
    p = programme_costs.ProgrammeCosts().compiled()
    people = world.people
    adults = int(((people.age >= 18) & (people.age != EMPTY_SLOT)).sum())
    run(world, programme_costs.pay_out, p)
    assert not world.money.outlay.any()
    everywhere(world, income_floor=10.0)
    run(world, programme_costs.pay_out, p)
    assert world.money.outlay[PURPOSES.index("income_floor")] == pytest.approx(adults * 52_000 / 12.0, abs=1)
    everywhere(world, income_floor=0.0)
    world.rules.air_and_activity[0] = 1.0
    run(world, programme_costs.pay_out, p)
    part = world.places.first[1] / world.places.first[-1]
    alive = int((people.age != EMPTY_SLOT).sum())
    assert world.money.outlay[PURPOSES.index("air_and_activity")] == pytest.approx(
        p.air * 100 / 12 * alive * part, abs=1
    )
    assert len(PURPOSES) == world.money.outlay.size
    assert set(PURPOSES) <= set(LEVERS)


def test_belief_follows_refusals_and_voice(world: World) -> None:
    """Slowly lost by refusing everybody, slowly won by listening; trust follows on birthdays, and not otherwise."""
    p = legitimacy.Legitimacy().compiled()
    services = world.services
    services.refused[:] = services.refused_base
    run(world, legitimacy.answer, p)
    world.places.legitimacy[:] = 1.0
    trust = world.people.trust.copy()
    run(world, legitimacy.answer, p, 24)
    run(world, legitimacy.believe, p, 12)
    assert (world.places.legitimacy == 1.0).all()
    assert (world.people.trust == trust).all()
    services.refused[:] = np.minimum(0.95, services.refused_base + 0.3)
    run(world, legitimacy.answer, p)
    lost = p.hurt * (legitimacy.refused_more(handle(world)) - p.margin)
    assert world.places.legitimacy == pytest.approx(1.0 - lost / p.slow)
    world.places.legitimacy[:] = 0.9
    run(world, legitimacy.believe, p, 12)
    alive = world.people.age != EMPTY_SLOT
    assert world.people.trust[alive] == pytest.approx(np.maximum(0.0, trust[alive] - p.fade * 0.06), abs=1e-6)
    services.refused[:] = services.refused_base
    world.places.legitimacy[:] = 1.0
    everywhere(world, voice=1.0)
    run(world, legitimacy.answer, p, 600)
    assert world.places.legitimacy == pytest.approx(1.0 + p.heard, abs=1e-3)


# Levers and loops in the whole model.


@pytest.mark.parametrize("name", MINE)
def test_a_lever_alone_changes_a_run(name: str, seed: int) -> None:
    """Moved to an end of its range, each changes what four years record, with the same dice."""
    lever = LEVERS[name]
    end = lever.high if lever.high != lever.baseline else lever.low
    world, params = town(9_000, seed), calibrated().params
    usual, other = (run_months(world, scenario(4, p), params, seed) for p in ([], [moved(lever, end, 0, 4)]))
    assert any(not np.array_equal(usual.monthly[k], other.monthly[k]) for k in usual.monthly)


def test_tired_groups_without_their_room_say_something_else(world: World, seed: int) -> None:
    """Where groups are few, the people sent to them tire those that are left; left out, they grow back faster."""
    params = calibrated().params
    world.places.grown[:] = 0.3
    world.places.energy[:] = 0.3
    whole, less = (
        run_months(world, scenario(3), params, seed, out) for out in ((), ("social_prescribing", "groups_room"))
    )
    assert whole.monthly["energy"][-1].mean() < less.monthly["energy"][-1].mean()


@pytest.mark.parametrize(
    ("loop", "levers", "seen"),
    [
        ("groups", {"community_investment": 4.0}, "energy"),
        ("leaders", {"organisers": 5.0}, "energy"),
        ("mutual_help", {"pandemic": 1.0}, "energy"),
        ("peers", {"peer_support": 1.0}, "census"),
        ("exposure", {"recession": 6.0}, "census"),
        ("political_attention", {"political_salience": 2.0, "total_budget": 0.8}, "funding"),
        ("non_statutory_closure", {"total_budget": 0.7}, "funding"),
        ("pooled_accounts", {"pooling": 1.0}, "pooled"),
        ("semi_fixed_costs", {"cashable": 0.0}, "spent"),
        ("double_running", {"community_investment": 4.0}, "spent"),
        ("micro_enterprises", {"micro_enterprise": 5.0}, "outlay"),
        ("programme_costs", {"resident_voice": 1.0}, "outlay"),
        ("legitimacy", {"resident_voice": 1.0}, "legitimacy"),
    ],
)
def test_a_loop_knocked_out_says_something_else(loop: str, levers: dict[str, float], seen: str, seed: int) -> None:
    """With the loop left out, the policy that works through it shows otherwise in the measure it is seen in."""
    world, params = town(9_000, seed), calibrated().params
    what = scenario(4, [moved(LEVERS[name], value, 0, 4) for name, value in levers.items()])
    whole, less = run_months(world, what, params, seed), run_months(world, what, params, seed, (loop,))
    assert not np.array_equal(whole.monthly[seen], less.monthly[seen])


def test_a_loop_that_rests_is_not_there(seed: int) -> None:
    """With no lever moved, what answers to policies alone may be left out and nothing changes, to the last bit."""
    world, params = town(9_000, seed), calibrated().params
    rest = (
        "exposure",
        "local_fit",
        "mutual_help",
        "peers",
        "political_attention",
        "non_statutory_closure",
        "pooled_accounts",
        "double_running",
    )
    whole = run_months(world, scenario(2), params, seed)
    less = run_months(world, scenario(2), params, seed, (*rest, "micro_enterprises", "groups_room", "programme_costs"))
    for name, array in whole.monthly.items():
        assert np.array_equal(array, less.monthly[name]), name


def test_the_catalogue_says_what_a_service_does_to_everybody(seed: int) -> None:
    """What public health's file says it lowers is in the table, by domain; other services do nothing to everybody."""
    table = town(1_500, seed).services.exposure.copy()
    service = next(x for x in calibrated().services if x.id == "public_health")
    assert service.exposure is not None
    for name, lowers in service.exposure.lowers.items():
        d = [x.id for x in calibrated().domains].index(name)
        assert table[SERVICES.index("public_health"), d] == -lowers.value
    table[SERVICES.index("public_health")] = 0.0
    assert not table.any()
