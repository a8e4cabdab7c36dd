"""A survey of a twelfth of all people each month: loneliness, membership of groups, trust, resilience and care at home.

Claim     People are asked at the start of the month, half a year after their birthday: once a year, in the middle of a
          year of age. In places of some 440,000 people and more, adults are sampled: each is asked once in a number of
          years, and counts for as many people. All residents are still counted, and children by year of age. Of an
          adult, P(lonely often or always) = 1 / (1 + exp((support - s) / blur)), s = lonely + serious * [own need is
          serious or worse] - mellow * decades of age beyond 16. The sum of these probabilities is reported, not random
          draws. Member: as in networks/support.py. Carer: an adult who lives at home with a person whose need of daily
          help is serious, not in a care home. The adults at home share `hours` a week, less the part `relief` where a
          service helps.
Evidence  lonely, blur, serious, mellow: fitted to A10-A12 in the burned-in baseline of anytown, which then showed 7.0 %
          of adults (A10: 7; it shows 7.2 now), 14 % with serious need and 4 % of others (A12: 15 and 3), 11 % at 16-24,
          12 % at 25-34, 5 % at 35-64, 6 % at 65+ (A11: 10, 9, 4-8), and falls from 10 % to 5.5 % over the fifths (A13).
          hours: the mean over all carers of Census 2021, England (table TS039: 1.67 m give under 10 hours a week,
          0.63 m 10-19, 0.45 m 20-34, 0.52 m 35-49, 1.40 m 50 and more; mid-points 5, 14.5, 27, 42 and 60 assumed) is
          29.
          The sample: as large as England's own (`ASKED`).
Limits    The survey changes nothing in a run. Care for a person in another home, and care by children, is not counted.
          Loneliness is a feeling; in the model it depends only on ties (their number and strain), need and youth.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.networks.support import AHEAD, Support, ask_for_ties, is_member, membership_key, support_of, tie_values
from sim.schema.quantities import Params, number, share
from sim.state.codes import CHILD_AGES, EMPTY_SLOT, FINE
from sim.state.updates import HALF_A_YEAR, birthday_slots, is_helped, survey_slots
from sim.state.world import World

ADULT = 16
ASKED = 260_000
"""Largest number of slots surveyed in a year: some 175,000 adults, as many as England's Community Life Survey of
2023/24 asked ([CLS24], its technical report: read)."""
FITTED = "fitted to A10-A12 [CLS24] in the burned-in baseline"


class Survey(Params):
    """The relation of answers to support, need and age, and hours of care."""

    lonely: float = share(
        0.265,
        low=0.15,
        high=0.4,
        source=FITTED,
        meaning="support at which half of the young without serious need are lonely",
    )
    blur: float = number(
        0.12, low=0.05, high=0.2, unit="support", source=FITTED, meaning="variation of that support between people"
    )
    serious: float = number(
        0.177,
        low=0.05,
        high=0.3,
        unit="support",
        source=FITTED,
        meaning="rise in the support required with serious need of the person",
    )
    mellow: float = number(
        0.048,
        low=0.0,
        high=0.1,
        unit="support per decade",
        source=FITTED,
        meaning="fall in the support required with age",
    )
    hours: float = number(
        29.0,
        low=15.0,
        high=50.0,
        unit="hours a week",
        source="Census 2021, England, table TS039 (read); mid-points of its bands assumed",
        meaning="care at home for a person with serious need",
    )
    relief: float = share(
        0.25, low=0.0, high=0.6, source="assumed", meaning="part of those hours that help from a service takes over"
    )


@mechanism(
    Phase.SURVEY,
    Support,
    reads="people.worst people.age people.band people.quintile people.neighbourhood people.dwelling dwellings.first "
    "ties.start ties.to places.energy rules.pandemic rules.digital_ties rates.asked_every",
    writes="screen.company tally.members",
    name="company",
    by_part=True,
    beyond="people.worst",
)
@kernel
def measure_support(w: World, p: Support, clock: Clock) -> None:
    people, members, company = w.people, w.tally.members, w.screen.company
    key, worth = membership_key(clock.seed), tie_values(p)
    weight, adults = w.rates.asked_every[0], 0
    first, last, step = survey_slots(w, clock.month)
    for i in range(first, last, step):
        if i + 2 * AHEAD * step < last:
            ask_for_ties(w, i + 2 * AHEAD * step, i + AHEAD * step)
        if people.age[i] != EMPTY_SLOT and people.age[i] >= ADULT:
            member = is_member(w, p, key, i)
            company[adults] = np.float32(support_of(w, p, worth, i, member))
            adults += 1
            members[people.quintile[i], people.band[i]] += member * weight


@kernel
def fixed_point(answer: float) -> Int:
    """An answer as an integer number of 1 / `FINE`, rounded half up, so that sums do not depend on their order."""
    return np.int64(math.floor(answer * FINE + 0.5))


@kernel
def _care_hours(w: World, p: Survey, i: Int) -> float:
    """Hours a week that an adult cares for others of the household."""
    people, first = w.people, w.dwellings.first
    home = np.int64(people.dwelling[i])
    hours = 0.0
    for d in range(w.rates.informal.size):
        if w.rates.informal[d] == 0 or people.level[d, i] == 3:  # a person in a care home gives no care at home
            continue
        j: Int
        needy: Int = 0
        for j in range(np.int64(first[home]), np.int64(first[home + 1])):
            needy += np.int64(people.level[d, j] == 2)
        if needy == 0:  # as in most homes
            continue
        needed, able = 0.0, 0
        for j in range(np.int64(first[home]), np.int64(first[home + 1])):
            if people.age[j] == EMPTY_SLOT:
                continue
            if j != i and people.level[d, j] == 2:
                needed += p.hours * (1.0 - (p.relief if is_helped(np.int64(people.help[d, j])) else 0.0))
            if people.age[j] >= ADULT and people.level[d, j] < 2:
                able += 1
        hours += needed / max(1, able if people.level[d, i] < 2 else able + 1)
    return hours


@mechanism(
    Phase.SURVEY,
    Survey,
    reads="people.age people.band people.quintile people.neighbourhood people.dwelling people.level people.worst "
    "people.help people.trust people.resilience dwellings.first rates.informal rates.asked_every screen.company",
    writes="tally.residents tally.children tally.surveyed tally.lonely tally.trusting tally.resilient tally.carers "
    "tally.carer_hours",
    after="company",
    by_part=True,
)
@kernel
def run_survey(w: World, p: Survey, clock: Clock) -> None:
    people, tally, company = w.people, w.tally, w.screen.company
    first, last = birthday_slots(w, clock.month + HALF_A_YEAR)
    for i in range(first, last, 12):
        if people.age[i] != EMPTY_SLOT:
            tally.residents[people.neighbourhood[i]] += 1
            if people.age[i] < CHILD_AGES:
                tally.children[people.age[i], people.quintile[i]] += 1
    weight, adults = w.rates.asked_every[0], 0
    first, last, step = survey_slots(w, clock.month)
    for i in range(first, last, step):
        age, q, b = people.age[i], people.quintile[i], people.band[i]
        if age == EMPTY_SLOT or age < ADULT:
            continue
        tally.surveyed[q, b] += weight
        required = p.lonely + (p.serious if people.worst[i] >= 2 else 0.0) - p.mellow * (age - ADULT) / 10.0
        tally.lonely[q, b] += fixed_point(1.0 / (1.0 + math.exp((company[adults] - required) / p.blur))) * weight
        adults += 1
        tally.trusting[q, b] += fixed_point(people.trust[i]) * weight
        tally.resilient[q, b] += fixed_point(people.resilience[i]) * weight
        hours = _care_hours(w, p, i)
        tally.carers[q, b] += (hours > 0.0) * weight
        tally.carer_hours[q, b] += fixed_point(hours) * weight
