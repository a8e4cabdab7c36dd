"""What every mechanism promises: a new file in the five folders is held to all of this the moment it exists."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from strategies import (
    LEVERS,
    SERVICES,
    Columns,
    calibrated,
    columns,
    counts,
    different,
    entry,
    every_lever_moved,
    live,
    moved,
    same,
    scenario,
    snapshot,
    town,
)

from sim.engine.jit import kernel
from sim.engine.schedule import REGISTRY, Clock, Mechanism, Phase, Registry
from sim.engine.thinning import reach
from sim.people.help_seeking import help_event, looking_inward
from sim.people.life_and_death import bearing, dying
from sim.people.need import improving, worsening
from sim.people.walk_in_demand import attending
from sim.place.place import Place
from sim.policies import Lever, lever_sections
from sim.schema.quantities import AGE_BANDS, Params, number
from sim.simulation.simulate import FLOWS, Month, run_months
from sim.state.tables import EMPTY_SLOT, RESPONSIVE, TABLES, World, handle
from sim.state.updates import counted
from sim.world.build import BURN_IN_MONTHS, copy

ROOT = Path(__file__).parents[1]
MONTH = REGISTRY.month()
EVERY_COLUMN = tuple(f"{t}.{c}" for t, kind in TABLES.items() for c in kind._fields)
each = pytest.mark.parametrize("m", MONTH, ids=[m.name for m in MONTH])
by_lever = pytest.mark.parametrize("lever", LEVERS.values(), ids=list(LEVERS))


# What a mechanism's file says.


def test_the_book_is_found() -> None:
    """Every file of the five folders that has a mechanism is in the book, and every phase has a place in the month."""
    assert len(MONTH) > 15
    assert [m.phase for m in MONTH] == sorted(m.phase for m in MONTH)
    for path in sorted((ROOT / "sim").glob("*/*.py")):
        if "@mechanism(" in path.read_text() and path.parent.name != "engine":
            module = f"sim.{path.parent.name}.{path.stem}"
            assert any(m.module == module for m in MONTH), f"{module} has a mechanism that the book does not know"


@each
def test_a_mechanism_says_what_it_claims(m: Mechanism) -> None:
    """The first sentence can be read aloud; then come the claim, its evidence and its limits."""
    doc = importlib.import_module(m.module).__doc__ or ""
    first = doc.strip().splitlines()[0]
    assert m.claim == first
    assert first.endswith("."), first
    for word in ("Claim", "Evidence", "Limits"):
        lines = [line for line in doc.splitlines() if line.startswith(f"{word} ")]
        assert len(lines) == 1, f"{m.module} says {word} {len(lines)} times"
        assert len(lines[0].removeprefix(word).strip()) > 5


@each
def test_a_mechanism_names_columns_that_exist(m: Mechanism) -> None:
    """What it reads and writes are columns of the world, each named once."""
    for names in (m.reads, m.writes):
        assert not set(names) - set(EVERY_COLUMN)
        assert len(set(names)) == len(names)
    assert m.writes, "a mechanism that changes nothing"


@each
def test_a_mechanism_comes_after_others_that_exist(m: Mechanism) -> None:
    """`after` names mechanisms of the book, of the same phase: of another it would say nothing."""
    for name in m.after:
        assert name in REGISTRY.entries, f"'{m.name}' comes after '{name}', which does not exist"
        assert entry(name).phase is m.phase


@each
def test_a_parameter_says_what_it_is(m: Mechanism) -> None:
    """Every number has a unit, a range that holds it, a source, a standing and a meaning."""
    for name, default, told in m.params.declared():
        assert told.unit, name
        assert told.low <= default <= told.high, name
        assert told.low < told.high, f"{name} has no range"
        assert len(told.source) >= 3, name
        assert told.status in {"measured", "estimated", "assumed"}, name
        assert told.status == "assumed" or not told.source.startswith("assumed"), name
        assert len(told.meaning) >= 5, name


@by_lever
def test_a_lever_says_what_it_is(lever: Lever) -> None:
    """A lever has a mechanism of its own, and a unit, a range around its baseline, a source and a meaning."""
    assert [m.name for m in MONTH if m.lever == lever.name] == [lever.name]
    assert lever.low <= lever.baseline <= lever.high
    assert lever.low < lever.high
    assert 0.0 < lever.step <= lever.high - lever.low
    assert lever.section in lever_sections()
    assert lever.unit
    assert len(lever.source) >= 3
    assert len(lever.meaning) >= 10
    assert lever.kind == "value" or lever.baseline == 0.0


# The order of the month.


class _Two(Params):
    x: float = number(1.0, low=0.0, high=2.0, unit="share", source="a test", meaning="a number")


def _entry(name: str, reads: str = "", writes: str = "", after: str = "", phase: Phase = Phase.NEED) -> Mechanism:
    return Mechanism(
        name,
        phase,
        _Two,
        lambda *_: None,
        tuple(reads.split()),
        tuple(writes.split()),
        tuple(after.split()),
        f"tests.{name}",
        "A test.",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"writes": "people.trust"}, {"writes": "people.trust"}),
        ({"writes": "people.trust"}, {"reads": "people.trust", "writes": "people.help"}),
        ({"reads": "people.trust", "writes": "people.help"}, {"writes": "people.trust"}),
    ],
)
def test_an_open_order_is_refused(first: dict[str, str], second: dict[str, str]) -> None:
    """Two mechanisms of a phase that touch one column must say which comes first; once they do, they keep to it."""
    book = Registry()
    book.add(_entry("a", **first))
    book.add(_entry("b", **second))
    with pytest.raises(ValueError, match=r"'a' and 'b' both touch \['people.trust'\] in phase NEED"):
        book.month()
    book.entries["a"] = _entry("a", **first, after="b")
    assert [m.name for m in book.month()] == ["b", "a"]


def test_columns_apart_or_phases_apart_need_no_order() -> None:
    """Reading the same column, or writing it in different phases, is no contradiction."""
    book = Registry()
    book.add(_entry("a", reads="people.age", writes="people.trust"))
    book.add(_entry("b", reads="people.age", writes="people.help"))
    book.add(_entry("c", writes="people.trust", phase=Phase.BUDGET))
    assert [m.name for m in book.month()] == ["c", "a", "b"]


def test_a_circle_is_refused() -> None:
    """Two that each wait for the other are named."""
    book = Registry()
    book.add(_entry("a", writes="people.trust", after="b"))
    book.add(_entry("b", writes="people.trust", after="a"))
    with pytest.raises(ValueError, match="each wait for another"):
        book.month()


def test_a_name_is_taken_once() -> None:
    """A second file may not enter a mechanism under a name that is taken."""
    book = Registry()
    book.add(_entry("a", writes="people.trust"))
    book.add(_entry("a", writes="people.trust"))
    other = _entry("a", writes="people.trust")
    with pytest.raises(ValueError, match="two mechanisms are called 'a'"):
        book.add(Mechanism(**{**vars(other), "module": "tests.elsewhere"}))


# What a mechanism does.


class Step(NamedTuple):
    """One mechanism at work in one month."""

    name: str
    month: int
    before: World
    after: World


def steps(world: World, years: int, seed: int, chosen: Callable[[int], bool]) -> list[Step]:
    """Each mechanism's work in the chosen months of a scenario that moves every lever."""
    month = Month(calibrated().params, every_lever_moved(years).paths(SERVICES, world.places))
    taken = []
    world = copy(world)
    seen = handle(world)
    for m in range(12 * years):
        for flow in FLOWS:
            getattr(world.tally, flow)[:] = 0
        for mechanism, given in month.steps:
            before = copy(world) if chosen(m) else world
            mechanism.kernel(seen, given, Clock(np.uint64(seed), np.int64(m)))
            if chosen(m):
                taken.append(Step(mechanism.name, m, before, copy(world)))
        world.people.changed[:] = 0
    return taken


