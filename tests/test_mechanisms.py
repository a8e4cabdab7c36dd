"""Behaviour of every mechanism and lever: a new file in the five folders is tested here without further entry."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from column_access import access
from strategies import (
    LEVERS,
    SERVICES,
    Columns,
    calibrated,
    columns,
    counts,
    different,
    every_lever_moved,
    live,
    moved,
    same,
    scenario,
    snapshot,
    town,
)

from sim.engine.jit import kernel
from sim.engine.schedule import REGISTRY, Clock, Mechanism, Phase
from sim.engine.thinning import reach
from sim.people.help_seeking import help_event, inward_factor
from sim.people.life_and_death import birth_probability, death_probability
from sim.people.need import improvement_probability, worsening_probability
from sim.people.walk_in_demand import attendance_probability
from sim.place.place import Place
from sim.policies import Lever
from sim.schema.quantities import AGE_BANDS
from sim.simulation.month import Month, lever_setting
from sim.simulation.simulate import run_months
from sim.state.codes import EMPTY_SLOT, RESPONSIVE
from sim.state.counters import FLOWS
from sim.state.rates import Rates
from sim.state.updates import counted
from sim.state.world import World, all_tables, handle
from sim.world.build import BURN_IN_MONTHS, copy

ROOT = Path(__file__).parents[1]
MONTH = REGISTRY.month()
each = pytest.mark.parametrize("m", MONTH, ids=[m.name for m in MONTH])
by_lever = pytest.mark.parametrize("lever", LEVERS.values(), ids=list(LEVERS))


class Step(NamedTuple):
    """A mechanism's work in a month: the world before and after."""

    name: str
    month: int
    before: World
    after: World


def steps(world: World, years: int, seed: int, is_recorded: Callable[[int], bool]) -> list[Step]:
    """Each mechanism's work, in the months selected by `is_recorded`, of a scenario that moves every lever."""
    month = Month(calibrated().params, every_lever_moved(years).paths(SERVICES, world.places))
    recorded = []
    world = copy(world)
    w = handle(world)
    for m in range(12 * years):
        for mechanism, _, run in month.walk(world, w, Clock(np.uint64(seed), np.int64(m))):
            before = copy(world) if is_recorded(m) else world
            run()
            if is_recorded(m):
                recorded.append(Step(mechanism.name, m, before, copy(world)))
        world.people.changed[:] = 0
    return recorded


@pytest.fixture(scope="module")
def touched(seed: int) -> dict[str, set[str]]:
    """The columns that each mechanism changed in two years in a town of 3,000."""
    out: dict[str, set[str]] = {m.name: set() for m in MONTH}
    world = copy(town(3_000, seed))
    month = Month(calibrated().params, every_lever_moved(2).paths(SERVICES, world.places))
    w = handle(world)
    previous = snapshot(world)
    for m in range(24):
        for flow in FLOWS:
            previous[f"tally.{flow}"][:] = 0
        for mechanism, _, run in month.walk(world, w, Clock(np.uint64(seed), np.int64(m))):
            run()
            for name in different(previous, columns(world)):
                out[mechanism.name].add(name)
                previous[name] = columns(world)[name].copy()
        world.people.changed[:] = 0
        previous["people.changed"][:] = 0
    return out


@each
def test_a_mechanism_changes_only_what_it_declares(m: Mechanism, touched: dict[str, set[str]]) -> None:
    """Every column that a mechanism changes, scratch columns too, is in its `writes`, which determine the order."""
    assert sorted(touched[m.name] - set(m.writes)) == []


@each
def test_a_mechanism_does_something(m: Mechanism, touched: dict[str, set[str]]) -> None:
    """With every lever moved, each mechanism changes some column within two years."""
    assert touched[m.name]


