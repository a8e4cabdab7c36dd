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

Other parameters, other places, and services and mechanisms of extensions also need another solution. A scenario states
how it is solved (`calibrate`): "fast" adapts the supplied solution in some seconds (paired_run.py), "full" solves it
again in some minutes, and "none" keeps the hazards of the default parameters.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.calibration import attainable_rates
from sim.calibration.calibrated_model import Calibrated, england_targets
from sim.calibration.donor_pool import Sample, select_donors, with_donors
from sim.calibration.extended_model import changes_baseline, has_domains, package_figures
from sim.calibration.flow_balance import Solver
from sim.calibration.paired_run import adapt
from sim.calibration.simulation_check import correct_in_towns, refine_by_simulation
from sim.engine import jit
from sim.engine.schedule import Clock
from sim.engine.verified_files import cache_folder
from sim.hazards import Solution, targets
from sim.people.domains import Domain, load_domains
from sim.place.place import Place
from sim.place.population_mix import ENGLAND, population_mix
from sim.policies import LEVER_GROUP
from sim.scenario.calibration_mode import Calibrate
from sim.scenario.data_parameters import set_in_england, set_in_place
from sim.scenario.scenario import Scenario
from sim.scenario.valuation import VALUATION
from sim.schema import extensions
from sim.schema.errors import InputError
from sim.schema.quantities import Params
from sim.services.catalogue import Service, load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import Progress
from sim.state.codes import ANYTHING
from sim.world.build import build, head_counts

F = npt.NDArray[np.float64]
MOST_MODELS = 256
"""Adapted solutions that a process keeps in memory."""
COMPARED_PEOPLE = 20_000
"""Size at which the mix of people of places is compared."""
_adapted_models: dict[str, tuple[Calibrated, attainable_rates.Diagnosis]] = {}
FOLDER = cache_folder("solved", 4_000_000_000)
"""Solutions that are not supplied with the project: those of some 13,000 draws."""
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
TOWNS_PEOPLE, TOWNS_YEARS = (30_000, 60_000), 6
"""People in the towns of each round by which an adapted solution is corrected, and years of these towns."""
PLACE_PEOPLE, PLACE_YEARS = 120_000, 40
"""A supplied place: people and years of its calibration run, which starts from England's solution."""


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
    mix = population_mix(place, people)
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
    aims = england_targets(domains, services, england)
    world = build(place, PLACE_PEOPLE, seed, domains, services, england, aims, params).world
    solver = Solver(world, aims, params, seed)
    solver.natural = tables.natural_recovery(domains, aims)
    solver.start_asking(england.ask)
    donors = _run_while_solving(solver, params, PLACE_YEARS, AVERAGED)
    # People in need ask as often as elsewhere; the length of the queues follows from that.
    solution = solver.solution(england.households, donors)._replace(room=england.room, ask=england.ask)
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
                solver.use(world)
            solver.measure(m)
            world.people.changed[:] = ANYTHING
        month(world, solver.compiled, Clock(np.uint64(seed), np.int64(m)))
        solver.control(averaging=m >= 12 * (years - averaged))
    return select_donors([*samples, Sample.of(world)])


def _adapted(parameters: tuple[tuple[str, float], ...], place: Place, progress: Progress | None) -> Calibrated:
    """The solution adapted to these parameters and this place, from the cache or computed now."""
    name = nearest_supplied(place)
    base = _supplied_model(name)
    params, domains, services = _figures(parameters)
    key = "-".join(
        (
            tables.digest(domains, services, params, shape_of(place)),
            f"from-{name}",
            tables.digest(base.domains, base.services, base.params),
            jit.DIGEST[:16],
        )
    )
    adapted = _adapted_models.get(key)
    if adapted is None:
        solution, diagnosis = _cached_solution(key), FOLDER.get(f"{key}.diagnosis", _decoded_diagnosis)
        if solution is None or diagnosis is None:
            if progress is not None:
                progress(0, 1, f"calibrating {place.name}")
            elif extensions.active():
                names = ", ".join(extension.name for extension in extensions.active())
                print(f"Calibrating {place.label} with {names}: only once, some seconds…", file=sys.stderr, flush=True)
            solution, diagnosis = adapt(base, Place.load(name), domains, services, params, place)
            aims = england_targets(domains, services, solution)
            for people in TOWNS_PEOPLE:
                uncorrected = Calibrated(domains, services, params, solution, aims)
                solution = correct_in_towns(uncorrected, place, people, TOWNS_YEARS)
            _cache_solution(solution, key)
            FOLDER.put(f"{key}.diagnosis", json.dumps(diagnosis).encode())
        model = Calibrated(domains, services, params, solution, england_targets(domains, services, solution))
        adapted = model, diagnosis
        while len(_adapted_models) >= MOST_MODELS:
            _adapted_models.pop(next(iter(_adapted_models)), None)
        _adapted_models[key] = adapted
    model, diagnosis = adapted
    attainable_rates.check(diagnosis, dict(parameters), name)
    return model


def _decoded_diagnosis(content: memoryview) -> attainable_rates.Diagnosis:
    return attainable_rates.Diagnosis(*json.loads(bytes(content)))