@pytest.fixture(scope="module")
def touched(seed: int) -> dict[str, set[str]]:
    """The columns that each mechanism was seen to change in two years in a town of 3,000."""
    out: dict[str, set[str]] = {m.name: set() for m in MONTH}
    world = copy(town(3_000, seed))
    month = Month(calibrated().params, every_lever_moved(2).paths(SERVICES, world.places))
    seen = handle(world)
    now = snapshot(world)
    for m in range(24):
        for flow in FLOWS:
            getattr(world.tally, flow)[:] = 0
            now[f"tally.{flow}"][:] = 0
        for mechanism, given in month.steps:
            mechanism.kernel(seen, given, Clock(np.uint64(seed), np.int64(m)))
            for name in different(now, columns(world)):
                out[mechanism.name].add(name)
                now[name] = columns(world)[name].copy()
        world.people.changed[:] = 0
        now["people.changed"][:] = 0
    return out


@each
def test_a_mechanism_changes_only_what_it_declares(m: Mechanism, touched: dict[str, set[str]]) -> None:
    """Whatever it changes, scratch columns too, stands in its `writes`: the order of the month is judged by that."""
    assert sorted(touched[m.name] - set(m.writes)) == []


@each
def test_a_mechanism_does_something(m: Mechanism, touched: dict[str, set[str]]) -> None:
    """With every lever moved, each mechanism changes some column within two years."""
    assert touched[m.name]


