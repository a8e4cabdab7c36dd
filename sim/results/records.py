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

from sim.results import outcomes
from sim.state.tables import World

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]


class What(NamedTuple):
    """An array of the world that is kept each month, with its axes."""

    table: str
    column: str
    axes: tuple[str, ...]

    def array(self, world: World) -> A:
        """The array itself."""
        found: A = getattr(getattr(world, self.table), self.column)
        return found


RECORDED: dict[str, What] = {
    "opened": What("tally", "opened", ("service", "quintile", "age")),
    "census": What("tally", "census", ("domain", "level", "quintile", "age")),
    "unmet": What("tally", "unmet", ("domain", "quintile", "age")),
    "people": What("tally", "people", ("quintile", "age")),
    "died": What("tally", "died", ("quintile", "age")),
    "helped": What("tally", "helped", ("service", "quintile")),
    "waiting": What("tally", "waiting", ("service", "quintile")),
    "asked": What("tally", "asked", ("service", "quintile")),
    "turned_away": What("tally", "turned_away", ("service", "quintile")),
    "gave_up": What("tally", "gave_up", ("service", "quintile")),
    "started": What("tally", "started", ("service", "quintile")),
    "born": What("tally", "born", ("quintile",)),
    "moved_in": What("tally", "moved_in", ("quintile",)),
    "moved_out": What("tally", "moved_out", ("quintile",)),
    "spent": What("money", "spent", ("service",)),
    "funding": What("money", "funding", ("service",)),
    "carried": What("money", "carried", ("silo",)),
    "bailed_out": What("money", "bailed_out", ("silo",)),
    "clawed_back": What("money", "clawed_back", ("silo",)),
    "reinvested": What("money", "reinvested", ("silo",)),
    "posts": What("services", "posts", ("service",)),
    "overload": What("services", "overload", ("service",)),
    "energy": What("places", "energy", ("neighbourhood",)),
    "legitimacy": What("places", "legitimacy", ("neighbourhood",)),
    "pooled": What("money", "pooled", ("silo",)),
    "outlay": What("money", "outlay", ("purpose",)),
    "practice": What("places", "practice", ("neighbourhood",)),
    "place_fit": What("places", "fit", ("neighbourhood",)),
    "peers": What("places", "peers", ("neighbourhood",)),
    "leaving": What("services", "leaving", ("service",)),
    "vacancy": What("services", "vacancy", ("service",)),
    "burnout": What("services", "burnout", ("service",)),
    "admin": What("services", "admin", ("service",)),
    "hours": What("services", "hours", ("service",)),
    "quality": What("services", "quality", ("service",)),
    "fit": What("services", "fit", ("service",)),
    "lay": What("services", "lay", ("service",)),
    "delayed": What("tally", "delayed", ("quintile", "age")),
    "repeated": What("tally", "repeated", ("service", "quintile")),
    "surveyed": What("tally", "surveyed", ("quintile", "age")),
    "lonely": What("tally", "lonely", ("quintile", "age")),
    "trusting": What("tally", "trusting", ("quintile", "age")),
    "resilient": What("tally", "resilient", ("quintile", "age")),
    "members": What("tally", "members", ("quintile", "age")),
    "carers": What("tally", "carers", ("quintile", "age")),
    "carer_hours": What("tally", "carer_hours", ("quintile", "age")),
    "need_alone": What("tally", "need_alone", ("domain",)),
    "need_several": What("tally", "need_several", ("domain",)),
    "eased_alone": What("tally", "eased_alone", ("domain",)),
    "eased_several": What("tally", "eased_several", ("domain",)),
}

RECORDED_BY_YEAR: dict[str, What] = {
    "opened_in": What("tally", "opened_in", ("service", "neighbourhood")),
    "opened_age": What("tally", "opened_age", ("service", "child_age", "quintile")),
    "residents": What("tally", "residents", ("neighbourhood",)),
    "children": What("tally", "children", ("child_age", "quintile")),
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
        found: A = self.monthly["helped"].sum(axis=2)
        return found

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
