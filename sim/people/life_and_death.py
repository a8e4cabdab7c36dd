"""People die, sooner if they are poor, ill or in crisis, and women who live in the place give birth.

Claim     P(death this month) = min(most_death, death[age, q] * product of the factors below for serious need and
          crisis). Only needs of persons count, not those of households. A crisis multiplies by crisis * (1 + stretched
          * min(most_overload, overload of the services that take it)).
          P(birth this month) = fertility of the woman's age / 12, if the home has room. Women of 18 to 44 give birth.
          A part `girls` of children are girls.
Evidence  death: shape A0 + A1 * exp(0.1 * age), the textbook (Gompertz-Makeham) form, with a gradient over fifths set
          by the life-expectancy gap (A22 [ONSLE]), scaled so that England's mix gives 10 per 1,000 a year (A21).
          Fertility: shape assumed, scaled to 10 births per 1,000 people a year (A21).
Limits    No twins, no stillbirths, fathers play no part. If the home is full, the next woman of the neighbourhood whose
          home has room has the child, so that the number of births stays the same.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.engine.thinning import bound_of, find_ends
from sim.schema.quantities import Params, number, share
from sim.state.codes import EMPTY_SLOT, LEVEL
from sim.state.columns import A, column
from sim.state.rates import Rates
from sim.state.updates import birthday_slots, count_person, occupy, vacate
from sim.state.world import World

LIFE = stream("life and death")
SEX = stream("sex of a child")


class LifeAndDeath(Params):
    """Factors on mortality, its limits, and fertility."""

    serious: float = number(
        1.5,
        low=1.1,
        high=2.5,
        unit="multiplier",
        source="assumed",
        meaning="factor on mortality, per serious need in health or care",
    )
    crisis: float = number(
        3.0, low=1.5, high=8.0, unit="multiplier", source="assumed", meaning="factor on mortality, per crisis"
    )
    stretched: float = number(
        0.5,
        low=0.1,
        high=1.5,
        unit="share per unit of overload",
        source="assumed; F15 [Mosc]: 35 more deaths per 100,000 admissions for each standard deviation of turnover",
        meaning="rise in deaths in a crisis, per unit of overload of the service that took it",
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
    girls: float = share(
        0.488,
        low=0.485,
        high=0.491,
        source="A21 (ONS, recalled): 105 boys for 100 girls",
        meaning="girls among newborns",
    )
    most_death: float = number(
        0.45,
        low=0.3,
        high=0.49,
        unit="probability per month",
        source="assumed",
        meaning="largest probability that a person dies in a month",
    )
    most_overload: float = number(
        1.0,
        low=0.5,
        high=2.0,
        unit="overload",
        source="assumed",
        meaning="overload of a service beyond which mortality in a crisis rises no further",
    )


YEARS_BOUNDED = 5
"""Bounds hold for the ages up to the next multiple of this, so that a birthday seldom requires new ones."""
YOUNGEST_MOTHER, OLDEST_MOTHER = 18, 44


class LifeAndDeathState(NamedTuple):
    """Bounds of this month's draws."""

    death_bound: Annotated[A, column("u1", "person", "bound", "no draw above this is a death")]
    birth_bound: Annotated[A, column("u1", "person", "bound", "no draw below its complement is a birth")]


@kernel
def _overload(w: World, p: LifeAndDeath, d: int, band: int) -> float:
    """Mean overload of the services that take the domain's crises, at most `most_overload`."""
    total = 0.0
    for s in range(w.services.domain.size):
        if w.services.domain[s] == d:
            total += w.services.crisis_share[s, band] * w.services.overload[s]
    return min(p.most_overload, total)


@kernel
def death_probability(w: World, p: LifeAndDeath, i: Int) -> float:
    """Probability of death this month."""
    m: float = w.rates.death[w.people.age[i], w.people.quintile[i]]
    for d in range(w.people.level.shape[0]):
        if w.rates.household[d] == 0:
            if w.people.level[d, i] == 3:
                m *= p.crisis * (1.0 + p.stretched * _overload(w, p, d, w.people.band[i]))
            elif w.people.level[d, i] == 2:
                m *= p.serious
    return min(p.most_death, m)


@kernel
def birth_probability(w: World, p: LifeAndDeath, i: Int) -> float:
    """Probability of giving birth this month."""
    return _fertility(p, w.people.female[i], w.people.age[i])


@kernel
def _fertility(p: LifeAndDeath, female: int, age: int) -> float:
    """Probability that a person of this sex and age gives birth in a month."""
    if female == 0 or age < YOUNGEST_MOTHER or age > OLDEST_MOTHER:
        return 0.0
    return (p.births_young if age <= 24 else p.births_prime) / 12000.0


