"""People ask for help if they trust that help comes; some are turned away, and a refusal lowers their trust.

Claim     A person with emerging or serious need and no help asks for help this month with probability
          min(most_probability, ask * trust / 0.6 * share reaching a service + outreach), ask being the sum of ask[s]
          over the services s that serve the domain, level and age. The share reaching a service is (1 - silo (1 -
          joined up) (1 + inward * (targets - 0.5)))^(other needs) * max(0, 1 - burden * claim burden)^(serious needs) *
          (1 - digital * excluded), with targets the mean over services except acute ones. The service asked is drawn in
          proportion to ask[s]. Each further agency to deal with loses some requests, more where each agency answers for
          its own targets. Forms and proof lose the requests of people with most needs. Access that is online only
          excludes some people. Outreach finds need that is not helped, whatever the trust, and refers it to the service
          with room at the start of the month: to service s in proportion to spare[s] = max(0, places[s] - helped[s] -
          queue[s]), or, if no service has room, in proportion to ask[s]. A share refused[s] + (1 - refused[s]) * passed
          * (providers - 1) is turned away, the second part lost between organisations; the others join the queue.
          People who wait give up with probability min(most_probability, give_up[s]). Help ends for another reason than
          recovery with probability min(most_probability, end[s]). A refusal lowers trust by `hurt`, giving up by
          `given_up` of it, not below 0. A person who asks again after either is counted (failure demand).
Evidence  ask[s] is solved from published caseloads, waits and refusals (calibration). Refusals: B20, B36 and the
          catalogue. hurt, silo, inward, burden, excluded, passed: assumed; the register has no size. That outreach
          workers know which service has room: assumed.
Limits    One service is asked at a time in a domain. Refusals are random, not by severity, above the level served.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import bound_of
from sim.people.bound_updates import DOMAIN_OF_BIT, due_for_bounds
from sim.people.candidate_thinning import need_key
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE, EMPTY_SLOT, HELP_ONLY, REFERENCE_TRUST, TRUST_ONLY, WAITING
from sim.state.columns import A, column
from sim.state.updates import refused_share, set_help, still_asks
from sim.state.world import World

SERVICE_ASKED = stream("which service is asked")
THRESHOLD = stream("threshold")
STILL_ASKS = stream("who still asks")


class HelpSeeking(Params):
    """Losses of requests between need and a service, and the effect of a refusal on trust."""

    hurt: float = share(0.15, low=0.0, high=0.4, source="assumed", meaning="trust lost by being turned away")
    silo: float = share(
        0.08,
        low=0.0,
        high=0.2,
        source="assumed",
        meaning="requests lost for each other domain in which a person has needs",
    )
    inward: float = number(
        1.0,
        low=0.0,
        high=2.0,
        unit="multiple per unit of targets",
        source="assumed; M89: direction",
        meaning="rise in the requests lost between services as targets steer all of their work instead of none",
    )
    burden: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="requests lost to proof and forms, for each serious need"
    )
    passed: float = share(
        0.05,
        low=0.0,
        high=0.15,
        source="assumed; M18: direction",
        meaning="requests lost between organisations if there are twice as many of them",
    )
    given_up: float = share(
        0.5,
        source="assumed",
        meaning="trust lost by giving up a wait, over that lost by a refusal",
    )
    excluded_young: float = share(
        0.05, low=0.0, high=0.15, source="assumed", meaning="people under 65 who cannot use online access"
    )
    excluded_old: float = share(
        0.35, low=0.15, high=0.6, source="assumed", meaning="people of 65 and over who cannot use online access"
    )
    most_probability: float = number(
        0.28,
        low=0.2,
        high=0.28,
        unit="probability per month",
        source="assumed; with need.most_improvement at most 1/2, as both share one random draw",
        meaning="largest probability of asking, of giving up or of the end of help in a month",
    )


class HelpSeekingState(NamedTuple):
    """Room of services as the month begins."""

    spare: Annotated[A, column("f8", "service", "cases", "places neither taken nor waited for at the month's start")]


@kernel
def mean_targets(w: World) -> float:
    """Mean steering by targets, over services other than acute ones."""
    services = w.services
    total, count = 0.0, 0
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE:
            total += services.targets[s]
            count += 1
    return total / max(1, count)


@kernel
def inward_factor(w: World, p: HelpSeeking) -> float:
    """Factor on the requests lost between services; 1 where targets steer half of their work."""
    return 1.0 + p.inward * (mean_targets(w) - 0.5)


@kernel
def share_reaching_service(w: World, p: HelpSeeking, inward: float, i: Int) -> float:
    """Share of a person's requests that reach a service at all."""
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
    reaching: float = _power(apart, needs - 1) * _power(proof, serious) * online
    return reaching


