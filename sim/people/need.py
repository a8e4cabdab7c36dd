"""Need grows with other needs and with little support, and shrinks with time and with help.

Claim     P(level l -> l+1 this month) = min(most_worsening, up[d,l,a,q] * prod_{e != d} (1 + omega[d,e] * level_e)
          * exposure[d,n] * exp(-beta_S (S - S0)) * exp(-beta_R R) * (1 - min(most_protection, protection * quality))
          * (1 - min(most_protection, informal * at home)))
          P(level l -> l-1 this month) = min(most_improvement, down[d,l,a] * (1 + (recovery - 1) * quality)); out of a
          crisis it is down[d,l,a], with or without help, below 1.
          S is support and R resilience. protection and recovery are those of the service that helps (0 and 1 without
          help). quality is that of the service times the practice and the fit of the neighbourhood. exposure is the
          common effect of external conditions on everybody in the neighbourhood. In domains where people at home can do
          much (care), another person of 16 or over without serious needs who lives there lowers the hazard of a person
          with need, by more with time to care: at home = 1 + freed * time to care. A crisis that waits for help in
          another domain (a hospital bed for home care) ends only with probability (1 - delayed) of its usual value.
          Where a children's centre looks for need (infants), the hazard of crisis of an infant with serious need is
          multiplied by 1 + infants: the crisis is found sooner.
          `up` is solved so that, over the people of an age band and deprivation fifth, the published
          prevalence and crises of England result (see sim/calibration/calibrate.py).
Evidence  beta_S: isolation and loneliness raise mortality by 26-29 % (E18 [HL15]); between a person without ties
          (S = 0) and one with five well ones (S = 0.7) that is ln(1.29)/0.7 = 0.36. beta_R: by definition of the
          scale, R is measured in units of the log hazard. omega: domain files. informal: assumed. delayed: B26.
Limits    One step up or down a month. A crisis is entered from serious need only. most_worsening stays below 1/2, and
          most_improvement and the limit of help events (help_seeking.most_probability) at 1/2 together, as the three
          events share one random draw (candidate_thinning.py).
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
from sim.state.codes import EMPTY_SLOT, HELP_ONLY, INFANT, WAITING
from sim.state.columns import A
from sim.state.updates import set_level
from sim.state.world import World

ROUNDING = 1.0 + 1e-9
"""Margin for rounding, as a bound multiplies in another order."""
SERIES_RANGE, SERIES_MARGIN = 1.5, 1.45
"""Range in which a short series bounds the exponential function, and the margin in its last term (at 1.5: 4.489 for
4.482)."""
CERTAIN = 65535.0 / 65536.0
"""The probability that stands for 1: draws are compared in steps of 1 / 65,536."""


class Need(Params):
    """Effects of support, resilience and care at home on hazards, and limits of monthly probabilities."""

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
        source="assumed: care at home is about half of all care, so its effect must be large",
        meaning="cut in the hazard of care need getting worse while a well adult lives in the same home",
    )
    freed: float = share(
        0.5, low=0.1, high=1.0, source="assumed", meaning="rise in the effect of care at home with full time to care"
    )
    delayed: float = share(
        0.6,
        low=0.2,
        high=0.9,
        source="assumed, bounded by B26 [HCL]: some 13,400 people a day fit to leave hospital but still there",
        meaning="part of those ready to leave an acute bed who cannot, while serious care need is not being helped",
    )
    most_worsening: float = number(
        0.45,
        low=0.3,
        high=0.49,
        unit="probability per month",
        source="assumed",
        meaning="largest probability that need gets worse in a month",
    )
    most_improvement: float = number(
        0.22,
        low=0.15,
        high=0.22,
        unit="probability per month",
        source="assumed; with the limit of help events at most 1/2, as both share one random draw",
        meaning="largest probability that need gets better in a month, except out of a crisis",
    )
    most_protection: float = share(
        0.95,
        low=0.8,
        high=1.0,
        source="assumed",
        meaning="largest cut in the hazard of worsening by help, or by care at home",
    )


@kernel
def helper_at_home(w: World, i: Int, levels: A) -> bool:
    """Whether another adult without serious need lives in the home."""
    people = w.people
    home = np.int64(people.dwelling[i])
    for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if j != i and people.worst[j] < 2 and people.age[j] >= 16:
            return True
    return False


@kernel
def hazard_without_support(w: World, p: Need, d: int, i: Int, levels: A) -> float:
    """The product of all factors on the hazard of worsening, except that of support."""
    n = w.people.neighbourhood[i]
    m: float = math.exp(-p.beta_resilience * w.people.resilience[i]) * w.places.exposure[d, n]
    for e in range(levels.shape[0]):
        if e != d:
            m *= 1.0 + w.rates.omega[d, e] * levels[e, i]
    code = np.int64(w.people.help[d, i])
    if 0 < code < WAITING:
        m *= 1.0 - min(p.most_protection, w.services.protection[code - 1] * help_effect(w, code - 1, n))
    if w.rates.informal[d] == 1 and levels[d, i] > 0 and helper_at_home(w, i, levels):
        m *= 1.0 - min(p.most_protection, p.informal * (1.0 + p.freed * w.rules.time_to_care[n]))
    if w.people.age[i] < INFANT and levels[d, i] == 2:
        m *= 1.0 + w.places.infants[n]
    return m


@kernel
def help_effect(w: World, s: Int, n: Int) -> float:
    """Effect of help by a service in a neighbourhood, 1 = baseline: quality times practice times fit."""
    effect: float = w.services.quality[s] * w.places.practice[n] * w.places.fit[n]
    return effect


@kernel
def worsening_probability(w: World, p: Need, d: int, i: Int, levels: A, support: float) -> float:
    """Probability that need in a domain gets worse this month.

    Parameters
    ----------
    w : World
    p : Need
    d : int
        Domain.
    i : int
        Person.
    levels : array of int, shape (domain, person)
        Levels at the start of the month.
    support : float
        Support, 0 to 1.
    """
    level, b, q = levels[d, i], w.people.band[i], w.people.quintile[i]
    m = hazard_without_support(w, p, d, i, levels) * math.exp(-p.beta_support * (support - p.usual_support))
    probability: float = min(p.most_worsening, w.rates.up[d, level, b, q] * m)
    return probability


@kernel
def recovery_factor(w: World, d: int, i: Int) -> float:
    """Factor of help on the hazard of improving; 1 without help."""
    code = np.int64(w.people.help[d, i])
    if 0 < code < WAITING:
        effect = help_effect(w, code - 1, w.people.neighbourhood[i])
        factor: float = 1.0 + (w.services.recovery[code - 1] - 1.0) * effect
        return factor
    return 1.0


@kernel
def is_delayed(w: World, d: int, i: Int, levels: A) -> bool:
    """Whether the end of a crisis waits for help in another domain, as a hospital bed for care at home."""
    e = w.rates.waits_for[d]
    waits: bool = e >= 0 and levels[e, i] == 2 and not 0 < np.int64(w.people.help[e, i]) < WAITING
    return waits


@kernel
def improvement_probability(w: World, p: Need, d: int, i: Int, levels: A) -> float:
    """Probability that need in a domain gets better this month. Arguments as in `worsening_probability`."""
    level = levels[d, i]
    rate: float = w.rates.down[d, level, w.people.band[i]]
    if level == 3:
        return min(CERTAIN, rate) * (1.0 - p.delayed if is_delayed(w, d, i, levels) else 1.0)
    return min(p.most_improvement, rate * recovery_factor(w, d, i))


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
def change_levels(w: World, p: Need, clock: Clock) -> None:
    levels = w.people.before
    for d in range(levels.shape[0]):
        key = need_key(clock, d)  # a candidate's draw is computed again: cheaper than storing it
        for k in range(w.screen.worse[d]):
            i = np.int64(w.screen.worse_row[d, k])
            if uniform(key, i) < worsening_probability(w, p, d, i, levels, w.screen.support[d, k]):
                set_level(w, d, i, levels[d, i] + 1)
        for k in range(w.screen.better[d]):
            i = np.int64(w.screen.better_row[d, k])
            u = uniform(key, i)
            if u > 1.0 - improvement_probability(w, p, d, i, levels):
                set_level(w, d, i, levels[d, i] - 1)
            elif levels[d, i] == 3 and is_delayed(w, d, i, levels):
                # Counted as delayed: the draw would end the crisis if the other help were there.
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
    # By help code: the least protection, and the largest rise of recovery. Both are 0 without help.
    shield, lift = np.zeros(256), np.zeros(256)
    for s in range(services.domain.size):
        shield[1 + s] = services.protection[s] * services.quality_low[s]
        lift[1 + s] = (services.recovery[s] - 1.0) * services.quality_high[s]
    base, needs = math.exp(p.beta_support * p.usual_support) * ROUNDING, np.zeros(level_of.shape[0])
    # Looked up once, not for each person.
    tables = (rates.up, rates.down, rates.omega, rates.household, people.help, places.exposure_top, shield, lift)
    i: Int
    for k in range(screen.renewals[0] + screen.amendments[0]):
        all_domains, at = k < screen.renewals[0], due_for_bounds(w, k)
        i = np.int64(screen.renew[at])
        left = np.int64(HELP_ONLY if all_domains else screen.reason[at] & HELP_ONLY)
        if left == 0:
            continue
        if age[i] == EMPTY_SLOT:
            up_bound[:, i] = 0
            down_bound[:, i] = 0
            continue
        n = np.int64(people.neighbourhood[i])
        for d in range(needs.size):
            needs[d] = level_of[d, i]
        # Support may fall to 0, and resilience above its set-point fades: the bound counts neither.
        person = _PersonFactors(
            np.int64(people.band[i]),
            np.int64(people.quintile[i]),
            n,
            np.int64(w.dwellings.head[people.dwelling[i]] == i),
            base * exp_bound(-p.beta_resilience * min(0.0, people.resilience[i])),
            1.0 + np.float64(age[i] < INFANT) * places.infants_top[n],
            places.practice_low[n],
            places.practice_high[n],
        )
        if all_domains:
            for d in range(needs.size):
                up_bound[d, i], down_bound[d, i] = _bounds(tables, p, person, needs, d, i)
        else:
            while left != 0:
                d = DOMAIN_OF_BIT[left]
                up_bound[d, i], down_bound[d, i] = _bounds(tables, p, person, needs, d, i)
                left &= left - 1


@inlined
def exp_bound(x: float) -> float:
    """An upper bound of exp(x) for x >= 0: the series up to x^4, with a margin in its last term for the rest."""
    return (
        math.exp(x)
        if x > SERIES_RANGE
        else 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * SERIES_MARGIN)))
    )


class _PersonFactors(NamedTuple):
    """Quantities on which the bounds of a person rest in all domains."""

    band: Int
    quintile: Int
    neighbourhood: Int
    head: Int
    hazard: float
    """Upper bound of the factor on all hazards of worsening."""
    infant: float
    """Upper bound of the additional factor on the hazard of a crisis."""
    practice_low: float
    practice_high: float


@inlined
def _bounds(
    tables: tuple[A, ...], p: Need, person: _PersonFactors, needs: A, d: int, i: Int
) -> tuple[np.uint8, np.uint8]:
    """Bounds of worsening and improving in one domain. Branch-free: most branches would be unpredictable."""
    up, down, omega, household, help_of, exposure, shield, lift = tables
    level, code = np.int64(needs[d]), np.int64(help_of[d, i])
    protection = min(p.most_protection, shield[code] * person.practice_low)
    m = person.hazard * (1.0 - protection) * exposure[d, person.neighbourhood]
    for e in range(needs.size):  # omega of a domain with itself is 0
        m *= 1.0 + omega[d, e] * needs[e]
    m *= person.infant if level == 2 else 1.0
    counts = np.float64(max(person.head, 1 - np.int64(household[d])))
    worse = up[d, level, person.band, person.quintile] * m
    better = down[d, level, person.band] * (1.0 + lift[code] * person.practice_high)
    return bound_of(counts * min(p.most_worsening, worse)), bound_of(
        counts * min(CERTAIN if level == 3 else p.most_improvement, better)
    )
