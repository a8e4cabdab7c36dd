"""Numbers that are not known yet: what arithmetic on them makes is an expression, kept once however often it is used.

The twin's equations are not written down a second time. The month's own code, and the flows of `flows.py`, are run on
arrays that hold symbols where a value changes from month to month; what stands in the arrays afterwards are the
equations. Constants are worked out on the way (`x + 0` is `x`), so that what a scenario leaves at baseline leaves no
trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
TINY = 1e-12
"""What stands in for a denominator of 0, in branches that are not taken."""


class Expr:
    """A node: an operation and what it is done to, which are numbers or other nodes.

    `lo` is a bound below which it never falls, as far as that is known: where it is above 0, one may divide by it.
    """

    __slots__ = ("args", "lo", "op", "within")

    def __init__(self, op: str, args: tuple[Any, ...], lo: float) -> None:
        self.op, self.args, self.lo = op, args, lo
        self.within = _within[0]

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(repr, self.args))})"

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError(f"the plain code asks whether {self!r} holds, which is not known yet")

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
_kept: dict[tuple[Any, ...], Expr] = {}
_within = [""]
VALUES: dict[str, F] = {}
"""The values of each series by month: the clock, and every lever that is moved."""


def forget() -> None:
    """Begin anew: no expression and no series is known."""
    _kept.clear()
    VALUES.clear()


def within(mechanism: str) -> None:
    """Note whose expressions are made from here on."""
    _within[0] = mechanism


def node(op: str, args: tuple[Any, ...], lo: float = -math.inf) -> Expr:
    """The one node of this operation on these arguments."""
    key = (op, *(id(a) if isinstance(a, Expr) else a for a in args))
    found = _kept.get(key)
    if found is None:
        found = _kept[key] = Expr(op, args, lo)
    return found


def stock(name: str, lo: float = -math.inf) -> Expr:
    """A value as it stands at the start of the month."""
    return node("stock", (name,), lo)


def series(values: A, name: str) -> Numeric | bool:
    """What is known for every month ahead; plain if it is the same in all of them, and one node if it is known by
    another name already."""
    if (values == values[0]).all():
        return bool(values[0]) if values.dtype == bool else float(values[0])
    for known, others in VALUES.items():
        if others.shape == values.shape and (others == values).all():
            name = known
            break
    VALUES.setdefault(name, values.astype(float))
    return node("series", (name,), float(values.min()))


def low(x: Any) -> float:
    """A bound below which a value never falls."""
    return x.lo if isinstance(x, Expr) else float(x)


def known(*values: Any) -> bool:
    """Whether all of them are numbers."""
    return not any(isinstance(v, Expr) for v in values)


def add(a: Any, b: Any) -> Any:
    """a + b."""
    if known(a, b):
        return float(a) + float(b)
    if known(a):
        a, b = b, a
    if known(b):
        if b == 0.0:
            return a
        if a.op == "+" and known(a.args[1]):
            return add(a.args[0], a.args[1] + float(b))
        return node("+", (a, float(b)), a.lo + float(b))
    return node("+", (a, b), a.lo + b.lo)


def subtract(a: Any, b: Any) -> Any:
    """a - b."""
    if known(b):
        return add(a, -float(b))
    if a is b:
        return 0.0
    return node("-", (float(a) if known(a) else a, b), -math.inf)


def multiply(a: Any, b: Any) -> Any:
    """a * b."""
    if known(a, b):
        return float(a) * float(b)
    if known(a):
        a, b = b, a
    if known(b):
        b = float(b)
        if b == 0.0:
            return 0.0
        if b == 1.0:
            return a
        if a.op == "*" and known(a.args[1]):
            return multiply(a.args[0], a.args[1] * b)
        return node("*", (a, b), a.lo * b if a.lo >= 0.0 <= b else -math.inf)
    return node("*", (a, b), a.lo * b.lo if a.lo >= 0.0 and b.lo >= 0.0 else -math.inf)


def divide(a: Any, b: Any) -> Any:
    """a / b, with `TINY` for a denominator that may be 0."""
    if known(b):
        b = float(b)
        return float(a) / b if known(a) else multiply(a, 1.0 / b)
    if a is b:
        return 1.0
    if known(a) and a == 0.0:
        return 0.0
    if b.lo <= 0.0:
        b = most(b, TINY)
    return node("/", (float(a) if known(a) else a, b), 0.0 if low(a) >= 0.0 else -math.inf)


def power(a: Any, b: Any) -> Any:
    """a to the power of b."""
    if known(a, b):
        return float(a) ** float(b)
    if known(b):
        if b == 1.0:
            return a
        if b == 0.0:
            return 1.0
    if known(a) and a == 1.0:
        return 1.0
    a, b = (float(x) if known(x) else x for x in (a, b))
    if not known(a) and not (known(b) and b > 0.0) and a.lo <= 0.0:
        a = most(a, TINY)
    lowest = low(a) ** low(b) if known(b) and b > 0.0 and 0.0 <= low(a) < math.inf else 0.0
    return node("^", (a, b), lowest)


def least(a: Any, b: Any) -> Any:
    """The smaller of two."""
    if known(a, b):
        return min(float(a), float(b))
    if a is b:
        return a
    if known(a):
        a, b = b, a
    if known(b) and a.lo >= b:
        return float(b)
    return node("min", (a, float(b) if known(b) else b), min(low(a), low(b)))


def most(a: Any, b: Any) -> Any:
    """The larger of two."""
    if known(a, b):
        return max(float(a), float(b))
    if a is b:
        return a
    if known(a):
        a, b = b, a
    if known(b) and a.lo >= b:
        return a
    return node("max", (a, float(b) if known(b) else b), max(low(a), low(b)))


def compare(how: str, a: Any, b: Any) -> Any:
    """Whether a < b, and so on; known at once if it is the same in all months."""
    if known(a, b):
        a, b = float(a), float(b)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b}[how]
    if a is b:
        return how in ("<=", ">=", "=")
    if all(known(x) or x.op == "series" for x in (a, b)):
        left, right = (x if known(x) else VALUES[x.args[0]] for x in (a, b))
        told = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "=": np.equal}[how](
            left, right
        )
        if told.all() or not told.any():
            return bool(told.all())
    if how in (">", ">=") and known(b) and not known(a) and (a.lo > b or (how == ">=" and a.lo >= b)):
        return True
    if how in ("<", "<=") and known(b) and not known(a) and (a.lo > b or (how == "<" and a.lo >= b)):
        return False
    return node(how, tuple(float(x) if known(x) else x for x in (a, b)))


def both(a: Any, b: Callable[[], Any]) -> Any:
    """Whether both hold; the second is not asked if the first is known not to."""
    if known(a):
        return b() if a else a
    second = b()
    if known(second):
        return a if second else False
    return node("and", (a, second))


def either(a: Any, b: Callable[[], Any]) -> Any:
    """Whether one of two holds; the second is not asked if the first is known to."""
    if known(a):
        return a if a else b()
    second = b()
    if known(second):
        return True if second else a
    return node("or", (a, second))


def negate(a: Any) -> Any:
    """Whether it does not hold."""
    return not a if known(a) else node("not", (a,))


def choose(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, b where it does not."""
    if known(condition):
        return a if condition else b
    if a is b or (known(a, b) and a == b):
        return a
    return node("if", (condition, *(float(x) if known(x) else x for x in (a, b))), min(low(a), low(b)))


