"""The simulated month against exact results of queueing theory and epidemiology, and thinning against no thinning.

The tolerance of statistical tests is 4.5 standard errors (by chance 1 failure in 150,000 each) or p = 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from strategies import (
    SERVICES,
    calibrated,
    columns,
    counts,
    different,
    every_lever_moved,
    live,
    scenario,
    snapshot,
    town,
)

from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase
from sim.engine.thinning import CERTAIN, bound_of, reach
from sim.people.donors import donor
from sim.simulation.month import Month
from sim.simulation.simulate import run_months
from sim.state.codes import ANYTHING, EMPTY_SLOT, WAITING
from sim.state.world import World, handle
from sim.world.build import copy

SURE = 4.5
RARE = 1e-6


def only(world: World, names: set[str], seed: int, months: int, **params: dict[str, float]) -> Iterator[int]:
    """Run months in which only the named mechanisms act, with some parameters outside their ranges."""
    month = Month(calibrated().params, {})
    selected = []
    for m, settings in month.steps:
        if m.name in names or m.phase in {Phase.REMEMBER, Phase.REFRESH}:
            group = m.params.__module__.rsplit(".", 1)[-1]
            selected.append((m, settings._replace(**params[group]) if group in params else settings))
    month.steps = selected
    world.people.changed[:] = 1
    for m, settings in selected:
        if m.phase in {Phase.REMEMBER, Phase.REFRESH}:
            m.kernel(handle(world), settings, Clock(np.uint64(seed), np.int64(0)))
    for m in range(months):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        yield m


# Queues.


@pytest.mark.statistics
def test_a_queue_is_the_stated_markov_chain(seed: int) -> None:
    """With constant need, the queue of a full service has the mean and variance of the chain that its file states.

    Of N people at level 1, each without help asks with probability a and is accepted with 1 - r; each in the queue
    gives up with g; each person's help ends with e; then all c places are filled.
    So Q' = Q + Bin(N - c - Q, a (1 - r)) - Bin(Q, g) - Bin(c, e): a linear chain, whose mean, variance and memory
    (1 - a (1 - r) - g) are exact.
    """
    a, r, g, e, places, months = 0.05, 0.3, 0.1, 0.04, 400.0, 3_000
    world = copy(town(2_000, seed))
    people, services, rates = world.people, world.services, world.rates
    s = SERVICES.index("gp")
    d = int(services.domain[s])
    assert rates.household[d] == 0
    alive = people.age != EMPTY_SLOT
    rates_up, rates_down, asked = rates.up.copy(), rates.down.copy(), rates.ask.copy()
    try:
        rates.up[:] = rates.down[:] = 0.0
        rates.ask[:] = 0.0
        rates.ask[s] = a
        services.give_up[s], services.end[s], services.refused[s], services.places[s] = g, e, r, places
        people.help[:] = people.level[:] = 0
        people.level[d][alive] = 1
        people.trust[:] = 0.6
        services.helped[:] = services.queue[:] = 0
        world.tally.census[:] = world.tally.unmet[:] = world.tally.helped[:] = world.tally.waiting[:] = 0
        many = int(alive.sum())
        _rederive(world, a, s, d)
        queue, helped, flows = [], [], np.zeros(4)
        for _ in only(
            world,
            {"candidate_thinning", "help_seeking", "queues", "queue_allocation", "waiting"},
            seed,
            months,
            help_seeking={"hurt": 0.0},
            waiting={"known": 0.0},
        ):
            queue.append(int(services.queue[s]))
            helped.append(int(services.helped[s]))
            tally = world.tally
            flows += [x[s].sum() for x in (tally.asked, tally.turned_away, tally.gave_up, tally.started)]
    finally:
        rates.up[:], rates.down[:], rates.ask[:] = rates_up, rates_down, asked
    q, h = np.array(queue[200:], float), np.array(helped[200:])
    assert (h == places).all(), "a place is empty while people wait"
    let_in = a * (1.0 - r)
    mean = (let_in * (many - places) - e * places) / (let_in + g)
    memory = 1.0 - let_in - g
    noise = let_in * (1 - let_in) * (many - places - mean) + g * (1 - g) * mean + e * (1 - e) * places
    variance = noise / (1.0 - memory**2)
    error = np.sqrt(variance * (1 + memory) / (1 - memory) / q.size)
    assert abs(q.mean() - mean) < SURE * error
    # The variance of a Gaussian chain's sample variance: 2 v^2 (1 + memory^2) / (1 - memory^2) / n.
    spread = np.sqrt(2.0 * variance**2 * (1 + memory**2) / (1 - memory**2) / q.size)
    assert abs(q.var() - variance) < SURE * spread
    asked_in_all, refused, gave_up, started = flows
    assert abs(refused - r * asked_in_all) < SURE * np.sqrt(r * (1 - r) * asked_in_all)
    # Little's law: queue = entries a month x mean wait, in any order of service; the wait follows from the flows.
    assert gave_up + started + queue[-1] == asked_in_all - refused
    wait = mean / (let_in * (many - places - mean))
    assert sum(queue) / (asked_in_all - refused) == pytest.approx(wait, rel=0.05)


def _rederive(world: World, ask: float, s: int, d: int) -> None:
    """Update the sums of asking by domain, level and band, if there are any."""
    if hasattr(world.rates, "asks"):
        world.rates.asks[:] = 0.0
        for level in np.flatnonzero(world.services.serves[s]):
            world.rates.asks[d, level] = ask * world.services.bands[s]


def test_no_place_is_empty_while_somebody_waits(seed: int) -> None:
    """After places are allocated, a service has no queue, or all its places are taken."""
    world = copy(town(3_000, seed))
    month = Month(calibrated().params, every_lever_moved(2).paths(SERVICES, world.places))
    waited = 0
    for m in range(24):
        for mechanism, _, run in month.walk(world, handle(world), Clock(np.uint64(seed), np.int64(m))):
            run()
            if mechanism.name == "waiting":
                s = world.services
                assert ((s.queue == 0) | (s.helped >= np.floor(s.places))).all()
                waited += int((s.queue > 0).sum())
        world.people.changed[:] = 0
    assert waited > 100, "nobody waited, so nothing was tested"


def test_littles_law_holds_to_the_person(seed: int) -> None:
    """The recorded queues, summed over months, equal the months that people waited, counted person by person."""
    record = run_months(town(2_000, seed), scenario(2), calibrated().params, seed)
    waited = np.zeros(len(SERVICES), np.int64)
    for _, world in live(town(2_000, seed), scenario(2), seed):
        is_counted = counts(world)
        for s in range(len(SERVICES)):
            waited[s] += ((world.people.help == WAITING + s) & is_counted).sum()
    assert (record.monthly["waiting"].sum(axis=(0, 2)) == waited).all()
    assert waited.sum() > 1_000


def chain_of_a_queue(places: int, arrive: float, end: float, give_up: float, top: int) -> np.ndarray:
    """Stationary shares of 0 to `top` people helped or waiting, in the monthly chain with Poisson arrivals."""
    states = np.arange(top + 1)
    let_in = stats.poisson.pmf(states, arrive)
    month = np.zeros((top + 1, top + 1))
    for k in states:
        helped, waiting = min(k, places), max(0, k - places)
        stay = stats.binom.pmf(np.arange(helped + 1), helped, 1.0 - end)
        wait = stats.binom.pmf(np.arange(waiting + 1), waiting, 1.0 - give_up)
        month[k] = np.convolve(np.convolve(stay, wait), let_in)[: top + 1]
        month[k, -1] += 1.0 - month[k].sum()
    balance = np.vstack([month.T - np.eye(top + 1), np.ones(top + 1)])
    return np.linalg.lstsq(balance, np.append(np.zeros(top + 1), 1.0), rcond=None)[0]


def erlang(places: int, arrive: float, end: float, give_up: float, top: int) -> np.ndarray:
    """The same in continuous time: Erlang A, or Erlang C if nobody gives up."""
    leaving = np.array([min(k, places) * end + max(0, k - places) * give_up for k in range(1, top + 1)])
    logs = np.concatenate([[0.0], np.cumsum(np.log(arrive) - np.log(leaving))])
    shares = np.exp(logs - logs.max())
    return shares / shares.sum()


@pytest.mark.parametrize(
    ("places", "months", "give_up", "load", "close"),
    [
        (50, 24.0, 0.2, 1.1, 0.02),
        (50, 24.0, 0.2, 1.0, 0.02),
        (50, 12.0, 0.1, 1.1, 0.02),
        (20, 6.0, 0.1, 1.1, 0.02),
        (20, 6.0, 0.05, 1.1, 0.02),
        (50, 6.0, 0.1, 0.9, 0.02),
        (50, 12.0, 0.0, 0.9, 0.05),
    ],
)
def test_the_monthly_step_is_close_to_erlang(
    places: int, months: float, give_up: float, load: float, close: float
) -> None:
    """The queue of the monthly chain is within 2 % of Erlang A's at the same mean times, and within 5 % of Erlang C's.

    The test above shows that the simulated months are that chain. The error stated in sim/MODEL.md rests on this.
    """
    end, arrive, top = 1.0 / months, load * places / months, places + 160
    waiting = np.maximum(0, np.arange(top + 1) - places)
    ours, textbook = (made(places, arrive, end, give_up, top) for made in (chain_of_a_queue, erlang))
    assert ours @ waiting == pytest.approx(textbook @ waiting, rel=close)
    assert ours[places:].sum() == pytest.approx(textbook[places:].sum(), abs=0.02)


@pytest.mark.statistics
def test_copied_practice_spreads_as_an_si_process(seed: int) -> None:
    """Places that copy better practice completely, and lose nothing, are an SI process.

    Then share' = share + b * share * (1 - share), which stays near the logistic curve, the ODE with the same rate.
    """
    places, rate, months, first = 20_000, 0.04, 200, 400
    world = copy(town(1_500, seed))
    better = np.arange(places) < first
    world = world._replace(
        places=world.places._replace(
            practice=np.where(better, 1.2, 1.0),
            leader=np.ones(places, np.uint8),
            spine=np.ones(places),
        )
    )
    settings = calibrated().params["practice"].compiled()
    settings = settings._replace(pace=1e15, depth=1.0, error=0.0, go=0.0, meeting=rate)
    entry = next(m for m, _ in Month(calibrated().params, {}).steps if m.name == "practice")
    share = expected = first / places
    variance, furthest = 0.0, 0.0
    for m in range(months):
        entry.kernel(handle(world), settings, Clock(np.uint64(seed), np.int64(m)))
        share = float((world.places.practice > 1.1).mean())
        spread = rate * expected * (1.0 - expected)
        variance = variance * (1.0 + rate * (1.0 - 2.0 * expected)) ** 2 + spread * (1.0 - rate * expected) / places
        expected += spread
        assert abs(share - expected) < SURE * np.sqrt(variance), f"month {m}"
        odds = first / (places - first) * np.exp(rate * (m + 1))
        furthest = max(furthest, abs(expected - odds / (1.0 + odds)))
    assert expected > 0.95
    assert furthest < rate / 2.0


# Need.


@pytest.mark.statistics
def test_need_alone_is_a_birth_and_death_chain(seed: int) -> None:
    """Without help, ties, resilience or other needs, levels reach the shares at which the hazards balance.

    p[l + 1] / p[l] = up[l] / down[l + 1]; people are independent, so that a chi-square test applies to the levels of
    one month.
    """
    up, down = np.array([0.02, 0.05, 0.1]), np.array([0.06, 0.12, 0.4])
    world = copy(town(2_600, seed))
    people, rates = world.people, world.rates
    is_counted = counts(world)
    original = rates.up.copy(), rates.down.copy(), rates.omega.copy()
    try:
        rates.up[:, :3] = up[None, :, None, None]
        rates.down[:, 1:] = down[None, :, None]
        rates.omega[:] = 0.0
        people.help[:] = 0
        people.resilience[:] = 0.0
        for _ in only(world, {"candidate_thinning", "support", "need"}, seed, 150, need={"beta_support": 0.0}):
            pass
    finally:
        rates.up[:], rates.down[:], rates.omega[:] = original
    expected = np.cumprod(np.append(1.0, up / down))
    expected /= expected.sum()
    for d in range(rates.household.size):
        observed = np.bincount(people.level[d][is_counted[d]], minlength=4)
        assert stats.chisquare(observed, expected * observed.sum()).pvalue > RARE, (
            f"domain {d}: {observed / observed.sum()}, not {expected}"
        )


# Newcomers.


@pytest.mark.statistics
def test_donors_of_a_kind_are_drawn_equally_often(seed: int) -> None:
    """Each donor of a kind is drawn equally often (chi-square)."""
    world = town(1_500, seed)
    w = handle(world)
    ranges = world.rates.donor_range
    checked = 0
    for role, level, b, q in ((0, 0, 5, 0), (0, 0, 7, 4), (1, 0, 0, 0), (1, 0, 5, 2), (1, 1, 2, 0)):
        start, stop = ranges[role, level, b, q]
        if stop - start < 20:
            continue
        key = np.uint64(month_key(np.uint64(seed), stream("a test of donors"), checked))
        drawn = np.array([donor(w, role, level, b, q, uniform(key, i)) for i in range(20_000)])
        assert stats.chisquare(np.bincount(drawn - start, minlength=stop - start)).pvalue > RARE
        checked += 1
    assert checked >= 3


@pytest.mark.statistics
def test_newcomers_have_the_needs_of_their_donors(seed: int) -> None:
    """People who move in have each level of need as often as the donors of their kind, with serious need for crises."""
    world = copy(town(6_000, seed))  # one part: its kernels can be called by hand
    people, rates = world.people, world.rates
    month = Month(calibrated().params, {})
    household = rates.household == 1
    observed = np.zeros((household.size, 4))
    expected, spread = np.zeros_like(observed), np.zeros_like(observed)
    for m in range(72):
        for mechanism, _, run in month.walk(world, handle(world), Clock(np.uint64(seed), np.int64(m))):
            was = people.age.copy() if mechanism.name == "moves" else None
            run()
            if was is None:
                continue
            for i in np.flatnonzero((was == EMPTY_SLOT) & (people.age != EMPTY_SLOT)):
                head = world.dwellings.head[people.dwelling[i]]
                role = 0 if head == i else 1
                wanted = 0 if role == 0 else int(people.level[household, i].max(initial=0))
                kind = rates.donor_range[role, :, people.band[i], people.quintile[i]]
                level = next((x % 4 for x in range(wanted, wanted + 4) if kind[x % 4, 1] > kind[x % 4, 0]), None)
                if level is None:
                    continue
                rows = np.minimum(2, rates.donor_level[slice(*kind[level])])
                for d in range(household.size):
                    if role == 1 and household[d]:
                        continue
                    shares = np.bincount(rows[:, d], minlength=4) / len(rows)
                    observed[d, people.level[d, i]] += 1
                    expected[d] += shares
                    spread[d] += shares * (1 - shares)
        people.changed[:] = 0
    assert observed[0].sum() > 500
    for d, level in np.argwhere(spread > 5.0):
        z = (observed[d, level] - expected[d, level]) / np.sqrt(spread[d, level])
        assert abs(z) < SURE, f"domain {d}, level {level}: {observed[d, level]:.0f}, not {expected[d, level]:.0f}"
    assert (observed[:, 3] == 0).all(), "somebody moved during a crisis"


# Candidate thinning.


def _wide_open(world: World) -> None:
    """Raise every bound that may be above 0 as far as the zones of a draw allow: everybody becomes a candidate."""
    people = world.people
    is_counted, alive = counts(world), people.age != EMPTY_SLOT
    crisis = people.level == 3
    half, fifth, quarter = bound_of(0.45), bound_of(0.215), bound_of(0.28)
    people.up_bound[:] = np.where(is_counted & ~crisis, half, 0)
    people.down_bound[:] = np.where(is_counted, np.where(crisis, people.down_bound, fifth), 0)
    people.ask_bound[:] = np.where(is_counted & ~crisis, quarter, 0)
    world.private.life_and_death.death_bound[:] = np.where(alive, half, 0)
    world.private.life_and_death.birth_bound[:] = np.where(alive, half, 0)
    world.private.walk_in_demand.door_bound[:] = np.where(alive[None, :], CERTAIN, 0)


def test_a_bound_is_the_smallest_above_its_probability() -> None:
    """A bound reaches at least its probability, and the next smaller bound does not."""
    tried = np.concatenate([[0.0, 1e-12, 0.22, 0.28, 0.45, 65535.0 / 65536.0, 1.0], np.linspace(0.0, 0.5, 60_001)])
    for p in tried:
        bound = int(bound_of(float(p)))
        assert reach(np.uint8(bound)) >= min(65535, math.ceil(65536.0 * p)), p
        assert bound == 0 or reach(np.uint8(bound - 1)) < 65536.0 * p, p
    assert int(bound_of(0.0)) == 0


def test_thinning_is_exact(seed: int) -> None:
    """A year in which everybody is a candidate is, to the last bit, the year with candidate thinning."""
    params = calibrated().params
    policy = every_lever_moved(1)
    # Columns that a month writes only for candidates, and the bounds themselves.
    aside = {name for name in columns(town(2_000, seed)) if name.startswith("screen.") or name.endswith("_bound")}
    world = copy(town(2_000, seed))
    month = Month(params, policy.paths(SERVICES, world.places))
    looked_at = [0, 0]
    world.people.changed[:] = ANYTHING
    for m, thinned in live(town(2_000, seed), policy, seed, params):
        _wide_open(world)
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        opened_columns, thinned_columns = snapshot(world), snapshot(thinned)
        assert [name for name in different(opened_columns, thinned_columns) if name not in aside] == [], f"in month {m}"
        looked_at[0] += _candidates(world)
        looked_at[1] += _candidates(thinned)
    assert looked_at[0] > 5 * looked_at[1], "the bounds were not opened"


def _candidates(world: World) -> int:
    """The number of candidates this month."""
    return int(sum(of.sum() for of in (world.screen.worse, world.screen.better, world.screen.asking)))


def test_the_three_zones_of_a_draw_do_not_overlap() -> None:
    """Worsening, improving and a help event use separate parts of a draw: to 0.45, 0.5 to 0.78, and the last 0.22.

    The zones stay separate within the whole range of the three parameters.
    """
    from sim.people.help_seeking import HelpSeeking
    from sim.people.life_and_death import LifeAndDeath
    from sim.people.need import Need

    most = {name: spec.high for kind in (Need, HelpSeeking, LifeAndDeath) for name, _, spec in kind.declared()}
    assert 0.5 + most["most_probability"] + most["most_improvement"] <= 1.0 + 1e-12
    assert reach(bound_of(most["most_worsening"])) <= 32768
    assert reach(bound_of(most["most_death"])) <= 32768
