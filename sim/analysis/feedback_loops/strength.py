"""How strong each loop is over time: of what a policy moves on the way round, how much comes round.

Two worlds run in step, the baseline's and the scenario's, with the same people and the same dice. At the end of a year
each link's gain is tried in the scenario's world, and gain times the difference of its source between the two worlds
is what the policy moves through this link in a month. A link's score is that, over what all links into the same
variable move; a loop's strength is the product of the scores on its way (link scores after W. Schoenberg, P. Davidsen
and R. Eberlein, Understanding model behavior using the Loops that Matter method, System Dynamics Review 36, 2020; here
between two policies instead of between two moments). 1 would be a loop on which every variable is moved by nothing but
the one before it, and 0 one on which nothing comes round.

Strengths are not parts of a whole: a link may lie on many loops, and what moves a variable from outside all loops (the
policy itself) counts in its scores. Variables are sums over the place: what a policy takes in one service and gives in
another is not seen. What a variable keeps of itself is left out, so that slow stocks count as much as quick ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.analysis.feedback_loops.gains import Gain, walk
from sim.analysis.feedback_loops.links import Link
from sim.analysis.feedback_loops.loops import TRIED_IN, WEIGHTS, DetectedLoop, LoopMap
from sim.engine.schedule import Clock
from sim.ensemble.compare import in_one_part, side_by_side
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import Month, Progress, set_aim_groups
from sim.state.tables import World, handle

F = npt.NDArray[np.float64]
COVER = 0.95


@dataclass(frozen=True)
class Strength:
    """One loop's strength by year: mean over seeds, and the 95 % interval of it."""

    name: str
    years: tuple[int, ...]
    mean: F
    low: F
    high: F
    scores: F
    """Of each link on its way, by year. Shape (year, link)."""


class _MonthMovement(NamedTuple):
    """What a policy moved in one month: through each link, and each source by itself."""

    through: dict[Link, float]
    sources: dict[Link, float]


def sampled(years: int) -> tuple[int, ...]:
    """The years in which links are tried: the first three, and then ever fewer."""
    wanted = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60)
    return tuple(sorted({year for year in wanted if year < years} | {years}))


def strengths(
    found: LoopMap,
    baseline: Scenario,
    scenario: Scenario,
    worlds: Callable[[int], World],
    seeds: Sequence[int],
    params: Mapping[str, Params],
    threads: int = 1,
    progress: Progress | None = None,
) -> tuple[Strength, ...]:
    """The strength of every listed loop under a scenario, against its baseline."""
    years = sampled(scenario.years)
    done: list[int] = []

    def one(seed: int, stop: Callable[[], bool]) -> list[_MonthMovement]:
        moved = _moved(found, baseline, scenario, worlds(seed), seed, params, years, stop)
        done.append(seed)
        if progress is not None:
            progress(len(done), len(seeds), f"strength of loops, seed {seed}")
        return moved

    runs = side_by_side(one, seeds, threads)
    return tuple(_strength(one, runs, years) for one in found.listed)


def _moved(
    found: LoopMap,
    baseline: Scenario,
    scenario: Scenario,
    world: World,
    seed: int,
    params: Mapping[str, Params],
    years: Sequence[int],
    stop: Callable[[], bool],
) -> list[_MonthMovement]:
    """What the policy moves in each of the years, as one of their months has it on average."""
    services = tuple(s.id for s in load_catalogue())
    pair = []
    for each in (baseline, scenario):
        own = in_one_part(world)
        set_aim_groups(own, each)
        pair.append((own, Month(params, each.paths(services, world.places)), handle(own)))
    told = found.declared
    out = []
    through: dict[Link, float] = {}
    sources: dict[Link, float] = {}
    for m in range(12 * max(years)):
        if stop():
            raise KeyboardInterrupt
        clock = Clock(np.uint64(seed), np.int64(m))
        if m // 12 + 1 not in years or m % 12 not in TRIED_IN:
            for own, month, seen in pair:
                month(own, seen, clock)
            continue
        weight = WEIGHTS[TRIED_IN.index(m % 12)]
        (usual, usual_month, _), (other, other_month, _) = pair
        before = walk(usual, usual_month, clock, told, only=())
        after = walk(other, other_month, clock, told)
        for link, gain in after.gains.items():
            if link.source == link.target:
                continue
            key = (link.mechanism, link.source)
            moved = after.sizes.get(key, 0.0) - before.sizes.get(key, 0.0)
            through[link] = through.get(link, 0.0) + weight * _way(gain, moved) * moved
            sources[link] = sources.get(link, 0.0) + weight * moved
        if m % 12 == TRIED_IN[-1]:
            out.append(_MonthMovement(through, sources))
            through, sources = {}, {}
    return out


def _way(gain: Gain, moved: float) -> float:
    """The gain for a push in the direction in which a variable was moved; the other one, where there is none."""
    way = gain.up if moved > 0.0 else gain.down
    return way if np.isfinite(way) else gain.mean


def _strength(one: DetectedLoop, runs: Sequence[Sequence[_MonthMovement]], years: tuple[int, ...]) -> Strength:
    """Mean over seeds, with an interval from leaving out one seed at a time."""
    seeds = len(runs)
    scores = np.array([_scores(one, [run[k] for run in runs]) for k in range(len(years))])
    whole = scores.prod(axis=1)
    low, high = np.full_like(whole, np.nan), np.full_like(whole, np.nan)
    if seeds > 1:
        less = np.array(
            [
                [_scores(one, [run[k] for j, run in enumerate(runs) if j != left]).prod() for k in range(len(years))]
                for left in range(seeds)
            ]
        )
        error = np.sqrt((seeds - 1) / seeds * ((less - less.mean(axis=0)) ** 2).sum(axis=0))
        half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * error
        low, high = np.maximum(0.0, whole - half), np.minimum(1.0, whole + half)
    return Strength(one.name, years, whole, low, high, scores)


def _scores(one: DetectedLoop, runs: Sequence[_MonthMovement]) -> F:
    """The score of each link on a loop's way, of what some seeds moved on average. NaN for a variable's own link."""
    through = {link: float(np.mean([run.through[link] for run in runs])) for link in runs[0].through}
    into: dict[str, float] = {}
    for link, moved in through.items():
        into[link.target] = into.get(link.target, 0.0) + abs(moved)
    out = np.full(len(one.cycle), np.nan)
    for k, link in enumerate(one.cycle):
        if link.source == link.target:
            continue
        side = one.cut[link].side if link in one.cut else 0
        moved = float(np.mean([run.sources[link] for run in runs]))
        whole = into.get(link.target, 0.0)
        other_way = side != 0 and moved * side < 0.0
        out[k] = 0.0 if other_way or whole == 0.0 else abs(through.get(link, 0.0)) / whole
    return out
