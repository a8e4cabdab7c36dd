"""Recording and clearing of arrays, many of them in one call.

A run records some fifty arrays each month. One call for each array takes as long as a month of a small town, and
threads that run side by side wait for one another meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, types  # type: ignore[attr-defined]  # public, but not in what Numba lists as exported
from numba.extending import intrinsic

from sim.engine.jit import Int, moment

A = npt.NDArray[Any]


def _pointer_to(kind: types.Type) -> Any:
    """Make a function that gives compiled code a pointer to numbers of a type, from their address."""

    @intrinsic
    def at(_typing: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        pointer: Any = types.CPointer(kind)  # type: ignore[no-untyped-call]  # Numba's own have no types
        return pointer(address), code

    return at


_bytes_at, _counts_at = _pointer_to(types.uint8), _pointer_to(types.int32)


@moment
def _clear(addresses: A, sizes: A) -> None:
    for k in range(addresses.size):
        carray(_bytes_at(addresses[k]), (sizes[k],))[:] = 0


@moment
def _copy(sources: A, rows: A, sizes: A, row: Int) -> None:
    for k in range(sources.size):
        source = carray(_bytes_at(sources[k]), (sizes[k],))
        into = carray(_bytes_at(rows[k] + row * sizes[k]), (sizes[k],))
        for i in range(source.size):
            into[i] = source[i]


@moment
def _add(sources: A, rows: A, sizes: A, row: Int) -> None:
    for k in range(sources.size):
        source = carray(_counts_at(sources[k]), (sizes[k] // 4,))
        into = carray(_counts_at(rows[k] + row * sizes[k]), (sizes[k] // 4,))
        for i in range(source.size):
            into[i] += source[i]


def _addresses(arrays: Iterable[A]) -> npt.NDArray[np.int64]:
    listed = list(arrays)
    assert all(array.flags.carray for array in listed), "a recorded array is in one piece of memory"
    return np.array([array.ctypes.data for array in listed], np.int64)


class ArrayClearer:
    """Arrays that are set to 0 together, each time that it is called.

    Parameters
    ----------
    arrays : iterable of ndarray
        Arrays in one piece of memory (C-contiguous), of any shape and type.
    """

    def __init__(self, arrays: Iterable[A]) -> None:
        """Note the addresses and sizes of the arrays."""
        self._arrays = list(arrays)
        self._where = _addresses(self._arrays)
        self._sizes = np.array([array.nbytes for array in self._arrays], np.int64)

    def __call__(self) -> None:
        """Set all elements of all arrays to 0."""
        _clear(self._where, self._sizes)


class ArrayRecorder:
    """Values that some arrays held at each of some moments.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays in one piece of memory (C-contiguous), by name.
    rows : int
        Number of moments.

    Attributes
    ----------
    rows : dict of str to ndarray, shape (rows, *shape of the array)
        The recorded values, by name, the moment first; 0 where nothing is recorded yet.
    """

    def __init__(self, arrays: Mapping[str, A], rows: int) -> None:
        """Allocate the rows, and note the addresses and sizes of the arrays."""
        self._arrays = dict(arrays)
        self.rows = {name: np.zeros((rows, *array.shape), array.dtype) for name, array in arrays.items()}
        self._from, self._into = _addresses(self._arrays.values()), _addresses(self.rows.values())
        self._sizes = np.array([array.nbytes for array in self._arrays.values()], np.int64)
        self._others = [name for name, array in arrays.items() if array.dtype != np.int32]

    def note(self, row: int) -> None:
        """Record the present values of the arrays as a row.

        Parameters
        ----------
        row : int
            The moment, counted from 0.
        """
        _copy(self._from, self._into, self._sizes, row)

    def add(self, row: int) -> None:
        """Add the present values of the arrays to a row.

        Parameters
        ----------
        row : int
            The moment, counted from 0.

        Raises
        ------
        TypeError
            If an array does not hold int32.
        """
        if self._others:
            raise TypeError(f"only arrays of int32 are added up, not {', '.join(self._others)}")
        _add(self._from, self._into, self._sizes, row)
