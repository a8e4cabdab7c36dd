"""Comparisons with common random numbers: worlds and baselines are made once, and cached for the next comparison.

The result is a `Comparison` (sim/results/comparison.py).
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from sim.cache import records as cached_records
from sim.cache import worlds
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.engine.tables import allocate
from sim.ensemble import parameter_sampling
from sim.ensemble.parameter_sampling import Which
from sim.ensemble.precompile import warm_up
from sim.ensemble.run_limits import CACHED, LARGEST_CACHED, Runs, check_limits
from sim.ensemble.sequential_stopping import half_width, until_precise
from sim.place.place import Place
from sim.results import expectation_tests
from sim.results.records import Record
from sim.scenario.data_parameters import set_in_place
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_keys import dotted
from sim.simulation.simulate import Progress, ensemble, set_aim_groups
from sim.state.scratch import ThinningScratch
from sim.state.world import World
from sim.world.build import copy

if TYPE_CHECKING:
    pass

from sim.results.comparison import Comparison

T = TypeVar("T")
Engine = Literal["agents", "stocks", "mesa"]
"""The implementation of the model: individual people; the stock-flow twin, without chance; or individual people in
plain Python with Mesa, with the same results some hundred times slower."""


class _Cache(Generic[T]):
    """Cache of recent results: the least recently used is dropped first."""

    def __init__(self, most: int) -> None:
        """Make an empty cache for so many results."""
        self._most = most
        self._items: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the cached result of a key, or make and cache it."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        made = make()
        with self._lock:
            self._items[key] = made
            while len(self._items) > self._most:
                self._items.popitem(last=False)
        return made


_worlds: _Cache[World] = _Cache(CACHED)
_baselines: _Cache[Record] = _Cache(CACHED)


def burned_in_world(scenario: Scenario, place: Place, people: int | None, seed: int) -> World:
    """Return the burned-in world from which a scenario's comparisons start, from the cache if possible.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    place : Place
        The place.
    people : int or None
        Number of people; None for the real size.
    seed : int
        The seed.

    Returns
    -------
    World
        Shared: work on a copy.
    """

    def make() -> World:
        calibrated, placed = solution_for(scenario, place), set_in_place(place, scenario.parameters)
        if not is_cached:
            return calibrated.burned_in_world(placed, people, seed)
        return worlds.burned_in_world(worlds.digest_of(calibrated, placed, people), calibrated, placed, people, seed)

    is_cached = sum(n.people for n in place.neighbourhoods(people)) <= LARGEST_CACHED
    return _worlds.get((_world_key(scenario, place, people), (seed, ())), make) if is_cached else make()


def in_one_part(world: World) -> World:
    """Copy a world, with scratch arrays for everybody at once.

    Kernels can then be called one by one, each for the complete place, and their scratch results can be examined.

    Parameters
    ----------
    world : World
        The world.

    Returns
    -------
    World
    """
    people, domains = world.people.age.size, world.people.level.shape[0]
    sizes = {"candidate": people + 8, "domain": domains, "block": world.screen.tops.size, "one": 1}
    screen = allocate(ThinningScratch, **sizes)
    return copy(world)._replace(screen=screen)


def side_by_side(make: Callable[[int, Callable[[], bool]], T], seeds: Sequence[int], threads: int) -> list[T]:
    """Apply a function to each seed, several seeds at a time.

    Parameters
    ----------
    make : callable
        Called with a seed, and with a function that returns whether to stop.
    seeds : sequence of int
        The seeds.
    threads : int
        Number of seeds at a time.

    Returns
    -------
    list
        The results, in the order of the seeds.
    """
    stopped = threading.Event()
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        return list(pool.map(lambda seed: make(seed, stopped.is_set), seeds))
    except BaseException:
        stopped.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _world_key(scenario: Scenario, place: Place, people: int | None) -> Hashable:
    """Identity of a world, without its seed."""
    parameters = tuple(sorted(scenario.parameters.items()))
    return place.model_dump_json(), people, parameters, scenario.calibrate


def _error(wanted: str, came: str) -> InputError:
    return InputError("compare", None, "", wanted, Phrase(came))


def compare(
    baseline: str | Scenario,
    *others: str | Scenario,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    seeds: int | Sequence[int] = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    disabled: Iterable[str] = (),
    draws: Which | None = None,
    engine: Engine = "agents",
    precision: float | None = None,
) -> Comparison:
    """Run scenarios with common random numbers: the same people and the same chance events.

    Parameters
    ----------
    baseline : str or Scenario
        A scenario, its name in the library, or the path of its file.
    *others : str or Scenario
        Scenarios to compare with it; same start, length and parameters.
    place : str or Place, optional
        Name, file or Place; the baseline's place, if none is stated.
    people : int, optional
        A smaller or larger place of the same shape.
    years : int, optional
        Length of the runs; by default that of the scenarios.
    seeds : int or sequence of int
        Number of runs of each scenario, counted from `seed`, or a list of seeds. With `precision` it is the most there
        may be.
    seed : int
        The first seed.
    threads : int, optional
        Runs in parallel, one for each processor by default; the results do not depend on it.
    progress : callable, optional
        Called with the number of runs done, the number of all runs, and a label of the last.
    disabled : iterable of str
        Feedback loops (``R1``) or mechanisms to switch off, in every scenario.
    draws : {"mechanisms", "all"}, optional
        Each seed draws parameters from their ranges: those of mechanisms, or the figures of data files too
        (sim/ensemble/parameter_sampling.py).
    engine : {"agents", "stocks", "mesa"}
        People one by one; the stock-flow twin, one run of each scenario without chance; or the Mesa implementation
        in plain Python, for small places and few years.
    precision : float, optional
        Add seeds until the 95% interval of acute demand in the last year is no wider to either side than this share
        of it (sim/ensemble/sequential_stopping.py).

    Returns
    -------
    Comparison
        The results, the baseline first.

    Raises
    ------
    InputError
        If the scenarios do not fit one another or `years`, the place cannot be built, or the runs do not fit into
        memory (sim/ensemble/run_limits.py).

    Examples
    --------
    >>> import sim
    >>> result = sim.compare("baseline", "salami-slice", people=1_500, years=2, seeds=2)
    >>> list(result.acute_demand.difference().columns)
    ['scenario', 'year', 'mean', 'q025', 'q975', 'ci_low', 'ci_high']
    """
    named = [s if isinstance(s, Scenario) else Scenario.load(s) for s in (baseline, *others)]
    started, disabled = time.perf_counter(), tuple(disabled)
    settings = {"years": years}
    chosen = [s.with_settings(**settings) if years is not None else s for s in named]
    names = [s.name for s in chosen]
    if len(set(names)) < len(names):
        raise _error("each scenario under its own name", ", ".join(names))
    if len({(s.start, s.years) for s in chosen}) > 1:
        spans = ", ".join(f"{s.name} {s.start} for {s.years} years" for s in chosen)
        raise _error("scenarios with the same start and length", spans)
    if len({tuple(sorted(s.parameters.items())) for s in chosen}) > 1:
        raise _error("scenarios with the same [parameters]: a policy is a lever, not a parameter", "different ones")
    modes = sorted({s.calibrate for s in chosen if s.parameters})
    if len(modes) > 1:
        raise _error("scenarios with the same `calibrate`: they share one world", " and ".join(modes))
    for s in chosen:
        for k, expected in enumerate(s.expect):
            wrong = expectation_tests.unmeasured(expected)
            if wrong is not None:
                key = dotted(("expect", k, *wrong.below))
                raise InputError(s.name, None, key, wrong.wanted, wrong.came, wrong.choices)
    where = place if isinstance(place, Place) else Place.load(place or named[0].place)
    size = people if people is not None else named[0].people
    if size is not None:
        where.check_people(size)
    numbers = tuple(range(seed, seed + seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers:
        raise _error("at least one seed", "none")
    if precision is not None and not 0.0 < precision < 1.0:
        raise _error("precision between 0 and 1: a share of acute demand", str(precision))
    if engine == "stocks":
        numbers = _without_chance(numbers, disabled, draws, precision)
    is_drawn = draws is not None
    check_limits(Runs(where, size, chosen[0].years, len(chosen), len(numbers), threads, engine, drawn=is_drawn))
    hoods = where.neighbourhoods(size)
    total = sum(n.people for n in hoods)
    fixed = chosen[0].parameters
    if engine == "stocks":
        from sim.twins import stock_flow

        return Comparison(
            scenarios=tuple(chosen),
            place=where,
            people=total,
            seeds=numbers,
            records=stock_flow.records(chosen, set_in_place(where, fixed), size, progress),
            neighbourhoods=tuple(n.name for n in hoods),
            seconds=time.perf_counter() - started,
            settings={"engine": engine},
        )
    if progress is not None:
        progress(0, len(numbers) * len(chosen), "getting ready")
    warm_up()
    drawn: dict[int, dict[str, float]] = {}
    if draws is not None:
        drawn = dict(zip(numbers, parameter_sampling.draws(draws, numbers, chosen[0].place, fixed), strict=True))

    def variant(scenario: Scenario, number: int) -> Scenario:
        parameters = drawn.get(number, {}) | scenario.parameters
        return scenario if parameters == scenario.parameters else scenario.model_copy(update={"parameters": parameters})

    about = _world_key(chosen[0], where, size)
    story = (about, chosen[0].model_dump_json(), disabled)
    adapted_place = set_in_place(where, chosen[0].parameters)
    running = threads or os.cpu_count() or 1
    each = max(1, running // len(numbers))

    runs_done = 0

    def calibrating(label: str) -> Progress:
        def note(_done: int, _total: int, _label: str) -> None:
            if progress is not None:
                progress(runs_done, len(numbers) * len(chosen), label)

        return note

    @cache
    def calibration() -> Calibrated:
        return solution_for(chosen[0], where, calibrating("calibrating"))

    @cache
    def stem() -> str:
        return worlds.digest_of(calibration(), adapted_place, size)

    def world(number: int) -> World:
        def make() -> World:
            seed_scenario = variant(chosen[0], number)
            if drawn:
                placed = set_in_place(where, seed_scenario.parameters)
                return solution_for(seed_scenario, placed, calibrating(f"calibrating seed {number}")).burned_in_world(
                    placed, size, number
                )
            if total > LARGEST_CACHED:
                return calibration().burned_in_world(adapted_place, size, number, threads=each)
            return worlds.burned_in_world(stem(), calibration(), adapted_place, size, number)

        return _worlds.get((about, own_draw(number)), make) if total <= LARGEST_CACHED else make()

    def own_draw(number: int) -> Hashable:
        return number, tuple(sorted(drawn.get(number, {}).items()))

    @cache
    def record_stem() -> str:
        return cached_records.digest_of(stem(), chosen[0], disabled)

    def recall(scenario: Scenario, number: int, make: Callable[[], Record]) -> Record:
        if scenario is not chosen[0] or total > LARGEST_CACHED:
            return make()
        of_disk = not drawn and not (scenario.policies or scenario.shocks)
        once = partial(cached_records.cached_record, record_stem(), number, make) if of_disk else make
        return _baselines.get((story, own_draw(number)), once)

    def runs(some: Sequence[int], before: int) -> dict[str, list[Record]]:
        def further(done: int, _total: int, label: str) -> None:
            nonlocal runs_done
            runs_done = before * len(chosen) + done
            if progress is not None:
                progress(runs_done, len(numbers) * len(chosen), label)

        if engine == "mesa":
            return _mesa_runs(world, chosen, some, further, disabled, variant)
        return ensemble(
            world, chosen, list(some), running, further, disabled, recall, variant, consume=total > LARGEST_CACHED
        )

    def made(used: Sequence[int], records: Mapping[str, list[Record]]) -> Comparison:
        return Comparison(
            scenarios=tuple(chosen),
            place=where,
            people=total,
            seeds=tuple(used),
            records=dict(records),
            neighbourhoods=tuple(n.name for n in hoods),
            seconds=time.perf_counter() - started,
            settings={"engine": engine, "threads": threads, "disabled": list(disabled)}
            | ({} if precision is None else {"precision": precision, "most_seeds": len(numbers)})
            | ({"draws": draws, "drawn": {str(k): v for k, v in drawn.items()}} if drawn else {}),
        )

    if precision is None:
        return made(numbers, runs(numbers, 0))
    return until_precise(numbers, precision, runs, made, half_width)


def _mesa_runs(
    world: Callable[[int], World],
    scenarios: Sequence[Scenario],
    seeds: Sequence[int],
    progress: Progress | None,
    disabled: tuple[str, ...],
    variant: Callable[[Scenario, int], Scenario],
) -> dict[str, list[Record]]:
    """Run each scenario for each seed by the Mesa implementation, in turn: plain Python gains nothing from threads."""
    from sim.twins.mesa.record import record

    out: dict[str, list[Record]] = {scenario.name: [] for scenario in scenarios}
    for seed in seeds:
        for scenario in scenarios:
            seed_scenario, start = variant(scenario, seed), copy(world(seed))
            set_aim_groups(start, seed_scenario)
            out[scenario.name].append(record(start, seed_scenario, seed, disabled))
            if progress is not None:
                done = sum(map(len, out.values()))
                progress(done, len(seeds) * len(scenarios), f"{scenario.name}, seed {seed}")
    return out


def _without_chance(
    numbers: tuple[int, ...], disabled: tuple[str, ...], drawn: Which | None, precision: float | None
) -> tuple[int, ...]:
    """The only seed of a run of the stock-flow twin. Raises InputError for options that the twin does not have."""
    if precision is not None:
        raise _error("engine agents with precision: the stock-flow twin makes one run without chance", "stocks")
    if drawn is not None:
        raise _error("engine agents with draws: the stock-flow twin makes one run", "stocks")
    if disabled:
        raise _error("engine agents with disabled loops: the stock-flow twin runs the whole model", "stocks")
    return numbers[:1]


def run(
    scenario: str | Scenario,
    *,
    place: str | Place | None = None,
    people: int | None = None,
    years: int | None = None,
    seeds: int | Sequence[int] = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    disabled: Iterable[str] = (),
    draws: Which | None = None,
    engine: Engine = "agents",
    precision: float | None = None,
) -> Comparison:
    """Run one scenario by itself: a comparison without others.

    Parameters
    ----------
    scenario : str or Scenario
        A scenario, its name in the library, or the path of its file.
    place, people, years, seeds, seed, threads, progress, disabled, draws, engine, precision : optional
        As for `compare`.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        As for `compare`.

    Examples
    --------
    >>> import sim
    >>> sim.run("baseline", people=1_500, years=1, seeds=1)
    <Comparison of baseline: anytown, 1,500 people, 1 years, 1 seeds>
    """
    return compare(
        scenario, place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, progress=progress,
        disabled=disabled, draws=draws, engine=engine, precision=precision,
    )  # fmt: skip
