"""Comparisons with common random numbers: worlds and baselines are made once, and cached for the next comparison.

The result is a `Comparison` (sim/results/comparison.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sim.cache import worlds
from sim.calibration.calibrate import solution_for
from sim.engine.tables import allocate
from sim.ensemble.memory_cache import burned_in_worlds, world_key
from sim.ensemble.paired_runs import PairedRuns
from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.precompile import warm_up
from sim.ensemble.replicates import chance_seed, replicated
from sim.ensemble.request import Engine, Request, checked_request
from sim.ensemble.run_limits import LARGEST_CACHED
from sim.ensemble.sequential_stopping import half_width, until_precise
from sim.place.place import Place
from sim.results.comparison import Comparison
from sim.results.records import Record
from sim.results.run_store import RunStore
from sim.scenario.data_parameters import set_in_place
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import Progress
from sim.state.scratch import ThinningScratch
from sim.state.world import World
from sim.world.build import copy


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
    key = world_key(scenario, place, people), (seed, ())
    return burned_in_worlds.get(key, make) if is_cached else make()


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
    draws: Draws | None = "all",
    replicates: bool = True,
    engine: Engine = "agents",
    precision: float | None = None,
    store: RunStore | None = None,
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
    draws : {"all", "mechanisms", "none"}
        Each seed draws its parameters from their ranges, the same for every scenario: all that the scenarios do not
        set, those of mechanisms only, or none (also None), so that every seed has the central values
        (sim/ensemble/parameter_sampling.py). Some seeds are run a second time with the same draw and other chance
        events (sim/ensemble/replicates.py). The stock-flow twin makes its one run with the central values.
    replicates : bool
        Whether these second runs are made. Without them, the spread is not split into chance events and parameters.
    engine : {"agents", "stocks", "mesa"}
        People one by one; the stock-flow twin, one run of each scenario without chance; or the Mesa implementation
        in plain Python, for small places and few years.
    precision : float, optional
        Add seeds until the 95% interval of acute demand in the last year is no wider to either side than this share
        of it (sim/ensemble/sequential_stopping.py).
    store : RunStore, optional
        Stored runs, which are not repeated, and where finished runs are stored (sim/results/run_store.py).

    Returns
    -------
    Comparison
        The results, the baseline first.

    Raises
    ------
    InputError
        If the scenarios do not fit one another or `years`, the place cannot be built, the runs do not fit into memory
        (sim/ensemble/run_limits.py), or more than a quarter of the draws cannot be calibrated.

    Examples
    --------
    >>> import sim
    >>> result = sim.compare("baseline", "salami-slice", people=1_500, years=2, seeds=2, draws="none")
    >>> list(result.acute_demand.difference().columns)
    ['scenario', 'year', 'mean', 'q025', 'q975', 'ci_low', 'ci_high', 'luck_sd', 'parameter_sd']
    """
    started = time.perf_counter()
    request = checked_request(
        [s if isinstance(s, Scenario) else Scenario.load(s) for s in (baseline, *others)],
        place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, disabled=disabled,
        draws=draws, engine=engine, precision=precision,
    )._replace(replicates=replicates)  # fmt: skip
    if engine == "stocks":
        from sim.twins import stock_flow

        placed = set_in_place(request.place, request.scenarios[0].parameters)
        records = stock_flow.records(request.scenarios, placed, request.people, progress)
        return _result(request, request.seeds, records, started, {"engine": engine, "draws": "none"})
    runs = PairedRuns(request, progress, store)

    def combined(
        seeds: Sequence[int], records: Mapping[str, list[Record]], again: Mapping[str, list[Record]] | None = None
    ) -> Comparison:
        used = [seed for seed in seeds if seed not in runs.refused]
        settings: dict[str, Any] = {"engine": engine, "threads": threads, "disabled": list(request.disabled)}
        settings["draws"] = request.draws
        if precision is not None:
            settings |= {"precision": precision, "most_seeds": len(request.seeds)}
        if request.is_drawn:
            settings["drawn"] = {str(seed): values for seed, values in runs.drawn.items()}
            settings["refused"] = {str(seed): reason for seed, reason in runs.refused.items()}
        replicates = None if again is None else _result(request, replicated(used), again, started, settings)
        return _result(request, used, records, started, settings, replicates)

    if store is not None:
        store.open(combined(request.seeds, {}))
    repeats = [chance_seed(seed) for seed in replicated(request.seeds)] if request.is_drawn else []
    if not runs.are_stored([*request.seeds, *repeats]):
        warm_up()
    if precision is not None:
        result = until_precise(
            request.seeds, precision, lambda some, _: runs.records(runs.usable(some)), combined, half_width
        )
        repeated = replicated(result.seeds) if request.is_drawn and replicates else ()
        if not repeated:
            return result
        return combined(result.seeds, result.records, runs.records([chance_seed(seed) for seed in repeated]))
    used = runs.usable(request.seeds)
    repeated = replicated(used) if request.is_drawn and replicates else ()
    # In one go, so that no processor waits for the last seed before the replicates begin.
    both = runs.records([*used, *(chance_seed(seed) for seed in repeated)])
    records, again = (
        {name: of_scenario[part] for name, of_scenario in both.items()}
        for part in (slice(len(used)), slice(len(used), None))
    )
    return combined(used, records, again if repeated else None)


def _result(
    request: Request,
    seeds: Sequence[int],
    records: Mapping[str, list[Record]],
    started: float,
    settings: dict[str, Any],
    replicates: Comparison | None = None,
) -> Comparison:
    hoods = request.place.neighbourhoods(request.people)
    return Comparison(
        scenarios=request.scenarios,
        place=request.place,
        people=sum(hood.people for hood in hoods),
        seeds=tuple(seeds),
        records=dict(records),
        neighbourhoods=tuple(hood.name for hood in hoods),
        seconds=time.perf_counter() - started,
        settings=settings,
        replicates=replicates,
    )


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
    draws: Draws | None = "all",
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
    >>> sim.run("baseline", people=1_500, years=1, seeds=1, draws="none")
    <Comparison of baseline: anytown, 1,500 people, 1 years, 1 seeds>
    """
    return compare(
        scenario, place=place, people=people, years=years, seeds=seeds, seed=seed, threads=threads, progress=progress,
        disabled=disabled, draws=draws, engine=engine, precision=precision,
    )  # fmt: skip
