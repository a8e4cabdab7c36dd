"""Into which cells people are added up: kinds of neighbourhood, and age groups.

Neighbourhoods of a deprivation fifth are one kind, age bands are children, adults and the old; where a scenario's
policies are for some neighbourhoods or ages only, kinds and groups are cut there, so that a policy reaches whole cells.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.place.place import Neighbourhood
from sim.policies import levers
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS
from sim.services.catalogue import load_catalogue

A = npt.NDArray[Any]
CUTS = (0, 4, 7)
"""The first band of children, of adults, and of the old."""


class Aggregation(NamedTuple):
    """Which neighbourhood is of which kind, and which age band in which group."""

    kind: A
    """Of each neighbourhood."""
    group: A
    """Of each age band."""
    places: tuple[str, ...]
    ages: tuple[str, ...]

    def first(self) -> A:
        """A neighbourhood of each kind."""
        return np.array([int(np.flatnonzero(self.kind == k)[0]) for k in range(len(self.places))])

    def last_band(self, g: int) -> int:
        """The oldest band of a group."""
        return int(np.flatnonzero(self.group == g)[-1])


def whereabouts(hoods: Sequence[Neighbourhood]) -> Any:
    """What a scenario needs to know of a place's neighbourhoods to say whom its policies are for."""
    return SimpleNamespace(
        quintile=np.array([n.quintile - 1 for n in hoods], np.uint8),
        code=np.array([zlib.crc32(n.name.encode()) for n in hoods], np.uint32),
    )


def grain_of(
    scenario: Scenario, hoods: Sequence[Neighbourhood], *, fifths: bool = True, ages: bool = True
) -> Aggregation:
    """The cells that a scenario needs. Without `fifths` or `ages`, all of a place or of all ages are one cell, if the
    scenario's policies do not tell them apart."""
    where = whereabouts(hoods)
    services = tuple(s.id for s in load_catalogue())
    crowds = scenario.groups(where)
    told: list[A] = [where.quintile if fifths else np.zeros_like(where.quintile)]
    told += [crowds[:, b] for b in range(crowds.shape[1])]
    axis = {lever.name: lever.axis for lever in levers()}
    for name, path in scenario.paths(services, where).items():
        if axis[name] == "neighbourhood":
            told.append(np.unique(path, axis=1, return_inverse=True)[1].ravel())
    rows, kind = np.unique(np.array(told).T, axis=0, return_inverse=True)
    names: list[str] = []
    for k, row in enumerate(rows):
        mine = int((rows[: k + 1, 0] == row[0]).sum())
        many = int((rows[:, 0] == row[0]).sum())
        name = f"fifth {int(row[0]) + 1}" if fifths else "the place"
        names.append(f"{name} part {mine}" if many > 1 else name)
    group = np.zeros(len(AGE_BANDS), np.int64)
    for b in range(1, len(AGE_BANDS)):
        cut = (ages and b in CUTS) or (crowds[:, b] != crowds[:, b - 1]).any()
        group[b] = group[b - 1] + cut
    labels = []
    for g in range(group[-1] + 1):
        bands = np.flatnonzero(group == g)
        last = AGE_BANDS[bands[-1]][1]
        labels.append(f"{AGE_BANDS[bands[0]][0]} to {last}" if last < 109 else f"{AGE_BANDS[bands[0]][0]} and over")
    return Aggregation(kind.ravel(), group, tuple(names), tuple(labels))