@kernel
def _power(share: float, times: Int) -> float:
    """`share` to the power of `times`, which is mostly 0 or 1."""
    return 1.0 if times <= 0 else (share if times == 1 else share**times)


@kernel
def help_event(w: World, p: HelpSeeking, inward: float, d: int, i: Int, trust: float) -> float:
    """Probability of a help event this month: asking, giving up, or the end of help.

    Parameters
    ----------
    w : World
    p : HelpSeeking
    inward : float
        `inward_factor` of the month.
    d : int
        Domain.
    i : int
        Person.
    trust : float
        The person's trust, 0 to 1.
    """
    code, level = np.int64(w.people.help[d, i]), w.people.level[d, i]
    if code >= WAITING:
        gives_up: float = min(p.most_probability, w.services.give_up[code - WAITING])
        return gives_up
    if code > 0:
        ends: float = min(p.most_probability, w.services.end[code - 1])
        return ends
    if level == 0 or level == 3:
        return 0.0
    if w.rates.asks[d, level, w.people.band[i]] <= 0.0:
        return 0.0
    outreach = w.places.outreach[w.people.neighbourhood[i]]
    asks: float = min(p.most_probability, asking_probability(w, p, inward, d, i, trust) + outreach)
    return asks


@kernel
def asking_probability(w: World, p: HelpSeeking, inward: float, d: int, i: Int, trust: float) -> float:
    """Probability that a person without help asks this month without outreach. Arguments as in `help_event`."""
    rate = w.rates.asks[d, w.people.level[d, i], w.people.band[i]]
    asks: float = rate * trust / REFERENCE_TRUST * share_reaching_service(w, p, inward, i)
    return asks


@mechanism(
    Phase.HELP_SEEKING,
    HelpSeeking,
    state=HelpSeekingState,
    reads="screen.ask_row screen.asking people.level people.band people.quintile people.age "
    "people.neighbourhood services.refused services.providers services.targets services.tier help_seeking.spare "
    "places.outreach "
    "rules.joined_up rules.claim_burden rules.digital aims.groups aims.group aims.offer aims.refuse aims.ask",
    writes="people.help people.trust people.changed people.refused tally.repeated tally.asked tally.turned_away "
    "tally.gave_up tally.unmet tally.helped tally.waiting tally.ended services.helped services.queue",
    by_part=True,
)
@kernel
def apply_help_events(w: World, p: HelpSeeking, clock: Clock) -> None:
    people, inward = w.people, inward_factor(w, p)
    for d in range(people.level.shape[0]):
        key = need_key(clock, d)
        service_key = month_key(clock.seed, SERVICE_ASKED + np.uint64(d), clock.month)
        threshold_key = month_key(clock.seed, THRESHOLD + np.uint64(d), clock.month)
        ready_key = month_key(clock.seed, STILL_ASKS + np.uint64(d), clock.month)
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
                people.trust[i] = np.float32(max(0.0, people.trust[i] - p.given_up * p.hurt))
            elif code > 0:
                set_help(w, d, i, 0)
            else:
                by_outreach = bool(u >= asking_probability(w, p, inward, d, i, people.trust[i]))
                s = _choose(w, d, people.level[d, i], people.band[i], uniform(service_key, i), by_outreach)
                if not still_asks(w, s, i, uniform(ready_key, i)):
                    continue
                w.tally.asked[s, q] += 1
                if people.refused[i] >> np.uint8(d) & 1:
                    w.tally.repeated[s, q] += 1
                refused = refused_share(w, s, i)
                refused += (1.0 - refused) * p.passed * (w.services.providers[s] - 1.0)
                if uniform(threshold_key, i) < refused:
                    w.tally.turned_away[s, q] += 1
                    people.trust[i] = np.float32(max(0.0, people.trust[i] - p.hurt))
                    people.refused[i] |= np.uint8(1 << d)
                else:
                    people.refused[i] &= np.uint8(~(1 << d) & 255)
                    set_help(w, d, i, WAITING + s)


