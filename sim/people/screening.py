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
from sim.state import World

STREAM = stream("need and help")
HALF = np.uint16(32768)


@mechanism(
    Phase.SCREEN,
    reads="people.level people.up_bound people.down_bound people.ask_bound",
    writes="people.before people.worst screen.row screen.draw screen.count screen.bits screen.events",
)
@kernel
def screen(w: World, p: NoParams, clock: Clock) -> None:
    people = w.people
    domains, n = people.level.shape
    w.screen.events[0] = 0
    people.worst[:] = 0
    bits = w.screen.bits
    for d in range(domains):
        level, before, worst = people.level[d], people.before[d], people.worst
        for i in range(n):
            before[i] = level[i]
            worst[i] = max(worst[i], level[i])
        key = month_key(clock.seed, STREAM + np.uint64(d), clock.month)
        fill_bits(key, 0, bits)
        up, down, ask = people.up_bound[d], people.down_bound[d], people.ask_bound[d]
        row, draw = w.screen.row[d], w.screen.draw[d]
        k = 0
        for i in range(n):
            top = np.uint16(bits[i] >> np.uint32(16))
            if top < up[i] or np.uint16(~top) < down[i] or np.uint16(top - HALF) < ask[i]:
                row[k] = np.uint32(i)
                draw[k] = bits[i]
                k += 1
        w.screen.count[d] = k
