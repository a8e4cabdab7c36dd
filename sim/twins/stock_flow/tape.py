"""Equations as a tape: a list of operations on numbered registers, which one compiled function runs month by month.

Each register holds a number, a stock, a series or the result of an operation. Arguments come before the operations that
use them, so one pass over the tape computes a month. Within that limit, operations of one kind follow one another in
batches: a batch is a plain loop, without a branch for each operation. A choice computes both of its branches. The
branch that is not chosen may be infinite or not a number, and has no effect.

Operations on inputs alone form the *prelude*, which is computed once for a draw of the inputs (`filled`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import kernel
from sim.twins.stock_flow.equations import Equations, roots_of, topological_order
from sim.twins.stock_flow.symbolic import Expr

F = npt.NDArray[np.float64]
Registers = npt.NDArray[np.int32]
OPERATIONS = (
    "+",
    "-",
    "*",
    "/",
    "^",
    "min",
    "max",
    "exp",
    "log",
    "cos",
    "<",
    "<=",
    ">",
    ">=",
    "=",
    "and",
    "or",
    "not",
    "if",
    "floor",
    "trunc",
)
"""The operations by their code."""
SYMBOLS = ("stock", "series", "input")
(
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    LEAST,
    MOST,
    EXP,
    LOG,
    COS,
    LESS,
    AT_MOST,
    MORE,
    AT_LEAST,
    EQUAL,
    AND,
    OR,
    NOT,
    IF,
    FLOOR,
    TRUNC,
) = range(len(OPERATIONS))


class Operations(NamedTuple):
    """Operations in the order in which they are computed. Their results have consecutive registers.

    Attributes
    ----------
    batches : ndarray of int64, shape (batch, 2)
        The code of the operations of each batch, and the number of operations at its end.
    arguments : ndarray of int32, shape (3, operation)
        Registers of up to three arguments.
    """

    batches: npt.NDArray[np.int64]
    arguments: Registers


class Tape(NamedTuple):
    """A model as operations on registers.

    Attributes
    ----------
    registers : ndarray of float64, shape (register,)
        Registers at the start: numbers, inputs, results of the prelude, stocks, series, and results of the month.
    month : Operations
        The operations of a month.
    stocks : tuple of int
        The first register of stocks, and the number of stocks.
    series : ndarray of float64, shape (month, series)
        The series. Their registers follow those of stocks.
    after : ndarray of int32, shape (stock,)
        The register of each stock's value a month later.
    outputs : ndarray of int32, shape (output,)
        The registers of the month's outputs.
    inputs : tuple of int
        The first register of inputs, and the number of inputs.
    prelude : Operations
        The operations on inputs alone. Their results follow the inputs.
    start : ndarray of int32, shape (stock,)
        The register of each stock's initial value.
    guards : ndarray of int32, shape (guard,)
        The registers of conditions on inputs on which the operations rely.
    outcomes : ndarray of bool, shape (guard,)
        The outcomes of the guards.
    """

    registers: F
    month: Operations
    stocks: tuple[int, int]
    series: F
    after: Registers
    outputs: Registers
    inputs: tuple[int, int]
    prelude: Operations
    start: Registers
    guards: Registers
    outcomes: npt.NDArray[np.bool_]

    @property
    def initial(self) -> F:
        """The stocks at the start. Shape (stock,)."""
        first, count = self.stocks
        return self.registers[first : first + count].copy()


def tape_of(e: Equations) -> Tape:
    """Write equations as a tape.

    Parameters
    ----------
    e : Equations
        The equations.

    Returns
    -------
    Tape
        The tape, with the inputs of the draw that was traced.
    """
    roots = [*roots_of(e), *(s.initial for s in e.stocks.values()), *e.guards]
    nodes = topological_order(roots)
    computed = [node for node in nodes if node.op not in SYMBOLS]
    prelude, month = (list(_batches([n for n in computed if (n.value is None) == varies])) for varies in (False, True))
    arguments = (x for node in computed for x in node.args)
    numbers = sorted({float(x) for x in (*arguments, *roots) if not isinstance(x, Expr)})
    inputs = {n.args[0]: n.value for n in nodes if n.op == "input"}
    register: dict[Any, int] = {("number", x): k for k, x in enumerate(numbers)}
    names: list[Any] = [("input", name) for name in inputs]
    names += [node.number for batch in prelude for node in batch]
    names += [("stock", name) for name in e.stocks] + [("series", name) for name in e.values]
    names += [node.number for batch in month for node in batch]
    register |= {name: len(numbers) + k for k, name in enumerate(names)}

    def at(x: Any) -> int:
        if not isinstance(x, Expr):
            return register["number", float(x)]
        return register[(x.op, x.args[0]) if x.op in SYMBOLS else x.number]

    def operations(batches: list[list[Expr]]) -> Operations:
        lengths = np.cumsum([len(batch) for batch in batches])
        rows = [([at(x) for x in node.args] + [0, 0, 0])[:3] for batch in batches for node in batch]
        return Operations(
            np.array([[OPERATIONS.index(b[0].op), n] for b, n in zip(batches, lengths, strict=True)], np.int64).reshape(
                -1, 2
            ),
            np.array(rows, np.int32).reshape(-1, 3).T.copy(),
        )

    start = len(numbers) + len(inputs) + sum(map(len, prelude))
    registers = np.zeros(len(numbers) + len(names))
    registers[: len(numbers)] = numbers
    tape = Tape(
        registers=registers,
        month=operations(month),
        stocks=(start, len(e.stocks)),
        series=np.array([x[: e.months] for x in e.values.values()]).reshape(len(e.values), e.months).T.copy(),
        after=np.array([at(s.after) for s in e.stocks.values()], np.int32),
        outputs=np.array([at(x) for array in e.outputs.values() for x in np.ravel(array)], np.int32),
        inputs=(len(numbers), len(inputs)),
        prelude=operations(prelude),
        start=np.array([at(s.initial) for s in e.stocks.values()], np.int32),
        guards=np.array([at(x) for x in e.guards], np.int32),
        outcomes=np.array(list(e.guards.values()), bool),
    )
    return filled(tape, np.array(list(inputs.values()), float))


def inputs_of(e: Equations) -> tuple[str, ...]:
    """The names of the inputs that equations use, in the order of their registers."""
    roots = [*roots_of(e), *(s.initial for s in e.stocks.values()), *e.guards]
    return tuple(n.args[0] for n in topological_order(roots) if n.op == "input")


def filled(tape: Tape, inputs: F) -> Tape:
    """A tape with other inputs: the prelude is computed, and the stocks are set to their initial values.

    Parameters
    ----------
    tape : Tape
        The tape.
    inputs : ndarray of float64, shape (input,)
        The inputs, in the order of `inputs_of`.

    Returns
    -------
    Tape
    """
    registers = tape.registers.copy()
    first, number = tape.inputs
    registers[first : first + number] = inputs
    if tape.prelude.batches.size:
        _compute(tape.prelude.batches, tape.prelude.arguments, registers, first + number)
    first, number = tape.stocks
    registers[first : first + number] = registers[tape.start]
    return tape._replace(registers=registers)


def holds(tape: Tape) -> bool:
    """Whether every guard of a filled tape has the outcome on which its operations rely."""
    return bool(((tape.registers[tape.guards] != 0.0) == tape.outcomes).all())


def _batches(operations: list[Expr]) -> Iterable[list[Expr]]:
    """Divide operations into batches of one kind each, the largest number that can be computed next at a time."""
    inside = {node.number for node in operations}
    users: dict[int, list[Expr]] = {}
    missing = {}
    ready: dict[str, deque[Expr]] = {op: deque() for op in OPERATIONS}
    for node in operations:
        needed = {x.number: x for x in node.args if isinstance(x, Expr) and x.number in inside}
        missing[node.number] = len(needed)
        for k in needed:
            users.setdefault(k, []).append(node)
        if not needed:
            ready[node.op].append(node)
    while any(ready.values()):
        waiting = max(ready.values(), key=len)
        batch = []
        while waiting:  # operations that become ready on the way, in sums for instance, join the batch
            node = waiting.popleft()
            batch.append(node)
            for user in users.get(node.number, []):
                missing[user.number] -= 1
                if missing[user.number] == 0:
                    ready[user.op].append(user)
        yield batch


def run_tape(tape: Tape, start: F | None = None, series: F | None = None) -> tuple[F, F]:
    """Run a tape for as many months as its series have.

    Parameters
    ----------
    tape : Tape
        The tape.
    start : ndarray of float64, shape (stock,), optional
        Stocks at the start; by default their initial values.
    series : ndarray of float64, shape (month, series), optional
        Series; by default the tape's.

    Returns
    -------
    outputs : ndarray of float64, shape (month, output)
        The outputs of each month.
    stocks : ndarray of float64, shape (month, stock)
        The stocks at the end of each month.
    """
    values = tape.series if series is None else np.ascontiguousarray(series, float)
    registers = tape.registers.copy()
    first, number = tape.stocks
    if start is not None:
        registers[first : first + number] = start
    outputs, stocks = np.empty((len(values), tape.outputs.size)), np.empty((len(values), number))
    _run(*tape.month, registers, first, values, tape.after, tape.outputs, outputs, stocks)
    return outputs, stocks


@kernel
def _compute(batches: npt.NDArray[np.int64], arguments: Registers, r: F, first_result: int) -> None:
    """Compute all operations once, in order. Their results begin at a register."""
    out = r[first_result:]
    a, b, c = arguments[0], arguments[1], arguments[2]
    first = 0
    for batch in range(batches.shape[0]):
        code, end = batches[batch, 0], batches[batch, 1]
        if code == ADD:
            for k in range(first, end):
                out[k] = r[a[k]] + r[b[k]]
        elif code == SUBTRACT:
            for k in range(first, end):
                out[k] = r[a[k]] - r[b[k]]
        elif code == MULTIPLY:
            for k in range(first, end):
                out[k] = r[a[k]] * r[b[k]]
        elif code == DIVIDE:
            for k in range(first, end):
                out[k] = r[a[k]] / r[b[k]] if r[b[k]] != 0.0 else math.nan
        elif code == POWER:
            for k in range(first, end):
                out[k] = r[a[k]] ** r[b[k]]
        elif code == LEAST:
            for k in range(first, end):
                out[k] = r[b[k]] if r[b[k]] < r[a[k]] else r[a[k]]
        elif code == MOST:
            for k in range(first, end):
                out[k] = r[b[k]] if r[b[k]] > r[a[k]] else r[a[k]]
        elif code == EXP:
            for k in range(first, end):
                out[k] = math.exp(r[a[k]])
        elif code == LOG:
            for k in range(first, end):
                out[k] = math.log(r[a[k]]) if r[a[k]] > 0.0 else math.nan
        elif code == COS:
            for k in range(first, end):
                out[k] = math.cos(r[a[k]])
        elif code == LESS:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] < r[b[k]] else 0.0
        elif code == AT_MOST:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] <= r[b[k]] else 0.0
        elif code == MORE:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] > r[b[k]] else 0.0
        elif code == AT_LEAST:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] >= r[b[k]] else 0.0
        elif code == EQUAL:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] == r[b[k]] else 0.0
        elif code == AND:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] != 0.0 and r[b[k]] != 0.0 else 0.0
        elif code == OR:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] != 0.0 or r[b[k]] != 0.0 else 0.0
        elif code == NOT:
            for k in range(first, end):
                out[k] = 1.0 if r[a[k]] == 0.0 else 0.0
        elif code == IF:
            for k in range(first, end):
                out[k] = r[b[k]] if r[a[k]] != 0.0 else r[c[k]]
        elif code == FLOOR:
            for k in range(first, end):
                out[k] = math.floor(r[a[k]])
        elif code == TRUNC:
            for k in range(first, end):
                out[k] = math.floor(r[a[k]]) if r[a[k]] >= 0.0 else math.ceil(r[a[k]])
        first = end


@kernel
def _run(
    batches: npt.NDArray[np.int64],
    arguments: Registers,
    registers: F,
    first_stock: int,
    series: F,
    after: Registers,
    output_registers: Registers,
    outputs: F,
    stocks: F,
) -> None:
    """Run the tape for as many months as `outputs` has rows; `outputs` and `stocks` are filled."""
    first_series = first_stock + after.size
    first_result = first_series + series.shape[1]
    r = registers
    for m in range(outputs.shape[0]):
        for k in range(series.shape[1]):
            r[first_series + k] = series[m, k]
        _compute(batches, arguments, r, first_result)
        for k in range(output_registers.size):
            outputs[m, k] = r[output_registers[k]]
        for k in range(after.size):
            stocks[m, k] = r[after[k]]
        for k in range(after.size):
            r[first_stock + k] = stocks[m, k]
