"""Symbolic expressions for values that are not known yet. Equal expressions share one node.

The twin's equations are not written a second time. The month's own code and the flows of `flows.py` run on arrays that
hold symbols where a value changes from month to month. Afterwards the arrays hold the equations. Constants are folded
on the way (`x + 0` is `x`), so levers that a scenario leaves at baseline leave no terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
TINY = 1e-12
"""Replacement for a denominator of 0, in branches that are not taken."""


class Expr:
    """A node of the expression graph: an operation and its arguments, which are numbers or other nodes.

    Attributes
    ----------
    op
        The operation: "+", "min", "if", "stock" and so on.
    args
        The arguments. A stock or a series has its name as the only argument.
    lo
        A lower bound of the value, as far as it is known. If it is above 0, the value may be a denominator.
    mechanism
        The mechanism whose code created the node.
    number
        A number that no other node of this process has.
    """

    __slots__ = ("args", "lo", "mechanism", "number", "op")

    def __init__(self, op: str, args: tuple[Any, ...], lo: float) -> None:
        self.op, self.args, self.lo = op, args, lo
        self.mechanism = _mechanism[0]
        self.number = next(_numbers)

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(repr, self.args))})"

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError(f"plain code branches on {self!r}, whose value is not known yet")

    def __add__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else add(self, other)

    def __radd__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else add(other, self)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else divide(other, self)

    def __pow__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else power(other, self)

    def __neg__(self) -> Any:
        return subtract(0.0, self)

    def __lt__(self, other: Any) -> Any:
        return compare("<", self, other)

    def __le__(self, other: Any) -> Any:
        return compare("<=", self, other)

    def __gt__(self, other: Any) -> Any:
        return compare(">", self, other)

    def __ge__(self, other: Any) -> Any:
        return compare(">=", self, other)

    def __eq__(self, other: object) -> Any:
        return compare("=", self, other)

    def __ne__(self, other: object) -> Any:
        return negate(compare("=", self, other))

    def __mod__(self, other: Any) -> Any:
        if self.op == "series":
            return series(np.mod(VALUES[self.args[0]], other), f"{self.args[0]} modulo {other}")
        raise TypeError(f"the remainder of {self!r}")


Numeric = Expr | float
_nodes: dict[tuple[Any, ...], Expr] = {}
_mechanism = [""]
_numbers = count()
VALUES: dict[str, F] = {}
"""The values of each series by month: the clock, and every lever that leaves its baseline."""


def clear() -> None:
    """Delete all nodes and series, to start a new set of equations."""
    _nodes.clear()
    VALUES.clear()


def set_mechanism(mechanism: str) -> None:
    """Set the mechanism to which new nodes are attributed."""
    _mechanism[0] = mechanism


def node(op: str, args: tuple[Any, ...], lo: float = -math.inf) -> Expr:
    """The shared node of an operation on its arguments."""
    key = (op, *(("node", a.number) if isinstance(a, Expr) else a for a in args))
    existing = _nodes.get(key)
    if existing is None:
        existing = _nodes[key] = Expr(op, args, lo)
    return existing


def stock(name: str, lo: float = -math.inf) -> Expr:
    """The symbol of a stock: its value at the start of the month."""
    return node("stock", (name,), lo)


def series(values: A, name: str) -> Numeric | bool:
    """A value that is known for every month in advance.

    Parameters
    ----------
    values
        The value by month. Shape (month,).
    name
        Name of the series.

    Returns
    -------
    float, bool or Expr
        A plain value if it is the same in all months, otherwise a node. Series with the same values share one node,
        under the first name.
    """
    if (values == values[0]).all():
        return bool(values[0]) if values.dtype == bool else float(values[0])
    for key, others in VALUES.items():
        if others.shape == values.shape and (others == values).all():
            name = key
            break
    VALUES.setdefault(name, values.astype(float))
    return node("series", (name,), float(values.min()))


def lower_bound(x: Any) -> float:
    """A lower bound of a value."""
    return x.lo if isinstance(x, Expr) else float(x)


def are_numbers(*values: Any) -> bool:
    """Whether all values are numbers rather than expressions."""
    return not any(isinstance(v, Expr) for v in values)


def add(a: Any, b: Any) -> Any:
    """a + b."""
    if are_numbers(a, b):
        return float(a) + float(b)
    if are_numbers(a):
        a, b = b, a
    if are_numbers(b):
        if b == 0.0:
            return a
        if a.op == "+" and are_numbers(a.args[1]):
            return add(a.args[0], a.args[1] + float(b))
        return node("+", (a, float(b)), a.lo + float(b))
    return node("+", (a, b), a.lo + b.lo)


def subtract(a: Any, b: Any) -> Any:
    """a - b."""
    if are_numbers(b):
        return add(a, -float(b))
    if a is b:
        return 0.0
    return node("-", (float(a) if are_numbers(a) else a, b), -math.inf)


def multiply(a: Any, b: Any) -> Any:
    """a * b."""
    if are_numbers(a, b):
        return float(a) * float(b)
    if are_numbers(a):
        a, b = b, a
    if are_numbers(b):
        b = float(b)
        if b == 0.0:
            return 0.0
        if b == 1.0:
            return a
        if a.op == "*" and are_numbers(a.args[1]):
            return multiply(a.args[0], a.args[1] * b)
        return node("*", (a, b), a.lo * b if a.lo >= 0.0 <= b else -math.inf)
    return node("*", (a, b), a.lo * b.lo if a.lo >= 0.0 and b.lo >= 0.0 else -math.inf)


def divide(a: Any, b: Any) -> Any:
    """a / b. A denominator that may be 0 or negative is at least `TINY`."""
    if are_numbers(b):
        b = float(b)
        return float(a) / b if are_numbers(a) else multiply(a, 1.0 / b)
    if a is b:
        return 1.0
    if are_numbers(a) and a == 0.0:
        return 0.0
    if b.lo <= 0.0:
        b = most(b, TINY)
    return node("/", (float(a) if are_numbers(a) else a, b), 0.0 if lower_bound(a) >= 0.0 else -math.inf)


def power(a: Any, b: Any) -> Any:
    """a to the power of b."""
    if are_numbers(a, b):
        return float(a) ** float(b)
    if are_numbers(b):
        if b == 1.0:
            return a
        if b == 0.0:
            return 1.0
    if are_numbers(a) and a == 1.0:
        return 1.0
    a, b = (float(x) if are_numbers(x) else x for x in (a, b))
    if not are_numbers(a) and not (are_numbers(b) and b > 0.0) and a.lo <= 0.0:
        a = most(a, TINY)
    lowest = (
        lower_bound(a) ** lower_bound(b) if are_numbers(b) and b > 0.0 and 0.0 <= lower_bound(a) < math.inf else 0.0
    )
    return node("^", (a, b), lowest)


def least(a: Any, b: Any) -> Any:
    """The smaller of two values."""
    if are_numbers(a, b):
        return min(float(a), float(b))
    if a is b:
        return a
    if are_numbers(a):
        a, b = b, a
    if are_numbers(b) and a.lo >= b:
        return float(b)
    return node("min", (a, float(b) if are_numbers(b) else b), min(lower_bound(a), lower_bound(b)))


def most(a: Any, b: Any) -> Any:
    """The larger of two values."""
    if are_numbers(a, b):
        return max(float(a), float(b))
    if a is b:
        return a
    if are_numbers(a):
        a, b = b, a
    if are_numbers(b) and a.lo >= b:
        return a
    return node("max", (a, float(b) if are_numbers(b) else b), max(lower_bound(a), lower_bound(b)))


def compare(relation: str, a: Any, b: Any) -> Any:
    """Compare two values by `relation` ("<", "<=", ">", ">=" or "="). The result is a bool if it is always the same."""
    if are_numbers(a, b):
        a, b = float(a), float(b)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b}[relation]
    if a is b:
        return relation in ("<=", ">=", "=")
    if all(are_numbers(x) or x.op == "series" for x in (a, b)):
        left, right = (x if are_numbers(x) else VALUES[x.args[0]] for x in (a, b))
        results = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "=": np.equal}[relation](
            left, right
        )
        if results.all() or not results.any():
            return bool(results.all())
    if (
        relation in (">", ">=")
        and are_numbers(b)
        and not are_numbers(a)
        and (a.lo > b or (relation == ">=" and a.lo >= b))
    ):
        return True
    if (
        relation in ("<", "<=")
        and are_numbers(b)
        and not are_numbers(a)
        and (a.lo > b or (relation == "<" and a.lo >= b))
    ):
        return False
    return node(relation, tuple(float(x) if are_numbers(x) else x for x in (a, b)))


def both(a: Any, b: Callable[[], Any]) -> Any:
    """Logical and. The second condition is not evaluated if the first is known to be false."""
    if are_numbers(a):
        return b() if a else a
    second = b()
    if are_numbers(second):
        return a if second else False
    return node("and", (a, second))


def either(a: Any, b: Callable[[], Any]) -> Any:
    """Logical or. The second condition is not evaluated if the first is known to be true."""
    if are_numbers(a):
        return a if a else b()
    second = b()
    if are_numbers(second):
        return True if second else a
    return node("or", (a, second))


def negate(a: Any) -> Any:
    """Logical not."""
    return not a if are_numbers(a) else node("not", (a,))


def choose(condition: Any, a: Any, b: Any) -> Any:
    """a if the condition is true, else b."""
    if are_numbers(condition):
        return a if condition else b
    if a is b or (are_numbers(a, b) and a == b):
        return a
    return node(
        "if", (condition, *(float(x) if are_numbers(x) else x for x in (a, b))), min(lower_bound(a), lower_bound(b))
    )


def _function(name: str, plain: Callable[[float], float], lo: float = -math.inf) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        return plain(float(x)) if are_numbers(x) else node(name, (x,), lo)

    return apply


exp = _function("exp", math.exp, 1e-300)
log = _function("log", math.log)
cos = _function("cos", math.cos, -1.0)


def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return math.log2(float(x)) if are_numbers(x) else log(x) / math.log(2.0)


def floor(x: Any) -> Any:
    """A number rounded down. For an expression it is the expected value: half a unit below it."""
    return math.floor(float(x)) if are_numbers(x) else x - 0.5


class Cells(np.ndarray[Any, Any]):
    """An array that may hold expressions."""

    def max(self, *_: Any, **__: Any) -> Any:  # over all elements, whatever the arguments
        """The largest element."""
        return reduce(most, self.ravel().tolist())

    def sum(self, axis: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]  # elements may be expressions
        """The sum. Without an axis it is a number or an expression, not an array."""
        if axis is None:
            return reduce(add, self.ravel().tolist(), 0.0)
        return super().sum(axis=axis, **kwargs)


def cells(values: Any) -> Cells:
    """A copy of an array that may hold expressions."""
    return np.array(values, dtype=object).view(Cells)


def _elementwise(function: Callable[..., Any], plain: Callable[..., Any], arity: int) -> Callable[..., Any]:
    lifted = np.frompyfunc(function, arity, 1)

    def apply(*arguments: Any) -> Any:
        if any(isinstance(x, Expr) or (isinstance(x, np.ndarray) and x.dtype == object) for x in arguments):
            result = lifted(*arguments)
            return result.view(Cells) if isinstance(result, np.ndarray) else result
        return plain(*arguments)

    return apply


each_least = _elementwise(least, np.minimum, 2)
each_most = _elementwise(most, np.maximum, 2)
each_exp = _elementwise(exp, np.exp, 1)
each_choose = _elementwise(choose, np.where, 3)
each_power = _elementwise(power, np.power, 2)
each_at_least = _elementwise(lambda a, b: compare(">=", a, b), np.greater_equal, 2)
