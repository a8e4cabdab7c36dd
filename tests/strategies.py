"""Random scenarios for Hypothesis, the small towns they are tried in, and a recount of a town's people by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

import sim.scenario.registry  # noqa: F401  (enters every mechanism in the book)
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine.schedule import REGISTRY, Clock, Mechanism
from sim.place.place import Place, place_names
from sim.policies import Lever, levers
from sim.results.records import Record
from sim.scenario.parameters import parameter_groups
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter, Policy
from sim.scenario.scenario import Scenario
from sim.scenario.timeline import month_name
from sim.schema.quantities import AGE_BANDS, Params
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import Month, set_aim_groups
from sim.state.tables import ANYTHING, EMPTY_SLOT, TABLES, WAITING, World, handle
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
    """A settled town. Work on a `copy` of it: it is kept for the next test."""
    return calibrated().settled(Place.load(place), people, seed)


def scenario(years: int = 2, policies: Iterable[Policy] = ()) -> Scenario:
    """The baseline for so many years, with these policies on top."""
    made = Scenario.load("baseline").model_copy(update={"years": years, "policies": list(policies)})
    made.check()
    return made


def moved(lever: Lever, target: float, start: int = 0, years: int = 2, **more: object) -> Policy:
    """A policy that takes a lever to a target from a month on."""
    if "service" in lever.needs:
        more = {"service": SERVICES[0], **more}
    how = {"shift": target - lever.baseline} if lever.kind == "shift" else {"value": target}
    return Policy(lever=lever.name, start=month_name(scenario(years).start, start), **how, **more)


def every_lever_moved(years: int = 2) -> Scenario:
    """A scenario that moves each lever, so that every mechanism of the book runs."""
    ends = {x.name: (x.baseline, x.high if x.high > x.baseline else x.low) for x in LEVERS.values()}
    targets = {name: usual + 0.3 * (end - usual) for name, (usual, end) in ends.items()}
    # Less money all told, and more link workers than groups have room for: what answers to that must run too.
    targets |= {"total_budget": 0.8, "community_investment": 4.0}
    return scenario(years, [moved(LEVERS[name], target, 0, years) for name, target in targets.items()])


def columns(world: World) -> Columns:
    """Every array of a world by its name, 'table.column'."""
    return {f"{t}.{c}": getattr(getattr(world, t), c) for t, kind in TABLES.items() for c in kind._fields}


def snapshot(world: World) -> Columns:
    """Every array as it is now."""
    return {name: array.copy() for name, array in columns(world).items()}


def same(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> bool:
    """Whether two arrays are the same to the last bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def different(a: Mapping[str, npt.NDArray[np.generic]], b: Mapping[str, npt.NDArray[np.generic]]) -> list[str]:
    """The names of the arrays that are not the same to the last bit."""
    assert a.keys() == b.keys()
    return [name for name in a if not same(a[name], b[name])]


def digest(record: Record) -> str:
    """One short text for everything that a run recorded."""
    told = hashlib.sha256()
    for name, array in sorted(
        {**record.monthly, **{f"{name}_by_year": array for name, array in record.yearly.items()}}.items()
    ):
        told.update(f"{name} {array.dtype} {array.shape}".encode())
        told.update(np.ascontiguousarray(array).tobytes())
    return told.hexdigest()


def entry(name: str) -> Mechanism:
    """A mechanism of the book."""
    return REGISTRY.entries[name]


def live(
    world: World, what: Scenario, seed: int, params: Mapping[str, Params] | None = None, disabled: Iterable[str] = ()
) -> Iterator[tuple[int, World]]:
    """Month after month of a scenario on a copy of a town: the month's number and the town at its end."""
    given = calibrated().params if params is None else params
    world = copy(world)
    set_aim_groups(world, what)
    if params is not None:
        world.people.changed[:] = ANYTHING  # bounds were worked out with the usual parameters
    month = Month(given, what.paths(SERVICES, world.places), disabled)
    for m in range(12 * what.years):
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        yield m, world


class Recount(NamedTuple):
    """A town's stocks, counted from its people and by nobody's leave."""

    census: npt.NDArray[np.int64]
    people: npt.NDArray[np.int64]
    unmet: npt.NDArray[np.int64]
    helped: npt.NDArray[np.int64]
    waiting: npt.NDArray[np.int64]


def counts(world: World) -> npt.NDArray[np.bool_]:
    """Whether a person's level in a domain counts: a household's need is its reference person's. (domain, person)"""
    people = world.people
    alive = people.age != EMPTY_SLOT
    head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
    return np.where(world.rates.household[:, None] == 1, alive & head, alive)


def recount(world: World) -> Recount:
    """Count everybody anew."""
    people, tally = world.people, world.tally
    alive = people.age != EMPTY_SLOT
    out = Recount(*(np.zeros(getattr(tally, name).shape, np.int64) for name in Recount._fields))
    np.add.at(out.people, (people.quintile[alive], people.band[alive]), 1)
    for d, mine in enumerate(counts(world)):
        level, code = people.level[d][mine], people.help[d][mine].astype(int)
        q, b = people.quintile[mine], people.band[mine]
        waits, helped = code >= WAITING, (code > 0) & (code < WAITING)
        np.add.at(out.census[d], (level, q, b), 1)
        unmet = (level == 2) & ~helped
        np.add.at(out.unmet[d], (q[unmet], b[unmet]), 1)
        np.add.at(out.helped, (code[helped] - 1, q[helped]), 1)
        np.add.at(out.waiting, (code[waits] - WAITING, q[waits]), 1)
    return out


class Case(NamedTuple):
    """One random trial."""

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
        """The town as it is before the first month."""
        return town(self.people, self.seed, self.place)


@st.composite
def policies(draw: st.DrawFn, years: int) -> Policy:
    """One lever, moved anywhere in its range, at any time, for any length of it, for some services and people."""
    lever = LEVERS[draw(st.sampled_from(sorted(LEVERS)))]
    start = draw(st.integers(0, 12 * years - 1))
    more: dict[str, object] = {"over_months": draw(st.integers(1, 24))}
    if lever.by_service and draw(st.booleans()):
        more["service"] = draw(st.sampled_from(SERVICES))
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
    """Every mechanism's parameters, of which a few stand somewhere else in their range."""
    groups = parameter_groups()
    every = [(group, name, told) for group, kind in groups.items() for name, _, told in kind.declared()]
    chosen: dict[str, dict[str, float]] = {group: {} for group in groups}
    for group, name, told in draw(st.lists(st.sampled_from(every), max_size=4, unique_by=lambda x: x[:2])):
        chosen[group][name] = draw(st.floats(told.low, told.high))
    return {group: kind(**chosen[group]) for group, kind in groups.items()}


@st.composite
def cases(draw: st.DrawFn, seed: int = 0, knock_outs: bool = True) -> Case:
    """A random scenario in a random small town. Few towns, as each must be built and settled first."""
    years = draw(st.integers(2, 3))
    place = draw(st.sampled_from(place_names()))
    people = draw(st.sampled_from([1_500, 2_600]))
    chosen = draw(st.lists(policies(years), max_size=5))
    out = st.lists(st.sampled_from(["overspend_recovery", "rationing"]), unique=True, max_size=2)
    disabled = tuple(draw(out)) if knock_outs else ()
    return Case(place, people, seed + draw(st.integers(0, 2)), scenario(years, chosen), draw(parameters()), disabled)
