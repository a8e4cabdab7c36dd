"""Tables are NamedTuples of arrays, and each column says what it is: type, axes, unit and meaning.

Allocation, the data dictionary and the check that a mechanism writes only what it declares all read the same
annotations. Kernels get a *handle* on a world of tables: one pointer that offers the same names (`w.people.age`) over
the same memory. Passing a hundred arrays by value to every small function would cost minutes of compilation.

A handle points to a list of addresses and lengths, which never changes while it is in use. So the compiler may look a
column up once, ahead of a loop, and nothing is counted at each use: Python's own handle keeps the memory alive.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
from numba import from_dtype, types
from numba.core import cgutils
from numba.core.datamodel.models import OpaqueModel
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array

T = TypeVar("T")


class Column(NamedTuple):
    """What an array holds."""

    dtype: str
    axes: tuple[str, ...]
    unit: str
    meaning: str
    monthly: bool = False
    """Whether it is a count that starts at 0 each month."""


@lru_cache
def columns(table: type) -> tuple[tuple[str, Column], ...]:
    """Each column of a table with its description, in order."""
    return tuple(_columns(table))


def _columns(table: type) -> Iterator[tuple[str, Column]]:
    hints = get_type_hints(table, include_extras=True)
    for name in table._fields:  # type: ignore[attr-defined]  # every table is a NamedTuple
        described = [a for a in get_args(hints[name])[1:] if isinstance(a, Column)]
        if not described:
            raise TypeError(f"{table.__name__}.{name} has no Column that says what it is")
        yield name, described[0]


def allocate(table: type[T], **sizes: int) -> T:
    """A table of zeros. `sizes` gives the length of each axis by name."""
    arrays: dict[str, Any] = {}
    for name, column in columns(cast(type, table)):
        missing = [axis for axis in column.axes if axis not in sizes]
        if missing:
            raise KeyError(f"{table.__name__}.{name} needs a length for {missing}; given: {sorted(sizes)}")
        arrays[name] = np.zeros([sizes[axis] for axis in column.axes], dtype=column.dtype)
    return table(**arrays)


LINES = 128
"""Bytes that processors keep together. Whatever one thread writes and another reads or writes shares none of them: else
each would wait for the other at every write."""


def apart(arrays: Iterable[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Copies of arrays, in one piece of memory, each on lines of its own."""
    listed = list(arrays)
    lengths = [-(-array.nbytes // LINES) * LINES for array in listed]
    memory = np.empty(sum(lengths) + LINES, np.uint8)
    start = -memory.ctypes.data % LINES
    out = []
    for array, length in zip(listed, lengths, strict=True):
        own = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        own[...] = array
        out.append(own)
        start += length
    return out


class TableType(types.Type):
    """The compiled type of a handle on a world or on one of its tables: names, types, and where each column's address
    and lengths stand in the list."""

    def __init__(self, name: str, fields: dict[str, tuple[Any, int]]) -> None:
        self.fields = fields
        digest = zlib.crc32(repr([(k, str(kind), first) for k, (kind, first) in fields.items()]).encode())
        super().__init__(name=f"{name}_{digest:08x}")


class Handle:
    """What Python holds of a world that kernels see: the list of addresses, and the world, kept alive by it."""

    __slots__ = ("address", "kind", "listed", "world")

    def __init__(self, kind: TableType, world: Any, listed: npt.NDArray[np.int64]) -> None:
        self.kind, self.world, self.listed = kind, world, listed
        self.address = int(listed.ctypes.data)


def handle_type(table: type, first: int = 0) -> tuple[TableType, int]:
    """The compiled type of a table, or of a NamedTuple of tables, whose list begins at `first`; and where it ends."""
    hints = get_type_hints(table)
    fields: dict[str, tuple[Any, int]] = {}
    for name in table._fields:  # type: ignore[attr-defined]  # a NamedTuple
        kind = hints[name]
        if hasattr(kind, "_fields"):
            part, after = handle_type(kind, first)
            fields[name] = (part, first)
            first = after
        else:
            column = dict(columns(table))[name]
            array = types.Array(from_dtype(np.dtype(column.dtype)), len(column.axes), "C")
            fields[name] = (array, first)
            first += 1 + array.ndim
    return TableType(table.__name__, fields), first


def handle_maker(world: type) -> Callable[[Any], Any]:
    """A function from a world (a NamedTuple of tables) to a handle on it, which its kernels take for the world."""
    kind, length = handle_type(world)
    described = [(t, c, what) for t, table in get_type_hints(world).items() for c, what in columns(table)]

    def handle(made: Any) -> Handle:
        words: list[int] = []
        for t, c, what in described:
            array = getattr(getattr(made, t), c)
            if array.dtype != what.dtype or array.ndim != len(what.axes) or not array.flags.carray:
                raise TypeError(f"{t}.{c} should be {what.dtype} over {what.axes}, in one piece; it is {array.dtype}")
            words += [array.ctypes.data, *array.shape]
        assert len(words) == length
        return Handle(kind, made, apart([np.array(words, np.int64)])[0])

    return handle


register_model(TableType)(OpaqueModel)


@typeof_impl.register(Handle)
def _type_of(given: Handle, _context: Any) -> TableType:
    return given.kind


@unbox(TableType)  # type: ignore[untyped-decorator,no-untyped-call]  # Numba's
def _address_of(_kind: TableType, given: Any, c: Any) -> Any:
    number = c.pyapi.object_getattr_string(given, "address")
    pointer = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(pointer, is_error=c.pyapi.c_api_error())  # type: ignore[no-untyped-call]  # Numba's


@intrinsic
def at(_typing: Any, like: TableType, address: Any) -> Any:
    """In compiled code: the handle whose list of addresses stands at `address`, of the same type as another handle."""

    def code(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return builder.inttoptr(given[1], context.get_value_type(like))

    return like(like, address), code


@infer_getattr
class _Names(AttributeTemplate):
    """A handle offers its fields' names."""

    key = TableType

    def generic_resolve(self, kind: TableType, name: str) -> Any:  # type: ignore[override]  # Numba's has no types
        """The type behind a name, or None."""
        return kind.fields[name][0] if name in kind.fields else None


@lower_getattr_generic(TableType)  # type: ignore[untyped-decorator,no-untyped-call]  # Numba's
def _look_up(context: Any, builder: Any, table: TableType, pointer: Any, name: str) -> Any:
    kind, first = table.fields[name]
    if isinstance(kind, TableType):
        return pointer
    array = make_array(kind)(context, builder)  # type: ignore[no-untyped-call]  # Numba's

    def word(k: int, what: Any) -> Any:
        place = cgutils.gep_inbounds(builder, pointer, 8 * (first + k))  # type: ignore[no-untyped-call]  # Numba's
        found = builder.load(builder.bitcast(place, what.as_pointer()))
        found.set_metadata("invariant.load", builder.module.add_metadata([]))
        return found

    whole = context.get_value_type(types.intp)
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    shape = [word(1 + k, whole) for k in range(kind.ndim)]
    strides = [context.get_constant(types.intp, size)]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(  # type: ignore[no-untyped-call]  # Numba's
        array,
        data=word(0, context.get_data_type(kind.dtype).as_pointer()),
        shape=shape,
        strides=strides,
        itemsize=context.get_constant(types.intp, size),
        meminfo=None,
    )
    return array._getvalue()
