"""Money between services and accounts: pools, protected lines, costs and legitimacy, each against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from kernels import by_silo, run, set_rules
from strategies import LEVERS, SERVICES, calibrated, town

from sim.engine.schedule import REGISTRY, NoParams
from sim.feedback import double_running as double
from sim.feedback import (
    legitimacy,
    non_statutory_closure,
    political_attention,
    pooled_accounts,
    programme_costs,
    semi_fixed_costs,
)
from sim.policies import ring_fence
from sim.services import spending
from sim.state.codes import ACUTE, COMMUNITY, EMPTY_SLOT, PREVENTIVE, PURPOSES
from sim.state.world import World, handle
from sim.world.build import copy


@pytest.fixture
def world(seed: int) -> World:
    """A town of about six neighbourhoods, which a test may change."""
    return copy(town(9_000, seed))


def test_a_pool_shares_to_the_penny(world: World) -> None:
    """Pooled debts are shared in proportion to budgets, savings in proportion to prevention; the sum is constant."""
    rng = np.random.default_rng(1)
    services = world.services
    set_rules(world, pooling=0.7)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    lines = by_silo(world, services.granted * upstream)
    for sign in (-1, 1):
        carried = sign * rng.integers(1, 10**9, world.money.carried.size)
        world.money.carried[:] = carried
        run(world, pooled_accounts.pool, None, 1, 11)
        assert world.money.pooled.sum() == 0
        assert (world.money.carried == carried + world.money.pooled).all()
        share = by_silo(world, services.granted) if sign < 0 else lines
        contributed = 0.7 * carried
        assert world.money.pooled == pytest.approx(contributed.sum() * share / share.sum() - contributed, abs=12)
    before = world.money.carried.copy()
    run(world, pooled_accounts.pool, None, 1, 5)
    assert not world.money.pooled.any()
    assert (world.money.carried == before).all()


@pytest.mark.parametrize("mechanism", ["political_attention", "non_statutory_closure", "ring_fence"])
def test_money_is_moved_not_made(world: World, mechanism: str) -> None:
    """Political attention, statutory protection and a ring-fence move money within a silo; its total is unchanged."""
    services = world.services
    services.granted[:] = services.base_budget * 0.8
    services.load[services.tier == ACUTE] = services.base_load[services.tier == ACUTE] * 1.2
    set_rules(world, attention=1.0)
    before = services.granted.copy()
    if mechanism == "political_attention":
        run(world, political_attention.shift_to_acute, political_attention.PoliticalAttention().compiled())
    elif mechanism == "non_statutory_closure":
        run(world, non_statutory_closure.close_first, non_statutory_closure.NonStatutoryClosure().compiled())
    else:
        run(world, ring_fence.fence, (np.ones((1, 1)), ring_fence.RingFence().compiled()))
    change = services.granted - before
    assert by_silo(world, services.granted) == pytest.approx(by_silo(world, before))
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    if mechanism == "political_attention":
        assert (change[services.tier == ACUTE][services.base_budget[services.tier == ACUTE] > 0] > 0.0).all()
        assert (change[services.tier != ACUTE] < 0.0).sum() > 10
    elif mechanism == "non_statutory_closure":
        # A silo in which only acute care is statutory has no service to protect.
        assert (change[services.statutory == 0] <= 0.0).all()
        assert change.min() < 0.0
        assert (change[(services.statutory == 1) & (services.tier != ACUTE)] >= 0.0).all()
        assert (change[services.tier == ACUTE] == 0.0).all()
    else:
        assert services.granted[upstream] == pytest.approx(services.base_budget[upstream])


def test_a_ring_fence_protects_from_debts(world: World) -> None:
    """A year of overspends takes nothing from ring-fenced budgets: the centre pays all of it."""
    services, money = world.services, world.money
    recover, pass_on = REGISTRY.entries["overspend_recovery"].kernel, REGISTRY.entries["passing_on"].kernel
    p = calibrated().params["overspend_recovery"].compiled()
    services.granted[:] = services.base_budget
    debt = (-0.1 * 100.0 * by_silo(world, services.base_budget)).astype(np.int64)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    for floor in (0.0, 1.0):
        set_rules(world, ring_fence=floor)
        money.carried[:] = debt
        run(world, recover, p, 1, 11)
        run(world, pass_on, p)
        lost = services.plan[upstream] < services.granted[upstream] - 0.02
        assert lost.all() if floor == 0.0 else not lost.any()
        assert (money.carried == debt + money.bailed_out).all()


def test_services_that_closed_lose_know_how(world: World) -> None:
    """A non-statutory service that was closed for two years reaches fewer people than its posts could afterwards.

    Statutory services, and services that keep their posts, lose no know-how.
    """
    p = non_statutory_closure.NonStatutoryClosure().compiled()
    services = world.services
    for m in range(36):
        services.posts[:] = 0.2 if m < 24 else 1.0
        services.places[:] = services.base_places * services.posts
        run(world, non_statutory_closure.update_knowhow, p, 1, m)
        if m == 12:
            assert services.places == pytest.approx(services.base_places * 0.2), "know-how limits only growth"
    free = (services.statutory == 0) & (services.tier != ACUTE) & (services.base_places > 0)
    assert (services.places[free] < 0.75 * services.base_places[free]).all()
    assert services.places[~free] == pytest.approx(services.base_places[~free])
    world.private.non_statutory_closure.knowhow[:] = 1.0
    services.posts[:] = 0.9
    run(world, non_statutory_closure.update_knowhow, p, 12)
    assert (world.private.non_statutory_closure.knowhow == 1.0).all()


def test_the_cashable_share_of_acute_cost_follows_care(world: World) -> None:
    """An acute service with half its care saves half of its cost times the cashable share; other services save nothing.

    With nothing cashable it saves nothing, with everything cashable it costs what its care costs.
    """
    services, money, tally = world.services, world.money, world.tally
    services.paid[:] = 1.0
    services.overload[:] = 0.0
    costs = {}
    for share_of_care in (1.0, 0.5):
        tally.opened[:] = 0
        tally.opened[services.tier == ACUTE, 0, 0] = round(1000 * share_of_care)
        tally.census[:] = 0
        for cashable in (0.0, 0.4, 1.0):
            set_rules(world, cashable=cashable)
            run(world, spending.pay, NoParams().compiled())
            costs[share_of_care, cashable] = money.spent.copy()
    acute = services.tier == ACUTE
    care = 1000 * services.episode_cost * 100.0
    saved = {cashable: costs[1.0, cashable] - costs[0.5, cashable] for cashable in (0.0, 0.4, 1.0)}
    for cashable, amount in saved.items():
        assert amount[acute] == pytest.approx(cashable * 0.5 * care[acute], abs=1)
        assert not amount[~acute].any()
    assert costs[1.0, 1.0][acute] == pytest.approx(care[acute], abs=1)


def test_part_of_a_saving_is_delayed(world: World) -> None:
    """An acute service that costs a fifth less than its posts saves a part of that at once and all of it in the end.

    The silo's account changes by the same amount, to the penny.
    """
    p = semi_fixed_costs.SemiFixedCosts().compiled()
    services, money = world.services, world.money
    s = SERVICES.index("emergency_admission")
    baseline_cost = services.base_budget[s] / 12.0 * 100.0
    services.posts[:] = 1.0
    world.private.semi_fixed_costs.cost_gap[:] = 0.0
    saved = []
    for m in range(120):
        money.spent[:] = np.round(services.base_budget / 12.0 * 100.0 * services.posts)
        money.spent[s] = round(0.8 * baseline_cost)
        money.carried[:] = 0
        before = money.spent.copy()
        run(world, semi_fixed_costs.charge_gap, p, 1, m)
        assert money.carried.sum() == before.sum() - money.spent.sum()
        saved.append((baseline_cost - money.spent[s]) / (0.2 * baseline_cost))
    assert saved[0] == pytest.approx(1.0 - p.late + p.late / p.lag, abs=1e-3)
    assert saved[-1] == pytest.approx(1.0, abs=1e-3)


def test_a_shift_has_a_cost_of_double_running(world: World) -> None:
    """Double running costs nothing at baseline; a tenth more prevention has a set-up cost, which declines."""
    p = double.DoubleRunning().compiled()
    services, money = world.services, world.money
    services.granted[:] = world.private.double_running.settled[:] = services.base_budget
    money.spent[:] = money.carried[:] = 0
    run(world, double.charge_double_running, p, 12)
    assert not money.spent.any()
    services.granted[:] = 1.1 * services.base_budget
    run(world, double.charge_double_running, p)
    upstream = np.isin(services.tier, (PREVENTIVE, COMMUNITY))
    new = 0.1 * services.base_budget * upstream
    assert money.spent == pytest.approx(p.set_up * new / 12.0 * 100.0, abs=1)
    assert money.carried == pytest.approx(-by_silo(world, money.spent))
    for _ in range(60):
        money.spent[:] = 0
        run(world, double.charge_double_running, p)
    assert (money.spent < 0.1 * p.set_up * new / 12.0 * 100.0 + 1).all()


def test_programmes_cost_their_unit_price(world: World) -> None:
    """Ten pounds a week for every adult is £520 a year each; a programme in one neighbourhood costs its part."""
    p = programme_costs.ProgrammeCosts().compiled()
    people = world.people
    adults = int(((people.age >= 18) & (people.age != EMPTY_SLOT)).sum())
    run(world, programme_costs.charge_programmes, p)
    assert not world.money.outlay.any()
    set_rules(world, income_floor=10.0)
    run(world, programme_costs.charge_programmes, p)
    assert world.money.outlay[PURPOSES.index("income_floor")] == pytest.approx(adults * 52_000 / 12.0, abs=1)
    set_rules(world, income_floor=0.0)
    world.rules.air_and_activity[0] = 1.0
    run(world, programme_costs.charge_programmes, p)
    part = world.places.first[1] / world.places.first[-1]
    alive = int((people.age != EMPTY_SLOT).sum())
    assert world.money.outlay[PURPOSES.index("air_and_activity")] == pytest.approx(
        p.air * 100 / 12 * alive * part, abs=1
    )
    assert len(PURPOSES) == world.money.outlay.size
    assert set(PURPOSES) <= set(LEVERS)


def test_legitimacy_follows_refusals_and_voice(world: World) -> None:
    """Legitimacy falls slowly with refusals and rises slowly with resident voice; trust follows once a year."""
    p = legitimacy.Legitimacy().compiled()
    services = world.services
    services.refused[:] = services.refused_base
    run(world, legitimacy.update_legitimacy, p)
    world.places.legitimacy[:] = 1.0
    trust = world.people.trust.copy()
    run(world, legitimacy.update_legitimacy, p, 24)
    run(world, legitimacy.update_trust, p, 12)
    assert (world.places.legitimacy == 1.0).all()
    assert (world.people.trust == trust).all()
    services.refused[:] = np.minimum(0.95, services.refused_base + 0.3)
    run(world, legitimacy.update_legitimacy, p)
    lost = p.hurt * (legitimacy.refused_more(handle(world)) - p.margin)
    assert world.places.legitimacy == pytest.approx(1.0 - lost / p.slow)
    world.places.legitimacy[:] = 0.9
    run(world, legitimacy.update_trust, p, 12)
    alive = world.people.age != EMPTY_SLOT
    assert world.people.trust[alive] == pytest.approx(np.maximum(0.0, trust[alive] - p.fade * 0.06), abs=1e-6)
    services.refused[:] = services.refused_base
    world.places.legitimacy[:] = 1.0
    set_rules(world, voice=1.0)
    run(world, legitimacy.update_legitimacy, p, 600)
    assert world.places.legitimacy == pytest.approx(1.0 + p.heard, abs=1e-3)
