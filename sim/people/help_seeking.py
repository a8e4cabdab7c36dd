"""People ask for help if they trust that it comes; at the threshold some are turned away, and that is remembered.

Claim     Somebody with emerging or serious need and no help asks service s this month with probability
          ask[s] * trust / 0.6, for every service that serves their domain, level and age. A share refused[s]
          is turned away; the others join the queue. People who wait give up with probability give_up[s], help ends
          for another reason than recovery with probability end[s]. A refusal lowers trust by `hurt`.
Evidence  ask[s] is solved from published caseloads, waits and refusals (calibration). Refusals: B20, B36 and the
          catalogue. hurt: assumed; V-targets and F give only that trust matters, not how much.
Limits    One service asked at a time in a domain. Who is refused is chance, not severity, above the level served.
"""

from __future__ import annotations

import numpy as np

from sim.bookkeeping import refused_share, set_help, still_asks
from sim.engine.draws import UNIT, month_key, stream, uniform
from sim.engine.jit import Int, kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, share
from sim.people.need import ceil16
from sim.state import NOBODY, USUAL_TRUST, WAITING, World

WHICH = stream("which service is asked")
THRESHOLD = stream("threshold")
READY = stream("who still asks")
MOST = 0.28
"""Largest monthly probability of a help event: what the screen leaves room for."""


class HelpSeeking(Params):
    """What trust does to asking, and what a refusal does to trust."""

    hurt: float = share(0.15, low=0.0, high=0.4, source="assumed", meaning="trust lost by being turned away")


@kernel
def help_event(w: World, d: int, i: Int, trust: float) -> float:
    """Probability of a help event this month: asking, giving up, or help ending."""
    code, level = np.int64(w.people.help[d, i]), w.people.level[d, i]
    if code >= WAITING:
        gives_up: float = min(MOST, w.services.give_up[code - WAITING])
        return gives_up
    if code > 0:
        ends: float = min(MOST, w.services.end[code - 1])
        return ends
    if level == 0 or level == 3:
        return 0.0
    asks: float = min(MOST, w.rates.asks[d, level, w.people.band[i]] * trust / USUAL_TRUST)
    return asks


@mechanism(
    Phase.HELP_SEEKING,
    HelpSeeking,
    reads="screen.row screen.draw screen.count people.level people.band people.quintile people.ask_bound "
    "services.refused people.neighbourhood aims.groups aims.group aims.offer aims.refuse aims.ask",
    writes="people.help people.trust people.changed tally.asked tally.turned_away tally.gave_up tally.unmet "
    "tally.helped tally.waiting tally.ended services.helped services.queue",
)
@kernel
def seek(w: World, p: HelpSeeking, clock: Clock) -> None:
    people = w.people
    for d in range(people.level.shape[0]):
        which = month_key(clock.seed, WHICH + np.uint64(d), clock.month)
        gate = month_key(clock.seed, THRESHOLD + np.uint64(d), clock.month)
        ready = month_key(clock.seed, READY + np.uint64(d), clock.month)
        for k in range(w.screen.count[d]):
            i = np.int64(w.screen.row[d, k])
            top = np.uint16(w.screen.draw[d, k] >> np.uint32(16))
            if np.uint16(top - np.uint16(32768)) >= people.ask_bound[d, i]:
                continue
            u = (np.float64(w.screen.draw[d, k]) + 0.5) * UNIT - 0.5
            if u >= help_event(w, d, i, people.trust[i]):
                continue
            code, q = np.int64(people.help[d, i]), people.quintile[i]
            if code >= WAITING:
                w.tally.gave_up[code - WAITING, q] += 1
                set_help(w, d, i, 0)
            elif code > 0:
                set_help(w, d, i, 0)
            else:
                s = _choose(w, d, people.level[d, i], people.band[i], uniform(which, i))
                if not still_asks(w, s, i, uniform(ready, i)):
                    continue
                w.tally.asked[s, q] += 1
                if uniform(gate, i) < refused_share(w, s, i):
                    w.tally.turned_away[s, q] += 1
                    people.trust[i] = np.float32(max(0.0, people.trust[i] - p.hurt))
                else:
                    set_help(w, d, i, WAITING + s)


@kernel
def _choose(w: World, d: int, level: int, band: int, u: float) -> int:
    """The service asked: in proportion to how often each is asked."""
    left = u * w.rates.asks[d, level, band]
    last = -1
    for s in range(w.services.domain.size):
        if w.services.domain[s] == d and w.services.serves[s, level] == 1 and w.services.bands[s, band] == 1:
            last = s
            left -= w.rates.ask[s]
            if left < 0.0:
                return s
    return last


@mechanism(
    Phase.REFRESH,
    HelpSeeking,
    reads="people.level people.help people.trust people.band people.age screen.renew screen.renewals dwellings.head",
    writes="people.ask_bound",
    name="help_seeking_bounds",
    after="renewal",
)
@kernel
def bound(w: World, p: HelpSeeking, clock: Clock) -> None:
    people, services = w.people, w.services
    level_of, help_of, age, trust, band = people.level, people.help, people.age, people.trust, people.band
    dwelling, head_of, household, ask_bound = people.dwelling, w.dwellings.head, w.rates.household, people.ask_bound
    asks, give_up, end = w.rates.asks, services.give_up, services.end
    renew = w.screen.renew
    for k in range(w.screen.renewals[0]):
        i = np.int64(renew[k])
        alive = age[i] != NOBODY
        head = alive and head_of[dwelling[i]] == i
        # Trust that drifts back up to its usual level needs no new bound.
        trusting = max(trust[i], USUAL_TRUST) / USUAL_TRUST
        for d in range(level_of.shape[0]):
            most = 0.0
            if alive and (head or household[d] == 0):
                code, level = np.int64(help_of[d, i]), level_of[d, i]
                if code >= WAITING:
                    most = give_up[code - WAITING]
                elif code > 0:
                    most = end[code - 1]
                elif level == 1 or level == 2:
                    most = asks[d, level, band[i]] * trusting
            ask_bound[d, i] = ceil16(min(MOST, most))
