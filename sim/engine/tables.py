"""Tables of state: NamedTuples of arrays, in which each column declares its type, axes, unit and meaning.

Allocation, the data dictionary and the check that a mechanism writes only its declared columns all read the same
annotations. Kernels get a *handle* on a world of tables: one pointer that offers the same names (`w.people.age`) over
the same memory. Passing a hundred arrays by value to every small function would cost minutes of compilation.

A handle points to a list of addresses and lengths, which never changes while the handle is in use. So the compiler may
look a column up once, ahead of a loop, and no references are counted: the handle in Python keeps the memory alive.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter
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
    """Declaration of an array.

    Attributes
    ----------
    dtype : str
        NumPy type, such as ``f4``.
    axes : tuple of str
        Names of the axes, such as person, domain, service.
    unit : str
        Unit of the values.
    meaning : str
        Description for the data dictionary.
    monthly : bool
        Whether the column is a count that starts at 0 each month.
    """

    dtype: str
    axes: tuple[str, ...]
    unit: str
    meaning: str
    monthly: bool = False
    """Whether it is a count that starts at 0 each month."""


@lru_cache
def columns(table: type) -> tuple[tuple[str, Column], ...]:
    """List the columns of a table with their declarations, in order.

    Parameters
    ----------
    table : type
        A NamedTuple whose fields are annotated with a `Column`.

    Returns
    -------
    tuple of (str, Column)

    Raises
    ------
    TypeError
        If a field has no `Column`.
    """
    return tuple(_columns(table))


def _columns(table: type) -> Iterator[tuple[str, Column]]:
    hints = get_type_hints(table, include_extras=True)
    for name in table._fields:  # type: ignore[attr-defined]  # every table is a NamedTuple
        described = [a for a in get_args(hints[name])[1:] if isinstance(a, Column)]
        if not described:
            raise TypeError(f"{table.__name__}.{name} has no Column that declares its type, axes, unit and meaning")
        yield name, described[0]


def allocate(table: type[T], **sizes: int) -> T:
    """Allocate a table of zeros.

    Parameters
    ----------
    table : type
        A NamedTuple whose fields are annotated with a `Column`.
    **sizes : int
        Length of each axis, by its name. Axes that the table does not have are ignored.

    Returns
    -------
    table
        An instance with an array of zeros for each column.

    Raises
    ------
    KeyError
        If the length of an axis is missing.

    Examples
    --------
    >>> from sim.state.dwellings import Dwellings
    >>> table = allocate(Dwellings, dwelling=3, dwelling_edge=4, place_in_home=8)
    >>> table.donor_ages.shape, str(table.donor_ages.dtype)
    ((3, 8), 'uint8')
    """
    arrays: dict[str, Any] = {}
    for name, column in columns(cast(type, table)):
        missing = [axis for axis in column.axes if axis not in sizes]
        if missing:
            raise KeyError(f"{table.__name__}.{name} needs a length for {missing}; it has {sorted(sizes)}")
        arrays[name] = np.zeros([sizes[axis] for axis in column.axes], dtype=column.dtype)
    return table(**arrays)


def table_bytes(table: type, **sizes: int) -> int:
    """Compute the memory of a table without allocating it.

    Parameters
    ----------
    table : type
        A NamedTuple whose fields are annotated with a `Column`.
    **sizes : int
        Length of each axis, by its name. Axes that the table does not have are ignored.

    Returns
    -------
    int
        Bytes.

    Examples
    --------
    >>> from sim.state.dwellings import Dwellings
    >>> table_bytes(Dwellings, dwelling=3, dwelling_edge=4, place_in_home=8)
    55
    """
    return sum(column_bytes(column, sizes) for _, column in columns(table))


def column_bytes(column: Column, sizes: Mapping[str, int]) -> int:
    """Compute the memory of a column from the lengths of its axes, in bytes."""
    return np.dtype(column.dtype).itemsize * math.prod(sizes[axis] for axis in column.axes)


LINES = 128
"""Bytes of a cache line, or of a pair that processors fetch together. Data that one thread writes, and another reads or
writes, lie on separate lines: otherwise each thread would wait for the other at every write (false sharing)."""


def on_separate_lines(arrays: Iterable[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Copy arrays into one piece of memory, each on cache lines that it shares with no other array.

    Parameters
    ----------
    arrays : iterable of ndarray
        Arrays of any shape and type.

    Returns
    -------
    list of ndarray
        The copies, in order.
    """
    listed = list(arrays)
    lengths = [-(-array.nbytes // LINES) * LINES for array in listed]
    memory = np.empty(sum(lengths) + LINES, np.uint8)
    start = -memory.ctypes.data % LINES
    out = []
    for array, length in zip(listed, lengths, strict=True):
        copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        out.append(copy)
        start += length
    return out


class TableType(types.Type):
    """Compiled type of a handle on a world or on one of its tables.

    Parameters
    ----------
    name : str
        Name of the table.
    fields : dict of str to (type, int)
        The compiled type of each field, and the position of its address and lengths in the list.
    """

    def __init__(self, name: str, fields: dict[str, tuple[Any, int]]) -> None:
        """Name the type by its table and a digest of its fields, so that different layouts are different types."""
        self.fields = fields
        digest = zlib.crc32(repr([(k, str(kind), first) for k, (kind, first) in fields.items()]).encode())
        super().__init__(name=f"{name}_{digest:08x}")


class Handle:
    """Handle on a world that is passed to kernels: the list of addresses, and the world, which it keeps alive.

    Parameters
    ----------
    kind : TableType
        Compiled type of the world.
    world : NamedTuple of tables
        The world.
    listed : ndarray of int64, shape (entries,)
        Address and lengths of each column.
    """

    __slots__ = ("address", "kind", "listed", "world")

    def __init__(self, kind: TableType, world: Any, listed: npt.NDArray[np.int64]) -> None:
        """Keep the world and the list alive, and note the address of the list."""
        self.kind, self.world, self.listed = kind, world, listed
        self.address = int(listed.ctypes.data)


Members = Mapping[str, "type | Members"]
"""The tables of a world by the names of its fields; a field may be a group of further tables."""


def handle_type(name: str, members: Members, first: int = 0) -> tuple[TableType, int]:
    """Make the compiled type of a group of tables.

    Parameters
    ----------
    name : str
        Name of the group, such as ``World``.
    members : mapping of str to NamedTuple class or mapping
        Its tables, and groups of further tables.
    first : int
        Position in the list of addresses at which its columns begin.

    Returns
    -------
    kind : TableType
        The compiled type.
    end : int
        Position after its last column.
    """
    fields: dict[str, tuple[Any, int]] = {}
    for field, member in members.items():
        if isinstance(member, type):
            part, after = _table_type(member, first)
        else:
            part, after = handle_type(field, member, first)
        fields[field] = (part, first)
        first = after
    return TableType(name, fields), first


def _table_type(table: type, first: int) -> tuple[TableType, int]:
    fields: dict[str, tuple[Any, int]] = {}
    for name, column in columns(table):
        array = types.Array(from_dtype(np.dtype(column.dtype)), len(column.axes), "C")
        fields[name] = (array, first)
        first += 1 + array.ndim
    return TableType(table.__name__, fields), first


def handle_maker(name: str, members: Members) -> Callable[[Any], Any]:
    """Make a function that gives a handle on a world.

    Parameters
    ----------
    name : str
        Name of the world's type.
    members : mapping of str to NamedTuple class or mapping
        The tables of the world, and groups of further tables.

    Returns
    -------
    callable
        From a world to a `Handle`, which kernels take for the world. It raises TypeError if an array has another type
        or number of axes than declared, or is not contiguous.
    """
    kind, length = handle_type(name, members)
    described = [(path, attrgetter(path), column) for path, column in _described(members)]

    def handle(made: Any) -> Handle:
        words: list[int] = []
        for path, array_of, column in described:
            array = array_of(made)
            if array.dtype != column.dtype or array.ndim != len(column.axes) or not array.flags.carray:
                raise TypeError(f"{path} must be {column.dtype} over {column.axes}, contiguous; it is {array.dtype}")
            words += [array.ctypes.data, *array.shape]
        assert len(words) == length
        return Handle(kind, made, on_separate_lines([np.array(words, np.int64)])[0])

    return handle


def _described(members: Members, before: str = "") -> Iterator[tuple[str, Column]]:
    """The path from a world to each column, with its declaration, in the order of the list of addresses."""
    for field, member in members.items():
        if isinstance(member, type):
            yield from ((f"{before}{field}.{name}", column) for name, column in columns(member))
        else:
            yield from _described(member, f"{before}{field}.")


register_model(TableType)(OpaqueModel)


@typeof_impl.register(Handle)
def _type_of(handle: Handle, _context: Any) -> TableType:
    return handle.kind


@unbox(TableType)  # type: ignore[untyped-decorator,no-untyped-call]  # Numba's
def _address_of(_kind: TableType, handle: Any, c: Any) -> Any:
    number = c.pyapi.object_getattr_string(handle, "address")
    pointer = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(pointer, is_error=c.pyapi.c_api_error())  # type: ignore[no-untyped-call]  # Numba's


@intrinsic
def at(_typing: Any, like: TableType, address: Any) -> Any:
    """In compiled code: make a handle from the address of a list of addresses.

    Parameters
    ----------
    like : Handle
        A handle of the same type.
    address : int
        Address of the list.

    Returns
    -------
    Handle
    """

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[1], context.get_value_type(like))

    return like(like, address), code


@infer_getattr
class _Names(AttributeTemplate):
    """Type inference for the names of a handle's fields."""

    key = TableType

    def generic_resolve(self, kind: TableType, name: str) -> Any:  # type: ignore[override]  # Numba's has no types
        """Give the type of a field, or None if there is no such field."""
        return kind.fields[name][0] if name in kind.fields else None


@lower_getattr_generic(TableType)  # type: ignore[untyped-decorator,no-untyped-call]  # Numba's
def _look_up(context: Any, builder: Any, table: TableType, pointer: Any, name: str) -> Any:
    kind, first = table.fields[name]
    if isinstance(kind, TableType):
        return pointer
    array = make_array(kind)(context, builder)  # type: ignore[no-untyped-call]  # Numba's

    def word(k: int, word_type: Any) -> Any:
        place = cgutils.gep_inbounds(builder, pointer, 8 * (first + k))  # type: ignore[no-untyped-call]  # Numba's
        value = builder.load(builder.bitcast(place, word_type.as_pointer()))
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
        return value

    integer = context.get_value_type(types.intp)
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    shape = [word(1 + k, integer) for k in range(kind.ndim)]
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
