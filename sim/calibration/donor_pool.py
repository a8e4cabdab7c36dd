"""Selects the donors from which newcomers are copied: a sample of the people of the place used for calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim import hazards as tables
from sim.hazards import Solution, Targets
from sim.people.domains import Domain
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World

ROUNDING = 1e-9
"""Distance from the edge of a level within which a donor keeps the level."""


class Sample(NamedTuple):
    """All people of a world at one moment: their kind as donors, and the values that are copied from them."""

    kind: npt.NDArray[np.int64]
    levels: npt.NDArray[np.uint8]
    resilience: npt.NDArray[np.float32]
    trust: npt.NDArray[np.float32]

    @classmethod
    def of(cls, world: World) -> Sample:
        """The people who live in a world."""
        people = world.people
        alive = np.flatnonzero(people.age != EMPTY_SLOT)
        is_head = world.dwellings.head[people.dwelling[alive]] == alive
        household = np.flatnonzero(world.rates.household)
        worst = people.level[household].max(axis=0) if household.size else np.zeros_like(people.age)
        role = np.where(is_head, 0, 1)
        level = np.where(is_head, 0, worst[alive])
        kind = np.ravel_multi_index((role, level, people.band[alive], people.quintile[alive]), (2, 4, tables.BANDS, 5))
        return cls(kind, people.level[:, alive], people.resilience[alive], people.trust[alive])


def select_donors(samples: list[Sample], most: int = 500) -> dict[str, npt.NDArray[np.generic]]:
    """Select donors from samples of a world at several moments.

    Parameters
    ----------
    samples : list of Sample
        All people at each moment.
    most : int
        Largest number of donors of each kind (role, level of the household's needs, age band, deprivation fifth).

    Returns
    -------
    dict of str to ndarray
        The donor fields of `Solution`.

    Notes
    -----
    The people of a kind are ordered by their number of serious needs, then by all their needs, and selected at equal
    intervals. The few people with many serious needs, who have most of the crises, are therefore represented in
    proportion.
    """
    kind = np.concatenate([s.kind for s in samples])
    stored_levels = np.concatenate([s.levels for s in samples], axis=1)
    resilience, trust = (np.concatenate([getattr(s, name) for s in samples]) for name in ("resilience", "trust"))
    levels = stored_levels.astype(np.int64)
    code = (levels * 4 ** np.arange(levels.shape[0])[:, None]).sum(axis=0)
    order = np.lexsort((resilience, code, levels.sum(axis=0), (levels >= 2).sum(axis=0), kind))
    ranges = np.zeros((2 * 4 * tables.BANDS * 5, 2), np.int64)
    rows_of_kinds, row = [], 0
    edges = np.searchsorted(kind[order], np.arange(len(ranges) + 1))
    for k in range(len(ranges)):
        ordered = order[edges[k] : edges[k + 1]]
        rows = (
            ordered[((np.arange(min(most, ordered.size)) + 0.5) * ordered.size / min(most, ordered.size)).astype(int)]
            if ordered.size
            else ordered
        )
        ranges[k] = row, row + rows.size
        row += rows.size
        rows_of_kinds.append(rows)
    selected = np.concatenate(rows_of_kinds)
    return {
        "donor_level": stored_levels[:, selected].T.copy(),
        "donor_resilience": resilience[selected].astype(np.float16).astype(np.float32),
        "donor_trust": trust[selected].astype(np.float16).astype(np.float32),
        "donor_range": ranges.reshape(2, 4, tables.BANDS, 5, 2),
    }


def with_shares(
    donors: Solution, before: Targets, after: Targets, domains: tuple[Domain, ...]
) -> npt.NDArray[np.uint8]:
    """Move the needs of donors from one set of published shares to another.

    Parameters
    ----------
    donors : Solution
        A solution with donors.
    before, after : Targets
        The shares that the donors have, and those that they get.
    domains : tuple of Domain
        The domains of need.

    Returns
    -------
    ndarray of uint8, shape (donor, domain)
        Levels of need. As few donors as possible change their level in a domain, and nobody passes anybody else: needs
        that occur together still do. Members of a household keep the levels of its own needs, which are those of
        their reference person.
    """
    levels = donors.donor_level.copy()
    role, _, band, quintile = kinds(donors)
    shares_before, shares_after = before.shares(), after.shares()
    rng = np.random.default_rng(0)
    for d, domain in enumerate(domains):
        position = rng.random(len(levels))
        rows = np.flatnonzero(role == 0) if domain.unit == "household" else np.arange(len(levels))
        shares = shares_before[d][:, band[rows], quintile[rows]]
        level = levels[rows, d].astype(np.intp)[None]
        upper = np.take_along_axis(shares.cumsum(axis=0), level, axis=0)[0]
        rank = upper - position[rows] * np.take_along_axis(shares, level, axis=0)[0]
        edges = shares_after[d].cumsum(axis=0)[:3, band[rows], quintile[rows]]
        levels[rows, d] = (rank[None] > edges + ROUNDING).sum(axis=0)
    return levels


def kinds(donors: Solution) -> tuple[npt.NDArray[np.intp], ...]:
    """Role, level of the household's needs, age band and deprivation fifth of each donor."""
    ranges = donors.donor_range.reshape(-1, 2)
    kind = np.repeat(np.arange(len(ranges)), ranges[:, 1] - ranges[:, 0])
    return np.unravel_index(kind, donors.donor_range.shape[:4])


def with_donors(world: World, donors: Mapping[str, npt.NDArray[np.generic]]) -> World:
    """A world with other donors; all other tables are shared."""
    return world._replace(rates=world.rates._replace(**donors))
