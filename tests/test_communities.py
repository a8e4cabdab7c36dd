"""Community groups, mutual help, peers and local fit: each mechanism against its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from kernels import clock, run, set_rules
from strategies import SERVICES, live, scenario, town

from sim.networks import groups, local_fit, micro_enterprises, mutual_help, peers, social_prescribing
from sim.state.codes import CARE, COMMUNITY, FAMILY, MENTAL, PREVENTIVE
from sim.state.world import World, handle
from sim.world.build import copy

GROUPS = groups.CommunityGroups().compiled()


@pytest.fixture
def world(seed: int) -> World:
    """A town of about six neighbourhoods, which a test may change."""
    return copy(town(9_000, seed))


def reset_groups(world: World) -> None:
    """Set community groups to the baseline without random variation."""
    places, state = world.places, world.private.groups
    for column in (places.grown, places.energy, state.knowhow):
        column[:] = 1.0
    for column in (state.led, places.fullness, places.aid, state.commissioned):
        column[:] = 0.0
    world.services.plan[:] = world.services.base_budget


def set_community_money(world: World, multiple: float) -> None:
    is_community = world.services.tier == COMMUNITY
    world.services.plan[is_community] = multiple * world.services.base_budget[is_community]


def test_groups_are_constant_at_baseline(world: World) -> None:
    """At baseline, without random variation, grown groups and know-how stay exactly 1."""
    reset_groups(world)
    run(world, groups.grow, GROUPS, 240)
    assert (world.places.grown == 1.0).all()
    assert (world.places.energy == 1.0).all()
    assert (world.private.groups.knowhow == 1.0).all()


@pytest.mark.statistics
def test_leaders_are_an_immigration_death_process(world: World) -> None:
    """The number of leaders has the mean and the variance of an immigration-death process: a Poisson distribution.

    The mean of 40 trials x 6 neighbourhoods x 40 years, each with about 8 independent numbers of variance 3, has a
    standard error of 0.04; the tolerance is five standard errors.
    """
    world.places.energy[:] = 1.0
    samples = []
    for trial in range(40):
        world.private.groups.leaders[:] = GROUPS.leaders
        for m in range(600):
            groups.lead(handle(world), GROUPS, clock(m, trial))
            if m >= 120:
                samples.append(world.private.groups.leaders.copy())
    assert np.mean(samples) == pytest.approx(GROUPS.leaders, abs=0.2)
    assert np.var(samples) == pytest.approx(GROUPS.leaders, rel=0.25)


def test_growth_is_slow_and_loss_is_fast(world: World) -> None:
    """A month of growth follows the formula; four years without money leave less than a tenth of the groups."""
    reset_groups(world)
    set_community_money(world, 4.0)
    run(world, groups.grow, GROUPS)
    assert world.places.grown == pytest.approx(1.0 + (4.0**GROUPS.lean - 1.0) / GROUPS.build)
    run(world, groups.grow, GROUPS, 47)
    built = world.places.grown.copy()
    assert (built < 1.0 + 0.7 * (4.0**GROUPS.lean - 1.0)).all()
    set_community_money(world, 0.0)
    run(world, groups.grow, GROUPS, 48)
    assert (world.places.grown < 0.1 * built).all()


def test_commissioned_groups_follow_the_money(world: World) -> None:
    """A year after a contract starts, its groups are complete; a year after its end, few remain. Grown groups hardly
    change."""
    reset_groups(world)
    set_community_money(world, 2.0)
    set_rules(world, seeded=0.5)
    run(world, groups.grow, GROUPS, 12)
    assert world.private.groups.commissioned == pytest.approx(GROUPS.worth, rel=0.02)
    assert (world.places.energy > 1.4).all()
    set_community_money(world, 1.0)
    set_rules(world, seeded=1.0)
    run(world, groups.grow, GROUPS, 12)
    assert (world.private.groups.commissioned < 0.02).all()
    assert world.places.energy == pytest.approx(1.0, abs=0.06), "the baseline's groups, less those crowded out"


def test_groups_that_closed_grow_more_slowly(world: World) -> None:
    """Two years without money lower know-how, and the growth after them is slower in proportion."""
    reset_groups(world)
    set_community_money(world, 0.0)
    run(world, groups.grow, GROUPS, 24)
    knowhow = world.private.groups.knowhow.copy()
    assert (knowhow < 0.4).all()
    set_community_money(world, 1.0)
    fresh = copy(world)
    fresh.private.groups.knowhow[:] = 1.0
    before = world.places.grown.copy()
    for w in (world, fresh):
        run(w, groups.grow, GROUPS)
    assert world.places.grown - before == pytest.approx(knowhow * (fresh.places.grown - before))


def test_groups_spread_to_the_next_neighbourhood(world: World) -> None:
    """A strong neighbourhood strengthens the next ones and loses as much: the sum is constant."""
    reset_groups(world)
    world.places.grown[:] = 1.0
    world.places.grown[2] = 1.5
    still = GROUPS._replace(build=1e12, fade=1e12)
    run(world, groups.grow, still)
    assert world.places.grown.sum() == pytest.approx(world.places.grown.size + 0.5)
    assert world.places.grown[1] == world.places.grown[3] == pytest.approx(1.0 + GROUPS.spread * 0.5)


def test_a_restructuring_reduces_groups(world: World) -> None:
    """In the month of a restructuring, grown groups lose the share `setback`."""
    reset_groups(world)
    set_rules(world, restructuring=1.0)
    run(world, groups.grow, GROUPS)
    assert world.places.grown == pytest.approx(1.0 - GROUPS.setback)


def test_energy_saturates() -> None:
    """Energy is unchanged up to `ease`, smooth beyond it, and never above `most`."""
    p = GROUPS
    assert groups.saturated_energy(p, 1.7) == 1.7
    assert groups.saturated_energy(p, p.ease + 1e-6) == pytest.approx(p.ease + 1e-6)
    assert p.ease < groups.saturated_energy(p, 3.0) < 3.0
    assert groups.saturated_energy(p, 1e6) == pytest.approx(p.most)


def test_resident_control_makes_neighbourhoods_differ() -> None:
    """A share of neighbourhoods is captured, the others differ, and the mean is the formula's."""
    fit = np.array([groups.resident_fit(GROUPS, np.uint64(s), n) for s in range(40) for n in range(50)])
    assert (fit == -GROUPS.captors).mean() == pytest.approx(GROUPS.captured, abs=0.04)
    assert fit.mean() == pytest.approx((1 - GROUPS.captured) * GROUPS.gain - GROUPS.captured * GROUPS.captors, abs=0.02)
    assert fit.std() > 0.15


