"""The twin's steady baseline: constants from the published figures, the solved tables and a made world; then a balance.

The equation is that of the agents' calibration, cell by cell: as many people get worse as get better, grow up, die or
move. Published stocks and crises are held, `down` is taken from the solution, and `up`, the end of crises and asking
are solved so that nothing drifts. So what the closures of `flows.py` get wrong at baseline is in those rates, and only
how they change things shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrated_model import Calibrated
from sim.hazards import LEVELS
from sim.people.moves import Moves
from sim.schema.quantities import AGE_BANDS, Params
from sim.state.tables import EMPTY_SLOT, FAMILY, MENTAL, WAITING, World
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.cells import (
    Constants,
    DemographicFlows,
    EventFlows,
    MechanismParameters,
    MonthConditions,
    StockState,
)
from sim.twins.stock_flow.flows import Flows
from sim.twins.stock_flow.symbolic import A

F = npt.NDArray[np.float64]
MONTHS, EXACT = 1_000, 1e-10
"""Rounds in which the balance is sought, and the relative drift a month at which it is found."""
SETTLING = 1.0 / 18.0
"""Part of what is missing from a wanted age mix that moves fill in a month: assumed, as homes are let."""
LEAST_WORSE = 0.05
"""Of those who get better, as many at least get worse: else natural recovery is raised, as the agents' is."""


class AgeBandBaseline(NamedTuple):
    """The baseline by age band, to tell what a group's bands share in. The last two axes: place, band."""

    people: F
    need: F
    """By domain and level."""
    crises: F
    """By domain."""
    visits: F
    """By door."""
    deaths: F


class Balanced(NamedTuple):
    """A baseline that does not move."""

    flows: Flows
    state: StockState
    around: MonthConditions
    events: EventFlows
    life: DemographicFlows
    grain: Aggregation
    inner: AgeBandBaseline


def given(params: Mapping[str, Params]) -> MechanismParameters:
    """The parameters of the mechanisms whose average the flows are."""
    names = ("need", "support", "help_seeking", "waiting", "life_and_death", "resilience", "trust", "legitimacy")
    return MechanismParameters(*(params[name].compiled() for name in names))


def _ratio(top: A, bottom: A) -> F:
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=np.asarray(bottom) > 0.0)


class _Counted:
    """A made world, counted by cell."""

    def __init__(self, world: World, grain: Aggregation) -> None:
        self.world, self.grain = world, grain
        people = world.people
        self.alive = people.age != EMPTY_SLOT
        head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
        self.mine = np.where(world.rates.household[:, None] == 1, self.alive & head, self.alive)
        self.head = self.alive & head
        self.kind = grain.kind[people.neighbourhood]
        self.group = grain.group[people.band]
        self.sizes = len(grain.places), len(grain.ages)

    def by_band(self, who: A) -> F:
        """How many, by place and band."""
        out = np.zeros((self.sizes[0], len(AGE_BANDS)))
        np.add.at(out, (self.kind[who], self.world.people.band[who]), 1.0)
        return out

    def mean(self, value: A, who: A, prior: float = 5.0) -> F:
        """A mean by age group, drawn towards that of everybody where there are few."""
        whole = float(value[who].mean()) if who.any() else 0.0
        total = np.bincount(self.group[who], weights=value[who], minlength=self.sizes[1])
        many = np.bincount(self.group[who], minlength=self.sizes[1])
        out: F = (total + prior * whole) / (many + prior)
        return out

    def at_home(self, what: A) -> F:
        """How many others of the same home are such, for everybody."""
        homes = self.world.people.dwelling
        out: F = np.bincount(homes[what], minlength=self.world.dwellings.head.size)[homes].astype(float) - what
        return out