def _function(name: str, plain: Callable[[float], float], lo: float = -math.inf) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        return plain(float(x)) if known(x) else node(name, (x,), lo)

    return apply


exp = _function("exp", math.exp, 1e-300)
log = _function("log", math.log)
cos = _function("cos", math.cos, -1.0)


def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return math.log2(float(x)) if known(x) else log(x) / math.log(2.0)


def floor(x: Any) -> Any:
    """The expectation of a number rounded down: half a unit below it."""
    return math.floor(float(x)) if known(x) else x - 0.5


class Cells(np.ndarray[Any, Any]):
    """An array that may hold symbols."""

    def max(self, *_: Any, **__: Any) -> Any:  # of all, whatever is asked
        """The largest element."""
        return reduce(most, self.ravel().tolist())

    def sum(self, axis: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]  # of symbols, too
        """The sum; a bare number or symbol if over everything."""
        if axis is None:
            return reduce(add, self.ravel().tolist(), 0.0)
        return super().sum(axis=axis, **kwargs)


def cells(values: Any) -> Cells:
    """A copy that may hold symbols."""
    return np.array(values, dtype=object).view(Cells)


def _elementwise(function: Callable[..., Any], plain: Callable[..., Any], arity: int) -> Callable[..., Any]:
    lifted = np.frompyfunc(function, arity, 1)

    def apply(*given: Any) -> Any:
        if any(isinstance(x, Expr) or (isinstance(x, np.ndarray) and x.dtype == object) for x in given):
            found = lifted(*given)
            return found.view(Cells) if isinstance(found, np.ndarray) else found
        return plain(*given)

    return apply


each_least = _elementwise(least, np.minimum, 2)
each_most = _elementwise(most, np.maximum, 2)
each_exp = _elementwise(exp, np.exp, 1)
each_choose = _elementwise(choose, np.where, 3)
each_power = _elementwise(power, np.power, 2)
each_at_least = _elementwise(lambda a, b: compare(">=", a, b), np.greater_equal, 2)
