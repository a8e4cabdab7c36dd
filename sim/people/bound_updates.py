"""Collects the people whose state changed, so that their thinning bounds are recomputed.

Claim     The list `renew` holds the slots with `changed` set. At its front are the slots whose level rose or whose
          resilience fell: all of their bounds are due. At its back, from the end on, are the others: only the bounds of
          the domains marked in `changed` are due. Quantities that many people share (the quality of a service; the
          practice, exposure, outreach and infant signposting of a neighbourhood) are bounded with a margin. Once such a
          quantity leaves its margin, everybody concerned counts as changed.
Evidence  none needed: bookkeeping.
Limits    A mechanism that changes a quantity on which a bound rests must set `changed`. Otherwise the bound may be too
          low, and events are lost.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.codes import ANYTHING, HELP_ONLY, INFANT, LEVEL, RESILIENCE_ONLY, TRUST_ONLY, WAITING
from sim.state.updates import HELP_DOMAINS
from sim.state.world import World

ROOM = 0.1
"""Relative margin by which a shared factor may move before bounds are recomputed."""
LEAST_ROOM = 0.02
"""Smallest absolute margin, for a factor that starts at 0: without it, a growing factor would leave its margin every
month."""


DOMAIN_OF_BIT = np.array([next((d for d in range(5) if bits >> d & 1), 5) for bits in range(HELP_ONLY + 1)], np.int64)
"""The first domain among the domain bits of `changed`, or 5 for none."""


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
def widen_margins(w: World, p: NoParams, clock: Clock) -> None:
    services, places, changed, help_of, age = w.services, w.places, w.people.changed, w.people.help, w.people.age
    moved = np.zeros(services.quality.size, np.uint8)
    any_moved = False
    for s in range(services.quality.size):
        if not services.quality_low[s] <= services.quality[s] <= services.quality_high[s]:
            services.quality_low[s] = services.quality[s] * (1.0 - ROOM)
            services.quality_high[s] = services.quality[s] * (1.0 + ROOM)
            moved[s], any_moved = 1, True
    if any_moved:
        for d in range(help_of.shape[0]):
            for i in range(changed.size):
                code = np.int64(help_of[d, i])
                if 0 < code < WAITING and moved[code - 1]:
                    changed[i] |= np.uint8(1 << d if d < HELP_DOMAINS else ANYTHING)
    for n in range(places.practice.size):
        first, last = np.int64(places.first[n]), np.int64(places.first[n + 1])
        effect, reasons = places.practice[n] * places.fit[n], 0
        if not places.practice_low[n] <= effect <= places.practice_high[n]:
            places.practice_low[n] = effect * (1.0 - ROOM)
            places.practice_high[n] = effect * (1.0 + ROOM)
            reasons = ANYTHING
        for d in range(places.exposure.shape[0]):
            if places.exposure[d, n] > places.exposure_top[d, n]:
                places.exposure_top[d, n] = 1.0 + (places.exposure[d, n] - 1.0) * (1.0 + ROOM)
                places.exposure_top[d, n] = max(places.exposure_top[d, n], places.exposure[d, n] * 1.02)
                reasons |= RESILIENCE_ONLY
        if places.outreach[n] > places.outreach_top[n]:
            places.outreach_top[n] = places.outreach[n] * (1.0 + ROOM)
            reasons |= TRUST_ONLY
        if reasons > 0:
            for i in range(first, last):
                changed[i] |= np.uint8(reasons)
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
def collect_changed(w: World, p: NoParams, clock: Clock) -> None:
    first, last = w.part.person[0], w.part.person[1]
    changed, renew, reason = w.people.changed[first:last], w.screen.renew, w.screen.reason
    rows, bits = w.screen.found_row, w.screen.found_top
    k: Int = 0
    for i in range(changed.size):
        rows[k], bits[k] = np.uint32(first + i), np.uint16(changed[i])
        k += np.int64(changed[i] != 0)
        if k == rows.size:
            break
    renewals: Int = 0
    amendments: Int = 0
    for j in range(k):  # branch-free: each row is written to both ends, and the counts decide which entry stays
        front, back = renewals, renew.size - 1 - amendments
        renew[front], renew[back] = rows[j], rows[j]
        reason[front], reason[back] = np.uint8(bits[j]), np.uint8(bits[j])
        all_due = np.int64(bits[j] & np.uint16(LEVEL | RESILIENCE_ONLY) != 0)
        renewals += all_due
        amendments += 1 - all_due
    w.screen.renewals[0], w.screen.amendments[0] = renewals, amendments
    changed[:] = 0


@inlined
def due_for_bounds(w: World, k: Int) -> Int:
    """The position in `renew` of the k-th person whose bounds are due: first the renewals, then the amendments."""
    renewals: Int = w.screen.renewals[0]
    return k if k < renewals else w.screen.renew.size - 1 - (k - renewals)
