"""The people of a place: real ages, grouped into households of the sizes that England has.

Claim     Every neighbourhood gets exactly the age counts of its place file. Its adults become one reference person a
          household (people_per_household), partners of similar age, grown-up children and others. Its children go to
          households whose reference person is 18 to 44 years older, rather to a home with one child than to a
          home without children. Nobody is older than 105 at the start.
Evidence  A01-A06 ages by fifth, A07-A09 households.
Limits    Households are formed within a neighbourhood and by age alone. Homes have at most eight places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.schema.quantities import AGE_BANDS

AGE = stream("age within band")
ORDER = stream("order of adults")
CHOICE = stream("household choice")
MOST_IN_HOME = 8
EMPTY_HOMES = 0.05
"""Empty homes per household at the start, chosen so that the number of people neither grows nor shrinks."""
PLACES_IN_EMPTY_HOME = 4
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


class Household(NamedTuple):
    """Figures of a place on its households."""

    people_per_household: float
    one_person_share: float
    lone_parent_share: float


class Occupancy(NamedTuple):
    """Slots in order of neighbourhood and dwelling. Empty slots (room for a child) have age 255."""

    age: U8
    female: U8
    dwelling_first: I64
    """The first slot of each dwelling, and the end."""
    neighbourhood_first: I64
    """The first slot of each neighbourhood, and the end."""


@kernel
def _ages(counts: np.ndarray, firsts: np.ndarray, lasts: np.ndarray, key: np.uint64, offset: int) -> np.ndarray:
    """Draw an age for each person of one neighbourhood from the counts by age band."""
    total = 0
    for b in range(counts.size):
        total += counts[b]
    out = np.empty(total, np.uint8)
    k = 0
    for b in range(counts.size):
        for _ in range(counts[b]):
            u = uniform(key, offset + k)
            if b == counts.size - 1:  # the oldest: about 14 % fewer at each year of age
                out[k] = np.uint8(min(105, firsts[b] + np.int64(-np.log(u) / 0.15)))
            else:
                out[k] = np.uint8(firsts[b] + np.int64(u * (lasts[b] - firsts[b] + 1)))
            k += 1
    return out


HEADSHIP = np.array([0.30, 0.60, 0.51, 0.55, 0.63, 0.74])
"""Share of adults who are their household's reference person, at 18, 25, 45, 65, 75 and 85: the equilibrium of leaving
home, deaths and moves (people/ageing.py, people/moves.py), so that households do not drift."""


@kernel
def _adult_band(age: int) -> Int:
    """The index of an adult's age in `HEADSHIP`."""
    return np.int64(age >= 25) + np.int64(age >= 45) + np.int64(age >= 65) + np.int64(age >= 75) + np.int64(age >= 85)


