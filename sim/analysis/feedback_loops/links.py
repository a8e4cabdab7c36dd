"""Links and loops found from what mechanisms declare: who reads a variable, and what it then writes.

A link goes from each variable that a mechanism reads or writes to each that it writes: whoever writes a column may look
at it too. A loop is a cycle of links. What is declared is a superset of what acts; sim/analysis/feedback_loops/gains.py tries each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import networkx as nx

from sim.analysis.feedback_loops.variables import ARITHMETIC, Variable, variables
from sim.engine.schedule import REGISTRY, Mechanism
from sim.scenario import registry  # noqa: F401  (enters every mechanism in the book)


class Link(NamedTuple):
    """A way in which one variable acts on another."""

    source: str
    mechanism: str
    target: str


Cycle = tuple[Link, ...]


class DeclaredGraph(NamedTuple):
    """What the book says, as a graph."""

    month: tuple[Mechanism, ...]
    """Mechanisms in the order of a month, levers and arithmetic apart."""
    variables: dict[str, Variable]
    links: tuple[Link, ...]

    @property
    def place(self) -> dict[str, int]:
        """Where in the month each mechanism stands."""
        return {entry.name: k for k, entry in enumerate(self.month)}


def declared(mechanisms: Iterable[Mechanism] | None = None) -> DeclaredGraph:
    """The links of the book, or of some mechanisms in the order of a month."""
    entries = tuple(REGISTRY.month() if mechanisms is None else mechanisms)
    of = variables(entries)
    inside = tuple(e for e in entries if e.lever is None and e.phase not in ARITHMETIC)
    links: dict[Link, None] = {}
    for entry in inside:
        sources = _named(of, (*entry.reads, *entry.writes))
        targets = _named(of, entry.writes)
        links.update(dict.fromkeys(Link(x, entry.name, y) for y in targets for x in sources))
    return DeclaredGraph(inside, {v.name: v for each in of.values() for v in each}, tuple(links))


def _named(of: Mapping[str, tuple[Variable, ...]], columns: Iterable[str]) -> list[str]:
    """The names of the variables that some columns belong to, each once."""
    return list(dict.fromkeys(variable.name for column in columns for variable in of.get(column, ())))


def graph(links: Iterable[Link]) -> nx.MultiDiGraph:
    """Variables as nodes, links as edges with the mechanism as their key."""
    out = nx.MultiDiGraph()
    for link in links:
        out.add_edge(link.source, link.target, key=link.mechanism)
    return out


def in_loops(links: Sequence[Link]) -> list[Link]:
    """Those links that lie on some cycle: both ends in one strongly connected part."""
    part: dict[str, int] = {}
    for k, names in enumerate(nx.strongly_connected_components(graph(links))):
        part |= dict.fromkeys(names, k)
    return [link for link in links if part[link.source] == part[link.target]]


def round_trips(link: Link, links: Sequence[Link], longest: int) -> Iterator[Cycle]:
    """Closed ways that begin with a link and use none twice, the shorter first; of a length, in the order of `links`.

    A variable may be met twice where there is no other way: whoever does not join a queue is not helped, so that the
    way from the queue to the threshold and back to need leads through the queue again.
    """
    after: dict[str, list[Link]] = {}
    for each in links:
        after.setdefault(each.source, []).append(each)
    steps = {} if link.target not in after else _steps_to(link.source, links)

    def go(way: Cycle, left: int) -> Iterator[Cycle]:
        here = way[-1].target
        if left == 0:
            if here == link.source:
                yield way
            return
        for each in after.get(here, ()):
            if each not in way and steps.get(each.target, longest) < left:
                yield from go((*way, each), left - 1)

    for length in range(1, longest + 1):
        yield from go((link,), length - 1)


def _steps_to(name: str, links: Iterable[Link]) -> dict[str, int]:
    """How many links lie between each variable and this one, at least."""
    out: dict[str, int] = nx.single_source_shortest_path_length(graph(links).reverse(copy=False), name)
    return out


def is_simple(cycle: Cycle) -> bool:
    """Whether no variable is met twice."""
    return len({each.source for each in cycle}) == len(cycle)


def months_round(cycle: Cycle, place: dict[str, int]) -> int:
    """How many times a cycle waits for the next month: a reader that stands before the writer, or is the writer, reads
    what last month left."""
    pairs = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
    return sum(place[one.mechanism] >= place[after.mechanism] for one, after in pairs)


def first_at(cycle: Cycle, name: str) -> Cycle:
    """The same cycle told from one of its variables on."""
    k = next((k for k, link in enumerate(cycle) if link.source == name), 0)
    return (*cycle[k:], *cycle[:k])
