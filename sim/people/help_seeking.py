"""People ask for help if they trust that it comes; at the threshold some are turned away, and that is remembered.

Claim     Somebody with emerging or serious need and no help asks service s this month with probability
          ask[s] * trust / 0.6 * getting through + outreach, for every service that serves their domain, level and age.
          getting through = (1 - silo (1 - joined up) (1 + inward * (targets - 0.5)))^(other needs) * (1 - burden *
          claim burden)^(serious needs) * (1 - digital * excluded), targets the mean over services but acute ones: each
          further agency to deal with loses some, more where each answers for its own figures; what must be proved
          loses those with most on their plate, and a door that is only online is shut to some. Outreach finds need
          that nobody helps, whatever the trust, and puts it forward where there was room at the month's start: to
          service s in proportion to spare[s] = max(0, places[s] - helped[s] - queue[s]), or as others ask if there is
          none. A share refused[s] + (1 - refused[s]) * passed * (providers - 1) is turned away, the second part lost
          between organisations; the others join the queue. People who wait give up with probability give_up[s], help
          ends for another reason than recovery with probability end[s]. A refusal lowers trust by `hurt`, giving up by
          half of it; whoever asks again after either is counted (failure demand).
Evidence  ask[s] is solved from published caseloads, waits and refusals (calibration). Refusals: B20, B36 and the
          catalogue. hurt, silo, inward, burden, excluded, passed: assumed; the register has no size. That whoever
          looks for need knows who has room: assumed.
Limits    One service asked at a time in a domain. Who is refused is chance, not severity, above the level served.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import bound_of
from sim.people.bound_updates import DOMAIN_OF_BIT, due_for_bounds
from sim.people.candidate_thinning import need_key
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, EMPTY_SLOT, HELP_ONLY, REFERENCE_TRUST, TRUST_ONLY, WAITING, A, World
from sim.state.updates import refused_share, set_help, still_asks

WHICH = stream("which service is asked")
THRESHOLD = stream("threshold")
READY = stream("who still asks")
MOST = 0.28
"""Largest monthly probability of a help event: what the screen leaves room for."""


class HelpSeeking(Params):
    """What stands between need and a request, and what a refusal does to trust."""

    hurt: float = share(0.15, low=0.0, high=0.4, source="assumed", meaning="trust lost by being turned away")
    silo: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="requests lost for each other domain somebody has needs in"
    )
    inward: float = number(
        1.0,
        low=0.0,
        high=2.0,
        unit="multiple per unit of targets",
        source="assumed; M89: direction",
        meaning="how much more of them is lost where services answer for their own figures, none to all",
    )
    burden: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="requests lost to proof and forms, for each serious need"
    )
    passed: float = share(
        0.05,
        low=0.0,
        high=0.15,
        source="assumed; M18: direction",
        meaning="requests lost between organisations if there are twice as many",
    )
    excluded_young: float = share(
        0.05, low=0.0, high=0.15, source="assumed", meaning="people under 65 who cannot use an online door"
    )
    excluded_old: float = share(
        0.35, low=0.15, high=0.6, source="assumed", meaning="people of 65 and over who cannot use an online door"
    )


@kernel
def mean_targets(w: World) -> float:
    """How far targets steer services other than acute ones, on average."""
    services = w.services
    total, many = 0.0, 0
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE:
            total += services.targets[s]
            many += 1
    return total / max(1, many)


@kernel
def looking_inward(w: World, p: HelpSeeking) -> float:
    """How many times as many requests are lost between services as where targets steer half their work."""
    return 1.0 + p.inward * (mean_targets(w) - 0.5)


@kernel
def getting_through(w: World, p: HelpSeeking, inward: float, i: Int) -> float:
    """Part of the requests somebody would make that reach a service at all."""
    people, n = w.people, w.people.neighbourhood[i]
    needs: Int = 0
    serious: Int = 0
    for d in range(people.level.shape[0]):
        needs += np.int64(people.level[d, i] > 0)
        serious += np.int64(people.level[d, i] >= 2)
    apart = 1.0 - p.silo * (1.0 - w.rules.joined_up[n]) * inward
    proof = max(0.0, 1.0 - p.burden * w.rules.claim_burden[n])
    excluded = p.excluded_old if people.age[i] >= 65 else p.excluded_young
    online = 1.0 - w.rules.digital[n] * excluded
    through: float = _times(apart, needs - 1) * _times(proof, serious) * online
    return through


@kernel
def _times(share: float, times: Int) -> float:
    """A share of a share, so many times; mostly none or one, which needs no power."""
    return 1.0 if times <= 0 else (share if times == 1 else share**times)


@kernel
def help_event(w: World, p: HelpSeeking, inward: float, d: int, i: Int, trust: float) -> float:
    """Probability of a help event this month: asking, giving up, or help ending. `inward`: see `looking_inward`."""
    code, level = np.int64(w.people.help[d, i]), w.people.level[d, i]
    if code >= WAITING:
        gives_up: float = min(MOST, w.services.give_up[code - WAITING])
        return gives_up
    if code > 0:
        ends: float = min(MOST, w.services.end[code - 1])
        return ends
    if level == 0 or level == 3:
        return 0.0
    if w.rates.asks[d, level, w.people.band[i]] <= 0.0:
        return 0.0
    asked: float = min(MOST, asking(w, p, inward, d, i, trust) + w.places.outreach[w.people.neighbourhood[i]])
    return asked


@kernel
def asking(w: World, p: HelpSeeking, inward: float, d: int, i: Int, trust: float) -> float:
    """Probability that somebody whom nobody helps asks this month, by themselves."""
    asks = w.rates.asks[d, w.people.level[d, i], w.people.band[i]]
    asked: float = asks * trust / REFERENCE_TRUST * getting_through(w, p, inward, i)
    return asked


@mechanism(
    Phase.HELP_SEEKING,
    HelpSeeking,
    reads="screen.ask_row screen.asking people.level people.band people.quintile people.age "
    "people.neighbourhood services.refused services.providers services.targets services.tier services.spare "
    "places.outreach "
    "rules.joined_up rules.claim_burden rules.digital aims.groups aims.group aims.offer aims.refuse aims.ask",
    writes="people.help people.trust people.changed people.refused tally.repeated tally.asked tally.turned_away "
    "tally.gave_up tally.unmet tally.helped tally.waiting tally.ended services.helped services.queue",
    by_part=True,
)
@kernel
def seek(w: World, p: HelpSeeking, clock: Clock) -> None:
    people, inward = w.people, looking_inward(w, p)
    for d in range(people.level.shape[0]):
        key = need_key(clock, d)
        which = month_key(clock.seed, WHICH + np.uint64(d), clock.month)
        gate = month_key(clock.seed, THRESHOLD + np.uint64(d), clock.month)
        ready = month_key(clock.seed, READY + np.uint64(d), clock.month)
        for k in range(w.screen.asking[d]):
            i = np.int64(w.screen.ask_row[d, k])
            u = uniform(key, i) - 0.5
            if u >= help_event(w, p, inward, d, i, people.trust[i]):
                continue
            code, q = np.int64(people.help[d, i]), people.quintile[i]
            if code >= WAITING:
                w.tally.gave_up[code - WAITING, q] += 1
                set_help(w, d, i, 0)
                people.refused[i] |= np.uint8(1 << d)
                people.trust[i] = np.float32(max(0.0, people.trust[i] - 0.5 * p.hurt))
            elif code > 0:
                set_help(w, d, i, 0)
            else:
                found = bool(u >= asking(w, p, inward, d, i, people.trust[i]))
                s = _choose(w, d, people.level[d, i], people.band[i], uniform(which, i), found)
                if not still_asks(w, s, i, uniform(ready, i)):
                    continue
                w.tally.asked[s, q] += 1
                if people.refused[i] >> np.uint8(d) & 1:
                    w.tally.repeated[s, q] += 1
                refused = refused_share(w, s, i)
                refused += (1.0 - refused) * p.passed * (w.services.providers[s] - 1.0)
                if uniform(gate, i) < refused:
                    w.tally.turned_away[s, q] += 1
                    people.trust[i] = np.float32(max(0.0, people.trust[i] - p.hurt))
                    people.refused[i] |= np.uint8(1 << d)
                else:
                    people.refused[i] &= np.uint8(~(1 << d) & 255)
                    set_help(w, d, i, WAITING + s)


@kernel
def _choose(w: World, d: int, level: int, band: int, u: float, found: bool) -> int:
    """The service asked: in proportion to how often each is asked, or to its room for somebody whom outreach found."""
    room = 0.0
    if found:
        for s in range(w.services.domain.size):
            if _takes(w, s, d, level, band):
                room += w.services.spare[s]
    left = u * (room if room > 0.0 else w.rates.asks[d, level, band])
    last = -1
    for s in range(w.services.domain.size):
        if _takes(w, s, d, level, band):
            last = s
            left -= w.services.spare[s] if room > 0.0 else w.rates.ask[s]
            if left < 0.0:
                return s
    return last


@kernel
def _takes(w: World, s: int, d: int, level: int, band: int) -> bool:
    """Whether a service is for this need, at this level and age."""
    takes: bool = w.services.domain[s] == d and w.services.serves[s, level] == 1 and w.services.bands[s, band] == 1
    return takes


@mechanism(
    Phase.COMMUNITY,
    NoParams,
    reads="services.places services.helped services.queue",
    writes="services.spare",
    name="spare_places",
)
@kernel
def count_spare(w: World, p: NoParams, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        services.spare[s] = max(0.0, services.places[s] - services.helped[s] - services.queue[s])


@mechanism(
    Phase.REFRESH,
    HelpSeeking,
    reads="people.level people.help people.trust people.band people.age people.neighbourhood screen.renew "
    "screen.reason screen.renewals screen.amendments dwellings.head places.outreach_top",
    writes="people.ask_bound",
    name="help_seeking_bounds",
    after="bound_updates",
    by_part=True,
)
@kernel
def bound(w: World, p: HelpSeeking, clock: Clock) -> None:
    services, screen, ask_bound, domains = w.services, w.screen, w.people.ask_bound, w.people.level.shape[0]
    leaves = np.zeros(256)  # by help code: those helped or waiting do not ask
    for s in range(services.end.size):
        leaves[1 + s] = services.end[s]
        leaves[WAITING + s] = services.give_up[s]
    i: Int
    for k in range(screen.renewals[0]):
        i = np.int64(screen.renew[k])
        who = _who(w, i)
        for d in range(domains):
            ask_bound[d, i] = _bound(w, who, d, i, leaves)
    for k in range(screen.renewals[0], screen.renewals[0] + screen.amendments[0]):
        at = due_for_bounds(w, k)
        i, left = np.int64(screen.renew[at]), screen.reason[at]
        who = _who(w, i)
        if left & TRUST_ONLY:
            for d in range(domains):
                ask_bound[d, i] = _bound(w, who, d, i, leaves)
        else:
            left &= HELP_ONLY
            while left != 0:
                ask_bound[DOMAIN_OF_BIT[left], i] = _bound(w, who, DOMAIN_OF_BIT[left], i, leaves)
                left &= left - 1


class _PersonFactors(NamedTuple):
    """What the bounds of a person rest on, in whichever domain."""

    band: Int
    alive: Int
    head: Int
    trusting: float
    found: float


@inlined
def _who(w: World, i: Int) -> _PersonFactors:
    """Somebody whose bounds are due. Trust that drifts back up to its usual level needs no new one."""
    people = w.people
    head = np.int64(w.dwellings.head[people.dwelling[i]] == i)
    trusting = max(np.float64(people.trust[i]), REFERENCE_TRUST) / REFERENCE_TRUST
    found = w.places.outreach_top[people.neighbourhood[i]]
    return _PersonFactors(np.int64(people.band[i]), np.int64(people.age[i] != EMPTY_SLOT), head, trusting, found)


@inlined
def _bound(w: World, who: _PersonFactors, d: int, i: Int, leaves: A) -> np.uint8:
    """The bound of a help event in one domain."""
    code, asked = w.people.help[d, i], w.rates.asks[d, w.people.level[d, i], who.band]
    free = np.float64(np.int64(code == 0) * np.int64(asked > 0.0))
    most = leaves[code] + free * (asked * who.trusting + who.found)
    counts = np.float64(who.alive * max(who.head, 1 - np.int64(w.rates.household[d])))
    return bound_of(counts * min(MOST, most))