UNCOMPILED_RUN = """
import pickle, sys, traceback
import numpy as np
np.seterr(over="ignore")
from sim.engine import tables
tables.handle_maker = lambda *_: lambda world: world  # plain Python reads the tables themselves
from sim.schema.quantities import Params
of_floats = Params.compiled
# A Python float lets NumPy compute in 32 bits where compiled code takes 64.
Params.compiled = lambda self: self.Compiled(*map(np.float64, of_floats(self)))
import sim.scenario.registry
from sim.calibration.calibrate import solution_for
from sim.engine.schedule import REGISTRY, Clock
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.simulation.month import Month
from sim.world.build import copy

class Watch:
    def __init__(self, world, log): self._world, self._log = world, log
    def __getattr__(self, table):
        if table == "private":
            return Watch(self._world.private, self._log)
        return Columns(table, getattr(self._world, table), self._log)

class Columns:
    def __init__(self, name, table, log): self._name, self._table, self._log = name, table, log
    def __getattr__(self, column):
        self._log.add(f"{self._name}.{column}")
        return getattr(self._table, column)

for name, module in list(sys.modules.items()):
    if name.startswith("sim."):
        vars(module).update({k: np.float64(v) for k, v in vars(module).items() if type(v) is float})

request = pickle.load(sys.stdin.buffer)
calibrated = solution_for(Scenario.load("baseline"))
month = Month(calibrated.params, request["paths"])
settings = {entry.name: value for entry, value in month.steps}
assert not hasattr(REGISTRY.entries["need"].kernel, "py_func"), "this is compiled"
done = []
for name, m, world in request["steps"]:
    world, log = copy(world), set()
    REGISTRY.entries[name].kernel(Watch(world, log), settings[name], Clock(np.uint64(request["seed"]), np.int64(m)))
    done.append((world, log))
try:
    built = calibrated.world(Place.load("anytown"), request["people"], request["seed"]).world
except Exception:
    built = traceback.format_exc()
pickle.dump({"done": done, "built": built}, sys.stdout.buffer)
"""


class UncompiledRun(NamedTuple):
    """The same work of compiled code (`steps`) and of plain Python: worlds, and the columns that were read."""

    steps: list[Step]
    worlds: list[World]
    columns_read: list[set[str]]
    built: World | str
    people: int


@pytest.fixture(scope="module")
def uncompiled(seed: int) -> UncompiledRun:
    """Every mechanism run again without compilation, from the same worlds, in a process of its own."""
    people = 1_500
    # The end of a year, when accounts are closed, and the month after it, the first with the new budgets.
    recorded = steps(town(people, seed), 2, seed, lambda m: m in {11, 12})
    request = {
        "steps": [(s.name, s.month, s.before) for s in recorded],
        "paths": every_lever_moved(2).paths(SERVICES, town(people, seed).places),
        "seed": seed,
        "people": people,
    }
    done = subprocess.run(
        [sys.executable, "-c", UNCOMPILED_RUN],
        input=pickle.dumps(request),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3_000:]
    answer = pickle.loads(done.stdout)
    worlds, columns_read = zip(*answer["done"], strict=True)
    return UncompiledRun(recorded, list(worlds), list(columns_read), answer["built"], people)


@pytest.mark.slow
@each
def test_compiled_code_equals_plain_python(m: Mechanism, uncompiled: UncompiledRun) -> None:
    """A compiled mechanism and the same lines run by Python give the same columns, to the last bit."""
    rows = [k for k, step in enumerate(uncompiled.steps) if step.name == m.name]
    assert rows
    for k in rows:
        assert different(columns(uncompiled.steps[k].after), columns(uncompiled.worlds[k])) == []


@pytest.mark.slow
def test_a_world_is_built_the_same_without_compilation(uncompiled: UncompiledRun, seed: int) -> None:
    """Homes, ages, ties and first needs are the same in compiled code and in plain Python."""
    built = calibrated().world(Place.load("anytown"), uncompiled.people, seed).world
    assert not isinstance(uncompiled.built, str), uncompiled.built
    assert not different(columns(built), columns(uncompiled.built))


@each
def test_a_mechanism_declares_what_it_reads(m: Mechanism) -> None:
    """A column that a mechanism reads and another mechanism of any phase writes is declared: the loop map needs it."""
    written_by_others = {c for other in MONTH if other is not m for c in other.writes}
    assert sorted((access(m.kernel).reads & written_by_others) - set(m.reads) - set(m.writes)) == []


