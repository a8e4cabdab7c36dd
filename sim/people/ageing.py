"""Everybody has a birthday once a year, and some people of 18 to 30 leave home.

Claim     In the month given by their slot, people grow a year older, up to the age of 109. Help for which a person is
          then too old ends. A crisis becomes serious need if no acute service takes crises of both the old and the new
          age band (a child in care who turns 18 leaves care with serious need). A person of 18 to 30 who is not the
          reference person of the household leaves with probability `leaves` a year, to the smallest empty home of the
          neighbourhood, if there is one.
Evidence  leaves: assumed, from a mean age of leaving home of about 24.
Limits    Birthdays follow the slot, not the season. Nobody grows older than 109.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import AGE_BANDS, Params, share
from sim.state.codes import EMPTY_SLOT
from sim.state.updates import birthday_slots, count_person, occupy, set_age, set_help, set_level, still_served, vacate
from sim.state.world import World

LEAVE = stream("leaving home")
LAST_AGE = 109
BAND_OF_AGE = np.array([next(b for b, (x, y) in enumerate(AGE_BANDS) if x <= age <= y) for age in range(110)], np.uint8)


class Ageing(Params):
    """Leaving home."""

    leaves: float = share(
        0.15,
        low=0.05,
        high=0.3,
        source="assumed: mean age of leaving home about 24",
        meaning="yearly probability of leaving home at 18 to 30",
    )


@kernel
def _share_acute_service(w: World, d: int, old: int, new: int) -> bool:
    """Whether one acute service takes crises of both age bands."""
    for s in range(w.services.domain.size):
        if w.services.domain[s] == d and w.services.crisis_share[s, old] > 0 and w.services.crisis_share[s, new] > 0:
            return True
    return False


@kernel
def _empty_home(w: World, n: int) -> Int:
    """The smallest empty dwelling in neighbourhood n, or -1."""
    smallest: Int
    best, smallest = -1, 99
    for home in range(np.int64(w.places.first_dwelling[n]), np.int64(w.places.first_dwelling[n + 1])):
        size = np.int64(w.dwellings.first[home + 1]) - np.int64(w.dwellings.first[home])
        if w.dwellings.occupants[home] == 0 and size < smallest:
            best, smallest = home, size
    return best


@kernel
def leave_home(w: World, i: Int) -> None:
    """Move a person, with their needs and help, to an empty home of the neighbourhood, if there is one."""
    people = w.people
    home = _empty_home(w, people.neighbourhood[i])
    if home < 0:
        return
    j = np.int64(w.dwellings.first[home])
    occupy(w, j, people.age[i], people.band[i], people.female[i], people.resilience[i], people.trust[i])
    w.dwellings.head[home] = np.uint32(j)
    for d in range(people.level.shape[0]):
        # A household's need stays with the household; a person's need and help move with the person.
        if w.rates.household[d] == 0:
            people.level[d, j] = people.level[d, i]
            people.before[d, j] = people.before[d, i]
            people.help[d, j] = people.help[d, i]
    count_person(w, j, 1)
    vacate(w, i)


@mechanism(
    Phase.LIFE,
    Ageing,
    reads="people.age dwellings.occupants dwellings.first services.crisis_share",
    writes="people.age people.band people.level people.help people.changed tally.people tally.census "
    "tally.unmet tally.helped tally.waiting tally.ended tally.moved_out dwellings.head dwellings.occupants "
    "services.helped services.queue people.before people.female people.resilience people.trust people.refused "
    "screen.event_row screen.event_domain screen.event_to screen.events",
    by_part=True,
)
@kernel
def grow_older(w: World, p: Ageing, clock: Clock) -> None:
    people = w.people
    key = month_key(clock.seed, LEAVE, clock.month)
    first, last = birthday_slots(w, clock.month)
    for i in range(first, last, 12):
        if people.age[i] == EMPTY_SLOT:
            continue
        old = people.band[i]
        age: Int = min(LAST_AGE, np.int64(people.age[i]) + 1)  # type: ignore[assignment]  # min of two kinds of whole number
        set_age(w, i, age, BAND_OF_AGE[age])
        if people.band[i] != old:
            for d in range(people.level.shape[0]):
                if (
                    people.level[d, i] == 3
                    and w.rates.household[d] == 0
                    and not _share_acute_service(w, d, old, people.band[i])
                ):
                    set_level(w, d, i, 2)
                if people.help[d, i] > 0 and not still_served(w, d, i):
                    set_help(w, d, i, 0)
        if 18 <= age <= 30 and w.dwellings.head[people.dwelling[i]] != i and uniform(key, i) < p.leaves:
            leave_home(w, i)