def constants(calibrated: Calibrated, world: World, grain: Aggregation, crowd: A) -> tuple[Constants, AgeBandBaseline]:
    """What does not change, and the baseline by age band. `crowd` tells groups of people apart by place and band."""
    counted = _Counted(world, grain)
    table, rates, people = world.services, world.rates, world.people
    aims, solution, params = calibrated.aims, calibrated.solution, given(calibrated.params)
    every, heads = counted.by_band(counted.alive), counted.by_band(counted.head)
    # Published shares, of the fifths that a kind of place is made of.
    by_fifth = np.zeros((2, 5, *every.shape))
    for h, who in enumerate((counted.alive, counted.head)):
        np.add.at(by_fifth[h], (people.quintile[who], counted.kind[who], people.band[who]), 1.0)
    household = rates.household == 1
    need = np.stack([np.einsum("lbq,qkb->lkb", aims.shares()[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    crises = np.stack([np.einsum("bq,qkb->kb", aims.crises[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    visits = np.einsum("jbq,qkb->jkb", aims.walk_in, by_fifth[0])
    groups = counted.sizes[1]
    into = (grain.group[:, None] == np.arange(groups)).astype(float)
    level = people.level.astype(float)
    worst = people.level.max(axis=0)
    domains = len(level)
    cells = counted.sizes

    def weighted(values: A, weight: A) -> F:
        """A mean over the bands of a group. The band last."""
        return _ratio((values * weight) @ into, weight @ into)

    pairs = [(s, at) for s in range(table.domain.size) for at in (1, 2) if table.serves[s, at] and table.base_places[s]]
    service = np.array([s for s, _ in pairs])
    at = np.array([x for _, x in pairs])
    domain = table.domain[service]
    index = {pair: k for k, pair in enumerate(pairs)}
    in_pair = np.stack([need[d, x] for d, x in zip(domain, at, strict=True)])
    bands = table.bands[service].astype(float)[:, None, :]
    eligible = _ratio((in_pair * bands) @ into, in_pair @ into)
    overlap = np.zeros((len(pairs), len(pairs), *cells))
    for k, j in np.ndindex(len(pairs), len(pairs)):
        if domain[k] == domain[j] and at[k] == at[j]:
            overlap[k, j] = _ratio((in_pair[j] * bands[k] * bands[j]) @ into, (in_pair[j] * bands[j]) @ into)
    asks = np.stack([rates.asks[d, x] for d, x in zip(domain, at, strict=True)])[:, None, :]
    found = weighted(_ratio(bands * rates.ask[service][:, None, None], asks), in_pair * bands)
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    outgrow = np.zeros((len(pairs), *cells))
    for k in range(len(pairs)):
        for b in range(len(AGE_BANDS) - 1):
            g = grain.group[b]
            if grain.group[b + 1] == g and bands[k, 0, b] and not bands[k, 0, b + 1]:
                leaving = in_pair[k, :, b] / years[b] / 12.0
                outgrow[k, :, g] += _ratio(leaving, (in_pair[k] * bands[k]) @ into[:, g])
    whole = every @ into
    growing = np.zeros(cells)
    for g in range(groups - 1):
        b = grain.last_band(g)
        growing[:, g] = _ratio(every[:, b] / years[b] / 12.0, whole[:, g])
    women = counted.alive & (people.female == 1) & (people.age >= 18) & (people.age <= 44)
    fertile = np.where(people.age <= 24, params.life.births_young, params.life.births_prime) / 12000.0
    births = np.bincount(counted.kind[women], weights=fertile[women], minlength=cells[0]) / whole[:, 0]
    deaths = np.zeros_like(every)
    who = counted.alive
    np.add.at(deaths, (counted.kind[who], people.band[who]), aims.death[people.age[who], people.quintile[who]])
    death = _ratio(deaths @ into, whole)
    came = np.zeros(cells)
    came[:, 0] = births * whole[:, 0]
    came[:, 1:] = (growing * whole)[:, :-1]
    moves = Moves(**calibrated.params["moves"].model_dump()).moves / 12.0
    moving = np.maximum(moves, _ratio(came, whole) - growing - death + 0.1 * moves)
    newcomer = _newcomers(need @ into)
    takes = np.stack(
        [
            weighted(np.broadcast_to(table.crisis_share[t], crises[d].shape), crises[d])
            for t, d in enumerate(table.domain)
        ]
    )
    others = np.zeros((domains, LEVELS, domains, groups))
    needs, serious = np.zeros((2, domains, LEVELS, groups))
    for d, x in np.ndindex(domains, LEVELS):
        mine = counted.mine[d] & (people.level[d] == x)
        for e in range(domains):
            if e != d:
                others[d, x, e] = counted.mean(level[e], mine)
                needs[d, x] += counted.mean(level[e] > 0, mine)
                serious[d, x] += counted.mean(level[e] >= 2, mine)
    help_of = people.help.astype(int)
    cared = (help_of > 0) & (help_of < WAITING)
    informal = np.flatnonzero(rates.informal)
    well = counted.at_home(counted.alive & (people.age >= 16) & (worst < 2)) > 0
    in_care = np.zeros(people.age.size, bool)
    alone = np.zeros(people.age.size, bool)
    for d in informal:
        in_care |= counted.alive & (people.level[d] > 0)
        alone |= counted.alive & (people.level[d] == 2) & ~cared[d]
    ties = np.add.reduceat(
        np.append(counted.alive[world.ties.to], 0), np.minimum(world.ties.start[:-1], world.ties.to.size)
    )
    ties = np.where(np.diff(world.ties.start.astype(int)) > 0, ties, 0).astype(float)
    held = np.zeros(domains)
    for d, e in enumerate(rates.waits_for):
        if e >= 0:
            there = counted.alive & (people.level[d] == 3)
            held[d] = ((people.level[e] == 2) & ~cared[e])[there].mean() if there.any() else 0.0
    child, adult = counted.alive & (people.age < 18), counted.alive & (people.age >= 18)
    any_need = counted.by_band(counted.alive & (worst > 0)) @ into
    ages = np.where(counted.alive, people.age, 0)

    def part(mine: A) -> F:
        return counted.mean(mine.astype(float), counted.alive, prior=0.0)

    infant = np.zeros((domains, groups))
    for d in range(domains):
        if not household[d]:
            infant[d] = counted.mean((ages < 2).astype(float), counted.alive & (people.level[d] == 2), prior=1e-9)
    heavy = counted.mine & (people.level == 2)
    infant = np.where(np.stack([np.bincount(counted.group[h], minlength=groups) for h in heavy]) > 0, infant, 0.0)
    made = Constants(
        household=household,
        service=service,
        level=at,
        domain=domain,
        above=np.array([index.get((s, x + 1), -1) for s, x in pairs]),
        below=np.array([index.get((s, x - 1), -1) for s, x in pairs]),
        adult=part(ages >= 16),
        young=part(ages < 18),
        old=part(ages >= 65),
        infant=infant,
        up=weighted(np.einsum("dlbq,qkb->dlkb", solution.up, _parts(by_fifth[0])), need[:, :3]),
        down=weighted(np.broadcast_to(solution.down[:, :, None, :], need.shape), need),
        ask=np.repeat(rates.ask[service][:, None], cells[0] * groups, axis=1).reshape(-1, *cells),
        found=found,
        eligible=eligible,
        overlap=overlap,
        outgrow=outgrow,
        growing=growing,
        births=births,
        moving=moving,
        settling=SETTLING,
        death=death,
        newcomer=newcomer,
        takes=takes,
        instead=table.instead.astype(int),
        instead_for=weighted(np.repeat(table.bands[:, None, :].astype(float), cells[0], axis=1), every[None]),
        of_domain=table.domain.astype(int),
        walk_in=_ratio(visits @ into, whole),
        door=rates.door.astype(int),
        knock=rates.knock.copy(),
        enters=weighted(np.repeat(rates.walks_in[:, None, :].astype(float), cells[0], axis=1), every[None]),
        arrives=rates.crisis_arrives.copy(),
        omega=rates.omega.copy(),
        others=others,
        needs=needs,
        serious=serious,
        at_home=counted.mean(well.astype(float), in_care),
        informal=rates.informal.astype(int),
        near=np.stack([counted.mean(counted.at_home(counted.alive), counted.alive), counted.mean(ties, counted.alive)]),
        troubled=np.array([(worst[counted.alive] == x).mean() for x in (2, 3)]),
        waits_for=rates.waits_for.astype(int),
        held=held,
        parents=float((worst[world.dwellings.head[people.dwelling[child]]] >= 2).mean()) if child.any() else 0.0,
        strained=float((counted.at_home(alone) > 0)[adult].mean()) if adult.any() else 0.0,
        needy=np.maximum(0.02, _ratio(any_need, whole)),
        mean_trust=weighted(np.einsum("bq,qkb->kb", solution.trust, _parts(by_fifth[0])), every),
        lives=_ratio(heads @ into, whole),
        protection=table.protection.copy(),
        recovery=table.recovery.copy(),
        end=table.end.copy(),
        give_up=table.give_up.copy(),
        scar=table.scar.copy(),
        harm=table.harm.copy(),
        crowd=crowd[:, [int(np.flatnonzero(grain.group == g)[0]) for g in range(groups)]],
        helps_children=np.stack(
            [weighted(np.arange(len(AGE_BANDS)) < 4, w * b) for w, b in zip(in_pair, bands, strict=True)]
        ),
        peers_of=np.flatnonzero((rates.kind == MENTAL) | (rates.kind == FAMILY)),
    )
    return made, AgeBandBaseline(every, need, crises, visits, deaths)


def _parts(by_fifth: F) -> F:
    """The part of each fifth among the people of a kind of place and band. Shape (fifth, place, band)."""
    whole = by_fifth.sum(axis=0)
    return np.where(whole > 0.0, by_fifth / np.maximum(1.0, whole), 0.2)


def _newcomers(need: F) -> F:
    """Levels of those who move in: everybody's, but nobody moves in the middle of a crisis."""
    shares = _ratio(need, need.sum(axis=1, keepdims=True))
    shares[:, 2] += shares[:, 3]
    shares[:, 3] = 0.0
    empty = need.sum(axis=1) <= 0.0
    shares[:, 0][empty] = 1.0
    return shares


def calm(world: World, c: Constants, people: F, room: F) -> MonthConditions:
    """Services and places as they are at baseline. `room` is places by service."""
    places, groups = people.shape
    services = world.services.domain.size
    one, nothing = np.ones(places), np.zeros(places)
    rules = type("Rules", (), {})()
    for name in ("time_to_care", "pandemic", "digital_ties", "joined_up", "digital", "alternatives", "network_crisis"):
        setattr(rules, name, nothing)
    rules.claim_burden = one
    return MonthConditions(
        effect=np.ones((services, places)),
        room=room,
        rooms={},
        refused=np.repeat(world.services.refused_base, places * groups).reshape(services, places, groups),
        still_ask=np.ones((services, places, groups)),
        relation=np.ones(services),
        overload=np.zeros(services),
        targets=0.5,
        outreach=nothing,
        exposure=np.ones((c.household.size, places)),
        infants=nothing,
        energy=one,
        weight=one,
        nurture=np.zeros((places, groups)),
        legitimacy=one,
        wanted=people,
        rules=rules,
    )


def balance(calibrated: Calibrated, world: World, grain: Aggregation, crowd: A) -> Balanced:
    """The baseline at which nothing drifts."""
    c, inner = constants(calibrated, world, grain, crowd)
    into = (grain.group[:, None] == np.arange(len(grain.ages))).astype(float)
    people, need, wanted, visits = (x @ into for x in (inner.people, inner.need, inner.crises, inner.visits))
    table = world.services
    room = np.where(table.base_places > 0.0, table.base_places / np.maximum(0.5, calibrated.solution.room), 0.0)
    queue = table.wait_base * room * table.flow
    around = calm(world, c, people, room)
    likely = c.eligible * np.stack([need[d, x] for d, x in zip(c.domain, c.level, strict=True)])
    totals = np.bincount(c.service, weights=likely.sum(axis=(1, 2)), minlength=room.size)
    spread = _ratio(likely, totals[c.service][:, None, None])
    state = StockState(
        need,
        spread * room[c.service][:, None, None],
        spread * queue[c.service][:, None, None],
        people,
        np.zeros_like(people),
        np.zeros_like(people),
    )
    flows = Flows(c, given(calibrated.params))
    for _ in range(MONTHS):
        flows.settle(state, around)
        mid, events = flows.month(state, around)
        after, _life = flows.life(mid, around, state)
        after, events = flows.begin(after, around, events)
        drift = float(np.abs(after.helped - state.helped).sum() + np.abs(after.waiting - state.waiting).sum())
        flows.c, need, off = _corrected(flows.c, state, after, events, wanted, queue)
        need[:, 0] = flows.counts(state) - need[:, 1:].sum(axis=1)
        state = state._replace(need=need, helped=after.helped, waiting=after.waiting)
        if drift < EXACT * people.sum() and off < 1e-9:
            break
    else:
        raise ArithmeticError(f"no steady baseline in {MONTHS} rounds: a drift of {drift:g} persons a month is left")
    flows.settle(state, around)
    _, events = flows.month(state, around)
    # Visits without a crisis: what is published, less those that unmet need makes.
    through = np.einsum("jd,dkg->jkg", c.arrives, events.worse[:, 2])
    others = events.opened[c.door] - c.walk_in * people - through
    flows.c = flows.c._replace(walk_in=_ratio(np.maximum(0.0, visits - others), people))
    flows.remember_usual(state, around)
    mid, events = flows.month(state, around)
    after, life = flows.life(mid, around, state)
    _, events = flows.begin(after, around, events)
    return Balanced(flows, state, around, events, life, grain, inner)


def _corrected(
    c: Constants, s: StockState, after: StockState, e: EventFlows, crises: F, queue: F
) -> tuple[Constants, F, float]:
    """Rates at which the flows of need would have balanced, and asking at which queues would have stayed; people
    by need, with the crises that cannot end faster than within a month; and how far off they were, relative."""
    above = [x.need[:, ::-1].cumsum(axis=1)[:, ::-1] for x in (s, after)]
    lives = above[1] - above[0]
    lives[:, 1:] += e.better - e.worse
    up, down, need = c.up.copy(), c.down.copy(), s.need.copy()
    off = 0.0
    for level in (1, 2, 3):
        back = e.better[:, level - 1]
        if level < 3:
            aim = np.maximum(LEAST_WORSE * back, back - lives[:, level])
            leave = np.where(aim - (back - lives[:, level]) > 1e-15, aim + lives[:, level], back)
        else:
            aim = crises
            leave = np.maximum(0.0, crises + lives[:, level])
        worse = e.worse[:, level - 1]
        up[:, level - 1] = np.minimum(0.5, up[:, level - 1] * np.where(worse > 0.0, _ratio(aim, worse), 1.0))
        quicker = down[:, level] * np.where(back > 0.0, _ratio(leave, back), 1.0)
        down[:, level] = np.minimum(1.0, quicker)
        if level == 3:
            need[:, 3] *= np.maximum(1.0, quicker)
        size = np.maximum(1.0, s.need[:, level])
        off = max(off, float((np.abs(aim - worse) / size).max()), float((np.abs(leave - back) / size).max()))
    ask = c.ask.copy()
    for t in np.unique(c.service):
        mine = c.service == t
        let_in = float((e.asked[mine] - e.turned_away[mine]).sum())
        missing = queue[t] - float(after.waiting[mine].sum())
        ask[mine] = np.minimum(0.5, ask[mine] * np.clip(1.0 + missing / max(1e-12, let_in), 0.5, 2.0))
        off = max(off, abs(missing) / max(1.0, queue[t]))
    return c._replace(up=up, down=down, ask=ask), need, off
