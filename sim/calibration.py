"""Solving for the hazards by which the baseline shows England's published figures, and goes on showing them.

The equation that is solved says that nothing drifts. For each domain, age band and fifth, people must cross from level
l to l + 1 as often as they come back, die or grow out of the band:

    up[l] * p[l] * E[modifiers | at l] = down[l+1] * p[l+1] * E[help | at l+1] - net demographic inflow above l

p are the published shares. The two expectations depend on everything else in the model (ties, resilience, who is being
helped, which needs go together), so they are measured, person by person and without the noise of events, in a large
place with England's mix that runs while its table is being solved. A slow integral term per domain, level and age band
takes out what the equation leaves (people who enter a band are healthier than those who leave it); the last years'
average is the solution. Asking is solved the same way so that queues have their published mean wait.

The published rates are England's, by age and fifth; that a place shows them for its own people asks for hazards of its
own. Where few of the old are very old, the very old have not long been so, and need less; where more people are poor,
the same places help a smaller part of those in need. So each place that comes with the project is solved for itself,
from England's solution on.

Other parameters, and other places, need another solution too. For them, and for a draw of all parameters from their
ranges (sim/drawing.py), there is a short cut, `adapt`: the shipped table times what a small and short solving run
finds for the draw or the place, over what the same run, with the same luck, finds for what was shipped; then one round
of the check in a few towns. Its own errors are those of the short run in both, and largely cancel.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import rates as tables
from sim.engine import jit
from sim.engine.jit import kernel
from sim.engine.mechanism import Clock
from sim.fields import AGE_BANDS, Params
from sim.figures import set_in_england, set_in_place
from sim.networks.support import Support, support
from sim.people.ageing import BAND_OF_AGE
from sim.people.domains import Domain, load_domains
from sim.people.last_resort import attending
from sim.people.life_and_death import LifeAndDeath, dying, set_mortality
from sim.people.need import Need, help_speeds, worsening
from sim.place import Place
from sim.rates import Solution, Targets, targets
from sim.runs import Month, go, settle
from sim.scenario import Scenario
from sim.services.acute import care_given
from sim.services.catalogue import Service, load_catalogue
from sim.state import ACUTE, ANYTHING, NOBODY, World, handle
from sim.world import Made, all_asks, build, england_mix, head_counts

F = npt.NDArray[np.float64]
ENGLAND = "anytown"
"""The place file that has England's mix."""
SOLVED_PLACES = (ENGLAND, "wigan")
"""Places that come with a solution of their own."""
PEOPLE = 200_000
YEARS = 60
AVERAGED = 20
MEASURED_EVERY = 6
"""Months between measurements of the expectations."""
GAIN = 0.008
"""Monthly gain of the integral term."""
CHECKS, MONEY_CHECKS, CHECK_PEOPLE, CHECK_YEARS = 3, 3, 720_000, 25
"""Rounds of the check by agents without crowding out, before one with it; people in all its towns together, and years.

Its towns have the size of the place: in a small one a month's care varies more, and what is over its posts costs a
premium; more places stand empty while somebody is found."""
LAST_MONEY_CHECKS, LAST_MONEY_PEOPLE = 2, 6_600_000
"""The last rounds with crowding out, and people in all their towns. A budget that is half a per cent off is saved, and
put into prevention, until the clients of what that pays for are half a per cent more: over decades that can be told."""
PLACE_PEOPLE, PLACE_YEARS = 120_000, 40
"""A place that comes with the project: people and years of its solving run, from England's solution on."""
DOUBT = 60.0
"""Crises in an age band below which its own ratio counts for little beside the whole domain's."""
MOST_ASK = 0.27
ROOMS = 0.95, 1.15
"""Least and most places over the people helped."""
SHORT_PEOPLE, SHORT_YEARS, SHORT_AVERAGED = 60_000, 20, 8
"""The short cut for a draw of parameters: the place it is solved in, for how long, and the years that are averaged."""
SHORT_CHECK_PEOPLE, SHORT_CHECK_YEARS = 90_000, 10


class Calibrated(NamedTuple):
    """Everything a world is built from, but for the place and the seed."""

    domains: tuple[Domain, ...]
    services: tuple[Service, ...]
    params: dict[str, Params]
    solution: Solution
    aims: Targets

    def world(self, place: Place, people: int | None, seed: int) -> Made:
        """A world of this place, not yet settled."""
        return build(place, people, seed, self.domains, self.services, self.solution, self.aims, self.params)

    def settled(self, place: Place, people: int | None, seed: int, threads: int = 1) -> World:
        """A world of this place at its first reported month."""
        return settle(self.world(place, people, seed), self.params, seed, threads=threads)