@kernel
def _households(
    age: np.ndarray,
    homes: int,
    one_person: float,
    lone_parent: float,
    order_key: np.uint64,
    choice_key: np.uint64,
    offset: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Form the households of one neighbourhood.

    Returns
    -------
    household_of : array of int, shape (person,)
        The household of each person.
    head : array of int, shape (household,)
        The reference person of each household.
    """
    n = age.size
    home_of = np.full(n, -1, np.int64)
    rank = np.empty(n, np.float64)
    adults = 0
    for i in range(n):
        u = uniform(order_key, offset + i)
        if age[i] < 18:
            rank[i] = 9.0
        else:
            adults += 1
            # Reference persons first, by their share at each age.
            rank[i] = u - HEADSHIP[_adult_band(age[i])]
    homes = max(1, min(homes, adults))
    order = np.argsort(rank, kind="mergesort")
    head = order[:homes].copy()
    years = age.astype(np.float64)  # of the type of `rank`, so that sorting compiles for one type only
    head = head[np.argsort(years[head], kind="mergesort")]
    size = np.ones(homes, np.int64)
    alone = np.zeros(homes, np.uint8)
    for h in range(homes):
        home_of[head[h]] = h
        share = one_person * (1.35 if age[head[h]] >= 65 else (1.1 if age[head[h]] < 45 else 0.8))
        alone[h] = 1 if uniform(choice_key, offset + head[h]) < share else 0
    # Partners: the other adults of 25 and over, oldest with oldest, in homes that are not for one person.
    rest = order[homes:adults]
    rest = rest[np.argsort(years[rest], kind="mergesort")]
    paired = 0
    for k in range(rest.size):
        paired += 1 if age[rest[k]] >= 25 else 0
    open_homes = 0
    for h in range(homes):
        open_homes += 1 if alone[h] == 0 and age[head[h]] >= 20 else 0
    k, h_open, young = 0, 0, rest.size - paired
    for h in range(homes):
        if alone[h] == 0 and age[head[h]] >= 20:
            # Spread the partners evenly over the open homes, in order of age.
            due = (h_open + 1) * paired // max(1, open_homes) - h_open * paired // max(1, open_homes)
            h_open += 1
            for _ in range(due):
                if k < paired and size[h] < 3:
                    home_of[rest[young + k]] = h
                    size[h] += 1
                    k += 1
    children = np.zeros(homes, np.int64)
    for j in range(rest.size):
        if home_of[rest[j]] < 0:
            _place(home_of, size, children, alone, age, head, rest[j], choice_key, offset, lone_parent)
    for i in range(n):
        if age[i] < 18:
            _place(home_of, size, children, alone, age, head, i, choice_key, offset, lone_parent)
    return home_of, head


@kernel
def _place(
    home_of: np.ndarray,
    size: np.ndarray,
    children: np.ndarray,
    alone: np.ndarray,
    age: np.ndarray,
    head: np.ndarray,
    i: int,
    key: np.uint64,
    offset: int,
    lone_parent: float,
) -> None:
    """Put a person into the best of a few random homes whose reference person could be a parent."""
    best: Int
    h: Int
    best, best_score = -1, -1e9
    homes = head.size
    for t in range(24):
        u = uniform(key, 7 * (offset + i) + 1_000_003 * (t + 1))
        h = np.int64(u * homes)
        if size[h] >= 7:
            continue
        gap = np.int64(age[head[h]]) - np.int64(age[i])
        # A second child goes to a home with one child, a third child less often to one with two, a fourth seldom.
        preference = 0.0 if children[h] == 0 else (0.05 if children[h] == 1 else -0.25 * (children[h] - 1))
        score = preference - 0.15 * max(0, 18 - gap, gap - 44) - 3.0 * alone[h]  # type: ignore[operator]  # two kinds of whole number
        if size[h] - children[h] == 1 and uniform(key, offset + head[h]) > lone_parent:
            score -= 0.5
        score += 0.3 * uniform(key, 7 * (offset + i) + 500_009 * (t + 1) + 3)
        if score > best_score:
            best, best_score = h, score
    if best < 0:
        best = 0
        for h in range(homes):
            if size[h] < size[best]:
                best = h
    home_of[i] = best
    size[best] += 1
    children[best] += 1


@kernel
def _sexes(age: np.ndarray, first: np.ndarray, key: np.uint64) -> np.ndarray:
    """Sex by slot: the second slot of a home mirrors the first, the others are drawn."""
    female = np.zeros(age.size, np.uint8)
    for i in range(age.size):
        female[i] = 1 if uniform(key, i) < 0.507 else 0
    for h in range(first.size - 1):
        if first[h + 1] - first[h] > 1:
            female[first[h] + 1] = 1 - female[first[h]]
    return female


def draw_population(ages: list[tuple[int, ...]], household: Household, seed: int) -> Occupancy:
    """Draw the people of neighbourhoods, and group them into households.

    Parameters
    ----------
    ages : list of tuple of int
        People of each neighbourhood, by age band (ten bands).
    household : Household
        Figures of the place on households.
    seed : int
        Seed of the draws.

    Returns
    -------
    Occupancy
        The slots of the place: people, and empty slots.
    """
    firsts = np.array([a for a, _ in AGE_BANDS])
    lasts = np.array([b for _, b in AGE_BANDS])
    keys = [np.uint64(month_key(np.uint64(seed), s, 0)) for s in (AGE, ORDER, CHOICE, stream("sex"))]
    of_slots: list[U8] = []
    of_homes: list[U8] = []
    offset = 0
    for counts in ages:
        age = _ages(np.array(counts, np.int64), firsts, lasts, keys[0], offset)
        homes = max(1, round(age.size / household.people_per_household))
        home, head = _households(
            age, homes, household.one_person_share, household.lone_parent_share, keys[1], keys[2], offset
        )
        offset += age.size
        # In each home: the reference person first, then by age, oldest first. Every second home where a child may be
        # born has room for one.
        others = np.ones(age.size, bool)
        others[head] = False
        occupied, home = np.unique(home, return_inverse=True)
        fertile = np.zeros(occupied.size, bool)
        np.logical_or.at(fertile, home, (age >= 18) & (age <= 44))
        sizes = np.bincount(home, minlength=occupied.size)
        roomy = np.flatnonzero(fertile & (sizes < MOST_IN_HOME))[::2]
        # Empty homes: without them no household could move.
        empty = occupied.size + np.repeat(np.arange(round(EMPTY_HOMES * occupied.size)), PLACES_IN_EMPTY_HOME)
        age = np.concatenate([age, np.full(roomy.size + empty.size, 255, np.uint8)])
        home = np.concatenate([home, roomy, empty])
        others = np.concatenate([others, np.ones(roomy.size + empty.size, bool)])
        order = np.lexsort((-age.astype(np.int64), others, age == 255, home))
        of_slots.append(age[order])
        of_homes.append(np.bincount(home).astype(np.uint8))
    edges = np.cumsum([0, *(slots.size for slots in of_slots)])
    age = np.concatenate(of_slots)
    first = np.concatenate([[0], np.cumsum(np.concatenate(of_homes), dtype=np.int64)])
    return Occupancy(age, _sexes(age, first, keys[3]), first, edges)
