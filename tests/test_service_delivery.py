"""Services: each formula against the same in plain Python, and loops with and without their mechanism."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from strategies import LEVERS, SERVICES, calibrated, entry, live, moved, scenario, town

from sim.engine.random import month_key, uniform
from sim.engine.schedule import Clock
from sim.feedback.burnout import Burnout, abroad_factor, burnout_target, leaving_rate
from sim.feedback.failure_demand import REFERENCE_MONTHS, running_mean
from sim.networks import local_fit
from sim.policies.restructuring import falls_now
from sim.services import waiting
from sim.services.hours import Hours, administration, other_time
from sim.services.practice import Practice, practice_target
from sim.services.quality import Quality, fit_target, met_again, substitution_loss
from sim.services.queue_allocation import _last_called
from sim.services.queues import SLOTS_LISTED, TURN
from sim.services.waiting import Waiting
from sim.services.workforce import Workforce, hires, post_cost
from sim.simulation.simulate import run_months
from sim.state.codes import ACUTE, EMPTY_SLOT, RESPONSIVE, WAITING
from sim.state.world import World, handle
from sim.world.build import copy

HOME_CARE = SERVICES.index("home_care")


def run(name: str, world: World, month: int = 0, **params: Any) -> None:
    """Run one mechanism for one month."""
    mechanism = entry(name)
    mechanism.kernel(handle(world), mechanism.params(**params).compiled(), Clock(np.uint64(1), np.int64(month)))


def staffed(caseload: float = 1.0, months: int = 240, **burnout: float) -> World:
    """A town whose staff have a caseload for a number of months, with all places in use; nothing else happens."""
    world = copy(town(2_600, 0))
    services = world.services
    services.caseload[:] = caseload
    services.load[:] = services.base_load
    services.plan[:] = services.base_budget
    for m in range(months):
        run("workforce", world, m)
        run("hours", world, m)
        services.helped[:] = np.round(services.usual_helped * services.places / np.maximum(1e-9, services.base_places))
        run("burnout", world, m, **burnout)
    return world


# Formulas.


@pytest.mark.parametrize(("burnout", "pay"), [(0.3, 1.0), (0.5, 1.0), (0.15, 0.9), (0.9, 1.3)])
def test_leaving_is_its_formula(burnout: float, pay: float) -> None:
    """At the baseline's burnout and pay turnover is the catalogue's; E23's worst and best jobs differ by 2.36."""
    p = Burnout().compiled()
    plain = 0.02 * math.exp(p.flight * (burnout - p.reference)) * pay**-p.pull
    assert leaving_rate(p, 0.02, burnout, pay) == pytest.approx(plain)
    assert leaving_rate(p, 0.02, p.reference, 1.0) == pytest.approx(0.02)
    assert leaving_rate(p, 0.02, 0.5, 1.0) / leaving_rate(p, 0.02, 0.15, 1.0) == pytest.approx(48.7 / 20.6, rel=0.05)


def test_burnout_is_its_formula() -> None:
    """Burnout is constant at the baseline's workload, targets and autonomy, and moves with each by its formula."""
    p = Burnout().compiled()
    assert burnout_target(p, 1.0, 0.5, 0.5) == pytest.approx(p.reference)
    logit = math.log(p.reference / (1 - p.reference)) + p.strain * math.log(1.2) + 0.3 * p.control - 0.1 * p.freedom
    assert burnout_target(p, 1.2, 0.8, 0.6) == pytest.approx(1.0 / (1.0 + math.exp(-logit)))


def test_staff_inclusion_affects_leaving() -> None:
    """Inclusion has no effect at its baseline; with less of it staff from abroad leave more often, with more, less."""
    p = Burnout().compiled()
    assert abroad_factor(p, 0.5) == pytest.approx(1.0)
    assert abroad_factor(p, 0.0) == pytest.approx(1.0 + p.abroad * (math.exp(0.5 * p.uprooted) - 1.0))
    assert abroad_factor(p, 1.0) < 1.0 < abroad_factor(p, 0.0)