def test_link_workers_fill_groups(world: World) -> None:
    """Three times the link workers reach only as many people as the groups have room for, and tire the groups.

    With three times the groups' energy, they reach three times as many people.
    """
    p = social_prescribing.SocialPrescribing().compiled()
    reset_groups(world)
    link = SERVICES.index("link_worker")
    services = world.services
    services.posts[link] = 3.0
    services.places[:] = services.base_places * services.posts
    run(world, social_prescribing.limit_places, p)
    assert services.places[link] == pytest.approx(p.holds * p.squeeze * services.base_places[link])
    services.helped[link] = 1000
    world.services.base_places[link] = 1000.0 / 3.0
    run(world, social_prescribing.measure_fullness, p)
    assert world.places.fullness[0] == pytest.approx(3.0 / p.holds)
    run(world, groups.grow, GROUPS, 60)
    assert (world.places.energy < 0.9).all()
    reset_groups(world)
    world.places.energy[:] = 3.0
    services.places[:] = services.base_places * services.posts
    run(world, social_prescribing.limit_places, p)
    assert services.places[link] == pytest.approx(3.0 * services.base_places[link])


def test_mutual_aid_fades_without_support(world: World) -> None:
    """A year of pandemic raises mutual aid. Three years later it is gone, or with support partly grown into groups."""
    p = mutual_help.MutualHelp().compiled()
    supported = copy(world)
    for w, support in ((world, 0.0), (supported, 1.0)):
        reset_groups(w)
        set_rules(w, pandemic=1.0, mutual_aid=support)
        run(w, mutual_help.help_each_other, p, 12)
        assert (w.places.aid > 0.2).all()
        set_rules(w, pandemic=0.0)
        run(w, mutual_help.help_each_other, p, 36, 12)
    assert (world.places.aid < 0.02).all()
    assert (world.places.grown == 1.0).all()
    assert (supported.places.aid > 3.0 * world.places.aid).all()
    assert (supported.places.grown > 1.1).all()


