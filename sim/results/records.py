"""Records of runs: the counts of each month, with named axes.

The measures made of them are in sim/results/metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.tables import Column, columns
from sim.results import outcomes
from sim.state.world import World, all_tables

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]


class RecordedArray(NamedTuple):
    """An array of the world that is recorded each month.

    Attributes
    ----------
    table, column : str
        Names of the table and column.
    axes : tuple of str
        Names of the axes.
    """

    table: str
    column: str
    axes: tuple[str, ...]

    def description(self) -> Column:
        """Return the declaration of the column: its type, axes, unit and meaning."""
        return dict(columns(all_tables()[self.table]))[self.column]

    def array(self, world: World) -> A:
        """Return the array in a world.

        Parameters
        ----------
        world : World
            The world.

        Returns
        -------
        ndarray
            The array itself, not a copy.
        """
        values: A = getattr(world.table(self.table), self.column)
        return values


RECORDED: dict[str, RecordedArray] = {
    "opened": RecordedArray("tally", "opened", ("service", "quintile", "age")),
    "census": RecordedArray("tally", "census", ("domain", "level", "quintile", "age")),
    "unmet": RecordedArray("tally", "unmet", ("domain", "quintile", "age")),
    "people": RecordedArray("tally", "people", ("quintile", "age")),
    "died": RecordedArray("tally", "died", ("quintile", "age")),
    "helped": RecordedArray("tally", "helped", ("service", "quintile")),
    "waiting": RecordedArray("tally", "waiting", ("service", "quintile")),
    "asked": RecordedArray("tally", "asked", ("service", "quintile")),
    "turned_away": RecordedArray("tally", "turned_away", ("service", "quintile")),
    "gave_up": RecordedArray("tally", "gave_up", ("service", "quintile")),
    "started": RecordedArray("tally", "started", ("service", "quintile")),
    "born": RecordedArray("tally", "born", ("quintile",)),
    "moved_in": RecordedArray("tally", "moved_in", ("quintile",)),
    "moved_out": RecordedArray("tally", "moved_out", ("quintile",)),
    "spent": RecordedArray("money", "spent", ("service",)),
    "funding": RecordedArray("money", "funding", ("service",)),
    "carried": RecordedArray("money", "carried", ("silo",)),
    "bailed_out": RecordedArray("money", "bailed_out", ("silo",)),
    "clawed_back": RecordedArray("money", "clawed_back", ("silo",)),
    "reinvested": RecordedArray("money", "reinvested", ("silo",)),
    "posts": RecordedArray("services", "posts", ("service",)),
    "overload": RecordedArray("services", "overload", ("service",)),
    "energy": RecordedArray("places", "energy", ("neighbourhood",)),
    "legitimacy": RecordedArray("places", "legitimacy", ("neighbourhood",)),
    "pooled": RecordedArray("money", "pooled", ("silo",)),
    "outlay": RecordedArray("money", "outlay", ("purpose",)),
    "practice": RecordedArray("places", "practice", ("neighbourhood",)),
    "place_fit": RecordedArray("places", "fit", ("neighbourhood",)),
    "peers": RecordedArray("places", "peers", ("neighbourhood",)),
    "leaving": RecordedArray("services", "leaving", ("service",)),
    "vacancy": RecordedArray("services", "vacancy", ("service",)),
    "burnout": RecordedArray("services", "burnout", ("service",)),
    "admin": RecordedArray("services", "admin", ("service",)),
    "hours": RecordedArray("services", "hours", ("service",)),
    "quality": RecordedArray("services", "quality", ("service",)),
    "fit": RecordedArray("services", "fit", ("service",)),
    "lay": RecordedArray("services", "lay", ("service",)),
    "delayed": RecordedArray("tally", "delayed", ("quintile", "age")),
    "repeated": RecordedArray("tally", "repeated", ("service", "quintile")),
    "surveyed": RecordedArray("tally", "surveyed", ("quintile", "age")),
    "lonely": RecordedArray("tally", "lonely", ("quintile", "age")),
    "trusting": RecordedArray("tally", "trusting", ("quintile", "age")),
    "resilient": RecordedArray("tally", "resilient", ("quintile", "age")),
    "members": RecordedArray("tally", "members", ("quintile", "age")),
    "carers": RecordedArray("tally", "carers", ("quintile", "age")),
    "carer_hours": RecordedArray("tally", "carer_hours", ("quintile", "age")),
    "need_alone": RecordedArray("tally", "need_alone", ("domain",)),
    "need_several": RecordedArray("tally", "need_several", ("domain",)),
    "eased_alone": RecordedArray("tally", "eased_alone", ("domain",)),
    "eased_several": RecordedArray("tally", "eased_several", ("domain",)),
}

RECORDED_BY_YEAR: dict[str, RecordedArray] = {
    "opened_in": RecordedArray("tally", "opened_in", ("service", "neighbourhood")),
    "opened_age": RecordedArray("tally", "opened_age", ("service", "child_age", "quintile")),
    "residents": RecordedArray("tally", "residents", ("neighbourhood",)),
    "children": RecordedArray("tally", "children", ("child_age", "quintile")),
}
"""Counts summed over each year: too detailed to record by month. The survey counts each resident once a year."""


@dataclass(frozen=True, eq=False)
class Record:
    """Record of one run, or of several runs one after another, see `end_to_end`. Its arrays are never changed.

    Attributes
    ----------
    seed : int
        Seed of the (first) run.
    monthly : mapping of str to ndarray, shape (months, *axes)
        Each array of `RECORDED`.
    yearly : mapping of str to ndarray, shape (years, *axes)
        Each array of `RECORDED_BY_YEAR`.
    runs : int
        Number of runs.
    """

    seed: int
    monthly: Mapping[str, A]
    yearly: Mapping[str, A]
    runs: int = 1

    @property
    def opened_by_year(self) -> A:
        """Acute episodes by year, service and neighbourhood."""
        return self.yearly["opened_in"]

    # Computed once for several measures.

    @cached_property
    def at_least(self) -> tuple[A, ...]:
        """For each level of need, the people counted at that level or above it, by month, domain, quintile and age."""
        levels = np.moveaxis(self.monthly["census"], 2, 0)  # summed level by level: numpy is slow for so short an axis
        return tuple(reduce(np.add, levels[level:]) for level in range(len(levels)))

    @cached_property
    def helped(self) -> A:
        """People helped, by month and service."""
        counts: A = self.monthly["helped"].sum(axis=2)
        return counts

    @cached_property
    def quality(self) -> tuple[F, F]:
        """QALYs, and points of life satisfaction of adults, of all people: by month, quintile and age."""
        q = outcomes.quality()
        people = self.monthly["people"].astype(float)
        living = outcomes.by_person(self.monthly["census"], people)
        lost = np.einsum("mdlqa,kdl->kmqa", living, np.stack([q.utility_loss, q.satisfaction_loss]))
        qalys: F = people * q.utility - lost[0]
        points: F = (people * q.satisfaction - lost[1]) * outcomes.ADULTS
        return qalys, points


def end_to_end(records: Sequence[Record]) -> Record:
    """Join several runs to one record, the months of the second after those of the first.

    A measure by month or by year is then made for all of them in one pass.

    Parameters
    ----------
    records : sequence of Record
        At least one record, all with the same number of months.

    Returns
    -------
    Record
    """
    if len(records) == 1:
        return records[0]
    monthly, yearly = _EndToEnd([r.monthly for r in records]), _EndToEnd([r.yearly for r in records])
    return Record(records[0].seed, monthly, yearly, sum(r.runs for r in records))


class _EndToEnd(Mapping[str, A]):
    """Arrays of several runs one after another, joined when they are first used."""

    def __init__(self, each: Sequence[Mapping[str, A]]) -> None:
        """Keep the arrays of each run."""
        self._each = each
        self._made: dict[str, A] = {}

    def __getitem__(self, name: str) -> A:
        if name not in self._made:
            self._made[name] = np.concatenate([arrays[name] for arrays in self._each])
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._each[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._each[0])

    def __len__(self) -> int:
        return len(self._each[0])
