"""A service has so many places; those who wait for one are drawn, serious need with better odds.

Claim     Each month free = floor(places + u) - helped, u a fresh draw in (0, 1). If no more than `free` people wait,
          all start; else the `free` with the smallest key -ln(v) / weight start, v a draw of the person's and weight
          that of their neighbourhood times `urgency` for serious need: a lottery without replacement. A policy for some
          people only divides the places between groups, each with its own lottery (services/parting.py).
          A start moves trust by known * (1 + bond * (continuity / providers^0.1 * fit - 1)): being passed round, or
          given what does not fit, can cost more trust than being helped at all gains.
          Places are given when all else has happened in the month: help counts from the next one on.
Evidence  bond: assumed; M47, M58 for the direction. Queue lengths are not fitted here: asking is calibrated so that the
          baseline's mean wait is the published one.
Limits    Nobody is served by date of arrival; the mean wait is the same (Little's law), its spread is wider. The
          discrete-time chain is: asks, give-ups and ends of the month first, then starts.
"""

from __future__ import annotations

import math

import numpy as np

from sim.bookkeeping import group_of, is_split, set_help
from sim.engine.draws import month_key, stream, uniform
from sim.engine.jit import Int, inlined, kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.engine.prefetch import ask_for
from sim.engine.selection import kth_smallest
from sim.engine.thinning import BLOCK, gather_block
from sim.fields import Params, number, share
from sim.services.parting import close, rooms
from sim.state import ACUTE, TRUST_ONLY, WAITING, A, World

PLACE = stream("rounding of places")
TURN = stream("whose turn")
AHEAD = 8
"""How many people ahead somebody is asked for whose help is to begin."""
URGENT = 128
"""Added to the number of the service that somebody waits for with serious need."""
SLOTS_LISTED = 4
"""Slots of a neighbourhood to each place in the list of those who wait there."""


class Waiting(Params):
    """Triage and what a start of help does."""

    urgency: float = number(
        3.0,
        low=1.0,
        high=10.0,
        unit="weight",
        source="assumed",
        meaning="odds of serious over emerging need in the queue",
    )
    known: float = share(0.05, low=0.0, high=0.2, source="assumed", meaning="trust gained when help begins")
    bond: float = number(
        2.0,
        low=0.0,
        high=4.0,
        unit="multiple",
        source="assumed; M47, M58: direction",
        meaning="how far that gain follows continuity of worker and fit of help",
    )


@kernel
def _turn(u: float, weight: float) -> np.uint64:
    """A sort key: exponential race, in fixed point."""
    return np.uint64(min(1e9, -math.log(u) / max(1e-6, weight)) * 2.0**30)


@mechanism(
    Phase.REMEMBER,
    reads="people.level people.help places.first",
    writes="places.queue_row places.queue_what places.queued screen.marks screen.found_row",
    name="queues",
    by_part=True,
)
@kernel
def line_up(w: World, p: NoParams, clock: Clock) -> None:
    first, row, what = w.places.first, w.places.queue_row, w.places.queue_what
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        start, stop = _room_in_list(w, n)
        w.places.queued[n] = _list(w, np.int64(first[n]), np.int64(first[n + 1]), row[start:stop], what[start:stop])


@kernel
def _room_in_list(w: World, n: Int) -> tuple[Int, Int]:
    """Where in the list of who waits a neighbourhood has its room: a quarter as much as it has slots."""
    return np.int64(w.places.first[n]) // SLOTS_LISTED, np.int64(w.places.first[n + 1]) // SLOTS_LISTED


@kernel
def _list(w: World, first: Int, last: Int, row: A, what: A) -> int:
    """List who waits among some slots, domain by domain, in order: their slot and what they wait for. Returns how many
    they are, of whom there may be more than the list has room for."""
    people, scratch, found = w.people, w.screen, 0
    for d in range(people.help.shape[0]):
        help_of, level = people.help[d], people.level[d]
        for start in range(first, last, BLOCK):
            marks = scratch.marks[: min(BLOCK, last - start)]
            _mark_waiting(help_of[start : start + marks.size], marks)
            for k in range(gather_block(marks, start, scratch.found_row, 0)):
                i = np.int64(scratch.found_row[k])
                if found < row.size:
                    row[found] = np.uint32(i)
                    what[found] = np.uint8(help_of[i] - WAITING + URGENT * (level[i] == 2))
                found += 1
    return found


@kernel
def _mark_waiting(help_of: A, marks: A) -> None:
    for i in range(marks.size):
        marks[i] = np.uint8(help_of[i] >= WAITING)


