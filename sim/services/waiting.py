"""A service has so many places; those who wait for one are drawn, serious need with better odds.

Claim     Each month free = floor(places + u) - helped, u a fresh draw in (0, 1). If no more than `free` people wait,
          all start; else the `free` with the smallest key -ln(v) / weight start, v a draw of the person's and weight
          that of their neighbourhood times `urgency` for serious need: a lottery without replacement. A policy for some
          people only divides the places between groups, each with its own lottery (services/parting.py).
          A start moves trust by known * (1 + bond * (continuity / providers^0.1 * fit - 1)): being passed round, or
          given what does not fit, can cost more trust than being helped at all gains.
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
from sim.engine.jit import Int, kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.engine.selection import kth_smallest
from sim.fields import Params, number, share
from sim.services.parting import close, rooms
from sim.state import ACUTE, TRUST_ONLY, WAITING, A, World

PLACE = stream("rounding of places")
TURN = stream("whose turn")
ANY_OF_EIGHT = np.uint64(0x8080808080808080)
"""The bit of `WAITING`, in each of eight bytes."""


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
    Phase.SERVICE,
    Waiting,
    reads="people.level people.neighbourhood people.help people.ask_bound services.places services.queue "
    "services.helped places.weight services.domain services.base_budget services.plan services.posts "
    "aims.groups aims.group aims.offer aims.part people.quintile people.trust services.continuity services.providers "
    "services.fit",
    writes="people.help people.trust people.changed tally.started tally.ended tally.gave_up tally.helped "
    "tally.waiting tally.unmet services.helped services.queue",
)
@kernel
def start_help(w: World, p: Waiting, clock: Clock) -> None:
    people, services = w.people, w.services
    rounding = month_key(clock.seed, PLACE, clock.month)
    free = np.zeros(services.domain.size, np.int64)
    waiting = False
    for s in range(services.domain.size):
        if is_split(w, s) and services.tier[s] != ACUTE:
            close(w, s)
        if services.tier[s] != ACUTE and services.queue[s] > 0:
            if is_split(w, s):
                free[s] = rooms(w, s, rounding).sum()
                waiting = waiting or free[s] > 0
                continue
            free[s] = max(0, np.int64(math.floor(services.places[s] + uniform(rounding, s))) - services.helped[s])
            waiting = waiting or free[s] > 0
    if not waiting:
        return
    total = 0
    for s in range(services.domain.size):
        total += services.queue[s]
    rows, who, grouped = np.empty(total, np.uint32), np.empty(total, np.uint32), np.empty(total, np.uint32)
    for d in range(people.level.shape[0]):
        some = False
        for s in range(services.domain.size):
            some = some or (services.domain[s] == d and free[s] > 0)
        if not some:
            continue
        n = 0
        help_of = people.help[d]
        i: Int
        # Few wait: look at eight at once, and closer only where somebody does.
        whole = help_of.size // 8 * 8
        eights = help_of[:whole].view(np.uint64)
        for k in range(eights.size):
            if eights[k] & ANY_OF_EIGHT:
                for i in range(8 * k, 8 * k + 8):
                    if help_of[i] >= WAITING:
                        rows[n] = np.uint32(i)
                        n += 1
        for i in range(whole, help_of.size):
            if help_of[i] >= WAITING:
                rows[n] = np.uint32(i)
                n += 1
        key = month_key(clock.seed, TURN + np.uint64(d), clock.month)
        for s in range(services.domain.size):
            if services.domain[s] != d or free[s] == 0:
                continue
            m = 0
            for k in range(n):
                if help_of[rows[k]] == WAITING + s:
                    who[m] = rows[k]
                    m += 1
            if not is_split(w, s):
                _draw(w, p, key, s, who[:m], free[s])
                continue
            room = rooms(w, s, rounding)
            for g in range(room.size):
                own = 0
                for k in range(m):
                    if group_of(w, np.int64(who[k])) == g:
                        grouped[own] = who[k]
                        own += 1
                _draw(w, p, key, s, grouped[:own], room[g])


@kernel
def _draw(w: World, p: Waiting, key: np.uint64, s: int, who: A, free: Int) -> None:
    """Begin the help of all who wait, or of the `free` with the smallest keys."""
    people, d = w.people, w.services.domain[s]
    i: Int
    if who.size <= free:
        for k in range(who.size):
            _begin(w, p, d, np.int64(who[k]), s)
        return
    if free == 0:
        return
    keys = np.empty(who.size, np.uint64)
    for k in range(who.size):
        i = np.int64(who[k])
        weight = w.places.weight[people.neighbourhood[i]] * (p.urgency if people.level[d, i] == 2 else 1.0)
        keys[k] = _turn(uniform(key, i), weight)
    last, ties = kth_smallest(keys.copy(), free - 1), free
    for k in range(who.size):
        ties -= np.int64(keys[k] < last)
    for k in range(who.size):
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
