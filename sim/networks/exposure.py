"""Local living conditions change the hazard that need gets worse, for everybody in a neighbourhood.

Claim     exposure[d, n] multiplies the hazard of worsening in domain d and neighbourhood n. It moves by 1 / lag of the
          way a month towards exp(sum of changes of the log hazard), and stays within lowest to highest. Changes: a full
          programme for air, parks and activity, whose gardens also grow some food; for homes; for secure work; 10
          pounds a week for every adult (doubling a sum less than doubles its effect: exponent `lean`); a point of
          unemployment; a pandemic; peers per 100 places in homes, up to `enough`; and exposure[s, d] of a service
          (public health) for each doubling of its posts: exposure[s, d] * min(most_doublings, log2(max(least_posts,
          posts))).
Evidence  Unemployment: E16 [Benn20], +1 point, next year 9 more children start care per 100,000, of 260 (B33 [DS6]),
          that is 3.5 %. Direction of public health, air and activity: F10, F11. All other sizes assumed, small: a
          hazard that acts at every level of need adds up, over a decade, to about three times itself in crises.
Limits    The same for everybody in a neighbourhood. Cost of a change: feedback/programme_costs.py. E16 gives no figure
          for later years than the next one, in which the model's effect continues to grow.
"""

from __future__ import annotations

import math

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import ECONOMIC, FAMILY, MENTAL, PHYSICAL
from sim.state.world import World


class Exposure(Params):
    """Changes of the log hazard of worsening, and the range of exposure."""

    lag: float = number(
        9.0, low=1.0, high=36.0, unit="months", source="assumed", meaning="time for exposure to follow its causes"
    )
    air_physical: float = number(
        -0.025,
        low=-0.08,
        high=0.0,
        unit="log hazard",
        source="assumed; F11 [Masters]: direction",
        meaning="physical need with a full programme for air, parks and activity",
    )
    parks_economic: float = number(
        -0.005,
        low=-0.02,
        high=0.0,
        unit="log hazard",
        source="assumed; M35: direction",
        meaning="economic need with a full programme for parks, as gardens grow food for food banks",
    )
    homes_physical: float = number(
        -0.015,
        low=-0.05,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="physical need with a full programme for homes",
    )
    homes_mental: float = number(
        -0.02,
        low=-0.06,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="mental need with a full programme for homes",
    )
    homes_economic: float = number(
        -0.04,
        low=-0.12,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="economic need with a full programme for homes",
    )
    work_economic: float = number(
        -0.06,
        low=-0.15,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="economic need with a full programme for secure work",
    )
    work_mental: float = number(
        -0.02,
        low=-0.06,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="mental need with a full programme for secure work",
    )
    work_family: float = number(
        -0.02,
        low=-0.05,
        high=0.0,
        unit="log hazard",
        source="assumed; E16 [Benn20]: direction",
        meaning="family need with a full programme for secure work",
    )
    income_economic: float = number(
        -0.03,
        low=-0.1,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="economic need with 10 pounds a week for every adult",
    )
    income_mental: float = number(
        -0.005,
        low=-0.02,
        high=0.0,
        unit="log hazard",
        source="assumed",
        meaning="mental need with 10 pounds a week for every adult",
    )
    lean: float = number(
        0.7, low=0.4, high=1.0, unit="exponent", source="assumed", meaning="exponent of income in its effect on need"
    )
    jobless_economic: float = number(
        0.025,
        low=0.01,
        high=0.06,
        unit="log hazard per point",
        source="assumed; E13 [ONSflow]: people out of work for long seldom return",
        meaning="economic need with a point more unemployment",
    )
    jobless_mental: float = number(
        0.01,
        low=0.0,
        high=0.03,
        unit="log hazard per point",
        source="assumed; B13 [OCath]: direction",
        meaning="mental need with a point more unemployment",
    )
    jobless_family: float = number(
        0.03,
        low=0.02,
        high=0.04,
        unit="log hazard per point",
        source="E16 [Benn20], B33 [DS6], CALC: gives 3.5 % more children starting care in the year after",
        meaning="family need with a point more unemployment",
    )
    pandemic_physical: float = number(
        0.05,
        low=0.0,
        high=0.2,
        unit="log hazard",
        source="assumed",
        meaning="physical need in a full pandemic",
    )
    pandemic_mental: float = number(
        0.05,
        low=0.0,
        high=0.15,
        unit="log hazard",
        source="assumed",
        meaning="mental need in a full pandemic, in addition to the loss of ties",
    )
    peers: float = number(
        -0.02,
        low=-0.06,
        high=0.0,
        unit="log hazard",
        source="assumed; M33, M76: direction",
        meaning="mental and family need where there are enough peers",
    )
    enough: float = number(
        1.0,
        low=0.3,
        high=3.0,
        unit="per 100 people",
        source="assumed",
        meaning="number of peers above which more peers have no effect",
    )
    most_doublings: float = number(
        2.0,
        low=1.0,
        high=3.0,
        unit="doublings of posts",
        source="assumed",
        meaning="growth of a service's posts beyond which exposure falls no further",
    )
    least_posts: float = number(
        0.25,
        low=0.1,
        high=0.5,
        unit="1 = baseline",
        source="assumed",
        meaning="posts of a service below which exposure rises no further",
    )
    lowest: float = number(
        0.4, low=0.2, high=0.8, unit="1 = baseline", source="assumed", meaning="lowest exposure of a neighbourhood"
    )
    highest: float = number(
        2.5, low=1.5, high=5.0, unit="1 = baseline", source="assumed", meaning="highest exposure of a neighbourhood"
    )


