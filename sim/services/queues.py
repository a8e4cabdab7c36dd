"""Who waits is listed, neighbourhood by neighbourhood, each with a number for this month's lottery.

Claim     At the end of the month everybody who waits stands in a list: for which service, whether with serious need,
          and with -ln(v), v a draw of the person's in the domain. Divided by a weight that is the person's turn: who
          comes first when so many run an exponential race (services/queue_allocation.py).
Evidence  none needed: bookkeeping.
Limits    A neighbourhood's list has room for an eighth as many as it has slots; where more wait it is made anew when it
          is read.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import BLOCK, gather_block
from sim.state.tables import WAITING, A, World

TURN = stream("whose turn")
URGENT = 128
"""Added to the number of the service that somebody waits for with serious need."""
SLOTS_LISTED = 8
"""Slots of a neighbourhood to each place in the list of those who wait there."""


@mechanism(
    Phase.REMEMBER,
    reads="people.level people.help places.first",
    writes="places.queue_row places.queue_what places.queue_race places.queued screen.marks screen.found_row",
    by_part=True,
)
@kernel
def line_up(w: World, p: NoParams, clock: Clock) -> None:
    first, places = w.places.first, w.places
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        start, stop = _room_in_list(w, n)
        row, what, race = places.queue_row[start:stop], places.queue_what[start:stop], places.queue_race[start:stop]
        places.queued[n] = _list(w, clock, np.int64(first[n]), np.int64(first[n + 1]), row, what, race)


@kernel
def _room_in_list(w: World, n: Int) -> tuple[Int, Int]:
    """Where in the list of who waits a neighbourhood has its room."""
    return np.int64(w.places.first[n]) // SLOTS_LISTED, np.int64(w.places.first[n + 1]) // SLOTS_LISTED


@kernel
def _list(w: World, clock: Clock, first: Int, last: Int, row: A, what: A, race: A) -> int:
    """List who waits among some slots, domain by domain, in order: their slot, what they wait for, and their number.
    Returns how many they are, of whom there may be more than the list has room for."""
    people, scratch, found = w.people, w.screen, 0
    for d in range(people.help.shape[0]):
        help_of, level, key = people.help[d], people.level[d], month_key(clock.seed, TURN + np.uint64(d), clock.month)
        for start in range(first, last, BLOCK):
            marks = scratch.marks[: min(BLOCK, last - start)]
            _mark_waiting(help_of[start : start + marks.size], marks)
            for k in range(gather_block(marks, start, scratch.found_row, 0)):
                i = np.int64(scratch.found_row[k])
                if found < row.size:
                    row[found] = np.uint32(i)
                    what[found] = np.uint8(help_of[i] - WAITING + URGENT * (level[i] == 2))
                    race[found] = -math.log(uniform(key, i))
                found += 1
    return found


@kernel
def _mark_waiting(help_of: A, marks: A) -> None:
    for i in range(marks.size):
        marks[i] = np.uint8(help_of[i] >= WAITING)


@kernel
def listed(w: World, clock: Clock, n: Int) -> tuple[A, A, A]:
    """Who waits in a neighbourhood, for what, and with which number; listed anew where there was not room for all."""
    places, many = w.places, np.int64(w.places.queued[n])
    start, stop = _room_in_list(w, n)
    if many <= stop - start:
        stop = start + many
        return places.queue_row[start:stop], places.queue_what[start:stop], places.queue_race[start:stop]
    row, what, race = np.empty(many, np.uint32), np.empty(many, np.uint8), np.empty(many)
    _list(w, clock, np.int64(places.first[n]), np.int64(places.first[n + 1]), row, what, race)
    return row, what, race


@inlined
def turn_of(race: float, weight: float) -> np.uint64:
    """When it is somebody's turn: the smaller, the sooner. A sort key, in fixed point."""
    return np.uint64(min(1e9, race / max(1e-6, weight)) * 2.0**30)
