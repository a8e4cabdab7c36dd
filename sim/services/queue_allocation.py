"""Each service fills its free places from the people who wait, at random, with better odds for serious need.

Claim     Each month free = max(0, floor(places + u) - helped), u a fresh draw in (0, 1). If no more than `free` people
          wait, all are called; else the `free` with the smallest turn -ln(v) / weight, v a draw of the person's and
          weight that of their neighbourhood times `urgency` for serious need: weighted sampling without replacement.
          Policies for some people only divide the places between groups, each with its own allocation
          (services/group_allocation.py).
Evidence  none needed: weighted sampling without replacement by an exponential race.
Limits    Nobody is served by date of arrival; the mean wait is the same (Little's law), its spread is wider. The
          discrete-time chain is: asks, give-ups and ends of the month first, then starts.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.engine.select import kth_smallest
from sim.services.group_allocation import end_closed_help, free_places
from sim.services.queues import URGENT, turn_of, waiting_list
from sim.services.waiting import Waiting, weight_of
from sim.state.codes import ACUTE, WAITING
from sim.state.columns import A, column
from sim.state.updates import group_of, is_split
from sim.state.world import World

ROUNDING_DRAW = stream("rounding of places")
LAST = np.uint64(0x7FFFFFFFFFFFFFFF)
"""A turn later than every person's."""


class QueueAllocationState(NamedTuple):
    """Places of the month."""

    called: Annotated[A, column("i8", "service group", "persons", "of those who wait, how many can begin this month")]


@mechanism(
    Phase.SERVICE,
    Waiting,
    state=QueueAllocationState,
    reads="people.level people.neighbourhood people.help people.quintile people.band services.places services.queue "
    "services.helped places.weight services.domain services.base_budget services.plan services.posts "
    "aims.groups aims.group aims.offer aims.part places.queue_row places.queue_what places.queue_race places.queued",
    writes="queue_allocation.called services.last_turn services.last_row people.help people.changed tally.ended "
    "tally.gave_up tally.helped tally.waiting tally.unmet services.helped services.queue screen.marks "
    "screen.found_row",
)
@kernel
def call_from_queues(w: World, p: Waiting, clock: Clock) -> None:
    services = w.services
    state: QueueAllocationState = w.private.queue_allocation
    rounding = month_key(clock.seed, ROUNDING_DRAW, clock.month)
    state.called[:] = 0
    for s in range(services.domain.size):
        if is_split(w, s) and services.tier[s] != ACUTE:
            end_closed_help(w, s)
        if services.tier[s] != ACUTE and services.queue[s] > 0:
            if is_split(w, s):
                room = free_places(w, s, rounding)
                state.called[s, : room.size] = room
            else:
                free = np.int64(math.floor(services.places[s] + uniform(rounding, s))) - services.helped[s]
                state.called[s, 0] = max(0, free)
    find_last_turns(w, p, clock)


@kernel
def find_last_turns(w: World, p: Waiting, clock: Clock) -> None:
    """Set the first turn and row of each service, and group, that are not called this month."""
    services = w.services
    state: QueueAllocationState = w.private.queue_allocation
    rows, turns, starts = _by_service(w, p, clock)
    for s in range(services.domain.size):
        waiting, turn = rows[starts[s] : starts[s + 1]], turns[starts[s] : starts[s + 1]]
        if not is_split(w, s):
            services.last_turn[s, 0], services.last_row[s, 0] = _last_called(waiting, turn, state.called[s, 0])
            continue
        # Each group has its own places. People to whom the service has closed wait no longer.
        help_of, in_group = w.people.help[services.domain[s]], np.empty(waiting.size, np.bool_)
        for g in range(state.called.shape[1]):
            for k in range(waiting.size):
                in_group[k] = group_of(w, np.int64(waiting[k])) == g and help_of[waiting[k]] == WAITING + s
            last = _last_called(waiting[in_group], turn[in_group], state.called[s, g])
            services.last_turn[s, g], services.last_row[s, g] = last


@kernel
def _by_service(w: World, p: Waiting, clock: Clock) -> tuple[A, A, A]:
    """Rows and turns of people who wait for the services with free places.

    Returns
    -------
    rows : ndarray of uint32, shape (people,)
        Slots of the people, service by service, in ascending order within each.
    turns : ndarray of uint64, shape (people,)
        Turn of each.
    starts : ndarray of int64, shape (services + 1,)
        Position of each service's first person.
    """
    state: QueueAllocationState = w.private.queue_allocation
    places, called = w.places, state.called
    has_room = np.array([called[s].max() > 0 for s in range(called.shape[0])])
    starts = np.zeros(has_room.size + 1, np.int64)
    if has_room.any():
        for n in range(places.queued.size):
            for code in waiting_list(w, clock, n)[1]:
                starts[np.int64(code) % URGENT + 1] += 1
    for s in range(has_room.size):
        starts[s + 1] = starts[s] + (starts[s + 1] if has_room[s] else 0)
    next_of = starts[:-1].copy()
    rows, turns = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.uint64)
    if rows.size > 0:
        for n in range(places.queued.size):
            row, codes, race = waiting_list(w, clock, n)
            for k in range(row.size):
                service = np.int64(codes[k]) % URGENT
                if has_room[service]:
                    rows[next_of[service]] = row[k]
                    turns[next_of[service]] = turn_of(race[k], weight_of(w, p, n, codes[k]))
                    next_of[service] += 1
    return rows, turns, starts


@kernel
def _last_called(rows: A, turns: A, many: Int) -> tuple[np.uint64, np.uint32]:
    """The first turn, and the first slot among equal turns, that are not called.

    Parameters
    ----------
    rows : ndarray of uint32, shape (people,)
        Slots of people who wait, ascending.
    turns : ndarray of uint64, shape (people,)
        Turn of each.
    many
        How many people can be called.

    Returns
    -------
    turn, row
        Called are the people with a smaller turn, and those with an equal turn in a smaller slot.
    """
    if many == 0:
        return np.uint64(0), np.uint32(0)
    if rows.size <= many:
        return LAST, np.uint32(0)
    last, left = kth_smallest(turns.copy(), many - 1), many
    for k in range(turns.size):
        left -= np.int64(turns[k] < last)
    for k in range(turns.size):  # in order of slots
        left -= np.int64(turns[k] == last)
        if turns[k] == last and left < 0:
            return last, rows[k]
    return last + np.uint64(1), np.uint32(0)