def test_hires_are_their_formula() -> None:
    """At baseline as many staff are hired as leave, more with vacant posts, and never more than the pool allows."""
    p = Workforce().compiled()
    assert hires(p, 1.0, 0.02, 4.0, 1.0, 1.0) == pytest.approx(0.02)
    assert hires(p, 1.0, 0.02, 4.0, 1.0, 0.96) == pytest.approx(0.03)
    assert hires(p, 1.0, 0.02, 4.0, 1.0, 0.5) == pytest.approx(0.02 * p.pool)
    assert hires(p, 0.5, 0.02, 4.0, 1.0, 0.5) == pytest.approx(0.01 * p.pool)
    assert post_cost(p, 1.1) == pytest.approx(1.0 + 0.1 * p.wages)


def test_the_reference_is_the_mean_of_the_observed_months() -> None:
    """The reference level is the mean of the last months before the first reported one; earlier months do not count."""
    counts = np.random.default_rng(0).poisson(20.0, REFERENCE_MONTHS + 30).astype(float)
    reference = 0.0
    for k, x in enumerate(counts):
        reference = running_mean(reference, x, k - counts.size)
    assert reference == pytest.approx(counts[-REFERENCE_MONTHS:].mean())
    assert running_mean(3.0, 7.0, -REFERENCE_MONTHS - 1) == 3.0


def test_time_is_its_formula() -> None:
    """Administration and other time follow their formula, and have the catalogue's values with no lever moved."""
    world = copy(town(1_500, 0))
    services, p, s = world.services, Hours().compiled(), HOME_CARE
    services.compliance[:] = 1.0
    assert administration(handle(world), p, s) == pytest.approx(services.admin_base[s])
    assert other_time(handle(world), p, s) == pytest.approx(0.0)
    services.admin_share[s], services.compliance[s], services.automation[s] = 1.2, 1.5, 0.3
    services.targets[s], services.autonomy[s] = 0.9, 0.7
    routine = services.admin_base[s] * 1.2 * (1.0 + p.ratchet * 0.5)
    plain = routine * (1.0 - p.routine * 0.3) + 0.4 * p.counting - 0.2 * p.trusting
    assert administration(handle(world), p, s) == pytest.approx(plain)
    assert services.freed[s] == pytest.approx(routine * p.routine * 0.3)
    services.training[s], services.providers[s], services.contract_length[s] = 0.05, 2.0, 2.0
    services.continuity[s], services.feedback[s], services.coproduced[s] = 1.3, 0.5, 0.4
    plain = 0.05 + p.together * 0.4 + p.asking_people * 0.5 + p.handover + p.tender * 0.3 + p.juggling * 0.3
    assert other_time(handle(world), p, s) == pytest.approx(plain)


def test_quality_is_its_formula() -> None:
    """Continuity, fit and the limit of lay help follow their formulas; with no lever moved they have no effect."""
    world = copy(town(1_500, 0))
    services, p, s = world.services, Quality().compiled(), HOME_CARE
    services.leaving[s], services.agency[s] = services.turnover[s], 0.0
    assert met_again(handle(world), p, s) == pytest.approx(1.0)
    assert fit_target(handle(world), p, s) == pytest.approx(1.0)
    assert substitution_loss(handle(world), p, s) == 0.0
    services.continuity[s], services.divided[s] = 1.2, 3.0**p.scatter
    services.posts[s], services.agency[s], services.leaving[s] = 0.9, 0.09, services.turnover[s] + 0.01
    assert met_again(handle(world), p, s) == pytest.approx(1.2 * 0.9 * (1.0 - 0.01 * p.parting) / 3.0**p.scatter)
    services.contract_length[s], services.coproduced[s] = 9.0, 0.5
    services.feedback[s], services.targets[s], services.autonomy[s] = 1.0, 0.7, 0.9
    plain = (1.0 - 2.0 * p.drift) * (1.0 + 0.5 * p.together + p.listening - 0.2 * p.narrowing + 0.4 * p.tailoring)
    assert fit_target(handle(world), p, s) == pytest.approx(plain)
    services.lay_share[s] = p.limit + 0.1
    assert substitution_loss(handle(world), p, s) == pytest.approx(0.1 * p.substitution)


