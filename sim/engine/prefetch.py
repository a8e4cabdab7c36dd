"""Prefetching: ask memory for data that will be needed soon, and continue meanwhile.

Where rows are visited out of order, each visit waits for memory in turn, longer than it takes to work on the row. A
kernel that knows the next rows asks for them some visits ahead. Nothing is changed, so no result can differ.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from llvmlite.ir import Constant, FunctionType, IntType, PointerType, VoidType
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from sim.engine.jit import Int

READ, KEEP_CLOSE, DATA = 0, 3, 1


def prefetch(array: npt.NDArray[Any], row: Int) -> None:
    """Ask for the cache line that holds an element of a flat array. Uncompiled, it does nothing.

    Parameters
    ----------
    array : ndarray, any type, one-dimensional or contiguous
        The array.
    row : int
        Position of the element, counted from the array's first. It may lie beyond the array: a prefetch of an address
        that is not ours fetches nothing.
    """


@intrinsic
def _prefetch(_typing: Any, array: Any, _row: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]  # Numba's helpers are untyped
        byte, number = PointerType(IntType(8)), IntType(32)
        kind = FunctionType(VoidType(), [byte, number, number, number])
        declared = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]  # Numba's helpers are untyped
        row = builder.bitcast(builder.gep(held.data, [arguments[1]]), byte)
        builder.call(declared, [row, *(Constant(number, k) for k in (READ, KEEP_CLOSE, DATA))])
        return context.get_dummy_value()

    return types.none(array, types.int64), code


@overload(prefetch, jit_options={"forceinline": True})
def _compiled(array: Any, row: Any) -> Any:
    del array, row  # Numba reads their names only

    def ask(array: Any, row: Any) -> None:
        _prefetch(array, row)  # type: ignore[call-arg]  # when it compiles, Numba itself passes an intrinsic's first argument

    return ask
