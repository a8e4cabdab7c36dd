"""Most people have no event in most months: one cheap random draw a person and domain finds the few candidates.

Claim     A person is a candidate in a domain if this month's draw u lies where an event is possible at all:
          u < up_bound (need gets worse), u > 1 - down_bound (better), or 1/2 <= u < 1/2 + ask_bound (a help event).
          The bounds are upper bounds of the true probabilities, so the thinning is exact. At the end of a month the
          levels of all people are stored as the levels at the start of the next: a month reads other people's levels
          of that date. The highest level of each person is published to others after all parts of the place are done
          (news).
Evidence  none needed: arithmetic.
Limits    Worsening, improving and a help event exclude one another within a month.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import find_zones, is_high, is_low, is_middle
from sim.state.codes import EMPTY_SLOT, GONE
from sim.state.columns import A, column
from sim.state.world import World

STREAM = stream("need and help")


class CandidateThinningState(NamedTuple):
    """What this month leaves for the next."""

    worst_next: Annotated[A, column("u1", "person", "0-3, +4", "the same as this month leaves it, for the next")]


@kernel
def need_key(clock: Clock, d: Int) -> np.uint64:
    """The key of this month's draws in a domain, for need and for help."""
    return month_key(clock.seed, STREAM + np.uint64(d), clock.month)


@mechanism(
    Phase.REMEMBER,
    state=CandidateThinningState,
    reads="people.level people.age",
    writes="people.before candidate_thinning.worst_next",
    name="remembering",
    by_part=True,
)
@kernel
def store_levels(w: World, p: NoParams, clock: Clock) -> None:
    people = w.people
    state: CandidateThinningState = w.private.candidate_thinning
    first, last = w.part.person[0], w.part.person[1]
    worst, age = state.worst_next[first:last], people.age[first:last]
    for i in range(worst.size):
        worst[i] = np.uint8(GONE if age[i] == EMPTY_SLOT else 0)
    for d in range(people.level.shape[0]):
        _store_domain(people.level[d, first:last], people.before[d, first:last], worst)


@kernel
def _store_domain(level: A, before: A, worst: A) -> None:
    for i in range(level.size):
        before[i] = level[i]
        worst[i] = max(worst[i], level[i])  # an empty slot has no levels


@mechanism(
    Phase.REMEMBER,
    state=CandidateThinningState,
    reads="candidate_thinning.worst_next",
    writes="people.worst",
    name="news",
    after="remembering",
    by_part=True,
)
@kernel
def publish_worst_levels(w: World, p: NoParams, clock: Clock) -> None:
    state: CandidateThinningState = w.private.candidate_thinning
    first, last = w.part.person[0], w.part.person[1]
    worst, worst_next = w.people.worst[first:last], state.worst_next[first:last]
    for i in range(worst.size):  # a separate step: until every part is done, others still read the old value
        worst[i] = worst_next[i]


@mechanism(
    Phase.CANDIDATE_THINNING,
    reads="people.up_bound people.down_bound people.ask_bound",
    writes="screen.worse_row screen.worse screen.better_row screen.better screen.ask_row screen.asking screen.tops "
    "screen.marks screen.found_row screen.found_top screen.events",
    by_part=True,
)
@kernel
def find_candidates(w: World, p: NoParams, clock: Clock) -> None:
    people, scratch = w.people, w.screen
    first, last = w.part.person[0], w.part.person[1]
    scratch.events[0] = 0
    for d in range(people.level.shape[0]):
        candidates = find_zones(
            need_key(clock, d),
            first,
            people.up_bound[d, first:last],
            people.down_bound[d, first:last],
            people.ask_bound[d, first:last],
            scratch.tops,
            scratch.marks,
            scratch.found_row,
            scratch.found_top,
        )
        _sort_candidates(w, d, candidates)


@kernel
def _sort_candidates(w: World, d: int, candidates: Int) -> None:
    """Sort candidates into three lists, by the event that their draw makes possible.

    Branch-free: each candidate is written to every list, and the counts decide which entries stay. The branches would
    be unpredictable.
    """
    people, screen = w.people, w.screen
    up_bound, down_bound, ask_bound = people.up_bound[d], people.down_bound[d], people.ask_bound[d]
    worse_row, better_row, ask_row = screen.worse_row[d], screen.better_row[d], screen.ask_row[d]
    worse: Int = 0
    better: Int = 0
    asking: Int = 0
    for k in range(candidates):
        row, top = screen.found_row[k], np.uint32(screen.found_top[k])
        worse_row[worse], better_row[better], ask_row[asking] = row, row, row
        up = np.int64(is_low(top, up_bound[row]))
        worse += up
        better += np.int64(is_high(top, down_bound[row])) * (1 - up)
        asking += np.int64(is_middle(top, ask_bound[row]))
    screen.worse[d], screen.better[d], screen.asking[d] = worse, better, asking
