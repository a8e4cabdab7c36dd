"""The columns of state that a compiled function reads and writes, from its source and that of the functions it calls.

The analysis binds the names of a function to the world, a table or a column, and follows calls with these bindings.
Every branch counts, so that the result does not depend on a run. The size or shape of a column is not a reading of it,
and neither is a prefetch; an addition to an element (`+=`) is a writing only.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from sim.engine.tables import columns
from sim.state.world import all_tables


class InWorld(NamedTuple):
    """The world (no names), a table (one name), or a column (two names) or a part of one."""

    names: tuple[str, ...] = ()
    axes: int = 0
    """Number of axes of the column, or of the part of it."""


Values = frozenset[InWorld]
NOTHING: Values = frozenset()
OF_THE_SHAPE = {"size", "shape", "ndim", "dtype", "nbytes"}
"""Attributes of an array that do not depend on its elements."""
WITHOUT_READING = {"len", "prefetch"}
"""Functions that do not read the elements of an array."""


@dataclass
class Access:
    """Columns, `table.column`, that a function uses."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    mentions: set[str] = field(default_factory=set)
    """Columns that it reads or writes, or whose shape it looks at."""


def access(kernel: Callable[..., Any]) -> Access:
    """The columns that a kernel `(world, parameters, clock)` and its helpers use."""
    out = Access()
    first = next(iter(inspect.signature(_plain(kernel)).parameters))
    _Function(kernel, {first: frozenset({InWorld()})}, out, {}).run()
    return out


def _plain(function: Any) -> Any:
    return getattr(function, "py_func", function)


@cache
def _definition(function: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


class _Function(ast.NodeVisitor):
    """One function with what its arguments stand for."""

    def __init__(self, function: Any, bound: Mapping[str, Values], out: Access, visited: dict[Any, Values]) -> None:
        self.function, self.out, self.visited = _plain(function), out, visited
        self.names: dict[str, Values] = dict(bound)
        self.returned: Values = NOTHING

    def run(self) -> Values:
        """Analyse the function; return what it may return."""
        key = self.function, tuple(sorted(self.names.items(), key=lambda item: item[0]))
        if key in self.visited:
            return self.visited[key]
        self.visited[key] = NOTHING
        body = _definition(self.function).body
        before: dict[str, Values] = {}
        while before != self.names:  # a name may be bound after its first use, in a loop
            before = dict(self.names)
            for statement in body:
                for node in ast.walk(statement):
                    self._bind_names_of(node)
        for statement in body:
            self.visit(statement)
        self.visited[key] = self.returned
        return self.returned

    # What names stand for.

    def _bind_names_of(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._bind(node.target, node.value)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = self.names.get(target.id, NOTHING) | self.value(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for part, of_part in zip(target.elts, value.elts, strict=True):
                self._bind(part, of_part)

    def value(self, node: ast.expr) -> Values:
        """What an expression may stand for: the world, tables and columns."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, NOTHING)
        if isinstance(node, ast.IfExp):
            return self.value(node.body) | self.value(node.orelse)
        if isinstance(node, ast.Attribute):
            return frozenset(_attribute(x, node.attr) for x in self.value(node.value) if len(x.names) < 2)
        if isinstance(node, ast.Subscript):
            index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            positions = sum(not isinstance(part, ast.Slice) for part in index)
            return frozenset(x._replace(axes=x.axes - positions) for x in self.value(node.value) if x.axes > positions)
        if isinstance(node, ast.Call) and self._callee(node) is not None:
            return self._call(node)
        return NOTHING

    # What happens to columns.

    def _note(self, values: Iterable[InWorld], *kinds: set[str]) -> None:
        for x in values:
            assert len(x.names) == 2, f"{self.function.__qualname__} passes on a table or the world as a value"
            for kind in (*kinds, self.out.mentions):
                kind.add(".".join(x.names))

    def visit(self, node: ast.AST) -> None:
        """Note what an expression or a statement reads and writes."""
        if isinstance(node, ast.Subscript):
            columns_of = self.value(node.value)
            self.visit(node.slice)
            if not columns_of:
                self.visit(node.value)
            elif isinstance(node.ctx, ast.Load):
                self._note(columns_of, self.out.reads)
            else:
                self._note(columns_of, self.out.writes)
        elif isinstance(node, ast.AugAssign):
            self.visit(node.target)
            self.visit(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            self._visit_assignment(node)
        elif isinstance(node, ast.Call):
            self._visit_call(node)
        elif isinstance(node, ast.Attribute):
            values = self.value(node.value)
            if any(len(x.names) == 2 for x in values):
                of_the_shape = node.attr in OF_THE_SHAPE
                self._note(values, *([] if of_the_shape else [self.out.reads]))
            elif values:
                self._note(self.value(node), self.out.reads)
            else:
                self.visit(node.value)
        elif isinstance(node, ast.Name):
            self._note((x for x in self.value(node) if len(x.names) == 2), self.out.reads)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self.returned |= self.value(node.value)
                if not self.value(node.value):
                    self.visit(node.value)
        else:
            self.generic_visit(node)

    def _visit_assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            for part in parts:
                if not isinstance(part, ast.Name):
                    self.visit(part)
        if node.value is None:
            return
        is_unpacked = isinstance(node.value, ast.Tuple) and len(parts) == len(node.value.elts)
        for value in node.value.elts if isinstance(node.value, ast.Tuple) and is_unpacked else [node.value]:
            self._visit_unless_bound(value)

    def _visit_unless_bound(self, value: ast.expr) -> None:
        """Visit an expression; a column that only gets another name is not read yet, but its index is."""
        if not self.value(value) or isinstance(value, ast.Call):
            self.visit(value)
        elif isinstance(value, ast.Subscript):
            self.visit(value.slice)

    def _visit_call(self, node: ast.Call) -> None:
        if self._callee(node) is not None:
            self._call(node)
            for argument in node.args:
                self._visit_unless_bound(argument)
            return
        if isinstance(node.func, ast.Attribute) and node.func.attr == "fill":
            self._note(self.value(node.func.value), self.out.writes)
        elif isinstance(node.func, ast.Name) and node.func.id in WITHOUT_READING:
            for argument in node.args:
                self._note(x for x in self.value(argument) if len(x.names) == 2)
        else:
            self.generic_visit(node)

    def _callee(self, node: ast.Call) -> Any:
        """The compiled function of this project that a call calls; None for others."""
        called: Any = None
        if isinstance(node.func, ast.Name):
            called = self.function.__globals__.get(node.func.id)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            module = self.function.__globals__.get(node.func.value.id)
            called = getattr(module, node.func.attr, None) if isinstance(module, ModuleType) else None
        return called if hasattr(called, "py_func") else None

    def _call(self, node: ast.Call) -> Values:
        function = self._callee(node)
        arguments = [argument.arg for argument in _definition(_plain(function)).args.args]
        bound = {name: self.value(argument) for name, argument in zip(arguments, node.args, strict=False)}
        bound |= {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        return _Function(function, bound, self.out, self.visited).run()


def _attribute(value: InWorld, name: str) -> InWorld:
    if value.names in ((), ("private",)):
        return InWorld((name,))
    (table,) = value.names
    return InWorld((table, name), len(dict(columns(all_tables()[table]))[name].axes))
