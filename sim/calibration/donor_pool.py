"""The people whom newcomers are copied from: some of those who lived in a place while it was being solved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.state.tables import EMPTY_SLOT, World


class Sample(NamedTuple):
    """Everybody of a world at one moment: what kind of donor they are, and what is copied from them."""

    kind: npt.NDArray[np.int64]
    levels: npt.NDArray[np.uint8]
    resilience: npt.NDArray[np.float32]
    trust: npt.NDArray[np.float32]

    @classmethod
    def of(cls, world: World) -> Sample:
        """Whoever lives in a world."""
        people = world.people
        alive = np.flatnonzero(people.age != EMPTY_SLOT)
        is_head = world.dwellings.head[people.dwelling[alive]] == alive
        household = np.flatnonzero(world.rates.household)
        worst = people.level[household].max(axis=0) if household.size else np.zeros_like(people.age)
        role = np.where(is_head, 0, 1)
        level = np.where(is_head, 0, worst[alive])
        kind = np.ravel_multi_index((role, level, people.band[alive], people.quintile[alive]), (2, 4, tables.BANDS, 5))
        return cls(kind, people.level[:, alive], people.resilience[alive], people.trust[alive])


def donors_of(samples: list[Sample], most: int = 500) -> dict[str, npt.NDArray[np.generic]]:
    """People to copy newcomers from, out of those there at some moments: at most so many of each kind.

    People of a kind stand in line by how many serious needs they have, then by all their needs, and every n-th is
    taken: the few in deep trouble, who have most of the crises, are there in their true proportion.
    """
    kind = np.concatenate([s.kind for s in samples])
    levels_of = np.concatenate([s.levels for s in samples], axis=1)
    resilience, trust = (np.concatenate([getattr(s, name) for s in samples]) for name in ("resilience", "trust"))
    levels = levels_of.astype(np.int64)
    code = (levels * 4 ** np.arange(levels.shape[0])[:, None]).sum(axis=0)
    order = np.lexsort((resilience, code, levels.sum(axis=0), (levels >= 2).sum(axis=0), kind))
    ranges = np.zeros((2 * 4 * tables.BANDS * 5, 2), np.int64)
    chosen, row = [], 0
    edges = np.searchsorted(kind[order], np.arange(len(ranges) + 1))
    for k in range(len(ranges)):
        line = order[edges[k] : edges[k + 1]]
        rows = (
            line[((np.arange(min(most, line.size)) + 0.5) * line.size / min(most, line.size)).astype(int)]
            if line.size
            else line
        )
        ranges[k] = row, row + rows.size
        row += rows.size
        chosen.append(rows)
    who = np.concatenate(chosen)
    return {
        "donor_level": levels_of[:, who].T.copy(),
        "donor_resilience": resilience[who].astype(np.float16).astype(np.float32),
        "donor_trust": trust[who].astype(np.float16).astype(np.float32),
        "donor_range": ranges.reshape(2, 4, tables.BANDS, 5, 2),
    }


def with_donors(world: World, donors: Mapping[str, npt.NDArray[np.generic]]) -> World:
    """The same world with other donors."""
    return world._replace(rates=world.rates._replace(**donors))
