"""Conditional means of the people of a built world, which the constants of the flows contain."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.hazards import LEVELS
from sim.schema.quantities import AGE_BANDS, QUINTILES
from sim.state.codes import EMPTY_SLOT, WAITING
from sim.state.world import World
from sim.twins.stock_flow.aggregation import Aggregation

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
OLDEST, YOUNG_MOTHERS = 110, 24
"""Number of years of age, and the last age of young mothers."""


class Measured(NamedTuple):
    """Numbers and means of the people of a built world, by kind of place and age group. For names see `Constants`."""

    by_fifth: F
    """People, and households by their reference person. Shape (2, fifth, place, band)."""
    by_age: F
    """People by place, year of age and fifth."""
    mothers: F
    """Women of child-bearing age up to `YOUNG_MOTHERS` and above. Shape (2, place)."""
    with_need: F
    """People with any need, by place and age group."""
    adult: F
    young: F
    old: F
    infant: F
    others: F
    needs: F
    serious: F
    at_home: F
    contacts: F
    troubled: F
    delayed: F
    parents: float
    strained: float


class _CellCounts:
    """Counts of a built world by cell."""

    def __init__(self, world: World, aggregation: Aggregation) -> None:
        self.world, self.aggregation = world, aggregation
        people = world.people
        self.alive = people.age != EMPTY_SLOT
        head = world.dwellings.head[people.dwelling] == np.arange(people.age.size)
        self.counted = np.where(world.rates.household[:, None] == 1, self.alive & head, self.alive)
        self.head = self.alive & head
        self.kind = aggregation.kind[people.neighbourhood]
        self.group = aggregation.group[people.band]
        self.sizes = len(aggregation.places), len(aggregation.ages)

    def by_band(self, mask: A) -> F:
        """The number of people in a mask, by place and band."""
        out = np.zeros((self.sizes[0], len(AGE_BANDS)))
        np.add.at(out, (self.kind[mask], self.world.people.band[mask]), 1.0)
        return out

    def mean(self, value: A, mask: A, prior: float = 5.0) -> F:
        """The mean of a value by age group, over the people in a mask.

        The mean of all people in the mask counts as `prior` further people of each group.
        """
        overall = float(value[mask].mean()) if mask.any() else 0.0
        totals = np.bincount(self.group[mask], weights=value[mask], minlength=self.sizes[1])
        count = np.bincount(self.group[mask], minlength=self.sizes[1])
        out: F = (totals + prior * overall) / (count + prior)
        return out

    def at_home(self, mask: A) -> F:
        """For each slot, the number of other people in the same dwelling who are in a mask."""
        homes = self.world.people.dwelling
        out: F = np.bincount(homes[mask], minlength=self.world.dwellings.head.size)[homes].astype(float) - mask
        return out


def measure(world: World, aggregation: Aggregation) -> Measured:
    """Measure a built world.

    Parameters
    ----------
    world
        The world.
    aggregation
        The cells.
    """
    counted = _CellCounts(world, aggregation)
    rates, people = world.rates, world.people
    kinds, groups = counted.sizes
    household = rates.household == 1
    by_fifth = np.zeros((2, QUINTILES, kinds, len(AGE_BANDS)))
    for h, mask in enumerate((counted.alive, counted.head)):
        np.add.at(by_fifth[h], (people.quintile[mask], counted.kind[mask], people.band[mask]), 1.0)
    by_age = np.zeros((kinds, OLDEST, QUINTILES))
    alive = counted.alive
    np.add.at(by_age, (counted.kind[alive], people.age[alive], people.quintile[alive]), 1.0)
    level = people.level.astype(float)
    worst = people.level.max(axis=0)
    domains = len(level)
    into = (aggregation.group[:, None] == np.arange(groups)).astype(float)
    women = alive & (people.female == 1) & (people.age >= 18) & (people.age <= 44)
    mothers = np.stack(
        [
            np.bincount(counted.kind[women & ages], minlength=kinds).astype(float)
            for ages in (people.age <= YOUNG_MOTHERS, people.age > YOUNG_MOTHERS)
        ]
    )
    others = np.zeros((domains, LEVELS, domains, groups))
    needs, serious = np.zeros((2, domains, LEVELS, groups))
    for d, x in np.ndindex(domains, LEVELS):
        selected = counted.counted[d] & (people.level[d] == x)
        for e in range(domains):
            if e != d:
                others[d, x, e] = counted.mean(level[e], selected)
                needs[d, x] += counted.mean(level[e] > 0, selected)
                serious[d, x] += counted.mean(level[e] >= 2, selected)
    help_of = people.help.astype(int)
    is_helped = (help_of > 0) & (help_of < WAITING)
    informal = np.flatnonzero(rates.informal)
    well_adult_at_home = counted.at_home(counted.alive & (people.age >= 16) & (worst < 2)) > 0
    in_care = np.zeros(people.age.size, bool)
    without_help = np.zeros(people.age.size, bool)
    for d in informal:
        in_care |= counted.alive & (people.level[d] > 0)
        without_help |= counted.alive & (people.level[d] == 2) & ~is_helped[d]
    ties = np.add.reduceat(
        np.append(counted.alive[world.ties.to], 0), np.minimum(world.ties.start[:-1], world.ties.to.size)
    )
    ties = np.where(np.diff(world.ties.start.astype(int)) > 0, ties, 0).astype(float)
    delayed = np.zeros(domains)
    for d, e in enumerate(rates.waits_for):
        if e >= 0:
            in_crisis = counted.alive & (people.level[d] == 3)
            delayed[d] = ((people.level[e] == 2) & ~is_helped[e])[in_crisis].mean() if in_crisis.any() else 0.0
    child, adult = counted.alive & (people.age < 18), counted.alive & (people.age >= 18)
    ages = np.where(counted.alive, people.age, 0)

    def part(selected: A) -> F:
        return counted.mean(selected.astype(float), counted.alive, prior=0.0)

    infant = np.zeros((domains, groups))
    for d in range(domains):
        if not household[d]:
            infant[d] = counted.mean((ages < 2).astype(float), counted.alive & (people.level[d] == 2), prior=1e-9)
    serious_need = counted.counted & (people.level == 2)
    infant = np.where(
        np.stack([np.bincount(counted.group[h], minlength=groups) for h in serious_need]) > 0, infant, 0.0
    )
    return Measured(
        by_fifth=by_fifth,
        by_age=by_age,
        mothers=mothers,
        with_need=counted.by_band(alive & (worst > 0)) @ into,
        adult=part(ages >= 16),
        young=part(ages < 18),
        old=part(ages >= 65),
        infant=infant,
        others=others,
        needs=needs,
        serious=serious,
        at_home=counted.mean(well_adult_at_home.astype(float), in_care),
        contacts=np.stack([counted.mean(counted.at_home(alive), alive), counted.mean(ties, alive)]),
        troubled=np.array([(worst[alive] == x).mean() for x in (2, 3)]),
        delayed=delayed,
        parents=float((worst[world.dwellings.head[people.dwelling[child]]] >= 2).mean()) if child.any() else 0.0,
        strained=float((counted.at_home(without_help) > 0)[adult].mean()) if adult.any() else 0.0,
    )
