"""Good practice grows where staff can learn and somebody leads; it spreads between areas, is copied in part, and fades.

Claim     learn = freedom * (autonomy - 0.5) + heard * feedback + taught * training - directed * (targets - 0.5) + slack
          * (hours - 1), each the mean over services except acute ones, weighted by their money. A neighbourhood's
          target is 1 + lead * L + learn * (shallow + (1 - shallow) * (1 + L)) (learn as it is if below 0), with L =
          leader / led - 1; practice <- practice + (target - practice) / pace, within lowest to highest. A leader goes
          with probability `go` a month times 1 + by_burnout * mean burnout beyond the baseline's, this factor within
          least_go_factor to most_go_factor. A neighbourhood without a leader gets one with probability go * led / (1 -
          led) times 1 + by_network * spine + autonomy - 0.5, this factor at least least_come_factor. With probability
          spine * meeting a neighbourhood meets another. If the other's practice, observed with an error, looks better,
          it takes over `depth` of the true difference (`leaderless` of that without a leader), good or bad.
Evidence  assumed. M13-M15, M26, M32, M69, M79 give directions: M32's copies that stay below the original are `shallow`.
Limits    Practice belongs to a neighbourhood and is the same for all its services. With nothing changed its mean over
          neighbourhoods is 1.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE
from sim.state.world import World

LEADER_DRAW = stream("leaders come and go")
PARTNER_DRAW = stream("who meets whom")
ERROR_DRAW = stream("how another place's work looks")
MEETING_DRAW = stream("whether places meet")
FIRST_LEADERS = stream("who leads at the start")


class Practice(Params):
    """How neighbourhoods learn and forget."""

    freedom: float = number(
        0.1, low=0.0, high=0.3, unit="per unit", source="assumed", meaning="practice gained by autonomy, none to full"
    )
    heard: float = number(
        0.06,
        low=0.0,
        high=0.15,
        unit="per unit",
        source="assumed",
        meaning="practice gained by response to feedback, none to full",
    )
    taught: float = number(
        2.0, low=0.5, high=4.0, unit="per share of time", source="assumed", meaning="practice gained by training"
    )
    directed: float = number(
        0.08,
        low=0.0,
        high=0.3,
        unit="per unit",
        source="assumed",
        meaning="practice lost to steering by targets, none to all",
    )
    slack: float = number(
        0.1, low=0.0, high=0.5, unit="per share", source="assumed", meaning="practice gained by time for each person"
    )
    lead: float = share(0.04, low=0.0, high=0.1, source="assumed", meaning="practice gained where there is a leader")
    led: float = share(0.3, low=0.1, high=0.6, source="assumed", meaning="neighbourhoods with a leader at baseline")
    go: float = number(
        0.02, low=0.005, high=0.05, unit="per month", source="assumed", meaning="probability that a leader goes"
    )
    shallow: float = share(0.5, low=0.1, high=1.0, source="assumed", meaning="part of learning that needs no leader")
    pace: float = number(24.0, low=9.0, high=60.0, unit="months", source="assumed", meaning="months to learn")
    meeting: float = number(
        0.15,
        low=0.02,
        high=0.5,
        unit="per month",
        source="assumed",
        meaning="how often neighbourhoods meet in a full learning network",
    )
    error: float = share(
        0.08,
        low=0.0,
        high=0.3,
        source="assumed",
        meaning="largest error in the view of another neighbourhood's practice",
    )
    depth: float = share(0.4, low=0.1, high=0.8, source="assumed", meaning="part of a difference that is taken over")
    leaderless: float = share(
        0.5, low=0.1, high=1.0, source="assumed", meaning="part of it that is taken over without a leader"
    )
    by_burnout: float = number(
        2.0,
        low=0.5,
        high=5.0,
        unit="per share",
        source="assumed",
        meaning="rise in the probability that a leader goes, by burnout beyond the baseline's",
    )
    by_network: float = number(
        2.0,
        low=0.5,
        high=4.0,
        unit="multiple",
        source="assumed",
        meaning="rise in the probability that a leader comes, by a full learning network",
    )
    lowest: float = number(0.5, low=0.2, high=0.8, unit="1 = baseline", source="assumed", meaning="lowest practice")
    highest: float = number(1.6, low=1.2, high=2.5, unit="1 = baseline", source="assumed", meaning="highest practice")
    least_go_factor: float = number(
        0.3,
        low=0.1,
        high=0.8,
        unit="multiple of baseline",
        source="assumed",
        meaning="smallest factor of burnout on the probability that a leader goes",
    )
    most_go_factor: float = number(
        3.0,
        low=1.5,
        high=5.0,
        unit="multiple of baseline",
        source="assumed",
        meaning="largest factor of burnout on the probability that a leader goes",
    )
    least_come_factor: float = number(
        0.2,
        low=0.05,
        high=0.5,
        unit="multiple of baseline",
        source="assumed",
        meaning="smallest factor of autonomy and network on the probability that a leader comes",
    )


@kernel
def learning(w: World, p: Practice) -> float:
    """Practice that services let their staff gain, beyond the baseline: a mean weighted by money."""
    services = w.services
    total, money = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.turnover[s] <= 0.0:
            continue
        gain = p.freedom * (services.autonomy[s] - 0.5) + p.heard * services.feedback[s]
        gain += p.taught * services.training[s] - p.directed * (services.targets[s] - 0.5)
        gain += p.slack * (services.hours[s] - 1.0)
        total += gain * services.base_budget[s]
        money += services.base_budget[s]
    return total / money if money > 0.0 else 0.0


@kernel
def practice_target(p: Practice, learn: float, leader: Int) -> float:
    """Practice that a neighbourhood would reach if its causes stayed as they are, 1 = baseline.

    Parameters
    ----------
    p
        Parameters of practice.
    learn
        Practice that services let their staff gain.
    leader
        1 with a leader, 0 without; the stock-and-flow twin passes both.
    """
    led = leader / p.led - 1.0
    deep = p.shallow + (1.0 - p.shallow) * (1.0 + led)
    return 1.0 + p.lead * led + (learn * deep if learn > 0.0 else learn)


@kernel
def _means(w: World) -> tuple[float, float]:
    """Mean autonomy, and mean burnout beyond the baseline's, over services with staff except acute ones."""
    services = w.services
    autonomy, burnout, many = 0.0, 0.0, 0
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE and services.turnover[s] > 0.0:
            autonomy += services.autonomy[s]
            burnout += services.burnout[s] - services.usual_burnout[s]
            many += 1
    return autonomy / max(1, many), burnout / max(1, many)


