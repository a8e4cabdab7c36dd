"""Help begins for those who wait and are called.

Claim     Whoever is called in the month's lottery (services/queue_allocation.py) begins: serious need has better odds there. A
          start moves trust by known * (1 + bond * (continuity / providers^0.1 * fit - 1)): being passed round, or
          given what does not fit, can cost more trust than being helped at all gains.
          Places are given when all else has happened in the month: help counts from the next one on.
Evidence  bond: assumed; M47, M58 for the direction. Queue lengths are not fitted here: asking is calibrated so that the
          baseline's mean wait is the published one.
Limits    Who is called comes.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.prefetch import ask_for
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.services.queues import URGENT, listed, turn_of
from sim.state.tables import TRUST_ONLY, WAITING, World
from sim.state.updates import group_of, is_split, set_help

AHEAD = 8
"""How many people ahead somebody is asked for whose help is to begin."""


class Waiting(Params):
    """Triage and what a start of help does."""

    urgency: float = number(
        3.0,
        low=1.0,
        high=10.0,
        unit="weight",
        source="assumed",
        meaning="odds of serious over emerging need in the queue",
    )
    known: float = share(0.05, low=0.0, high=0.2, source="assumed", meaning="trust gained when help begins")
    bond: float = number(
        2.0,
        low=0.0,
        high=4.0,
        unit="multiple",
        source="assumed; M47, M58: direction",
        meaning="how far that gain follows continuity of worker and fit of help",
    )


@kernel
def weight_of(w: World, p: Waiting, n: Int, what: np.uint8) -> float:
    """The odds in the lottery of somebody in a neighbourhood, by what they wait for."""
    weight: float = w.places.weight[n] * (p.urgency if what >= URGENT else 1.0)
    return weight


@mechanism(
    Phase.SERVICE,
    Waiting,
    reads="people.level people.neighbourhood people.help people.quintile people.band people.trust services.called "
    "services.last_turn services.last_row services.domain services.continuity services.providers services.fit "
    "places.weight aims.groups aims.group aims.offer places.queue_row places.queue_what places.queue_race "
    "places.queued",
    writes="people.help people.trust people.changed tally.started tally.helped tally.waiting tally.unmet "
    "services.helped services.queue screen.marks screen.found_row screen.renew screen.reason",
    after="queue_allocation",
    by_part=True,
)
@kernel
def start_help(w: World, p: Waiting, clock: Clock) -> None:
    services, chosen, of = w.services, w.screen.renew, w.screen.reason  # whom bounds were due for is done with
    split = np.array([is_split(w, s) for s in range(services.domain.size)])
    many: Int = 0
    for n in range(w.part.neighbourhood[0], w.part.neighbourhood[1]):
        row, what, race = listed(w, clock, n)
        for k in range(row.size):
            s, i = np.int64(what[k]) % URGENT, np.int64(row[k])
            g: Int = group_of(w, i) if split[s] else 0
            turn, last = turn_of(race[k], weight_of(w, p, n, what[k])), services.last_turn[s, g]
            if turn < last or (turn == last and row[k] < services.last_row[s, g]):
                chosen[many], of[many] = row[k], np.uint8(s)
                many += 1
                if many == of.size:
                    _begin_all(w, p, many)
                    many = 0
    _begin_all(w, p, many)


@kernel
def _begin_all(w: World, p: Waiting, many: Int) -> None:
    """Begin the help of those who are noted in scratch, each with their service."""
    chosen, of, domain = w.screen.renew, w.screen.reason, w.services.domain
    for k in range(many):
        if k + AHEAD < many:
            ask_for_person(w, domain[of[k + AHEAD]], np.int64(chosen[k + AHEAD]))
        s, i = np.int64(of[k]), np.int64(chosen[k])
        if w.people.help[domain[s], i] == WAITING + s:  # to some the service may have closed since they were listed
            _begin(w, p, domain[s], i, s)


@inlined
def ask_for_person(w: World, d: Int, i: Int) -> None:
    """Ask memory for what is looked at, and changed, when somebody's help begins."""
    people = w.people
    ask_for(people.help[d], i)
    ask_for(people.level[d], i)
    ask_for(people.trust, i)
    ask_for(people.changed, i)
    ask_for(people.quintile, i)
    ask_for(people.band, i)


@kernel
def relation(w: World, s: Int) -> float:
    """How far a service is one that knows people and fits them, 1 = baseline."""
    known: float = w.services.continuity[s] / w.services.providers[s] ** 0.1 * w.services.fit[s]
    return known


@kernel
def _begin(w: World, p: Waiting, d: Int, i: Int, s: Int) -> None:
    set_help(w, d, i, 1 + s)
    gain = p.known * (1.0 + p.bond * (relation(w, s) - 1.0))
    w.people.trust[i] = np.float32(min(1.0, max(0.0, w.people.trust[i] + gain)))
    w.people.changed[i] |= np.uint8(TRUST_ONLY)
