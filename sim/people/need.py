"""Need grows when it meets other needs and little support, and shrinks with time and help.

Claim     P(level l -> l+1 this month) = up[d,l,a,q] * prod_{e != d} (1 + omega[d,e] * level_e) * exposure[d,n]
          * exp(-beta_S (S - S0)) * exp(-beta_R R) * (1 - protection * quality) * (1 - informal * at home)
          P(level l -> l-1 this month) = down[d,l,a] * (1 + (recovery - 1) * quality)
          with S support, R resilience, protection and recovery those of the service that helps (0 and 1 without
          help), quality that of the service times the practice of the neighbourhood, exposure what the world outside
          does to everybody there. In domains where people at home can do much (care), an adult without serious needs
          who lives there lowers the hazard, more so with time to care. A crisis that waits for help in another domain
          (a hospital bed for home care) ends only with probability (1 - delayed) of what it would. An infant's crisis
          is found sooner where a children's centre looks (infants).
          `up` is solved so that, over the people of an age band and deprivation fifth, the published
          prevalence and crises of England come out (see sim/calibration/calibrate.py).
Evidence  beta_S: isolation and loneliness raise mortality by 26-29 % (E18 [HL15]); between a person without ties
          (S = 0) and one with five well ones (S = 0.7) that is ln(1.29)/0.7 = 0.36. beta_R: by definition of the
          scale, R is measured in units of the log hazard. omega: domain files. informal: assumed. delayed: B26.
Limits    One step up or down a month. A crisis is entered from serious need only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.random import uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.engine.thinning import bound_of
from sim.people.bound_updates import DOMAIN_OF_BIT, due_for_bounds
from sim.people.candidate_thinning import need_key
from sim.schema.quantities import Params, number, share
from sim.state.tables import EMPTY_SLOT, HELP_ONLY, INFANT, WAITING, A, World
from sim.state.updates import set_level

CAP = 0.45
"""No monthly probability of worsening exceeds this."""
CAP_BETTER = 0.22
"""Nor one of improving, but out of a crisis: what the screen leaves room for beside help events."""
ROUNDING = 1.0 + 1e-9
"""Room for the order in which a bound multiplies."""
SMALL, REST = 1.5, 1.45
"""Up to where, and with which room, a short series bounds the exponential function (at 1.5: 4.489 for 4.482)."""
CERTAIN = 65535.0 / 65536.0
MOST_PROTECTED = 0.95


class Need(Params):
    """How strongly support and resilience act on the hazards of getting worse."""

    beta_support: float = number(
        0.36,
        low=0.1,
        high=0.7,
        unit="per unit of support",
        source="E18 [HL15], CALC: ln(1.29) / 0.7",
        meaning="how much a unit of support lowers the log hazard of need getting worse",
    )
    usual_support: float = number(
        0.6,
        low=0.4,
        high=0.8,
        unit="0-1",
        source="assumed: a centring constant, calibration absorbs it",
        meaning="support at which the support modifier is 1",
    )
    beta_resilience: float = number(
        1.0,
        low=0.5,
        high=1.5,
        unit="per log hazard unit",
        source="assumed: defines the scale of resilience",
        meaning="how much resilience lowers the log hazard of need getting worse",
    )
    informal: float = share(
        0.25,
        low=0.1,
        high=0.5,
        source="assumed: care at home is about half of all care, so it must hold off much",
        meaning="cut in the hazard of care need getting worse while a well adult lives in the same home",
    )
    freed: float = share(
        0.5, low=0.1, high=1.0, source="assumed", meaning="how much more of it a full measure of time to care gives"
    )
    delayed: float = share(
        0.6,
        low=0.2,
        high=0.9,
        source="assumed, bounded by B26 [HCL]: some 13,400 people a day fit to leave hospital but still there",
        meaning="part of those ready to leave an acute bed who cannot, while serious care need is not being helped",
    )


@kernel
def helper_at_home(w: World, i: Int, levels: A) -> bool:
    """Whether another adult lives there who has no serious need."""
    people = w.people
    home = np.int64(people.dwelling[i])
    for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if j != i and people.worst[j] < 2 and people.age[j] >= 16:
            return True
    return False


@kernel
def apart_from_support(w: World, p: Need, d: int, i: Int, levels: A) -> float:
    """What multiplies the hazard of worsening, without the part that support plays."""
    n = w.people.neighbourhood[i]
    m: float = math.exp(-p.beta_resilience * w.people.resilience[i]) * w.places.exposure[d, n]
    for e in range(levels.shape[0]):
        if e != d:
            m *= 1.0 + w.rates.omega[d, e] * levels[e, i]
    code = np.int64(w.people.help[d, i])
    if 0 < code < WAITING:
        m *= 1.0 - min(MOST_PROTECTED, w.services.protection[code - 1] * helping(w, code - 1, n))
    if w.rates.informal[d] == 1 and levels[d, i] > 0 and helper_at_home(w, i, levels):
        m *= 1.0 - min(MOST_PROTECTED, p.informal * (1.0 + p.freed * w.rules.time_to_care[n]))
    if w.people.age[i] < INFANT and levels[d, i] == 2:
        m *= 1.0 + w.places.infants[n]
    return m


@kernel
def helping(w: World, s: Int, n: Int) -> float:
    """Effect of help by a service in a neighbourhood, 1 = baseline: quality, practice, and how well it fits."""
    effect: float = w.services.quality[s] * w.places.practice[n] * w.places.fit[n]
    return effect


@kernel
def worsening(w: World, p: Need, d: int, i: Int, levels: A, support: float) -> float:
    """Probability that need in domain d gets worse this month, given support 0-1."""
    level, b, q = levels[d, i], w.people.band[i], w.people.quintile[i]
    m = apart_from_support(w, p, d, i, levels) * math.exp(-p.beta_support * (support - p.usual_support))
    probability: float = min(CAP, w.rates.up[d, level, b, q] * m)
    return probability


@kernel
def help_speeds(w: World, d: int, i: Int) -> float:
    """What multiplies the hazard of improving: 1 without help."""
    code = np.int64(w.people.help[d, i])
    if 0 < code < WAITING:
        effect = helping(w, code - 1, w.people.neighbourhood[i])
        speed: float = 1.0 + (w.services.recovery[code - 1] - 1.0) * effect
        return speed
    return 1.0


@kernel
def held_back(w: World, d: int, i: Int, levels: A) -> bool:
    """Whether a crisis waits for help in another domain: the bed cannot be left without it."""
    e = w.rates.waits_for[d]
    waits: bool = e >= 0 and levels[e, i] == 2 and not 0 < np.int64(w.people.help[e, i]) < WAITING
    return waits


@kernel
def improving(w: World, p: Need, d: int, i: Int, levels: A) -> float:
    """Probability that need in domain d gets better this month."""
    level = levels[d, i]
    rate: float = w.rates.down[d, level, w.people.band[i]]
    if level == 3:
        return min(CERTAIN, rate) * (1.0 - p.delayed if held_back(w, d, i, levels) else 1.0)
    return min(CAP_BETTER, rate * help_speeds(w, d, i))


@mechanism(
    Phase.NEED,
    Need,
    reads="screen.worse_row screen.worse screen.better_row screen.better screen.support people.before "
    "people.resilience people.help people.worst people.band people.quintile people.neighbourhood people.age "
    "services.quality places.practice places.fit places.exposure places.infants rules.time_to_care",
    writes="tally.delayed people.level people.help people.changed tally.census tally.unmet tally.helped "
    "tally.waiting tally.ended services.helped services.queue screen.event_row screen.event_domain "
    "screen.event_to screen.events",
    by_part=True,
)
@kernel
def change(w: World, p: Need, clock: Clock) -> None:
    levels = w.people.before
    for d in range(levels.shape[0]):
        key = need_key(clock, d)  # a candidate's draw again: cheaper than to keep it
        for k in range(w.screen.worse[d]):
            i = np.int64(w.screen.worse_row[d, k])
            if uniform(key, i) < worsening(w, p, d, i, levels, w.screen.support[d, k]):
                set_level(w, d, i, levels[d, i] + 1)
        for k in range(w.screen.better[d]):
            i = np.int64(w.screen.better_row[d, k])
            u = uniform(key, i)
            if u > 1.0 - improving(w, p, d, i, levels):
                set_level(w, d, i, levels[d, i] - 1)
            elif levels[d, i] == 3 and held_back(w, d, i, levels):
                # Nobody else stays: the draw is one that ends a crisis, but for the care that is missing.
                if u > 1.0 - min(CERTAIN, w.rates.down[d, 3, w.people.band[i]]):
                    w.tally.delayed[w.people.quintile[i], w.people.band[i]] += 1


@mechanism(
    Phase.REFRESH,
    Need,
    reads="screen.renew screen.reason screen.renewals screen.amendments people.level "
    "people.resilience people.help people.band people.quintile people.age people.neighbourhood "
    "services.quality_low services.quality_high places.practice_low places.practice_high "
    "places.exposure_top places.infants_top dwellings.head",
    writes="people.up_bound people.down_bound",
    name="need_bounds",
    after="bound_updates",
    by_part=True,
)
@kernel
def bound(w: World, p: Need, clock: Clock) -> None:
    people, services, screen, rates, places = w.people, w.services, w.screen, w.rates, w.places
    level_of, up_bound, down_bound, age = people.level, people.up_bound, people.down_bound, people.age
    # What each help code takes off worsening at least, and adds to improving at most; nothing where nobody helps.
    shield, lift = np.zeros(256), np.zeros(256)
    for s in range(services.domain.size):
        shield[1 + s] = services.protection[s] * services.quality_low[s]
        lift[1 + s] = (services.recovery[s] - 1.0) * services.quality_high[s]
    base, needs = math.exp(p.beta_support * p.usual_support) * ROUNDING, np.zeros(level_of.shape[0])
    # Looked up here, once, and not for each person.
    tables = (rates.up, rates.down, rates.omega, rates.household, people.help, places.exposure_top, shield, lift)
    i: Int
    for k in range(screen.renewals[0] + screen.amendments[0]):
        whole, at = k < screen.renewals[0], due_for_bounds(w, k)
        i = np.int64(screen.renew[at])
        left = np.int64(HELP_ONLY if whole else screen.reason[at] & HELP_ONLY)
        if left == 0:
            continue
        if age[i] == EMPTY_SLOT:
            up_bound[:, i] = 0
            down_bound[:, i] = 0
            continue
        n = np.int64(people.neighbourhood[i])
        for d in range(needs.size):
            needs[d] = level_of[d, i]
        # Support may be nothing; resilience above its set-point fades: the bound takes it as gone.
        who = _PersonFactors(
            np.int64(people.band[i]),
            np.int64(people.quintile[i]),
            n,
            np.int64(w.dwellings.head[people.dwelling[i]] == i),
            base * at_least_exp(-p.beta_resilience * min(0.0, people.resilience[i])),
            1.0 + np.float64(age[i] < INFANT) * places.infants_top[n],
            places.practice_low[n],
            places.practice_high[n],
        )
        if whole:
            for d in range(needs.size):
                up_bound[d, i], down_bound[d, i] = _bounds(tables, who, needs, d, i)
        else:
            while left != 0:
                d = DOMAIN_OF_BIT[left]
                up_bound[d, i], down_bound[d, i] = _bounds(tables, who, needs, d, i)
                left &= left - 1


@inlined
def at_least_exp(x: float) -> float:
    """e to the power of x or a little more, for x >= 0: four terms of the series, the last with room for the rest."""
    return math.exp(x) if x > SMALL else 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * REST)))


class _PersonFactors(NamedTuple):
    """What the bounds of a person rest on, in whichever domain."""

    band: Int
    quintile: Int
    neighbourhood: Int
    head: Int
    hazard: float
    """What multiplies the hazards at most."""
    infant: float
    """And what multiplies that of a crisis besides."""
    practice_low: float
    practice_high: float


@inlined
def _bounds(tables: tuple[A, ...], who: _PersonFactors, needs: A, d: int, i: Int) -> tuple[np.uint8, np.uint8]:
    """Bounds of worsening and improving in one domain. Most questions here fall out either way: asking them in numbers
    costs less than going one way or the other."""
    up, down, omega, household, help_of, exposure, shield, lift = tables
    level, code = np.int64(needs[d]), np.int64(help_of[d, i])
    m = who.hazard * (1.0 - min(MOST_PROTECTED, shield[code] * who.practice_low)) * exposure[d, who.neighbourhood]
    for e in range(needs.size):  # omega of a domain with itself is 0
        m *= 1.0 + omega[d, e] * needs[e]
    m *= who.infant if level == 2 else 1.0
    counts = np.float64(max(who.head, 1 - np.int64(household[d])))
    worse = up[d, level, who.band, who.quintile] * m
    better = down[d, level, who.band] * (1.0 + lift[code] * who.practice_high)
    return bound_of(counts * min(CAP, worse)), bound_of(counts * min(CERTAIN if level == 3 else CAP_BETTER, better))
