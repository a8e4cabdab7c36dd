"""Random scenarios for Hypothesis, small towns to run them in, and an independent count of a town's people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import reject
from hypothesis import strategies as st

import sim.scenario.registry  # noqa: F401  (adds every mechanism to the registry)
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine.schedule import REGISTRY, Clock, Mechanism
from sim.place.place import Place, place_names
from sim.policies import Lever, levers
from sim.results.records import Record
from sim.scenario.parameters import parameter_groups
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter, Policy
from sim.scenario.policy_checks import services_of
from sim.scenario.scenario import Scenario
from sim.scenario.timeline import month_name
from sim.schema.errors import InputError
from sim.schema.quantities import AGE_BANDS, Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import set_aim_groups
from sim.state.codes import ANYTHING, EMPTY_SLOT, WAITING
from sim.state.world import World, handle
from sim.world.build import copy

Columns = dict[str, npt.NDArray[np.generic]]
SERVICES = tuple(s.id for s in load_catalogue())
LEVERS = {lever.name: lever for lever in levers()}
BAND = np.array([next(b for b, (x, y) in enumerate(AGE_BANDS) if x <= age <= y) for age in range(110)])


@lru_cache(maxsize=1)
def calibrated() -> Calibrated:
    """The calibration that comes with the project."""
    return solution_for(Scenario.load("baseline"))


@lru_cache(maxsize=24)
def town(people: int = 2_000, seed: int = 0, place: str = "anytown") -> World:
    """A burned-in town. It is shared between tests: change only a `copy` of it."""
    return calibrated().burned_in_world(Place.load(place), people, seed)


def scenario(years: int = 2, policies: Iterable[Policy] = ()) -> Scenario:
    """The baseline for a number of years, with these policies added."""
    new_scenario = Scenario.load("baseline").model_copy(update={"years": years, "policies": list(policies)})
    new_scenario.check()
    return new_scenario


def moved(lever: Lever, target: float, start: int = 0, years: int = 2, **more: object) -> Policy:
    """A policy that moves a lever to a target from the month `start` on."""
    if "service" in lever.needs:
        more = {"service": SERVICES[0], **more}
    target_setting = {"shift": target - lever.baseline} if lever.kind == "shift" else {"value": target}
    return Policy(lever=lever.name, start=month_name(scenario(years).start, start), **target_setting, **more)


def every_lever_moved(years: int = 2) -> Scenario:
    """A scenario that moves each lever, so that every mechanism of the registry runs."""
    ends = {x.name: (x.baseline, x.high if x.high > x.baseline else x.low) for x in LEVERS.values()}
    targets = {name: baseline + 0.3 * (end - baseline) for name, (baseline, end) in ends.items()}
    # Less money in total, and more link workers than groups have room for: mechanisms that respond to these run too.
    targets |= {"total_budget": 0.8, "community_investment": 4.0}
    return scenario(years, [moved(LEVERS[name], target, 0, years) for name, target in targets.items()])


def columns(world: World) -> Columns:
    """Every array of a world, by its name 'table.column'."""
    return {f"{t}.{c}": array for t, table in world.tables() for c, array in table._asdict().items()}


def snapshot(world: World) -> Columns:
    """A copy of every array."""
    return {name: array.copy() for name, array in columns(world).items()}


def same(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> bool:
    """Whether two arrays have the same type, shape and bytes."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def different(a: Mapping[str, npt.NDArray[np.generic]], b: Mapping[str, npt.NDArray[np.generic]]) -> list[str]:
    """The names of the arrays whose types, shapes or bytes differ."""
    assert a.keys() == b.keys()
    return [name for name in a if not same(a[name], b[name])]


def digest(record: Record) -> str:
    """A checksum of everything that a run recorded."""
    sha256 = hashlib.sha256()
    for name, array in sorted(
        {**record.monthly, **{f"{name}_by_year": array for name, array in record.yearly.items()}}.items()
    ):
        sha256.update(f"{name} {array.dtype} {array.shape}".encode())
        sha256.update(np.ascontiguousarray(array).tobytes())
    return sha256.hexdigest()


def entry(name: str) -> Mechanism:
    """A mechanism of the registry."""
    return REGISTRY.entries[name]


def live(
    world: World, case: Scenario, seed: int, params: Mapping[str, Params] | None = None, disabled: Iterable[str] = ()
) -> Iterator[tuple[int, World]]:
    """Run a scenario on a copy of a town; yield each month's number and the town at the month's end."""
    parameter_sets = calibrated().params if params is None else params
    world = copy(world)
    set_aim_groups(world, case)
    if params is not None:
        world.people.changed[:] = ANYTHING  # the bounds were computed with the baseline's parameters
    month = Month(parameter_sets, case.paths(SERVICES, world.places), disabled)
    for m in range(12 * case.years):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        yield m, world