PLAIN = """
import pickle, sys, traceback
import numpy as np
np.seterr(over="ignore")
from sim.engine import columns
columns.handle_maker = lambda kind: lambda world: world  # plain Python reads the tables themselves
from sim.fields import Params
of_floats = Params.compiled
# A Python float lets NumPy compute in 32 bits where compiled code takes 64.
Params.compiled = lambda self: self.Compiled(*map(np.float64, of_floats(self)))
import sim.scenario.registry
from sim.calibration import solution_for
from sim.engine.mechanism import BOOK, Clock
from sim.place import Place
from sim.runs import Month
from sim.scenario import Scenario
from sim.world import copy

class Watch:
    def __init__(self, world, log): self._world, self._log = world, log
    def __getattr__(self, table):
        return Columns(table, getattr(self._world, table), self._log)

class Columns:
    def __init__(self, name, table, log): self._name, self._table, self._log = name, table, log
    def __getattr__(self, column):
        self._log.add(f"{self._name}.{column}")
        return getattr(self._table, column)

for name, module in list(sys.modules.items()):
    if name.startswith("sim."):
        vars(module).update({k: np.float64(v) for k, v in vars(module).items() if type(v) is float})

asked = pickle.load(sys.stdin.buffer)
calibrated = solution_for(Scenario.load("baseline"))
month = Month(calibrated.params, asked["paths"])
given = {entry.name: what for entry, what in month.steps}
assert not hasattr(BOOK.entries["need"].kernel, "py_func"), "this is compiled"
done = []
for name, m, world in asked["steps"]:
    world, log = copy(world), set()
    BOOK.entries[name].kernel(Watch(world, log), given[name], Clock(np.uint64(asked["seed"]), np.int64(m)))
    done.append((world, log))
try:
    built = calibrated.world(Place.load("anytown"), asked["people"], asked["seed"]).world
except Exception:
    built = traceback.format_exc()
pickle.dump({"done": done, "built": built}, sys.stdout.buffer)
"""


class Plain(NamedTuple):
    """The same work done by compiled code and by plain Python."""

    steps: list[Step]
    worlds: list[World]
    looked_at: list[set[str]]
    built: World | str
    people: int