def nearest_supplied(place: Place) -> str:
    """The supplied place from whose solution that of a place is adapted: the nearest in ages and deprivation."""
    if place.name in SOLVED_PLACES:
        return place.name

    def mix(of: Place) -> F:
        table = population_mix(of, max(of.fewest_people, COMPARED_PEOPLE))
        shares: F = table / table.sum()
        return shares

    return min(SOLVED_PLACES, key=lambda name: float(np.abs(mix(Place.load(name)) - mix(place)).sum()))


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


def solution_for(scenario: Scenario, place: Place | None = None, progress: Progress | None = None) -> Calibrated:
    """The solution for a scenario's parameters in a place: supplied with the project, from the cache, or computed now.

    Parameters
    ----------
    scenario : Scenario
        The scenario. Its `calibrate` states how other parameters are solved. "none": the scenario has its parameters,
        with the hazards of the default ones.
    place : Place, optional
        The place; England's mix by default.
    progress : callable, optional
        Called with 0, 1 and a label before anything is solved.

    Returns
    -------
    Calibrated
        All inputs from which a world is built.

    Raises
    ------
    CalibrationError
        If no hazards give the published rates with these parameters, or the baseline would run away.
    """
    resolved = place or Place.load(ENGLAND)
    calibrating = _calibrating(scenario)
    if calibrating and scenario.calibrate == "none":
        domains, services = set_in_england(scenario.parameters)
        unchanged = _place_solution((), resolved, "none", progress)
        return unchanged._replace(params=scenario.params(), domains=domains, services=services)
    placed = set_in_place(resolved, scenario.parameters)
    return _place_solution(calibrating, placed, scenario.calibrate, progress)._replace(params=scenario.params())


def _place_solution(
    parameters: tuple[tuple[str, float], ...], place: Place, mode: Calibrate, progress: Progress | None
) -> Calibrated:
    """The solution for parameters in a place."""
    shape = shape_of(place)
    supplied = next((name for name in SOLVED_PLACES if shape == shape_of(Place.load(name))), None)
    extended = changes_baseline(mode)
    if supplied is not None and not parameters and (has_domains() or not extended):
        return _supplied_model(supplied)
    if mode != "full":
        return _adapted(parameters, place, progress)
    with _solve_lock:
        if progress is not None:
            progress(0, 1, "calibrating in full: some minutes")
        return _solution_for(parameters, supplied) if supplied is not None else _solved_in(place, parameters)


def _supplied_path(name: str) -> Path:
    """The file of the solution of a supplied place."""
    return tables.SOLVED / f"{name}.npz"


def _supplied_model(name: str) -> Calibrated:
    """The solution that is supplied for a place, with the parameters and figures of the package.

    Where an extension has a domain of need, nothing that is supplied fits: the place is solved in full, once.
    """
    return _solution_for((), name, package_only=not has_domains())


@lru_cache(maxsize=16)
def _solution_for(
    parameters: tuple[tuple[str, float], ...], name: str = ENGLAND, *, package_only: bool = False
) -> Calibrated:
    """The solution for parameters in a supplied place: supplied, from the cache, or solved in full."""
    place = Place.load(name)
    if name != ENGLAND:
        return _solved_in(place, parameters, package_only=package_only)
    params, domains, services = _figures(parameters, package_only=package_only)
    digest = tables.digest(domains, services, params)
    solution = _supplied_solution(name, digest) or _cached_solution(digest)
    if solution is None:
        print("Calibrating for these figures: only once, some minutes…", file=sys.stderr, flush=True)
        solution = _solve_england(params, domains, services)
        _cache_solution(solution, digest)
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


def _solved_in(place: Place, parameters: tuple[tuple[str, float], ...], *, package_only: bool = False) -> Calibrated:
    """The full solution for parameters in a place other than England."""
    params, domains, services = _figures(parameters, package_only=package_only)
    digest = tables.digest(domains, services, params, shape_of(place))
    solution = _supplied_solution(place.name, digest) or _cached_solution(digest)
    if solution is None:
        england = _solution_for(parameters, package_only=package_only)
        print(f"Calibrating {place.label}: only once, some minutes…", file=sys.stderr, flush=True)
        solution = solve_place(place, england.solution, params, domains, services)
        _cache_solution(solution, digest)
    return Calibrated(domains, services, params, solution, england_targets(domains, services, solution))


def _figures(
    parameters: tuple[tuple[str, float], ...], *, package_only: bool = False
) -> tuple[dict[str, Params], tuple[Domain, ...], tuple[Service, ...]]:
    """The parameters, domains and services with these values. `package_only` leaves extensions out."""
    base = Scenario.load("baseline").model_copy(update={"parameters": dict(parameters)})
    if package_only:
        return package_figures(base.params())
    return base.params(), *set_in_england(base.parameters)


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
    FOLDER.limit()


def solve_supplied_places() -> None:
    """Solve for the current parameters in each of `SOLVED_PLACES`, and store the results with the project.

    Raises
    ------
    InputError
        If extensions are in use: solutions of the project are those of the package.
    """
    if extensions.active():
        names = ", ".join(extension.name for extension in extensions.active())
        wanted = "no extensions, as solutions are stored with the project (`--calibrate full` of run and compare)"
        raise InputError("upstream calibrate", None, extensions.OPTION, wanted, names)
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
