"""A service has so many free places: a lottery among those who wait says whose help can begin.

Claim     Each month free = floor(places + u) - helped, u a fresh draw in (0, 1). If no more than `free` people wait,
          all are called; else the `free` with the smallest turn -ln(v) / weight, v a draw of the person's and weight
          that of their neighbourhood times `urgency` for serious need: a lottery without replacement. A policy for some
          people only divides the places between groups, each with its own lottery (services/group_allocation.py).
Evidence  none needed: weighted sampling without replacement by an exponential race.
Limits    Nobody is served by date of arrival; the mean wait is the same (Little's law), its spread is wider. The
          discrete-time chain is: asks, give-ups and ends of the month first, then starts.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.engine.select import kth_smallest
from sim.services.group_allocation import close, rooms
from sim.services.queues import URGENT, listed, turn_of
from sim.services.waiting import Waiting, weight_of
from sim.state.tables import ACUTE, WAITING, A, World
from sim.state.updates import group_of, is_split

PLACE = stream("rounding of places")
LAST = np.uint64(0x7FFFFFFFFFFFFFFF)
"""A turn after everybody's."""


@mechanism(
    Phase.SERVICE,
    Waiting,
    reads="people.level people.neighbourhood people.help people.quintile people.band services.places services.queue "
    "services.helped places.weight services.domain services.base_budget services.plan services.posts "
    "aims.groups aims.group aims.offer aims.part places.queue_row places.queue_what places.queue_race places.queued",
    writes="services.called services.last_turn services.last_row people.help people.changed tally.ended tally.gave_up "
    "tally.helped tally.waiting tally.unmet services.helped services.queue screen.marks screen.found_row",
)
@kernel
def call(w: World, p: Waiting, clock: Clock) -> None:
    services = w.services
    rounding = month_key(clock.seed, PLACE, clock.month)
    services.called[:] = 0
    for s in range(services.domain.size):
        if is_split(w, s) and services.tier[s] != ACUTE:
            close(w, s)
        if services.tier[s] != ACUTE and services.queue[s] > 0:
            if is_split(w, s):
                room = rooms(w, s, rounding)
                services.called[s, : room.size] = room
            else:
                free = np.int64(math.floor(services.places[s] + uniform(rounding, s))) - services.helped[s]
                services.called[s, 0] = max(0, free)
    draw_lots(w, p, clock)


@kernel
def draw_lots(w: World, p: Waiting, clock: Clock) -> None:
    """Find the last turn that is called, where so many can be."""
    services = w.services
    who, turn, starts = _by_service(w, p, clock)
    for s in range(services.domain.size):
        mine, turns = who[starts[s] : starts[s + 1]], turn[starts[s] : starts[s + 1]]
        if not is_split(w, s):
            services.last_turn[s, 0], services.last_row[s, 0] = _last_called(mine, turns, services.called[s, 0])
            continue
        # A lottery for each group, with its own places. Those to whom the service has closed wait no longer.
        help_of, own = w.people.help[services.domain[s]], np.empty(mine.size, np.bool_)
        for g in range(services.called.shape[1]):
            for k in range(mine.size):
                own[k] = group_of(w, np.int64(mine[k])) == g and help_of[mine[k]] == WAITING + s
            last = _last_called(mine[own], turns[own], services.called[s, g])
            services.last_turn[s, g], services.last_row[s, g] = last


@kernel
def _by_service(w: World, p: Waiting, clock: Clock) -> tuple[A, A, A]:
    """Who waits for each service that can take somebody, in order, and the turn of each; and where those of each
    service begin."""
    places, called = w.places, w.services.called
    some = np.array([called[s].max() > 0 for s in range(called.shape[0])])
    starts = np.zeros(some.size + 1, np.int64)
    if some.any():
        for n in range(places.queued.size):
            for each in listed(w, clock, n)[1]:
                starts[np.int64(each) % URGENT + 1] += 1
    for s in range(some.size):
        starts[s + 1] = starts[s] + (starts[s + 1] if some[s] else 0)
    next_of = starts[:-1].copy()
    who, turn = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.uint64)
    if who.size > 0:
        for n in range(places.queued.size):
            row, what, race = listed(w, clock, n)
            for k in range(row.size):
                of = np.int64(what[k]) % URGENT
                if some[of]:
                    who[next_of[of]] = row[k]
                    turn[next_of[of]] = turn_of(race[k], weight_of(w, p, n, what[k]))
                    next_of[of] += 1
    return who, turn, starts


@kernel
def _last_called(who: A, turn: A, many: Int) -> tuple[np.uint64, np.uint32]:
    """The first turn that is not called any more, of those of so many; and, should several people share it, the slot of
    the first of them who is not."""
    if many == 0:
        return np.uint64(0), np.uint32(0)
    if who.size <= many:
        return LAST, np.uint32(0)
    last, left = kth_smallest(turn.copy(), many - 1), many
    for k in range(turn.size):
        left -= np.int64(turn[k] < last)
    for k in range(turn.size):  # in order of slots
        left -= np.int64(turn[k] == last)
        if turn[k] == last and left < 0:
            return last, who[k]
    return last + np.uint64(1), np.uint32(0)
