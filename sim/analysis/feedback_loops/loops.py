"""The loop map: links with sign and delay, and the loops that they close, each with its mechanisms.

A listed loop (sim/feedback/loops.py) is found where a closed way of links leads through a link that its switch cuts,
and has its sign. Which links a switch cuts is found by trying them with and without it, not by their names. Every
other link that lies on some loop is told with the shortest loop through it: this set of shortest loops covers all
links and is the smallest that tells the feedback structure (R. Oliva, Model structure analysis through graph theory,
System Dynamics Review 20, 2004).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from sim.analysis.feedback_loops.gains import FAR, PUSH, Gain, levers_moved, walk
from sim.analysis.feedback_loops.links import (
    Cycle,
    DeclaredGraph,
    Link,
    declared,
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
from sim.simulation.simulate import Month
from sim.state.tables import ANYTHING, World, handle
from sim.world.build import copy

TRIED_IN = (10, 11)
"""Months in which links are tried: an ordinary one, and the last of a year, when silos settle."""
WEIGHTS = (11.0 / 12.0, 1.0 / 12.0)
"""How often each comes in a year."""
LONGEST = 10
"""Longest loop that is looked for."""
WAYS = 5_000
"""Most ways round that are looked at for each link that a switch cuts."""
WEAKER = 0.1
"""A switch cuts a link if it takes more than this part of its gain; if there is none, each it takes something of."""
ONE_SIDE = 0.75
"""It cuts one side of a link only, a rise or a fall of the source, if that much of what it takes is there."""
LEAST_TAKEN = 1e-3
"""What it takes of a link at least, to be told from nothing."""
ANEW = 0.1
"""A variable that keeps less than this part of a push is made anew each month."""
LONG = 240.0
"""Months that stand for a variable that was not seen to forget."""
WATCHED = 24
"""Months over which it is watched how a push of need fades."""
ONE_SIDED = 0.75
"""A link has a sign if at least this part of what was seen of it has."""


@dataclass(frozen=True)
class ActingLink:
    """A link, as it was seen to act."""

    link: Link
    gain: float
    """Of the target, in a month, for each unit of the source, at the settled baseline; else where policies open it."""
    sign: int
    """+1, −1, or 0 where it acts in both ways."""
    opened: bool
    """It acts only far from the baseline, or where some policy opens it."""
    yearly: bool
    """It acts only as a year ends."""


class LinkCut(NamedTuple):
    """What a loop's switch takes from a link."""

    sign: int
    """Of what it takes."""
    side: int
    """+1 if it takes only from what a rise of the source does, −1 if only from what a fall does, else 0."""


@dataclass(frozen=True)
class DetectedLoop:
    """A loop of the map."""

    cycle: Cycle
    sign: int
    months: int
    """Months that its steps wait for one another, at least."""
    delay: float
    """Months that its variables remember, added up: how long it takes to go once round, roughly."""
    gain: float
    """What comes back of a push that is kept up, once all has settled and nothing else comes round: a steady baseline
    needs less than 1 in all."""
    loop: Loop | None = None
    """The listed loop, if it is one."""
    cut: Mapping[Link, LinkCut] = field(default_factory=dict)
    """The links that its switch cuts."""
    through: tuple[str, ...] = ()
    """Listed loops whose switch also cuts this way."""

    @property
    def name(self) -> str:
        """R1, or the mechanisms it leads through."""
        return self.loop.name if self.loop is not None else " + ".join(self.mechanisms)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms of its links, each once."""
        return tuple(dict.fromkeys(link.mechanism for link in self.cycle))


@dataclass(frozen=True)
class LoopMap:
    """Links and loops of a world."""

    declared: DeclaredGraph
    links: dict[Link, ActingLink]
    """Those that lie on some loop and act."""
    memory: dict[str, float]
    """Months that each variable remembers; 0 where it is made anew each month."""
    acting: dict[Link, ActingLink]
    """All links that were seen to act, on a loop or not."""
    listed: tuple[DetectedLoop, ...]
    missing: tuple[Loop, ...]
    """Listed loops that were not found."""
    others: tuple[DetectedLoop, ...]
    untried: tuple[Link, ...]
    """Links through who lives here: births, deaths, moves."""

    def label(self, name: str) -> str:
        """A variable's words."""
        return self.declared.variables[name].label


