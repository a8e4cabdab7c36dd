"""Asking memory for something that will be looked at soon, and going on meanwhile.

Where rows are visited out of order, each waits for memory in turn, longer than it takes to work with it. Who knows
which rows come next asks for them some visits ahead. Nothing is changed, and no result can differ.
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


def ask_for(array: npt.NDArray[Any], row: Int) -> None:
    """Ask for the line of memory that holds an element of a flat array, from its first on. The element may lie beyond
    the array: where there is nothing of ours, nothing is fetched. Uncompiled, it does nothing."""


@intrinsic
def _prefetch(_typing: Any, array: Any, _row: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        held = make_array(signature.args[0])(context, builder, given[0])  # type: ignore[no-untyped-call]  # Numba's helpers tell no types
        byte, number = PointerType(IntType(8)), IntType(32)
        kind = FunctionType(VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]  # Numba's helpers tell no types
        row = builder.bitcast(builder.gep(held.data, [given[1]]), byte)
        builder.call(prefetch, [row, *(Constant(number, k) for k in (READ, KEEP_CLOSE, DATA))])
        return context.get_dummy_value()

    return types.none(array, types.int64), code


@overload(ask_for, jit_options={"forceinline": True})
def _compiled(array: Any, row: Any) -> Any:
    del array, row  # only their names matter

    def ask(array: Any, row: Any) -> None:
        _prefetch(array, row)  # type: ignore[call-arg]  # when it compiles, Numba itself passes an intrinsic's first argument

    return ask
