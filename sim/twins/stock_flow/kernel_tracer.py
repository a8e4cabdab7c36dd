"""Symbolic execution of the month's own code: from a kernel in its file to the equations that the kernel implies.

The tracer parses the source of a kernel and compiles a rewritten copy. In the copy, a branch on an unknown condition
runs both ways, and each value that differs becomes a choice between the two. Loops run unchanged, because their ranges
are known. Functions that draw random numbers have counterparts in `expected_value_rules.py` that return expected
values.
"""

from __future__ import annotations

import ast
import copy
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from sim.twins.stock_flow import symbolic as symbols
from sim.twins.stock_flow.symbolic import Cells, Expr, cells, choose

Plain = Callable[..., Any]
UNSET = object()


class Tracer:
    """Runs kernels on a world of symbols.

    Parameters
    ----------
    world
        The world: tables with the columns that kernels read and write.
    changing
        The arrays of the world that may hold expressions. Branches save and merge them.
    substitutes
        Functions to call instead of functions of the model, by the name of the function of the model.
    note
        Called with the name, the expression and the local variables at each assignment of an expression.
    """

    def __init__(
        self,
        world: Any,
        changing: Iterable[Cells],
        substitutes: dict[str, Plain],
        note: Callable[[str, Expr, Any], None],
    ) -> None:
        self.world = world
        self._note = note
        self._changing = list(changing)
        self._substitutes = substitutes
        self._rewritten_functions: dict[str, Plain] = {}

    def run(self, kernel: Any, arguments: object, clock: object) -> None:
        """Run one kernel of the month on the world."""
        self.plain(kernel)(self.world, arguments, clock)

    def plain(self, function: Any) -> Plain:
        """The version of a function of the model that accepts expressions: its substitute, or a rewritten copy."""
        source = getattr(function, "py_func", function)
        key = f"{source.__module__}.{source.__name__}"
        if source.__name__ in self._substitutes:
            return self._substitutes[source.__name__]
        if key not in self._rewritten_functions:
            self._rewritten_functions[key] = UNSET  # type: ignore[assignment]  # no function of the model calls itself
            self._rewritten_functions[key] = self._rewrite(source)
        return self._rewritten_functions[key]

    def _rewrite(self, source: Plain) -> Plain:
        code, names = _rewritten(source)
        namespace = dict(source.__globals__)
        for name in names:
            reference = namespace.get(name)
            if hasattr(reference, "py_func") or (callable(reference) and name in self._substitutes):
                namespace[name] = self.plain(reference)
        namespace |= {
            "np": _NUMPY,
            "math": _MATH,
            "min": _minimum,
            "max": _maximum,
            "float": _as_float,
            "int": symbols.trunc,
            "abs": lambda x: symbols.most(x, -x),
            "__unset": UNSET,
            "__known": symbols.is_known,
            "__begin": self._snapshot,
            "__other": self._switch_branch,
            "__join": self._join,
            "__pick": _merge,
            "__choose": lambda c, a, b: (a() if c else b()) if symbols.is_known(c) else choose(c, a(), b()),
            "__and": symbols.both,
            "__or": symbols.either,
            "__not": symbols.negate,
            "__note": self._record_name,
        }
        exec(code, namespace)  # the model's own code, rewritten as above
        rewritten_function: Plain = namespace[source.__name__]
        return rewritten_function

    def _record_name(self, name: str, value: Any, local_names: dict[str, Any]) -> None:
        """Report the name of a variable to which the code assigns an expression."""
        if isinstance(value, Expr):
            self._note(name, value, local_names)

    # Branches on unknown conditions: both branches run, one after the other, on the same world.

    def _snapshot(self) -> list[Cells]:
        return [array.copy() for array in self._changing]

    def _switch_branch(self, before: list[Cells]) -> list[Cells]:
        """Return the arrays after the first branch, and restore the arrays as they were before it."""
        first = self._snapshot()
        for array, before_array in zip(self._changing, before, strict=True):
            array[...] = before_array
        return first

    def _join(self, condition: Expr, first: list[Cells]) -> None:
        """Replace each value that differs between the branches by a choice between the two values."""
        for array, first_array in zip(self._changing, first, strict=True):
            pairs = zip(first_array.ravel().tolist(), array.ravel().tolist(), strict=True)
            for k, (a, b) in enumerate(pairs):
                if a is not b and not (symbols.are_numbers(a, b) and a == b):
                    array.flat[k] = choose(condition, a, b)


