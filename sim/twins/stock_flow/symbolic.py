"""Symbolic expressions for values that are not known yet. Equal expressions share one node.

The twin's equations are not written a second time. The month's own code and the flows of `flows.py` run on arrays that
hold symbols where a value changes from month to month. Afterwards the arrays hold the equations. Constants are folded
on the way (`x + 0` is `x`), so levers that a scenario leaves at baseline leave no terms.

An *input* is a symbol for a number that is the same in all months, but differs between draws of parameters. It has the
value of the draw that is traced. Expressions of inputs alone have values too. Code may branch on such a value: the
decision becomes a *guard*, and the equations hold for all draws in which every guard has the same outcome.
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
    value
        The value in the draw that is traced, if the node depends on inputs only; otherwise None.
    """

    __slots__ = ("args", "lo", "mechanism", "number", "op", "value")

    def __init__(self, op: str, args: tuple[Any, ...], lo: float, value: float | None = None) -> None:
        self.op, self.args, self.lo, self.value = op, args, lo, value
        self.mechanism = _mechanism[0]
        self.number = next(_numbers)

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(repr, self.args))})"

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if self.value is None:
            raise TypeError(f"plain code branches on {self!r}, whose value is not known yet")
        outcome = self.value != 0.0
        GUARDS[self] = outcome
        return outcome

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
VARYING: set[str] = set()
"""Names of the series whose values differ between the scenarios that share the equations."""
GUARDS: dict[Expr, bool] = {}
"""Conditions on inputs on which the equations rely, and their outcomes."""
SMALLEST = 1e-30
"""Lower bound of an input that is above 0."""
SAME = 1e-11
"""Relative difference up to which two values of inputs count as the same."""
PLAIN: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "min": min,
    "max": max,
    "exp": math.exp,
    "log": math.log,
    "cos": math.cos,
    "floor": math.floor,
    "trunc": math.trunc,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "=": lambda a, b: float(a == b),
    "and": lambda a, b: float(a != 0.0 and b != 0.0),
    "or": lambda a, b: float(a != 0.0 or b != 0.0),
    "not": lambda a: float(a == 0.0),
    "if": lambda c, a, b: a if c != 0.0 else b,
}
"""The operations on numbers."""


def clear() -> None:
    """Delete all nodes and series, to start a new set of equations."""
    _nodes.clear()
    VALUES.clear()
    VARYING.clear()
    GUARDS.clear()


def set_mechanism(mechanism: str) -> None:
    """Set the mechanism to which new nodes are attributed."""
    _mechanism[0] = mechanism


def node(op: str, args: tuple[Any, ...], lo: float = -math.inf) -> Expr:
    """The shared node of an operation on its arguments."""
    key = (op, *(("node", a.number) if isinstance(a, Expr) else a for a in args))
    existing = _nodes.get(key)
    if existing is None:
        existing = _nodes[key] = Expr(op, args, lo, _value_of(op, args))
    return existing


def _value_of(op: str, args: tuple[Any, ...]) -> float | None:
    """The value of an operation if all of its arguments are numbers or have values."""
    values = []
    for a in args:
        value = a.value if type(a) is Expr else a
        if value is None or op not in PLAIN:
            return None
        values.append(value)
    try:
        return float(PLAIN[op](*values))
    except (ArithmeticError, ValueError, TypeError):  # in a branch that is not taken
        return math.nan


def input_symbol(name: int, value: float, lo: float) -> Expr:
    """The symbol of an input with its value in the draw that is traced, and a lower bound in all draws."""
    key = ("input", name)
    existing = _nodes.get(key)
    if existing is None:
        existing = _nodes[key] = Expr("input", (name,), lo, value)
    return existing


def stock(name: str, lo: float = -math.inf) -> Expr:
    """The symbol of a stock: its value at the start of the month."""
    return node("stock", (name,), lo)


def varying_series(values: A, name: str, lo: float) -> Expr:
    """A series whose values differ between scenarios. `lo` is a lower bound of its values in all of them."""
    VALUES.setdefault(name, values.astype(float))
    VARYING.add(name)
    return node("series", (name,), lo)


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
        if key not in VARYING and others.shape == values.shape and (others == values).all():
            name = key
            break
    VALUES.setdefault(name, values.astype(float))
    return node("series", (name,), float(values.min()))


def lower_bound(x: Any) -> float:
    """A lower bound of a value."""
    return x.lo if isinstance(x, Expr) else float(x)


def are_numbers(*values: Any) -> bool:
    """Whether all values are numbers rather than expressions."""
    return all(type(v) is not Expr for v in values)


def is_known(x: Any) -> bool:
    """Whether a value is a number, or an expression of inputs alone."""
    return type(x) is not Expr or x.value is not None


