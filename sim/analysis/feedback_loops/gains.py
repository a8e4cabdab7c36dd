"""Measures the gains of links by experiment: a variable is pushed before a mechanism runs, all else being equal.

The mechanism runs on the same people with the same random numbers, with and without the push. The difference
afterwards is therefore the effect of the variable through this mechanism in this month: the gain of the link is that
difference divided by the push. The candidates are first extended to everybody, because a push may raise a probability
above its bound; the extension alone changes nothing (sim/people/candidate_thinning.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.analysis.feedback_loops.links import DeclaredGraph, Link
from sim.analysis.feedback_loops.variables import LARGEST_LEVEL, Variable, array, can_be_pushed, columns_of_push, push
from sim.engine.schedule import Clock, Mechanism, Phase
from sim.engine.thinning import CERTAIN, bound_of
from sim.people.help_seeking import HelpSeeking
from sim.people.need import Need
from sim.policies import Lever, levers
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.codes import EMPTY_SLOT, PREVENTION_KINDS
from sim.state.neighbourhoods import NeighbourhoodState
from sim.state.world import World, handle

A = npt.NDArray[Any]
PUSH = (0.3, -0.3)
"""Size of the push, up and down, as a share of the mean size of a variable."""
FAR_PUSH = (1.0, -0.9)
"""Size of the push that detects links which act only far from the baseline."""
BOUNDS = ("people.up_bound", "people.down_bound", "people.ask_bound")
AGGREGATE_PHASES = (Phase.BUDGET, Phase.POLICY, Phase.WORKFORCE, Phase.COMMUNITY)
"""Phases that do not loop over people and make few random draws: gains are averaged over `DRAWS` seeds."""
DRAWS, SEED_STEP = 12, 1_000_003
ROUNDING = 1e-8
"""A change smaller than this share of the target is treated as rounding error."""


class Gain(NamedTuple):
    """The effect of a link in one month per unit of push, up and down; NaN where the source could not be pushed."""

    up: float
    down: float

    @property
    def mean(self) -> float:
        """The mean of the finite gains; 0 if there is none."""
        finite = [gain for gain in self if np.isfinite(gain)]
        return sum(finite) / len(finite) if finite else 0.0


class MonthGains(NamedTuple):
    """The gains of all links that were measured in one month."""

    gains: dict[Link, Gain]
    sizes: dict[tuple[str, str], float]
    """The size of a variable just before a mechanism ran, by the names of the mechanism and of the variable."""


@contextmanager
def _all_candidates(world: World, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Makes everybody a candidate of the thinned draws, and restores the bounds on exit.

    `arguments` are the parameters by mechanism; they include the largest probability of each draw.
    """
    need, help_seeking = arguments.get("need", Need()), arguments.get("help_seeking", HelpSeeking())
    people = world.people
    before = {name: array(world, name).copy() for name in BOUNDS}
    counted = people.age != EMPTY_SLOT
    head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
    for d in range(people.level.shape[0]):
        eligible = counted & head if world.rates.household[d] else counted
        level = people.level[d]
        people.up_bound[d] = np.where(eligible & (level < LARGEST_LEVEL), bound_of(need.most_worsening), 0)
        better = np.where(level == LARGEST_LEVEL, CERTAIN, bound_of(need.most_improvement))
        people.down_bound[d] = np.where(eligible & (level > 0), better, 0)
        # A person who leaves a crisis this month does not ask in the same month: the draw is already used.
        asks = bound_of(help_seeking.most_probability)
        people.ask_bound[d] = np.where(eligible & (level < LARGEST_LEVEL), asks, people.ask_bound[d])
    yield
    for name, values in before.items():
        array(world, name)[:] = values


