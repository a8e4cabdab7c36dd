"""Solves for the hazards with which the baseline reproduces England's published figures, and keeps reproducing them.

The equation states that nothing drifts. For each domain, age band and fifth, people must move from level l to l + 1 as
often as they return, die or leave the age band:

    up[l] * p[l] * E[modifiers | at l] = down[l+1] * p[l+1] * E[help | at l+1] - net demographic inflow above l

p are the published shares. The two expectations depend on the rest of the model (ties, resilience, the people who
receive help, co-occurring needs). They are therefore measured, person by person and without the noise of events, in a
large place with England's mix that is simulated while its hazards are solved. A slow integral term for each domain,
level and age band removes the remaining error (people who enter a band are healthier than people who leave it). The
solution is the average of the last years. The probability of asking is solved in the same way, so that queues have
their published mean wait.

The published rates are England's, by age and fifth. To reproduce them for its own people, a place needs hazards of its
own. Where few of the old are very old, people have been very old for a shorter time, and need less; where more people
are poor, the same number of places helps a smaller share of people in need. Each place that is supplied with the
project is therefore solved separately, starting from England's solution.

Other parameters, and other places, also need another solution. For them, and for a draw of all parameters from their
ranges (sim/ensemble/parameter_sampling.py), `adapt` is a short version: the supplied solution times the ratio of two
small and short calibration runs with common random numbers, one for the draw or the place and one for the supplied
solution; then one round of the check in a few towns. The errors of the short run are in both, and largely cancel.
"""

from __future__ import annotations

import io
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
from sim.calibration.donor_pool import Sample, select_donors, with_donors
from sim.calibration.flow_balance import MOST_ASK, Solver
from sim.calibration.simulation_check import check_by_simulation, refine_by_simulation
from sim.engine.schedule import Clock
from sim.engine.verified_files import cache_folder
from sim.hazards import Solution, targets
from sim.people.domains import Domain, load_domains
from sim.place.place import Place
from sim.policies import LEVER_GROUP
from sim.scenario.data_parameters import set_in_england, set_in_place
from sim.scenario.scenario import Scenario
from sim.scenario.valuation import VALUATION
from sim.schema.quantities import Params
from sim.services.catalogue import Service, load_catalogue
from sim.simulation.month import Month
from sim.state.codes import ANYTHING
from sim.state.world import handle
from sim.world.build import build, england_mix, head_counts

F = npt.NDArray[np.float64]
FOLDER = cache_folder("solved")
"""Solutions that are not supplied with the project."""
SOLVED_PLACES = (ENGLAND, "wigan")
"""Places that are supplied with a solution."""
PEOPLE = 200_000
YEARS = 60
ENGLAND_SEED = 2
"""The seed of England's calibration run, whose noise remains in the solution. Of three runs, this one was steady in the
towns of seeds 0 to 19 and of 500 to 519. With seed 1, admissions fell by 0.06 % a year (t = 4) in the first towns; with
seed 1 and 300,000 people, care homes had 7 % too few people there; with this seed they have 4 % too few in both."""
AVERAGED = 20
MEASURED_EVERY = 6
"""Months between measurements of the expectations."""
PLACE_PEOPLE, PLACE_YEARS = 120_000, 40
"""A supplied place: people and years of its calibration run, which starts from England's solution."""
SHORT_PEOPLE, SHORT_YEARS, SHORT_AVERAGED = 60_000, 20, 8
"""The short run for a draw of parameters: people, years, and the years that are averaged."""
SHORT_CHECK_PEOPLE, SHORT_CHECK_YEARS = 90_000, 10


def solve(
    params: Mapping[str, Params], *, people: int = PEOPLE, years: int = YEARS, seed: int = ENGLAND_SEED
) -> Solution:
    """Solve for England's hazards with these parameters and the data files. This takes some minutes.

    Parameters
    ----------
    params : mapping of str to Params
        Parameters by mechanism.
    people : int
        Number of people of the calibration run.
    years : int
        Number of years of the calibration run.
    seed : int
        Seed of the calibration run.

    Returns
    -------
    Solution
        England's solution, refined by simulation.
    """
    return _solve_england(params, load_domains(), load_catalogue(), people, years, seed)


