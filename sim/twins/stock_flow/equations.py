"""The month as equations: stocks, their values a month later, and the month's outputs; compiled to plain Python.

`xmile.py` writes the same expressions as XMILE. This file compiles them, once for a scenario, to a Python function of
the stocks and the month's number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.twins.stock_flow.symbolic import VALUES, Expr

F = npt.NDArray[np.float64]
MAX_DEPTH = 24
"""Largest number of nested brackets in a line of the compiled function."""


class Stock(NamedTuple):
    """A value that is carried from month to month."""

    name: str
    unit: str
    meaning: str
    initial: float
    after: Any
    """The value a month later: a number or an expression."""


class Label(NamedTuple):
    """The name, unit and meaning of an expression."""

    name: str
    unit: str
    meaning: str


class Equations(NamedTuple):
    """A complete model."""

    stocks: dict[str, Stock]
    """Stocks by the name of their symbol."""
    labels: dict[Expr, Label]
    outputs: dict[str, Any]
    """Arrays of expressions and numbers, by the name of the output."""
    values: dict[str, F]
    """Series (the clock and levers) by name. Shape (month,)."""
    months: int
    """Number of months to run."""


def topological_order(roots: Iterable[Any]) -> list[Expr]:
    """Every expression under the roots, in topological order: arguments come before the expressions that use them."""
    out: list[Expr] = []
    visited: set[int] = set()
    for root in roots:
        if not isinstance(root, Expr) or root.number in visited:
            continue
        trail = [(root, iter(root.args))]
        visited.add(root.number)
        while trail:
            node, rest = trail[-1]
            for child in rest:
                if isinstance(child, Expr) and child.number not in visited:
                    visited.add(child.number)
                    trail.append((child, iter(child.args)))
                    break
            else:
                out.append(node)
                trail.pop()
    return out


def use_counts(nodes: Iterable[Expr], roots: Iterable[Any]) -> dict[int, int]:
    """The number of uses of each expression, by the expression's `id`."""
    counts: dict[int, int] = {}
    for arguments in (*(n.args for n in nodes), tuple(roots)):
        for x in arguments:
            if isinstance(x, Expr):
                counts[x.number] = counts.get(x.number, 0) + 1
    return counts


def roots_of(e: Equations) -> list[Any]:
    """The expressions to evaluate: stocks a month later, and outputs."""
    return [s.after for s in e.stocks.values()] + [x for array in e.outputs.values() for x in np.ravel(array)]


Step = Callable[[list[float], int, dict[str, list[float]]], tuple[list[float], list[float]]]


def compiled(e: Equations) -> Step:
    """Compile equations to a Python function.

    Parameters
    ----------
    e
        The equations.

    Returns
    -------
    callable
        A function of the stocks, the month's number and the series by name. It returns the stocks a month later and
        the month's outputs, as flat lists.
    """
    roots = roots_of(e)
    nodes = topological_order(roots)
    counts = use_counts(nodes, roots)
    stock_positions = {name: k for k, name in enumerate(e.stocks)}
    source_text: dict[int, tuple[str, int]] = {}
    lines: list[str] = []

    def of(x: Any) -> tuple[str, int]:
        return (
            source_text[x.number]
            if isinstance(x, Expr)
            else (repr(float(x)) if not isinstance(x, bool) else repr(x), 0)
        )

    series = {name: f"s{k}" for k, name in enumerate(e.values)}
    for k, node in enumerate(nodes):
        expression, depth = _expression(node, of, stock_positions, series)
        if (counts.get(node.number, 0) > 1 and node.args and node.op not in ("stock",)) or depth >= MAX_DEPTH:
            lines.append(f" v{k} = {expression}")
            source_text[node.number] = f"v{k}", 0
        else:
            source_text[node.number] = expression, depth
    after = ", ".join(of(s.after)[0] for s in e.stocks.values())
    outputs = ", ".join(of(x)[0] for array in e.outputs.values() for x in np.ravel(array))
    head = ["def step(x, m, S):"]
    head += [f" {variable} = S[{name!r}][m]" for name, variable in series.items()]
    head += [f" ({''.join(f'x{k}, ' for k in range(len(stock_positions)))}) = x"] if stock_positions else []
    source = "\n".join([*head, *lines, f" return [{after}], [{outputs}]"])
    namespace: dict[str, Any] = {"exp": math.exp, "log": math.log, "cos": math.cos}
    exec(compile(source, "<the stock-flow twin>", "exec"), namespace)  # the source is generated above
    function: Step = namespace["step"]
    return function


def _expression(
    node: Expr, of: Callable[[Any], tuple[str, int]], stock_positions: dict[str, int], series: dict[str, str]
) -> tuple[str, int]:
    """A node as a Python expression, and the depth of its brackets."""
    if node.op == "stock":
        return f"x{stock_positions[node.args[0]]}", 0
    if node.op == "series":
        return series[node.args[0]], 0
    arguments = [of(x) for x in node.args]
    depth = 1 + max(d for _, d in arguments)
    a = [t for t, _ in arguments]
    if node.op in ("exp", "log", "cos", "min", "max"):
        return f"{node.op}({', '.join(a)})", depth
    if node.op == "if":
        return f"({a[1]} if {a[0]} else {a[2]})", depth
    if node.op == "not":
        return f"(not {a[0]})", depth
    sign = {"^": "**", "=": "=="}.get(node.op, node.op)
    return f"({a[0]} {sign} {a[1]})", depth


def run(e: Equations, step: Step | None = None, start: list[float] | None = None) -> tuple[F, F]:
    """Run all months.

    Parameters
    ----------
    e
        The equations.
    step
        The compiled equations. The default is to compile `e`.
    start
        Stocks at the start. The default is their initial values.

    Returns
    -------
    tuple of numpy.ndarray
        Outputs of each month, shape (month, output), and stocks at the end of each month, shape (month, stock).
    """
    step = step or compiled(e)
    values = {name: series.tolist() for name, series in e.values.items()}
    x = [s.initial for s in e.stocks.values()] if start is None else list(start)
    outputs, stocks = [], []
    for m in range(e.months):
        x, month_outputs = step(x, m, values)
        outputs.append(month_outputs)
        stocks.append(x)
    return np.array(outputs, dtype=float), np.array(stocks, dtype=float)


def series_used(roots: Iterable[Any]) -> dict[str, F]:
    """The values of the series that the roots use, by name."""
    return {n.args[0]: VALUES[n.args[0]].copy() for n in topological_order(roots) if n.op == "series"}