@each
def test_a_mechanism_declares_only_what_it_uses(m: Mechanism) -> None:
    """A declared column occurs in the kernel or in a function that it calls; else the loop map has a false link."""
    used = access(m.kernel)
    assert sorted(set(m.reads) - used.mentions) == []
    assert sorted(set(m.writes) - used.writes) == []


@pytest.mark.slow
@each
def test_the_source_shows_every_column_that_is_read(m: Mechanism, uncompiled: UncompiledRun) -> None:
    """The analysis of the source (`column_access.py`) misses no column that a run of a mechanism looks up."""
    columns_read = set().union(
        *(log for step, log in zip(uncompiled.steps, uncompiled.columns_read, strict=True) if step.name == m.name)
    )
    assert sorted(columns_read - access(m.kernel).mentions) == []


@kernel
def _through_names(w: World, p: tuple, clock: Clock) -> None:
    people, trust = w.people, w.people.trust
    for i in range(people.age.size):
        w.money.spent[0] += _through_a_call(w.rates, people.level[0], i)
        trust[i] = 0.5


@kernel
def _through_a_call(table: Rates, level: np.ndarray, i: int) -> int:
    return level[i] if table.household[0] == 1 else 0


def test_a_column_is_recognised_under_another_name() -> None:
    """The analysis follows names of tables and columns, and arguments of calls; a size is no reading."""
    used = access(_through_names)
    assert used.reads == {"people.level", "rates.household"}
    assert used.writes == {"money.spent", "people.trust"}
    assert used.mentions == used.reads | used.writes | {"people.age"}


# Levers.


@by_lever
def test_a_lever_at_its_baseline_changes_nothing(lever: Lever, seed: int) -> None:
    """A lever at its baseline leaves every column of every month as it is without the lever."""
    baseline = scenario(1)
    month = Month(calibrated().params, {})
    path = np.full((12, len(SERVICES)), lever.baseline)
    settings = {m.name: value for m, value in month.steps}
    with_it = [
        (m, lever_setting(m, path, m.params()) if m.lever == lever.name else settings[m.name])
        for m in MONTH
        if m.name in settings or m.lever == lever.name
    ]
    world = copy(town(1_500, seed))
    for m, expected in live(town(1_500, seed), baseline, seed):
        month.steps = with_it
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        assert not different(columns(world), columns(expected)), f"in month {m}"


ENDS = [(x, end) for x in LEVERS.values() for end in (x.low, x.high) if end != x.baseline]
NEEDS_A_CUT = {"cut_rule", "overspend_share"}
"""Levers that distribute a cut or an overspend: without one they have no effect."""


@pytest.mark.parametrize(("lever", "target"), ENDS, ids=[f"{x.name}={end:g}" for x, end in ENDS])
def test_every_lever_changes_a_result(lever: Lever, target: float, seed: int) -> None:
    """Each end of a lever's range changes a record of a run of three years, and nothing before the policy starts."""
    cut = [moved(LEVERS["total_budget"], 0.8, 0, 3)] if lever.name in NEEDS_A_CUT else []
    world, params = town(6_000, seed), calibrated().params
    baseline = run_months(world, scenario(3, cut), params, seed)
    other = run_months(world, scenario(3, [*cut, moved(lever, target, 6, 3)]), params, seed)
    changed = different(baseline.monthly, other.monthly)
    assert changed
    for name in changed:
        assert same(baseline.monthly[name][:6], other.monthly[name][:6]), f"{name} differs before the policy starts"


def test_a_world_starts_at_the_levers_baselines(seed: int) -> None:
    """A lever that is never moved is skipped, so a new world has its baseline already."""
    world = town(1_500, seed)
    assert (world.money.kappa == LEVERS["overspend_share"].baseline).all()
    assert (world.money.rho == LEVERS["reinvestment_share"].baseline).all()
    assert (world.places.weight == 1.0).all()


