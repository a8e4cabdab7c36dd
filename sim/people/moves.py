"""Households move away and others move in; moves keep each fifth's age mix where the place file has it.

Claim     A household moves out of the place this month with probability moves/12 * (mean over its members of
          people here / people wanted, in their age band, relative to the whole fifth)^pull * (places in the home /
          people in it)^2, at most twelve times moves/12: the old in an emptied family home move on sooner. An empty
          home takes in a household with the ages of one of sixteen drawn from the neighbourhood's first households, the
          one that best fills what is lacking. People here and people wanted are those of the start of the month: no
          move of a month bears on another.
Evidence  moves: A20 gives 8-12 % of people moving home a year; about half of them to another area (assumed).
          Aligning a synthetic population to an official age mix is the custom of microsimulation.
Limits    What newcomers bring: donors.py. They inherit the ties of the slot they take.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import SPREAD, mixed, month_key, spread_of, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import BLOCK, gather_block
from sim.people.ageing import BAND_OF_AGE
from sim.people.donors import HEAD, MEMBER, donor, household_level
from sim.people.need import ROUNDING
from sim.schema.quantities import Params, number, share
from sim.state.tables import EMPTY_SLOT, A, ThinningScratch, World
from sim.state.updates import count_person, occupy, vacate_home

OUT = stream("moving out")
IN = stream("moving in")
NEWCOMER = stream("needs of newcomers")
TRIES = 16
MOST = 12.0
ROUGHLY = 1.0 + 1e-5
"""Room for what numbers of 24 bits leave out."""


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


@mechanism(
    Phase.COMMUNITY,
    NoParams,
    reads="tally.people places.age_mix",
    writes="places.full places.full_in_all",
    name="fullness",
)
@kernel
def count_fullness(w: World, p: NoParams, clock: Clock) -> None:
    here, wanted, full = w.tally.people, w.places.age_mix, w.places.full
    for q in range(full.shape[0]):
        all_wanted, all_here = 0.0, 0.0
        for b in range(full.shape[1]):
            full[q, b] = here[q, b] / wanted[q, b] if wanted[q, b] > 0.5 else 1.0
            all_wanted += wanted[q, b]
            all_here += here[q, b]
        w.places.full_in_all[q] = max(1.0, all_here) / max(1.0, all_wanted)


@kernel
def _best_donor(ages: A, lack: A, room: Int, start: Int, stop: Int, u: float) -> Int:
    """The first household, of sixteen drawn from a neighbourhood's, that best fills what its fifth lacks; or -1.

    `lack` is by age, 0 for nobody. Everybody is added up, and all questions are asked in numbers: going one way or the
    other would cost more."""
    best: Int
    best, best_score = -1, -1e9
    for t in range(TRIES):
        along = u * (t + 1) * 7919.0
        home = start + np.int64((along - math.floor(along)) * (stop - start))
        score = 0.0
        for place in range(ages.shape[1]):
            score += lack[ages[home, place]]
        fits = (ages[home, 0] != EMPTY_SLOT) & (
            (room >= ages.shape[1]) | (ages[home, room % ages.shape[1]] == EMPTY_SLOT)
        )
        better = fits & (score > best_score)
        best, best_score = (home, score) if better else (best, best_score)
    return best


@kernel
def _find_homes(key: np.uint64, home: Int, slots: A, occupants: A, usual: float, scratch: ThinningScratch) -> Int:
    """Collect, of the homes from `home` on, those that stand empty or whose draw says that they may move out. `slots`
    are the first slots of each and of the next; `usual` bounds the probability where all places are taken."""
    found: Int = 0
    for start in range(0, occupants.size, BLOCK):
        stop = min(start + BLOCK, occupants.size)
        marks, part = scratch.marks[: stop - start], np.float32(usual * 2.0**31)
        _mark_homes(key, home + start, slots[start : stop + 1], occupants[start:stop], part, marks)
        found = gather_block(marks, home + start, scratch.found_row, found)
    return found


@kernel
def _mark_homes(key: np.uint64, first: Int, slots: A, occupants: A, usual: np.float32, marks: A) -> None:
    """u < usual * (places / people)^2, without dividing; and those without people."""
    spread = spread_of(first)
    for home in range(marks.size):
        places, people = np.float32(slots[home + 1] - slots[home]), np.float32(occupants[home])
        draw = np.float32(np.int32(mixed(spread, key) >> np.uint32(1)))
        spread = np.uint32(spread + SPREAD)
        marks[home] = np.uint8((draw * people * people < usual * places * places) | (occupants[home] == 0))


@kernel
def move_in(w: World, home: Int, ages: A, clock: Clock) -> int:
    """Settle a household of these ages in an empty dwelling; the first age is the reference person's. Returns how
    many people moved in."""
    people = w.people
    first = np.int64(w.dwellings.first[home])
    w.dwellings.head[home] = np.uint32(first)
    key = month_key(clock.seed, NEWCOMER, clock.month)
    came = 0
    for k in range(ages.size):
        if ages[k] == EMPTY_SLOT:
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
    reads="people.age people.band dwellings.first dwellings.donor_ages dwellings.occupants places.full "
    "places.full_in_all rates.donor_level rates.donor_range rates.resilience rates.trust",
    writes="people.age people.female people.band people.level people.before people.help people.changed "
    "people.resilience people.trust people.refused tally.people tally.census tally.unmet tally.helped tally.waiting "
    "tally.moved_in tally.moved_out dwellings.head dwellings.occupants services.helped services.queue "
    "screen.marks screen.found_row",
    after="ageing life_and_death",
    by_part=True,
)
@kernel
def move(w: World, p: Moves, clock: Clock) -> None:
    homes, scratch = w.dwellings, w.screen
    first, donor_ages, edge = homes.first, homes.donor_ages, w.places.first_dwelling
    out_key, in_key = month_key(clock.seed, OUT, clock.month), month_key(clock.seed, IN, clock.month)
    first_home, last_home = w.part.dwelling[0], w.part.dwelling[1]
    slots, here = first[first_home : last_home + 1], homes.occupants[first_home:last_home]
    fullest = 0.0
    for fifth in range(w.places.full.shape[0]):
        fullest = max(fullest, w.places.full[fifth].max() / w.places.full_in_all[fifth])
    usual = p.moves / 12.0 * fullest**p.pull * ROUGHLY
    lack, most = np.zeros(EMPTY_SLOT + 1), 0.0
    n = w.part.neighbourhood[0] - 1
    start: Int
    stop: Int
    q: Int
    start, stop, q = 0, 0, 0
    for k in range(_find_homes(out_key, first_home, slots, here, usual, scratch)):
        home = np.int64(scratch.found_row[k])
        while home >= stop:
            n += 1
            start, stop = np.int64(edge[n]), np.int64(edge[n + 1])
            q = np.int64(w.places.quintile[n])
            for age in range(BAND_OF_AGE.size):
                lack[age] = 1.0 - w.places.full[q, BAND_OF_AGE[age]]
            most = (w.places.full[q].max() / w.places.full_in_all[q]) ** p.pull * ROUNDING
        if homes.occupants[home] > 0:
            u = uniform(out_key, home)
            # Nobody is more restless than people of the fullest age alone would be.
            each = (np.float64(first[home + 1]) - np.float64(first[home])) / np.float64(homes.occupants[home])
            if u < p.moves / 12.0 * most * each**2 and u < p.moves / 12.0 * _restless(w, p, home, q):
                w.tally.moved_out[q] += vacate_home(w, home)
        else:
            comes = uniform(in_key, home)
            if comes > p.let:
                continue
            room = np.int64(first[home + 1]) - np.int64(first[home])
            best = _best_donor(donor_ages, lack, room, start, stop, comes / p.let)
            if best >= 0:
                w.tally.moved_in[q] += move_in(w, home, donor_ages[best], clock)


@kernel
def _restless(w: World, p: Moves, home: Int, q: Int) -> float:
    """How much sooner than others a household moves out."""
    total, count = 0.0, 0
    first, last = np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])
    for i in range(first, last):
        if w.people.age[i] != EMPTY_SLOT:
            total += w.places.full[q, w.people.band[i]]
            count += 1
    relative = total / max(1, count) / w.places.full_in_all[q]
    sooner: float = min(MOST, relative**p.pull * ((last - first) / max(1, count)) ** 2)
    return sooner
