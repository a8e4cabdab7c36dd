"""Derives links and loops from the declarations of mechanisms: the variables that each reads and writes.

A link goes from each variable that a mechanism reads or writes to each variable that it writes, because a mechanism
that writes a column may also read it. A loop is a cycle of links. The declared links are a superset of the active
links; sim/analysis/feedback_loops/gains.py measures each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import networkx as nx

from sim.analysis.feedback_loops.variables import ARITHMETIC, Variable, variables
from sim.engine.schedule import REGISTRY, Mechanism
from sim.scenario import registry  # noqa: F401  (registers every mechanism)


class Link(NamedTuple):
    """A way in which one variable acts on another."""

    source: str
    mechanism: str
    target: str


Cycle = tuple[Link, ...]


class DeclaredGraph(NamedTuple):
    """The declarations of the registry as a graph."""

    month: tuple[Mechanism, ...]
    """Mechanisms in the order of a month, without levers and arithmetic phases."""
    variables: dict[str, Variable]
    links: tuple[Link, ...]

    @property
    def place(self) -> dict[str, int]:
        """The position of each mechanism in the month."""
        return {entry.name: k for k, entry in enumerate(self.month)}


def declared_graph(mechanisms: Iterable[Mechanism] | None = None) -> DeclaredGraph:
    """The declared links of all mechanisms, or of some mechanisms in the order of a month."""
    entries = tuple(REGISTRY.month() if mechanisms is None else mechanisms)
    by_column = variables(entries)
    included = tuple(e for e in entries if e.lever is None and e.phase not in ARITHMETIC)
    links: dict[Link, None] = {}
    for entry in included:
        sources = _variable_names(by_column, (*entry.reads, *entry.writes))
        targets = _variable_names(by_column, entry.writes)
        links.update(dict.fromkeys(Link(x, entry.name, y) for y in targets for x in sources))
    return DeclaredGraph(included, {v.name: v for group in by_column.values() for v in group}, tuple(links))


def _variable_names(by_column: Mapping[str, tuple[Variable, ...]], columns: Iterable[str]) -> list[str]:
    """The names of the variables to which some columns belong, without duplicates."""
    return list(dict.fromkeys(variable.name for column in columns for variable in by_column.get(column, ())))


def graph(links: Iterable[Link]) -> nx.MultiDiGraph:
    """A graph with variables as nodes and links as edges; the mechanism is the key of the edge."""
    out = nx.MultiDiGraph()
    for link in links:
        out.add_edge(link.source, link.target, key=link.mechanism)
    return out


def in_loops(links: Sequence[Link]) -> list[Link]:
    """The links that lie on a cycle: both ends are in the same strongly connected component."""
    part: dict[str, int] = {}
    for k, names in enumerate(nx.strongly_connected_components(graph(links))):
        part |= dict.fromkeys(names, k)
    return [link for link in links if part[link.source] == part[link.target]]


def round_trips(link: Link, links: Sequence[Link], longest: int) -> Iterator[Cycle]:
    """Yield the closed paths that begin with a link and use no link twice.

    Parameters
    ----------
    link : Link
        The first link of each path.
    links : sequence of Link
        The links that may be used.
    longest : int
        Largest number of links in a path.

    Yields
    ------
    Cycle
        A closed path. Shorter paths come first; paths of the same length are in the order of `links`.

    Notes
    -----
    A path may pass through a variable twice. For some loops there is no other path: people who do not join a queue
    receive no help, so the path from the queue to the threshold and back to need passes through the queue again.
    """
    after: dict[str, list[Link]] = {}
    for candidate in links:
        after.setdefault(candidate.source, []).append(candidate)
    steps = {} if link.target not in after else _steps_to(link.source, links)

    def extend(path: Cycle, remaining: int) -> Iterator[Cycle]:
        current = path[-1].target
        if remaining == 0:
            if current == link.source:
                yield path
            return
        for candidate in after.get(current, ()):
            if candidate not in path and steps.get(candidate.target, longest) < remaining:
                yield from extend((*path, candidate), remaining - 1)

    for length in range(1, longest + 1):
        yield from extend((link,), length - 1)


def _steps_to(name: str, links: Iterable[Link]) -> dict[str, int]:
    """The smallest number of links from each variable to this one."""
    out: dict[str, int] = nx.single_source_shortest_path_length(graph(links).reverse(copy=False), name)
    return out


def is_simple(cycle: Cycle) -> bool:
    """Whether the cycle passes through no variable twice."""
    return len({link.source for link in cycle}) == len(cycle)


def months_round(cycle: Cycle, place: dict[str, int]) -> int:
    """The number of times that a cycle waits for the next month.

    A mechanism that runs before the mechanism that writes its source, or is that mechanism, reads the value of the
    month before.
    """
    pairs = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
    return sum(place[link.mechanism] >= place[next_link.mechanism] for link, next_link in pairs)
