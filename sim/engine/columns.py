"""Tables are NamedTuples of arrays, and each column says what it is: type, axes, unit and meaning.

Allocation, the data dictionary and the check that a mechanism writes only what it declares all read the same
annotations. Kernels get a *handle* on a world of tables: one pointer that offers the same names (`w.people.age`) over
the same memory. Passing a hundred arrays by value to every small function would cost minutes of compilation.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

import numpy as np
from numba import from_dtype, types
from numba.experimental import structref

from sim.engine import jit

T = TypeVar("T")


class Column(NamedTuple):
    """What an array holds."""

    dtype: str
    axes: tuple[str, ...]
    unit: str
    meaning: str


def columns(table: type) -> Iterator[tuple[str, Column]]:
    """Each column of a table with its description, in order."""
    hints = get_type_hints(table, include_extras=True)
    for name in table._fields:  # type: ignore[attr-defined]  # every table is a NamedTuple
        described = [a for a in get_args(hints[name])[1:] if isinstance(a, Column)]
        if not described:
            raise TypeError(f"{table.__name__}.{name} has no Column that says what it is")
        yield name, described[0]


def allocate(table: type[T], **sizes: int) -> T:
    """A table of zeros. `sizes` gives the length of each axis by name."""
    arrays: dict[str, Any] = {}
    for name, column in columns(table):
        missing = [axis for axis in column.axes if axis not in sizes]
        if missing:
            raise KeyError(f"{table.__name__}.{name} needs a length for {missing}; given: {sorted(sizes)}")
        arrays[name] = np.zeros([sizes[axis] for axis in column.axes], dtype=column.dtype)
    return table(**arrays)


@structref.register
class TableType(types.StructRef):
    """The compiled type of a handle: names and types of its fields."""

    def preprocess_fields(self, fields: Any) -> Any:
        """Fields hold values of any literal."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)  # type: ignore[no-untyped-call]  # Numba's


class Handle(structref.StructRefProxy):
    """What Python holds of a world that kernels see."""


structref.define_boxing(TableType, Handle)  # type: ignore[no-untyped-call]  # Numba's


def handle_type(table: type) -> TableType:
    """The compiled type of a table, or of a NamedTuple of tables."""
    hints = get_type_hints(table)
    fields: list[tuple[str, Any]] = []
    for name in table._fields:  # type: ignore[attr-defined]  # a NamedTuple
        kind = hints[name]
        if hasattr(kind, "_fields"):
            fields.append((name, handle_type(kind)))
        else:
            column = dict(columns(table))[name]
            fields.append((name, types.Array(from_dtype(np.dtype(column.dtype)), len(column.axes), "C")))
    return TableType(fields)  # type: ignore[no-untyped-call]  # Numba's


def handle_maker(world: type) -> Any:
    """A compiled function from a world (a NamedTuple of tables) to a handle on it.

    Its source is written beside the compiled code, so that it is compiled once for this source and no more.
    """
    hints = get_type_hints(world)
    lines = [
        '"""Written by sim/engine/columns.py: lists the columns, so that nobody has to."""',
        "from numba.experimental.structref import new",
        "from sim.engine.columns import handle_type",
        "from sim.engine.jit import kernel",
        f"from {world.__module__} import {world.__name__} as _World",
        "_world_type = handle_type(_World)",
        "_types = dict(_world_type._fields)",
    ]
    tables = list(world._fields)  # type: ignore[attr-defined]  # a NamedTuple
    for t in tables:
        lines += [f"_{t} = _types['{t}']", "@kernel", f"def make_{t}(table):", f"    h = new(_{t})"]
        lines += [f"    h.{c} = table.{c}" for c, _ in columns(hints[t])]
        lines += ["    return h"]
    lines += ["@kernel", f"def make({', '.join(tables)}):", "    h = new(_world_type)"]
    lines += [f"    h.{t} = {t}" for t in tables]
    lines += ["    return h", "def handle(world):"]
    lines += [f"    return make({', '.join(f'make_{t}(world.{t})' for t in tables)})"]
    path = jit.CACHE / "handles.py"
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(".part")
        temporary.write_text(text)
        temporary.replace(path)
    spec = importlib.util.spec_from_file_location("upstream_handles", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["upstream_handles"] = module
    spec.loader.exec_module(module)
    return module.handle