class Expectations(NamedTuple):
    """Sums over people at risk; the means are what the equation needs."""

    at_risk: F
    worse: F
    better: F
    alive: F
    mortality: F
    knocks: F
    resilience: F
    trust: F


@kernel
def _measure(w: World, need: Need, near: Support, life: LifeAndDeath, seed: np.uint64, out: Expectations) -> None:
    people = w.people
    for i in range(people.age.size):
        if people.age[i] == NOBODY:
            continue
        b, q = people.band[i], people.quintile[i]
        held = support(w, near, seed, i)
        out.alive[b, q] += 1.0
        out.mortality[b, q] += dying(w, life, i) / w.rates.death[people.age[i], q]
        out.resilience[b, q] += people.resilience[i]
        out.trust[b, q] += people.trust[i]
        for k in range(w.rates.door.size):
            out.knocks[k, b, q] += attending(w, k, i) - w.rates.walk_in[k, b, q]
        for d in range(people.level.shape[0]):
            if w.rates.household[d] == 1 and w.dwellings.head[people.dwelling[i]] != i:
                continue
            level = people.level[d, i]
            out.at_risk[d, level, b, q] += 1.0
            out.better[d, level, b, q] += help_speeds(w, d, i) if level < 3 else 1.0
            if level < 3 and w.rates.up[d, level, b, q] > 0.0:
                out.worse[d, level, b, q] += worsening(w, need, d, i, people.level, held) / w.rates.up[d, level, b, q]


def _nothing(domains: int, doors: int) -> Expectations:
    cell = (tables.BANDS, 5)
    by_level, by_door = (domains, 4, *cell), (doors, *cell)
    return Expectations(
        at_risk=np.zeros(by_level),
        worse=np.zeros(by_level),
        better=np.zeros(by_level),
        alive=np.zeros(cell),
        mortality=np.zeros(cell),
        knocks=np.zeros(by_door),
        resilience=np.zeros(cell),
        trust=np.zeros(cell),
    )


def _demography(shares: F, moved_in: F, aged: F) -> F:
    """Net inflow of people at or above each level by ageing and moving, per person and month.

    `aged` and `moved_in` are the people who enter a cell a month by a birthday or by moving, over the people there.
    Shape (domain, level, band, quintile); deaths are added by the caller.
    """
    younger = np.empty_like(shares)
    younger[:, :, 1:] = shares[:, :, :-1]
    younger[:, :, 0] = np.array([1.0, 0.0, 0.0, 0.0])[None, :, None]
    newcomer = shares.copy()  # donors have everybody's needs, but a crisis becomes serious need
    newcomer[:, 2] += newcomer[:, 3]
    newcomer[:, 3] = 0.0
    inflow = aged * (younger - shares) + moved_in * (newcomer - shares)
    out: F = inflow[:, ::-1].cumsum(axis=1)[:, ::-1]
    return out


def solve(params: Mapping[str, Params], *, people: int = PEOPLE, years: int = YEARS, seed: int = 1) -> Solution:
    """Find England's solution for these parameters and the data files. Takes some minutes."""
    return _solve_england(params, load_domains(), load_catalogue(), people, years, seed)


