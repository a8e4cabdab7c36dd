"""Households move out and in. Moves keep the age mix of each deprivation fifth close to that of the place file."""

from __future__ import annotations

import math

from sim.engine.schedule import NoParams
from sim.people.moves import Moves
from sim.state.codes import EMPTY_SLOT
from sim.twins.mesa import rng
from sim.twins.mesa.month import step
from sim.twins.mesa.people import Dwelling, NeighbourhoodAgent, PersonAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import SERIOUS, band_of, count, occupy, vacate_home

TRIED_DONORS = 16
"""Number of households from elsewhere that are compared for an empty dwelling."""
HEAD, OTHER_MEMBER = 0, 1
"""Roles in the household by which donors are sorted."""


@step("fullness")
def fullness(town: Town, _: NoParams) -> None:
    """Residents over the target number of people, by fifth and age band and by fifth, before anybody moves."""
    for q in town.quintiles:
        residents, target = town.counts.people[q], town.age_mix[q]
        town.full[q] = [residents[b] / target[b] if target[b] > 0.5 else 1.0 for b in town.bands]
        town.full_in_all[q] = max(1.0, float(sum(residents))) / max(1.0, sum(target))


@step("moves")
def moves(town: Town, p: Moves) -> None:
    """In each dwelling the household may move out, or a household may move into an empty dwelling."""
    leaving_key, arriving_key = town.key("moving out"), town.key("moving in")
    for hood in town.neighbourhoods:
        full = town.full[hood.quintile]
        for home in hood.dwellings:
            if home.occupants > 0:
                u = rng.uniform(leaving_key, home.number)
                if u < p.moves / 12.0 * p.most_factor and u < p.moves / 12.0 * leaving_factor(town, p, home, full):
                    move_out(town, home)
            else:
                u = rng.uniform(arriving_key, home.number)
                if u <= p.let:
                    ages = best_donor(hood, home, full, u / p.let)
                    if ages:
                        move_in(town, home, ages)


def leaving_factor(town: Town, p: Moves, home: Dwelling, full: list[float]) -> float:
    """The factor on a household's probability of moving out, at most `p.most_factor`.

    It is higher if the household's age bands are above target and if the dwelling has empty slots.
    """
    occupants = [person for person in home.people if person.is_present]
    total_fullness = sum(full[person.band] for person in occupants)
    relative = total_fullness / max(1, len(occupants)) / town.full_in_all[home.people[0].quintile]
    factor: float = relative**p.pull * (len(home.people) / max(1, len(occupants))) ** 2
    return min(p.most_factor, factor)


def move_out(town: Town, home: Dwelling) -> None:
    """A household leaves the town, and its dwelling becomes empty."""
    for person in vacate_home(town, home):
        town.counts.moved_out[person.quintile] += 1


def best_donor(hood: NeighbourhoodAgent, home: Dwelling, full: list[float], u: float) -> list[int]:
    """The ages of the household that moves in: of 16 households drawn, the one that fills most gaps in the age mix.

    The list is empty if no household drawn fits into the dwelling. `u` is the random number.
    """
    best: list[int] = []
    best_score = -math.inf
    for t in range(TRIED_DONORS):
        position = u * (t + 1) * 7919.0
        dwelling = hood.dwellings[int((position - math.floor(position)) * len(hood.dwellings))]
        ages = [age for age in dwelling.donor_ages if age != EMPTY_SLOT]
        if not 0 < len(ages) <= len(home.people):
            continue
        score = 0.0
        for age in ages:
            score += 1.0 - full[band_of(age)]
        if score > best_score:
            best, best_score = ages, score
    return best


def move_in(town: Town, home: Dwelling, ages: list[int]) -> None:
    """A household with the given ages moves into an empty dwelling. Its first member is the reference person."""
    first = home.people[0]
    home.head = first
    key = town.key("needs of newcomers")
    for slot, age in zip(home.people, ages, strict=False):
        b, q = band_of(age), slot.quintile
        role, shared = (HEAD, 0) if slot is first else (OTHER_MEMBER, shared_level(town, first))
        row = donor(town, role, shared, b, q, rng.uniform(key, slot.number))
        occupy(town, slot, age, slot.female, town.rates.resilience[b][q], town.rates.trust[b][q])
        if row is not None:
            slot.resilience = town.rates.donor_resilience[row]
            slot.trust = town.rates.donor_trust[row]
        for d in town.domains:
            if town.rates.household[d] and slot is not first:
                slot.level[d] = first.level[d]
            elif row is not None:
                slot.level[d] = min(SERIOUS, town.rates.donor_level[row][d])  # nobody moves in during a crisis
        slot.before = slot.level.copy()
        count(town, slot, 1)
        town.counts.moved_in[q] += 1


def shared_level(town: Town, person: PersonAgent) -> int:
    """The highest level of the needs that the household shares."""
    return max((person.level[d] for d in town.domains if town.rates.household[d]), default=0)


def donor(town: Town, role: int, shared: int, b: int, q: int, u: float) -> int | None:
    """A person of the burned-in baseline (a row of the donor table) whose needs a newcomer takes over.

    Donors are sorted by role, shared level of need, age band and fifth. If there is no donor at the level, the next
    levels follow. `u` is the random number.
    """
    for k in range(4):
        first, end = town.rates.donor_range[role][(shared + k) % 4][b][q]
        if end > first:
            row: int = first + int(u * (end - first))
            return row
    return None
