"""Whoever changed gets new bounds: one list of them, for every mechanism that bounds its draws.

Claim     At the front of `renew` stand the slots with `changed` set whose level rose or whose resilience fell: all of
          their bounds are due; at its back, from the end on, the others: bounds of the domains in question are. What
          bears on many at once (the quality of a service, the practice, exposure and outreach of a neighbourhood) is
          bounded with some room; once it leaves that room, everybody concerned counts as changed.
Evidence  none needed: bookkeeping.
Limits    A mechanism that changes what a bound rests on must set `changed`, or leave the bound above the truth.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.tables import ANYTHING, HELP_ONLY, INFANT, LEVEL, RESILIENCE_ONLY, TRUST_ONLY, WAITING, World
from sim.state.updates import HELP_DOMAINS

ROOM = 0.1
"""How far, relatively, a common factor may move before bounds are worked out anew."""
LEAST_ROOM = 0.02
"""And how far at least, where nothing is usual: else what grows from there would leave its room every month."""


DOMAIN_OF_BIT = np.array([next((d for d in range(5) if bits >> d & 1), 5) for bits in range(HELP_ONLY + 1)], np.int64)
"""By the bits of domains in `changed`: the first of them, or 5 for none."""


@mechanism(
    Phase.REFRESH,
    NoParams,
    reads="services.quality places.practice places.fit places.exposure places.outreach places.infants places.first "
    "people.help people.age",
    writes="people.changed services.quality_low services.quality_high places.practice_low places.practice_high "
    "places.exposure_top places.outreach_top places.infants_top",
    name="room_of_bounds",
)
@kernel
def make_room(w: World, p: NoParams, clock: Clock) -> None:
    services, places, changed, help_of, age = w.services, w.places, w.people.changed, w.people.help, w.people.age
    moved = np.zeros(services.quality.size, np.uint8)
    some = False
    for s in range(services.quality.size):
        if not services.quality_low[s] <= services.quality[s] <= services.quality_high[s]:
            services.quality_low[s] = services.quality[s] * (1.0 - ROOM)
            services.quality_high[s] = services.quality[s] * (1.0 + ROOM)
            moved[s], some = 1, True
    if some:
        for d in range(help_of.shape[0]):
            for i in range(changed.size):
                code = np.int64(help_of[d, i])
                if 0 < code < WAITING and moved[code - 1]:
                    changed[i] |= np.uint8(1 << d if d < HELP_DOMAINS else ANYTHING)
    for n in range(places.practice.size):
        first, last = np.int64(places.first[n]), np.int64(places.first[n + 1])
        effect, all_of = places.practice[n] * places.fit[n], 0
        if not places.practice_low[n] <= effect <= places.practice_high[n]:
            places.practice_low[n] = effect * (1.0 - ROOM)
            places.practice_high[n] = effect * (1.0 + ROOM)
            all_of = ANYTHING
        for d in range(places.exposure.shape[0]):
            if places.exposure[d, n] > places.exposure_top[d, n]:
                places.exposure_top[d, n] = 1.0 + (places.exposure[d, n] - 1.0) * (1.0 + ROOM)
                places.exposure_top[d, n] = max(places.exposure_top[d, n], places.exposure[d, n] * 1.02)
                all_of |= RESILIENCE_ONLY
        if places.outreach[n] > places.outreach_top[n]:
            places.outreach_top[n] = places.outreach[n] * (1.0 + ROOM)
            all_of |= TRUST_ONLY
        if all_of > 0:
            for i in range(first, last):
                changed[i] |= np.uint8(all_of)
        if places.infants[n] > places.infants_top[n]:
            places.infants_top[n] = places.infants[n] * (1.0 + ROOM) + LEAST_ROOM
            for i in range(first, last):
                changed[i] |= np.uint8(RESILIENCE_ONLY if age[i] < INFANT else 0)


@mechanism(
    Phase.REFRESH,
    NoParams,
    reads="people.changed",
    writes="people.changed screen.renew screen.reason screen.renewals screen.amendments screen.found_row "
    "screen.found_top",
    after="room_of_bounds",
    by_part=True,
)
@kernel
def gather(w: World, p: NoParams, clock: Clock) -> None:
    first, last = w.part.person[0], w.part.person[1]
    changed, renew, reason = w.people.changed[first:last], w.screen.renew, w.screen.reason
    found, bits = w.screen.found_row, w.screen.found_top
    k: Int = 0
    for i in range(changed.size):
        found[k], bits[k] = np.uint32(first + i), np.uint16(changed[i])
        k += np.int64(changed[i] != 0)
        if k == found.size:
            break
    whole: Int = 0
    some: Int = 0
    for j in range(k):  # written at the front and at the back, and counted at one: asking which would cost more
        front, back = whole, renew.size - 1 - some
        renew[front], renew[back] = found[j], found[j]
        reason[front], reason[back] = np.uint8(bits[j]), np.uint8(bits[j])
        of_all = np.int64(bits[j] & np.uint16(LEVEL | RESILIENCE_ONLY) != 0)
        whole += of_all
        some += 1 - of_all
    w.screen.renewals[0], w.screen.amendments[0] = whole, some
    changed[:] = 0


@inlined
def due_for_bounds(w: World, k: Int) -> Int:
    """Where in the list the person stands who is the k-th whose bounds are due: those at the front come first."""
    whole: Int = w.screen.renewals[0]
    return k if k < whole else w.screen.renew.size - 1 - (k - whole)
