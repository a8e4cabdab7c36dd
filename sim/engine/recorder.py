"""Noting what arrays hold, and emptying them, many arrays in one call.

A run notes some fifty arrays each month. One by one, that takes as long as a small town's month, and threads that run
side by side wait for one another meanwhile.
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
    """What gives, in compiled code, a pointer to numbers of a kind from their address."""

    @intrinsic
    def at(_typing: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.inttoptr(given[0], context.get_value_type(signature.return_type))

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
    assert all(array.flags.carray for array in listed), "an array to be noted lies in one piece"
    return np.array([array.ctypes.data for array in listed], np.int64)


class ArrayClearer:
    """Arrays that are emptied together, as often as it is called."""

    def __init__(self, arrays: Iterable[A]) -> None:
        self._arrays = list(arrays)
        self._where = _addresses(self._arrays)
        self._sizes = np.array([array.nbytes for array in self._arrays], np.int64)

    def __call__(self) -> None:
        """Set all to 0."""
        _clear(self._where, self._sizes)


class ArrayRecorder:
    """What some arrays held at each of some moments: by name, the moment first."""

    def __init__(self, arrays: Mapping[str, A], rows: int) -> None:
        self._arrays = dict(arrays)
        self.rows = {name: np.zeros((rows, *array.shape), array.dtype) for name, array in arrays.items()}
        self._from, self._into = _addresses(self._arrays.values()), _addresses(self.rows.values())
        self._sizes = np.array([array.nbytes for array in self._arrays.values()], np.int64)
        self._others = [name for name, array in arrays.items() if array.dtype != np.int32]

    def note(self, row: int) -> None:
        """Keep what the arrays hold now as this row."""
        _copy(self._from, self._into, self._sizes, row)

    def add(self, row: int) -> None:
        """Add what the arrays hold now to this row. Raises TypeError for others than whole numbers of 32 bits."""
        if self._others:
            raise TypeError(f"only whole numbers of 32 bits are added up here, not {', '.join(self._others)}")
        _add(self._from, self._into, self._sizes, row)
