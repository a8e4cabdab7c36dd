"""Measures the strength of each loop over time: the share of a policy's effect that passes round the loop.

Two worlds run in parallel, one under the baseline and one under the scenario, with the same people and the same random
numbers. At the end of a year the gain of each link is measured in the scenario's world. The gain times the difference
of the link's source between the two worlds is the effect of the policy through this link in a month. The score of a
link is that effect, divided by the sum of the absolute effects of all links into the same variable; the strength of a
loop is the product of the scores of its links (link scores after W. Schoenberg, P. Davidsen and R. Eberlein,
Understanding model behavior using the Loops that Matter method, System Dynamics Review 36, 2020; here between two
policies instead of between two moments). The strength is 1 if every variable of the loop is moved only by the variable
before it, and 0 if nothing passes round the loop.

Strengths do not add up to 1: a link may lie on many loops, and effects from outside all loops (the policy itself) count
in the scores. Variables are sums over the place, so opposite effects of a policy on two services cancel out. The effect
of a variable on itself is excluded, so that slow stocks count as much as fast ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.analysis.feedback_loops.gains import Gain, measure_month
from sim.analysis.feedback_loops.links import Link
from sim.analysis.feedback_loops.loops import TRIAL_MONTHS, WEIGHTS, DetectedLoop, LoopMap
from sim.engine.schedule import Clock
from sim.ensemble.compare import in_one_part
from sim.ensemble.paired_runs import side_by_side
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import Progress, set_aim_groups
from sim.state.world import World, handle

F = npt.NDArray[np.float64]
COVER = 0.95


@dataclass(frozen=True)
class Strength:
    """The strength of a loop by year: mean over seeds, with its 95 % interval."""

    name: str
    years: tuple[int, ...]
    mean: F
    ci_low: F
    ci_high: F
    scores: F
    """The score of each link of the loop. Shape (year, link)."""


class _MonthMovement(NamedTuple):
    """The effect of a policy in one month: through each link, and on the source of each link."""

    through: dict[Link, float]
    sources: dict[Link, float]


def sampled_years(years: int) -> tuple[int, ...]:
    """The years in which links are measured: the first three, then at growing intervals, and the last."""
    wanted = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60)
    return tuple(sorted({year for year in wanted if year < years} | {years}))


def strengths(
    loops: LoopMap,
    baseline: Scenario,
    scenario: Scenario,
    worlds: Callable[[int], World],
    seeds: Sequence[int],
    params: Mapping[str, Params],
    threads: int = 1,
    progress: Progress | None = None,
) -> tuple[Strength, ...]:
    """Measure the strength of every listed loop under a scenario, relative to its baseline.

    Parameters
    ----------
    loops : LoopMap
        The loop map of the place.
    baseline, scenario : Scenario
        The two policies.
    worlds : callable
        Returns the burned-in world of a seed.
    seeds : sequence of int
        The seeds.
    params : mapping of str to Params
        Parameters by mechanism.
    threads : int
        Number of threads.
    progress : Progress, optional
        Called with the number of finished seeds, the number of seeds and a label.

    Returns
    -------
    tuple of Strength
        One for each listed loop of the map.
    """
    years = sampled_years(scenario.years)
    done: list[int] = []

    def run_seed(seed: int, stop: Callable[[], bool]) -> list[_MonthMovement]:
        movements = _movements(loops, baseline, scenario, worlds(seed), seed, params, years, stop)
        done.append(seed)
        if progress is not None:
            progress(len(done), len(seeds), f"strength of loops, seed {seed}")
        return movements

    runs = side_by_side(run_seed, seeds, threads)
    return tuple(_strength(loop, runs, years) for loop in loops.listed)


def _movements(
    loops: LoopMap,
    baseline: Scenario,
    scenario: Scenario,
    world: World,
    seed: int,
    params: Mapping[str, Params],
    years: Sequence[int],
    stop: Callable[[], bool],
) -> list[_MonthMovement]:
    """The effect of the policy in an average month of each of the years."""
    services = tuple(s.id for s in load_catalogue())
    runs = []
    for policy in (baseline, scenario):
        copied = in_one_part(world)
        set_aim_groups(copied, policy)
        runs.append((copied, Month(params, policy.paths(services, world.places)), handle(copied)))
    declared = loops.declared
    out = []
    through: dict[Link, float] = {}
    sources: dict[Link, float] = {}
    for m in range(12 * max(years)):
        if stop():
            raise KeyboardInterrupt
        clock = Clock(np.uint64(seed), np.int64(m))
        if m // 12 + 1 not in years or m % 12 not in TRIAL_MONTHS:
            for copied, month, compiled in runs:
                month(copied, compiled, clock)
            continue
        weight = WEIGHTS[TRIAL_MONTHS.index(m % 12)]
        (baseline_world, baseline_month, _), (scenario_world, scenario_month, _) = runs
        before = measure_month(baseline_world, baseline_month, clock, declared, only=())
        after = measure_month(scenario_world, scenario_month, clock, declared)
        for link, gain in after.gains.items():
            if link.source == link.target:
                continue
            key = (link.mechanism, link.source)
            difference = after.sizes.get(key, 0.0) - before.sizes.get(key, 0.0)
            through[link] = through.get(link, 0.0) + weight * _gain_in_direction(gain, difference) * difference
            sources[link] = sources.get(link, 0.0) + weight * difference
        if m % 12 == TRIAL_MONTHS[-1]:
            out.append(_MonthMovement(through, sources))
            through, sources = {}, {}
    return out


def _gain_in_direction(gain: Gain, difference: float) -> float:
    """The gain for a push in the direction of the difference; if that is not known, the mean gain."""
    directed = gain.up if difference > 0.0 else gain.down
    return directed if np.isfinite(directed) else gain.mean


def _strength(loop: DetectedLoop, runs: Sequence[Sequence[_MonthMovement]], years: tuple[int, ...]) -> Strength:
    """Mean over seeds, with a jackknife interval over seeds."""
    seeds = len(runs)
    scores = np.array([_scores(loop, [run[k] for run in runs]) for k in range(len(years))])
    mean = scores.prod(axis=1)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    if seeds > 1:
        leave_one_out = np.array(
            [
                [
                    _scores(loop, [run[k] for j, run in enumerate(runs) if j != omitted]).prod()
                    for k in range(len(years))
                ]
                for omitted in range(seeds)
            ]
        )
        error = np.sqrt((seeds - 1) / seeds * ((leave_one_out - leave_one_out.mean(axis=0)) ** 2).sum(axis=0))
        half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * error
        low, high = np.maximum(0.0, mean - half), np.minimum(1.0, mean + half)
    return Strength(loop.name, years, mean, low, high, scores)


def _scores(loop: DetectedLoop, runs: Sequence[_MonthMovement]) -> F:
    """The score of each link of a loop, from the mean effects over seeds. NaN for a link of a variable to itself."""
    through = {link: float(np.mean([run.through[link] for run in runs])) for link in runs[0].through}
    into: dict[str, float] = {}
    for link, movement in through.items():
        into[link.target] = into.get(link.target, 0.0) + abs(movement)
    out = np.full(len(loop.cycle), np.nan)
    for k, link in enumerate(loop.cycle):
        if link.source == link.target:
            continue
        side = loop.cut[link].side if link in loop.cut else 0
        movement = float(np.mean([run.sources[link] for run in runs]))
        total = into.get(link.target, 0.0)
        opposite = side != 0 and movement * side < 0.0
        out[k] = 0.0 if opposite or total == 0.0 else abs(through.get(link, 0.0)) / total
    return out
