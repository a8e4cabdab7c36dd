"""Points of a front by agents, with fresh draws of the parameters.

The optimiser saw the draws of the search, and the best of many mixes is partly the luckiest with these draws. So points
are run again with draws that no mix has had: by agents, and by the twin with the same fresh draws. The twin's error is
its difference from the baseline less that of the agents, draw by draw.

A point survives if the agents' means keep every limit, and no other confirmed point and not the baseline beats it in
every objective. How certain that is, is stated as the share of resampled draws (bootstrap) in which it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.ensemble.compare import compare
from sim.results import result_folder
from sim.results.comparison import Comparison
from sim.results.loading import described
from sim.results.run_store import RunStore
from sim.results.spread import Replicates
from sim.searches.fronts import dominating
from sim.searches.goals import excesses_of, objectives_of, within
from sim.searches.plan import SearchPlan
from sim.searches.quantities import HOLDER, Quantity, by_holder, group_names, measures
from sim.simulation.simulate import Progress

F = npt.NDArray[np.float64]
FOLDER = "confirmation"
RESAMPLES = 1_000
RESAMPLE_SEED = 18


class Confirmation(NamedTuple):
    """Points of a front by agents.

    Attributes
    ----------
    seeds : tuple of int
        Seeds of the draws that could be calibrated.
    refused : int
        Number of draws that could not.
    baseline : ndarray of float64, shape (seeds, quantities)
        Levels of the baseline.
    differences : ndarray of float64, shape (points, seeds, quantities)
        Differences from the baseline.
    replicates : tuple of Replicates
        For each point, differences of runs that repeat the draws of some seeds with other chance events.
    """

    seeds: tuple[int, ...]
    refused: int
    baseline: F
    differences: F
    replicates: tuple[Replicates, ...]


class Survival(NamedTuple):
    """Whether a point keeps its place.

    Attributes
    ----------
    survives : bool
        By the agents' means.
    beaten_by : tuple of int
        Other points, by position, that beat it; -1 is the baseline.
    missed : tuple of int
        Positions of the limits that it does not keep.
    share : float
        Share of resampled draws in which it survives.
    """

    survives: bool
    beaten_by: tuple[int, ...]
    missed: tuple[int, ...]
    share: float


def confirmed(
    plan: SearchPlan,
    values: F,
    folder: Path,
    *,
    threads: int | None,
    progress: Progress | None,
    notify: Callable[[str], None],
) -> Confirmation:
    """Run points of the front by agents, and store the comparison.

    Parameters
    ----------
    plan : SearchPlan
        The plan.
    values : ndarray of float64, shape (points, levers)
        The points.
    folder : Path
        Folder of the search, which is locked by this process.
    threads : int, optional
        Runs in parallel.
    progress : callable, optional
        As for `sim.compare`.
    notify : callable
        Called with lines of text about stored runs.

    Returns
    -------
    Confirmation
    """
    people = plan.design.confirmation.people or plan.people
    scenarios = [
        plan.space.scenario(plan.baseline, row, f"point-{k}", checked=True) for k, row in enumerate(values.tolist(), 1)
    ]
    path = folder / FOLDER
    with RunStore(path, notify, described(path)) as store:
        result = compare(
            plan.baseline, *scenarios, place=plan.place, people=people, seeds=list(plan.fresh_seeds),
            threads=threads, progress=progress, draws=plan.design.parameters, store=store,
        )  # fmt: skip
        result_folder.write(path, result, result.document(), store=store)
    return _measured(plan, result)


def _measured(plan: SearchPlan, result: Comparison) -> Confirmation:
    names, quantities = result.names, plan.quantities

    def levels(of: Comparison) -> F:
        """Levels of each scenario. Shape (seeds, scenarios, quantities)."""
        each = [np.stack([_level(of, name, q) for q in quantities], axis=1) for name in names]
        return np.stack(each, axis=1)

    of_seeds, again = result.paired(levels, "year")
    differences = np.moveaxis(of_seeds[:, 1:] - of_seeds[:, :1], 1, 0)
    replicates = []
    for k in range(1, len(names)):
        rows = np.empty(0, np.intp) if again is None else again.rows
        repeated = of_seeds[:0, 0] if again is None else again.values[:, k] - again.values[:, 0]
        replicates.append(Replicates(rows, repeated))
    return Confirmation(result.seeds, len(result.refused), of_seeds[:, 0], differences, tuple(replicates))


def _level(of: Comparison, name: str, quantity: Quantity) -> F:
    """A quantity of a scenario, by seed."""
    axis = "service" if quantity.axis == HOLDER else quantity.axis or None
    values = of.grouped(name, measures()[quantity.metric], "year", axis)
    if quantity.axis == HOLDER:
        values = np.moveaxis(by_holder(np.moveaxis(values, 1, 0)), 0, 1)
    group = group_names(quantity.axis).index(quantity.group)
    out: F = values[:, group, quantity.first - 1 : quantity.last].mean(axis=1)
    return out


def survivals(plan: SearchPlan, confirmation: Confirmation) -> list[Survival]:
    """Whether each point keeps its place on the front.

    Parameters
    ----------
    plan : SearchPlan
        The plan.
    confirmation : Confirmation
        The points by agents.

    Returns
    -------
    list of Survival
    """
    seeds = len(confirmation.seeds)
    rng = np.random.default_rng(RESAMPLE_SEED)
    rows = [np.arange(seeds), *rng.integers(0, seeds, (RESAMPLES, seeds))]
    outcomes = [_placed(plan, confirmation.differences[:, r], confirmation.baseline[r]) for r in rows]
    shares: F = np.array([[not beaten and not missed for beaten, missed in each] for each in outcomes[1:]]).mean(axis=0)
    return [
        Survival(not beaten and not missed, beaten, missed, float(share))
        for (beaten, missed), share in zip(outcomes[0], shares, strict=True)
    ]


def _placed(plan: SearchPlan, differences: F, baseline: F) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """For each point: the points that beat it (-1: the baseline), and the limits that it does not keep."""
    objectives = objectives_of(plan.goals, differences)
    excesses = excesses_of(plan.bounds, differences, baseline)
    keeps = within(excesses)
    out = []
    for k, row in enumerate(objectives):
        beaten = [int(j) for j in dominating(objectives, row) if keeps[j]]
        same_as_baseline = not differences[k].any()
        if not same_as_baseline and len(dominating(np.zeros((1, row.size)), row)):
            beaten.append(-1)
        out.append((tuple(beaten), tuple(int(j) for j in np.flatnonzero(excesses[k] > 0.0))))
    return out


def point_numbers(positions: Sequence[int]) -> str:
    """Positions of points in words: "points 2 and 3", "the baseline"."""
    names = [f"{k + 1}" for k in positions if k >= 0]
    words = []
    if names:
        words.append(f"point{'s' if len(names) > 1 else ''} {', '.join(names)}")
    if -1 in positions:
        words.append("the baseline")
    return " and ".join(words)