def measure_month(
    world: World,
    month: Month,
    clock: Clock,
    declared: DeclaredGraph,
    only: Collection[str] | None = None,
    pushes: tuple[float, float] = PUSH,
) -> MonthGains:
    """Run one month and measure the gain of every declared link.

    Parameters
    ----------
    world : World
        A world in one part (sim.ensemble.compare.in_one_part), changed in place.
    month : Month
        The steps of the month.
    clock : Clock
        Seed and month.
    declared : DeclaredGraph
        The links to measure.
    only : collection of str, optional
        Names of mechanisms; links of other mechanisms are not measured. By default, all links are measured.
    pushes : tuple of float
        Size of the push up and down, as a share of the mean size of the source.

    Returns
    -------
    MonthGains
        The gain of each link, and the size of each source before its mechanism ran.
    """
    variables = declared.variables
    links: dict[str, list[Link]] = {}
    for link in declared.links:
        links.setdefault(link.mechanism, []).append(link)
    compiled = handle(world)
    gains: dict[Link, Gain] = {}
    sizes: dict[tuple[str, str], float] = {}
    prepared_by_name = {entry.name: prepared for entry, prepared in month.steps}
    for is_thinned, steps in groupby(month.walk(world, compiled, clock), lambda step: _is_thinned(step.mechanism)):
        with _all_candidates(world, prepared_by_name) if is_thinned else nullcontext():
            for entry, prepared, run in steps:
                outgoing = links.get(entry.name, ())
                for name in dict.fromkeys(link.source for link in outgoing):
                    sizes[entry.name, name] = variables[name].size(world)
                if outgoing and (only is None or entry.name in only) and entry.phase is not Phase.LIFE:
                    gains.update(_measured_gains(world, compiled, entry, prepared, clock, outgoing, variables, pushes))
                run()
    return MonthGains(gains, sizes)


def _is_thinned(entry: Mechanism) -> bool:
    """Whether a mechanism selects candidates, or draws for those selected."""
    return Phase.CANDIDATE_THINNING <= entry.phase < Phase.LIFE


def _measured_gains(
    world: World,
    compiled: Any,
    entry: Mechanism,
    prepared: object,
    clock: Clock,
    links: Sequence[Link],
    variables: Mapping[str, Variable],
    pushes: tuple[float, float],
) -> dict[Link, Gain]:
    """The gain of each link of a mechanism that is about to run. The world is restored."""
    sources = [v for v in (variables[x] for x in dict.fromkeys(link.source for link in links)) if can_be_pushed(v)]
    targets = [variables[name] for name in dict.fromkeys(link.target for link in links)]
    touched = dict.fromkeys((*entry.writes, *(c for source in sources for c in columns_of_push(source))))
    saved = {name: array(world, name).copy() for name in touched}
    clocks = [
        Clock(np.uint64(int(clock.seed) + draw * SEED_STEP), clock.month)
        for draw in range(DRAWS if entry.phase in AGGREGATE_PHASES else 1)
    ]

    def sizes_after(source: Variable | None, amount: float) -> tuple[float, npt.NDArray[np.float64]]:
        """The size of the push, and the size of each target after the mechanism ran. Shape (draw, target)."""
        push_size, sizes = 0.0, []
        for draw_clock in clocks:
            if source is not None:
                before = source.size(world)
                push(world, compiled, source, amount, draw_clock)
                push_size = source.size(world) - before
            entry.kernel(compiled, prepared, draw_clock)
            sizes.append([target.size(world) for target in targets])
            for name, values in saved.items():
                array(world, name)[:] = values
        return push_size, np.array(sizes)

    _, plain = sizes_after(None, 0.0)
    least = ROUNDING * (np.abs(plain).mean(axis=0) + ROUNDING)
    gains: dict[Link, Gain] = {}
    link_of_pair = {(link.source, link.target): link for link in links}
    for source in sources:
        slopes = []
        for amount in pushes:
            push_size, sizes = sizes_after(source, amount)
            change = (sizes - plain).mean(axis=0)
            change[np.abs(change) < least] = 0.0
            slopes.append(change / push_size if push_size != 0.0 else np.full(len(targets), np.nan))
        for k, target in enumerate(targets):
            identity = float(source.name == target.name)
            gains[link_of_pair[source.name, target.name]] = Gain(
                float(slopes[0][k] - identity), float(slopes[1][k] - identity)
            )
    return gains


def moved_levers(places: NeighbourhoodState, months: int, share: float = 0.3) -> dict[str, A]:
    """Values of all levers, each moved a share of the way to an end of its range, with a lower total budget.

    Used to detect links that act only under some policy.
    """
    widths = {"place": 1, "neighbourhood": places.code.size, "service": len(load_catalogue())}
    widths["prevention"] = 1 + len(PREVENTION_KINDS)
    return {lever.name: np.full((months, widths[lever.axis]), _moved_value(lever, share)) for lever in levers()}


def _moved_value(lever: Lever, share: float) -> float:
    if lever.name == "total_budget":
        return lever.baseline + share * (lever.low - lever.baseline)
    if lever.name == "community_investment":
        return lever.high
    end = lever.high if lever.high > lever.baseline else lever.low
    return lever.baseline + share * (end - lever.baseline)
