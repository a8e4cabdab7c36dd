"""The cells of the twin: kinds of neighbourhood and age groups.

The neighbourhoods of a deprivation fifth form one kind. Age bands form the groups of children, adults and older people.
If a scenario's policies are for some neighbourhoods or ages only, kinds and groups are divided further, so that a
policy reaches whole cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.place.place import Neighbourhood
from sim.policies import levers
from sim.scenario.paths import neighbourhood_columns
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS
from sim.services.catalogue import load_catalogue

A = npt.NDArray[Any]
BAND_CUTS = (0, 4, 7)
"""The first age band of children, of adults, and of people of 65 and over."""


class Aggregation(NamedTuple):
    """The kind of each neighbourhood and the group of each age band."""

    kind: A
    """Kind of each neighbourhood. Shape (neighbourhood,)."""
    group: A
    """Group of each age band. Shape (band,)."""
    places: tuple[str, ...]
    """Names of the kinds of neighbourhood."""
    ages: tuple[str, ...]
    """Names of the age groups."""

    def first(self) -> A:
        """The first neighbourhood of each kind."""
        return np.array([int(np.flatnonzero(self.kind == k)[0]) for k in range(len(self.places))])

    def last_band(self, g: int) -> int:
        """The oldest age band of a group."""
        return int(np.flatnonzero(self.group == g)[-1])


def aggregation_of(
    scenario: Scenario, hoods: Sequence[Neighbourhood], *, fifths: bool = True, ages: bool = True
) -> Aggregation:
    """The cells that a scenario needs.

    Parameters
    ----------
    scenario
        The scenario. Its policies may require further divisions.
    hoods
        Neighbourhoods of the place.
    fifths
        Whether deprivation fifths are separate kinds. Otherwise only policies divide the place.
    ages
        Whether children, adults and older people are separate groups. Otherwise only policies divide the ages.
    """
    columns = neighbourhood_columns(hoods)
    services = tuple(s.id for s in load_catalogue())
    groups = scenario.groups(columns)
    keys: list[A] = [columns.quintile if fifths else np.zeros_like(columns.quintile)]
    keys += [groups[:, b] for b in range(groups.shape[1])]
    axis = {lever.name: lever.axis for lever in levers()}
    for name, path in scenario.paths(services, columns).items():
        if axis[name] == "neighbourhood":
            keys.append(np.unique(path, axis=1, return_inverse=True)[1].ravel())
    rows, kind = np.unique(np.array(keys).T, axis=0, return_inverse=True)
    names: list[str] = []
    for k, row in enumerate(rows):
        part = int((rows[: k + 1, 0] == row[0]).sum())
        parts = int((rows[:, 0] == row[0]).sum())
        name = f"fifth {int(row[0]) + 1}" if fifths else "the place"
        names.append(f"{name} part {part}" if parts > 1 else name)
    group = np.zeros(len(AGE_BANDS), np.int64)
    for b in range(1, len(AGE_BANDS)):
        is_cut = (ages and b in BAND_CUTS) or (groups[:, b] != groups[:, b - 1]).any()
        group[b] = group[b - 1] + is_cut
    labels = []
    for g in range(group[-1] + 1):
        bands = np.flatnonzero(group == g)
        last = AGE_BANDS[bands[-1]][1]
        labels.append(f"{AGE_BANDS[bands[0]][0]} to {last}" if last < 109 else f"{AGE_BANDS[bands[0]][0]} and over")
    return Aggregation(kind.ravel(), group, tuple(names), tuple(labels))
