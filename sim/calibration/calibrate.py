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
ranges (sim/ensemble/parameter_sampling.py), there is a short cut, `adapt`: the shipped table times what a small and short solving run
finds for the draw or the place, over what the same run, with the same luck, finds for what was shipped; then one round
of the check in a few towns. Its own errors are those of the short run in both, and largely cancel.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.calibration.calibrated_model import ENGLAND, Calibrated, england_targets
from sim.calibration.donor_pool import Sample, donors_of, with_donors
from sim.calibration.flow_balance import MOST_ASK, Solver
from sim.calibration.simulation_check import checked, refined_by_simulation
from sim.engine import jit
from sim.engine.schedule import Clock
from sim.hazards import Solution, targets
from sim.people.domains import Domain, load_domains
from sim.place.place import Place
from sim.scenario.data_parameters import set_in_england, set_in_place
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import Service, load_catalogue
from sim.simulation.simulate import Month
from sim.state.tables import ANYTHING, handle
from sim.world.build import build, england_mix, head_counts

F = npt.NDArray[np.float64]
SOLVED_PLACES = (ENGLAND, "wigan")
"""Places that come with a solution of their own."""
PEOPLE = 200_000
YEARS = 60
LUCK = 2
"""The seed of England's solving run, whose noise stays in the solution. It was chosen, among three runs, as steady in
the towns of seeds 0 to 19 and of 500 to 519. With seed 1 admissions fell by 0.06 % a year (t = 4) in the first; with
seed 1 and 300,000 people care homes were 7 % short of people there; with this one they are 4 % short in both."""
AVERAGED = 20
MEASURED_EVERY = 6
"""Months between measurements of the expectations."""
PLACE_PEOPLE, PLACE_YEARS = 120_000, 40
"""A place that comes with the project: people and years of its solving run, from England's solution on."""
SHORT_PEOPLE, SHORT_YEARS, SHORT_AVERAGED = 60_000, 20, 8
"""The short cut for a draw of parameters: the place it is solved in, for how long, and the years that are averaged."""
SHORT_CHECK_PEOPLE, SHORT_CHECK_YEARS = 90_000, 10


def solve(params: Mapping[str, Params], *, people: int = PEOPLE, years: int = YEARS, seed: int = LUCK) -> Solution:
    """Find England's solution for these parameters and the data files. Takes some minutes."""
    return _solve_england(params, load_domains(), load_catalogue(), people, years, seed)


def _solve_england(
    params: Mapping[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    people: int = PEOPLE,
    years: int = YEARS,
    seed: int = LUCK,
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
    solver = Solver(world, aims, parameters, seed)
    donors = _run_while_solving(solver, parameters, years, AVERAGED)
    solution = solver.solution(heads / np.maximum(1.0, mix), donors)
    return refined_by_simulation(Calibrated(domains, services, parameters, solution, aims), place)


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
    return refined_by_simulation(Calibrated(domains, services, params, solution, aims), place)


def _run_while_solving(
    solver: Solver, params: Mapping[str, Params], years: int, averaged: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Run a solver's world for so many years, the last of which are averaged. Returns donors from those years."""
    world, seed = solver.world, solver.seed
    month = Month(params, {}, disabled=("overspend_recovery",))
    world.people.changed[:] = ANYTHING
    seen_people: list[Sample] = []
    for m in range(12 * years):
        if m % MEASURED_EVERY == 0:
            if m >= 24 and m % 24 == 0:
                now = Sample.of(world)
                if m >= 12 * (years - averaged):
                    seen_people.append(now)
                world = with_donors(world, donors_of([now]))
                solver.world = world
            seen = handle(world)
            solver.measure(m)
            world.people.changed[:] = ANYTHING
        month(world, seen, Clock(np.uint64(seed), np.int64(m)))
        solver.control(averaging=m >= 12 * (years - averaged))
    return donors_of([*seen_people, Sample.of(world)])


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
    solver = Solver(world, aims, params, seed)
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
    found = Calibrated(domains, services, params, solution, england_targets(domains, services, solution))
    for money in (False, True):
        better = checked(found, place, money=money, people=SHORT_CHECK_PEOPLE, years=SHORT_CHECK_YEARS)
        found = found._replace(solution=better)
    return found.solution


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
    return tables.SOLVED / f"{name}.npz"


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
    tables.write_solution(england, tables.digest(domains, services, params), _solved(ENGLAND))
    for name in SOLVED_PLACES:
        if name != ENGLAND:
            place = Place.load(name)
            solution = solve_place(place, england, params, domains, services)
            digest = tables.digest(domains, services, params, shape_of(place))
            tables.write_solution(solution, digest, _solved(name))
    _solution_for.cache_clear()
