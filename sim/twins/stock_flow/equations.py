"""The month as equations: stocks, their values a month later, and the month's outputs.

`tape.py` runs the equations, and `xmile.py` writes the same expressions as XMILE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.twins.stock_flow.symbolic import VALUES, Expr

F = npt.NDArray[np.float64]
OutputSlices = dict[str, tuple[slice, tuple[int, ...]]]
"""The position of each output in a month's row, and its shape, by name."""


class Stock(NamedTuple):
    """A value that is carried from month to month."""

    name: str
    unit: str
    meaning: str
    initial: Any
    """The value at the start: a number or an expression of inputs."""
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
    guards: dict[Expr, bool]
    """Conditions on inputs on which the equations rely, and their outcomes."""


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


def series_used(roots: Iterable[Any]) -> dict[str, F]:
    """The values of the series that the roots use, by name."""
    return {n.args[0]: VALUES[n.args[0]].copy() for n in topological_order(roots) if n.op == "series"}


def output_slices(e: Equations) -> OutputSlices:
    """The position of each output in a month's row, and its shape, by name."""
    out: OutputSlices = {}
    at = 0
    for name, array in e.outputs.items():
        size = int(np.size(array))
        out[name] = slice(at, at + size), np.shape(array)
        at += size
    return out
