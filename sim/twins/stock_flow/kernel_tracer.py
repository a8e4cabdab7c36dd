"""The month's own code, run on symbols: from a kernel as it stands in its file to the equations that it says.

A kernel is read as text and compiled again with a few words changed, so that a decision on something not yet known
takes both ways and keeps, of each value that differs, the choice between the two. Loops run as they are: over what they
loop is known. Whatever draws lots has a counterpart in `expected.py` that says what happens on average.
"""

from __future__ import annotations

import ast
import copy
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

from sim.twins.stock_flow import symbolic as symbols
from sim.twins.stock_flow.symbolic import Cells, Expr, cells, choose

Plain = Callable[..., Any]
UNSET = object()


class Tracer:
    """Runs kernels on a world of symbols. `instead` gives counterparts by the name of a function."""

    def __init__(
        self, world: Any, changing: Iterable[Cells], instead: dict[str, Plain], note: Callable[[str, Expr, Any], None]
    ) -> None:
        self.world = world
        self._note = note
        self._changing = list(changing)
        self._instead = instead
        self._made: dict[str, Plain] = {}

    def run(self, kernel: Any, given: object, clock: object) -> None:
        """Run one kernel of the month on the world."""
        self.plain(kernel)(self.world, given, clock)

    def plain(self, function: Any) -> Plain:
        """A function of the model that takes symbols."""
        source = getattr(function, "py_func", function)
        key = f"{source.__module__}.{source.__name__}"
        if source.__name__ in self._instead:
            return self._instead[source.__name__]
        if key not in self._made:
            self._made[key] = UNSET  # type: ignore[assignment]  # no function of the model calls itself
            self._made[key] = self._rewritten(source)
        return self._made[key]

    def _rewritten(self, source: Plain) -> Plain:
        tree = ast.parse(textwrap.dedent(inspect.getsource(source)))
        function = tree.body[0]
        assert isinstance(function, ast.FunctionDef)
        function.decorator_list = []
        function.returns = None
        for argument in function.args.args:
            argument.annotation = None
        function.body = _one_way_out(function.body)
        names = sorted(
            {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            - {a.arg for a in function.args.args}
        )
        function = _Decisions(names).visit(function)
        function.body = [*(_line(f"{name} = __unset") for name in names), *function.body]
        code = compile(ast.fix_missing_locations(tree), inspect.getfile(source), "exec")
        inside = dict(source.__globals__)
        for name in {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}:
            found = inside.get(name)
            if hasattr(found, "py_func") or (callable(found) and name in self._instead):
                inside[name] = self.plain(found)
        inside |= {
            "np": _NUMPY,
            "math": _MATH,
            "min": _smallest,
            "max": _largest,
            "float": _as_float,
            "int": _as_whole,
            "abs": lambda x: symbols.most(x, -x),
            "__unset": UNSET,
            "__known": symbols.known,
            "__begin": self._begin,
            "__other": self._other,
            "__join": self._join,
            "__pick": _pick,
            "__choose": lambda c, a, b: (a() if c else b()) if symbols.known(c) else choose(c, a(), b()),
            "__and": symbols.both,
            "__or": symbols.either,
            "__not": symbols.negate,
            "__note": self._told,
        }
        exec(code, inside)  # the model's own code, with the words above changed
        made: Plain = inside[source.__name__]
        return made

    def _told(self, name: str, value: Any, beside: dict[str, Any]) -> None:
        """A name that the code gives to something not known."""
        if isinstance(value, Expr):
            self._note(name, value, beside)

    # What a decision does to the world: both ways are gone, one after the other.

    def _begin(self) -> list[Cells]:
        return [array.copy() for array in self._changing]

    def _other(self, before: list[Cells]) -> list[Cells]:
        """Keep what the first way made of the world, and put it back as it was."""
        first = self._begin()
        for array, was in zip(self._changing, before, strict=True):
            array[...] = was
        return first

    def _join(self, condition: Expr, first: list[Cells]) -> None:
        """Where the two ways differ, the world holds the choice between them."""
        for array, one in zip(self._changing, first, strict=True):
            a, b = one.ravel(), array.ravel()
            for k in range(a.size):
                if a[k] is not b[k] and not (symbols.known(a[k], b[k]) and a[k] == b[k]):
                    array.flat[k] = choose(condition, a[k], b[k])


def _pick(condition: Expr, a: Any, b: Any) -> Any:
    if a is UNSET or b is UNSET:
        return b if a is UNSET else a  # used on one way only
    return a if a is b or isinstance(a, np.ndarray) else choose(condition, a, b)


def _smallest(*given: Any) -> Any:
    out = given[0]
    for x in given[1:]:
        out = symbols.least(out, x)
    return out


def _largest(*given: Any) -> Any:
    out = given[0]
    for x in given[1:]:
        out = symbols.most(out, x)
    return out


def _as_float(x: Any) -> Any:
    return x if isinstance(x, Expr) else float(x)


def _as_whole(x: Any) -> Any:
    return x if isinstance(x, Expr) else int(x)


_NUMPY = SimpleNamespace(
    zeros=lambda *shape, **_: cells(np.zeros(shape[0])),
    empty=lambda *shape, **_: cells(np.zeros(shape[0])),
    int64=_as_whole,
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


def _line(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def _ends(body: list[ast.stmt], kind: type) -> bool:
    return bool(body) and isinstance(body[-1], kind)


def _one_way_out(body: list[ast.stmt]) -> list[ast.stmt]:
    """A function's body with at most one `return`, at its end: what follows a way out becomes the other way."""
    returns = any(isinstance(n, ast.Return) and n.value is not None for s in body for n in ast.walk(s))
    body = _nested(body, ast.Return, returns)
    if returns:
        body = [*body, _line("return __result")]
    return body


def _nested(body: list[ast.stmt], kind: type, keep: bool) -> list[ast.stmt]:
    """Statements after `if …: return` (or continue) moved into its `else`, at this level; loops are treated too."""
    out: list[ast.stmt] = []
    for k, statement in enumerate(body):
        if isinstance(statement, kind):
            if keep and isinstance(statement, ast.Return) and statement.value is not None:
                out.append(ast.Assign([ast.Name("__result", ast.Store())], statement.value))
            return out or [ast.Pass()]
        if isinstance(statement, ast.For):
            statement.body = _nested(statement.body, ast.Continue, False)
        if isinstance(statement, ast.If):
            rest = body[k + 1 :]
            if _leaves(statement, kind):
                first = statement.body if _ends(statement.body, kind) else [*statement.body, *rest]
                second = statement.orelse if _ends(statement.orelse, kind) else [*statement.orelse, *rest]
                statement.body = _nested(first, kind, keep)
                statement.orelse = _nested(second, kind, keep) if second else []
                out.append(statement)
                return out
            statement.body = _nested(statement.body, kind, keep)
            statement.orelse = _nested(statement.orelse, kind, keep) if statement.orelse else []
        out.append(statement)
    return out


def _leaves(statement: ast.stmt, kind: type) -> bool:
    """Whether a decision contains this way out, loops inside it apart where it is `continue`."""
    if isinstance(statement, kind):
        return True
    if isinstance(statement, ast.If):
        return any(_leaves(s, kind) for s in (*statement.body, *statement.orelse))
    return False


class _Decisions(ast.NodeTransformer):
    """Decisions, and words that ask for a truth at once, made fit for what is not known."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._many = 0

    def visit_If(self, node: ast.If) -> Any:
        """Both ways, if the condition is not known."""
        here = {
            n.id
            for s in (*node.body, *node.orelse)
            for n in ast.walk(s)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        changed = [name for name in self._names if name in here]
        self.generic_visit(node)
        self._many += 1
        k = self._many
        test = ast.Assign([ast.Name(f"__c{k}", ast.Store())], node.test)
        pack = f"({''.join(name + ', ' for name in changed)})"
        symbolic: list[ast.stmt] = [
            _line(f"__w{k} = __begin()"),
            _line(f"__b{k} = {pack}"),
            *_again(node.body),
            _line(f"__a{k} = {pack}"),
            _line(f"__w{k} = __other(__w{k})"),
        ]
        if changed:
            symbolic.append(_line(f"{pack} = __b{k}"))
        symbolic += [*_again(node.orelse), _line(f"__join(__c{k}, __w{k})")]
        symbolic += [_line(f"{name} = __pick(__c{k}, __a{k}[{j}], {name})") for j, name in enumerate(changed)]
        known = ast.If(ast.Name(f"__c{k}", ast.Load()), node.body, node.orelse)
        whole = ast.If(ast.parse(f"__known(__c{k})", mode="eval").body, [known], symbolic)
        return [test, whole]

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """A choice of values."""
        self.generic_visit(node)
        return _call("__choose", node.test, _later(node.body), _later(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """And, or."""
        self.generic_visit(node)
        name = "__and" if isinstance(node.op, ast.And) else "__or"
        out = node.values[0]
        for value in node.values[1:]:
            out = _call(name, out, _later(value))
        return out

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Not."""
        self.generic_visit(node)
        return _call("__not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """What a name is given to is called so in the equations."""
        self.generic_visit(node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            return [node, _line(f"__note({name!r}, {name}, locals())")]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """What is said of a name's type says nothing here."""
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value is not None else ast.Pass()


def _again(body: list[ast.stmt]) -> list[ast.stmt]:
    """A copy of statements, to stand in a second place."""
    return copy.deepcopy(body)


def _later(value: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), value)


def _call(name: str, *given: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(given), [])
