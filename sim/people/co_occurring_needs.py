"""Counts recoveries of people with one need and of people with several, as one service seldom ends several needs.

Claim     Each month, by domain, of people with emerging or serious need there at its start: how many improved, counted
          separately for people without a need in any other domain and for people with needs in two or more others. The
          sizes of both groups are surveyed half a year after the birthday, of everybody or of a sample, as in
          networks/survey.py.
Evidence  None needed: counting. That several needs sustain one another is in people/need.py, and that they keep people
          from asking for help in people/help_seeking.py.
Limits    People with a need in exactly one other domain are in neither group.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.codes import EMPTY_SLOT
from sim.state.updates import counted, survey_slots
from sim.state.world import World

SEVERAL = 2
"""Least number of needs in other domains that counts as several."""


@kernel
def needs_of(w: World, i: Int) -> Int:
    """The number of domains in which a person had a need at the start of the month."""
    count: Int = 0
    for d in range(w.people.before.shape[0]):
        count += np.int64(w.people.before[d, i] > 0)
    return count


@mechanism(
    Phase.SURVEY,
    NoParams,
    reads="people.age people.before people.dwelling dwellings.head rates.household rates.asked_every",
    writes="tally.need_alone tally.need_several",
    by_part=True,
)
@kernel
def survey_needs(w: World, p: NoParams, clock: Clock) -> None:
    people, tally, before = w.people, w.tally, w.people.before
    head_of, household = w.dwellings.head, w.rates.household
    i: Int
    first, last, step = survey_slots(w, clock.month)
    each = w.rates.asked_every[0]
    for i in range(first, last, step):
        others = needs_of(w, i) - 1
        if others >= 0 and people.age[i] != EMPTY_SLOT:
            alone, several = np.int64(others == 0), np.int64(others >= SEVERAL)
            head = np.int64(head_of[people.dwelling[i]] == i)
            for d in range(before.shape[0]):  # branch-free: these branches are unpredictable
                need = np.int64(before[d, i] == 1) + np.int64(before[d, i] == 2)
                need *= max(head, 1 - np.int64(household[d]))
                tally.need_alone[d] += need * alone * each
                tally.need_several[d] += need * several * each


@mechanism(
    Phase.MEMORY,
    NoParams,
    reads="people.before people.dwelling dwellings.head rates.household "
    "screen.events screen.event_row screen.event_domain screen.event_to",
    writes="tally.eased_alone tally.eased_several",
    name="eased_needs",
    by_part=True,
)
@kernel
def count_eased(w: World, p: NoParams, clock: Clock) -> None:
    screen, tally, before = w.screen, w.tally, w.people.before
    i: Int
    for k in range(screen.events[0]):
        i, d = np.int64(screen.event_row[k]), np.int64(screen.event_domain[k])
        old = before[d, i]
        if 1 <= old <= 2 and screen.event_to[k] < old and counted(w, d, i):
            others = needs_of(w, i) - 1
            tally.eased_alone[d] += 1 if others == 0 else 0
            tally.eased_several[d] += 1 if others >= SEVERAL else 0
