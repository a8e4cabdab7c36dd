"""Who knows whom outside the home: neighbours down the street, friends of one's age, a few people far away.

Claim     Each person opens k ties, k skewed to the right with the mean that the place's close_ties (less the people at
          home) asks for; a tie goes to somebody within a few doors, to somebody of similar age in the neighbourhood,
          or (far_share) to anybody in the place. Ties are mutual.
Evidence  A19: about 5 close ties, right-skewed. far_share, the split near/friend: place file, assumed.
Limits    Ties belong to slots; they do not form or break. Clustering comes from streets, not from closing triangles.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform

HOW_MANY = stream("how many ties")
WHO = stream("who is tied")
STREET = 40
"""Slots either side that count as the same street: some fifteen homes."""
MOST_WORKERS, LEAST_SHARE = 4, 20_000
"""Threads that wire a place: each takes two bytes a slot, and it pays from so many slots each."""


A = npt.NDArray[Any]


class Wiring(NamedTuple):
    """Compressed rows: the ties of slot i are to[start[i]:start[i + 1]]."""

    start: npt.NDArray[np.uint32]
    to: npt.NDArray[np.uint32]


class _Candidates(NamedTuple):
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
def _opened(town: _Candidates, i: Int) -> Int:
    """How many ties somebody opens: many people few, a few people many."""
    return min(15, np.int64(-np.log(uniform(town.many, i)) * town.mean + 0.5))  # type: ignore[return-value]  # two kinds of whole number


@kernel
def _other_end(town: _Candidates, i: Int, t: Int) -> Int:
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


# Ties are drawn twice, to count and then to note them: keeping them would take more memory than all else. The slots are
# shared out among workers. A slot's ties are noted in the order of who opened them, so that of the first worker's come
# first, whoever is quicker.


@kernel
def _count(town: _Candidates, first: Int, last: Int, counts: A) -> None:
    """Count the ties that some slots open, at both ends."""
    for i in range(first, last):
        for t in range(_opened(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                counts[i] += np.uint16(1)
                counts[j] += np.uint16(1)


@kernel
def _starts(counts: A) -> A:
    """Where each slot's ties begin. What each worker has counted becomes how many of others' ties come before."""
    workers, slots = counts.shape
    start = np.zeros(slots + 1, np.uint32)
    for i in range(slots):
        before = np.uint16(0)
        for k in range(workers):
            mine = counts[k, i]
            counts[k, i] = before
            before += mine
        start[i + 1] = start[i] + np.uint32(before)
    return start


@kernel
def _note(town: _Candidates, first: Int, last: Int, start: A, noted: A, to: A) -> None:
    """Note the ties that some slots open, at both ends, after so many of each slot that are noted."""
    for i in range(first, last):
        for t in range(_opened(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                to[start[i] + noted[i]] = j
                noted[i] += np.uint16(1)
                to[start[j] + noted[j]] = i
                noted[j] += np.uint16(1)


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
    threads: int = 1,
) -> Wiring:
    """Tie people together. `outside_ties` is the mean number of ties a person has outside the home."""
    keys = [np.uint64(month_key(np.uint64(seed), s, 0)) for s in (HOW_MANY, WHO)]
    mean = max(0.05, outside_ties / 2.0)
    town = _Candidates(age, neighbourhood, dwelling, first, mean, far_share, near_share, keys[0], keys[1])
    workers = max(1, min(threads, MOST_WORKERS, age.size // LEAST_SHARE))
    edges = [age.size * k // workers for k in range(workers + 1)]
    counts = np.zeros((workers, age.size), np.uint16)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(partial(_count, town), edges[:-1], edges[1:], counts))
        start = _starts(counts)
        to = np.empty(start[-1], np.uint32)
        list(pool.map(lambda a, b, noted: _note(town, a, b, start, noted, to), edges[:-1], edges[1:], counts))
    return Wiring(start, to)
