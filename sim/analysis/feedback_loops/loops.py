"""Builds the loop map: links with sign and delay, and the loops that they form, each with its mechanisms.

A listed loop (sim/feedback/loops.py) is detected if a closed path of links includes a link that its switch cuts, and
has the sign of the loop. The links that a switch cuts are identified by measurement with and without it, not by name.
Every other link that lies on a loop is reported with the shortest loop through it: this set of shortest loops covers
all links and is the smallest set that describes the feedback structure (R. Oliva, Model structure analysis through
graph theory, System Dynamics Review 20, 2004).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from sim.analysis.feedback_loops.gains import FAR_PUSH, PUSH, Gain, measure_month, moved_levers
from sim.analysis.feedback_loops.links import (
    Cycle,
    DeclaredGraph,
    Link,
    declared_graph,
    in_loops,
    is_simple,
    months_round,
    round_trips,
)
from sim.analysis.feedback_loops.variables import Variable, is_flow, push
from sim.engine.schedule import REGISTRY, Clock
from sim.ensemble.compare import in_one_part
from sim.feedback import loops
from sim.feedback.loops import LOOPS, Loop
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.codes import ANYTHING
from sim.state.world import World, handle
from sim.world.build import copy

TRIAL_MONTHS = (10, 11)
"""Months in which links are measured: an ordinary month, and the last month of a year, when silos close accounts."""
WEIGHTS = (11.0 / 12.0, 1.0 / 12.0)
"""The share of the year for which each of these months stands."""
LONGEST_LOOP = 10
"""Largest number of links in a loop."""
MOST_PATHS = 5_000
"""Largest number of paths examined for each link that a switch cuts."""
LEAST_REDUCTION = 0.1
"""A switch cuts a link if it removes more than this share of the gain. If no link qualifies, any reduction counts."""
ONE_SIDE = 0.75
"""A switch cuts one side only (a rise or a fall of the source) if that side has this share of the reduction."""
LEAST_TAKEN = 1e-3
"""Smallest share of a gain that counts as a reduction."""
LEAST_RETAINED = 0.1
"""A variable that retains less than this share of a push is treated as recomputed each month."""
LONGEST_MEMORY = 240.0
"""Memory, in months, of a variable whose push does not decay."""
MONTHS_FOLLOWED = 24
"""Months over which the decay of a push of need is followed."""
CLEAR_SIGN = 0.75
"""A link has a sign if at least this share of its measured effect has that sign."""


@dataclass(frozen=True)
class ActingLink:
    """A link with its measured effect."""

    link: Link
    gain: float
    """Change of the target in a month per unit of the source, at the burned-in baseline or, if the link does not act
    there, with moved levers."""
    sign: int
    """+1, −1, or 0 if the link acts in both directions."""
    opened: bool
    """Whether the link acts only far from the baseline, or under some policy."""
    yearly: bool
    """Whether the link acts only at the end of a year."""


class LinkCut(NamedTuple):
    """The reduction of a link's gain by the switch of a loop."""

    sign: int
    """Sign of the reduction."""
    side: int
    """+1 if only the effect of a rise of the source is reduced, −1 if only the effect of a fall, else 0."""


