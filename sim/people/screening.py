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
from sim.state import A, World

STREAM = stream("need and help")
HALF, ALL = np.uint32(32768), np.uint32(65535)


@kernel
def _remember(level: A, before: A, worst: A) -> None:
    for i in range(level.size):
        before[i] = level[i]
        worst[i] = max(worst[i], level[i])


@kernel
def _mark(bits: A, up: A, down: A, ask: A, marks: A) -> None:
    for i in range(bits.size):
        top = np.uint32(bits[i] >> np.uint32(16))
        worse = top < np.uint32(up[i])
        better = np.uint32(ALL - top) < np.uint32(down[i])
        event = np.uint32(top - HALF) < np.uint32(ask[i])
        marks[i] = np.uint8(worse | better | event)


@kernel
def _gather(bits: A, marks: A, row: A, draw: A) -> int:
    """Collect the marked, looking closer only at groups of eight in which somebody is."""
    eights = marks[: marks.size // 8 * 8].view(np.uint64)
    k = 0
    for g in range(eights.size):
        if eights[g] != 0:
            for i in range(8 * g, 8 * g + 8):
                if marks[i]:
                    row[k] = np.uint32(i)
                    draw[k] = bits[i]
                    k += 1
    for i in range(8 * eights.size, marks.size):
        if marks[i]:
            row[k] = np.uint32(i)
            draw[k] = bits[i]
            k += 1
    return k


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
        fill_bits(month_key(clock.seed, STREAM + np.uint64(d), clock.month), 0, scratch.bits)
        _mark(scratch.bits, people.up_bound[d], people.down_bound[d], people.ask_bound[d], scratch.marks)
        scratch.count[d] = _gather(scratch.bits, scratch.marks, scratch.row[d], scratch.draw[d])