def loop_map(
    worlds: Sequence[World], seeds: Sequence[int], params: Mapping[str, Params], told: DeclaredGraph | None = None
) -> LoopMap:
    """Find the map from some settled worlds of one place: the more, the surer is the sign of weak links."""
    told = declared() if told is None else told
    base = [_LinkTrial(world, seed, params, told, opened=False) for world, seed in zip(worlds, seeds, strict=True)]
    opened = [_LinkTrial(world, seed, params, told, opened=True) for world, seed in zip(worlds, seeds, strict=True)]
    links = {}
    for link in told.links:
        seen = _told(link, [t.gains for t in base], opened=False) or _told(link, [t.gains for t in opened], opened=True)
        if seen is not None:
            links[link] = seen
    listed_links = in_loops([link for link in links if link.source != link.target])
    selves = [link for link in links if link.source == link.target]
    memory = _memory(told, links, base)
    found, missing = [], []
    cuts: dict[str, dict[Link, LinkCut]] = {}
    for loop in LOOPS:
        cut = _cut(loop, base, links) or _cut(loop, opened, links)
        cuts[loop.name] = cut
        way = _way(loop, cut, [*listed_links, *selves], links, memory)
        if way is None:
            missing.append(loop)
        else:
            found.append(_found(way, links, told, memory, loop, cut))
    covered = {link for one in found for link in one.cycle}
    others: dict[frozenset[Link], DetectedLoop] = {}
    for link in listed_links:
        if link in covered:
            continue
        ways = round_trips(link, listed_links, LONGEST)
        way = next((each for each in ways if is_simple(each)), None)
        if way is not None:
            by = tuple(name for name, cut in cuts.items() if any(each in cut for each in way))
            others.setdefault(frozenset(way), _found(way, links, told, memory, through=by))
            covered |= set(way)
    untried = [link for link in in_loops(told.links) if "population" in (link.source, link.target)]
    return LoopMap(
        told,
        {link: links[link] for link in listed_links},
        memory,
        links,
        tuple(found),
        tuple(missing),
        tuple(others.values()),
        tuple(untried),
    )


class _LinkTrial:
    """A world just before the months in which links are tried, and what was seen of them."""

    def __init__(
        self, world: World, seed: int, params: Mapping[str, Params], told: DeclaredGraph, *, opened: bool
    ) -> None:
        self.seed, self.params, self.told, self.pushes = seed, params, told, FAR if opened else PUSH
        services = tuple(s.id for s in load_catalogue())
        usual = Scenario.load("baseline").with_settings(years=1).paths(services, world.places)
        self.paths = levers_moved(world.places, 12) if opened else usual
        self.before: list[World] = []
        world, month = in_one_part(world), Month(params, self.paths)
        seen = handle(world)
        for m in range(TRIED_IN[-1] + 1):
            if m in TRIED_IN:
                self.before.append(copy(world))
            month(world, seen, self.clock(m))
        self.gains = self.tried(month)

    def clock(self, month: int) -> Clock:
        return Clock(np.uint64(self.seed), np.int64(month))

    def tried(self, month: Month, only: Iterable[str] | None = None) -> list[dict[Link, Gain]]:
        chosen = None if only is None else frozenset(only)
        pairs = zip(self.before, TRIED_IN, strict=True)
        return [walk(copy(world), month, self.clock(m), self.told, chosen, self.pushes).gains for world, m in pairs]

    def fades(self, variable: Variable) -> float:
        """Months in which a push of a variable falls to the e-th part, with the same dice."""
        sizes = []
        for pushed in (True, False):
            world, month = copy(self.before[0]), Month(self.params, self.paths)
            seen = handle(world)
            if pushed:
                push(world, seen, variable, PUSH[0], self.clock(TRIED_IN[0]))
                world.people.changed[:] = ANYTHING
            sizes.append([variable.size(world)])
            for m in range(TRIED_IN[0], TRIED_IN[0] + WATCHED):
                month(world, seen, self.clock(m % 12))
            sizes[-1].append(variable.size(world))
        first, last = (a - b for a, b in zip(*sizes, strict=True))
        return LONG if not 0.0 < last < first else min(LONG, -WATCHED / float(np.log(last / first)))


def _told(link: Link, seen: Sequence[list[dict[Link, Gain]]], *, opened: bool) -> ActingLink | None:
    """What was seen of a link over worlds and months; None if nothing."""
    each = [[gains[link] for gains in months if link in gains] for months in seen]
    ways = [
        way * weight
        for months in each
        for gain, weight in zip(months, WEIGHTS, strict=False)
        for way in gain
        if np.isfinite(way) and way != 0.0
    ]
    if not ways:
        return None
    up, down = sum(w for w in ways if w > 0.0), -sum(w for w in ways if w < 0.0)
    sign = 1 if up >= ONE_SIDED * (up + down) else -1 if down >= ONE_SIDED * (up + down) else 0
    mean = [sum(g.mean * w for g, w in zip(months, WEIGHTS, strict=False)) for months in each]
    yearly = all(months[0].mean == 0.0 for months in each if months)
    return ActingLink(link, float(np.mean(mean)), sign, opened, yearly)


