"""Households move away and others move in; moves keep each fifth's age mix where the place file has it.

Claim     A household moves out of the place this month with probability moves/12 * min(most_factor, (mean over its
          members of residents / target, in their age band, relative to all ages of the fifth)^pull * (places in the
          home / people in it)^2): old people in a family home that has emptied move on sooner. An empty home takes in,
          with probability `let` a month, a household with the ages of one of sixteen drawn from the neighbourhood's
          first households: of those that fit in, the one that best fills the gaps. Residents and target are those of
          the start of the month, so that the moves of a month do not affect one another.
Evidence  moves: A20 gives 8-12 % of people moving home a year; about half of them to another area (assumed).
          Aligning a synthetic population to an official age mix is the custom of microsimulation.
Limits    Needs of newcomers: donors.py. Newcomers inherit the ties of the slot that they take.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import SPREAD, mixed, month_key, spread_of, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import BLOCK, gather_block
from sim.people.ageing import BAND_OF_AGE
from sim.people.donors import HEAD, MEMBER, donor, household_level
from sim.people.need import ROUNDING
from sim.schema.quantities import Params, number, share
from sim.state.codes import EMPTY_SLOT
from sim.state.columns import A, column
from sim.state.scratch import ThinningScratch
from sim.state.updates import count_person, occupy, vacate_home
from sim.state.world import World

OUT = stream("moving out")
IN = stream("moving in")
NEWCOMER = stream("needs of newcomers")
TRIES = 16
"""Households from elsewhere that are compared for an empty home."""
FLOAT32_MARGIN = 1.0 + 1e-5
"""Margin for the rounding of 24-bit numbers."""


class Moves(Params):
    """How often households move, and how strongly moves restore the age mix."""

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
        meaning="empty homes into which a household from elsewhere moves in a month",
    )
    pull: float = number(
        12.0,
        low=0.0,
        high=30.0,
        unit="exponent",
        source="assumed: a device of alignment, 0 switches it off",
        meaning="how strongly the surplus of an age band raises moves out",
    )
    most_factor: float = number(
        12.0,
        low=4.0,
        high=24.0,
        unit="multiplier",
        source="assumed",
        meaning="largest factor on a household's probability of moving out",
    )


class MovesState(NamedTuple):
    """How full the place is, by age."""

    full: Annotated[
        A, column("f8", "quintile band", "share", "people here over the age mix, at the start of the month")
    ]
    full_in_all: Annotated[A, column("f8", "quintile", "share", "the same over all ages")]


@mechanism(
    Phase.COMMUNITY,
    NoParams,
    state=MovesState,
    reads="tally.people places.age_mix",
    writes="moves.full moves.full_in_all",
    name="fullness",
)
@kernel
def count_fullness(w: World, p: NoParams, clock: Clock) -> None:
    state: MovesState = w.private.moves
    residents, target, full = w.tally.people, w.places.age_mix, state.full
    for q in range(full.shape[0]):
        all_target, all_residents = 0.0, 0.0
        for b in range(full.shape[1]):
            full[q, b] = residents[q, b] / target[q, b] if target[q, b] > 0.5 else 1.0
            all_target += target[q, b]
            all_residents += residents[q, b]
        state.full_in_all[q] = max(1.0, all_residents) / max(1.0, all_target)


@kernel
def best_donor(ages: A, lack: A, room: Int, start: Int, stop: Int, u: float) -> Int:
    """The household that best fills the gaps in the age mix, of sixteen drawn from the neighbourhood's first; or -1.

    Branch-free: these branches are unpredictable.

    Parameters
    ----------
    ages : array of int, shape (home, place)
        Ages of the first households, `EMPTY_SLOT` for an empty place.
    lack : array of float, shape (age,)
        Shortage of people of an age, relative to the target; 0 for `EMPTY_SLOT`.
    room : int
        Places in the empty home.
    start, stop : int
        Range of homes to draw from.
    u : float
        Random number, 0 to 1.
    """
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
def _find_homes(key: np.uint64, home: Int, slots: A, occupants: A, most: float, scratch: ThinningScratch) -> Int:
    """Collect the homes that are empty or may move out this month, and return their number.

    Parameters
    ----------
    key : np.uint64
        Key of the month's draws.
    home : int
        The first home.
    slots : array of int
        First slot of each home, and the end.
    occupants : array of int
        People in each home.
    most : float
        Upper bound of the probability of moving out of a home without empty places.
    scratch : ThinningScratch
        The homes are written to `found_row`.
    """
    count: Int = 0
    for start in range(0, occupants.size, BLOCK):
        stop = min(start + BLOCK, occupants.size)
        marks, part = scratch.marks[: stop - start], np.float32(most * 2.0**31)
        _mark_homes(key, home + start, slots[start : stop + 1], occupants[start:stop], part, marks)
        count = gather_block(marks, home + start, scratch.found_row, count)
    return count


@kernel
def _mark_homes(key: np.uint64, first: Int, slots: A, occupants: A, most: np.float32, marks: A) -> None:
    """Mark homes with u < most * (places / people)^2, without a division, and homes without people."""
    spread = spread_of(first)
    for home in range(marks.size):
        places, people = np.float32(slots[home + 1] - slots[home]), np.float32(occupants[home])
        draw = np.float32(np.int32(mixed(spread, key) >> np.uint32(1)))
        spread = np.uint32(spread + SPREAD)
        marks[home] = np.uint8((draw * people * people < most * places * places) | (occupants[home] == 0))


@kernel
def move_in(w: World, home: Int, ages: A, clock: Clock) -> int:
    """Move a household of these ages into an empty dwelling, and return the number of people.

    The first age is that of the reference person.
    """
    first = np.int64(w.dwellings.first[home])
    w.dwellings.head[home] = np.uint32(first)
    key = month_key(clock.seed, NEWCOMER, clock.month)
    arrivals = 0
    for k in range(ages.size):
        if ages[k] == EMPTY_SLOT:
            break
        arrive(w, first + k, first, ages[k], key)
        arrivals += 1
    return arrivals


@kernel
def arrive(w: World, i: Int, head: Int, age: int, key: np.uint64) -> None:
    """Put a newcomer into slot i of a dwelling whose reference person is, or will be, in slot `head`."""
    people = w.people
    b, q = BAND_OF_AGE[age], people.quintile[i]
    inherited = household_level(w, head) if i != head else 0
    row = donor(w, HEAD if i == head else MEMBER, inherited, b, q, uniform(key, i))
    occupy(w, i, age, b, people.female[i], w.rates.resilience[b, q], w.rates.trust[b, q])
    if row >= 0:
        people.resilience[i] = w.rates.donor_resilience[row]
        people.trust[i] = w.rates.donor_trust[row]
    for d in range(people.level.shape[0]):
        if w.rates.household[d] == 1 and i != head:
            people.level[d, i] = people.level[d, head]
        elif row >= 0:
            people.level[d, i] = min(2, w.rates.donor_level[row, d])  # nobody moves in the middle of a crisis
        people.before[d, i] = people.level[d, i]
    count_person(w, i, 1)


@mechanism(
    Phase.LIFE,
    Moves,
    state=MovesState,
    reads="people.age people.band dwellings.first dwellings.donor_ages dwellings.occupants moves.full "
    "moves.full_in_all rates.donor_level rates.donor_range rates.resilience rates.trust",
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
    state: MovesState = w.private.moves
    first, donor_ages, edge = homes.first, homes.donor_ages, w.places.first_dwelling
    out_key, in_key = month_key(clock.seed, OUT, clock.month), month_key(clock.seed, IN, clock.month)
    first_home, last_home = w.part.dwelling[0], w.part.dwelling[1]
    slots, occupants = first[first_home : last_home + 1], homes.occupants[first_home:last_home]
    fullest = 0.0
    for fifth in range(state.full.shape[0]):
        fullest = max(fullest, state.full[fifth].max() / state.full_in_all[fifth])
    most_full = p.moves / 12.0 * fullest**p.pull * FLOAT32_MARGIN
    lack, most = np.zeros(EMPTY_SLOT + 1), 0.0
    n = w.part.neighbourhood[0] - 1
    start: Int
    stop: Int
    q: Int
    start, stop, q = 0, 0, 0
    for k in range(_find_homes(out_key, first_home, slots, occupants, most_full, scratch)):
        home = np.int64(scratch.found_row[k])
        while home >= stop:
            n += 1
            start, stop = np.int64(edge[n]), np.int64(edge[n + 1])
            q = np.int64(w.places.quintile[n])
            for age in range(BAND_OF_AGE.size):
                lack[age] = 1.0 - state.full[q, BAND_OF_AGE[age]]
            most = (state.full[q].max() / state.full_in_all[q]) ** p.pull * ROUNDING
        if homes.occupants[home] > 0:
            u = uniform(out_key, home)
            # No factor exceeds that of a household whose members are all of the fullest age band.
            each = (np.float64(first[home + 1]) - np.float64(first[home])) / np.float64(homes.occupants[home])
            if u < p.moves / 12.0 * most * each**2 and u < p.moves / 12.0 * _moving_factor(w, p, home, q):
                w.tally.moved_out[q] += vacate_home(w, home)
        else:
            u = uniform(in_key, home)
            if u > p.let:
                continue
            room = np.int64(first[home + 1]) - np.int64(first[home])
            best = best_donor(donor_ages, lack, room, start, stop, u / p.let)
            if best >= 0:
                w.tally.moved_in[q] += move_in(w, home, donor_ages[best], clock)


@kernel
def _moving_factor(w: World, p: Moves, home: Int, q: Int) -> float:
    """Factor on a household's probability of moving out, at most `most_factor`."""
    state: MovesState = w.private.moves
    total, count = 0.0, 0
    first, last = np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])
    for i in range(first, last):
        if w.people.age[i] != EMPTY_SLOT:
            total += state.full[q, w.people.band[i]]
            count += 1
    relative = total / max(1, count) / state.full_in_all[q]
    factor: float = min(p.most_factor, relative**p.pull * ((last - first) / max(1, count)) ** 2)
    return factor