@pytest.fixture(scope="module")
def plain(seed: int) -> Plain:
    """Every mechanism run once more without compilation, from the same worlds, in a process of its own."""
    people = 1_500
    # A year's end, when budgets are settled, and the month after it, which the new budgets rule.
    taken = steps(town(people, seed), 2, seed, lambda m: m in {11, 12})
    asked = {
        "steps": [(s.name, s.month, s.before) for s in taken],
        "paths": every_lever_moved(2).paths(SERVICES, town(people, seed).places),
        "seed": seed,
        "people": people,
    }
    done = subprocess.run(
        [sys.executable, "-c", PLAIN],
        input=pickle.dumps(asked),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()[-3_000:]
    found = pickle.loads(done.stdout)
    worlds, looked_at = zip(*found["done"], strict=True)
    return Plain(taken, list(worlds), list(looked_at), found["built"], people)


@pytest.mark.slow
@each
def test_compiled_is_plain_python(m: Mechanism, plain: Plain) -> None:
    """A mechanism compiled and the same lines run by Python itself leave every column the same, to the last bit."""
    seen = [k for k, step in enumerate(plain.steps) if step.name == m.name]
    assert seen
    for k in seen:
        assert different(columns(plain.steps[k].after), columns(plain.worlds[k])) == []


@pytest.mark.slow
def test_a_world_is_built_the_same_without_compilation(plain: Plain, seed: int) -> None:
    """Homes, ages, ties and first needs come out the same in compiled code and in plain Python."""
    built = calibrated().world(Place.load("anytown"), plain.people, seed).world
    assert not isinstance(plain.built, str), plain.built
    assert not different(columns(built), columns(plain.built))


@pytest.mark.slow
@each
def test_a_mechanism_looks_only_at_what_it_declares(m: Mechanism, plain: Plain) -> None:
    """A column that others of its phase write stands in its `reads` or `writes`: else their order would go unjudged.

    What nothing in its phase writes can be looked at without a word: the order of phases is fixed.
    """
    looked_at = set().union(
        *(log for step, log in zip(plain.steps, plain.looked_at, strict=True) if step.name == m.name)
    )
    beside = {c for other in MONTH if other.phase is m.phase and other is not m for c in other.writes}
    assert sorted((looked_at & beside) - set(m.reads) - set(m.writes)) == []


# Levers.


@by_lever
def test_a_lever_at_its_baseline_changes_nothing(lever: Lever, seed: int) -> None:
    """A lever's mechanism given its own baseline leaves every column of every month as it is without it."""
    what = scenario(1)
    month = Month(calibrated().params, {})
    path = np.full((12, len(SERVICES)), lever.baseline)
    given = {m.name: told for m, told in month.steps}
    with_it = [
        (m, path if m.lever == lever.name else given[m.name]) for m in MONTH if m.name in given or m.lever == lever.name
    ]
    world = copy(town(1_500, seed))
    for m, expected in live(town(1_500, seed), what, seed):
        month.steps = with_it
        month(world, handle(world), Clock(np.uint64(seed), np.int64(m)))
        assert not different(columns(world), columns(expected)), f"in month {m}"


ENDS = [(x, end) for x in LEVERS.values() for end in (x.low, x.high) if end != x.baseline]
NEEDS_A_CUT = {"cut_rule", "overspend_share"}
"""Levers that say who bears a cut or an overspend: without one they have nothing to say."""


@pytest.mark.parametrize(("lever", "target"), ENDS, ids=[f"{x.name}={end:g}" for x, end in ENDS])
def test_every_lever_moves_some_result(lever: Lever, target: float, seed: int) -> None:
    """Each end of a lever's range changes something that a run of three years records, and nothing before it starts."""
    cut = [moved(LEVERS["total_budget"], 0.8, 0, 3)] if lever.name in NEEDS_A_CUT else []
    world, params = town(6_000, seed), calibrated().params
    usual = run_months(world, scenario(3, cut), params, seed)
    other = run_months(world, scenario(3, [*cut, moved(lever, target, 6, 3)]), params, seed)
    changed = different(usual.monthly, other.monthly)
    assert changed
    for name in changed:
        assert same(usual.monthly[name][:6], other.monthly[name][:6]), f"{name} differs before the policy starts"


def test_the_baseline_of_a_lever_is_what_a_world_starts_with(seed: int) -> None:
    """A lever that is never moved is skipped, so its baseline must stand in the world already."""
    world = town(1_500, seed)
    assert (world.money.kappa == LEVERS["overspend_share"].baseline).all()
    assert (world.money.rho == LEVERS["reinvestment_share"].baseline).all()
    assert (world.places.weight == 1.0).all()


def test_a_threshold_moves_once_not_every_month(seed: int) -> None:
    """With rationing knocked out, a threshold moved by ten points stays ten points up, however long it lasts."""
    lever, disabled = LEVERS["threshold"], ("rationing",)
    higher = scenario(1, [moved(lever, lever.baseline + 0.1, 0, 1)])
    usual = live(town(1_500, seed), scenario(1), seed, disabled=disabled)
    responsive = town(1_500, seed).services.tier == RESPONSIVE
    for (m, world), (_, other) in zip(live(town(1_500, seed), higher, seed, disabled=disabled), usual, strict=True):
        wanted = np.minimum(0.95, other.services.refused[responsive] + 0.1)
        assert world.services.refused[responsive] == pytest.approx(wanted), f"in month {m}"


def test_a_mechanism_left_out_is_left_out(seed: int) -> None:
    """Knocking out a loop leaves the rest of the month in order."""
    whole = Month(calibrated().params, {})
    less = Month(calibrated().params, {}, disabled=("overspend_recovery",))
    assert [m.name for m, _ in less.steps] == [m.name for m, _ in whole.steps if m.name != "overspend_recovery"]


@kernel
def _too_low(w: World, need: tuple, life: tuple, seek: tuple, bits: np.ndarray) -> int:
    """How many of a person's bounds lie below the probability that they should lie above."""
    people = w.people
    wrong = 0
    for i in range(people.age.size):
        alive = people.age[i] != EMPTY_SLOT
        if alive:
            wrong += reach(people.death_bound[i]) < dying(w, life, i) * bits[0]
            wrong += reach(people.birth_bound[i]) < bearing(w, life, i) * bits[0]
            for k in range(w.rates.door.size):
                wrong += reach(people.door_bound[k, i]) < attending(w, k, i) * bits[0]
        for d in range(people.level.shape[0]):
            if alive and counted(w, d, i):
                if people.level[d, i] < 3:
                    wrong += reach(people.up_bound[d, i]) < worsening(w, need, d, i, people.level, 0.0) * bits[0]
                if people.level[d, i] > 0:
                    wrong += reach(people.down_bound[d, i]) < improving(w, need, d, i, people.level) * bits[0]
                wrong += (
                    reach(people.ask_bound[d, i])
                    < help_event(w, seek, looking_inward(w, seek), d, i, people.trust[i]) * bits[0]
                )
    return wrong


def bounded(world: World) -> World:
    """The same world with the bounds that the next month's screen would find."""
    world = copy(world)
    for step, given in Month(calibrated().params, {}).steps:
        if step.phase is Phase.REFRESH:
            step.kernel(handle(world), given, Clock(np.uint64(0), np.int64(0)))
    return world


def test_no_bound_lies_below_its_probability(seed: int) -> None:
    """The screen misses nobody: in every month of three years each bound is at least the probability it stands for."""
    params = calibrated().params
    need, life, seek = (params[name].compiled() for name in ("need", "life_and_death", "help_seeking"))
    for m, world in live(town(2_000, seed), every_lever_moved(3), seed):
        assert _too_low(handle(bounded(world)), need, life, seek, np.array([65536.0])) == 0, f"in month {m}"


def test_nobody_is_screened_who_is_not_there(seed: int) -> None:
    """An empty slot, and the need of a household in its other members, can never be drawn: their bounds are 0."""
    for m, lived in live(town(2_000, seed), scenario(2), seed):
        world = bounded(lived)
        out = ~counts(world)
        for name in ("up_bound", "down_bound", "ask_bound"):
            assert not getattr(world.people, name)[out].any(), f"{name} in month {m}"
        assert not world.people.door_bound[:, world.people.age == EMPTY_SLOT].any()


def test_the_world_holds_what_its_columns_say(seed: int) -> None:
    """Every array has the type that its description gives; ages and bands agree."""
    from sim.engine.tables import columns as described

    world: Columns = columns(town(1_500, seed))
    for table, kind in TABLES.items():
        for name, told in described(kind):
            array = world[f"{table}.{name}"]
            assert array.dtype == np.dtype(told.dtype), f"{table}.{name}"
            assert array.ndim == len(told.axes), f"{table}.{name}"
    assert len(AGE_BANDS) == world["places.age_mix"].shape[1]
    assert BURN_IN_MONTHS >= 12
