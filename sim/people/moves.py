"""Households move away and others move in; moves keep each fifth's age mix where the place file has it.

Claim     A household moves out of the place this month with probability moves/12 * (mean over its members of
          people here / people wanted, in their age band, relative to the whole fifth)^pull * (places in the home /
          people in it)^2, at most twelve times moves/12: the old in an emptied family home move on sooner. An empty
          home takes in a household with the ages of one of sixteen drawn from the fifth's first households, the one
          that best fills what is lacking.
Evidence  moves: A20 gives 8-12 % of people moving home a year; about half of them to another area (assumed).
          Aligning a synthetic population to an official age mix is the custom of microsimulation.
Limits    What newcomers bring: donors.py. They inherit the ties of the slot they take.
"""

from __future__ import annotations

import numpy as np

from sim.bookkeeping import count_person, occupy, vacate
from sim.engine.draws import UNIT, fill_bits, month_key, stream, uniform
from sim.engine.jit import Int, kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, number, share
from sim.people.ageing import BAND_OF_AGE
from sim.people.donors import HEAD, MEMBER, donor, household_level
from sim.state import NOBODY, A, World

OUT = stream("moving out")
IN = stream("moving in")
NEWCOMER = stream("needs of newcomers")
TRIES = 16
MOST = 12.0


class Moves(Params):
    """How often households move, and how firmly moves keep the age mix."""

    moves: float = share(
        0.05,
        low=0.02,
        high=0.1,
        source="A20 (8-12 % move home), about half leave the area: assumed",
        meaning="households that leave the place in a year",
    )
    let: float = share(
        0.5,
        low=0.2,
        high=1.0,
        source="assumed: homes stand empty for two months on average",
        meaning="empty homes that are taken in a month by a household from elsewhere",
    )
    pull: float = number(
        12.0,
        low=0.0,
        high=30.0,
        unit="exponent",
        source="assumed: a device of alignment, 0 switches it off",
        meaning="how strongly an over-full age band moves out",
    )


@kernel
def _fullness(w: World, q: int, b: int) -> float:
    """People here over people wanted, in a fifth and age band."""
    wanted = w.places.age_mix[q, b]
    return w.tally.people[q, b] / wanted if wanted > 0.5 else 1.0


@kernel
def _lacking(here: A, wanted: A, ages: A) -> float:
    """How well a household's ages fill what a fifth lacks: higher is better."""
    score = 0.0
    for age in ages:
        if age == NOBODY:
            break
        b = BAND_OF_AGE[age]
        score += 1.0 - (here[b] / wanted[b] if wanted[b] > 0.5 else 1.0)
    return score


@kernel
def move_in(w: World, home: int, ages: A, clock: Clock) -> int:
    """Settle a household of these ages in an empty dwelling; the first age is the reference person's. Returns how
    many people moved in."""
    people = w.people
    first = np.int64(w.dwellings.first[home])
    w.dwellings.head[home] = np.uint32(first)
    key = month_key(clock.seed, NEWCOMER, clock.month)
    came = 0
    for k in range(ages.size):
        if ages[k] == NOBODY:
            break
        i = first + k
        b, q = BAND_OF_AGE[ages[k]], people.quintile[i]
        inherited = household_level(w, first) if k > 0 else 0
        who = donor(w, HEAD if k == 0 else MEMBER, inherited, b, q, uniform(key, i))
        occupy(w, i, ages[k], b, people.female[i], w.rates.resilience[b, q], w.rates.trust[b, q])
        if who >= 0:
            people.resilience[i] = w.rates.donor_resilience[who]
            people.trust[i] = w.rates.donor_trust[who]
        for d in range(people.level.shape[0]):
            if w.rates.household[d] == 1 and k > 0:
                people.level[d, i] = people.level[d, first]
            elif who >= 0:
                people.level[d, i] = min(2, w.rates.donor_level[who, d])  # nobody moves in the middle of a crisis
            people.before[d, i] = people.level[d, i]
        count_person(w, i, 1)
        came += 1
    return came


@mechanism(
    Phase.LIFE,
    Moves,
    reads="people.age people.band dwellings.first dwellings.donor_ages dwellings.occupants places.age_mix "
    "rates.donor_level rates.donor_range rates.resilience rates.trust",
    writes="people.age people.female people.band people.level people.before people.help people.changed "
    "people.resilience people.trust tally.people tally.census tally.unmet tally.helped tally.waiting "
    "tally.moved_in tally.moved_out dwellings.head dwellings.occupants services.helped services.queue "
    "screen.bits",
    after="ageing life_and_death",
)
@kernel
def move(w: World, p: Moves, clock: Clock) -> None:
    people, homes = w.people, w.dwellings
    occupants, first, donor_ages = homes.occupants, homes.first, homes.donor_ages
    in_key = month_key(clock.seed, IN, clock.month)
    out = w.screen.bits[: homes.head.size]
    fill_bits(month_key(clock.seed, OUT, clock.month), 0, out)
    few = np.uint32(min(0.999, p.moves / 12.0 * MOST) * 2.0**32)
    for n in range(w.places.quintile.size):
        start, stop = np.int64(w.places.first_dwelling[n]), np.int64(w.places.first_dwelling[n + 1])
        q = w.places.quintile[n]
        here, wanted = w.tally.people[q], w.places.age_mix[q]
        for home in range(start, stop):
            if occupants[home] > 0:
                if out[home] > few:
                    continue
                if (np.float64(out[home]) + 0.5) * UNIT < p.moves / 12.0 * _restless(w, p, home, q):
                    for i in range(np.int64(first[home]), np.int64(first[home + 1])):
                        if people.age[i] != NOBODY:
                            w.tally.moved_out[q] += 1
                            vacate(w, i)
            else:
                u = uniform(in_key, home)
                if u > p.let:
                    continue
                u /= p.let
                best: Int
                best, best_score = -1, -1e9
                room = first[home + 1] - first[home]
                for t in range(TRIES):
                    home_of_donor = start + np.int64((u * (t + 1) * 7919.0 % 1.0) * (stop - start))
                    ages = donor_ages[home_of_donor]
                    if ages[0] == NOBODY or (room < ages.size and ages[room] != NOBODY):
                        continue
                    score = _lacking(here, wanted, ages)
                    if score > best_score:
                        best, best_score = home_of_donor, score
                if best >= 0:
                    w.tally.moved_in[q] += move_in(w, home, donor_ages[best], clock)


@kernel
def _restless(w: World, p: Moves, home: int, q: int) -> float:
    """How much sooner than others a household moves out."""
    total, count = 0.0, 0
    first, last = np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])
    for i in range(first, last):
        if w.people.age[i] != NOBODY:
            total += _fullness(w, q, w.people.band[i])
            count += 1
    here, wanted = 0.0, 0.0
    for b in range(w.places.age_mix.shape[1]):
        here += w.tally.people[q, b]
        wanted += w.places.age_mix[q, b]
    relative = total / max(1, count) * wanted / max(1.0, here)
    sooner: float = min(MOST, relative**p.pull * ((last - first) / max(1, count)) ** 2)
    return sooner
