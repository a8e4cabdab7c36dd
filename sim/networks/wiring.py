"""Ties outside the home: with neighbours of the street, friends of similar age, and a few people far away.

Claim     Each person opens k ties, k <= 15 and skewed to the right, with the mean that the place's close_ties (less the
          people at home) requires. A tie goes to a person within a few doors, to a person of similar age in the
          neighbourhood, or (far_share) to anybody in the place. Ties are mutual. A tie that would go to a person of the
          same home is not made.
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

TIE_COUNT = stream("how many ties")
PARTNER = stream("who is tied")
STREET = 40
"""Slots on either side that count as the same street: some fifteen homes."""
MOST_WORKERS, LEAST_SHARE = 4, 20_000
"""Largest number of threads that wire a place, and the least number of slots for each to be worth its cost. A thread
takes two bytes a slot."""


A = npt.NDArray[Any]


class Wiring(NamedTuple):
    """Compressed rows: the ties of slot i are to[start[i]:start[i + 1]]."""

    start: npt.NDArray[np.uint32]
    to: npt.NDArray[np.uint32]


class _Candidates(NamedTuple):
    """The people of a place, and the parameters of their ties."""

    age: A
    neighbourhood: A
    dwelling: A
    first: A
    mean: float
    far: float
    near: float
    count_key: np.uint64
    partner_key: np.uint64


@kernel
def _tie_count(town: _Candidates, i: Int) -> Int:
    """The number of ties that a person opens: an exponential distribution, rounded, at most 15."""
    return min(15, np.int64(-np.log(uniform(town.count_key, i)) * town.mean + 0.5))  # type: ignore[return-value]  # two kinds of whole number


@kernel
def _other_end(town: _Candidates, i: Int, t: Int) -> Int:
    """The person to whom a person's t-th tie goes, or -1 if that person lives in the same home."""
    n, home = town.age.size, town.dwelling[i]
    a, b = np.int64(town.first[town.neighbourhood[i]]), np.int64(town.first[town.neighbourhood[i] + 1])
    address = 16 * i + t
    u, v = uniform(town.partner_key, 2 * address), uniform(town.partner_key, 2 * address + 1)
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


# Ties are drawn twice, to count and then to store them: storing the draws would take more memory than everything else.
# The slots are divided among workers. A slot's ties are stored in the order of the people who opened them, so that the
# result does not depend on the speed of the workers.


@kernel
def _count(town: _Candidates, first: Int, last: Int, counts: A) -> None:
    """Count the ties opened by a range of slots, at both ends."""
    for i in range(first, last):
        for t in range(_tie_count(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                counts[i] += np.uint16(1)
                counts[j] += np.uint16(1)


@kernel
def _starts(counts: A) -> A:
    """The start of each slot's ties. Each worker's counts become the number of ties of earlier workers."""
    workers, slots = counts.shape
    start = np.zeros(slots + 1, np.uint32)
    for i in range(slots):
        before = np.uint16(0)
        for k in range(workers):
            own_count = counts[k, i]
            counts[k, i] = before
            before += own_count
        start[i + 1] = start[i] + np.uint32(before)
    return start


@kernel
def _store(town: _Candidates, first: Int, last: Int, start: A, stored: A, to: A) -> None:
    """Store the ties opened by a range of slots, at both ends, after the ties of each slot that are stored already."""
    for i in range(first, last):
        for t in range(_tie_count(town, i)):
            j = _other_end(town, i, t)
            if j >= 0:
                to[start[i] + stored[i]] = j
                stored[i] += np.uint16(1)
                to[start[j] + stored[j]] = i
                stored[j] += np.uint16(1)


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
    """Draw the ties between the people of a place.

    Parameters
    ----------
    age, neighbourhood, dwelling : array of int, shape (slot,)
        Age, neighbourhood and dwelling of each slot.
    first : array of int
        First slot of each neighbourhood, and the end.
    outside_ties : float
        Mean number of ties of a person outside the home.
    far_share, near_share : float
        Shares of ties to anybody in the place and to the same street; the rest go to people of similar age.
    seed : int
        Seed of the draws.
    threads : int
        Largest number of threads. The result does not depend on it.

    Returns
    -------
    Wiring
        The ties of each slot.
    """
    keys = [np.uint64(month_key(np.uint64(seed), s, 0)) for s in (TIE_COUNT, PARTNER)]
    mean = max(0.05, outside_ties / 2.0)
    town = _Candidates(age, neighbourhood, dwelling, first, mean, far_share, near_share, keys[0], keys[1])
    workers = max(1, min(threads, MOST_WORKERS, age.size // LEAST_SHARE))
    edges = [age.size * k // workers for k in range(workers + 1)]
    counts = np.zeros((workers, age.size), np.uint16)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(partial(_count, town), edges[:-1], edges[1:], counts))
        start = _starts(counts)
        to = np.empty(start[-1], np.uint32)
        list(pool.map(lambda a, b, stored: _store(town, a, b, start, stored, to), edges[:-1], edges[1:], counts))
    return Wiring(start, to)
