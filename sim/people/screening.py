"""Most people, most months, change nothing: one cheap draw a person and domain finds the few who may.

Claim     A person is a candidate in a domain if this month's draw u lies where something could happen at all:
          u < up_bound (need gets worse), u > 1 - down_bound (better), or 1/2 <= u < 1/2 + ask_bound (a help event).
          The bounds are upper bounds of the true probabilities, so the thinning is exact. Before anything else in a
          month, everybody's levels are noted as those of its start: what a month reads of others is what they were.
Evidence  none needed: arithmetic.
Limits    Worsening, improving and a help event exclude one another within a month.
"""

from __future__ import annotations

import numpy as np

from sim.engine.draws import month_key, stream
from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import find_zones
from sim.state import GONE, NOBODY, A, World

STREAM = stream("need and help")


@mechanism(
    Phase.REMEMBER,
    reads="people.level people.age",
    writes="people.before people.worst",
    name="remembering",
    by_part=True,
)
@kernel
def remember(w: World, p: NoParams, clock: Clock) -> None:
    people = w.people
    first, last = w.part.person[0], w.part.person[1]
    worst, age = people.worst[first:last], people.age[first:last]
    for i in range(worst.size):
        worst[i] = np.uint8(GONE if age[i] == NOBODY else 0)
    for d in range(people.level.shape[0]):
        _keep(people.level[d, first:last], people.before[d, first:last], worst)


@kernel
def _keep(level: A, before: A, worst: A) -> None:
    for i in range(level.size):
        before[i] = level[i]
        worst[i] = max(worst[i], level[i])  # an empty slot has no levels


@mechanism(
    Phase.SCREEN,
    reads="people.up_bound people.down_bound people.ask_bound",
    writes="screen.row screen.draw screen.count screen.bits screen.marks screen.events",
    by_part=True,
)
@kernel
def screen(w: World, p: NoParams, clock: Clock) -> None:
    people, scratch = w.people, w.screen
    first, last = w.part.person[0], w.part.person[1]
    scratch.events[0] = 0
    for d in range(people.level.shape[0]):
        scratch.count[d] = find_zones(
            month_key(clock.seed, STREAM + np.uint64(d), clock.month),
            first,
            people.up_bound[d, first:last],
            people.down_bound[d, first:last],
            people.ask_bound[d, first:last],
            scratch.bits,
            scratch.marks,
            scratch.row[d],
            scratch.draw[d],
        )