@lru_cache(maxsize=1024)
def _rewritten(source: Plain) -> tuple[CodeType, frozenset[str]]:
    """The rewritten source of a function, compiled to Python's code, and the names that it uses."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(source)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list = []
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    function.body = _single_exit(function.body)
    variables = sorted(
        {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        - {a.arg for a in function.args.args}
    )
    function = _Branches(variables).visit(function)
    function.body = [*(_statement(f"{name} = __unset") for name in variables), *function.body]
    names = frozenset(n.id for n in ast.walk(function) if isinstance(n, ast.Name))
    return compile(ast.fix_missing_locations(tree), inspect.getfile(source), "exec"), names


def _merge(condition: Expr, a: Any, b: Any) -> Any:
    if a is UNSET or b is UNSET:
        return b if a is UNSET else a  # the name is used in one branch only
    return a if a is b or isinstance(a, np.ndarray) else choose(condition, a, b)


def _minimum(*arguments: Any) -> Any:
    out = arguments[0]
    for x in arguments[1:]:
        out = symbols.least(out, x)
    return out


def _maximum(*arguments: Any) -> Any:
    out = arguments[0]
    for x in arguments[1:]:
        out = symbols.most(out, x)
    return out


def _as_float(x: Any) -> Any:
    return x if isinstance(x, Expr) else float(x)


_NUMPY = SimpleNamespace(
    zeros=lambda *shape, **_: cells(np.zeros(shape[0])),
    empty=lambda *shape, **_: cells(np.zeros(shape[0])),
    int64=symbols.trunc,
    float64=_as_float,
    uint64=lambda x: x,
    uint8=_as_float,
    floor=symbols.floor,
    exp=symbols.exp,
    log2=symbols.log2,
    ndarray=np.ndarray,
)
_MATH = SimpleNamespace(
    exp=symbols.exp, log=symbols.log, log2=symbols.log2, cos=symbols.cos, floor=symbols.floor, pi=math.pi
)


def _statement(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def _ends(body: list[ast.stmt], kind: type) -> bool:
    return bool(body) and isinstance(body[-1], kind)


def _single_exit(body: list[ast.stmt]) -> list[ast.stmt]:
    """A function's body with at most one `return`, at its end: code after an early return moves into an `else`."""
    has_value = any(isinstance(n, ast.Return) and n.value is not None for s in body for n in ast.walk(s))
    body = _nested(body, ast.Return, has_value)
    if has_value:
        body = [*body, _statement("return __result")]
    return body


def _nested(body: list[ast.stmt], kind: type, keep_value: bool) -> list[ast.stmt]:
    """Move the statements after `if …: return` (or `continue`) into its `else`, at this level and in loops.

    `keep_value` states that the function returns a value, which is assigned to `__result`.
    """
    out: list[ast.stmt] = []
    for k, statement in enumerate(body):
        if isinstance(statement, kind):
            if keep_value and isinstance(statement, ast.Return) and statement.value is not None:
                out.append(ast.Assign([ast.Name("__result", ast.Store())], statement.value))
            return out or [ast.Pass()]
        if isinstance(statement, ast.For):
            statement.body = _nested(statement.body, ast.Continue, False)
        if isinstance(statement, ast.If):
            rest = body[k + 1 :]
            if _has_exit(statement, kind):
                first = statement.body if _ends(statement.body, kind) else [*statement.body, *rest]
                second = statement.orelse if _ends(statement.orelse, kind) else [*statement.orelse, *rest]
                statement.body = _nested(first, kind, keep_value)
                statement.orelse = _nested(second, kind, keep_value) if second else []
                out.append(statement)
                return out
            statement.body = _nested(statement.body, kind, keep_value)
            statement.orelse = _nested(statement.orelse, kind, keep_value) if statement.orelse else []
        out.append(statement)
    return out


def _has_exit(statement: ast.stmt, kind: type) -> bool:
    """Whether a statement is this kind of exit, or an `if` that contains one outside its loops."""
    if isinstance(statement, kind):
        return True
    if isinstance(statement, ast.If):
        return any(_has_exit(s, kind) for s in (*statement.body, *statement.orelse))
    return False


class _Branches(ast.NodeTransformer):
    """Rewrites branches and logical operators so that they accept conditions that are not known yet."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._count = 0

    def visit_If(self, node: ast.If) -> Any:
        """Run both branches if the condition is not known."""
        assigned = {
            n.id
            for s in (*node.body, *node.orelse)
            for n in ast.walk(s)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        changed = [name for name in self._names if name in assigned]
        self.generic_visit(node)
        self._count += 1
        k = self._count
        test = ast.Assign([ast.Name(f"__c{k}", ast.Store())], node.test)
        pack = f"({''.join(name + ', ' for name in changed)})"
        symbolic: list[ast.stmt] = [
            _statement(f"__w{k} = __begin()"),
            _statement(f"__b{k} = {pack}"),
            *_copied(node.body),
            _statement(f"__a{k} = {pack}"),
            _statement(f"__w{k} = __other(__w{k})"),
        ]
        if changed:
            symbolic.append(_statement(f"{pack} = __b{k}"))
        symbolic += [*_copied(node.orelse), _statement(f"__join(__c{k}, __w{k})")]
        symbolic += [_statement(f"{name} = __pick(__c{k}, __a{k}[{j}], {name})") for j, name in enumerate(changed)]
        known = ast.If(ast.Name(f"__c{k}", ast.Load()), node.body, node.orelse)
        decision = ast.If(ast.parse(f"__known(__c{k})", mode="eval").body, [known], symbolic)
        return [test, decision]

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """Replace a conditional expression by a call of `__choose`."""
        self.generic_visit(node)
        return _call("__choose", node.test, _deferred(node.body), _deferred(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """Replace `and` and `or` by calls of `__and` and `__or`."""
        self.generic_visit(node)
        name = "__and" if isinstance(node.op, ast.And) else "__or"
        out = node.values[0]
        for value in node.values[1:]:
            out = _call(name, out, _deferred(value))
        return out

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Replace `not` by a call of `__not`."""
        self.generic_visit(node)
        return _call("__not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Report the name of each assigned variable, which becomes a label in the equations."""
        self.generic_visit(node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            return [node, _statement(f"__note({name!r}, {name}, locals())")]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """Replace an annotated assignment by a plain assignment."""
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value is not None else ast.Pass()


def _copied(body: list[ast.stmt]) -> list[ast.stmt]:
    """A copy of statements, for use in a second place."""
    return copy.deepcopy(body)


def _deferred(value: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), value)


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
