"""`sim.search`: search the mixes of spending, and confirm the best by agents; the same call again continues."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.ensemble.run_limits import Runs, estimate, one_job
from sim.results import folder_lock, result_folder
from sim.schema.errors import InputError, Phrase, plain
from sim.searches import confirmation as by_agents
from sim.searches.design import SearchDesign
from sim.searches.evaluation import Evaluator
from sim.searches.fronts import front, spread_points, stability
from sim.searches.goals import excesses_of, objectives_of, within
from sim.searches.optimiser import Optimiser, require_pymoo
from sim.searches.plan import SearchPlan
from sim.searches.planning import planned_search
from sim.searches.quantities import scales
from sim.searches.result import Evaluated, SearchResult, planned_result, result_of
from sim.searches.store import SearchStore
from sim.searches.twin_model import MixModel, twin_setting
from sim.simulation.simulate import Progress
from sim.sweeps.size import SECONDS_PER_CALIBRATION, SECONDS_PER_TWIN_DRAW, SECONDS_PER_TWIN_YEAR, duration

F = npt.NDArray[np.float64]
MOST_WORKERS = 1_024
MOST_REFUSED = 0.25
"""Largest share of the draws that may have no steady baseline."""


class SearchSize(NamedTuple):
    """The size of what is left of a search.

    Attributes
    ----------
    evaluations : int
        Runs of the twin, at most.
    runs : int
        Runs by agents.
    seconds : float
        Time with all processes.
    """

    evaluations: int
    runs: int
    seconds: float

    def text(self, workers: int) -> str:
        """The size in words."""
        share = f"{workers} process{'' if workers == 1 else 'es'}"
        agents = f", then {self.runs:,} runs by agents" if self.runs else ""
        time = duration(self.seconds) if self.evaluations or self.runs else "no time"
        return f"{self.evaluations:,} runs of the stock-flow twin{agents}: about {time} with {share}"


def search(
    design: str | Path | SearchDesign | Mapping[str, Any],
    out: str | Path,
    *,
    workers: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
) -> SearchResult:
    """Search the mixes of spending, under the same money, that no other mix beats in all objectives.

    Parameters
    ----------
    design : str, Path, SearchDesign or mapping
        A TOML file, or its content.
    out : str or Path
        The folder, which is created. The same call again continues there.
    workers : int, optional
        Number of processes; by default one for each processor. The result does not depend on it.
    dry_run : bool
        Whether to state the size only, and run nothing.
    progress : callable, optional
        Called with the number of runs done, the number of all runs, and a label.
    notify : callable, optional
        Called with lines of text: the size of the search, damaged files, what is stored. By default they are printed to
        standard error.

    Returns
    -------
    SearchResult
        The front by the stock-flow twin, its stability between seeds of the optimiser, and points by agents.

    Raises
    ------
    InputError
        If the design is wrong, the folder is that of something else or in use, or no mix keeps all limits.

    Examples
    --------
    >>> import sim
    >>> result = sim.search("scenarios/searches/spending-mix.toml", "out/search")  # doctest: +SKIP
    >>> print(result.text())  # doctest: +SKIP
    """
    say = notify or _print
    require_pymoo()
    plan = planned_search(design)
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError("--workers", None, "", f"a whole number from 1 to {MOST_WORKERS:,}", workers)
    crew = workers or os.cpu_count() or 1
    folder = result_folder.writable(Path(out))
    with folder_lock.locked(folder):
        store = SearchStore(folder, plan, say)
        size = size_left(plan, store, crew)
        say(f"{size.text(crew)} (a coarse estimate: half to twice the time)")
        if dry_run:
            return planned_result(plan, size.evaluations, size.runs, size.seconds)
        store.write_manifest()
        with Evaluator(twin_setting(plan).make, crew) as evaluator:
            evaluated = _evaluated(plan, store, evaluator, size.evaluations, progress, say)
            result = _with_points(plan, evaluated, store, evaluator, crew, progress, say)
    result.write(folder)
    return result


def size_left(plan: SearchPlan, store: SearchStore, workers: int) -> SearchSize:
    """Estimate what is left of a search.

    Parameters
    ----------
    plan : SearchPlan
        The plan.
    store : SearchStore
        What is done.
    workers : int
        Number of processes.

    Returns
    -------
    SearchSize
    """
    design, optimiser, years = plan.design, plan.design.optimiser, plan.baseline.years
    generations = sum(
        not store.has_generation(seed, k) for seed in optimiser.seeds for k in range(optimiser.generations)
    )
    each = optimiser.population * SECONDS_PER_TWIN_YEAR * years + SECONDS_PER_TWIN_DRAW
    seconds = generations * design.draws * each
    number = design.confirmation.points
    runs = 0
    if number:
        people = design.confirmation.people or plan.people
        work = Runs(plan.place, people, years, number + 1, design.confirmation.seeds, 1)
        runs = (number + 1) * design.confirmation.seeds
        seconds += estimate(work).seconds + design.confirmation.seeds * SECONDS_PER_CALIBRATION
    return SearchSize(generations * optimiser.population * design.draws, runs, seconds / workers)


def _evaluated(
    plan: SearchPlan,
    store: SearchStore,
    evaluator: Evaluator,
    number: int,
    progress: Progress | None,
    say: Callable[[str], None],
) -> Evaluated:
    """Evaluate the baseline and all generations, those that are not stored."""
    drawn = plan.drawn(plan.draw_seeds)
    baseline = store.baseline()
    if baseline is None:
        baseline = evaluator.evaluate(drawn, plan.space.baseline[None])[0]
        store.put_baseline(baseline)
    usable = _usable(plan, baseline, say)
    draws = [seed for seed, is_usable in zip(plan.draw_seeds, usable, strict=True) if is_usable]
    parameters = dict(zip(plan.draw_seeds, drawn, strict=True))
    scale = scales(plan.quantities, baseline[usable])
    levels_of_baseline = baseline[usable] * scale
    done = 0

    def on_runs(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(min(done, number), number, "runs of the twin")

    values_of: dict[int, F] = {}
    differences_of: dict[int, F] = {}
    for seed in plan.design.optimiser.seeds:
        optimiser = Optimiser(
            plan.space, len(plan.goals), len(plan.bounds), plan.design.optimiser.population, seed
        )  # fmt: skip
        made_values, made_differences = [], []
        for k in range(plan.design.optimiser.generations):
            values = plan.space.values(optimiser.ask())
            if not len(values):
                say(f"seed {seed} of the optimiser: the levers allow no further mixes after {k} generations")
                break
            levels = store.generation(seed, k, values, draws)
            if levels is None:
                levels = _generation(store, evaluator, parameters, (seed, k), values, draws, on_runs)
                store.put_generation(seed, k, values, levels, draws)
            differences = levels * scale - levels_of_baseline
            optimiser.answer(
                objectives_of(plan.goals, differences), excesses_of(plan.bounds, differences, levels_of_baseline)
            )
            made_values.append(values)
            made_differences.append(differences)
        values_of[seed] = np.concatenate(made_values)
        differences_of[seed] = np.concatenate(made_differences)
    return Evaluated(tuple(draws), int((~usable).sum()), scale, levels_of_baseline, values_of, differences_of)


def _generation(
    store: SearchStore,
    evaluator: Evaluator,
    parameters: Mapping[int, Mapping[str, float]],
    about: tuple[int, int],
    values: F,
    draws: list[int],
    on_runs: Callable[[int], None],
) -> F:
    """Evaluate a generation; draws of an interrupted one are read."""
    stored = {draw: store.drawn(*about, draw, values) for draw in draws}
    outcomes = {draw: levels for draw, levels in stored.items() if levels is not None}
    on_runs(len(outcomes) * len(values))
    missing = [draw for draw in draws if draw not in outcomes]

    def on_draw(position: int, levels: F) -> None:
        outcomes[missing[position]] = levels
        store.put_drawn(*about, missing[position], values, levels)
        on_runs(len(values))

    if missing:
        evaluator.evaluate([parameters[draw] for draw in missing], values, on_draw)
    return np.stack([outcomes[draw] for draw in draws], axis=1)


def _usable(plan: SearchPlan, baseline: F, say: Callable[[str], None]) -> npt.NDArray[np.bool_]:
    """The draws with a steady baseline. Refuses measures that the twin does not have, and too many draws without."""
    steady: npt.NDArray[np.bool_] = np.array(np.isfinite(baseline).any(axis=1))
    refused = int((~steady).sum())
    if refused > MOST_REFUSED * len(baseline):
        wanted = f"draws of which at most {MOST_REFUSED:.0%} have no steady baseline"
        raise InputError("design", None, "draws", wanted, Phrase(f"{refused} of {len(baseline)} without"))
    missing = ~np.isfinite(baseline[steady]).all(axis=0)
    for k in np.flatnonzero(missing):
        wanted = "measures that the stock-flow twin has, by the axis that the design states"
        raise InputError("design", None, "", wanted, plan.quantities[k].column)
    if refused:
        say(f"{refused} of {len(baseline)} draws have no steady baseline and are left out")
    return steady


def _with_points(
    plan: SearchPlan,
    evaluated: Evaluated,
    store: SearchStore,
    evaluator: Evaluator,
    workers: int,
    progress: Progress | None,
    say: Callable[[str], None],
) -> SearchResult:
    """The front of all seeds, its stability, and its points by agents."""
    fronts: dict[int, tuple[F, F, F]] = {}
    nearest: tuple[float, str] | None = None
    for seed, differences in evaluated.differences.items():
        excesses = excesses_of(plan.bounds, differences, evaluated.baseline)
        keeps = within(excesses)
        if not keeps.any():
            nearest = min(filter(None, (nearest, _nearest_miss(plan, excesses))))
        objectives = objectives_of(plan.goals, differences[keeps])
        at = front(objectives)
        fronts[seed] = (evaluated.values[seed][keeps][at], differences[keeps][at], objectives[at])
    values, differences, objectives = (np.concatenate([f[k] for f in fronts.values()]) for k in range(3))
    if not len(values):
        assert nearest is not None
        number = sum(len(each) for each in evaluated.values.values())
        wanted = "limits that some mix keeps"
        came = Phrase(f"none of {number:,} mixes that does; nearest miss: {plain(nearest[1], 600)}")
        raise InputError("design", None, "limits", wanted, came)
    joint = front(objectives)
    joint = joint[np.lexsort((joint, objectives[joint, 0]))]
    alike = stability([f[2] for f in fronts.values()])
    number = plan.design.confirmation.points
    chosen = [int(joint[k]) for k in spread_points(objectives[joint], number)] if number else []
    confirmation, fresh = None, None
    if chosen:
        with one_job(Runs(plan.place, plan.people, plan.baseline.years, len(chosen) + 1, 1, 1)):
            confirmation = by_agents.confirmed(
                plan, values[chosen], store.folder, threads=workers, progress=progress, notify=say
            )
        fresh = _fresh(plan, evaluated, evaluator, values[chosen], confirmation.seeds)
    return result_of(
        plan, evaluated, values[joint], differences[joint], alike, [int(np.flatnonzero(joint == k)[0]) for k in chosen],
        confirmation, fresh,
    )  # fmt: skip


def _fresh(plan: SearchPlan, evaluated: Evaluated, evaluator: Evaluator, values: F, seeds: tuple[int, ...]) -> F:
    """Differences of points by the twin with fresh draws. Shape (points, seeds, quantities)."""
    drawn = dict(zip(plan.fresh_seeds, plan.drawn(plan.fresh_seeds), strict=True))
    levels = evaluator.evaluate([drawn[seed] for seed in seeds], np.concatenate([plan.space.baseline[None], values]))
    out: F = (levels[1:] - levels[:1]) * evaluated.scale
    return out


def _nearest_miss(plan: SearchPlan, excesses: F) -> tuple[float, str]:
    """The smallest sum of excesses, and the limits that this mix misses, in words."""
    beyond = np.maximum(excesses, 0.0)
    best = int(beyond.sum(axis=1).argmin())
    missed = [
        f"{plan.bounds[k].text}, exceeded by {beyond[best, k]:.2%} of the baseline"
        for k in np.flatnonzero(beyond[best] > 0.0)
    ]
    return float(beyond[best].sum()), "; ".join(missed)


def _print(text: str) -> None:
    if "UPSTREAM_QUIET" not in os.environ:
        print(text, file=sys.stderr, flush=True)


__all__ = ["MixModel", "search", "size_left"]
