"""Candidate thinning: a cheap test of everybody's draw against an upper bound, many draws at a time.

An event that happens to few people is decided exactly only for the candidates: the people whose draw lies within a
bound on their probability. This is thinning of a discrete-time process by an upper bound on its rate [1]_.

Notes
-----
A bound is 8 bits, c, and covers c (c + 2) of 65,536 equal parts of the range of a draw: small probabilities are bounded
finely. So only the upper 16 bits of a 32-bit draw are compared with a bound. The mechanism that calls then decides the
event with the whole draw and the exact probability.

References
----------
.. [1] P. A. W. Lewis and G. S. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", Naval Research
   Logistics Quarterly 26 (1979) 403-413.
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
"""Rows drawn for at a time: few enough for their draws and marks to stay in the first-level cache."""
ALL, HALF = np.uint32(65535), np.uint32(32768)
CERTAIN = 255
"""The bound that every draw is within."""
_LEAST = np.minimum(CERTAIN, np.ceil(np.sqrt(np.arange(65537) + 1.0)) - 1).astype(np.uint8)
"""The smallest bound that covers a number of parts of 65,536, or `CERTAIN`; the number is the index."""


@inlined
def bound_of(probability: float) -> np.uint8:
    """Round a probability up to a bound: every draw below the probability is within the bound.

    Parameters
    ----------
    probability : float
        From 0 to 1; other values are clipped.

    Returns
    -------
    uint8
        The smallest sufficient bound, or `CERTAIN`.
    """
    bound: np.uint8 = _LEAST[np.uint32(math.ceil(65536.0 * min(1.0, max(0.0, probability))))]
    return bound


@inlined
def reach(bound: np.uint8) -> np.uint32:
    """Give the number of the 65,536 parts that a bound covers.

    Parameters
    ----------
    bound : uint8
        The bound, c.

    Returns
    -------
    uint32
        c (c + 2).
    """
    c = np.uint32(bound)
    return np.uint32(c * np.uint32(c + np.uint32(2)))


@inlined
def is_low(top: np.uint32, low: np.uint8) -> bool | np.bool:
    """Test whether a draw lies in the low zone: below the reach of a bound.

    Parameters
    ----------
    top : uint32
        Upper 16 bits of the draw, 0 to 65,535.
    low : uint8
        The bound.

    Returns
    -------
    bool
    """
    return top < reach(low)


@inlined
def is_high(top: np.uint32, high: np.uint8) -> bool | np.bool:
    """Test whether a draw lies in the high zone: above 1 less the reach of a bound.

    Parameters
    ----------
    top : uint32
        Upper 16 bits of the draw, 0 to 65,535.
    high : uint8
        The bound.

    Returns
    -------
    bool
    """
    return np.uint32(ALL - top) < reach(high)


@inlined
def is_middle(top: np.uint32, middle: np.uint8) -> bool | np.bool:
    """Test whether a draw lies in the middle zone: from one half up to one half plus the reach of a bound.

    Parameters
    ----------
    top : uint32
        Upper 16 bits of the draw, 0 to 65,535.
    middle : uint8
        The bound.

    Returns
    -------
    bool
    """
    return np.uint32(top - HALF) < reach(middle)


# These loops mark the candidates and store the upper half of each draw. One loop for each kind of test, so that the
# compiler vectorises it.


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
    """Position, 0 to 7, of the first non-zero byte of eight marks read as one little-endian number, which is not 0."""
    return ((int(marks) & -int(marks)).bit_length() - 1) // 8


@intrinsic
def _first_of_eight(_typing: Any, _marks: Any) -> Any:
    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        zeros = builder.cttz(arguments[0], Constant(IntType(1), 1))
        return builder.lshr(zeros, Constant(IntType(64), 3))

    return types.int64(types.uint64), code


@overload(_first_marked, jit_options={"forceinline": True})
def _compiled(marks: Any) -> Any:
    del marks  # Numba reads its name only

    def first(marks: Any) -> Any:
        return _first_of_eight(marks)  # type: ignore[call-arg]  # when it compiles, Numba itself passes an intrinsic's first argument

    return first


@kernel
def gather_block(marks: A, first: Int, row: A, k: Int) -> Int:
    """Append the marked rows of a block to a list, in order.

    Parameters
    ----------
    marks : ndarray of uint8, shape (rows of the block,)
        1 for each marked row, 0 for each other row.
    first : int
        Row of the first mark.
    row : ndarray of uint32, shape (capacity,)
        The list of rows. Receives the marked rows from position `k` on.
    k : int
        Number of rows in the list before.

    Returns
    -------
    int
        Number of rows in the list after.

    Notes
    -----
    Marks are read eight at a time, and only groups with a mark are examined further.
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
    """List the rows whose draw is within a lower bound.

    The rows are first, first + 1, …, one for each element of `low`. A row is a candidate if the upper 16 bits of its
    draw are below the reach of its element of `low`.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `sim.engine.random.month_key`.
    first : int
        Slot of the first row.
    low : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at low draws.
    tops : ndarray of uint16, shape (BLOCK,)
        Scratch, overwritten: upper 16 bits of the draws of one block.
    marks : ndarray of uint8, shape (BLOCK,)
        Scratch, overwritten: marks of one block.
    row : ndarray of uint32, shape (at least rows,)
        Receives the slots of the candidates, in ascending order.

    Returns
    -------
    int
        Number of candidates.
    """
    count: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_low(key, first + start, low[start:stop], tops, marked)
        count = gather_block(marked, first + start, row, count)
    return count