@kernel
def _choose(w: World, d: int, level: int, band: int, u: float, by_outreach: bool) -> int:
    """The service asked: in proportion to the rate of asking, or after outreach in proportion to its room."""
    state: HelpSeekingState = w.private.help_seeking
    room = 0.0
    if by_outreach:
        for s in range(w.services.domain.size):
            if _takes(w, s, d, level, band):
                room += state.spare[s]
    left = u * (room if room > 0.0 else w.rates.asks[d, level, band])
    last = -1
    for s in range(w.services.domain.size):
        if _takes(w, s, d, level, band):
            last = s
            left -= state.spare[s] if room > 0.0 else w.rates.ask[s]
            if left < 0.0:
                return s
    return last


@kernel
def _takes(w: World, s: int, d: int, level: int, band: int) -> bool:
    """Whether a service serves this domain, level and age band."""
    takes: bool = w.services.domain[s] == d and w.services.serves[s, level] == 1 and w.services.bands[s, band] == 1
    return takes


@mechanism(
    Phase.COMMUNITY,
    NoParams,
    state=HelpSeekingState,
    reads="services.places services.helped services.queue",
    writes="help_seeking.spare",
    name="spare_places",
)
@kernel
def count_spare(w: World, p: NoParams, clock: Clock) -> None:
    services = w.services
    state: HelpSeekingState = w.private.help_seeking
    for s in range(services.domain.size):
        state.spare[s] = max(0.0, services.places[s] - services.helped[s] - services.queue[s])


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
    leaves = np.zeros(256)  # by help code; people who are helped or waiting do not ask
    for s in range(services.end.size):
        leaves[1 + s] = services.end[s]
        leaves[WAITING + s] = services.give_up[s]
    i: Int
    for k in range(screen.renewals[0]):
        i = np.int64(screen.renew[k])
        person = _person_factors(w, i)
        for d in range(domains):
            ask_bound[d, i] = _bound(w, p, person, d, i, leaves)
    for k in range(screen.renewals[0], screen.renewals[0] + screen.amendments[0]):
        at = due_for_bounds(w, k)
        i, left = np.int64(screen.renew[at]), screen.reason[at]
        person = _person_factors(w, i)
        if left & TRUST_ONLY:
            for d in range(domains):
                ask_bound[d, i] = _bound(w, p, person, d, i, leaves)
        else:
            left &= HELP_ONLY
            while left != 0:
                ask_bound[DOMAIN_OF_BIT[left], i] = _bound(w, p, person, DOMAIN_OF_BIT[left], i, leaves)
                left &= left - 1


class _PersonFactors(NamedTuple):
    """Quantities on which the bounds of a person rest in all domains."""

    band: Int
    alive: Int
    head: Int
    trusting: float
    outreach: float


@inlined
def _person_factors(w: World, i: Int) -> _PersonFactors:
    """The factors of a person whose bounds are due.

    Trust counts as at least the reference level, so that its return to that level requires no new bound.
    """
    people = w.people
    head = np.int64(w.dwellings.head[people.dwelling[i]] == i)
    trusting = max(np.float64(people.trust[i]), REFERENCE_TRUST) / REFERENCE_TRUST
    outreach = w.places.outreach_top[people.neighbourhood[i]]
    return _PersonFactors(np.int64(people.band[i]), np.int64(people.age[i] != EMPTY_SLOT), head, trusting, outreach)


@inlined
def _bound(w: World, p: HelpSeeking, person: _PersonFactors, d: int, i: Int, leaves: A) -> np.uint8:
    """The bound of a help event in one domain."""
    code, asks = w.people.help[d, i], w.rates.asks[d, w.people.level[d, i], person.band]
    free = np.float64(np.int64(code == 0) * np.int64(asks > 0.0))
    most = leaves[code] + free * (asks * person.trusting + person.outreach)
    counts = np.float64(person.alive * max(person.head, 1 - np.int64(w.rates.household[d])))
    return bound_of(counts * min(p.most_probability, most))
