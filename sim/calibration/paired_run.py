"""Adapts a supplied solution to other parameters, or to another place, in some seconds.

The method is a ratio of two short calibration runs: one for the other parameters or place, one for the supplied
solution. The systematic errors of a short run are in both, and cancel. The run for the supplied solution is the same
for all parameters: it is stored, and can therefore have many more people. (Were it as small, with the same random
numbers, its random errors would add to those of the other run: after some years, the two have little in common.)

Two things would take decades to reach their steady state, and are set near it instead:

- Needs. The donors from whom the town is built are moved to the shares of need of the new figures.
- Resilience, which remembers crises for ten years and more. After `EXTRAPOLATED_AT` months, the resilience of each age
  band, in people and in donors, is extrapolated to its steady state.

The result still has the random errors of a small run, which the feedback of crises on need enlarges. A few towns
correct it, and set acute budgets to the cost of care (`simulation_check.correct_in_towns`): a budget that differs from
it would feed or starve prevention in the baseline.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.calibration.attainable_rates import Diagnosis
from sim.calibration.calibrated_model import Calibrated, england_targets
from sim.calibration.donor_pool import kinds, with_shares
from sim.calibration.extended_model import further_mechanisms, has_domains, padded, walk_ins, with_services
from sim.calibration.flow_balance import MOST_ASK, Solver
from sim.engine import jit
from sim.engine.schedule import Clock
from sim.engine.verified_files import cache_folder
from sim.hazards import BANDS, FIRST_ASK, Solution, Targets
from sim.people.domains import Domain
from sim.place.place import Place
from sim.schema.quantities import Params
from sim.services.catalogue import Service
from sim.simulation.month import BURN_IN_DISABLED, Month
from sim.state.codes import ANYTHING, EMPTY_SLOT
from sim.state.world import World
from sim.world.build import build

F = npt.NDArray[np.float64]
REFERENCES = cache_folder("reference")
"""Runs for the supplied solutions."""
PEOPLE, REFERENCE_PEOPLE, YEARS = 32_000, 100_000, 12
"""People of a run, of the run for a supplied solution, and years of both."""
FIRST_YEARS = 20
"""Years of the run before the reference run, which brings the integral terms to their steady state."""
GAIN = 0.02
"""Monthly gain of the integral terms of emerging and serious need, which have little time."""
SEED = 1
MEASURED_EVERY = 12
"""Months between measurements of the expectations."""
EXTRAPOLATED_AT, FORGOTTEN_AT = 42, 60
"""Months after which resilience is extrapolated, and after which earlier measurements are discarded."""
TURNOVER = 0.08
"""Share of the people of an age band who are replaced in a year, in the extrapolation of resilience. CALC: about 5% of
households move in a year, and people enter and leave a band of 10 to 18 years by ageing. With 0.045, resilience was
extrapolated too far (by up to a fifth, against runs of 20 years)."""
PRIOR_PEOPLE = 20.0
"""People with serious need in a cell, whose modifiers weigh as much as the change in the age band or domain."""
MOST_EXTRAPOLATED = 3.0
"""Largest factor by which resilience is extrapolated."""
MOST_UP, MOST_DOWN = 0.3, 0.9
"""Largest monthly probabilities of getting worse and better, with all modifiers at 1."""
TABLES = ("up", "down", "ask", "mortality", "knocks", "resilience", "trust")


class PairedRun(NamedTuple):
    """The result of a short calibration run."""

    up: F
    down: F
    ask: F
    mortality: F
    knocks: F
    resilience: F
    trust: F
    trim: F
    tilt: F
    ask_trim: F
    memory: F
    """Resilience of the donors at the end, relative to the start. Shape (band,)."""
    at_risk: F
    """People with serious need at one moment. Shape (domain, band, quintile)."""
    people: F
    """People at one moment. Shape (band, quintile)."""
    modifiers: F
    """Sum of their modifiers of the hazard of a crisis. Shape (domain, band, quintile)."""


def adapt(
    base: Calibrated,
    base_place: Place,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: dict[str, Params],
    place: Place,
) -> tuple[Solution, Diagnosis]:
    """Adapt a supplied solution to other parameters and figures, to another place, or to extensions.

    Parameters
    ----------
    base : Calibrated
        A supplied solution, with its parameters and figures.
    base_place : Place
        Its place.
    domains : tuple of Domain
        The domains of need.
    services : tuple of Service
        The services: those of the supplied solution, then those of extensions.
    params : dict of str to Params
        Parameters by mechanism.
    place : Place
        The place.

    Returns
    -------
    solution : Solution
        The adapted solution.
    diagnosis : Diagnosis
        The rates that it gives (`sim/calibration/attainable_rates.py`).
    """
    reference = reference_run(base, base_place)
    supplied = base.solution
    further = services[len(base.services) :]
    if further:
        supplied = with_services(supplied, further)
        reference = reference._replace(
            ask=padded(reference.ask, len(further), FIRST_ASK),
            ask_trim=padded(reference.ask_trim, len(further), 0.0),
            knocks=padded(reference.knocks, walk_ins(further), 0.0),
        )
    aims = england_targets(domains, services, supplied)
    start = supplied._replace(donor_level=with_shares(supplied, base.aims, aims, domains))
    result = _run(place, start, aims, domains, services, params, reference, PEOPLE, YEARS)

    def scaled(name: str, most: float) -> F:
        values, adapted, unadapted = (getattr(source, name) for source in (supplied, result, reference))
        ratio = np.divide(adapted, unadapted, out=np.ones_like(values), where=unadapted > 1e-12)
        return np.asarray(np.minimum(most, values * ratio))

    up = scaled("up", MOST_UP)
    crisis = supplied.up[:, 2] * _crisis_hazards(result, aims, reference, base.aims)
    up[:, 2] = np.minimum(MOST_UP, crisis)
    solution = start._replace(
        up=up,
        down=scaled("down", MOST_DOWN),
        ask=scaled("ask", MOST_ASK),
        mortality=scaled("mortality", np.inf),
        knocks=supplied.knocks + result.knocks - reference.knocks,
        resilience=supplied.resilience + result.resilience - reference.resilience,
        trust=np.clip(supplied.trust + result.trust - reference.trust, 0.0, 1.0),
        donor_resilience=_with_memory(start, result.memory / reference.memory, params),
    )
    return solution, _diagnosis(solution, crisis, aims, domains, services, result)


def _diagnosis(
    solution: Solution,
    crisis: F,
    aims: Targets,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    run: PairedRun,
) -> Diagnosis:
    """The rates that these hazards give, relative to the published ones. `crisis` are hazards without a limit."""
    required, limited = ((hazard * run.modifiers).sum(axis=(1, 2)) for hazard in (crisis, solution.up[:, 2]))
    attained = limited / np.maximum(1e-12, required)
    visits = {}
    walk_ins = [service for service in services if service.walk_in is not None]
    for row, service in enumerate(walk_ins):
        assert service.walk_in is not None
        d = [domain.id for domain in domains].index(service.domain)
        through = service.walk_in.arrives_with_crisis_share.value * aims.crises[d]
        published = ((aims.walk_in[row] + through) * run.people).sum()
        excess = (np.maximum(0.0, solution.knocks[row] - aims.walk_in[row]) * run.people).sum()
        visits[service.id] = float(1.0 + excess / published)
    return Diagnosis(
        crises={domain.id: float(share) for domain, share in zip(domains, attained, strict=True)}, visits=visits
    )


def _crisis_hazards(run: PairedRun, aims: Targets, reference: PairedRun, before: Targets) -> F:
    """Hazards of a crisis relative to those of the reference. Shape (domain, band, quintile).

    They change with the published number of crises, the published share of people with serious need, and the mean
    modifier of these people. The last is measured in a small town, where a cell has few people with serious need: its
    change is that of the cell, the age band and the domain, each weighted by its number of people. (A mean over cells
    of 1 over the modifier of few people would be too high.)
    """
    wanted, wanted_before = (
        np.divide(each.crises, each.shares()[:, 2], out=np.zeros_like(each.crises), where=each.shares()[:, 2] > 0)
        for each in (aims, before)
    )
    reference_modifier = np.divide(
        reference.modifiers, reference.at_risk, out=np.ones_like(reference.at_risk), where=reference.modifiers > 0
    )
    weight = wanted / reference_modifier
    observed, expected = weight * run.modifiers, weight * run.at_risk * reference_modifier
    prior = weight * reference_modifier * PRIOR_PEOPLE
    change = observed.sum(axis=(1, 2), keepdims=True) / np.maximum(1e-12, expected.sum(axis=(1, 2), keepdims=True))
    for axes in ((2,), ()):
        weighed = [each.sum(axis=axes, keepdims=True) for each in (observed, expected, prior)]
        change = np.divide(
            weighed[0] + weighed[2] * change,
            weighed[1] + weighed[2],
            out=np.ones_like(weighed[0]),
            where=weighed[2] > 0,
        )
    ratio = np.divide(wanted, wanted_before, out=np.ones_like(wanted), where=wanted_before > 0)
    return np.asarray(ratio / np.maximum(0.05, change))


_reference_lock = threading.Lock()
_references: dict[str, PairedRun] = {}


def reference_run(base: Calibrated, place: Place) -> PairedRun:
    """The run for a supplied solution, from the cache or computed now.

    Parameters
    ----------
    base : Calibrated
        A supplied solution, with its parameters and figures.
    place : Place
        Its place.

    Returns
    -------
    PairedRun
        The result. It depends on the code, the solution and the place, which are in its key. Mechanisms of extensions
        run in it only if the solution is theirs too.
    """
    further = () if has_domains() else further_mechanisms()
    code = jit.DIGEST if has_domains() else jit.PACKAGE_DIGEST
    key = f"{place.name}-{base.digest()[:20]}-{code[:20]}"
    with _reference_lock:
        run = _references.get(key) or REFERENCES.get(f"{key}.reference", _decoded)
        if run is None:
            arguments = (place, base.solution, base.aims, base.domains, base.services, base.params)
            disabled = (*BURN_IN_DISABLED, *further)
            first = _run(*arguments, None, PEOPLE, FIRST_YEARS, disabled)
            run = _run(*arguments, first, REFERENCE_PEOPLE, YEARS, disabled)
            file = io.BytesIO()
            np.savez(file, **run._asdict())
            REFERENCES.put(f"{key}.reference", file.getvalue())
        _references[key] = run
    return run


def _decoded(content: memoryview) -> PairedRun:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return PairedRun(**{name: stored[name] for name in PairedRun._fields})


def _run(
    place: Place,
    start: Solution,
    aims: Targets,
    domains: tuple[Domain, ...],
    services: tuple[Service, ...],
    params: Mapping[str, Params],
    previous: PairedRun | None,
    people: int,
    years: int,
    disabled: tuple[str, ...] = BURN_IN_DISABLED,
) -> PairedRun:
    """Run a town while its hazards are solved, from the integral terms of a previous run."""
    world = build(place, people, SEED, domains, services, start, aims, params).world
    solver = Solver(world, aims, params, SEED)
    solver.gain = GAIN
    solver.natural = tables.natural_recovery(domains, aims)
    if previous is not None:
        solver.trim[:], solver.tilt[:], solver.ask_trim[:] = previous.trim, previous.tilt, previous.ask_trim
    else:
        solver.start_asking(start.ask)
    month = Month(params, {}, disabled=disabled)
    world.people.changed[:] = ANYTHING
    first, memory, measured = _mean_resilience(world), np.ones(BANDS), 0
    for m in range(12 * years):
        if m == EXTRAPOLATED_AT:
            memory = _extrapolate_resilience(world, start, first, m, params)
        if m == FORGOTTEN_AT:
            solver.forget()
            measured = 0
        if m % MEASURED_EVERY == 0:
            solver.measure(m)
            measured += 1
            world.people.changed[:] = ANYTHING
        month(world, solver.compiled, Clock(np.uint64(SEED), np.int64(m)))
        solver.control(averaging=m >= FORGOTTEN_AT)
    averages = {name: solver.sums[name] / solver.counted for name in TABLES}
    return PairedRun(
        **averages,
        trim=solver.trim,
        tilt=solver.tilt,
        ask_trim=solver.ask_trim,
        memory=memory,
        at_risk=solver.memory.at_risk[:, 2] / measured,
        people=solver.memory.alive / measured,
        modifiers=solver.memory.worse[:, 2] / measured,
    )


def _mean_resilience(world: World) -> F:
    """Mean resilience by age band."""
    people = world.people
    alive = people.age != EMPTY_SLOT
    count, total = (
        np.bincount(people.band[alive], weights=weights, minlength=BANDS)
        for weights in (None, people.resilience[alive])
    )
    return np.asarray(total / np.maximum(1, count))


def _extrapolate_resilience(world: World, start: Solution, first: F, months: int, params: Mapping[str, Params]) -> F:
    """Move the resilience of people and donors to the steady state of each age band.

    The distance from the steady state shrinks by the share that fades, and by the share of people who are replaced.

    Returns
    -------
    ndarray, shape (band,)
        Resilience of the donors, relative to the start.
    """
    resilience = params["resilience"].compiled()
    remaining = np.exp(-(resilience.fade + TURNOVER) * months / 12.0)
    present = _mean_resilience(world)
    steady = (present - first * remaining) / (1.0 - remaining)
    people = world.people
    factor = _ratio(steady, present)[np.minimum(people.band, BANDS - 1)]
    most = resilience.most_deviation
    people.resilience[:] = np.clip(people.resilience * factor, -most, most)
    memory = _ratio(steady, first)
    world.rates.donor_resilience[:] = _with_memory(start, memory, params)
    return memory


def _ratio(steady: F, before: F) -> F:
    """Steady resilience relative to the present, within limits; 1 where resilience is near 0."""
    ratio = np.divide(steady, before, out=np.ones_like(steady), where=np.abs(before) > 0.01)
    return np.asarray(np.clip(ratio, 1.0 / MOST_EXTRAPOLATED, MOST_EXTRAPOLATED))


def _with_memory(start: Solution, memory: F, params: Mapping[str, Params]) -> npt.NDArray[np.float32]:
    """The resilience of donors, multiplied by a factor for each age band."""
    most = params["resilience"].compiled().most_deviation
    changed = start.donor_resilience * memory[kinds(start)[2]]
    return np.clip(changed, -most, most).astype(np.float16).astype(np.float32)