def _memory(told: DeclaredGraph, links: Mapping[Link, ActingLink], base: Sequence[_LinkTrial]) -> dict[str, float]:
    """Months for which a variable remembers what moved it: one over the part of a push that is gone a month later.
    Where no mechanism by itself forgets, as with need, a push is watched as it fades."""
    out = {}
    for name, variable in told.variables.items():
        own = [links[link].gain for link in told.links if link.source == link.target == name and link in links]
        kept = math.prod(1.0 + min(0.0, max(-1.0, gain)) for gain in own)
        if is_flow(variable) or kept < ANEW:
            out[name] = 0.0
        elif name == "need":
            out[name] = float(np.mean([world.fades(variable) for world in base]))
        elif kept < 1.0 - 1e-6:
            out[name] = 1.0 / (1.0 - kept)
        else:
            out[name] = LONG
    return out


def _cut(loop: Loop, worlds: Sequence[_LinkTrial], links: Mapping[Link, ActingLink]) -> dict[Link, LinkCut]:
    """The links that a loop's switch cuts or weakens, and what it takes from them."""
    knocked = loops.disabled_mechanisms([loop.name])
    out = {link: LinkCut(seen.sign, 0) for link, seen in links.items() if link.mechanism in knocked.mechanisms}
    levers = {c for name in knocked.levers for entry in REGISTRY.month() if entry.lever == name for c in entry.writes}
    entries = [entry for entry in REGISTRY.month() if entry.lever is None]
    changed = {
        entry.name
        for entry in entries
        if entry.params.__module__.rsplit(".", 1)[-1] in knocked.parameters or levers & set(entry.reads)
    }
    changed -= knocked.mechanisms
    if not changed:
        return out
    lost: dict[Link, list[tuple[Gain, Gain]]] = {}
    for world in worlds:
        month = Month(world.params, world.paths, (loop.name,))
        for usual, less in zip(world.gains, world.tried(month, changed), strict=True):
            for link in less.keys() & links.keys():
                lost.setdefault(link, []).append((usual[link], less[link]))
    taken = {}
    for link, pairs in lost.items():
        whole = np.nan_to_num(np.array([usual for usual, _ in pairs]))
        gone = np.nan_to_num(np.array([np.subtract(usual, less) for usual, less in pairs]))
        if np.abs(gone).sum() > LEAST_TAKEN * np.abs(whole).sum():
            up, down = np.abs(gone).sum(axis=0) / np.abs(gone).sum()
            side = 1 if up > ONE_SIDE else -1 if down > ONE_SIDE else 0
            taken[link] = np.abs(gone).sum() / np.abs(whole).sum(), LinkCut(int(np.sign(gone.sum())), side)
    least = WEAKER if any(part > WEAKER for part, _ in taken.values()) else 0.0
    return out | {link: cut for link, (part, cut) in taken.items() if part > least}


def _way(
    loop: Loop,
    cut: Mapping[Link, LinkCut],
    links: Sequence[Link],
    told: Mapping[Link, ActingLink],
    memory: Mapping[str, float],
) -> Cycle | None:
    """The way round a listed loop: through a link that its switch cuts, with its sign, along the files that tell it
    and few others; of such ways, one that meets no variable twice, if there is, and on which most comes round."""
    wanted = 1 if loop.sign == "+" else -1
    files = {"sim." + file.removesuffix(".py").replace("/", ".") for file in loop.files}
    best: tuple[tuple[int, bool, bool, float], Cycle] | None = None
    for link in cut:
        if link not in links:
            continue
        itself = link.source == link.target
        along = [link] if itself else [each for each in links if each.source != each.target]
        for way in islice(round_trips(link, along, LONGEST), WAYS):
            if _sign(way, told, cut) != wanted:
                continue
            modules = [REGISTRY.entries[each.mechanism].module for each in way]
            inside = len(files & set(modules)) - sum(module not in files for module in modules)
            key = (inside, not itself, is_simple(way), abs(_gain(way, told, memory)))
            if best is None or key > best[0]:
                best = key, way
    return None if best is None else best[1]


def _sign(way: Cycle, told: Mapping[Link, ActingLink], cut: Mapping[Link, LinkCut]) -> int:
    """+1 where what comes back adds to a push, −1 where it takes from it, 0 where that is not clear."""
    return math.prod(cut[each].sign if each in cut else told[each].sign for each in way)


def _gain(way: Cycle, told: Mapping[Link, ActingLink], memory: Mapping[str, float]) -> float:
    """What comes back of a push that is kept up, when all on the way has settled."""
    return math.prod(told[link].gain * max(1.0, memory[link.target]) for link in way)


def _found(
    way: Cycle,
    links: Mapping[Link, ActingLink],
    told: DeclaredGraph,
    memory: Mapping[str, float],
    loop: Loop | None = None,
    cut: Mapping[Link, LinkCut] | None = None,
    through: tuple[str, ...] = (),
) -> DetectedLoop:
    sign = _sign(way, links, cut or {})
    delay = sum(memory[link.target] for link in way)
    delay += sum(6.0 for link in way if links[link].yearly)
    months, gain = months_round(way, told.place), _gain(way, links, memory)
    return DetectedLoop(way, sign, months, delay, gain, loop, cut or {}, through)


__all__ = ["DetectedLoop", "LoopMap", "ActingLink", "loop_map"]
