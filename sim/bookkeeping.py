"""Changing a person's level, help, age or presence, with every count kept true.

Mechanisms change people through these verbs, so that a recount always equals the running counts (a law the tests
hold every scenario to).
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.state import NOBODY, WAITING, World

EMPTY = np.uint8(NOBODY)
YEARS_BOUNDED = 5
"""Bounds hold for the ages up to the next multiple of this: growing a year older seldom asks for new ones."""


BOUND_STEP = 16.0
"""Bounds are worked out anew when what multiplies a hazard for a whole neighbourhood crosses a sixteenth."""


@kernel
def stepped(factor: float, way: float) -> float:
    """The next step above (way 1) or below (way -1) a factor that bounds rest on; 1 stays 1."""
    if factor == 1.0:
        return 1.0
    return (math.ceil(factor * BOUND_STEP) if way > 0.0 else math.floor(factor * BOUND_STEP)) / BOUND_STEP


@kernel
def bound_anew(w: World, n: Int) -> None:
    """Everybody of a neighbourhood gets new bounds this month."""
    for i in range(np.int64(w.places.first[n]), np.int64(w.places.first[n + 1])):
        w.people.changed[i] = 1


@kernel
def counted(w: World, d: int, i: Int) -> bool:
    """Whether the person's level in this domain is counted: a household's level is its reference person's."""
    own: bool = w.rates.household[d] == 0 or w.dwellings.head[w.people.dwelling[i]] == i
    return own


@kernel
def is_helped(code: Int) -> bool | np.bool:
    """Whether a help code says that a service is helping now."""
    return 0 < code < WAITING


@kernel
def count_person(w: World, i: Int, sign: int) -> None:
    """Add a person to all stocks (sign 1) or take them out (sign -1)."""
    q, b = w.people.quintile[i], w.people.band[i]
    w.tally.people[q, b] += sign
    for d in range(w.people.level.shape[0]):
        if counted(w, d, i):
            level, code = w.people.level[d, i], np.int64(w.people.help[d, i])
            w.tally.census[d, level, q, b] += sign
            if level == 2 and not is_helped(code):
                w.tally.unmet[d, q, b] += sign
            if code >= WAITING:
                w.services.queue[code - WAITING] += sign
                w.tally.waiting[code - WAITING, q] += sign
            elif code > 0:
                w.services.helped[code - 1] += sign
                w.tally.helped[code - 1, q] += sign


@kernel
def set_help(w: World, d: Int, i: Int, code: Int) -> None:
    """Give, change or end a person's help in a domain. Codes: see `sim.state.WAITING`."""
    old = np.int64(w.people.help[d, i])
    if old == code:
        return
    q, b = w.people.quintile[i], w.people.band[i]
    if old >= WAITING:
        w.services.queue[old - WAITING] -= 1
        w.tally.waiting[old - WAITING, q] -= 1
    elif old > 0:
        w.services.helped[old - 1] -= 1
        w.tally.helped[old - 1, q] -= 1
        w.tally.ended[old - 1, q] += 1
    if code >= WAITING:
        w.services.queue[code - WAITING] += 1
        w.tally.waiting[code - WAITING, q] += 1
    elif code > 0:
        w.services.helped[code - 1] += 1
        w.tally.helped[code - 1, q] += 1
        w.tally.started[code - 1, q] += 1
    if w.people.level[d, i] == 2:
        w.tally.unmet[d, q, b] += np.int64(is_helped(old)) - np.int64(is_helped(code))
    w.people.help[d, i] = np.uint8(code)
    w.people.changed[i] = 1


@kernel
def still_served(w: World, d: int, i: Int) -> bool:
    """Whether the service that helps (or will help) the person still serves their level and age."""
    code = np.int64(w.people.help[d, i])
    s = code - WAITING if code >= WAITING else code - 1
    served: bool = w.services.serves[s, w.people.level[d, i]] == 1 and w.services.bands[s, w.people.band[i]] == 1
    return served