def test_practice_is_its_formula() -> None:
    """A place without a leader learns a part of better practice; over all places the mean is 1 at baseline."""
    p = Practice().compiled()
    assert practice_target(p, 0.0, 1) * p.led + practice_target(p, 0.0, 0) * (1.0 - p.led) == pytest.approx(1.0)
    assert practice_target(p, 0.1, 0) - practice_target(p, 0.0, 0) == pytest.approx(0.1 * p.shallow)
    assert practice_target(p, 0.1, 1) > practice_target(p, 0.1, 0) + 0.1
    assert practice_target(p, -0.1, 1) - practice_target(p, 0.0, 1) == pytest.approx(-0.1)


def test_restructurings_are_at_the_stated_rate() -> None:
    """At one restructuring in four years, the first is at the end of the second year; at none, there is none."""
    path = np.full((120, 1), 0.25)
    assert [m for m in range(120) if falls_now(path, m)] == [23, 71, 119]
    assert not any(falls_now(np.zeros((120, 1)), m) for m in range(120))


# Staff.


def test_staff_are_stable_at_the_baseline_caseload() -> None:
    """With no lever moved, posts and burnout are constant for 20 years."""
    services = staffed().services
    measured = (services.tier != ACUTE) & (services.usual_helped > 30) & (services.turnover > 0.0)
    assert services.posts[measured] == pytest.approx(1.0, abs=0.02)
    assert services.burnout[measured] == pytest.approx(0.3, abs=0.04)


def test_there_is_a_caseload_above_which_staff_leave() -> None:
    """With a third more cases staff burn out and stay; between half and seven tenths more, most of them leave."""
    s = SERVICES.index("talking_therapies")
    worlds = [staffed(1.3), staffed(1.5), staffed(1.7), staffed(1.7, flight=1.0, strain=1.5)]
    some, half, many, hardy = (world.private.workforce.employed[s] for world in worlds)
    assert some > 0.93
    assert 0.4 < worlds[0].services.burnout[s] < 0.55
    assert half - many > 0.25, "a step in caseload like the one before costs far more staff"
    assert some - half < 0.1
    assert hardy > many + 0.2


def test_a_cut_does_not_close_beds_that_are_needed() -> None:
    """With a quarter less money, acute posts that are needed stay by statutory duty, and others close."""
    world = copy(town(2_600, 0))
    services = world.services
    services.load[:] = services.base_load
    services.plan[:] = 0.74 * services.base_budget
    for m in range(36):
        run("workforce", world, m)
        services.load[:] = services.base_load / np.maximum(0.05, services.posts)
    acute = (services.tier == ACUTE) & (services.base_budget > 0.0)
    delivered = (services.tier != ACUTE) & (services.base_budget > 0.0)
    assert services.posts[acute] == pytest.approx(Workforce().duty, abs=0.01)
    assert services.posts[delivered] == pytest.approx(0.74, abs=0.02)
    for _ in range(36):
        run("workforce", world)
        services.load[acute] = 0.5 * services.base_load[acute] / np.maximum(0.05, services.posts[acute])
    assert (services.posts[acute] < 0.8).all(), "unused beds are closed"


def test_better_pay_from_the_same_budget_means_fewer_posts() -> None:
    """A tenth more pay opens fewer posts, within the same budget."""
    world = copy(town(2_600, 0))
    services = world.services
    services.pay[:], services.plan[:] = 1.1, services.base_budget
    for m in range(120):
        run("workforce", world, m)
    s = HOME_CARE
    assert services.establishment[s] == pytest.approx(1.0 / (1.0 + 0.1 * Workforce().wages), rel=0.01)
    assert services.paid[s] == pytest.approx(1.0, abs=0.03)


# Loops.


def end_of(policies: list[Any], disabled: tuple[str, ...] = (), years: int = 4) -> World:
    """A town of 2,600 after some years."""
    world = town(2_600, 0)
    for _, now in live(world, scenario(years, policies), 0, disabled=disabled):
        world = now
    return world


