"""The constants of the twin's flows, from published figures, solved tables and conditional means in a built world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrated_model import Calibrated
from sim.hazards import LEVELS
from sim.people.moves import Moves
from sim.schema.quantities import AGE_BANDS, Params
from sim.state.codes import EMPTY_SLOT, FAMILY, MENTAL, WAITING
from sim.state.world import World
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.cells import (
    Constants,
    MechanismParameters,
)
from sim.twins.stock_flow.symbolic import A

F = npt.NDArray[np.float64]
SETTLING_RATE = 1.0 / 18.0
"""Share of the gap to the target age mix that moves fill in a month: assumed, as dwellings are let."""


class AgeBandBaseline(NamedTuple):
    """The baseline by age band, to divide a group's counts between its bands. The last two axes are place and band."""

    people: F
    need: F
    """People by domain and level."""
    crises: F
    """Crises per month, by domain."""
    visits: F
    """Walk-in attendances per month, by door."""
    deaths: F
    """Deaths per month."""


def mechanism_parameters(params: Mapping[str, Params]) -> MechanismParameters:
    """The parameters of the mechanisms that the flows average."""
    names = ("need", "support", "help_seeking", "waiting", "life_and_death", "resilience", "trust", "legitimacy")
    return MechanismParameters(*(params[name].compiled() for name in names))


def _ratio(top: A, bottom: A) -> F:
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=np.asarray(bottom) > 0.0)


class _CellCounts:
    """Counts of a built world by cell."""

    def __init__(self, world: World, aggregation: Aggregation) -> None:
        self.world, self.aggregation = world, aggregation
        people = world.people
        self.alive = people.age != EMPTY_SLOT
        head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
        self.counted = np.where(world.rates.household[:, None] == 1, self.alive & head, self.alive)
        self.head = self.alive & head
        self.kind = aggregation.kind[people.neighbourhood]
        self.group = aggregation.group[people.band]
        self.sizes = len(aggregation.places), len(aggregation.ages)

    def by_band(self, mask: A) -> F:
        """The number of people in a mask, by place and band."""
        out = np.zeros((self.sizes[0], len(AGE_BANDS)))
        np.add.at(out, (self.kind[mask], self.world.people.band[mask]), 1.0)
        return out

    def mean(self, value: A, mask: A, prior: float = 5.0) -> F:
        """The mean of a value by age group, over the people in a mask.

        The mean of all people in the mask counts as `prior` further people of each group.
        """
        overall = float(value[mask].mean()) if mask.any() else 0.0
        totals = np.bincount(self.group[mask], weights=value[mask], minlength=self.sizes[1])
        count = np.bincount(self.group[mask], minlength=self.sizes[1])
        out: F = (totals + prior * overall) / (count + prior)
        return out

    def at_home(self, mask: A) -> F:
        """For each slot, the number of other people in the same dwelling who are in a mask."""
        homes = self.world.people.dwelling
        out: F = np.bincount(homes[mask], minlength=self.world.dwellings.head.size)[homes].astype(float) - mask
        return out


