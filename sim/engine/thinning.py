"""Finding the few: a cheap test of everybody's draw against a bound, many at a time.

A bound is 8 bits, c, and reaches up to c (c + 2) of 65,536 parts: finely where it is small. So only the top half of a
draw is compared with it. What a found draw means is up to the mechanism that asked.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite.ir import Constant, IntType
from numba import types
from numba.extending import intrinsic, overload

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import SPREAD, mixed, spread_of

A = npt.NDArray[Any]
BLOCK = 4096
"""Rows drawn for at a time: few enough for what is found out of them to stay in the nearest cache."""
ALL, HALF = np.uint32(65535), np.uint32(32768)
CERTAIN = 255
"""The bound that leaves out no draw."""


_LEAST = np.minimum(CERTAIN, np.ceil(np.sqrt(np.arange(65537) + 1.0)) - 1).astype(np.uint8)
"""The least bound that reaches up to so many parts of 65,536, if any does."""


@inlined
def bound_of(probability: float) -> np.uint8:
    """A bound below which every draw lies that is below a probability, 0 to 1."""
    found: np.uint8 = _LEAST[np.uint32(math.ceil(65536.0 * min(1.0, max(0.0, probability))))]
    return found


@inlined
def reach(bound: np.uint8) -> np.uint32:
    """How many of 65,536 parts a bound reaches up to."""
    c = np.uint32(bound)
    return np.uint32(c * np.uint32(c + np.uint32(2)))


@inlined
def is_low(top: np.uint32, low: np.uint8) -> bool | np.bool:
    """Whether a draw, told by its top half, lies below a bound."""
    return top < reach(low)


@inlined
def is_high(top: np.uint32, high: np.uint8) -> bool | np.bool:
    """Whether it lies above the complement of a bound."""
    return np.uint32(ALL - top) < reach(high)


@inlined
def is_middle(top: np.uint32, middle: np.uint8) -> bool | np.bool:
    """Whether it lies from one half up to one half plus a bound."""
    return np.uint32(top - HALF) < reach(middle)


# Marking the draws in question, and noting the top half of each. One loop for each kind of question: the compiler works
# on many draws at a time.


@kernel
def _mark_low(key: np.uint64, first: Int, low: A, tops: A, marks: A) -> None:
    spread = spread_of(first)
    for i in range(marks.size):
        top = np.uint32(mixed(spread, key) >> np.uint32(16))
        spread = np.uint32(spread + SPREAD)
        tops[i] = np.uint16(top)
        marks[i] = np.uint8(is_low(top, low[i]))


@kernel
def _mark_ends(key: np.uint64, first: Int, low: A, high: A, tops: A, marks: A) -> None:
    spread = spread_of(first)
    for i in range(marks.size):
        top = np.uint32(mixed(spread, key) >> np.uint32(16))
        spread = np.uint32(spread + SPREAD)
        tops[i] = np.uint16(top)
        marks[i] = np.uint8(is_low(top, low[i]) | is_high(top, high[i]))


@kernel
def _mark_zones(key: np.uint64, first: Int, low: A, high: A, middle: A, tops: A, marks: A) -> None:
    spread = spread_of(first)
    for i in range(marks.size):
        top = np.uint32(mixed(spread, key) >> np.uint32(16))
        spread = np.uint32(spread + SPREAD)
        tops[i] = np.uint16(top)
        marks[i] = np.uint8(is_low(top, low[i]) | is_high(top, high[i]) | is_middle(top, middle[i]))


def _first_marked(marks: np.uint64) -> int:
    """Which of eight marks, told as one number that is not 0, is the first that is set, 0 to 7."""
    return ((int(marks) & -int(marks)).bit_length() - 1) // 8


@intrinsic
def _first_of_eight(_typing: Any, _marks: Any) -> Any:
    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        zeros = builder.cttz(given[0], Constant(IntType(1), 1))
        return builder.lshr(zeros, Constant(IntType(64), 3))

    return types.int64(types.uint64), code


@overload(_first_marked, jit_options={"forceinline": True})
def _compiled(marks: Any) -> Any:
    del marks  # only its name matters

    def first(marks: Any) -> Any:
        return _first_of_eight(marks)  # type: ignore[call-arg]  # when it compiles, Numba itself passes an intrinsic's first argument

    return first


@kernel
def gather_block(marks: A, first: Int, row: A, k: Int) -> Int:
    """Collect the marked rows of a block that begins at row `first`, in order, where `k` are collected already. Returns
    the new count.

    Looks closer only at groups of eight in which somebody is marked.
    """
    eights = marks[: marks.size // 8 * 8].view(np.uint64)
    for g in range(eights.size):
        left = eights[g]
        while left != 0:
            row[k] = np.uint32(first + 8 * g + _first_marked(left))
            left &= left - np.uint64(1)
            k += 1
    for i in range(8 * eights.size, marks.size):
        if marks[i]:
            row[k] = np.uint32(first + i)
            k += 1
    return k


@kernel
def _tops_of(tops: A, first: Int, row: A, top: A, start: Int, stop: Int) -> None:
    for k in range(start, stop):
        top[k] = tops[row[k] - first]


@kernel
def find_low(key: np.uint64, first: Int, low: A, tops: A, marks: A, row: A) -> Int:
    """Collect the rows, of those from `first` on that `low` bounds, whose draw lies below their bound. Returns how many
    there are. `tops` and `marks` are scratch, `BLOCK` long; `row` has room for as many as there are rows."""
    found: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_low(key, first + start, low[start:stop], tops, marked)
        found = gather_block(marked, first + start, row, found)
    return found


@kernel
def find_ends(key: np.uint64, first: Int, low: A, high: A, tops: A, marks: A, row: A) -> Int:
    """The same for draws below `low`, or above the complement of `high`."""
    found: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_ends(key, first + start, low[start:stop], high[start:stop], tops, marked)
        found = gather_block(marked, first + start, row, found)
    return found


@kernel
def find_zones(key: np.uint64, first: Int, low: A, high: A, middle: A, tops: A, marks: A, row: A, top: A) -> Int:
    """The same for draws below `low`, above the complement of `high`, or in the middle: from one half up to one half
    plus `middle`. The top half of each draw found goes into `top`."""
    found: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_zones(key, first + start, low[start:stop], high[start:stop], middle[start:stop], tops, marked)
        until = gather_block(marked, first + start, row, found)
        _tops_of(tops, first + start, row, top, found, until)
        found = until
    return found