@mechanism(
    Phase.SERVICE,
    Waiting,
    reads="people.level people.neighbourhood people.help services.places services.queue "
    "services.helped places.weight services.domain services.base_budget services.plan services.posts "
    "aims.groups aims.group aims.offer aims.part people.quintile people.trust services.continuity services.providers "
    "services.fit places.queue_row places.queue_what places.queued",
    writes="people.help people.trust people.changed tally.started tally.ended tally.gave_up tally.helped "
    "tally.waiting tally.unmet services.helped services.queue screen.marks screen.found_row",
)
@kernel
def start_help(w: World, p: Waiting, clock: Clock) -> None:
    services = w.services
    rounding = month_key(clock.seed, PLACE, clock.month)
    free = np.zeros(services.domain.size, np.int64)
    for s in range(services.domain.size):
        if is_split(w, s) and services.tier[s] != ACUTE:
            close(w, s)
        if services.tier[s] != ACUTE and services.queue[s] > 0:
            if is_split(w, s):
                free[s] = rooms(w, s, rounding).sum()
            else:
                free[s] = max(0, np.int64(math.floor(services.places[s] + uniform(rounding, s))) - services.helped[s])
    if free.max() == 0:
        return
    who, weight, starts = _by_service(w, p, free)
    for d in range(w.people.help.shape[0]):
        key = month_key(clock.seed, TURN + np.uint64(d), clock.month)
        for s in range(services.domain.size):
            if services.domain[s] == d and free[s] > 0:
                queue, odds = who[starts[s] : starts[s + 1]], weight[starts[s] : starts[s + 1]]
                if is_split(w, s):
                    _draw_by_group(w, p, key, s, queue, odds, rooms(w, s, rounding))
                else:
                    _draw(w, p, key, s, queue, odds, free[s])


@kernel
def _draw_by_group(w: World, p: Waiting, key: np.uint64, s: int, who: A, weight: A, room: A) -> None:
    """A lottery for each group, with its own places. Those to whom the service has closed wait no longer."""
    help_of, own = w.people.help[w.services.domain[s]], np.empty(who.size, np.bool_)
    for g in range(room.size):
        for k in range(who.size):
            own[k] = group_of(w, np.int64(who[k])) == g and help_of[who[k]] == WAITING + s
        _draw(w, p, key, s, who[own], weight[own], room[g])


@kernel
def _listed(w: World, n: Int) -> tuple[A, A]:
    """Who waits in a neighbourhood, and for what; listed anew where there was not room for all."""
    places, many = w.places, np.int64(w.places.queued[n])
    start, stop = _room_in_list(w, n)
    if many <= stop - start:
        return places.queue_row[start : start + many], places.queue_what[start : start + many]
    row, what = np.empty(many, np.uint32), np.empty(many, np.uint8)
    _list(w, np.int64(places.first[n]), np.int64(places.first[n + 1]), row, what)
    return row, what


@kernel
def _by_service(w: World, p: Waiting, free: A) -> tuple[A, A, A]:
    """Who waits for each service with free places, in order, and the weight of each in the lottery; and where those of
    each service begin."""
    places, starts = w.places, np.zeros(free.size + 1, np.int64)
    for n in range(places.queued.size):
        for each in _listed(w, n)[1]:
            starts[np.int64(each) % URGENT + 1] += 1
    for s in range(free.size):
        starts[s + 1] = starts[s] + (starts[s + 1] if free[s] > 0 else 0)
    next_of = starts[:-1].copy()
    who, weight = np.empty(starts[-1], np.uint32), np.empty(starts[-1])
    for n in range(places.queued.size):
        row, what = _listed(w, n)
        for k in range(row.size):
            of = np.int64(what[k]) % URGENT
            if free[of] > 0:
                who[next_of[of]] = row[k]
                weight[next_of[of]] = places.weight[n] * (p.urgency if what[k] >= URGENT else 1.0)
                next_of[of] += 1
    return who, weight, starts


@inlined
def ask_for_person(w: World, d: Int, i: Int) -> None:
    """Ask memory for what is looked at, and changed, when somebody's help begins."""
    people = w.people
    ask_for(people.help[d], i)
    ask_for(people.level[d], i)
    ask_for(people.trust, i)
    ask_for(people.changed, i)
    ask_for(people.quintile, i)
    ask_for(people.band, i)


@kernel
def _draw(w: World, p: Waiting, key: np.uint64, s: int, who: A, weight: A, free: Int) -> None:
    """Begin the help of all who wait, or of the `free` with the smallest keys."""
    d = w.services.domain[s]
    if who.size <= free:
        for k in range(who.size):
            if k + AHEAD < who.size:
                ask_for_person(w, d, np.int64(who[k + AHEAD]))
            _begin(w, p, d, np.int64(who[k]), s)
        return
    if free == 0:
        return
    keys = np.empty(who.size, np.uint64)
    for k in range(who.size):
        keys[k] = _turn(uniform(key, np.int64(who[k])), weight[k])
    last, ties = kth_smallest(keys.copy(), free - 1), free
    for k in range(who.size):
        ties -= np.int64(keys[k] < last)
    for k in range(who.size):
        if k + AHEAD < who.size and keys[k + AHEAD] <= last:
            ask_for_person(w, d, np.int64(who[k + AHEAD]))
        if keys[k] < last or (keys[k] == last and ties > 0):
            ties -= np.int64(keys[k] == last)
            _begin(w, p, d, np.int64(who[k]), s)


@kernel
def relation(w: World, s: int) -> float:
    """How far a service is one that knows people and fits them, 1 = baseline."""
    known: float = w.services.continuity[s] / w.services.providers[s] ** 0.1 * w.services.fit[s]
    return known


@kernel
def _begin(w: World, p: Waiting, d: int, i: Int, s: int) -> None:
    set_help(w, d, i, 1 + s)
    gain = p.known * (1.0 + p.bond * (relation(w, s) - 1.0))
    w.people.trust[i] = np.float32(min(1.0, max(0.0, w.people.trust[i] + gain)))
    w.people.changed[i] |= np.uint8(TRUST_ONLY)
