"""Invariants of every scenario and month, to the last person and penny; Hypothesis searches for violations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from strategies import (
    BAND,
    LEVERS,
    SERVICES,
    Recount,
    calibrated,
    cases,
    counts,
    every_lever_moved,
    live,
    moved,
    recount,
    scenario,
    town,
)

from sim.engine.schedule import Clock
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import run_months
from sim.state.codes import ACUTE, EMPTY_SLOT, WAITING
from sim.state.updates import set_age, set_help, set_level, vacate
from sim.state.world import World, handle
from sim.world.build import copy


def by_silo(world: World, pence: np.ndarray) -> np.ndarray:
    return np.bincount(world.services.silo, weights=pence, minlength=world.money.carried.size).astype(np.int64)


# Invariants of one month.


def counts_are_true(world: World) -> None:
    """The running counts equal a count of the people."""
    again = recount(world)
    for name in Recount._fields:
        assert (getattr(world.tally, name) == getattr(again, name)).all(), f"tally.{name} differs from a recount"
    assert (world.services.helped == again.helped.sum(axis=1)).all()
    assert (world.services.queue == again.waiting.sum(axis=1)).all()


def people_are_at_home(world: World) -> None:
    """Homes and their residents agree, the reference person lives in the home, and a household shares its need."""
    people, homes = world.people, world.dwellings
    alive = people.age != EMPTY_SLOT
    assert (homes.occupants == np.bincount(people.dwelling[alive], minlength=homes.head.size)).all()
    lived_in = homes.occupants > 0
    head = homes.head[lived_in]
    assert alive[head].all(), "a reference person in an empty slot"
    assert (people.dwelling[head] == np.flatnonzero(lived_in)).all(), "a reference person who lives elsewhere"
    assert (people.age[head] >= 16).all(), "a child for a reference person"
    for d in np.flatnonzero(world.rates.household):
        assert (people.level[d][alive] == people.level[d][homes.head[people.dwelling[alive]]]).all()
        assert not people.help[d][alive & ~counts(world)[d]].any(), "help for a household's need goes to its head"
    assert (people.band[alive] == BAND[people.age[alive]]).all()
    assert (people.quintile == world.places.quintile[people.neighbourhood]).all()
    assert not people.level[:, ~alive].any()
    assert not people.help[:, ~alive].any()


def help_is_for_those_served(world: World) -> None:
    """People who are helped, or wait, have an age, a level and a domain that the service serves."""
    people, services = world.people, world.services
    for d, is_counted in enumerate(counts(world)):
        busy = np.flatnonzero(is_counted & (people.help[d] > 0))
        code = people.help[d][busy].astype(int)
        s = np.where(code >= WAITING, code - WAITING, code - 1)
        assert (services.domain[s] == d).all()
        assert (services.tier[s] != ACUTE).all()
        level = people.level[d][busy]
        assert np.isin(level, (1, 2)).all(), "help at a level that is not helped"
        wrong = services.bands[s, people.band[busy]] == 0
        assert not wrong.any(), f"{SERVICES[s[wrong][0]]} helps somebody of {people.age[busy][wrong][0]}"
        wrong = services.serves[s, level] == 0
        assert not wrong.any(), f"{SERVICES[s[wrong][0]]} helps somebody at level {level[wrong][0]}"


def shares_are_shares(world: World) -> None:
    """Shares are between 0 and 1, amounts are not negative, and no value is NaN or infinite."""
    people, services, money = world.people, world.services, world.money
    alive = people.age != EMPTY_SLOT
    for name, share in {
        "trust": people.trust[alive],
        "refused": services.refused,
        "kappa": money.kappa,
        "rho": money.rho,
    }.items():
        assert ((share >= 0.0) & (share <= 1.0)).all(), name
    for table in (services, world.places, money):
        for name, column in table._asdict().items():
            assert np.isfinite(column).all(), name
    assert np.isfinite(people.resilience).all()
    assert people.level.max() <= 3
    for name in ("posts", "places", "plan", "quality", "load", "overload", "helped", "queue"):
        assert (getattr(services, name) >= 0).all(), name
    assert (world.private.rationing.wait >= 0).all()
    assert (world.places.energy >= 0.0).all()
    assert (world.places.weight > 0.0).all()
    for name, column in world.tally._asdict().items():
        if name == "resilient":  # a sum of values that may be negative
            continue
        assert (column >= 0).all(), f"tally.{name} fell below 0"
    for name in ("funding", "spent", "bailed_out", "clawed_back", "reinvested"):
        assert (getattr(money, name) >= 0).all(), name


def no_more_are_helped_than_there_is_room(world: World) -> None:
    """If anybody's help started this month, the number helped is at most the places, rounded at random.

    A service with different offers for groups of people divides its places by group, and a cut takes effect slowly:
    such services are excluded.
    """
    services, offer = world.services, world.aims.offer[: world.aims.groups[0]]
    started = (world.tally.started.sum(axis=1) > 0) & ~(offer != offer[:1]).any(axis=0)
    assert (services.helped[started] <= np.floor(services.places[started]) + 1).all()


def acute_care_opens_for_every_crisis(world: World) -> None:
    """Every crisis of the month opens one episode, in a service of its domain that takes crises."""
    tally, services, screen = world.tally, world.services, world.screen
    assert (tally.opened.sum(axis=(1, 2)) == tally.opened_in.sum(axis=1)).all()
    events = int(screen.events[0])
    crises = screen.event_domain[:events][screen.event_to[:events] == 3]
    for d in range(world.rates.household.size):
        takes = (services.crisis_share > 0.0).any(axis=1) | (services.instead >= 0)
        takers = (services.domain == d) & (services.tier == ACUTE) & takes
        assert not takers[world.rates.door].any(), "a door that also takes crises: count its episodes another way"
        assert tally.opened[takers].sum() == (crises == d).sum()


LAWS = (
    counts_are_true,
    people_are_at_home,
    help_is_for_those_served,
    shares_are_shares,
    no_more_are_helped_than_there_is_room,
    acute_care_opens_for_every_crisis,
)


# Invariants from one month to the next.


class Before(NamedTuple):
    """What the laws compare a month with: the town at the end of the month before."""

    people: np.ndarray
    carried: np.ndarray
    waiting: np.ndarray
    helped: np.ndarray

    @classmethod
    def of(cls, world: World) -> Before:
        tally, money = world.tally, world.money
        return cls(tally.people.sum(axis=1), money.carried.copy(), tally.waiting.copy(), tally.helped.copy())


def people_are_conserved(before: Before, world: World) -> None:
    """In each fifth, people are those of last month plus births and arrivals, less deaths and departures."""
    tally = world.tally
    change = tally.born - tally.died.sum(axis=1) + tally.moved_in - tally.moved_out
    assert (tally.people.sum(axis=1) == before.people + change).all()


def money_is_conserved(before: Before, world: World) -> None:
    """A silo's account is that of last month plus income less spending, to the penny."""
    money = world.money
    assert money.carried.dtype == money.spent.dtype == np.int64, "pence are whole"
    flows = by_silo(world, money.funding) - by_silo(world, money.spent) + money.bailed_out - money.clawed_back
    assert (money.carried == before.carried + flows + money.pooled).all()
    assert money.pooled.sum() == 0, "pooling made or lost money"