@kernel
def log_hazard(w: World, p: Exposure, d: int, n: int) -> float:
    """The sum of the external changes of the log hazard of worsening; 0 at baseline."""
    rules, kind = w.rules, w.rates.kind[d]
    x = 0.0
    for s in range(w.services.domain.size):
        if w.services.exposure[s, d] != 0.0:
            x += w.services.exposure[s, d] * min(p.most_doublings, math.log2(max(p.least_posts, w.services.posts[s])))
    homes, work, jobless = rules.housing_quality[n], rules.job_security[n], rules.unemployment[n]
    income = (rules.income_floor[n] / 10.0) ** p.lean
    people = max(1.0, float(w.places.first[n + 1]) - float(w.places.first[n]))
    peers = p.peers * min(1.0, 100.0 * w.places.peers[n] / people / p.enough)
    if kind == PHYSICAL:
        x += p.air_physical * rules.air_and_activity[n] + p.homes_physical * homes
        x += p.pandemic_physical * rules.pandemic[n]
    elif kind == MENTAL:
        x += p.homes_mental * homes + p.work_mental * work + p.income_mental * income + p.jobless_mental * jobless
        x += p.pandemic_mental * rules.pandemic[n] + peers
    elif kind == ECONOMIC:
        x += p.homes_economic * homes + p.work_economic * work + p.income_economic * income
        x += p.jobless_economic * jobless + p.parks_economic * rules.air_and_activity[n]
    elif kind == FAMILY:
        x += p.work_family * work + p.jobless_family * jobless + peers
    return x


@mechanism(
    Phase.COMMUNITY,
    Exposure,
    reads="services.exposure services.posts places.first places.peers places.exposure rates.kind "
    "rules.housing_quality rules.job_security rules.unemployment rules.income_floor rules.air_and_activity "
    "rules.pandemic",
    writes="places.exposure",
)
@kernel
def expose(w: World, p: Exposure, clock: Clock) -> None:
    exposure = w.places.exposure
    n: Int
    for n in range(exposure.shape[1]):
        for d in range(exposure.shape[0]):
            old = exposure[d, n]
            new = old + (math.exp(log_hazard(w, p, d, n)) - old) / p.lag
            exposure[d, n] = min(p.highest, max(p.lowest, new))