@pytest.mark.parametrize(
    ("loop", "lever", "target", "column"),
    [
        ("burnout", "caseload", 1.4, "services.leaving"),
        ("failure_demand", "threshold", 0.7, "services.asking"),
        ("bureaucracy", "post_incident_rules", 2.0, "services.admin"),
        ("practice", "autonomy", 1.0, "places.practice"),
        ("lay_helpers", "lay_staff", 2.0, "services.lay_share"),
        ("coproduction_uptake", "coproduction", 1.0, "services.coproduced"),
    ],
)
def test_a_disabled_loop_has_no_effect(loop: str, lever: str, target: float, column: str) -> None:
    """Each lever changes its column through its loop: with the loop disabled, the column does not change."""
    push = [moved(LEVERS[lever], target, 0, 4)]
    table, name = column.split(".")

    def values_of(policies: list[Any], disabled: tuple[str, ...]) -> Any:
        return getattr(getattr(end_of(policies, disabled), table), name).astype(float)

    assert np.abs(values_of(push, ()) - values_of([], ())).max() > 1e-3
    assert np.abs(values_of(push, (loop,)) - values_of([], (loop,))).max() == pytest.approx(0.0, abs=1e-9)


def test_failure_demand_takes_time_from_help() -> None:
    """Refusing more requests leads to more requests, and fewer places for help."""
    push = [moved(LEVERS["threshold"], 0.75, 0, 4)]
    responsive = town(2_600, 0).services.tier == RESPONSIVE
    with_it, disabled = end_of(push).services, end_of(push, ("failure_demand",)).services
    assert (
        with_it.asking[responsive].mean() > end_of([]).services.asking[responsive].mean() + 0.05
    )  # the same random numbers
    assert with_it.places[responsive].sum() < disabled.places[responsive].sum()


def test_more_organisations_lose_more_requests() -> None:
    """With the work divided among three times as many organisations, more of home care's requests are turned away.

    Over three towns the difference was 4 points of some 4,300 requests, with a standard error of 1: chance hides it
    once in ten thousand times. It is less than the 7 points lost between organisations, as shorter queues lower the
    threshold.
    """
    policies = [moved(LEVERS["provider_fragmentation"], 3.0, 0, 6)]

    def lost(push: list[Any]) -> float:
        records = [run_months(town(30_000, n), scenario(6, push), calibrated().params, n).monthly for n in range(3)]
        asked, refused = (sum(r[name][12:, HOME_CARE].sum() for r in records) for name in ("asked", "turned_away"))
        return float(refused / asked)

    assert lost(policies) > lost([])


def test_training_costs_time_first_and_improves_practice_later() -> None:
    """Time for people falls at once; years later practice is better than the baseline's."""
    push = [moved(LEVERS["training"], 0.1, 0, 6)]
    record = run_months(town(2_600, 0), scenario(6, push), calibrated().params, 0)
    baseline = run_months(town(2_600, 0), scenario(6), calibrated().params, 0)
    hours = record.monthly["hours"] - baseline.monthly["hours"]
    practice = (record.monthly["practice"] - baseline.monthly["practice"]).mean(axis=1)
    assert hours[3, HOME_CARE] < -0.03
    assert practice[3] < practice[71]
    assert practice[71] > 0.05


def test_lay_helpers_are_limited() -> None:
    """Three lay helpers per worker attract fewer than three times as many as one lay helper per worker."""
    single = end_of([moved(LEVERS["lay_staff"], 1.0, 0, 4)]).services.lay[HOME_CARE]
    triple = end_of([moved(LEVERS["lay_staff"], 3.0, 0, 4)]).services.lay[HOME_CARE]
    assert single > 0.4
    assert single < triple < 2.8 * single


def test_coproduction_outlasts_its_funding() -> None:
    """Two years after coproduction ends, some of the people helped still take part."""
    until = scenario(4).months()[24]
    ended = end_of([moved(LEVERS["coproduction"], 1.0, 0, 4, until=until)]).services.coproduced[HOME_CARE]
    assert 0.2 < ended < 0.8


