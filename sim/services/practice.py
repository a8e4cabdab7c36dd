"""Good work grows where staff may learn and somebody leads; it spreads between places, copies shallowly, and is lost.

Claim     learn = freedom * (autonomy - 0.5) + heard * feedback + taught * training - told * (targets - 0.5) + slack *
          (hours - 1), each the mean over services but acute ones, weighted by their money. A place's target is 1 + lead
          * L + learn * (shallow + (1 - shallow) * (1 + L)) (learn as it is if below 0), with L = leader / led - 1;
          practice <- practice + (target - practice) / pace. A leader goes with probability `go` a month (times 1 + 2 *
          mean burnout beyond the usual, within 0.3 to 3); a place without one gets one with go * led / (1 - led) * (1 +
          2 * spine + autonomy - 0.5). With probability spine * meeting a place meets another: if that one's practice,
          seen with an error, looks better, it takes over `depth` of the true difference (half of it without a leader),
          good or bad.
Evidence  assumed. M13-M15, M26, M32, M69, M79 give directions: M32's copies that stay below the original are `shallow`.
Limits    Clipped to 0.5 to 1.6. Practice is a place's, the same for all its services. With nothing changed its mean
          over places is 1.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, World

LEADS = stream("leaders come and go")
MEETS = stream("who meets whom")
SEES = stream("how another place's work looks")
WHETHER = stream("whether places meet")
FIRST_LEADERS = stream("who leads at the start")
LEAST, MOST = 0.5, 1.6


class Practice(Params):
    """How places learn and forget."""

    freedom: float = number(
        0.1, low=0.0, high=0.3, unit="per unit", source="assumed", meaning="what autonomy does to practice"
    )
    heard: float = number(
        0.06, low=0.0, high=0.15, unit="per unit", source="assumed", meaning="what answering to people helped does"
    )
    taught: float = number(
        2.0, low=0.5, high=4.0, unit="per share of time", source="assumed", meaning="what training does"
    )
    told: float = number(
        0.08, low=0.0, high=0.3, unit="per unit", source="assumed", meaning="what steering by targets takes off"
    )
    slack: float = number(
        0.1, low=0.0, high=0.5, unit="per share", source="assumed", meaning="what time for each person does to learning"
    )
    lead: float = share(0.04, low=0.0, high=0.1, source="assumed", meaning="practice gained where somebody leads")
    led: float = share(0.3, low=0.1, high=0.6, source="assumed", meaning="places with a leader at baseline")
    go: float = number(
        0.02, low=0.005, high=0.05, unit="per month", source="assumed", meaning="probability that a leader goes"
    )
    shallow: float = share(
        0.5, low=0.1, high=1.0, source="assumed", meaning="part of what can be learnt that needs no leader"
    )
    pace: float = number(24.0, low=9.0, high=60.0, unit="months", source="assumed", meaning="months to learn")
    meeting: float = number(
        0.15, low=0.02, high=0.5, unit="per month", source="assumed", meaning="how often places meet along a full spine"
    )
    error: float = share(
        0.08, low=0.0, high=0.3, source="assumed", meaning="how wrong another place's practice can be seen"
    )
    depth: float = share(0.4, low=0.1, high=0.8, source="assumed", meaning="part of a difference that is taken over")


@kernel
def learning(w: World, p: Practice) -> float:
    """What services let their people learn, over the baseline: a mean weighted by money."""
    services = w.services
    total, money = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.turnover[s] <= 0.0:
            continue
        own = p.freedom * (services.autonomy[s] - 0.5) + p.heard * services.feedback[s]
        own += p.taught * services.training[s] - p.told * (services.targets[s] - 0.5)
        own += p.slack * (services.hours[s] - 1.0)
        total += own * services.base_budget[s]
        money += services.base_budget[s]
    return total / money if money > 0.0 else 0.0


@kernel
def practice_target(p: Practice, learn: float, leader: Int) -> float:
    """Practice at which a place would stay."""
    led = leader / p.led - 1.0
    deep = p.shallow + (1.0 - p.shallow) * (1.0 + led)
    return 1.0 + p.lead * led + (learn * deep if learn > 0.0 else learn)


@kernel
def _means(w: World) -> tuple[float, float]:
    """Mean autonomy, and mean burnout beyond the baseline's, over delivered services."""
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
    leads = month_key(clock.seed, LEADS, clock.month)
    meets = month_key(clock.seed, MEETS, clock.month)
    sees = month_key(clock.seed, SEES, clock.month)
    whether = month_key(clock.seed, WHETHER, clock.month)
    for n in range(practice.size):
        now = before[n] + (practice_target(p, learn, np.int64(leader[n])) - before[n]) / p.pace
        if practice.size > 1 and uniform(whether, n) < spine[n] * p.meeting:
            other = min(practice.size - 2, int(uniform(meets, n) * (practice.size - 1)))
            other += 1 if other >= n else 0
            if before[other] + p.error * (2.0 * uniform(sees, n) - 1.0) > before[n]:
                now += p.depth * (1.0 if leader[n] == 1 else 0.5) * (before[other] - before[n])
        practice[n] = min(MOST, max(LEAST, now))
        if leader[n] == 1:
            if uniform(leads, n) < p.go * min(3.0, max(0.3, 1.0 + 2.0 * burnout)):
                leader[n] = 0
        elif uniform(leads, n) < p.go * p.led / (1.0 - p.led) * max(0.2, 1.0 + 2.0 * spine[n] + autonomy - 0.5):
            leader[n] = 1
