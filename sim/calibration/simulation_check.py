"""Refines a calibrated solution by simulation: runs towns with it and rescales hazards whose events deviate.

Crises, stocks, deaths and visits are corrected first, without overspend recovery; then acute budgets, which equal the
cost of care under the baseline.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.calibration.calibrated_model import Calibrated
from sim.hazards import Solution, Targets, pool_narrow_bands
from sim.place.place import Place
from sim.place.population_mix import ENGLAND
from sim.policies import LEVER_GROUP
from sim.scenario.scenario import Scenario
from sim.services.catalogue import Service
from sim.simulation.simulate import run_months
from sim.state.world import World

F = npt.NDArray[np.float64]
CHECKS, MONEY_CHECKS, CHECK_PEOPLE, CHECK_YEARS = 3, 3, 720_000, 25
"""Rounds of the check without and with overspend recovery; people in all its towns together, and years.

The towns have the size of the place: in a small town monthly care varies more, care above capacity costs a premium, and
more places are empty until somebody is found."""
LAST_MONEY_CHECKS, LAST_MONEY_PEOPLE = 2, 6_600_000
"""The last rounds with overspend recovery, and people in all their towns. If a budget is half a per cent too high, the
saving goes to prevention until its clients are half a per cent more, which is detectable over decades."""
LARGEST_TOWN = 1_000_000
"""Largest number of people in one of these towns: random variation is small at this size."""
PRIOR_CRISES = 60.0
"""Weight of the ratio of the whole domain, in crises, in the correction of an age band or fifth."""
PRIOR_EVENTS, PRIOR_STOCK = 1_000.0, 100.0
"""Weights of a ratio of 1 in the correction by few towns, in crises and in people in long crises: a run of a short
calibration leaves random errors of 3 to 5% in hazards of rare crises."""
RESPONSE = 0.6
"""Change of hazards relative to that of their events: crises cause crises. In towns of five draws of all parameters,
events changed 1.3 to 1.9 times as much as hazards."""
ROOM_LIMITS = 0.95, 1.15
"""Limits of the ratio of places to people helped."""


def refine_by_simulation(calibrated: Calibrated, place: Place) -> Solution:
    """Apply all rounds of the check to a solution, and return the refined solution."""
    rounds = [(False, CHECK_PEOPLE)] * CHECKS
    rounds += [(True, CHECK_PEOPLE)] * MONEY_CHECKS + [(True, LAST_MONEY_PEOPLE)] * LAST_MONEY_CHECKS
    for money, people in rounds:
        solution = check_by_simulation(calibrated, place, money=money, people=people, years=CHECK_YEARS)
        calibrated = calibrated._replace(solution=solution)
    return calibrated.solution


def check_by_simulation(calibrated: Calibrated, place: Place, *, money: bool, people: int, years: int) -> Solution:
    """Run towns with a solution, and correct it in proportion to the deviation of their events from the targets.

    Parameters
    ----------
    calibrated : Calibrated
        The solution to check, with its parameters and targets.
    place : Place
        The place of the towns.
    money : bool
        False to correct crises, stocks, visits, places and deaths, without overspend recovery. True to correct acute
        budgets, with overspend recovery; this comes last, when the amount of care is correct.
    people : int
        Number of people in all towns together.
    years : int
        Number of years.

    Returns
    -------
    Solution
        The corrected solution. Corrections of small numbers are shrunk towards those of the whole domain.
    """
    _, services, params, solution, aims = calibrated
    total = _run_towns(calibrated, place, money=money, people=people, years=years)
    # The published number of deaths refers to England's ages.
    has_england_ages = place.deciles == Place.load(ENGLAND).deciles
    up = solution.up.copy()
    by_age = _factors(total.crises_wanted.sum(axis=2), total.crises.sum(axis=2))
    by_fifth = _factors(total.crises_wanted.sum(axis=1), (total.crises * by_age[:, :, None]).sum(axis=1))
    up[:, 2] *= by_age[:, :, None] * by_fifth[:, None, :]
    # Long crises: if the stock is too small, people leave it too soon.
    down = solution.down.copy()
    is_long = aims.crisis_months > 1.25
    prior_stock = PRIOR_CRISES * aims.crisis_months
    exponent = 1.0 + np.minimum(1.2, aims.crisis_months / 24.0)  # people leave a long crisis by ageing and moving too
    stock, stock_wanted = pool_narrow_bands(total.stock, aims), pool_narrow_bands(total.stock_wanted, aims)
    down[:, 3] = np.where(
        is_long,
        np.clip(down[:, 3] * ((stock + prior_stock) / (stock_wanted + prior_stock)) ** exponent, 0.001, 0.9),
        down[:, 3],
    )
    if not money:
        short = 1.0 - total.visits / np.maximum(1.0, total.visits_wanted)
        filled = np.divide(
            total.helped, total.helped_wanted, out=np.ones_like(total.helped), where=total.helped_wanted > 0.0
        )
        return solution._replace(
            room=np.clip(solution.room / np.maximum(0.5, filled), *ROOM_LIMITS),
            up=np.minimum(up, 0.3),
            down=down,
            mortality=solution.mortality * (float(total.deaths / total.deaths_wanted) if has_england_ages else 1.0),
            knocks=solution.knocks - aims.walk_in * short[:, None, None],
        )
    # Acute budgets equal the cost of baseline care. Relative overspend is relative excess care times variable share.
    acute = np.array([service.tier == "acute" for service in services])
    cashable = params[LEVER_GROUP].compiled().cashable
    over = np.where(acute & (total.planned >= 1.0), total.spent / np.maximum(1.0, total.planned) - 1.0, 0.0)
    return solution._replace(care=solution.care * (1.0 + over / cashable))


def correct_in_towns(calibrated: Calibrated, place: Place, people: int, years: int) -> Solution:
    """Correct a solution by a few towns, as far as small numbers allow, and set acute budgets to the cost of care.

    The ratio of a domain's crises to their target is itself uncertain, so it is shrunk towards 1 by a prior weight:
    that of the random error of the solution. Overspend recovery is off. The cost of care is that of the
    corrected amount.

    Parameters
    ----------
    calibrated : Calibrated
        The solution to correct, with its parameters and targets.
    place : Place
        The place of the towns.
    people : int
        Number of people in all towns together.
    years : int
        Number of years.

    Returns
    -------
    Solution
        The corrected solution.
    """
    domains, services, params, solution, aims = calibrated
    size = max(place.fewest_people, min(place.population, people))
    total = _run_towns(calibrated, place, money=False, people=people, years=years, largest=size)
    crises, crises_wanted = total.crises.sum(axis=(1, 2)), total.crises_wanted.sum(axis=(1, 2))
    more_crises = (crises_wanted + PRIOR_EVENTS) / (crises + PRIOR_EVENTS)
    stock, stock_wanted = total.stock.sum(axis=1), total.stock_wanted.sum(axis=1)
    prior_stock = PRIOR_STOCK * 12.0 * years
    more_stock = (stock_wanted + prior_stock) / (stock + prior_stock)
    more_visits = total.visits_wanted / np.maximum(1.0, total.visits)
    months = aims.crisis_months.max(axis=1)
    up, down = solution.up.copy(), solution.down.copy()
    up[:, 2] = np.minimum(0.3, up[:, 2] * more_crises[:, None, None] ** RESPONSE)
    longer = more_stock / more_crises  # the rest of a deviation in people is one in the length of crises
    slower = np.where(months > 1.25, longer ** (1.0 + np.minimum(1.2, months / 24.0)), 1.0)
    down[:, 3] = np.clip(down[:, 3] / slower[:, None], 0.001, 0.9)
    cashable = params[LEVER_GROUP].compiled().cashable
    care, door = solution.care.copy(), 0
    for k, service in enumerate(services):
        d = [domain.id for domain in domains].index(service.domain)
        change = more_stock[d] if months[d] > 1.25 else more_crises[d]
        if service.walk_in is not None:
            change, door = more_visits[door], door + 1
        if service.tier == "acute" and total.planned[k] >= 1.0:
            excess = (total.spent[k] / total.planned[k] - 1.0) / cashable
            care[k] *= _amount_of_care(excess, service) * change
    filled = np.divide(
        total.helped, total.helped_wanted, out=np.ones_like(total.helped), where=total.helped_wanted > 0.0
    )
    return solution._replace(
        room=np.clip(solution.room / np.maximum(0.5, filled), *ROOM_LIMITS),
        up=up,
        down=down,
        care=care,
        knocks=solution.knocks - aims.walk_in * (1.0 - 1.0 / more_visits)[:, None, None],
    )


def _amount_of_care(excess: float, service: Service) -> float:
    """Acute care relative to that of the budget, from its relative cost beyond it; care over capacity has a premium."""
    premium = 0.0 if service.capacity is None else service.capacity.premium.value
    if excess <= 0.0 or premium <= 0.0:
        return 1.0 + excess
    # amount * (1 + premium * (amount - 1)) = 1 + excess
    rest = 1.0 - premium
    return float((np.sqrt(rest * rest + 4.0 * premium * (1.0 + excess)) - rest) / (2.0 * premium))


def _run_towns(
    calibrated: Calibrated, place: Place, *, money: bool, people: int, years: int, largest: int = LARGEST_TOWN
) -> _CheckTown:
    """Run towns of a place, with or without overspend recovery, and add up what happens in them."""
    domains, services, params, _solution, aims = calibrated
    scenario = Scenario.load("baseline").model_copy(update={"years": years})
    size = None if place.population <= largest else largest
    walk_ins = [k for k, service in enumerate(services) if service.walk_in is not None]

    def run_town(seed: int) -> _CheckTown:
        world = calibrated.burned_in_world(place, size, seed)
        record = run_months(world, scenario, params, seed, disabled=() if money else ("overspend_recovery",)).monthly
        census = record["census"].sum(axis=0).transpose(0, 1, 3, 2).astype(float)
        counted = census.sum(axis=1)
        crises = np.zeros((len(domains), tables.BANDS, 5))
        for d, domain in enumerate(domains):
            takers = [k for k, service in enumerate(services) if service.domain == domain.id and service.takes_crisis]
            crises[d] = record["opened"][:, takers].sum(axis=(0, 1)).T
        return _CheckTown(
            crises=crises,
            crises_wanted=aims.crises * counted,
            stock=census[:, 3].sum(axis=2),
            stock_wanted=(aims.at_least[:, 3] * counted).sum(axis=2),
            visits=record["opened"][:, walk_ins].sum(axis=(0, 2, 3)).astype(float),
            visits_wanted=visits_wanted(world, aims, record["people"].sum(axis=0).T.astype(float)),
            deaths=np.array(record["died"].sum()),
            deaths_wanted=np.array(record["people"].sum() * tables.DEATHS_PER_THOUSAND / 12000.0),
            spent=record["spent"].mean(axis=0) * 12.0 / 100.0,
            planned=world.services.base_budget,
            helped=record["helped"].sum(axis=2).mean(axis=0),
            helped_wanted=caseloads(services, record["people"].sum(axis=1).mean(axis=0)),
        )

    towns = max(1, round(people / (size or place.population)))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(run_town, range(1000, 1000 + towns)))
    return _CheckTown(*(np.sum([getattr(x, name) for x in results], axis=0) for name in _CheckTown._fields))


def _factors(required: F, simulated: F) -> F:
    """Factors that correct the number of crises, by domain and age band or fifth.

    The factor is close to that of the whole domain where crises are few, and lies between 0.5 and 2.
    """
    overall = required.sum(axis=1, keepdims=True) / np.maximum(1.0, simulated.sum(axis=1, keepdims=True))
    out: F = np.clip((required + PRIOR_CRISES * overall) / (simulated + PRIOR_CRISES), 0.5, 2.0)
    return out


def visits_wanted(world: World, aims: Targets, person_months: F) -> F:
    """Target attendances at each walk-in service, crises included, from person-months by band and fifth."""
    through = np.einsum("kd,dbq,bq->k", world.rates.crisis_arrives, aims.crises, person_months)
    out: F = np.einsum("kbq,bq->k", aims.walk_in, person_months) + through
    return out


def caseloads(services: tuple[Service, ...], people: F) -> F:
    """Target number of people helped by each service at one moment, from people by age band."""
    wanted = np.zeros(len(services))
    for k, service in enumerate(services):
        if service.activity is not None:
            wanted[k] = service.activity.caseload_per_thousand.value / 1000.0 * people[np.array(service.bands)].sum()
    return wanted


class _CheckTown(NamedTuple):
    """Simulated and target values of a town over all years; by domain, band and fifth, or by service."""

    crises: F
    crises_wanted: F
    stock: F
    stock_wanted: F
    visits: F
    visits_wanted: F
    deaths: F
    deaths_wanted: F
    spent: F
    planned: F
    helped: F
    helped_wanted: F
