"""The month as equations: stocks, what each is a month later, and what is told of a month; run as plain Python.

The same expressions are written out as XMILE by `xmile.py`. Here each becomes one line of a function that takes the
stocks and the month's number. It is compiled once for a scenario.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.twins.stock_flow.symbolic import VALUES, Expr

F = npt.NDArray[np.float64]
DEEPEST = 24
"""Nested brackets in a line of the function."""


class Stock(NamedTuple):
    """Something that is carried from month to month."""

    name: str
    unit: str
    meaning: str
    initial: float
    after: Any
    """Its value a month later: a number or an expression."""


class Label(NamedTuple):
    """What an expression is called."""

    name: str
    unit: str
    meaning: str


class Equations(NamedTuple):
    """A whole model."""

    stocks: dict[str, Stock]
    """By the name of the symbol."""
    labels: dict[Expr, Label]
    told: dict[str, Any]
    """Arrays of expressions and numbers, by what they are."""
    values: dict[str, F]
    """Series: the clock and levers, by month."""
    months: int


def in_order(roots: Iterable[Any]) -> list[Expr]:
    """Every expression under the roots, arguments before what uses them."""
    out: list[Expr] = []
    seen: set[int] = set()
    for root in roots:
        if not isinstance(root, Expr) or id(root) in seen:
            continue
        trail = [(root, iter(root.args))]
        seen.add(id(root))
        while trail:
            here, rest = trail[-1]
            for child in rest:
                if isinstance(child, Expr) and id(child) not in seen:
                    seen.add(id(child))
                    trail.append((child, iter(child.args)))
                    break
            else:
                out.append(here)
                trail.pop()
    return out


def uses(nodes: Iterable[Expr], roots: Iterable[Any]) -> dict[int, int]:
    """How often each expression is used."""
    many: dict[int, int] = {}
    for given in (*(n.args for n in nodes), tuple(roots)):
        for x in given:
            if isinstance(x, Expr):
                many[id(x)] = many.get(id(x), 0) + 1
    return many


def roots_of(e: Equations) -> list[Any]:
    """Everything that is asked for: stocks a month later, and what is told."""
    return [s.after for s in e.stocks.values()] + [x for array in e.told.values() for x in np.ravel(array)]


Step = Callable[[list[float], int, dict[str, list[float]]], tuple[list[float], list[float]]]


def compiled(e: Equations) -> Step:
    """One function: stocks and month in, stocks a month later and what is told out."""
    roots = roots_of(e)
    nodes = in_order(roots)
    many = uses(nodes, roots)
    place = {name: k for k, name in enumerate(e.stocks)}
    text: dict[int, tuple[str, int]] = {}
    lines: list[str] = []

    def of(x: Any) -> tuple[str, int]:
        return text[id(x)] if isinstance(x, Expr) else (repr(float(x)) if not isinstance(x, bool) else repr(x), 0)

    series = {name: f"s{k}" for k, name in enumerate(e.values)}
    for k, node in enumerate(nodes):
        written, depth = _written(node, of, place, series)
        if (many.get(id(node), 0) > 1 and node.args and node.op not in ("stock",)) or depth >= DEEPEST:
            lines.append(f" v{k} = {written}")
            text[id(node)] = f"v{k}", 0
        else:
            text[id(node)] = written, depth
    after = ", ".join(of(s.after)[0] for s in e.stocks.values())
    told = ", ".join(of(x)[0] for array in e.told.values() for x in np.ravel(array))
    head = ["def step(x, m, S):"]
    head += [f" {short} = S[{name!r}][m]" for name, short in series.items()]
    head += [f" ({''.join(f'x{k}, ' for k in range(len(place)))}) = x"] if place else []
    source = "\n".join([*head, *lines, f" return [{after}], [{told}]"])
    inside: dict[str, Any] = {"exp": math.exp, "log": math.log, "cos": math.cos}
    exec(compile(source, "<the stock-flow twin>", "exec"), inside)  # written in the lines above
    made: Step = inside["step"]
    return made


def _written(
    node: Expr, of: Callable[[Any], tuple[str, int]], place: dict[str, int], series: dict[str, str]
) -> tuple[str, int]:
    """A node as Python, and how deep its brackets are."""
    if node.op == "stock":
        return f"x{place[node.args[0]]}", 0
    if node.op == "series":
        return series[node.args[0]], 0
    given = [of(x) for x in node.args]
    depth = 1 + max(d for _, d in given)
    a = [t for t, _ in given]
    if node.op in ("exp", "log", "cos", "min", "max"):
        return f"{node.op}({', '.join(a)})", depth
    if node.op == "if":
        return f"({a[1]} if {a[0]} else {a[2]})", depth
    if node.op == "not":
        return f"(not {a[0]})", depth
    sign = {"^": "**", "=": "=="}.get(node.op, node.op)
    return f"({a[0]} {sign} {a[1]})", depth


def run(e: Equations, step: Step | None = None, start: list[float] | None = None) -> tuple[F, F]:
    """All months: what was told in each, shape (month, told), and the stocks at the end of each."""
    step = step or compiled(e)
    values = {name: series.tolist() for name, series in e.values.items()}
    x = [s.initial for s in e.stocks.values()] if start is None else list(start)
    told, stocks = [], []
    for m in range(e.months):
        x, seen = step(x, m, values)
        told.append(seen)
        stocks.append(x)
    return np.array(told, dtype=float), np.array(stocks, dtype=float)


def series_used(roots: Iterable[Any]) -> dict[str, F]:
    """The series under the roots, with their values."""
    return {n.args[0]: VALUES[n.args[0]].copy() for n in in_order(roots) if n.op == "series"}