def test_peers_are_recovered_people(seed: int) -> None:
    """The number of new peers follows from the month's recoveries; if all groups are commissioned, few become peers.

    The town is small enough to be one part, so that all changes are in one list. Levels at the start of the month are
    those recorded the month before: by its end, `before` has those of the next month.
    """
    p, world = peers.Peers().compiled(), town(6_500, seed)
    months = [copy(w) for m, w in live(world, scenario(1), seed) if m in (2, 3)]
    world = months[1]
    world.people.before[:] = months[0].people.before
    people, kinds = world.people, world.rates.kind
    recovered = np.zeros(world.places.peers.size)
    for k in range(int(world.screen.events[0])):
        i, d, to = (int(x[k]) for x in (world.screen.event_row, world.screen.event_domain, world.screen.event_to))
        if kinds[d] in (MENTAL, FAMILY) and people.before[d, i] >= 2 and to < people.before[d, i]:
            recovered[people.neighbourhood[i]] += 1
    assert recovered.sum() > 0
    invited, bought = copy(world), copy(world)
    set_rules(invited, peer_support=1.0)
    set_rules(bought, peer_support=1.0, seeded=0.0)
    for w in (world, invited, bought):
        w.places.peers[:] = 0.0
        run(w, peers.become_peers, p)
    assert world.places.peers.sum() == 0.0
    assert invited.places.peers.sum() <= p.invited * recovered.sum() * 1.001
    assert invited.places.peers.sum() > 0.0
    assert bought.places.peers == pytest.approx((1.0 - p.bought_out) * invited.places.peers)


def test_devolution_alone_only_increases_the_spread(world: World) -> None:
    """Devolution increases the spread of local fit, and its mean only with relational practice."""
    p = local_fit.LocalFit().compiled()
    set_rules(world, devolution=1.0)
    wanted = [[local_fit.target_fit(handle(world), p, np.uint64(s), n) for n in range(6)] for s in range(400)]
    assert np.mean(wanted) == pytest.approx(1.0, abs=0.01)
    assert np.std(wanted) == pytest.approx(p.varies / math.sqrt(3.0), rel=0.1)
    world.places.practice[:] = 1.2
    relational = [[local_fit.target_fit(handle(world), p, np.uint64(s), n) for n in range(6)] for s in range(400)]
    assert np.mean(relational) == pytest.approx(1.0 + 0.2 * p.by_practice, abs=0.01)


def test_micro_enterprises_add_places(world: World) -> None:
    """Support for micro-enterprises adds places to preventive services for care, and to no others."""
    p = micro_enterprises.MicroEnterprises().compiled()
    services = world.services
    set_rules(world, micro_enterprise=2.0)
    for m in range(400):
        services.places[:] = services.base_places
        run(world, micro_enterprises.add_places, p, 1, m)
    care = world.rates.kind[services.domain] == CARE
    helped = (services.tier == PREVENTIVE) & care
    assert helped.any()
    assert services.places[helped] == pytest.approx(services.base_places[helped] * (1.0 + 2.0 * p.providers))
    assert (services.places[~helped] == services.base_places[~helped]).all()


def test_digital_ties_strengthen_resident_voice(world: World) -> None:
    """Digital ties increase the effect of resident voice on local fit, and have no effect by themselves."""
    p = local_fit.LocalFit()
    world.rules.digital_ties[:] = 0.6
    assert local_fit.target_fit(handle(world), p.compiled(), np.uint64(1), 0) == 1.0
    world.rules.voice[:] = 1.0
    expected = 1.0 + p.by_voice * (1.0 + 0.6 * p.organised)
    assert local_fit.target_fit(handle(world), p.compiled(), np.uint64(1), 0) == pytest.approx(expected)
