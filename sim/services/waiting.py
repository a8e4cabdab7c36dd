"""Help begins for the people who wait and are called.

Claim     The people called in the month's queue allocation (services/queue_allocation.py) begin; serious need has
          better odds there. A start moves trust, within 0 to 1, by known * (1 + bond * (continuity / divided * fit -
          1)): being passed from worker to worker, or getting help that does not fit, can cost more trust than being
          helped at all gains. Places are allocated at the end of the month: help counts from the next month on.
Evidence  bond: assumed; M47, M58 for the direction. Queue lengths are not fitted here: asking is calibrated so that the
          baseline's mean wait is the published one.
Limits    Everybody who is called comes.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.prefetch import prefetch
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.services.queues import URGENT, turn_of, waiting_list
from sim.state.codes import TRUST_ONLY, WAITING
from sim.state.updates import group_of, is_split, set_help
from sim.state.world import World

PREFETCH_AHEAD = 8
"""How many people ahead the columns of a person are prefetched."""


class Waiting(Params):
    """Triage, and the effect of a start of help on trust."""

    urgency: float = number(
        3.0,
        low=1.0,
        high=10.0,
        unit="weight",
        source="assumed",
        meaning="odds of serious need over those of emerging need in a queue",
    )
    known: float = share(0.05, low=0.0, high=0.2, source="assumed", meaning="trust gained when help begins")
    bond: float = number(
        2.0,
        low=0.0,
        high=4.0,
        unit="multiple",
        source="assumed; M47, M58: direction",
        meaning="how far the gain in trust follows continuity of worker and fit of help",
    )


@kernel
def weight_of(w: World, p: Waiting, n: Int, code: np.uint8) -> float:
    """Odds in the allocation of a person in neighbourhood n, by the code of the list (services/queues.py)."""
    weight: float = w.places.weight[n] * (p.urgency if code >= URGENT else 1.0)
    return weight


@mechanism(
    Phase.SERVICE,
    Waiting,
    reads="people.level people.neighbourhood people.help people.quintile people.band people.trust "
    "services.last_turn services.last_row services.domain services.continuity services.divided services.fit "
    "places.weight aims.groups aims.group aims.offer places.queue_row places.queue_what places.queue_race "
    "places.queued",
    writes="people.help people.trust people.changed tally.started tally.helped tally.waiting tally.unmet "
    "services.helped services.queue screen.marks screen.found_row screen.renew screen.reason",
    after="queue_allocation",
    by_part=True,
)
@kernel
def start_help(w: World, p: Waiting, clock: Clock) -> None:
    services, chosen, of = w.services, w.screen.renew, w.screen.reason  # scratch: bounds are up to date by now
    split = np.array([is_split(w, s) for s in range(services.domain.size)])
    many: Int = 0
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        row, code, race = waiting_list(w, clock, n)
        for k in range(row.size):
            s, i = np.int64(code[k]) % URGENT, np.int64(row[k])
            g: Int = group_of(w, i) if split[s] else 0
            turn, last = turn_of(race[k], weight_of(w, p, n, code[k])), services.last_turn[s, g]
            if turn < last or (turn == last and row[k] < services.last_row[s, g]):
                chosen[many], of[many] = row[k], np.uint8(s)
                many += 1
                if many == of.size:
                    _begin_all(w, p, many)
                    many = 0
    _begin_all(w, p, many)


@kernel
def _begin_all(w: World, p: Waiting, many: Int) -> None:
    """Begin the help of the people noted in scratch, each with their service."""
    chosen, of, domain = w.screen.renew, w.screen.reason, w.services.domain
    for k in range(many):
        if k + PREFETCH_AHEAD < many:
            prefetch_person(w, domain[of[k + PREFETCH_AHEAD]], np.int64(chosen[k + PREFETCH_AHEAD]))
        s, i = np.int64(of[k]), np.int64(chosen[k])
        if w.people.help[domain[s], i] == WAITING + s:  # the service may have closed to some since they were listed
            _begin(w, p, domain[s], i, s)


@inlined
def prefetch_person(w: World, d: Int, i: Int) -> None:
    """Prefetch the columns that are read and changed when a person's help begins."""
    people = w.people
    prefetch(people.help[d], i)
    prefetch(people.level[d], i)
    prefetch(people.trust, i)
    prefetch(people.changed, i)
    prefetch(people.quintile, i)
    prefetch(people.band, i)


@kernel
def relation(w: World, s: Int) -> float:
    """How far a service knows people and fits them, 1 = baseline."""
    value: float = w.services.continuity[s] / w.services.divided[s] * w.services.fit[s]
    return value


@kernel
def _begin(w: World, p: Waiting, d: Int, i: Int, s: Int) -> None:
    set_help(w, d, i, 1 + s)
    gain = p.known * (1.0 + p.bond * (relation(w, s) - 1.0))
    w.people.trust[i] = np.float32(min(1.0, max(0.0, w.people.trust[i] + gain)))
    w.people.changed[i] |= np.uint8(TRUST_ONLY)
