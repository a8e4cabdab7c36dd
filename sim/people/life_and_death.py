"""People die, sooner if they are poor, ill or in crisis; children are born to women who live here.

Claim     P(death this month) = death[age, q] * product of the factors below for serious need and crisis; a crisis is
          deadlier by `stretched` * overload of the services that take it.
          P(birth this month) = fertility of the woman's age / 12, if the home has room.
Evidence  death: shape A0 + A1 * exp(0.1 * age), the textbook (Gompertz-Makeham) form, with a gradient over fifths set
          by the life-expectancy gap (A22 [ONSLE]), scaled so that England's mix gives 10 per 1,000 a year (A21).
          Fertility: shape assumed, scaled to 10 births per 1,000 people a year (A21).
Limits    No twins, no stillbirths, fathers play no part; where the home is full, the next
          woman of the neighbourhood whose home has room has the child, so that births keep their number.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.engine.thinning import bound_of, find_ends
from sim.people.need import CAP
from sim.schema.quantities import Params, number
from sim.state.tables import EMPTY_SLOT, LEVEL, A, Rates, World
from sim.state.updates import birthday_slots, count_person, occupy, vacate

LIFE = stream("life and death")
SEX = stream("sex of a child")


class LifeAndDeath(Params):
    """Factors on mortality, and fertility."""

    serious: float = number(
        1.5,
        low=1.1,
        high=2.5,
        unit="multiplier",
        source="assumed",
        meaning="on mortality, per serious need in health or care",
    )
    crisis: float = number(
        3.0, low=1.5, high=8.0, unit="multiplier", source="assumed", meaning="on mortality, per crisis"
    )
    stretched: float = number(
        0.5,
        low=0.1,
        high=1.5,
        unit="share per unit of overload",
        source="assumed; F15 [Mosc]: 35 more deaths per 100,000 admissions for each standard deviation of turnover",
        meaning="deaths in a crisis beyond the usual, per unit of overload of the service that took it",
    )
    births_young: float = number(
        45.0,
        low=20.0,
        high=70.0,
        unit="per 1,000 women per year",
        source="assumed shape, scaled to A21",
        meaning="births to women of 18-24",
    )
    births_prime: float = number(
        64.0,
        low=45.0,
        high=80.0,
        unit="per 1,000 women per year",
        source="assumed shape, scaled to A21",
        meaning="births to women of 25-44",
    )


YEARS_BOUNDED = 5
"""Bounds hold for the ages up to the next multiple of this: growing a year older seldom asks for new ones."""
YOUNGEST_MOTHER, OLDEST_MOTHER = 18, 44
MOST_OVERLOAD = 1.0
"""Overload beyond which no more people die of it."""


@kernel
def _overload(w: World, d: int, band: int) -> float:
    """Mean overload of the services that take the domain's crises."""
    total = 0.0
    for s in range(w.services.domain.size):
        if w.services.domain[s] == d:
            total += w.services.crisis_share[s, band] * w.services.overload[s]
    return min(MOST_OVERLOAD, total)


@kernel
def dying(w: World, p: LifeAndDeath, i: Int) -> float:
    """Probability of dying this month."""
    m: float = w.rates.death[w.people.age[i], w.people.quintile[i]]
    for d in range(w.people.level.shape[0]):
        if w.rates.household[d] == 0:
            if w.people.level[d, i] == 3:
                m *= p.crisis * (1.0 + p.stretched * _overload(w, d, w.people.band[i]))
            elif w.people.level[d, i] == 2:
                m *= p.serious
    return min(CAP, m)


@kernel
def bearing(w: World, p: LifeAndDeath, i: Int) -> float:
    """Probability of giving birth this month."""
    return _fertility(p, w.people.female[i], w.people.age[i])


@kernel
def _fertility(p: LifeAndDeath, female: int, age: int) -> float:
    if female == 0 or age < YOUNGEST_MOTHER or age > OLDEST_MOTHER:
        return 0.0
    return (p.births_young if age <= 24 else p.births_prime) / 12000.0


