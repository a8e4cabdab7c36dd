"""Before the first month, households move in or out until each fifth has exactly the people of its place file.

Claim     If a fifth has fewer people than the place file states, empty homes take in households as in moves.py, none
          larger than the gap; if no empty home is left, single adults move into free rooms. If it has more, households
          no larger than the surplus move out; if there is none, single members of households do.
Evidence  none needed: the published number of people is met exactly, as an official age mix is (moves.py).
Limits    The number holds at the start; then births, deaths and moves change it by less than one per cent.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock
from sim.people.ageing import BAND_OF_AGE
from sim.people.moves import NEWCOMER, arrive, best_donor, move_in
from sim.state.codes import EMPTY_SLOT
from sim.state.updates import vacate, vacate_home
from sim.state.world import World

ORDER = stream("order of homes that meet the headcount")
ROUNDS = 256
"""Rounds through the homes of a fifth, each with another random share of them."""


@kernel
def match_headcount(w: World, wanted: np.ndarray, clock: Clock) -> None:
    """Move people in or out until each fifth has the number of residents that is wanted.

    Parameters
    ----------
    w : World
        The world, with all residents counted.
    wanted : array of int, shape (quintile,)
        Residents of each fifth.
    clock : Clock
        Seed and month of the draws.
    """
    key = month_key(clock.seed, ORDER, clock.month)
    lack = np.zeros(EMPTY_SLOT + 1)
    for q in range(wanted.size):
        gap: Int = wanted[q] - np.int64(w.tally.people[q].sum())
        for age in range(BAND_OF_AGE.size):
            target = w.places.age_mix[q, BAND_OF_AGE[age]]
            lack[age] = 1.0 - w.tally.people[q, BAND_OF_AGE[age]] / target if target > 0.5 else 0.0
        for round_number in range(2 * ROUNDS):
            if gap == 0:
                break
            single = round_number >= ROUNDS
            for n in range(w.places.quintile.size):
                if w.places.quintile[n] != q:
                    continue
                for home in range(np.int64(w.places.first_dwelling[n]), np.int64(w.places.first_dwelling[n + 1])):
                    u = uniform(key, home) * ROUNDS
                    if gap == 0 or np.int64(u) != round_number % ROUNDS:
                        continue
                    if gap > 0 and single:
                        gap -= _move_one_in(w, home, n, u % 1.0, clock)
                    elif gap > 0:
                        gap -= _fill(w, home, n, gap, lack, u % 1.0, clock)
                    else:
                        gap += _move_one_out(w, home) if single else _clear(w, home, -gap)


@kernel
def _fill(w: World, home: Int, n: Int, most: Int, lack: np.ndarray, u: float, clock: Clock) -> Int:
    """Move a household of at most so many people into a home, if it is empty, and return the number of people."""
    if w.dwellings.occupants[home] > 0:
        return 0
    ages, room = w.dwellings.donor_ages, np.int64(w.dwellings.first[home + 1]) - np.int64(w.dwellings.first[home])
    start, stop = np.int64(w.places.first_dwelling[n]), np.int64(w.places.first_dwelling[n + 1])
    best = best_donor(ages, lack, min(room, most), start, stop, u)
    return np.int64(move_in(w, home, ages[best], clock)) if best >= 0 else 0


@kernel
def _move_one_in(w: World, home: Int, n: Int, u: float, clock: Clock) -> Int:
    """Move one adult into a free slot of a home, and return the number of people."""
    start, stop = np.int64(w.places.first_dwelling[n]), np.int64(w.places.first_dwelling[n + 1])
    age = w.dwellings.donor_ages[start + np.int64(u * (stop - start)), 0]
    for i in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if w.people.age[i] == EMPTY_SLOT and age != EMPTY_SLOT:
            if w.dwellings.occupants[home] == 0:
                w.dwellings.head[home] = np.uint32(i)
            arrive(w, i, np.int64(w.dwellings.head[home]), age, month_key(clock.seed, NEWCOMER, clock.month))
            return 1
    return 0


@kernel
def _clear(w: World, home: Int, most: Int) -> Int:
    """Move a household of at most so many people out, and return the number of people."""
    return np.int64(vacate_home(w, home)) if 0 < w.dwellings.occupants[home] <= most else 0


@kernel
def _move_one_out(w: World, home: Int) -> Int:
    """Move one person, who is not the reference person, out of a home, and return the number of people."""
    for i in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if w.people.age[i] != EMPTY_SLOT and w.dwellings.head[home] != i:
            vacate(w, i)
            return 1
    return 0