def constants(
    calibrated: Calibrated, world: World, aggregation: Aggregation, policy_group: A
) -> tuple[Constants, AgeBandBaseline]:
    """The constants of the flows, and the baseline by age band.

    Parameters
    ----------
    calibrated
        The calibrated model of the agents.
    world
        A world built from the calibrated model, in which conditional means are measured.
    aggregation
        The cells.
    policy_group
        Group of people that policies distinguish. Shape (place, band).
    """
    counted = _CellCounts(world, aggregation)
    table, rates, people = world.services, world.rates, world.people
    aims, solution, params = calibrated.aims, calibrated.solution, mechanism_parameters(calibrated.params)
    people_by_band, heads = counted.by_band(counted.alive), counted.by_band(counted.head)
    # Published shares, weighted by the deprivation fifths in a kind of place.
    by_fifth = np.zeros((2, 5, *people_by_band.shape))
    for h, mask in enumerate((counted.alive, counted.head)):
        np.add.at(by_fifth[h], (people.quintile[mask], counted.kind[mask], people.band[mask]), 1.0)
    household = rates.household == 1
    need = np.stack([np.einsum("lbq,qkb->lkb", aims.shares()[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    crises = np.stack([np.einsum("bq,qkb->kb", aims.crises[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    visits = np.einsum("jbq,qkb->jkb", aims.walk_in, by_fifth[0])
    groups = counted.sizes[1]
    into = (aggregation.group[:, None] == np.arange(groups)).astype(float)
    level = people.level.astype(float)
    worst = people.level.max(axis=0)
    domains = len(level)
    cells = counted.sizes

    def weighted(values: A, weight: A) -> F:
        """The weighted mean over the bands of each group. The last axis of both arrays is the band."""
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
    outreach = weighted(_ratio(bands * rates.ask[service][:, None, None], asks), in_pair * bands)
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    outgrow = np.zeros((len(pairs), *cells))
    for k in range(len(pairs)):
        for b in range(len(AGE_BANDS) - 1):
            g = aggregation.group[b]
            if aggregation.group[b + 1] == g and bands[k, 0, b] and not bands[k, 0, b + 1]:
                leaving = in_pair[k, :, b] / years[b] / 12.0
                outgrow[k, :, g] += _ratio(leaving, (in_pair[k] * bands[k]) @ into[:, g])
    total = people_by_band @ into
    growing = np.zeros(cells)
    for g in range(groups - 1):
        b = aggregation.last_band(g)
        growing[:, g] = _ratio(people_by_band[:, b] / years[b] / 12.0, total[:, g])
    women = counted.alive & (people.female == 1) & (people.age >= 18) & (people.age <= 44)
    fertile = np.where(people.age <= 24, params.life.births_young, params.life.births_prime) / 12000.0
    births = np.bincount(counted.kind[women], weights=fertile[women], minlength=cells[0]) / total[:, 0]
    deaths = np.zeros_like(people_by_band)
    mask = counted.alive
    np.add.at(deaths, (counted.kind[mask], people.band[mask]), aims.death[people.age[mask], people.quintile[mask]])
    death = _ratio(deaths @ into, total)
    inflow = np.zeros(cells)
    inflow[:, 0] = births * total[:, 0]
    inflow[:, 1:] = (growing * total)[:, :-1]
    moves = Moves(**calibrated.params["moves"].model_dump()).moves / 12.0
    moving = np.maximum(moves, _ratio(inflow, total) - growing - death + 0.1 * moves)
    newcomer = _newcomers(need @ into)
    crisis_share = np.stack(
        [
            weighted(np.broadcast_to(table.crisis_share[t], crises[d].shape), crises[d])
            for t, d in enumerate(table.domain)
        ]
    )
    others = np.zeros((domains, LEVELS, domains, groups))
    needs, serious = np.zeros((2, domains, LEVELS, groups))
    for d, x in np.ndindex(domains, LEVELS):
        selected = counted.counted[d] & (people.level[d] == x)
        for e in range(domains):
            if e != d:
                others[d, x, e] = counted.mean(level[e], selected)
                needs[d, x] += counted.mean(level[e] > 0, selected)
                serious[d, x] += counted.mean(level[e] >= 2, selected)
    help_of = people.help.astype(int)
    is_helped = (help_of > 0) & (help_of < WAITING)
    informal = np.flatnonzero(rates.informal)
    well_adult_at_home = counted.at_home(counted.alive & (people.age >= 16) & (worst < 2)) > 0
    in_care = np.zeros(people.age.size, bool)
    without_help = np.zeros(people.age.size, bool)
    for d in informal:
        in_care |= counted.alive & (people.level[d] > 0)
        without_help |= counted.alive & (people.level[d] == 2) & ~is_helped[d]
    ties = np.add.reduceat(
        np.append(counted.alive[world.ties.to], 0), np.minimum(world.ties.start[:-1], world.ties.to.size)
    )
    ties = np.where(np.diff(world.ties.start.astype(int)) > 0, ties, 0).astype(float)
    delayed = np.zeros(domains)
    for d, e in enumerate(rates.waits_for):
        if e >= 0:
            in_crisis = counted.alive & (people.level[d] == 3)
            delayed[d] = ((people.level[e] == 2) & ~is_helped[e])[in_crisis].mean() if in_crisis.any() else 0.0
    child, adult = counted.alive & (people.age < 18), counted.alive & (people.age >= 18)
    people_with_need = counted.by_band(counted.alive & (worst > 0)) @ into
    ages = np.where(counted.alive, people.age, 0)

    def part(selected: A) -> F:
        return counted.mean(selected.astype(float), counted.alive, prior=0.0)

    infant = np.zeros((domains, groups))
    for d in range(domains):
        if not household[d]:
            infant[d] = counted.mean((ages < 2).astype(float), counted.alive & (people.level[d] == 2), prior=1e-9)
    serious_need = counted.counted & (people.level == 2)
    infant = np.where(
        np.stack([np.bincount(counted.group[h], minlength=groups) for h in serious_need]) > 0, infant, 0.0
    )
    result = Constants(
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
        up=weighted(np.einsum("dlbq,qkb->dlkb", solution.up, _fifth_shares(by_fifth[0])), need[:, :3]),
        down=weighted(np.broadcast_to(solution.down[:, :, None, :], need.shape), need),
        ask=np.repeat(rates.ask[service][:, None], cells[0] * groups, axis=1).reshape(-1, *cells),
        outreach=outreach,
        eligible=eligible,
        overlap=overlap,
        outgrow=outgrow,
        growing=growing,
        births=births,
        moving=moving,
        settling=SETTLING_RATE,
        death=death,
        newcomer=newcomer,
        crisis_share=crisis_share,
        instead=table.instead.astype(int),
        instead_for=weighted(np.repeat(table.bands[:, None, :].astype(float), cells[0], axis=1), people_by_band[None]),
        of_domain=table.domain.astype(int),
        walk_in=_ratio(visits @ into, total),
        door=rates.door.astype(int),
        knock=rates.knock.copy(),
        enters=weighted(np.repeat(rates.walks_in[:, None, :].astype(float), cells[0], axis=1), people_by_band[None]),
        arrives=rates.crisis_arrives.copy(),
        omega=rates.omega.copy(),
        others=others,
        needs=needs,
        serious=serious,
        at_home=counted.mean(well_adult_at_home.astype(float), in_care),
        informal=rates.informal.astype(int),
        contacts=np.stack(
            [counted.mean(counted.at_home(counted.alive), counted.alive), counted.mean(ties, counted.alive)]
        ),
        troubled=np.array([(worst[counted.alive] == x).mean() for x in (2, 3)]),
        waits_for=rates.waits_for.astype(int),
        delayed=delayed,
        parents=float((worst[world.dwellings.head[people.dwelling[child]]] >= 2).mean()) if child.any() else 0.0,
        strained=float((counted.at_home(without_help) > 0)[adult].mean()) if adult.any() else 0.0,
        needy=np.maximum(0.02, _ratio(people_with_need, total)),
        mean_trust=weighted(np.einsum("bq,qkb->kb", solution.trust, _fifth_shares(by_fifth[0])), people_by_band),
        households=_ratio(heads @ into, total),
        protection=table.protection.copy(),
        recovery=table.recovery.copy(),
        end=table.end.copy(),
        give_up=table.give_up.copy(),
        scar=table.scar.copy(),
        harm=table.harm.copy(),
        policy_group=policy_group[:, [int(np.flatnonzero(aggregation.group == g)[0]) for g in range(groups)]],
        helps_children=np.stack(
            [weighted(np.arange(len(AGE_BANDS)) < 4, w * b) for w, b in zip(in_pair, bands, strict=True)]
        ),
        peers_of=np.flatnonzero((rates.kind == MENTAL) | (rates.kind == FAMILY)),
    )
    return result, AgeBandBaseline(people_by_band, need, crises, visits, deaths)


def _fifth_shares(by_fifth: F) -> F:
    """The share of each fifth among the people of a kind of place and band. Shape (fifth, place, band)."""
    total = by_fifth.sum(axis=0)
    return np.where(total > 0.0, by_fifth / np.maximum(1.0, total), 0.2)


def _newcomers(need: F) -> F:
    """Shares of levels of people who move in: those of all people, with crises counted as serious need."""
    shares = _ratio(need, need.sum(axis=1, keepdims=True))
    shares[:, 2] += shares[:, 3]
    shares[:, 3] = 0.0
    empty = need.sum(axis=1) <= 0.0
    shares[:, 0][empty] = 1.0
    return shares
