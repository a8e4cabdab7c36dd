"""A solution as agents bear it out: in towns that run on it, what there is too much or too little of is put right.

Crises, stocks, deaths and visits first, without money's part; then acute budgets, which are what baseline care costs.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.calibration.calibrated_model import ENGLAND, Calibrated
from sim.hazards import Solution, Targets, together
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.services.catalogue import Service
from sim.simulation.simulate import run_months
from sim.state.tables import World

F = npt.NDArray[np.float64]
CHECKS, MONEY_CHECKS, CHECK_PEOPLE, CHECK_YEARS = 3, 3, 720_000, 25
"""Rounds of the check by agents without crowding out, before one with it; people in all its towns together, and years.

Its towns have the size of the place: in a small one a month's care varies more, and what is over its posts costs a
premium; more places stand empty while somebody is found."""
LAST_MONEY_CHECKS, LAST_MONEY_PEOPLE = 2, 6_600_000
"""The last rounds with crowding out, and people in all their towns. A budget that is half a per cent off is saved, and
put into prevention, until the clients of what that pays for are half a per cent more: over decades that can be told."""
LARGEST_TOWN = 1_000_000
"""People in one of these towns, where the place has more: its luck is little by then."""
DOUBT = 60.0
"""Crises in an age band below which its own ratio counts for little beside the whole domain's."""
ROOMS = 0.95, 1.15
"""Least and most places over the people helped."""


def refined_by_simulation(calibrated: Calibrated, place: Place) -> Solution:
    """The solution after all rounds of the check by agents."""
    rounds = [(False, CHECK_PEOPLE)] * CHECKS
    rounds += [(True, CHECK_PEOPLE)] * MONEY_CHECKS + [(True, LAST_MONEY_PEOPLE)] * LAST_MONEY_CHECKS
    for money, people in rounds:
        found = checked(calibrated, place, money=money, people=people, years=CHECK_YEARS)
        calibrated = calibrated._replace(solution=found)
    return calibrated.solution


def checked(calibrated: Calibrated, place: Place, *, money: bool, people: int, years: int) -> Solution:
    """The solution as towns of the usual size bear it out: crises, stocks and deaths they have too many or too few of
    are put right in proportion, as far as their number is more than chance. Acute budgets (`money`) come last, when
    care is what it is to be; before, no overspend crowds anything out."""
    domains, services, params, solution, aims = calibrated
    scenario = Scenario.load("baseline").model_copy(update={"years": years})
    size = None if place.population <= LARGEST_TOWN else LARGEST_TOWN
    doors = [k for k, service in enumerate(services) if service.walk_in is not None]
    of_england = place.deciles == Place.load(ENGLAND).deciles  # the published number of deaths is for these ages

    def town(seed: int) -> _CheckTown:
        world = calibrated.settled(place, size, seed)
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
            visits=record["opened"][:, doors].sum(axis=(0, 2, 3)).astype(float),
            visits_wanted=_visits_wanted(world, aims, record["people"].sum(axis=0).T.astype(float)),
            deaths=np.array(record["died"].sum()),
            deaths_wanted=np.array(record["people"].sum() * tables.DEATHS_PER_THOUSAND / 12000.0),
            spent=record["spent"].mean(axis=0) * 12.0 / 100.0,
            planned=world.services.base_budget,
            helped=record["helped"].sum(axis=2).mean(axis=0),
            helped_wanted=_caseloads(services, record["people"].sum(axis=1).mean(axis=0)),
        )

    towns = max(1, round(people / (size or place.population)))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        seen = list(pool.map(town, range(1000, 1000 + towns)))
    t = _CheckTown(*(np.sum([getattr(x, name) for x in seen], axis=0) for name in _CheckTown._fields))
    up = solution.up.copy()
    by_age = _factors(t.crises_wanted.sum(axis=2), t.crises.sum(axis=2))
    by_fifth = _factors(t.crises_wanted.sum(axis=1), (t.crises * by_age[:, :, None]).sum(axis=1))
    up[:, 2] *= by_age[:, :, None] * by_fifth[:, None, :]
    # Long crises: a stock that is too small is left too soon.
    down = solution.down.copy()
    lasting = aims.crisis_months > 1.25
    months = DOUBT * aims.crisis_months
    steep = 1.0 + np.minimum(1.2, aims.crisis_months / 24.0)  # people leave a long crisis by ageing and moving too
    stock, stock_wanted = together(t.stock, aims), together(t.stock_wanted, aims)
    down[:, 3] = np.where(
        lasting, np.clip(down[:, 3] * ((stock + months) / (stock_wanted + months)) ** steep, 0.001, 0.9), down[:, 3]
    )
    if not money:
        short = 1.0 - t.visits / np.maximum(1.0, t.visits_wanted)
        filled = np.divide(t.helped, t.helped_wanted, out=np.ones_like(t.helped), where=t.helped_wanted > 0.0)
        return solution._replace(
            room=np.clip(solution.room / np.maximum(0.5, filled), *ROOMS),
            up=np.minimum(up, 0.3),
            down=down,
            mortality=solution.mortality * (float(t.deaths / t.deaths_wanted) if of_england else 1.0),
            knocks=solution.knocks - aims.walk_in * short[:, None, None],
        )
    # Acute budgets are what baseline care costs: spending over plan is care over plan, times the part that varies.
    acute = np.array([service.tier == "acute" for service in services])
    fixed = params["spending"].compiled().fixed
    over = np.where(acute & (t.planned >= 1.0), t.spent / np.maximum(1.0, t.planned) - 1.0, 0.0)
    return solution._replace(care=solution.care * (1.0 + over / (1.0 - fixed)))


def _factors(wanted: F, seen: F) -> F:
    """What to multiply a number of crises with, by domain and age band or fifth: nearer to the whole domain's factor
    where there are few."""
    whole = wanted.sum(axis=1, keepdims=True) / np.maximum(1.0, seen.sum(axis=1, keepdims=True))
    out: F = np.clip((wanted + DOUBT * whole) / (seen + DOUBT), 0.5, 2.0)
    return out


def _visits_wanted(world: World, aims: Targets, person_months: F) -> F:
    """Attendances at each door, crises that come that way among them, for so many person-months by band and fifth."""
    through = np.einsum("kd,dbq,bq->k", world.rates.crisis_arrives, aims.crises, person_months)
    out: F = np.einsum("kbq,bq->k", aims.walk_in, person_months) + through
    return out


def _caseloads(services: tuple[Service, ...], people: F) -> F:
    """People whom each service is to be helping at a time, among so many people by age band."""
    wanted = np.zeros(len(services))
    for k, service in enumerate(services):
        if service.activity is not None:
            wanted[k] = service.activity.caseload_per_thousand.value / 1000.0 * people[np.array(service.bands)].sum()
    return wanted


class _CheckTown(NamedTuple):
    """What a town showed over its years, and what it was to show; by domain, band and fifth, or by service."""

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
