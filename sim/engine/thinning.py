"""Finding the few: a cheap test of everybody's draw against a bound, many at a time.

A draw is 32 bits, a bound 16: only the top half of a draw is compared here. What a found draw means is up to the
mechanism that asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.draws import fill_bits
from sim.engine.jit import Int, kernel

A = npt.NDArray[Any]
BLOCK = 4096
"""Rows drawn for at a time: few enough for their draws to stay in the nearest cache until they are looked at."""
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
def gather_block(bits: A, marks: A, first: Int, row: A, draw: A, k: int) -> int:
    """Collect the marked rows of a block that begins at row `first`, and their draws, in order, where `k` are collected
    already. Returns the new count.

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


@kernel
def find_low(key: np.uint64, first: Int, low: A, bits: A, marks: A, row: A, draw: A) -> int:
    """Collect the rows, of those from `first` on that `low` bounds, whose draw lies below their bound, and their draws.
    Returns how many there are. `bits` and `marks` are scratch, `BLOCK` long."""
    found = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        drawn, marked = bits[: stop - start], marks[: stop - start]
        fill_bits(key, first + start, drawn)
        mark_low(drawn, low[start:stop], marked)
        found = gather_block(drawn, marked, first + start, row, draw, found)
    return found


@kernel
def find_ends(key: np.uint64, first: Int, low: A, high: A, bits: A, marks: A, row: A, draw: A) -> int:
    """The same for draws below `low`, or above the complement of `high`."""
    found = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        drawn, marked = bits[: stop - start], marks[: stop - start]
        fill_bits(key, first + start, drawn)
        mark_ends(drawn, low[start:stop], high[start:stop], marked)
        found = gather_block(drawn, marked, first + start, row, draw, found)
    return found


@kernel
def find_zones(key: np.uint64, first: Int, low: A, high: A, middle: A, bits: A, marks: A, row: A, draw: A) -> int:
    """The same for draws below `low`, above the complement of `high`, or from one half up to one half plus `middle`."""
    found = 0
    for start in range(0, low.size, BLOCK):
        stop = min(start + BLOCK, low.size)
        drawn, marked = bits[: stop - start], marks[: stop - start]
        fill_bits(key, first + start, drawn)
        mark_zones(drawn, low[start:stop], high[start:stop], middle[start:stop], marked)
        found = gather_block(drawn, marked, first + start, row, draw, found)
    return found
