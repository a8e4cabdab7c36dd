"""Finding the few: a cheap test of everybody's draw against a bound, many at a time.

A draw is 32 bits, a bound 16: only the top half of a draw is compared here. What a found draw means is up to the
mechanism that asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.jit import kernel

A = npt.NDArray[Any]
HALF, ALL = np.uint32(32768), np.uint32(65535)


@kernel
def mark_low(bits: A, low: A, marks: A) -> None:
    """Mark draws below a bound."""
    for i in range(bits.size):
        marks[i] = np.uint8(np.uint32(bits[i] >> np.uint32(16)) < np.uint32(low[i]))


@kernel
def mark_ends(bits: A, low: A, high: A, marks: A) -> None:
    """Mark draws below `low`, or above the complement of `high`."""
    for i in range(bits.size):
        top = np.uint32(bits[i] >> np.uint32(16))
        marks[i] = np.uint8((top < np.uint32(low[i])) | (np.uint32(ALL - top) < np.uint32(high[i])))


@kernel
def mark_zones(bits: A, low: A, high: A, middle: A, marks: A) -> None:
    """Mark draws below `low`, above the complement of `high`, or from one half up to one half plus `middle`."""
    for i in range(bits.size):
        top = np.uint32(bits[i] >> np.uint32(16))
        ends = (top < np.uint32(low[i])) | (np.uint32(ALL - top) < np.uint32(high[i]))
        marks[i] = np.uint8(ends | (np.uint32(top - HALF) < np.uint32(middle[i])))


@kernel
def gather(bits: A, marks: A, row: A, draw: A) -> int:
    """Collect the marked rows and their draws, in order, and return how many there are."""
    return gather_block(bits, marks, 0, row, draw, 0)


@kernel
def gather_block(bits: A, marks: A, first: int, row: A, draw: A, k: int) -> int:
    """The same for a block of rows that begins at `first`, where `k` are collected already. Returns the new count.

    Looks closer only at groups of eight in which somebody is marked.
    """
    eights = marks[: marks.size // 8 * 8].view(np.uint64)
    for g in range(eights.size):
        if eights[g] != 0:
            for i in range(8 * g, 8 * g + 8):
                if marks[i]:
                    row[k] = np.uint32(first + i)
                    draw[k] = bits[i]
                    k += 1
    for i in range(8 * eights.size, marks.size):
        if marks[i]:
            row[k] = np.uint32(first + i)
            draw[k] = bits[i]
            k += 1
    return k
