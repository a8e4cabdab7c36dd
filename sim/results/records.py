"""What a run leaves behind: what each month counted, with named axes.

The measures made of it are in sim/results/metrics.py.
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
from sim.state.world import TABLES, World

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]


class RecordedArray(NamedTuple):
    """An array of the world that is kept each month, with its axes."""

    table: str
    column: str
    axes: tuple[str, ...]

    def description(self) -> Column:
        """Unit and meaning of the column, as its table declares them."""
        return dict(columns(TABLES[self.table]))[self.column]

    def array(self, world: World) -> A:
        """The array itself."""
        values: A = getattr(getattr(world, self.table), self.column)
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
"""Counts summed over each year: too fine to keep by month. Those surveyed meet each resident once a year."""


@dataclass(frozen=True, eq=False)
class Record:
    """One run, a seed and its months; or several, see `end_to_end`. Nothing changes its arrays."""

    seed: int
    monthly: Mapping[str, A]
    """Each array of `RECORDED`, the month first."""
    yearly: Mapping[str, A]
    """Each array of `RECORDED_BY_YEAR`, the year first."""
    runs: int = 1

    @property
    def opened_by_year(self) -> A:
        """Acute episodes by year, service and neighbourhood."""
        return self.yearly["opened_in"]

    # What several measures are made of is worked out once.

    @cached_property
    def at_least(self) -> tuple[A, ...]:
        """Who is counted at each level of need or above it, by month, domain, quintile and age."""
        levels = np.moveaxis(self.monthly["census"], 2, 0)  # added up level by level: numpy is slow at so short an axis
        return tuple(reduce(np.add, levels[level:]) for level in range(len(levels)))

    @cached_property
    def helped(self) -> A:
        """Whom each service helps, by month."""
        counts: A = self.monthly["helped"].sum(axis=2)
        return counts

    @cached_property
    def quality(self) -> tuple[F, F]:
        """QALYs, and points of life satisfaction of adults, of everybody by month, quintile and age."""
        q = outcomes.quality()
        people = self.monthly["people"].astype(float)
        living = outcomes.by_person(self.monthly["census"], people)
        lost = np.einsum("mdlqa,kdl->kmqa", living, np.stack([q.utility_loss, q.satisfaction_loss]))
        qalys: F = people * q.utility - lost[0]
        points: F = (people * q.satisfaction - lost[1]) * outcomes.ADULTS
        return qalys, points


def end_to_end(records: Sequence[Record]) -> Record:
    """Several runs as one record, the months of the second after those of the first: a measure of a month, or of a
    year, is then made for all of them in one go."""
    if len(records) == 1:
        return records[0]
    monthly, yearly = _EndToEnd([r.monthly for r in records]), _EndToEnd([r.yearly for r in records])
    return Record(records[0].seed, monthly, yearly, sum(r.runs for r in records))


class _EndToEnd(Mapping[str, A]):
    """Arrays of several runs one after another, put together when first asked for."""

    def __init__(self, each: Sequence[Mapping[str, A]]) -> None:
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