def _solve_england(
    params: Mapping[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    people: int = PEOPLE,
    years: int = YEARS,
    seed: int = 1,
) -> Solution:
    place = Place.load(ENGLAND)
    mix = england_mix(place, people)
    guess = tables.first_guess(targets(domains, services, mix, mix * 0.4), domains, services)
    parameters = dict(params)
    made = build(place, people, seed, domains, services, guess, targets(domains, services, mix, mix * 0.4), parameters)
    heads = head_counts(made.world)
    aims = targets(domains, services, mix, heads)
    guess = tables.first_guess(aims, domains, services)
    world = build(place, people, seed, domains, services, guess, aims, parameters).world
    solver = _Solver(world, aims, parameters, seed)
    donors = _run_while_solving(solver, parameters, years, AVERAGED)
    solution = solver.solution(heads / np.maximum(1.0, mix), donors)
    return _borne_out(solution, domains, services, parameters, aims, place)


def solve_place(
    place: Place,
    england: Solution,
    params: dict[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    seed: int = 1,
) -> Solution:
    """England's published rates solved for the people of one place, from England's solution on."""
    found = _in_place(place, england, params, domains, services, PLACE_PEOPLE, PLACE_YEARS, AVERAGED, seed=seed)
    # Who is in need asks as often here as anywhere; queues are as long as that makes them.
    solution = found.solution._replace(ask=england.ask)
    aims = england_targets(domains, services, england)
    return _borne_out(solution, domains, services, params, aims, place)


def _run_while_solving(
    solver: _Solver, params: Mapping[str, Params], years: int, averaged: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Run a solver's world for so many years, the last of which are averaged. Returns donors from those years."""
    world, seed = solver.world, solver.seed
    month = Month(params, {}, without=("crowding_out",))
    world.people.changed[:] = ANYTHING
    seen_people: list[_Sample] = []
    for m in range(12 * years):
        if m % MEASURED_EVERY == 0:
            if m >= 24 and m % 24 == 0:
                now = _Sample.of(world)
                if m >= 12 * (years - averaged):
                    seen_people.append(now)
                world = with_donors(world, donors_of([now]))
                solver.world = world
            seen = handle(world)
            solver.measure(m)
            world.people.changed[:] = ANYTHING
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
        solver.control(averaging=m >= 12 * (years - averaged))
    return donors_of([*seen_people, _Sample.of(world)])


class _Short(NamedTuple):
    """What a short solving run finds, and where its integral terms stand at its end."""

    solution: Solution
    trim: F
    tilt: F
    ask_trim: F


def _in_place(
    place: Place,
    start: Solution,
    params: Mapping[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    people: int = SHORT_PEOPLE,
    years: int = SHORT_YEARS,
    averaged: int = SHORT_AVERAGED,
    before: _Short | None = None,
    seed: int = 1,
) -> _Short:
    """Solve in a place that starts from a solution, and from the integral terms of a run before."""
    aims = england_targets(domains, services, start)
    world = build(place, people, seed, domains, services, start, aims, params).world
    solver = _Solver(world, aims, params, seed)
    solver.natural = tables.natural_recovery(domains, aims)
    if before is not None:
        solver.trim[:], solver.tilt[:], solver.ask_trim[:] = before.trim, before.tilt, before.ask_trim
    else:
        ask = np.divide(start.ask, solver.ask_base, out=np.ones_like(start.ask), where=solver.ask_base > 0)
        solver.ask_trim[:] = np.log(np.clip(ask, 0.2, 5.0))
    donors = _run_while_solving(solver, params, years, averaged)
    found = solver.solution(start.households, donors)._replace(room=start.room)
    return _Short(found, solver.trim, solver.tilt, solver.ask_trim)


_adapting = threading.Lock()


@lru_cache(maxsize=4)
def _usual_short(name: str) -> _Short:
    """The short run for the usual parameters in a place that comes with the project, after one that brought its
    integral terms to where they settle."""
    place, usual = Place.load(name), _solution_for((), name)
    given = (place, usual.solution, usual.params, usual.domains, usual.services)
    return _in_place(*given, before=_in_place(*given))


def adapt(
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: dict[str, Params],
    place: Place | None = None,
    *,
    check: bool = True,
) -> Solution:
    """The shipped solution, corrected for other parameters and figures, or another place: some seconds, not minutes.

    How steady drawn baselines are, is tested in tests/test_aims.py and told by `upstream calibrate --draw-parameters`.
    """
    place = place or Place.load(ENGLAND)
    near = place.name if place.name in SOLVED_PLACES else ENGLAND
    with _adapting:
        usual, was = _solution_for((), near), _usual_short(near)
    old, before = usual.solution, was.solution
    now = _in_place(place, old, params, domains, services, before=was).solution

    def times(name: str, most: float) -> F:
        shipped, top, bottom = (getattr(x, name) for x in (old, now, before))
        ratio = np.divide(top, bottom, out=np.ones_like(shipped), where=bottom > 1e-12)
        out: F = np.minimum(most, shipped * ratio)
        return out

    solution = old._replace(
        up=times("up", 0.3),
        down=times("down", 0.9),
        ask=times("ask", MOST_ASK),
        mortality=times("mortality", np.inf),
        care=times("care", np.inf),
        knocks=old.knocks + now.knocks - before.knocks,
        resilience=old.resilience + now.resilience - before.resilience,
        trust=np.clip(old.trust + now.trust - before.trust, 0.0, 1.0),
        **{name: getattr(now, name) for name in Solution._fields if name.startswith("donor_")},
    )
    if not check:
        return solution
    aims = england_targets(domains, services, solution)
    for money in (False, True):
        solution = _checked(
            solution,
            domains,
            services,
            params,
            aims,
            place,
            money=money,
            people=SHORT_CHECK_PEOPLE,
            years=SHORT_CHECK_YEARS,
        )
    return solution


def _adapted(
    domains: tuple[Domain, ...], services: tuple[Service, ...], params: dict[str, Params], place: Place
) -> Calibrated:
    """A solution adapted now, or before."""
    near = place.name if place.name in SOLVED_PLACES else ENGLAND
    usual = _solution_for((), near)
    shipped = tables.digest(usual.domains, usual.services, usual.params)
    path = _kept(f"{tables.digest(domains, services, params, shape_of(place))}-from-{near}-{shipped}")
    if path.exists():
        solution = tables.read_solution(path)[1]
    else:
        if "UPSTREAM_QUIET" not in os.environ and place.name not in SOLVED_PLACES:
            print(f"{place.label} needs hazards of its own: once, some seconds…", file=sys.stderr, flush=True)
        solution = adapt(domains, services, params, place)
        tables.write_solution(solution, path.stem, path)
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


@lru_cache(maxsize=256)
def _adapted_for(parameters: tuple[tuple[str, float], ...], place: str) -> Calibrated:
    params = Scenario.load("baseline").model_copy(update={"parameters": dict(parameters)}).params()
    domains, services = set_in_england(dict(parameters))
    return _adapted(domains, services, params, Place.model_validate_json(place))


def adapted_for(scenario: Scenario, place: Place | None = None) -> Calibrated:
    """The solution for a draw of parameters: the shipped one, adapted, or one adapted before."""
    where = place or Place.load(ENGLAND)
    return _adapted_for(tuple(sorted(scenario.parameters.items())), where.model_dump_json())


def _borne_out(
    solution: Solution,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: dict[str, Params],
    aims: Targets,
    place: Place,
) -> Solution:
    """The solution after all rounds of the check by agents."""
    rounds = [(False, CHECK_PEOPLE)] * CHECKS
    rounds += [(True, CHECK_PEOPLE)] * MONEY_CHECKS + [(True, LAST_MONEY_PEOPLE)] * LAST_MONEY_CHECKS
    for money, people in rounds:
        solution = _checked(solution, domains, services, params, aims, place, money=money, people=people)
    return solution


def _checked(
    solution: Solution,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: dict[str, Params],
    aims: Targets,
    place: Place,
    *,
    money: bool,
    people: int = CHECK_PEOPLE,
    years: int = CHECK_YEARS,
) -> Solution:
    """The solution as towns of the usual size bear it out: crises, stocks and deaths they have too many or too few of
    are put right in proportion, as far as their number is more than chance. Acute budgets (`money`) come last, when
    care is what it is to be; before, no overspend crowds anything out."""
    calibrated = Calibrated(domains, services, params, solution, aims)
    scenario = Scenario.load("baseline").model_copy(update={"years": years})

    doors = [k for k, service in enumerate(services) if service.walk_in is not None]
    of_england = place.deciles == Place.load(ENGLAND).deciles  # the published number of deaths is for these ages

    def town(seed: int) -> _Town:
        world = calibrated.settled(place, None, seed)
        record = go(world, scenario, params, seed, without=() if money else ("crowding_out",)).monthly
        census = record["census"].sum(axis=0).transpose(0, 1, 3, 2).astype(float)
        counted = census.sum(axis=1)
        crises = np.zeros((len(domains), tables.BANDS, 5))
        for d, domain in enumerate(domains):
            takers = [k for k, service in enumerate(services) if service.domain == domain.id and service.takes_crisis]
            crises[d] = record["opened"][:, takers].sum(axis=(0, 1)).T
        return _Town(
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

    towns = max(1, round(people / place.population))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        seen = list(pool.map(town, range(1000, 1000 + towns)))
    t = _Town(*(np.sum([getattr(x, name) for x in seen], axis=0) for name in _Town._fields))
    up = solution.up.copy()
    by_age = _factors(t.crises_wanted.sum(axis=2), t.crises.sum(axis=2))
    by_fifth = _factors(t.crises_wanted.sum(axis=1), (t.crises * by_age[:, :, None]).sum(axis=1))
    up[:, 2] *= by_age[:, :, None] * by_fifth[:, None, :]
    # Long crises: a stock that is too small is left too soon.
    down = solution.down.copy()
    lasting = aims.crisis_months > 1.25
    months = DOUBT * aims.crisis_months
    steep = 1.0 + np.minimum(1.2, aims.crisis_months / 24.0)  # people leave a long crisis by ageing and moving too
    stock, stock_wanted = _together(t.stock, aims), _together(t.stock_wanted, aims)
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


def _together(stock: F, aims: Targets) -> F:
    """Stocks by domain and band, with narrow bands summed: where people grow out of a band before their crisis ends,
    only the stock of such bands together can be what is published."""
    years = np.array([last - first + 1 for first, last in AGE_BANDS])
    narrow = years * 12.0 < 3.0 * aims.crisis_months
    out = stock.copy()
    for d in range(len(stock)):
        out[d, narrow[d]] = stock[d, narrow[d]].sum()
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


class _Town(NamedTuple):
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


class _Sample(NamedTuple):
    """Everybody of a world at one moment: what kind of donor they are, and what is copied from them."""

    kind: npt.NDArray[np.int64]
    levels: npt.NDArray[np.uint8]
    resilience: npt.NDArray[np.float32]
    trust: npt.NDArray[np.float32]

    @classmethod
    def of(cls, world: World) -> _Sample:
        people = world.people
        alive = np.flatnonzero(people.age != NOBODY)
        is_head = world.dwellings.head[people.dwelling[alive]] == alive
        household = np.flatnonzero(world.rates.household)
        worst = people.level[household].max(axis=0) if household.size else np.zeros_like(people.age)
        role = np.where(is_head, 0, 1)
        level = np.where(is_head, 0, worst[alive])
        kind = np.ravel_multi_index((role, level, people.band[alive], people.quintile[alive]), (2, 4, tables.BANDS, 5))
        return cls(kind, people.level[:, alive], people.resilience[alive], people.trust[alive])


def donors_of(samples: list[_Sample], most: int = 500) -> dict[str, npt.NDArray[np.generic]]:
    """People to copy newcomers from, out of those there at some moments: at most so many of each kind.

    People of a kind stand in line by how many serious needs they have, then by all their needs, and every n-th is
    taken: the few in deep trouble, who have most of the crises, are there in their true proportion.
    """
    kind = np.concatenate([s.kind for s in samples])
    levels_of = np.concatenate([s.levels for s in samples], axis=1)
    resilience, trust = (np.concatenate([getattr(s, name) for s in samples]) for name in ("resilience", "trust"))
    levels = levels_of.astype(np.int64)
    code = (levels * 4 ** np.arange(levels.shape[0])[:, None]).sum(axis=0)
    order = np.lexsort((resilience, code, levels.sum(axis=0), (levels >= 2).sum(axis=0), kind))
    ranges = np.zeros((2 * 4 * tables.BANDS * 5, 2), np.int64)
    chosen, row = [], 0
    edges = np.searchsorted(kind[order], np.arange(len(ranges) + 1))
    for k in range(len(ranges)):
        line = order[edges[k] : edges[k + 1]]
        rows = (
            line[((np.arange(min(most, line.size)) + 0.5) * line.size / min(most, line.size)).astype(int)]
            if line.size
            else line
        )
        ranges[k] = row, row + rows.size
        row += rows.size
        chosen.append(rows)
    who = np.concatenate(chosen)
    return {
        "donor_level": levels_of[:, who].T.copy(),
        "donor_resilience": resilience[who].astype(np.float16).astype(np.float32),
        "donor_trust": trust[who].astype(np.float16).astype(np.float32),
        "donor_range": ranges.reshape(2, 4, tables.BANDS, 5, 2),
    }


def with_donors(world: World, donors: Mapping[str, npt.NDArray[np.generic]]) -> World:
    """The same world with other donors."""
    return world._replace(rates=world.rates._replace(**donors))


class _Solver:
    """The table while it is being solved."""

    def __init__(self, world: World, aims: Targets, params: Mapping[str, Params], seed: int) -> None:
        self.world, self.aims, self.seed = world, aims, seed
        self.shares = aims.shares()
        self.need = params["need"].compiled()
        self.near = params["support"].compiled()
        self.life = params["life_and_death"].compiled()
        domains, doors = world.people.level.shape[0], world.rates.door.size
        self.memory = _nothing(domains, doors)
        self.natural = world.rates.down.copy()
        self.trim = np.zeros((domains, 4, tables.BANDS))
        self.tilt = np.zeros((domains, 2, 5))
        self.joined = np.zeros(5)
        self.ask_trim = np.zeros(world.services.domain.size)
        self.sums: dict[str, F] = {}
        self.counted = 0
        self.mixing = np.zeros((2, tables.BANDS, 5))
        self.ask_base = self._first_asks()
        world.rates.ask[:] = self.ask_base
        world.rates.asks[:] = all_asks(world)

    def _first_asks(self) -> F:
        """Asking at which, with nothing else changing, starts and give-ups use up the requests that are let in."""
        s = self.world.services
        starts = s.base_places * s.flow
        queue = starts * s.wait_base
        let_in = (starts + s.give_up * queue) / np.maximum(0.05, 1.0 - s.refused_base)
        free = np.zeros(s.domain.size)
        census = self.world.tally.census
        for k in range(s.domain.size):
            for level in (1, 2):
                if s.serves[k, level]:
                    free[k] += (census[s.domain[k], level] * s.bands[k][None, :]).sum()
        # Those already helped or waiting, by any service of the domain and level, do not ask.
        busy = np.array(
            [
                sum(
                    s.base_places[j] + queue[j]
                    for j in range(s.domain.size)
                    if s.domain[j] == s.domain[k] and (s.serves[j] & s.serves[k]).any()
                )
                for k in range(s.domain.size)
            ]
        )
        out: F = np.where(s.base_places > 0, let_in / np.maximum(1.0, np.maximum(free * 0.2, free - busy)), 0.0)
        return np.minimum(out, 0.2)

    def measure(self, month: int) -> None:
        """Measure the expectations and work out the table that the equation asks for."""
        world, aims = self.world, self.aims
        seen = _nothing(world.people.level.shape[0], world.rates.door.size)
        _measure(handle(world), self.need, self.near, self.life, np.uint64(self.seed), seen)
        keep = 0.0 if month == 0 else 0.9
        for kept, new in zip(self.memory, seen, strict=True):
            kept[:] = kept * keep + new
        e = self.memory
        worse = (e.worse + 1.2 * 5.0) / (e.at_risk + 5.0)
        better = (e.better + 1.1 * 5.0) / (e.at_risk + 5.0)
        alive = np.maximum(1.0, e.alive)
        mortality = e.mortality / alive
        death_rate = np.zeros((tables.BANDS, 5))
        for b, (first, last) in enumerate(AGE_BANDS):
            weight = np.exp(-0.15 * np.arange(last - first + 1)) if b == tables.BANDS - 1 else np.ones(last - first + 1)
            death_rate[b] = (weight[:, None] * aims.death[first : last + 1]).sum(axis=0) / weight.sum()
        aged, moved = self._flows()
        above = _demography(self.shares, moved, aged)
        above -= self._deaths_above(death_rate)
        self._recoveries(above, better, alive)
        down = world.rates.down[:, :, :, None] * np.where(np.arange(4)[None, :, None, None] < 3, better, 1.0)
        for level in range(2):
            back = self.shares[:, level + 1] * down[:, level + 1]
            wanted = np.maximum(0.05 * back, back - above[:, level + 1])
            wanted = wanted * np.exp(self.trim[:, level][:, :, None] + self.tilt[:, level][:, None, :])
            base = self.shares[:, level] * worse[:, level]
            rate = np.divide(wanted, base, out=np.zeros_like(wanted), where=base > 1e-9)
            world.rates.up[:, level] = np.minimum(0.3, rate)
        # Crises are a flow: whoever is at risk now is to have as many as are published.
        households = (world.rates.household == 1)[:, None, None]
        whole = np.where(households, e.at_risk.sum(axis=1), e.alive)
        at_risk = e.worse[:, 2] + 1.2
        wanted = aims.crises * whole + 1.2 * np.divide(
            aims.crises, self.shares[:, 2], out=np.zeros_like(aims.crises), where=self.shares[:, 2] > 0
        )
        world.rates.up[:, 2] = np.minimum(0.3, wanted / at_risk)
        knocks = e.knocks / alive
        world.rates.walk_in[:] = np.maximum(0.0, aims.walk_in - knocks)
        set_mortality(world.rates, np.minimum(0.4, aims.death / np.maximum(0.5, mortality[BAND_OF_AGE])))
        world.rates.resilience[:] = e.resilience / alive
        world.rates.trust[:] = e.trust / alive
        self.now = {
            "mortality": mortality,
            "knocks": knocks,
            "resilience": e.resilience / alive,
            "trust": e.trust / alive,
        }

    def _recoveries(self, above: F, better: F, alive: F) -> None:
        """Natural recovery, quicker where people enter an age band with more need than it has, and crises that end so
        that the published stock and the published inflow fit together."""
        down = self.world.rates.down
        for level in (1, 2):
            natural = self.natural[:, level]
            back = (alive * self.shares[:, level] * natural[:, :, None] * better[:, level]).sum(axis=2)
            entering = (alive * above[:, level]).sum(axis=2)
            quicker = np.divide(entering, 0.7 * back, out=np.ones_like(back), where=back > 1e-9)
            # Where even hardly anybody getting worse leaves too many, people must get better sooner.
            quicker = quicker * np.exp(np.maximum(0.0, -0.7 - self.trim[:, level - 1]))
            down[:, level] = np.minimum(0.2, natural * np.clip(quicker, 1.0, 12.0))
        long = self.aims.crisis_months > 1.25
        down[:, 3] = np.where(
            long, np.clip(self.natural[:, 3] * np.exp(-self.trim[:, 3]), 0.002, 0.9), self.natural[:, 3]
        )

    def _flows(self) -> tuple[F, F]:
        """People entering each cell a month by ageing and by moving in, over the people there."""
        people = self.world.tally.people.T.astype(float)
        widths = np.array([last - first + 1 for first, last in AGE_BANDS], float)
        aged = np.zeros_like(people)
        aged[1:] = people[:-1] / widths[:-1, None] / 12.0
        aged[0] = people[0] / 5.0 / 12.0 * 0.9  # births
        tally = self.world.tally
        self.joined += 0.02 * (tally.moved_in / np.maximum(1, tally.people.sum(axis=1)) - self.joined)
        moved = np.broadcast_to(np.maximum(0.004, self.joined)[None, :], people.shape)
        whole = np.maximum(1.0, people)
        return aged / whole, moved

    def _deaths_above(self, death_rate: F) -> F:
        """People at or above each level who die, beyond their share of all deaths, per person and month."""
        world = self.world
        serious, crisis = float(self.life.serious), float(self.life.crisis)
        factor = np.array([1.0, 1.0, serious, crisis])[None, :, None, None]
        personal = (world.rates.household == 0)[:, None, None, None]
        mean = (self.shares * factor).sum(axis=1, keepdims=True)
        excess = np.where(personal, self.shares * (factor / mean - 1.0) * death_rate, 0.0)
        out: F = excess[:, ::-1].cumsum(axis=1)[:, ::-1]
        return out

    def control(self, *, averaging: bool) -> None:
        """Lean against what the equation leaves over, and remember the table once it has settled."""
        world = self.world
        census = world.tally.census.transpose(0, 1, 3, 2).astype(float)
        counted = census.sum(axis=1)
        for level in range(2):
            cells = self.aims.at_least[:, level + 1] * counted
            there = census[:, level + 1 :].sum(axis=1)
            for term, axis in ((self.trim, 2), (self.tilt, 1)):
                wanted, here = cells.sum(axis=axis), there.sum(axis=axis)
                error = np.divide(wanted - here, wanted, out=np.zeros_like(wanted), where=wanted > 0.5)
                term[:, level] += GAIN * np.clip(error, -0.5, 0.5) * wanted / (wanted + 50.0)
        wanted = (self.aims.at_least[:, 3] * counted).sum(axis=2)
        wanted, here = _together(wanted, self.aims), _together(census[:, 3].sum(axis=2), self.aims)
        error = np.divide(wanted - here, wanted, out=np.zeros_like(wanted), where=wanted > 0.5)
        self.trim[:, 3] += GAIN * np.clip(error, -0.5, 0.5) * wanted / (wanted + 50.0)
        np.clip(self.trim, -2.5, 2.5, out=self.trim)
        np.clip(self.tilt, -1.0, 1.0, out=self.tilt)
        s = world.services
        queue = s.base_places * s.flow * s.wait_base
        error = np.divide(queue - s.queue, queue, out=np.zeros_like(queue), where=queue > 0.01)
        self.ask_trim += 0.01 * np.clip(error, -1.0, 1.0)
        np.clip(self.ask_trim, -2.0, 2.0, out=self.ask_trim)
        held = 0.15 * np.clip(error, -1.0, 1.0)
        world.rates.ask[:] = np.minimum(MOST_ASK, self.ask_base * np.exp(self.ask_trim + held))
        world.rates.asks[:] = all_asks(world)
        if averaging:
            now = {
                "up": world.rates.up[:, :3],
                "down": world.rates.down,
                "ask": world.rates.ask,
                **self.now,
                "care": np.array(
                    [
                        care_given(handle(world), k) / s.base_demand[k]
                        if s.tier[k] == ACUTE and s.base_demand[k] > 0
                        else 1.0
                        for k in range(s.domain.size)
                    ]
                ),
            }
            for name, value in now.items():
                self.sums[name] = self.sums.get(name, 0.0) + np.array(value)
            self.counted += 1

    def solution(self, households: F, donors: Mapping[str, npt.NDArray[np.generic]]) -> Solution:
        """The averages."""
        mean = {name: total / self.counted for name, total in self.sums.items()}
        room = np.ones(self.world.services.domain.size)
        return Solution(**mean, room=room, households=households, **donors)  # type: ignore[arg-type]  # named as the fields are


def england_targets(domains: tuple[Domain, ...], services: tuple[Service, ...], solution: Solution) -> Targets:
    """The targets, with England's households from the solution."""
    mix = england_mix(Place.load(ENGLAND), 3_000_000 // 100)
    return targets(domains, services, mix, mix * solution.households)


_solving = threading.Lock()


def shape_of(place: Place) -> str:
    """What a solution depends on in a place: who lives there and how, in proportion; not how many, or its name."""
    told = place.model_dump(mode="json", include={"splits", "households", "ties", "neighbourhood_people"})
    whole = sum(part.people for part in place.deciles)
    deciles = [(part.decile, round(part.people / whole, 6), part.ages) for part in place.deciles]
    return json.dumps([told, deciles], sort_keys=True)


def solution_for(scenario: Scenario, place: Place | None = None) -> Calibrated:
    """The solution for a scenario's parameters in a place (England's mix, if none): one that comes with the project,
    one found before, or a new one.

    A scenario that is not to be recalibrated has the parameters, with the hazards solved for the default ones.
    """
    where = place or Place.load(ENGLAND)
    with _solving:
        if scenario.parameters and not scenario.recalibrate:
            domains, services = set_in_england(scenario.parameters)
            return _place_solution((), where)._replace(params=scenario.params(), domains=domains, services=services)
        placed = set_in_place(where, scenario.parameters)
        return _place_solution(tuple(sorted(scenario.parameters.items())), placed)


def _place_solution(parameters: tuple[tuple[str, float], ...], place: Place) -> Calibrated:
    shape = shape_of(place)
    for name in SOLVED_PLACES:
        if shape == shape_of(Place.load(name)) and (name == ENGLAND or not parameters):
            return _solution_for(parameters, name)
    return _adapted_for(parameters, place.model_dump_json())


def _solved(name: str) -> Path:
    """Where the solution of a place that comes with the project is kept."""
    return tables.SOLVED if name == ENGLAND else tables.SOLVED.with_name(f"solved_{name}.npz")


@lru_cache(maxsize=16)
def _solution_for(parameters: tuple[tuple[str, float], ...], name: str = ENGLAND) -> Calibrated:
    base = Scenario.load("baseline").model_copy(update={"parameters": dict(parameters)})
    params = base.params()
    domains, services = set_in_england(base.parameters)
    place = Place.load(name)
    digest = tables.digest(domains, services, params, None if name == ENGLAND else shape_of(place))
    for path in (_solved(name), _kept(digest)):
        if path.exists():
            found, solution = tables.read_solution(path)
            if found == digest:
                return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))
    if name == ENGLAND:
        print("These figures need a calibration of their own: once, some minutes…", file=sys.stderr, flush=True)
        solution = _solve_england(params, domains, services)
    else:
        england = _solution_for(parameters)
        print(f"{place.label} needs a calibration of its own: once, some minutes…", file=sys.stderr, flush=True)
        solution = solve_place(place, england.solution, params, domains, services)
    tables.write_solution(solution, digest, _kept(digest))
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


def _kept(name: str) -> Path:
    return jit.CACHE_ROOT / "solved" / f"{name}.npz"


def recalibrate() -> None:
    """Solve for the parameters as they stand, in each of `SOLVED_PLACES`, and keep the results with the project."""
    params, domains, services = Scenario.load("baseline").params(), load_domains(), load_catalogue()
    england = solve(params)
    tables.write_solution(england, tables.digest(domains, services, params), tables.SOLVED)
    for name in SOLVED_PLACES:
        if name != ENGLAND:
            place = Place.load(name)
            solution = solve_place(place, england, params, domains, services)
            digest = tables.digest(domains, services, params, shape_of(place))
            tables.write_solution(solution, digest, _solved(name))
    _solution_for.cache_clear()
