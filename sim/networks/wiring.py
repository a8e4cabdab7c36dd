"""Who knows whom outside the home: neighbours down the street, friends of one's age, a few people far away.

Claim     Each person opens k ties, k skewed to the right with the mean that the place's close_ties (less the people at
          home) asks for; a tie goes to somebody within a few doors, to somebody of similar age in the neighbourhood,
          or (far_share) to anybody in the place. Ties are mutual.
Evidence  A19: about 5 close ties, right-skewed. far_share, the split near/friend: place file, assumed.
Limits    Ties belong to slots; they do not form or break. Clustering comes from streets, not from closing triangles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.draws import month_key, stream, uniform
from sim.engine.jit import Int, kernel

HOW_MANY = stream("how many ties")
WHO = stream("who is tied")
STREET = 40
"""Slots either side that count as the same street: some fifteen homes."""


A = npt.NDArray[Any]


class Wiring(NamedTuple):
    """Compressed rows: the ties of slot i are to[start[i]:start[i + 1]]."""

    start: npt.NDArray[np.uint32]
    to: npt.NDArray[np.uint32]


class _Town(NamedTuple):
    """Who there is to be tied, and how."""

    age: A
    neighbourhood: A
    dwelling: A
    first: A
    mean: float
    far: float
    near: float
    many: np.uint64
    who: np.uint64


@kernel
def _opened(town: _Town, i: Int) -> Int:
    """How many ties somebody opens: many people few, a few people many."""
    return min(15, np.int64(-np.log(uniform(town.many, i)) * town.mean + 0.5))  # type: ignore[return-value]  # two kinds of whole number


@kernel
def _other_end(town: _Town, i: Int, t: Int) -> Int:
    """Whom somebody's t-th tie goes to, or -1 if it would be somebody at home."""
    n, home = town.age.size, town.dwelling[i]
    a, b = np.int64(town.first[town.neighbourhood[i]]), np.int64(town.first[town.neighbourhood[i] + 1])
    address = 16 * i + t
    u, v = uniform(town.who, 2 * address), uniform(town.who, 2 * address + 1)
    j: Int = i
    if v < town.far:
        j = np.int64(u * n)
    elif v < town.far + town.near:
        low, high = max(a, i - STREET), min(b, i + STREET + 1)
        j = low + np.int64(u * (high - low))
    else:
        # Of four people of the neighbourhood the one nearest in age.
        gap: Int = 1000
        for c in range(4):
            other = a + np.int64((u * (c + 1) * 1013.0 % 1.0) * (b - a))
            apart = abs(np.int64(town.age[other]) - np.int64(town.age[i]))
            if apart < gap and town.dwelling[other] != home:
                gap, j = apart, other
    return j if town.dwelling[j] != home else -1


@kernel
def _starts(town: _Town) -> A:
    """Where each slot's ties begin. Ties are drawn twice, here and in `_ends`: keeping them would take more memory than
    all else."""
    start = np.zeros(town.age.size + 1, np.uint32)
    for i in range(town.age.size):
        for t in range(_opened(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                start[i + 1] += np.uint32(1)
                start[j + 1] += np.uint32(1)
    for i in range(town.age.size):
        start[i + 1] += start[i]
    return start


@kernel
def _ends(town: _Town, start: A) -> A:
    fill, to = start[:-1].copy(), np.empty(start[-1], np.uint32)
    for i in range(town.age.size):
        for t in range(_opened(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                to[fill[i]] = j
                fill[i] += np.uint32(1)
                to[fill[j]] = i
                fill[j] += np.uint32(1)
    return to


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
    mean = max(0.05, outside_ties / 2.0)
    town = _Town(age, neighbourhood, dwelling, first, mean, far_share, near_share, keys[0], keys[1])
    start = _starts(town)
    return Wiring(start, _ends(town, start))