@kernel
def find_ends(key: np.uint64, first: Int, low: A, high: A, tops: A, marks: A, row: A) -> Int:
    """List the rows whose draw is within a lower bound, or within an upper bound from the other end.

    The rows are first, first + 1, …, one for each element of `low`. With t the upper 16 bits of a row's draw, the row
    is a candidate if t is below the reach of its element of `low`, or 65,535 - t is below the reach of its element of
    `high`. So one draw decides between two events that exclude each other.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `sim.engine.random.month_key`.
    first : int
        Slot of the first row.
    low : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at low draws.
    high : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at high draws.
    tops : ndarray of uint16, shape (BLOCK,)
        Scratch, overwritten: upper 16 bits of the draws of one block.
    marks : ndarray of uint8, shape (BLOCK,)
        Scratch, overwritten: marks of one block.
    row : ndarray of uint32, shape (at least rows,)
        Receives the slots of the candidates, in ascending order.

    Returns
    -------
    int
        Number of candidates.
    """
    count: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_ends(key, first + start, low[start:stop], high[start:stop], tops, marked)
        count = gather_block(marked, first + start, row, count)
    return count


@kernel
def find_zones(key: np.uint64, first: Int, low: A, high: A, middle: A, tops: A, marks: A, row: A, top: A) -> Int:
    """List the rows whose draw is in the low, high or middle zone of their bounds, with the upper half of each draw.

    The rows are first, first + 1, …, one for each element of `low`. With t the upper 16 bits of a row's draw, the row
    is a candidate if t is below the reach of its element of `low`, or 65,535 - t is below the reach of its element of
    `high`, or t lies from 32,768 up to 32,768 plus the reach of its element of `middle`. So one draw decides between
    three events that exclude one another.

    Parameters
    ----------
    key : uint64
        Key of the stream and month, from `sim.engine.random.month_key`.
    first : int
        Slot of the first row.
    low : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at low draws.
    high : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at high draws.
    middle : ndarray of uint8, shape (rows,)
        Bound of each row on the probability of the event at draws from one half up.
    tops : ndarray of uint16, shape (BLOCK,)
        Scratch, overwritten: upper 16 bits of the draws of one block.
    marks : ndarray of uint8, shape (BLOCK,)
        Scratch, overwritten: marks of one block.
    row : ndarray of uint32, shape (at least rows,)
        Receives the slots of the candidates, in ascending order.
    top : ndarray of uint16, shape (at least rows,)
        Receives the upper 16 bits of the draw of each candidate, in the order of `row`.

    Returns
    -------
    int
        Number of candidates.
    """
    count: Int = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        marked = marks[: stop - start]
        _mark_zones(key, first + start, low[start:stop], high[start:stop], middle[start:stop], tops, marked)
        until = gather_block(marked, first + start, row, count)
        _tops_of(tops, first + start, row, top, count, until)
        count = until
    return count
