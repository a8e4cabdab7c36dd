"""Most people, most months, change nothing: one cheap draw a person and domain finds the few who may.

Claim     A person is a candidate in a domain if this month's draw u lies where something could happen at all:
          u < up_bound (need gets worse), u > 1 - down_bound (better), or 1/2 <= u < 1/2 + ask_bound (a help event).
          The bounds are upper bounds of the true probabilities, so the thinning is exact.
Evidence  none needed: arithmetic.
Limits    Worsening, improving and a help event exclude one another within a month.
"""

from __future__ import annotations

import numpy as np

from sim.engine.draws import fill_bits, month_key, stream
from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import gather_block, mark_zones
from sim.state import A, World

STREAM = stream("need and help")
BLOCK = 4096
"""People drawn for at a time: few enough for their draws to stay in the nearest cache until they are looked at."""


@kernel
def _remember(level: A, before: A, worst: A) -> None:
    for i in range(level.size):
        before[i] = level[i]
        worst[i] = max(worst[i], level[i])


@mechanism(
    Phase.SCREEN,
    reads="people.level people.up_bound people.down_bound people.ask_bound",
    writes="people.before people.worst screen.row screen.draw screen.count screen.bits screen.marks screen.events",
)
@kernel
def screen(w: World, p: NoParams, clock: Clock) -> None:
    people, scratch = w.people, w.screen
    scratch.events[0] = 0
    people.worst[:] = 0
    for d in range(people.level.shape[0]):
        _remember(people.level[d], people.before[d], people.worst)
        key = month_key(clock.seed, STREAM + np.uint64(d), clock.month)
        up, down, ask = people.up_bound[d], people.down_bound[d], people.ask_bound[d]
        found = 0
        for first in range(0, up.size, BLOCK):
            last = min(first + BLOCK, up.size)
            bits, marks = scratch.bits[: last - first], scratch.marks[: last - first]
            fill_bits(key, first, bits)
            mark_zones(bits, up[first:last], down[first:last], ask[first:last], marks)
            found = gather_block(bits, marks, first, scratch.row[d], scratch.draw[d], found)
        scratch.count[d] = found