@mechanism(
    Phase.LIFE,
    LifeAndDeath,
    state=LifeAndDeathState,
    reads="people.age people.band people.level life_and_death.death_bound life_and_death.birth_bound dwellings.first "
    "dwellings.head services.overload services.crisis_share rates.resilience rates.trust",
    writes="people.age people.band people.level people.before people.help people.changed people.female "
    "people.resilience people.trust people.refused tally.people tally.census tally.unmet tally.helped tally.waiting "
    "tally.born tally.died tally.moved_out dwellings.head dwellings.occupants services.helped services.queue "
    "screen.tops screen.marks screen.found_row",
    after="ageing",
    by_part=True,
)
@kernel
def apply_deaths_and_births(w: World, p: LifeAndDeath, clock: Clock) -> None:
    people, scratch = w.people, w.screen
    state: LifeAndDeathState = w.private.life_and_death
    first, last = w.part.person[0], w.part.person[1]
    row = scratch.found_row
    death_bound, birth_bound = state.death_bound[first:last], state.birth_bound[first:last]
    sex = month_key(clock.seed, SEX, clock.month)
    key = month_key(clock.seed, LIFE, clock.month)
    for k in range(find_ends(key, first, death_bound, birth_bound, scratch.tops, scratch.marks, row)):
        i = np.int64(row[k])
        if people.age[i] == EMPTY_SLOT:
            continue
        u = uniform(key, i)
        if u < 0.5:
            if u < death_probability(w, p, i):
                w.tally.died[people.quintile[i], people.band[i]] += 1
                vacate(w, i)
        elif u > 1.0 - birth_probability(w, p, i):
            mother = _mother_with_room(w, p, i)
            if mother >= 0:
                _add_newborn(w, mother, 1 if uniform(sex, i) < p.girls else 0)


@kernel
def _room(w: World, home: Int) -> int:
    """The first empty slot of a home, or -1."""
    for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if w.people.age[j] == EMPTY_SLOT:
            return j
    return -1


@kernel
def _mother_with_room(w: World, p: LifeAndDeath, mother: Int) -> Int:
    """The woman drawn if her home has room, else the next woman of the neighbourhood whose home has room, or -1."""
    if _room(w, np.int64(w.people.dwelling[mother])) >= 0:
        return mother
    n = w.people.neighbourhood[mother]
    first, last = np.int64(w.places.first[n]), np.int64(w.places.first[n + 1])
    for k in range(1, last - first):
        i = first + (mother - first + k) % (last - first)
        if (
            w.people.age[i] != EMPTY_SLOT
            and birth_probability(w, p, i) > 0.0
            and _room(w, np.int64(w.people.dwelling[i])) >= 0
        ):
            return i
    return -1


@kernel
def _add_newborn(w: World, mother: Int, female: int) -> None:
    """Add a child to the mother's home, with the needs that the household shares."""
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
    state=LifeAndDeathState,
    reads="people.level people.age screen.renew screen.reason screen.renewals people.female people.quintile",
    writes="life_and_death.death_bound life_and_death.birth_bound",
    name="life_and_death_bounds",
    after="bound_updates",
    by_part=True,
)
@kernel
def bound(w: World, p: LifeAndDeath, clock: Clock) -> None:
    age, renew, reason = w.people.age, w.screen.renew, w.screen.reason
    # By the time the bound is used, a level may have fallen or risen by one.
    serious = max(1.0, p.serious)
    worst = max(serious, p.crisis * (1.0 + p.stretched * p.most_overload))
    factor = np.array([1.0, serious, worst, worst])
    for k in range(w.screen.renewals[0]):
        if reason[k] & LEVEL:
            _renew(w, p, np.int64(renew[k]), factor)
    first, last = birthday_slots(w, clock.month - 1)
    for i in range(first, last, 12):
        if age[i] % YEARS_BOUNDED == 0 and age[i] != EMPTY_SLOT:
            _renew(w, p, i, factor)


def set_mortality(rates: Rates, monthly: A) -> None:
    """Set the monthly probabilities of death, and the highest of each over the next `YEARS_BOUNDED` years of age.

    Parameters
    ----------
    rates : Rates
        Changed in place: `death` and `death_ahead`.
    monthly : array of float, shape (age, quintile)
        Probability of death in a month.
    """
    rates.death[:] = monthly
    rates.death_ahead[:] = monthly
    for years in range(1, YEARS_BOUNDED + 1):
        np.maximum(rates.death_ahead[:-years], monthly[years:], out=rates.death_ahead[:-years])


@kernel
def _renew(w: World, p: LifeAndDeath, i: Int, factor: A) -> None:
    """Recompute a person's bounds: the highest probabilities over the next years of age and levels (`factor`)."""
    people = w.people
    state: LifeAndDeathState = w.private.life_and_death
    death, birth = 0.0, 0.0
    if people.age[i] != EMPTY_SLOT:
        age = np.int64(people.age[i])
        death = w.rates.death_ahead[age, people.quintile[i]]
        if people.female[i] == 1 and OLDEST_MOTHER >= age >= YOUNGEST_MOTHER - YEARS_BOUNDED:
            for later in range(age, age + YEARS_BOUNDED + 1):
                birth = max(birth, _fertility(p, 1, later))
        for d in range(people.level.shape[0]):
            if w.rates.household[d] == 0:
                death *= factor[people.level[d, i]]
    state.death_bound[i] = bound_of(min(p.most_death, death))
    state.birth_bound[i] = bound_of(birth)
