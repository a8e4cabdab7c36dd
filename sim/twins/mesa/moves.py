"""Households move away and others move in; moves keep each fifth's age mix where the place file has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.people.moves import Moves
from sim.state.tables import EMPTY_SLOT
from sim.twins.mesa import rng
from sim.twins.mesa.bookkeeping import SERIOUS, band_of, count, occupy, vacate_home
from sim.twins.mesa.month import step
from sim.twins.mesa.people import Dwelling, NeighbourhoodAgent, PersonAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

TRIES = 16
"""Households from elsewhere that a landlord looks at."""
MOST = 12.0
"""How much sooner than others a household moves at most."""
HEAD, MEMBER = 0, 1
"""The parts that donors are sorted by."""


@step("fullness")
def fullness(town: MesaModel, p: NoParams) -> None:
    """People here over people wanted, in each age band of a fifth and in all, before anybody moves."""
    for q in town.quintiles:
        here, wanted = town.counts.people[q], town.age_mix[q]
        town.full[q] = [here[b] / wanted[b] if wanted[b] > 0.5 else 1.0 for b in town.bands]
        town.full_in_all[q] = max(1.0, float(sum(here))) / max(1.0, sum(wanted))


@step("moves")
def moves(town: MesaModel, p: Moves) -> None:
    """Home by home: a household moves out, or one moves into an empty home."""
    leave, come = town.key("moving out"), town.key("moving in")
    for hood in town.neighbourhoods:
        full = town.full[hood.quintile]
        for home in hood.dwellings:
            if home.occupants > 0:
                u = rng.uniform(leave, home.number)
                if u < p.moves / 12.0 * MOST and u < p.moves / 12.0 * restless(town, p, home, full):
                    move_out(town, home)
            else:
                u = rng.uniform(come, home.number)
                if u <= p.let:
                    ages = best_donor(hood, home, full, u / p.let)
                    if ages:
                        move_in(town, home, ages)


def restless(town: MesaModel, p: Moves, home: Dwelling, full: list[float]) -> float:
    """How much sooner than others a household moves out: sooner where its ages are too many, and its home too large."""
    live = [person for person in home.people if person.lives]
    mine = sum(full[person.band] for person in live)
    relative = mine / max(1, len(live)) / town.full_in_all[home.people[0].quintile]
    sooner: float = relative**p.pull * (len(home.people) / max(1, len(live))) ** 2
    return min(MOST, sooner)


def move_out(town: MesaModel, home: Dwelling) -> None:
    """A household leaves the town."""
    for person in vacate_home(town, home):
        town.counts.moved_out[person.quintile] += 1


def best_donor(hood: NeighbourhoodAgent, home: Dwelling, full: list[float], u: float) -> list[int]:
    """The ages of the household that moves in: of some drawn from the first ones, the one that fills most gaps."""
    best: list[int] = []
    best_score = -math.inf
    for t in range(TRIES):
        along = u * (t + 1) * 7919.0
        drawn = hood.dwellings[int((along - math.floor(along)) * len(hood.dwellings))]
        ages = [age for age in drawn.donor_ages if age != EMPTY_SLOT]
        if not 0 < len(ages) <= len(home.people):
            continue
        score = 0.0
        for age in ages:
            score += 1.0 - full[band_of(age)]
        if score > best_score:
            best, best_score = ages, score
    return best


def move_in(town: MesaModel, home: Dwelling, ages: list[int]) -> None:
    """A household of these ages settles in an empty home; the first of them is its reference person."""
    first = home.people[0]
    home.head = first
    key = town.key("needs of newcomers")
    for place, age in zip(home.people, ages, strict=False):
        b, q = band_of(age), place.quintile
        role, shared = (HEAD, 0) if place is first else (MEMBER, shared_level(town, first))
        like = donor(town, role, shared, b, q, rng.uniform(key, place.number))
        occupy(town, place, age, place.female, town.rates.resilience[b][q], town.rates.trust[b][q])
        if like is not None:
            place.resilience = town.rates.donor_resilience[like]
            place.trust = town.rates.donor_trust[like]
        for d in town.domains:
            if town.rates.household[d] and place is not first:
                place.level[d] = first.level[d]
            elif like is not None:
                place.level[d] = min(SERIOUS, town.rates.donor_level[like][d])  # nobody moves in mid-crisis
        place.before = place.level.copy()
        count(town, place, 1)
        town.counts.moved_in[q] += 1


def shared_level(town: MesaModel, person: PersonAgent) -> int:
    """The highest level among the needs that a household shares."""
    return max((person.level[d] for d in town.domains if town.rates.household[d]), default=0)


def donor(town: MesaModel, role: int, shared: int, b: int, q: int, u: float) -> int | None:
    """Somebody of the settled baseline whose needs a newcomer of this kind has; the next level's, if there is none."""
    for k in range(4):
        first, end = town.rates.donor_range[role][(shared + k) % 4][b][q]
        if end > first:
            row: int = first + int(u * (end - first))
            return row
    return None