def _solve_england(
    params: Mapping[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    people: int = PEOPLE,
    years: int = YEARS,
    seed: int = ENGLAND_SEED,
) -> Solution:
    place = Place.load(ENGLAND)
    mix = england_mix(place, people)
    guess = tables.first_guess(targets(domains, services, mix, mix * 0.4), domains, services)
    parameters = dict(params)
    first_world = build(
        place, people, seed, domains, services, guess, targets(domains, services, mix, mix * 0.4), parameters
    )
    heads = head_counts(first_world.world)
    aims = targets(domains, services, mix, heads)
    guess = tables.first_guess(aims, domains, services)
    world = build(place, people, seed, domains, services, guess, aims, parameters).world
    solver = Solver(world, aims, parameters, seed)
    donors = _run_while_solving(solver, parameters, years, AVERAGED)
    solution = solver.solution(heads / np.maximum(1.0, mix), donors)
    return refine_by_simulation(Calibrated(domains, services, parameters, solution, aims), place)


def solve_place(
    place: Place,
    england: Solution,
    params: dict[str, Params],
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    seed: int = 1,
) -> Solution:
    """Solve for the hazards with which a place reproduces England's published rates, starting from England's solution.

    Parameters
    ----------
    place : Place
        The place.
    england : Solution
        England's solution.
    params : dict of str to Params
        Parameters by mechanism.
    domains : tuple of Domain
        The domains of need.
    services : tuple of Service
        The services.
    seed : int
        Seed of the calibration run.

    Returns
    -------
    Solution
        The place's solution, refined by simulation.
    """
    run = _in_place(place, england, params, domains, services, PLACE_PEOPLE, PLACE_YEARS, AVERAGED, seed=seed)
    # People in need ask as often as elsewhere; the length of the queues follows from that.
    solution = run.solution._replace(ask=england.ask)
    aims = england_targets(domains, services, england)
    return refine_by_simulation(Calibrated(domains, services, params, solution, aims), place)


def _run_while_solving(
    solver: Solver, params: Mapping[str, Params], years: int, averaged: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Run a solver's world, and average its tables over the last `averaged` years. Returns donors from these years."""
    world, seed = solver.world, solver.seed
    month = Month(params, {}, disabled=("overspend_recovery",))
    world.people.changed[:] = ANYTHING
    samples: list[Sample] = []
    for m in range(12 * years):
        if m % MEASURED_EVERY == 0:
            if m >= 24 and m % 24 == 0:
                sample = Sample.of(world)
                if m >= 12 * (years - averaged):
                    samples.append(sample)
                world = with_donors(world, select_donors([sample]))
                solver.world = world
            compiled = handle(world)
            solver.measure(m)
            world.people.changed[:] = ANYTHING
        month(world, compiled, Clock(np.uint64(seed), np.int64(m)))
        solver.control(averaging=m >= 12 * (years - averaged))
    return select_donors([*samples, Sample.of(world)])


class _ShortRun(NamedTuple):
    """The result of a short calibration run, and the integral terms at its end."""

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
    previous: _ShortRun | None = None,
    seed: int = 1,
) -> _ShortRun:
    """Run a calibration in a place, starting from a solution and from the integral terms of a previous run."""
    aims = england_targets(domains, services, start)
    world = build(place, people, seed, domains, services, start, aims, params).world
    solver = Solver(world, aims, params, seed)
    solver.natural = tables.natural_recovery(domains, aims)
    if previous is not None:
        solver.trim[:], solver.tilt[:], solver.ask_trim[:] = previous.trim, previous.tilt, previous.ask_trim
    else:
        ask = np.divide(start.ask, solver.ask_base, out=np.ones_like(start.ask), where=solver.ask_base > 0)
        solver.ask_trim[:] = np.log(np.clip(ask, 0.2, 5.0))
    donors = _run_while_solving(solver, params, years, averaged)
    solution = solver.solution(start.households, donors)._replace(room=start.room)
    return _ShortRun(solution, solver.trim, solver.tilt, solver.ask_trim)


_adapt_lock = threading.Lock()


@lru_cache(maxsize=4)
def _reference_run(name: str) -> _ShortRun:
    """The short run for the default parameters in a supplied place.

    It follows a first run, which brings the integral terms to their steady state.
    """
    place, calibrated = Place.load(name), _solution_for((), name)
    arguments = (place, calibrated.solution, calibrated.params, calibrated.domains, calibrated.services)
    return _in_place(*arguments, previous=_in_place(*arguments))


def adapt(
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: dict[str, Params],
    place: Place | None = None,
    *,
    check: bool = True,
) -> Solution:
    """Adapt the supplied solution to other parameters and figures, or to another place. This takes some seconds.

    Parameters
    ----------
    domains : tuple of Domain
        The domains of need.
    services : tuple of Service
        The services.
    params : dict of str to Params
        Parameters by mechanism.
    place : Place, optional
        The place; England by default.
    check : bool
        Whether the solution is refined by one round of simulation.

    Returns
    -------
    Solution
        The adapted solution.

    Notes
    -----
    The steadiness of drawn baselines is tested in tests/test_parameters.py and reported by `upstream fit --draws`.
    """
    place = place or Place.load(ENGLAND)
    base_place = place.name if place.name in SOLVED_PLACES else ENGLAND
    with _adapt_lock:
        calibrated, reference = _solution_for((), base_place), _reference_run(base_place)
    supplied_solution, reference_solution = calibrated.solution, reference.solution
    adapted_solution = _in_place(place, supplied_solution, params, domains, services, previous=reference).solution

    def scaled(name: str, most: float) -> F:
        supplied, adapted, reference_values = (
            getattr(x, name) for x in (supplied_solution, adapted_solution, reference_solution)
        )
        ratio = np.divide(adapted, reference_values, out=np.ones_like(supplied), where=reference_values > 1e-12)
        out: F = np.minimum(most, supplied * ratio)
        return out

    solution = supplied_solution._replace(
        up=scaled("up", 0.3),
        down=scaled("down", 0.9),
        ask=scaled("ask", MOST_ASK),
        mortality=scaled("mortality", np.inf),
        care=scaled("care", np.inf),
        knocks=supplied_solution.knocks + adapted_solution.knocks - reference_solution.knocks,
        resilience=supplied_solution.resilience + adapted_solution.resilience - reference_solution.resilience,
        trust=np.clip(supplied_solution.trust + adapted_solution.trust - reference_solution.trust, 0.0, 1.0),
        **{name: getattr(adapted_solution, name) for name in Solution._fields if name.startswith("donor_")},
    )
    if not check:
        return solution
    candidate = Calibrated(domains, services, params, solution, england_targets(domains, services, solution))
    for money in (False, True):
        refined = check_by_simulation(candidate, place, money=money, people=SHORT_CHECK_PEOPLE, years=SHORT_CHECK_YEARS)
        candidate = candidate._replace(solution=refined)
    return candidate.solution


def _adapted(
    domains: tuple[Domain, ...], services: tuple[Service, ...], params: dict[str, Params], place: Place
) -> Calibrated:
    """An adapted solution, from the cache or computed now."""
    base_place = place.name if place.name in SOLVED_PLACES else ENGLAND
    calibrated = _solution_for((), base_place)
    supplied = tables.digest(calibrated.domains, calibrated.services, calibrated.params)
    key = f"{tables.digest(domains, services, params, shape_of(place))}-from-{base_place}-{supplied}"
    solution = _cached_solution(key)
    if solution is None:
        if "UPSTREAM_QUIET" not in os.environ and place.name not in SOLVED_PLACES:
            print(f"Solving hazards for {place.label}: only once, some seconds…", file=sys.stderr, flush=True)
        solution = adapt(domains, services, params, place)
        _cache_solution(solution, key)
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


@lru_cache(maxsize=256)
def _adapted_for(parameters: tuple[tuple[str, float], ...], place: str) -> Calibrated:
    params = Scenario.load("baseline").model_copy(update={"parameters": dict(parameters)}).params()
    domains, services = set_in_england(dict(parameters))
    return _adapted(domains, services, params, Place.model_validate_json(place))


def adapted_for(scenario: Scenario, place: Place | None = None) -> Calibrated:
    """The solution for a draw of parameters: the supplied solution, adapted now or from the cache."""
    resolved = place or Place.load(ENGLAND)
    return _adapted_for(_calibrating(scenario), resolved.model_dump_json())._replace(params=scenario.params())


def _calibrating(scenario: Scenario) -> tuple[tuple[str, float], ...]:
    """The parameters of a scenario on which its hazards depend: all but baselines of levers and discount rates."""
    others = (LEVER_GROUP, VALUATION)
    return tuple(sorted((n, v) for n, v in scenario.parameters.items() if n.split(".")[0] not in others))


_solve_lock = threading.Lock()


def shape_of(place: Place) -> str:
    """The properties of a place on which a solution depends, as text.

    These are the relative numbers of people and their households and ties; not the number of people, nor the name.
    """
    settings = place.model_dump(mode="json", include={"splits", "households", "ties", "neighbourhood_people"})
    total = sum(part.people for part in place.deciles)
    deciles = [(part.decile, round(part.people / total, 6), part.ages) for part in place.deciles]
    return json.dumps([settings, deciles], sort_keys=True)


def solution_for(scenario: Scenario, place: Place | None = None) -> Calibrated:
    """The solution for a scenario's parameters in a place: supplied with the project, from the cache, or computed now.

    Parameters
    ----------
    scenario : Scenario
        The scenario. If it is not to be recalibrated, it has its parameters, with the hazards of the default ones.
    place : Place, optional
        The place; England's mix by default.

    Returns
    -------
    Calibrated
        All inputs from which a world is built.
    """
    resolved = place or Place.load(ENGLAND)
    with _solve_lock:
        calibrating = _calibrating(scenario)
        if calibrating and not scenario.recalibrate:
            domains, services = set_in_england(scenario.parameters)
            return _place_solution((), resolved)._replace(params=scenario.params(), domains=domains, services=services)
        placed = set_in_place(resolved, scenario.parameters)
        return _place_solution(calibrating, placed)._replace(params=scenario.params())


def _place_solution(parameters: tuple[tuple[str, float], ...], place: Place) -> Calibrated:
    shape = shape_of(place)
    for name in SOLVED_PLACES:
        if shape == shape_of(Place.load(name)) and (name == ENGLAND or not parameters):
            return _solution_for(parameters, name)
    return _adapted_for(parameters, place.model_dump_json())


def _supplied_path(name: str) -> Path:
    """The file of the solution of a supplied place."""
    return tables.SOLVED / f"{name}.npz"


@lru_cache(maxsize=16)
def _solution_for(parameters: tuple[tuple[str, float], ...], name: str = ENGLAND) -> Calibrated:
    base = Scenario.load("baseline").model_copy(update={"parameters": dict(parameters)})
    params = base.params()
    domains, services = set_in_england(base.parameters)
    place = Place.load(name)
    digest = tables.digest(domains, services, params, None if name == ENGLAND else shape_of(place))
    solution = _supplied_solution(name, digest) or _cached_solution(digest)
    if solution is not None:
        return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))
    if name == ENGLAND:
        print("Calibrating for these figures: only once, some minutes…", file=sys.stderr, flush=True)
        solution = _solve_england(params, domains, services)
    else:
        england = _solution_for(parameters)
        print(f"Calibrating {place.label}: only once, some minutes…", file=sys.stderr, flush=True)
        solution = solve_place(place, england.solution, params, domains, services)
    _cache_solution(solution, digest)
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