def is_unchanged(before: Any, after: Any) -> bool:
    """Whether a value is the same after the month: the same expression or number, or equal for these inputs."""
    if before is after:
        return True
    if are_numbers(before, after):
        return float(before) == float(after)
    if not (is_known(before) and is_known(after)):
        return False
    difference, size = subtract(after, before), most(most(before, subtract(0.0, before)), SMALLEST)
    return bool(compare("<=", most(difference, subtract(0.0, difference)), multiply(size, SAME)))


def add(a: Any, b: Any) -> Any:
    """a + b."""
    if type(a) is not Expr:
        if type(b) is not Expr:
            return float(a) + float(b)
        a, b = b, a
    elif a.value is not None and type(b) is Expr and b.value is None:
        a, b = b, a
    if type(b) is not Expr:
        if b == 0.0:
            return a
        b = float(b)
        if a.op == "+" and (type(a.args[1]) is not Expr or (a.value is None and a.args[1].value is not None)):
            return add(a.args[0], add(a.args[1], b))
        return node("+", (a, b), a.lo + b)
    if b.value is not None and a.value is None and a.op == "+" and is_known(a.args[1]):
        return add(a.args[0], add(a.args[1], b))
    return node("+", (a, b), a.lo + b.lo)


def subtract(a: Any, b: Any) -> Any:
    """a - b."""
    if type(b) is not Expr:
        return add(a, -float(b))
    if a is b:
        return 0.0
    if b.value is not None and type(a) is Expr and a.value is None:
        return add(a, multiply(b, -1.0))
    return node("-", (float(a) if are_numbers(a) else a, b), -math.inf)


def multiply(a: Any, b: Any) -> Any:
    """a * b."""
    if type(a) is not Expr:
        if type(b) is not Expr:
            return float(a) * float(b)
        a, b = b, a
    elif a.value is not None and type(b) is Expr and b.value is None:
        a, b = b, a
    if type(b) is not Expr:
        b = float(b)
        if b == 0.0:
            return 0.0
        if b == 1.0:
            return a
        if a.op == "*" and (type(a.args[1]) is not Expr or (a.value is None and a.args[1].value is not None)):
            return multiply(a.args[0], multiply(a.args[1], b))
        return node("*", (a, b), a.lo * b if a.lo >= 0.0 <= b else -math.inf)
    if b.value is not None and a.value is None and a.op == "*" and is_known(a.args[1]):
        return multiply(a.args[0], multiply(a.args[1], b))
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
    if b.value is not None and b.value != 0.0:
        if is_known(a):
            return node("/", (a, b), 0.0 if lower_bound(a) >= 0.0 and b.lo >= 0.0 else -math.inf)
        return multiply(a, node("/", (1.0, b), 0.0 if b.lo >= 0.0 else -math.inf))
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
    if not are_numbers(a) and not (is_known(b) and compare(">", b, 0.0)) and a.lo <= 0.0:
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
    if all(are_numbers(x) or (x.op == "series" and x.args[0] not in VARYING) for x in (a, b)):
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
    if is_known(a):
        return b() if a else False
    second = b()
    if is_known(second):
        return a if second else False
    return node("and", (a, second))


def either(a: Any, b: Callable[[], Any]) -> Any:
    """Logical or. The second condition is not evaluated if the first is known to be true."""
    if is_known(a):
        return True if a else b()
    second = b()
    if is_known(second):
        return True if second else a
    return node("or", (a, second))


def negate(a: Any) -> Any:
    """Logical not."""
    return not a if is_known(a) else node("not", (a,))


def choose(condition: Any, a: Any, b: Any) -> Any:
    """a if the condition is true, else b."""
    if is_known(condition) and not (isinstance(condition, Expr) and is_known(a) and is_known(b)):
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
    if are_numbers(x):
        return math.floor(float(x))
    return node("floor", (x,)) if is_known(x) else x - 0.5


def trunc(x: Any) -> Any:
    """The whole part of a number. An expression that is not known stays as it is."""
    if are_numbers(x):
        return int(x)
    return node("trunc", (x,)) if is_known(x) else x


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
each_above = _elementwise(lambda a, b: compare(">", a, b), np.greater, 2)


def _quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is not above 0."""
    is_positive = compare(">", b, 0.0)
    if are_numbers(is_positive):
        return divide(a, b) if is_positive else 0.0
    return choose(is_positive, node("/", (a if isinstance(a, Expr) else float(a), b)), 0.0)


def _plain_quotient(top: A, bottom: A) -> F:
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=np.asarray(bottom) > 0.0)


each_quotient = _elementwise(_quotient, _plain_quotient, 2)