def test_a_threshold_does_not_accumulate(seed: int) -> None:
    """With rationing disabled, a threshold raised by ten points stays ten points higher in every month."""
    lever, disabled = LEVERS["threshold"], ("rationing",)
    higher = scenario(1, [moved(lever, lever.baseline + 0.1, 0, 1)])
    baseline = live(town(1_500, seed), scenario(1), seed, disabled=disabled)
    responsive = town(1_500, seed).services.tier == RESPONSIVE
    for (m, world), (_, other) in zip(live(town(1_500, seed), higher, seed, disabled=disabled), baseline, strict=True):
        wanted = np.minimum(0.95, other.services.refused[responsive] + 0.1)
        assert world.services.refused[responsive] == pytest.approx(wanted), f"in month {m}"


def test_a_disabled_mechanism_does_not_run(seed: int) -> None:
    """A month with a mechanism disabled has the other mechanisms in the same order."""
    complete = Month(calibrated().params, {})
    less = Month(calibrated().params, {}, disabled=("overspend_recovery",))
    assert [m.name for m, _ in less.steps] == [m.name for m, _ in complete.steps if m.name != "overspend_recovery"]


@kernel
def _too_low(w: World, need: tuple, life: tuple, seek: tuple, bits: np.ndarray) -> int:
    """The number of bounds that are below the probability that they should exceed."""
    people = w.people
    wrong = 0
    for i in range(people.age.size):
        alive = people.age[i] != EMPTY_SLOT
        if alive:
            wrong += reach(w.private.life_and_death.death_bound[i]) < death_probability(w, life, i) * bits[0]
            wrong += reach(w.private.life_and_death.birth_bound[i]) < birth_probability(w, life, i) * bits[0]
            for k in range(w.rates.door.size):
                wrong += reach(w.private.walk_in_demand.door_bound[k, i]) < attendance_probability(w, k, i) * bits[0]
        for d in range(people.level.shape[0]):
            if alive and counted(w, d, i):
                if people.level[d, i] < 3:
                    wrong += (
                        reach(people.up_bound[d, i]) < worsening_probability(w, need, d, i, people.level, 0.0) * bits[0]
                    )
                if people.level[d, i] > 0:
                    wrong += (
                        reach(people.down_bound[d, i]) < improvement_probability(w, need, d, i, people.level) * bits[0]
                    )
                wrong += (
                    reach(people.ask_bound[d, i])
                    < help_event(w, seek, inward_factor(w, seek), d, i, people.trust[i]) * bits[0]
                )
    return wrong


def bounded(world: World) -> World:
    """A copy of the world with the bounds that candidate thinning would use next month."""
    world = copy(world)
    for step, settings in Month(calibrated().params, {}).steps:
        if step.phase is Phase.REFRESH:
            step.kernel(handle(world), settings, Clock(np.uint64(0), np.int64(0)))
    return world


def test_no_bound_is_below_its_probability(seed: int) -> None:
    """Candidate thinning misses nobody: in every month of three years each bound is at least its probability."""
    params = calibrated().params
    need, life, seek = (params[name].compiled() for name in ("need", "life_and_death", "help_seeking"))
    for m, world in live(town(2_000, seed), every_lever_moved(3), seed):
        assert _too_low(handle(bounded(world)), need, life, seek, np.array([65536.0])) == 0, f"in month {m}"


def test_empty_slots_are_never_drawn(seed: int) -> None:
    """The bounds of an empty slot, and of a household's need in members other than its reference person, are 0."""
    for m, lived in live(town(2_000, seed), scenario(2), seed):
        world = bounded(lived)
        out = ~counts(world)
        for name in ("up_bound", "down_bound", "ask_bound"):
            assert not getattr(world.people, name)[out].any(), f"{name} in month {m}"
        assert not world.private.walk_in_demand.door_bound[:, world.people.age == EMPTY_SLOT].any()


def test_arrays_have_the_declared_types(seed: int) -> None:
    """Every array has the type and the number of axes that its column declares; ages and bands agree."""
    from sim.engine.tables import columns as described

    world: Columns = columns(town(1_500, seed))
    for table, kind in all_tables().items():
        for name, column in described(kind):
            array = world[f"{table}.{name}"]
            assert array.dtype == np.dtype(column.dtype), f"{table}.{name}"
            assert array.ndim == len(column.axes), f"{table}.{name}"
    assert len(AGE_BANDS) == world["places.age_mix"].shape[1]
    assert BURN_IN_MONTHS >= 12