def _supplied_solution(name: str, digest: str) -> Solution | None:
    """The solution that is supplied for a place, if it belongs to these figures."""
    path = _supplied_path(name)
    if not path.exists():
        return None
    stored, solution = tables.read_solution(path)
    return solution if stored == digest else None


def _cached_solution(key: str) -> Solution | None:
    return FOLDER.get(f"{key}.solution", _decoded)


def _decoded(content: memoryview) -> Solution:
    return tables.read_solution(io.BytesIO(content))[1]


def _cache_solution(solution: Solution, key: str) -> None:
    FOLDER.put(f"{key}.solution", tables.encoded_solution(solution, key))


def recalibrate() -> None:
    """Solve for the current parameters in each of `SOLVED_PLACES`, and store the results with the project."""
    params, domains, services = Scenario.load("baseline").params(), load_domains(), load_catalogue()
    england = solve(params)
    tables.write_solution(england, tables.digest(domains, services, params), _supplied_path(ENGLAND))
    for name in SOLVED_PLACES:
        if name != ENGLAND:
            place = Place.load(name)
            solution = solve_place(place, england, params, domains, services)
            digest = tables.digest(domains, services, params, shape_of(place))
            tables.write_solution(solution, digest, _supplied_path(name))
    _solution_for.cache_clear()