@dataclass(frozen=True)
class DetectedLoop:
    """A loop of the loop map."""

    cycle: Cycle
    sign: int
    months: int
    """Smallest number of months for one passage round the loop."""
    delay: float
    """Sum of the memory of its variables, in months: the approximate time of one passage round the loop."""
    gain: float
    """Steady-state response to a constant push of 1 through this loop alone. A steady baseline needs a sum below 1."""
    loop: Loop | None = None
    """The listed loop, if this is a listed loop."""
    cut: Mapping[Link, LinkCut] = field(default_factory=dict)
    """The links that its switch cuts."""
    through: tuple[str, ...] = ()
    """Listed loops whose switch also cuts this loop."""

    @property
    def name(self) -> str:
        """The name of the listed loop, such as R1, or the mechanisms of the loop."""
        return self.loop.name if self.loop is not None else " + ".join(self.mechanisms)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms of its links, without duplicates."""
        return tuple(dict.fromkeys(link.mechanism for link in self.cycle))


@dataclass(frozen=True)
class LoopMap:
    """The links and loops of a place."""

    declared: DeclaredGraph
    links: dict[Link, ActingLink]
    """Links that lie on a loop and act."""
    memory: dict[str, float]
    """Memory of each variable in months; 0 if it is recomputed each month."""
    acting: dict[Link, ActingLink]
    """All links that act, on a loop or not."""
    listed: tuple[DetectedLoop, ...]
    missing: tuple[Loop, ...]
    """Listed loops that were not detected."""
    others: tuple[DetectedLoop, ...]
    untried: tuple[Link, ...]
    """Links through the population (births, deaths, moves), which are not measured."""

    def label(self, name: str) -> str:
        """The label of a variable."""
        return self.declared.variables[name].label


def loop_map(
    worlds: Sequence[World], seeds: Sequence[int], params: Mapping[str, Params], declared: DeclaredGraph | None = None
) -> LoopMap:
    """Build the loop map of a place.

    Parameters
    ----------
    worlds : sequence of World
        Burned-in worlds of the place. The signs of weak links are more certain with more worlds.
    seeds : sequence of int
        The seed of each world.
    params : mapping of str to Params
        Parameters by mechanism.
    declared : DeclaredGraph, optional
        The links to measure; by default all declared links.

    Returns
    -------
    LoopMap
        Links with sign and delay, listed loops, and other loops.
    """
    declared = declared_graph() if declared is None else declared
    near = [_LinkTrial(world, seed, params, declared, opened=False) for world, seed in zip(worlds, seeds, strict=True)]
    far = [_LinkTrial(world, seed, params, declared, opened=True) for world, seed in zip(worlds, seeds, strict=True)]
    links = {}
    for link in declared.links:
        acting = _acting_link(link, [t.gains for t in near], opened=False) or _acting_link(
            link, [t.gains for t in far], opened=True
        )
        if acting is not None:
            links[link] = acting
    listed_links = in_loops([link for link in links if link.source != link.target])
    self_links = [link for link in links if link.source == link.target]
    memory = _memory(declared, links, near)
    detected, missing = [], []
    cuts: dict[str, dict[Link, LinkCut]] = {}
    for loop in LOOPS:
        cut = _links_cut(loop, near, links) or _links_cut(loop, far, links)
        cuts[loop.name] = cut
        path = _path_of_loop(loop, cut, [*listed_links, *self_links], links, memory)
        if path is None:
            missing.append(loop)
        else:
            detected.append(_detected_loop(path, links, declared, memory, loop, cut))
    covered = {link for detected_loop in detected for link in detected_loop.cycle}
    others: dict[frozenset[Link], DetectedLoop] = {}
    for link in listed_links:
        if link in covered:
            continue
        paths = round_trips(link, listed_links, LONGEST_LOOP)
        path = next((step for step in paths if is_simple(step)), None)
        if path is not None:
            cutting_loops = tuple(name for name, cut in cuts.items() if any(step in cut for step in path))
            others.setdefault(frozenset(path), _detected_loop(path, links, declared, memory, through=cutting_loops))
            covered |= set(path)
    untried = [link for link in in_loops(declared.links) if "population" in (link.source, link.target)]
    return LoopMap(
        declared,
        {link: links[link] for link in listed_links},
        memory,
        links,
        tuple(detected),
        tuple(missing),
        tuple(others.values()),
        tuple(untried),
    )


class _LinkTrial:
    """Copies of a world just before the trial months, and the gains measured in these months."""

    def __init__(
        self, world: World, seed: int, params: Mapping[str, Params], declared: DeclaredGraph, *, opened: bool
    ) -> None:
        self.seed, self.params, self.declared, self.pushes = seed, params, declared, FAR_PUSH if opened else PUSH
        services = tuple(s.id for s in load_catalogue())
        baseline_paths = Scenario.load("baseline").with_settings(years=1).paths(services, world.places)
        self.paths = moved_levers(world.places, 12) if opened else baseline_paths
        self.before: list[World] = []
        world, month = in_one_part(world), Month(params, self.paths)
        compiled = handle(world)
        for m in range(TRIAL_MONTHS[-1] + 1):
            if m in TRIAL_MONTHS:
                self.before.append(copy(world))
            month(world, compiled, self.clock(m))
        self.gains = self.measure(month)

    def clock(self, month: int) -> Clock:
        return Clock(np.uint64(self.seed), np.int64(month))

    def measure(self, month: Month, only: Iterable[str] | None = None) -> list[dict[Link, Gain]]:
        mechanisms = None if only is None else frozenset(only)
        pairs = zip(self.before, TRIAL_MONTHS, strict=True)
        return [
            measure_month(copy(world), month, self.clock(m), self.declared, mechanisms, self.pushes).gains
            for world, m in pairs
        ]

    def decay_months(self, variable: Variable) -> float:
        """Months in which a push of a variable falls to 1/e, with common random numbers."""
        sizes = []
        for with_push in (True, False):
            world, month = copy(self.before[0]), Month(self.params, self.paths)
            compiled = handle(world)
            if with_push:
                push(world, compiled, variable, PUSH[0], self.clock(TRIAL_MONTHS[0]))
                world.people.changed[:] = ANYTHING
            sizes.append([variable.size(world)])
            for m in range(TRIAL_MONTHS[0], TRIAL_MONTHS[0] + MONTHS_FOLLOWED):
                month(world, compiled, self.clock(m % 12))
            sizes[-1].append(variable.size(world))
        first, last = (a - b for a, b in zip(*sizes, strict=True))
        return (
            LONGEST_MEMORY
            if not 0.0 < last < first
            else min(LONGEST_MEMORY, -MONTHS_FOLLOWED / float(np.log(last / first)))
        )


def _acting_link(link: Link, gains_by_trial: Sequence[list[dict[Link, Gain]]], *, opened: bool) -> ActingLink | None:
    """The measured effect of a link over worlds and months; None if there is none."""
    gains_of_link = [[gains[link] for gains in gains_by_month if link in gains] for gains_by_month in gains_by_trial]
    weighted = [
        gain_of_push * weight
        for gains_by_month in gains_of_link
        for gain, weight in zip(gains_by_month, WEIGHTS, strict=False)
        for gain_of_push in gain
        if np.isfinite(gain_of_push) and gain_of_push != 0.0
    ]
    if not weighted:
        return None
    rise, fall = sum(w for w in weighted if w > 0.0), -sum(w for w in weighted if w < 0.0)
    sign = 1 if rise >= CLEAR_SIGN * (rise + fall) else -1 if fall >= CLEAR_SIGN * (rise + fall) else 0
    mean = [sum(g.mean * w for g, w in zip(gains_by_month, WEIGHTS, strict=False)) for gains_by_month in gains_of_link]
    yearly = all(gains_by_month[0].mean == 0.0 for gains_by_month in gains_of_link if gains_by_month)
    return ActingLink(link, float(np.mean(mean)), sign, opened, yearly)


def _memory(
    declared: DeclaredGraph, links: Mapping[Link, ActingLink], trials: Sequence[_LinkTrial]
) -> dict[str, float]:
    """The memory of each variable in months: 1 over the share of a push that is lost a month later.

    For need, which no single mechanism reduces by itself, the decay of a push is followed in a simulation.
    """
    out = {}
    for name, variable in declared.variables.items():
        self_gains = [
            links[link].gain for link in declared.links if link.source == link.target == name and link in links
        ]
        retained = math.prod(1.0 + min(0.0, max(-1.0, gain)) for gain in self_gains)
        if is_flow(variable) or retained < LEAST_RETAINED:
            out[name] = 0.0
        elif name == "need":
            out[name] = float(np.mean([trial.decay_months(variable) for trial in trials]))
        elif retained < 1.0 - 1e-6:
            out[name] = 1.0 / (1.0 - retained)
        else:
            out[name] = LONGEST_MEMORY
    return out


def _links_cut(loop: Loop, trials: Sequence[_LinkTrial], links: Mapping[Link, ActingLink]) -> dict[Link, LinkCut]:
    """The links that the switch of a loop cuts or weakens, and the reduction of each."""
    disabled = loops.disabled_mechanisms([loop.name])
    out = {link: LinkCut(acting.sign, 0) for link, acting in links.items() if link.mechanism in disabled.mechanisms}
    levers = {c for name in disabled.levers for entry in REGISTRY.month() if entry.lever == name for c in entry.writes}
    entries = [entry for entry in REGISTRY.month() if entry.lever is None]
    changed = {
        entry.name
        for entry in entries
        if entry.params.__module__.rsplit(".", 1)[-1] in disabled.parameters or levers & set(entry.reads)
    }
    changed -= disabled.mechanisms
    if not changed:
        return out
    pairs_of_link: dict[Link, list[tuple[Gain, Gain]]] = {}
    for trial in trials:
        month = Month(trial.params, trial.paths, (loop.name,))
        for intact, reduced in zip(trial.gains, trial.measure(month, changed), strict=True):
            for link in reduced.keys() & links.keys():
                pairs_of_link.setdefault(link, []).append((intact[link], reduced[link]))
    reductions = {}
    for link, pairs in pairs_of_link.items():
        intact_gains = np.nan_to_num(np.array([intact for intact, _ in pairs]))
        removed = np.nan_to_num(np.array([np.subtract(intact, reduced) for intact, reduced in pairs]))
        if np.abs(removed).sum() > LEAST_TAKEN * np.abs(intact_gains).sum():
            up, down = np.abs(removed).sum(axis=0) / np.abs(removed).sum()
            side = 1 if up > ONE_SIDE else -1 if down > ONE_SIDE else 0
            reductions[link] = (
                np.abs(removed).sum() / np.abs(intact_gains).sum(),
                LinkCut(int(np.sign(removed.sum())), side),
            )
    least = LEAST_REDUCTION if any(share > LEAST_REDUCTION for share, _ in reductions.values()) else 0.0
    return out | {link: cut for link, (share, cut) in reductions.items() if share > least}


def _path_of_loop(
    loop: Loop,
    cut: Mapping[Link, LinkCut],
    links: Sequence[Link],
    acting: Mapping[Link, ActingLink],
    memory: Mapping[str, float],
) -> Cycle | None:
    """The path of a listed loop: through a link that its switch cuts, and with the sign of the loop.

    Of these paths, the one with most modules of the loop's files and fewest others is chosen; then one with more than
    one link, one that passes through no variable twice, and the one with the largest gain.
    """
    wanted_sign = 1 if loop.sign == "+" else -1
    files = {"sim." + file.removesuffix(".py").replace("/", ".") for file in loop.files}
    best: tuple[tuple[int, bool, bool, float], Cycle] | None = None
    for link in cut:
        if link not in links:
            continue
        is_self_link = link.source == link.target
        allowed = [link] if is_self_link else [step for step in links if step.source != step.target]
        for path in islice(round_trips(link, allowed, LONGEST_LOOP), MOST_PATHS):
            if _sign(path, acting, cut) != wanted_sign:
                continue
            modules = [REGISTRY.entries[step.mechanism].module for step in path]
            inside = len(files & set(modules)) - sum(module not in files for module in modules)
            key = (inside, not is_self_link, is_simple(path), abs(_gain(path, acting, memory)))
            if best is None or key > best[0]:
                best = key, path
    return None if best is None else best[1]


def _sign(path: Cycle, acting: Mapping[Link, ActingLink], cut: Mapping[Link, LinkCut]) -> int:
    """+1 if the path reinforces a push, −1 if it counteracts a push, 0 if the sign is not clear."""
    return math.prod(cut[link].sign if link in cut else acting[link].sign for link in path)


def _gain(path: Cycle, acting: Mapping[Link, ActingLink], memory: Mapping[str, float]) -> float:
    """The steady-state response of a path to a constant push of 1."""
    return math.prod(acting[link].gain * max(1.0, memory[link.target]) for link in path)


def _detected_loop(
    path: Cycle,
    acting: Mapping[Link, ActingLink],
    declared: DeclaredGraph,
    memory: Mapping[str, float],
    loop: Loop | None = None,
    cut: Mapping[Link, LinkCut] | None = None,
    through: tuple[str, ...] = (),
) -> DetectedLoop:
    sign = _sign(path, acting, cut or {})
    delay = sum(memory[link.target] for link in path)
    delay += sum(6.0 for link in path if acting[link].yearly)
    months, gain = months_round(path, declared.place), _gain(path, acting, memory)
    return DetectedLoop(path, sign, months, delay, gain, loop, cut or {}, through)


__all__ = ["ActingLink", "DetectedLoop", "LoopMap", "loop_map"]
