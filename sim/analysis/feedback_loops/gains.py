"""Signs, gains and delays of links, found by trying: a variable is pushed before a mechanism runs, and all else held.

The mechanism meets the same people and the same dice with and without the push. So what differs after it is what the
variable did through this mechanism in this month, and nothing else: the link's gain is that change over the push.
Who is looked at is widened to everybody first, as a push may raise a probability above its bound; that alone changes
nothing (sim/people/candidate_thinning.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.analysis.feedback_loops.links import DeclaredGraph, Link
from sim.analysis.feedback_loops.variables import LARGEST_LEVEL, Variable, array, can_be_pushed, push, touched_by_push
from sim.engine.schedule import Clock, Mechanism, Phase
from sim.engine.thinning import CERTAIN, bound_of
from sim.people.help_seeking import MOST
from sim.people.need import CAP, CAP_BETTER
from sim.policies import Lever, levers
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS, Month
from sim.state.tables import EMPTY_SLOT, NeighbourhoodState, World, handle

A = npt.NDArray[Any]
PUSH = (0.3, -0.3)
"""How far a variable is pushed, up and down, as a part of its usual size."""
FAR = (1.0, -0.9)
"""How far it is pushed to see what acts only at some distance."""
BOUNDS = ("people.up_bound", "people.down_bound", "people.ask_bound")
QUICK = (Phase.BUDGET, Phase.POLICY, Phase.WORKFORCE, Phase.COMMUNITY)
"""Phases without people in them, where chance is seldom thrown: a mechanism is tried with so many dice."""
DICE, SEED_STEP = 12, 1_000_003
UNSEEN = 1e-8
"""A change smaller than this part of what it changes is rounding."""


class Gain(NamedTuple):
    """What one link did in one month for each unit of push; NaN where the source could not be moved that way."""

    up: float
    down: float

    @property
    def mean(self) -> float:
        """Of both ways, or of the one there is; 0 where there is none."""
        told = [way for way in self if np.isfinite(way)]
        return sum(told) / len(told) if told else 0.0


class MonthGains(NamedTuple):
    """One month, with every link tried in it."""

    gains: dict[Link, Gain]
    sizes: dict[tuple[str, str], float]
    """How large a variable was, by the mechanism that was about to run and the variable's name."""


@contextmanager
def _wide(world: World) -> Iterator[None]:
    """Everybody is looked at, for as long as this lasts."""
    people = world.people
    before = {name: array(world, name).copy() for name in BOUNDS}
    counted = people.age != EMPTY_SLOT
    head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
    for d in range(people.level.shape[0]):
        mine = counted & head if world.rates.household[d] else counted
        level = people.level[d]
        people.up_bound[d] = np.where(mine & (level < LARGEST_LEVEL), bound_of(CAP), 0)
        better = np.where(level == LARGEST_LEVEL, CERTAIN, bound_of(CAP_BETTER))
        people.down_bound[d] = np.where(mine & (level > 0), better, 0)
        # Whoever leaves a crisis this month does not ask in the same month: the draw is spent.
        people.ask_bound[d] = np.where(mine & (level < LARGEST_LEVEL), bound_of(MOST), people.ask_bound[d])
    yield
    for name, values in before.items():
        array(world, name)[:] = values


def walk(
    world: World,
    month: Month,
    clock: Clock,
    told: DeclaredGraph,
    only: Collection[str] | None = None,
    pushes: tuple[float, float] = PUSH,
) -> MonthGains:
    """Take a world in one part (sim.ensemble.compare.in_one_part) through a month, and try every declared link (of some
    mechanisms only, if named) on the way."""
    known = told.variables
    links: dict[str, list[Link]] = {}
    for link in told.links:
        links.setdefault(link.mechanism, []).append(link)
    seen = handle(world)
    gains: dict[Link, Gain] = {}
    sizes: dict[tuple[str, str], float] = {}
    for flow in FLOWS:
        getattr(world.tally, flow).fill(0)
    steps = list(month.steps)
    first = next(k for k, (entry, _) in enumerate(steps) if entry.phase >= Phase.CANDIDATE_THINNING)
    last = max(k for k, (entry, _) in enumerate(steps) if entry.phase < Phase.LIFE) + 1

    def run(part: Sequence[tuple[Mechanism, object]]) -> None:
        for entry, given in part:
            mine = links.get(entry.name, ())
            for name in dict.fromkeys(link.source for link in mine):
                sizes[entry.name, name] = known[name].size(world)
            if mine and (only is None or entry.name in only) and entry.phase is not Phase.LIFE:
                gains.update(_tried(world, seen, entry, given, clock, mine, known, pushes))
            entry.kernel(seen, given, clock)

    run(steps[:first])
    with _wide(world):
        run(steps[first:last])
    run(steps[last:])
    return MonthGains(gains, sizes)


def _tried(
    world: World,
    seen: Any,
    entry: Mechanism,
    given: object,
    clock: Clock,
    links: Sequence[Link],
    known: Mapping[str, Variable],
    pushes: tuple[float, float],
) -> dict[Link, Gain]:
    """Each link of a mechanism that is about to run. The world is left as it was."""
    sources = [known[name] for name in dict.fromkeys(link.source for link in links) if can_be_pushed(known[name])]
    targets = [known[name] for name in dict.fromkeys(link.target for link in links)]
    touched = dict.fromkeys((*entry.writes, *(c for source in sources for c in touched_by_push(source))))
    kept = {name: array(world, name).copy() for name in touched}
    dice = [
        Clock(np.uint64(int(clock.seed) + throw * SEED_STEP), clock.month)
        for throw in range(DICE if entry.phase in QUICK else 1)
    ]

    def after(source: Variable | None, amount: float) -> tuple[float, npt.NDArray[np.float64]]:
        """How far the source was moved, and each target's size after the mechanism ran, by dice."""
        moved, out = 0.0, []
        for throw in dice:
            if source is not None:
                before = source.size(world)
                push(world, seen, source, amount, throw)
                moved = source.size(world) - before
            entry.kernel(seen, given, throw)
            out.append([target.size(world) for target in targets])
            for name, values in kept.items():
                array(world, name)[:] = values
        return moved, np.array(out)

    _, plain = after(None, 0.0)
    least = UNSEEN * (np.abs(plain).mean(axis=0) + UNSEEN)
    found: dict[Link, Gain] = {}
    wanted = {(link.source, link.target): link for link in links}
    for source in sources:
        ways = []
        for amount in pushes:
            moved, out = after(source, amount)
            change = (out - plain).mean(axis=0)
            change[np.abs(change) < least] = 0.0
            ways.append(change / moved if moved != 0.0 else np.full(len(targets), np.nan))
        for k, target in enumerate(targets):
            own = float(source.name == target.name)
            found[wanted[source.name, target.name]] = Gain(float(ways[0][k] - own), float(ways[1][k] - own))
    return found


def levers_moved(places: NeighbourhoodState, months: int, part: float = 0.3) -> dict[str, A]:
    """Every lever moved part of its way to an end of its range, and less money all told: what only a policy opens is
    open."""
    widths = {"place": 1, "neighbourhood": places.code.size, "service": len(load_catalogue())}
    return {lever.name: np.full((months, widths[lever.axis]), _moved(lever, part)) for lever in levers()}


def _moved(lever: Lever, part: float) -> float:
    if lever.name == "total_budget":
        return lever.baseline + part * (lever.low - lever.baseline)
    if lever.name == "community_investment":
        return lever.high
    end = lever.high if lever.high > lever.baseline else lever.low
    return lever.baseline + part * (end - lever.baseline)