@kernel
def set_level(w: World, d: int, i: Int, level: int) -> None:
    """Change a person's level in a domain (of a household: everybody's who lives there), and end help that no
    longer fits. Adds the change to the month's events."""
    old = w.people.level[d, i]
    if old == level:
        return
    q, b = w.people.quintile[i], w.people.band[i]
    helped = is_helped(np.int64(w.people.help[d, i]))
    w.tally.census[d, old, q, b] -= 1
    w.tally.census[d, level, q, b] += 1
    if not helped:
        w.tally.unmet[d, q, b] += np.int64(level == 2) - np.int64(old == 2)
    w.people.level[d, i] = np.uint8(level)
    w.people.changed[i] = 1
    if w.rates.household[d] == 1:
        home = np.int64(w.people.dwelling[i])
        for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
            if w.people.age[j] != EMPTY:
                w.people.level[d, j] = np.uint8(level)
                w.people.changed[j] = 1
    # Waiting or being helped ends when the new level is not one the service is for.
    if w.people.help[d, i] > 0 and not still_served(w, d, i):
        set_help(w, d, i, 0)
    n = w.screen.events[0]
    if n < w.screen.event_row.size:
        w.screen.event_row[n] = np.uint32(i)
        w.screen.event_domain[n] = np.uint8(d)
        w.screen.event_to[n] = np.uint8(level)
        w.screen.events[0] = n + 1


@kernel
def set_age(w: World, i: Int, age: Int, band: int) -> None:
    """Change a person's age; counts move with them from one age band to the next."""
    if band != w.people.band[i]:
        count_person(w, i, -1)
        w.people.age[i] = np.uint8(age)
        w.people.band[i] = np.uint8(band)
        count_person(w, i, 1)
        w.people.changed[i] = 1
    else:
        w.people.age[i] = np.uint8(age)
        if age % YEARS_BOUNDED == 0:
            w.people.changed[i] = 1


@kernel
def _empty(w: World, i: Int) -> None:
    """Clear a slot, and take who was in it out of the counts."""
    count_person(w, i, -1)
    w.people.age[i] = EMPTY
    w.people.changed[i] = 1
    for d in range(w.people.level.shape[0]):
        w.people.level[d, i] = 0
        w.people.help[d, i] = 0


@kernel
def vacate(w: World, i: Int) -> None:
    """Take a person out of their slot. If they were the reference person, the oldest adult left takes over with the
    household's level and help; children left alone go too."""
    home = np.int64(w.people.dwelling[i])
    first, last = np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])
    was_head = w.dwellings.head[home] == i
    inherited = w.people.help[:, i].copy()
    _empty(w, i)
    w.dwellings.occupants[home] -= np.uint8(1)
    if was_head and w.dwellings.occupants[home] > 0:
        heir = -1
        for j in range(first, last):
            if w.people.age[j] != EMPTY and w.people.age[j] >= 16:
                if heir < 0 or w.people.age[j] > w.people.age[heir]:
                    heir = j
        if heir >= 0:
            count_person(w, heir, -1)
            w.dwellings.head[home] = np.uint32(heir)
            for d in range(w.people.level.shape[0]):
                if w.rates.household[d] == 1:
                    w.people.help[d, heir] = inherited[d]
            count_person(w, heir, 1)
            w.people.changed[heir] = 1
            for d in range(w.people.level.shape[0]):
                if w.people.help[d, heir] > 0 and not still_served(w, d, heir):
                    set_help(w, d, heir, 0)
        else:
            for j in range(first, last):
                if w.people.age[j] != EMPTY:
                    _empty(w, j)
                    w.tally.moved_out[w.people.quintile[j]] += 1
            w.dwellings.occupants[home] = 0


@kernel
def occupy(w: World, i: Int, age: int, band: int, female: int, resilience: float, trust: float) -> None:
    """Put a new person, without needs yet, into an empty slot. Counting is up to the caller (`count_person`)."""
    w.people.age[i] = np.uint8(age)
    w.people.band[i] = np.uint8(band)
    w.people.female[i] = np.uint8(female)
    w.people.resilience[i] = np.float32(resilience)
    w.people.trust[i] = np.float32(trust)
    w.people.changed[i] = 1
    w.dwellings.occupants[w.people.dwelling[i]] += np.uint8(1)
    for d in range(w.people.level.shape[0]):
        w.people.level[d, i] = 0
        w.people.before[d, i] = 0
        w.people.help[d, i] = 0
