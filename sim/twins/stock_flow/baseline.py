"""The constants of the twin's flows, from published figures, solved tables and conditional means in a built world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrated_model import Calibrated
from sim.hazards import Solution, Targets
from sim.schema.quantities import AGE_BANDS
from sim.state.codes import FAMILY, MENTAL
from sim.state.world import World
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.cells import Constants, MechanismParameters
from sim.twins.stock_flow.measurement import Measured
from sim.twins.stock_flow.symbolic import A, each_quotient

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


def mechanism_parameters(params: Mapping[str, Any]) -> MechanismParameters:
    """The parameters of the mechanisms that the flows average, from compiled parameters by mechanism."""
    names = ("need", "support", "help_seeking", "waiting", "life_and_death", "resilience", "trust", "legitimacy")
    return MechanismParameters(*(params[name] for name in names))


class Figures(NamedTuple):
    """The published figures, the solved tables and the parameters of a calibrated model, in a built world."""

    aims: Targets
    solution: Solution
    services: Any
    """The built world's services."""
    rates: Any
    """The built world's rates."""
    params: Mapping[str, Any]
    """Compiled parameters by mechanism."""


def figures_of(calibrated: Calibrated, world: World) -> Figures:
    """The figures of a calibrated model in a built world."""
    params = {name: x.compiled() for name, x in calibrated.params.items()}
    return Figures(calibrated.aims, calibrated.solution, world.services, world.rates, params)


def constants(
    figures: Figures, measured: Measured, aggregation: Aggregation, policy_group: A
) -> tuple[Constants, AgeBandBaseline]:
    """The constants of the flows, and the baseline by age band.

    Parameters
    ----------
    figures
        Published figures, solved tables and parameters.
    measured
        Conditional means in a built world.
    aggregation
        The cells.
    policy_group
        Group of people that policies distinguish. Shape (place, band).
    """
    aims, solution, table, rates = figures.aims, figures.solution, figures.services, figures.rates
    # Published shares, weighted by the deprivation fifths in a kind of place.
    by_fifth = measured.by_fifth
    people_by_band, heads = by_fifth.sum(axis=1)
    household = rates.household == 1
    need = np.stack([np.einsum("lbq,qkb->lkb", aims.shares()[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    crises = np.stack([np.einsum("bq,qkb->kb", aims.crises[d], by_fifth[int(h)]) for d, h in enumerate(household)])
    visits = np.einsum("jbq,qkb->jkb", aims.walk_in, by_fifth[0])
    groups = len(aggregation.ages)
    into = (aggregation.group[:, None] == np.arange(groups)).astype(float)
    cells = len(aggregation.places), groups

    def weighted(values: A, weight: A) -> F:
        """The weighted mean over the bands of each group. The last axis of both arrays is the band."""
        out: F = each_quotient((values * weight) @ into, weight @ into)
        return out

    pairs = [(s, at) for s in range(table.domain.size) for at in (1, 2) if table.serves[s, at] and table.base_places[s]]
    service = np.array([s for s, _ in pairs])
    at = np.array([x for _, x in pairs])
    domain = table.domain[service]
    index = {pair: k for k, pair in enumerate(pairs)}
    in_pair = np.stack([need[d, x] for d, x in zip(domain, at, strict=True)])
    bands = table.bands[service].astype(float)[:, None, :]
    eligible = each_quotient((in_pair * bands) @ into, in_pair @ into)
    overlap = np.zeros((len(pairs), len(pairs), *cells))
    for k, j in np.ndindex(len(pairs), len(pairs)):
        if domain[k] == domain[j] and at[k] == at[j]:
            overlap[k, j] = each_quotient((in_pair[j] * bands[k] * bands[j]) @ into, (in_pair[j] * bands[j]) @ into)
    asks = np.stack([rates.asks[d, x] for d, x in zip(domain, at, strict=True)])[:, None, :]
    outreach = weighted(each_quotient(bands * rates.ask[service][:, None, None], asks), in_pair * bands)
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    outgrow = np.zeros((len(pairs), *cells))
    for k in range(len(pairs)):
        for b in range(len(AGE_BANDS) - 1):
            g = aggregation.group[b]
            if aggregation.group[b + 1] == g and bands[k, 0, b] and not bands[k, 0, b + 1]:
                leaving = in_pair[k, :, b] / years[b] / 12.0
                outgrow[k, :, g] += each_quotient(leaving, (in_pair[k] * bands[k]) @ into[:, g])
    total = people_by_band @ into
    growing = np.zeros(cells)
    for g in range(groups - 1):
        b = aggregation.last_band(g)
        growing[:, g] = each_quotient(people_by_band[:, b] / years[b] / 12.0, total[:, g])
    life = figures.params["life_and_death"]
    births = (life.births_young * measured.mothers[0] + life.births_prime * measured.mothers[1]) / 12000.0 / total[:, 0]
    by_year = np.einsum("kaq,aq->ka", measured.by_age, aims.death)
    deaths = np.stack([by_year[:, first : last + 1].sum(axis=1) for first, last in AGE_BANDS], axis=1)
    death = each_quotient(deaths @ into, total)
    inflow = np.zeros(cells)
    inflow[:, 0] = births * total[:, 0]
    inflow[:, 1:] = (growing * total)[:, :-1]
    moves = figures.params["moves"].moves / 12.0
    moving = np.maximum(moves, each_quotient(inflow, total) - growing - death + 0.1 * moves)
    newcomer = _newcomers(need @ into)
    crisis_share = np.stack(
        [
            weighted(np.broadcast_to(table.crisis_share[t], crises[d].shape), crises[d])
            for t, d in enumerate(table.domain)
        ]
    )
    result = Constants(
        household=household,
        service=service,
        level=at,
        domain=domain,
        above=np.array([index.get((s, x + 1), -1) for s, x in pairs]),
        below=np.array([index.get((s, x - 1), -1) for s, x in pairs]),
        adult=measured.adult,
        young=measured.young,
        old=measured.old,
        infant=measured.infant,
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
        walk_in=each_quotient(visits @ into, total),
        door=rates.door.astype(int),
        knock=rates.knock.copy(),
        enters=weighted(np.repeat(rates.walks_in[:, None, :].astype(float), cells[0], axis=1), people_by_band[None]),
        arrives=rates.crisis_arrives.copy(),
        omega=rates.omega.copy(),
        others=measured.others,
        needs=measured.needs,
        serious=measured.serious,
        at_home=measured.at_home,
        informal=rates.informal.astype(int),
        contacts=measured.contacts,
        troubled=measured.troubled,
        waits_for=rates.waits_for.astype(int),
        delayed=measured.delayed,
        parents=measured.parents,
        strained=measured.strained,
        needy=np.maximum(0.02, each_quotient(measured.with_need, total)),
        mean_trust=weighted(np.einsum("bq,qkb->kb", solution.trust, _fifth_shares(by_fifth[0])), people_by_band),
        households=each_quotient(heads @ into, total),
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
    shares: F = each_quotient(need, need.sum(axis=1, keepdims=True))
    shares[:, 2] += shares[:, 3]
    shares[:, 3] = 0.0
    empty = need.sum(axis=1) <= 0.0
    shares[:, 0][empty] = 1.0
    return shares
