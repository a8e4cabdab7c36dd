"""People who wait are listed, neighbourhood by neighbourhood, each with a random number for this month's allocation.

Claim     At the end of the month everybody who waits stands in a list: with the service, whether with serious need, and
          with -ln(v), v a draw of the person's in the domain. That number divided by a weight is the person's turn: the
          finish time in an exponential race (services/queue_allocation.py).
Evidence  none needed: bookkeeping.
Limits    A neighbourhood's list has room for an eighth as many people as the neighbourhood has slots. Where more wait,
          the list is made again when it is read.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import BLOCK, gather_block
from sim.state.codes import WAITING
from sim.state.columns import A
from sim.state.world import World

TURN = stream("whose turn")
URGENT = 128
"""Added to the index of the service for a person who waits with serious need."""
SLOTS_LISTED = 8
"""Slots of a neighbourhood for each position in its list of people who wait."""


@mechanism(
    Phase.REMEMBER,
    reads="people.level people.help places.first",
    writes="places.queue_row places.queue_what places.queue_race places.queued screen.marks screen.found_row",
    by_part=True,
)
@kernel
def list_waiting(w: World, p: NoParams, clock: Clock) -> None:
    first, places = w.places.first, w.places
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        start, stop = _room_in_list(w, n)
        row, code, race = places.queue_row[start:stop], places.queue_what[start:stop], places.queue_race[start:stop]
        places.queued[n] = _fill_list(w, clock, np.int64(first[n]), np.int64(first[n + 1]), row, code, race)


@kernel
def _room_in_list(w: World, n: Int) -> tuple[Int, Int]:
    """First and end position of a neighbourhood's part of the list."""
    return np.int64(w.places.first[n]) // SLOTS_LISTED, np.int64(w.places.first[n + 1]) // SLOTS_LISTED


@kernel
def _fill_list(w: World, clock: Clock, first: Int, last: Int, row: A, code: A, race: A) -> int:
    """List the people who wait among some slots, domain by domain, in ascending order of slots.

    Parameters
    ----------
    w, clock
        The world and the month.
    first, last
        First slot and the slot after the last.
    row : ndarray of uint32, shape (room,)
        Filled with slots.
    code : ndarray of uint8, shape (room,)
        Filled with the index of the service, plus `URGENT` for serious need.
    race : ndarray of float64, shape (room,)
        Filled with -ln(v).

    Returns
    -------
    int
        How many people wait, which can be more than the list has room for.
    """
    people, scratch, count = w.people, w.screen, 0
    for d in range(people.help.shape[0]):
        help_of, level, key = people.help[d], people.level[d], month_key(clock.seed, TURN + np.uint64(d), clock.month)
        for start in range(first, last, BLOCK):
            marks = scratch.marks[: min(BLOCK, last - start)]
            _mark_waiting(help_of[start : start + marks.size], marks)
            for k in range(gather_block(marks, start, scratch.found_row, 0)):
                i = np.int64(scratch.found_row[k])
                if count < row.size:
                    row[count] = np.uint32(i)
                    code[count] = np.uint8(help_of[i] - WAITING + URGENT * (level[i] == 2))
                    race[count] = -math.log(uniform(key, i))
                count += 1
    return count


@kernel
def _mark_waiting(help_of: A, marks: A) -> None:
    for i in range(marks.size):
        marks[i] = np.uint8(help_of[i] >= WAITING)


@kernel
def waiting_list(w: World, clock: Clock, n: Int) -> tuple[A, A, A]:
    """Slots, codes and numbers of the people who wait in a neighbourhood; made again where the list was too short."""
    places, many = w.places, np.int64(w.places.queued[n])
    start, stop = _room_in_list(w, n)
    if many <= stop - start:
        stop = start + many
        return places.queue_row[start:stop], places.queue_what[start:stop], places.queue_race[start:stop]
    row, code, race = np.empty(many, np.uint32), np.empty(many, np.uint8), np.empty(many)
    _fill_list(w, clock, np.int64(places.first[n]), np.int64(places.first[n + 1]), row, code, race)
    return row, code, race


@inlined
def turn_of(race: float, weight: float) -> np.uint64:
    """A person's place in the order of calls, in fixed point: the smaller, the sooner.

    Parameters
    ----------
    race
        -ln(v), v the person's draw.
    weight
        The person's odds.
    """
    return np.uint64(min(1e9, race / max(1e-6, weight)) * 2.0**30)