def queues_are_conserved(before: Before, world: World) -> None:
    """Queues and caseloads are those of last month plus entries less exits; other exits need a death or a move."""
    tally = world.tally
    left_queue = before.waiting + tally.asked - tally.turned_away - tally.started - tally.gave_up - tally.waiting
    left_help = before.helped + tally.started - tally.ended - tally.helped
    assert (left_queue >= 0).all(), "somebody joined a queue unasked"
    assert (left_help >= 0).all(), "somebody's help began without a start"
    assert (tally.turned_away <= tally.asked).all()
    gone = tally.died.sum() + tally.moved_out.sum()
    # Help ends uncounted only with a death, a departure or a move out of the home, each in up to all domains.
    assert left_help.sum() <= world.rates.household.size * (gone + world.dwellings.head.size // 12)


CHANGES = (people_are_conserved, money_is_conserved, queues_are_conserved)


def the_centre_gives_or_takes_once_a_year(month: int, world: World) -> None:
    """At the end of a year the centre gives or takes money, never both, and in no other month."""
    money = world.money
    assert not (money.bailed_out * money.clawed_back).any()
    if month % 12 != 11:
        assert not money.bailed_out.any()
        assert not money.clawed_back.any()
        assert not money.reinvested.any()


@contextmanager
def named(law: Callable[..., None], month: int) -> Iterator[None]:
    """Add the law and the month to the message of a violation."""
    try:
        yield
    except AssertionError as broken:
        raise AssertionError(f"{law.__name__}, month {month}: {broken}") from broken


@for_all(data=st.data())
@settings(max_examples=60)
def test_every_month_keeps_every_law(data: st.DataObject, seed: int) -> None:
    """Each invariant holds in every month, for any levers and parameters and with loops disabled.

    A trial is followed once for all laws, as most of the time of the test is spent on its months.
    """
    case = data.draw(cases(seed))
    before = Before.of(case.start())
    for m, world in case.months():
        for law in LAWS:
            with named(law, m):
                law(world)
        for change in CHANGES:
            with named(change, m):
                change(before, world)
        with named(the_centre_gives_or_takes_once_a_year, m):
            the_centre_gives_or_takes_once_a_year(m, world)
        before = Before.of(world)


def test_a_burned_in_town_keeps_the_laws(seed: int) -> None:
    """The invariants hold for a town before its first month, too."""
    for law in (counts_are_true, people_are_at_home, help_is_for_those_served, shares_are_shares):
        law(town(2_600, seed))


@pytest.mark.statistics
@pytest.mark.parametrize("service", [s.id for s in load_catalogue() if s.activity is not None])
def test_more_places_never_lengthen_a_wait(service: str, seed: int) -> None:
    """With the loops through money and thresholds disabled, half as many places again do not lengthen a wait.

    The same people and random numbers in eight towns; the mean of the paired differences may be above zero by 3
    standard errors, which chance alone exceeds once in 200 runs per service if places have no effect.
    """
    disabled = ("overspend_recovery", "rationing")
    lever = LEVERS["total_budget"]
    k, params = SERVICES.index(service), calibrated().params
    change = []
    for n in range(8):
        world = town(2_600, seed + n)
        few = run_months(world, scenario(3), params, seed + n, disabled)
        many = run_months(
            world, scenario(3, [moved(lever, lever.high, 0, 3, service=service)]), params, seed + n, disabled
        )
        wait = [
            r.monthly["waiting"][12:, k].sum()
            / max(1, r.monthly["started"][12:, k].sum() + r.monthly["gave_up"][12:, k].sum())
            for r in (few, many)
        ]
        change.append(wait[1] - wait[0])
    mean, error = np.mean(change), np.std(change, ddof=1) / np.sqrt(len(change))
    assert mean <= 3.0 * error + 1e-12


# Money by itself: nobody's need changes, so that a debt or a saving can be followed to its end.


def accounts(
    prepare: Callable[[World, int], None], levers: dict[str, float], seed: int
) -> tuple[World, dict[str, np.ndarray]]:
    """Run the mechanisms of money for ten years, with acute care at the cost of its budget.

    Returns the world at the end, and sums by silo in pence.
    """
    params = calibrated().params
    path = np.full((120, len(SERVICES)), 0.0)
    month = Month(params, {name: path + value for name, value in levers.items()})
    steps = {
        "budget_lines",
        "overspend_share",
        "reinvestment_share",
        "passing_on",
        "workforce",
        "spending",
        "overspend_recovery",
    }
    month.steps = [(m, settings) for m, settings in month.steps if m.name in steps]
    world = copy(town(1_500, seed))
    world.rules.cashable[:] = 0.0
    sums = {
        name: np.zeros(world.money.carried.size, np.int64) for name in ("spent", "funding", "bailed_out", "clawed_back")
    }
    for m in range(120):
        if m == 0:
            prepare(world, seed)
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        for name in ("spent", "funding"):
            sums[name] += by_silo(world, getattr(world.money, name))
        for name in ("bailed_out", "clawed_back"):
            sums[name] += getattr(world.money, name)
    return world, sums


@pytest.mark.parametrize(("lever", "sign"), [("overspend_share", -1), ("reinvestment_share", 1)])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_pound_is_owed_or_saved_once(lever: str, sign: int, share: float, seed: int) -> None:
    """Prevention pays its share of an overspend once, and the centre the rest; a saving is shared in the same way.

    As posts close and open slowly, the loss or gain of prevention over ten years may differ from its share by a
    quarter.
    """
    silos = np.arange(town(1_500, seed).money.carried.size)
    services = town(1_500, seed).services
    upstream = np.isin(services.tier, (0, 3))
    lines = np.array([services.base_budget[upstream & (services.silo == f)].sum() for f in silos])
    budget = np.array([services.base_budget[services.silo == f].sum() for f in silos])
    params = calibrated().params["overspend_recovery"]
    reserve = (params.reserve * budget * 100.0).astype(np.int64)
    # An amount that prevention can pay, in addition to the reserve's part.
    excess = (0.1 * lines * 100.0).astype(np.int64)
    has_lines = lines > 0.0

    def burden(world: World, seed: int) -> None:
        world.money.carried[:] = sign * (reserve + excess)

    reference, burdened = (accounts(prepare, {lever: share}, seed)[1] for prepare in (lambda *_: None, burden))
    moved_upstream = (burdened["spent"] - reference["spent"])[has_lines] / excess[has_lines]
    centre = (burdened["bailed_out"] - burdened["clawed_back"])[has_lines] / excess[has_lines]
    assert centre == pytest.approx(-sign * (1.0 - share), abs=0.25), "the centre's part of the excess"
    assert moved_upstream == pytest.approx(sign * share, abs=0.25), "prevention's part of the excess"


def test_a_long_run_keeps_every_law(seed: int) -> None:
    """The invariants hold in 40 years of a town of 6,500, with rare events: heirs of sixteen, orphans, full homes.

    The town is one part (sim/world/partition.py), whose events can be counted. tests/test_partition.py tests that parts
    change nothing.
    """
    for m, world in live(town(6_500, seed), every_lever_moved(40), seed):
        for law in LAWS:
            with named(law, m):
                law(world)


def test_an_heir_keeps_only_help_for_their_age(seed: int) -> None:
    """When a reference person dies or leaves, the new one is helped only by services for their age."""
    world = copy(town(1_500, seed))
    people, homes, services = world.people, world.dwellings, world.services
    w = handle(world)
    alive = people.age != EMPTY_SLOT
    tried = 0
    for home in np.flatnonzero(homes.occupants > 1):
        inside = np.arange(homes.first[home], homes.first[home + 1])
        others = inside[alive[inside] & (inside != homes.head[home])]
        if tried < 20 and (people.age[others] < 18).all():
            head, heir = int(homes.head[home]), int(others[0])
            for d in range(world.rates.household.size):
                set_help(w, d, heir, 0)  # no help left from childhood
            set_age(w, heir, 16, BAND[16])
            for d in np.flatnonzero(world.rates.household):
                s = np.flatnonzero(
                    (services.domain == d) & (services.tier != ACUTE) & services.serves[:, 1].astype(bool)
                )[-1]
                set_level(w, d, head, 1)
                set_help(w, d, head, 1 + s)
            vacate(w, head)
            tried += 1
    assert tried == 20
    counts_are_true(world)
    help_is_for_those_served(world)


def test_the_laws_can_be_broken(seed: int) -> None:
    """The checks fail for a level, a help code or an age that is changed without the counts."""
    _, world = next(live(town(1_500, seed), scenario(1), seed))
    counts_are_true(world)
    somebody = int(np.flatnonzero((world.people.age != EMPTY_SLOT) & (world.people.level[0] == 0))[0])
    world.people.level[0, somebody] = 1
    with pytest.raises(AssertionError, match=r"tally\.census"):
        counts_are_true(world)
    world.people.help[0, somebody] = 1 + SERVICES.index("police_custody")
    with pytest.raises(AssertionError):
        help_is_for_those_served(world)
    world.people.age[somebody] = EMPTY_SLOT
    with pytest.raises(AssertionError):
        people_are_at_home(world)


def test_homes_of_the_dead_are_let_again(seed: int) -> None:
    """If no household moves out, homes that become empty by deaths are let to newcomers."""
    parameters = calibrated().params | {"moves": calibrated().params["moves"].model_copy(update={"moves": 0.0})}
    came, left = 0, 0
    for _, world in live(town(2_600, seed), scenario(2), seed, parameters):
        came += int(world.tally.moved_in.sum())
        left += int(world.tally.moved_out.sum())
    assert came > 0
    assert left < came / 4  # children left alone