class Recount(NamedTuple):
    """A town's stocks, counted from the columns of its people."""

    census: npt.NDArray[np.int64]
    people: npt.NDArray[np.int64]
    unmet: npt.NDArray[np.int64]
    helped: npt.NDArray[np.int64]
    waiting: npt.NDArray[np.int64]


def counts(world: World) -> npt.NDArray[np.bool_]:
    """Whether a person's level in a domain counts, of shape (domain, person).

    The need of a household is counted at its reference person.
    """
    people = world.people
    alive = people.age != EMPTY_SLOT
    head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
    return np.where(world.rates.household[:, None] == 1, alive & head, alive)


def recount(world: World) -> Recount:
    """Count everybody from the columns, without the running counts."""
    people, tally = world.people, world.tally
    alive = people.age != EMPTY_SLOT
    out = Recount(*(np.zeros(getattr(tally, name).shape, np.int64) for name in Recount._fields))
    np.add.at(out.people, (people.quintile[alive], people.band[alive]), 1)
    for d, counted in enumerate(counts(world)):
        level, code = people.level[d][counted], people.help[d][counted].astype(int)
        q, b = people.quintile[counted], people.band[counted]
        waits, helped = code >= WAITING, (code > 0) & (code < WAITING)
        np.add.at(out.census[d], (level, q, b), 1)
        unmet = (level == 2) & ~helped
        np.add.at(out.unmet[d], (q[unmet], b[unmet]), 1)
        np.add.at(out.helped, (code[helped] - 1, q[helped]), 1)
        np.add.at(out.waiting, (code[waits] - WAITING, q[waits]), 1)
    return out


class Case(NamedTuple):
    """A random trial: a town, a scenario, parameters and disabled mechanisms."""

    place: str
    people: int
    seed: int
    scenario: Scenario
    params: dict[str, Params]
    disabled: tuple[str, ...]

    def months(self) -> Iterator[tuple[int, World]]:
        """The trial, month by month."""
        return live(self.start(), self.scenario, self.seed, self.params, self.disabled)

    def start(self) -> World:
        """The town before the first month."""
        return town(self.people, self.seed, self.place)


@st.composite
def policies(draw: st.DrawFn, years: int) -> Policy:
    """A policy that moves a lever anywhere in its range, at any time, for some services and people."""
    lever = LEVERS[draw(st.sampled_from(sorted(LEVERS)))]
    start = draw(st.integers(0, 12 * years - 1))
    more: dict[str, object] = {"over_months": draw(st.integers(1, 24))}
    if lever.by_service and draw(st.booleans()):
        more["service"] = draw(st.sampled_from(services_of(lever.name)))
    if "where" in lever.aims and draw(st.booleans()):
        more["where"] = NeighbourhoodFilter(share=draw(st.sampled_from([0.3, 0.5, 1.0])))
    if "who" in lever.aims and draw(st.booleans()):
        more["who"] = AgeFilter(ages=list(draw(st.sampled_from([(0, 17), (18, 64), (65, 109), (0, 109)]))))
    if start < 12 * years - 2 and draw(st.booleans()):
        more["until"] = month_name(scenario(years).start, draw(st.integers(start + 1, 12 * years - 1)))
    target = draw(st.one_of(st.sampled_from([lever.low, lever.high]), st.floats(lever.low, lever.high)))
    return moved(lever, target, start, years, **more)


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Params]:
    """Every mechanism's parameters; a few have another value in their range than the default."""
    groups = parameter_groups()
    every = [(group, name, spec) for group, kind in groups.items() for name, _, spec in kind.declared()]
    chosen: dict[str, dict[str, float]] = {group: {} for group in groups}
    for group, name, spec in draw(st.lists(st.sampled_from(every), max_size=4, unique_by=lambda x: x[:2])):
        chosen[group][name] = draw(st.floats(spec.low, spec.high))
    return {group: kind(**chosen[group]) for group, kind in groups.items()}


@st.composite
def cases(draw: st.DrawFn, seed: int = 0, knock_outs: bool = True) -> Case:
    """A random scenario in a random small town. There are few towns, as each must be built and burned in first."""
    years = draw(st.integers(2, 3))
    place = draw(st.sampled_from(place_names()))
    people = draw(st.sampled_from([1_500, 2_600]))
    chosen = draw(st.lists(policies(years), max_size=5))
    out = st.lists(st.sampled_from(["overspend_recovery", "rationing"]), unique=True, max_size=2)
    disabled = tuple(draw(out)) if knock_outs else ()
    try:
        planned = scenario(years, chosen)
    except InputError:  # policies that contradict each other, or that end before they are read
        reject()
    return Case(place, people, seed + draw(st.integers(0, 2)), planned, draw(parameters()), disabled)