def test_a_learning_network_improves_weaker_places() -> None:
    """Places in a learning network end with better practice and more leaders than places outside it."""
    world = copy(town(2_600, 0))
    n = 400
    places = world.places._replace(
        practice=np.ones(n), leader=(np.arange(n) % 10 < 3).astype(np.uint8), spine=np.zeros(n)
    )
    ends = []
    for spine in (0.0, 1.0):
        local_world = world._replace(
            places=places._replace(**{k: getattr(places, k).copy() for k in ("practice", "leader")})
        )
        local_world.places.spine[:] = spine
        for m in range(180):
            run("practice", local_world, m)
        ends.append(local_world.places)
    apart, together = ends
    assert apart.practice.mean() == pytest.approx(1.0, abs=0.02)
    assert together.practice.mean() > apart.practice.mean() + 0.02
    assert together.leader.mean() > apart.leader.mean() + 0.1


# Queue allocation.


@pytest.mark.parametrize("share", [0.02, 0.9])
def test_queue_allocation_is_among_everybody_who_waits(share: float) -> None:
    """The people with the smallest keys start, as computed here for everybody at once.

    This holds when more people wait in a neighbourhood than its list has room for, and with better odds for serious
    need.
    """
    world = copy(town(2_600, 0))
    people, services, places = world.people, world.services, world.places
    p, s, free = Waiting().compiled(), SERVICES.index("gp"), 25
    d = int(services.domain[s])
    assert world.rates.household[d] == 0
    people.help[:] = 0
    services.queue[:] = services.helped[:] = 0
    residents = np.flatnonzero(people.age != EMPTY_SLOT)
    waiting_people = residents[np.random.default_rng(3).random(residents.size) < share]
    people.level[d, waiting_people] = np.where(waiting_people % 3 == 0, 2, 1)
    people.help[d, waiting_people] = WAITING + s
    places.weight[:] = np.linspace(0.5, 1.5, places.weight.size)
    services.queue[s], services.places[s] = waiting_people.size, free - 1e-9  # rounded to 25
    run("queues", world)
    room = np.diff(places.first.astype(int) // SLOTS_LISTED)
    assert (places.queued > room).any() == (share > 0.5)
    run("queue_allocation", world)
    run("waiting", world)
    u = np.array([uniform(np.uint64(month_key(np.uint64(1), TURN + np.uint64(d), 0)), int(i)) for i in waiting_people])
    odds = places.weight[people.neighbourhood[waiting_people]] * np.where(
        people.level[d, waiting_people] == 2, p.urgency, 1.0
    )
    first = waiting_people[np.argsort(-np.log(u) / odds, kind="stable")][:free]
    assert set(np.flatnonzero(people.help[d] == 1 + s)) == set(first)
    assert (services.helped[s], services.queue[s]) == (free, waiting_people.size - free)


@pytest.mark.parametrize("many", [0, 1, 7, 39, 40, 50])
def test_ties_between_turns_are_resolved_by_slot(many: int, seed: int) -> None:
    """Of forty people with few different turns, those are called who come first by turn, then by slot."""
    rng = np.random.default_rng([seed, many])
    rows, turn = np.sort(rng.choice(1_000, 40, replace=False)).astype(np.uint32), rng.integers(0, 6, 40, np.uint64)
    last_turn, last_row = _last_called(rows, turn, many)
    called = {int(i) for i, t in zip(rows, turn, strict=True) if t < last_turn or (t == last_turn and i < last_row)}
    assert called == {int(i) for i in rows[np.lexsort((rows, turn))][:many]}


@pytest.fixture
def world() -> World:
    """A town that a test may change."""
    return copy(town())


def test_bond_and_local_fit_are_1_at_baseline(world: World) -> None:
    """At baseline the bond of every service, and the local fit, are exactly 1."""
    w = handle(world)
    assert all(waiting.relation(w, s) == 1.0 for s in range(world.services.domain.size))
    assert local_fit.target_fit(w, local_fit.LocalFit().compiled(), np.uint64(1), 0) == 1.0


def test_a_bond_grows_with_continuity_and_fit(world: World) -> None:
    """The bond is proportional to continuity and to fit; more organisations lower it."""
    world.services.continuity[0], world.services.fit[0] = 2.0, 0.9
    world.services.divided[0] = 2.0 ** Quality().scatter
    assert waiting.relation(handle(world), 0) == pytest.approx(2.0 * 0.9 / 2.0 ** Quality().scatter)
