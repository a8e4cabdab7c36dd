"""Who knows whom outside the home: neighbours down the street, friends of one's age, a few people far away.

Claim     Each person opens k ties, k skewed to the right with the mean that the place's close_ties (less the people at
          home) asks for; a tie goes to somebody within a few doors, to somebody of similar age in the neighbourhood,
          or (far_share) to anybody in the place. Ties are mutual.
Evidence  A19: about 5 close ties, right-skewed. far_share, the split near/friend: place file, assumed.
Limits    Ties belong to slots; they do not form or break. Clustering comes from streets, not from closing triangles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.draws import month_key, stream, uniform
from sim.engine.jit import Int, kernel

HOW_MANY = stream("how many ties")
WHO = stream("who is tied")
STREET = 40
"""Slots either side that count as the same street: some fifteen homes."""


class Wiring(NamedTuple):
    """Compressed rows: the ties of slot i are to[start[i]:start[i + 1]]."""

    start: npt.NDArray[np.uint32]
    to: npt.NDArray[np.uint32]


@kernel
def _pairs(
    age: np.ndarray,
    neighbourhood: np.ndarray,
    dwelling: np.ndarray,
    first: np.ndarray,
    mean: float,
    far: float,
    near: float,
    many: np.uint64,
    who: np.uint64,
) -> np.ndarray:
    n = age.size
    room = np.int64(n * (mean + 3.0)) + 64
    out = np.empty((room, 2), np.uint32)
    m = 0
    for i in range(n):
        # Geometric-like: many with few, a few with many.
        k: Int = min(15, np.int64(-np.log(uniform(many, i)) * mean + 0.5))  # type: ignore[assignment]  # min of two kinds of whole number
        a, b = first[neighbourhood[i]], first[neighbourhood[i] + 1]
        for t in range(k):
            address = 16 * i + t
            u, v = uniform(who, 2 * address), uniform(who, 2 * address + 1)
            j: Int = i
            if v < far:
                j = np.int64(u * n)
            elif v < far + near:
                low, high = max(a, i - STREET), min(b, i + STREET + 1)
                j = low + np.int64(u * (high - low))
            else:
                # Of four people of the neighbourhood the one nearest in age.
                gap: Int = 1000
                for c in range(4):
                    other = a + np.int64((u * (c + 1) * 1013.0 % 1.0) * (b - a))
                    apart = abs(np.int64(age[other]) - np.int64(age[i]))
                    if apart < gap and dwelling[other] != dwelling[i]:
                        gap, j = apart, other
            if dwelling[j] != dwelling[i] and m < room:
                out[m, 0], out[m, 1] = np.uint32(i), np.uint32(j)
                m += 1
    return out[:m]


@kernel
def _rows(pairs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    start = np.zeros(n + 1, np.uint32)
    for m in range(pairs.shape[0]):
        start[pairs[m, 0] + 1] += np.uint32(1)
        start[pairs[m, 1] + 1] += np.uint32(1)
    for i in range(n):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    to = np.empty(2 * pairs.shape[0], np.uint32)
    for m in range(pairs.shape[0]):
        i, j = pairs[m, 0], pairs[m, 1]
        to[fill[i]] = j
        fill[i] += np.uint32(1)
        to[fill[j]] = i
        fill[j] += np.uint32(1)
    return start, to


def wire(
    age: np.ndarray,
    neighbourhood: np.ndarray,
    dwelling: np.ndarray,
    first: np.ndarray,
    *,
    outside_ties: float,
    far_share: float,
    near_share: float,
    seed: int,
) -> Wiring:
    """Tie people together. `outside_ties` is the mean number of ties a person has outside the home."""
    keys = [np.uint64(month_key(np.uint64(seed), s, 0)) for s in (HOW_MANY, WHO)]
    pairs = _pairs(
        age, neighbourhood, dwelling, first, max(0.05, outside_ties / 2.0), far_share, near_share, keys[0], keys[1]
    )
    return Wiring(*_rows(pairs, age.size))