@mechanism(
    Phase.WORKFORCE,
    Practice,
    reads="services.autonomy services.feedback services.training services.targets services.hours services.burnout "
    "services.usual_burnout places.spine",
    writes="places.practice places.leader",
    after="hours burnout",
)
@kernel
def learn_and_lead(w: World, p: Practice, clock: Clock) -> None:
    practice, leader, spine = w.places.practice, w.places.leader, w.places.spine
    learn = learning(w, p)
    autonomy, burnout = _means(w)
    before = practice.copy()
    leads = month_key(clock.seed, LEADER_DRAW, clock.month)
    meets = month_key(clock.seed, PARTNER_DRAW, clock.month)
    sees = month_key(clock.seed, ERROR_DRAW, clock.month)
    whether = month_key(clock.seed, MEETING_DRAW, clock.month)
    for n in range(practice.size):
        now = before[n] + (practice_target(p, learn, np.int64(leader[n])) - before[n]) / p.pace
        if practice.size > 1 and uniform(whether, n) < spine[n] * p.meeting:
            other = min(practice.size - 2, int(uniform(meets, n) * (practice.size - 1)))
            other += 1 if other >= n else 0
            if before[other] + p.error * (2.0 * uniform(sees, n) - 1.0) > before[n]:
                now += p.depth * (1.0 if leader[n] == 1 else p.leaderless) * (before[other] - before[n])
        practice[n] = min(p.highest, max(p.lowest, now))
        if leader[n] == 1:
            if uniform(leads, n) < p.go * min(p.most_go_factor, max(p.least_go_factor, 1.0 + p.by_burnout * burnout)):
                leader[n] = 0
        elif uniform(leads, n) < p.go * p.led / (1.0 - p.led) * max(
            p.least_come_factor, 1.0 + p.by_network * spine[n] + autonomy - 0.5
        ):
            leader[n] = 1