@mechanism(
    Phase.LIFE,
    LifeAndDeath,
    reads="people.age people.band people.level people.death_bound people.birth_bound dwellings.first dwellings.head "
    "services.overload services.crisis_share rates.resilience rates.trust",
    writes="people.age people.band people.level people.before people.help people.changed people.female "
    "people.resilience people.trust people.refused tally.people tally.census tally.unmet tally.helped tally.waiting "
    "tally.born tally.died tally.moved_out dwellings.head dwellings.occupants services.helped services.queue "
    "screen.tops screen.marks screen.found_row",
    after="ageing",
    by_part=True,
)
@kernel
def live(w: World, p: LifeAndDeath, clock: Clock) -> None:
    people, scratch = w.people, w.screen
    first, last = w.part.person[0], w.part.person[1]
    row = scratch.found_row
    dies, bears = people.death_bound[first:last], people.birth_bound[first:last]
    sex = month_key(clock.seed, SEX, clock.month)
    key = month_key(clock.seed, LIFE, clock.month)
    for k in range(find_ends(key, first, dies, bears, scratch.tops, scratch.marks, row)):
        i = np.int64(row[k])
        if people.age[i] == EMPTY_SLOT:
            continue
        u = uniform(key, i)
        if u < 0.5:
            if u < dying(w, p, i):
                w.tally.died[people.quintile[i], people.band[i]] += 1
                vacate(w, i)
        elif u > 1.0 - bearing(w, p, i):
            mother = _mother_with_room(w, p, i)
            if mother >= 0:
                _bear(w, mother, 1 if uniform(sex, i) < 0.488 else 0)


@kernel
def _room(w: World, home: Int) -> int:
    """An empty slot in a home, or -1."""
    for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if w.people.age[j] == EMPTY_SLOT:
            return j
    return -1


@kernel
def _mother_with_room(w: World, p: LifeAndDeath, mother: Int) -> Int:
    """The mother herself if her home has room, else the next woman of her neighbourhood whose home has, or -1."""
    if _room(w, np.int64(w.people.dwelling[mother])) >= 0:
        return mother
    n = w.people.neighbourhood[mother]
    first, last = np.int64(w.places.first[n]), np.int64(w.places.first[n + 1])
    for k in range(1, last - first):
        i = first + (mother - first + k) % (last - first)
        if w.people.age[i] != EMPTY_SLOT and bearing(w, p, i) > 0.0 and _room(w, np.int64(w.people.dwelling[i])) >= 0:
            return i
    return -1


@kernel
def _bear(w: World, mother: Int, female: int) -> None:
    people = w.people
    j = _room(w, np.int64(people.dwelling[mother]))
    q = people.quintile[j]
    occupy(w, j, 0, 0, female, w.rates.resilience[0, q], w.rates.trust[0, q])
    for d in range(people.level.shape[0]):
        if w.rates.household[d] == 1:
            people.level[d, j] = people.level[d, mother]
            people.before[d, j] = people.level[d, mother]
    count_person(w, j, 1)
    w.tally.born[q] += 1


@mechanism(
    Phase.REFRESH,
    LifeAndDeath,
    reads="people.level people.age screen.renew screen.reason screen.renewals people.female people.quintile",
    writes="people.death_bound people.birth_bound",
    name="life_and_death_bounds",
    after="bound_updates",
    by_part=True,
)
@kernel
def bound(w: World, p: LifeAndDeath, clock: Clock) -> None:
    age, renew, reason = w.people.age, w.screen.renew, w.screen.reason
    # A level may have risen by one, by the time the bound is used, or fallen.
    serious = max(1.0, p.serious)
    worst = max(serious, p.crisis * (1.0 + p.stretched * MOST_OVERLOAD))
    factor = np.array([1.0, serious, worst, worst])
    for k in range(w.screen.renewals[0]):
        if reason[k] & LEVEL:
            _renew(w, p, np.int64(renew[k]), factor)
    first, last = birthday_slots(w, clock.month - 1)
    for i in range(first, last, 12):
        if age[i] % YEARS_BOUNDED == 0 and age[i] != EMPTY_SLOT:
            _renew(w, p, i, factor)


def set_mortality(rates: Rates, monthly: A) -> None:
    """Write down how likely people are to die in a month, shape (age, quintile), and the most of it in years ahead."""
    rates.death[:] = monthly
    rates.death_ahead[:] = monthly
    for years in range(1, YEARS_BOUNDED + 1):
        np.maximum(rates.death_ahead[:-years], monthly[years:], out=rates.death_ahead[:-years])


@kernel
def _renew(w: World, p: LifeAndDeath, i: Int, factor: A) -> None:
    """Bounds of one person: the most that the next years of age, and levels (`factor`), can make of them."""
    people = w.people
    dies, bears = 0.0, 0.0
    if people.age[i] != EMPTY_SLOT:
        age = np.int64(people.age[i])
        dies = w.rates.death_ahead[age, people.quintile[i]]
        if people.female[i] == 1 and OLDEST_MOTHER >= age >= YOUNGEST_MOTHER - YEARS_BOUNDED:
            for later in range(age, age + YEARS_BOUNDED + 1):
                bears = max(bears, _fertility(p, 1, later))
        for d in range(people.level.shape[0]):
            if w.rates.household[d] == 0:
                dies *= factor[people.level[d, i]]
    people.death_bound[i] = bound_of(min(CAP, dies))
    people.birth_bound[i] = bound_of(bears)
