"""Pareto fronts, and how alike the fronts of two seeds of the optimiser are.

A mix is on the front if no other mix is at least as good in every objective and better in one. Fronts are compared in
objectives that are scaled by the ends of all fronts together: the share of the hypervolume of the joint front that each
front has (Zitzler and Thiele 1998), and the mean distance from the points of the joint front to the nearest point of
each (inverted generational distance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
A = npt.NDArray[np.intp]
MARGIN = 0.1
"""Distance of the reference point of the hypervolume beyond the worst end of each objective, in its ranges."""
STABLE = 0.9
"""Share of the joint hypervolume from which each front counts as a stable result: a convention."""


def front(objectives: F) -> A:
    """The rows that no other row beats; of equal rows the first.

    Parameters
    ----------
    objectives : ndarray of float64, shape (rows, objectives)
        All to be small.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> front(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])).tolist()
    [0, 1]
    """
    chosen = []
    for k, row in enumerate(objectives):
        better = (objectives <= row).all(axis=1) & (objectives < row).any(axis=1)
        equal_before = (objectives[:k] == row).all(axis=1)
        if not better.any() and not equal_before.any():
            chosen.append(k)
    return np.array(chosen, dtype=np.intp)


def dominating(objectives: F, row: F) -> A:
    """The rows that are at least as good as a row in every objective and better in one."""
    return np.flatnonzero((objectives <= row).all(axis=1) & (objectives < row).any(axis=1))


class Scaling(NamedTuple):
    """The ends of objectives, by which they are scaled to 0 to 1.

    Attributes
    ----------
    best, width : ndarray of float64, shape (objectives,)
        Smallest value, and range (1 for an objective that does not vary).
    """

    best: F
    width: F

    @classmethod
    def of(cls, objectives: F) -> Scaling:
        """The scaling of a front."""
        width = np.ptp(objectives, axis=0)
        return cls(objectives.min(axis=0), np.where(width > 0.0, width, 1.0))

    def scaled(self, objectives: F) -> F:
        """Objectives from 0 to 1."""
        out: F = (objectives - self.best) / self.width
        return out


class FrontStability(NamedTuple):
    """How alike the fronts of several seeds of the optimiser are.

    Attributes
    ----------
    hypervolume : tuple of float
        Share of the joint front's hypervolume that the front of each seed has.
    distance : tuple of float
        Mean distance from a point of the joint front to the nearest point of each front, in ranges of the objectives.
    is_stable : bool
        Whether each front has at least `STABLE` of the hypervolume.
    """

    hypervolume: tuple[float, ...]
    distance: tuple[float, ...]
    is_stable: bool


def stability(fronts: Sequence[F]) -> FrontStability:
    """Compare fronts.

    Parameters
    ----------
    fronts : sequence of ndarray of float64, shape (points, objectives)
        The objectives of each front, all to be small. A front without points has nothing of the hypervolume.

    Returns
    -------
    FrontStability
    """
    every = np.concatenate(list(fronts))
    joint = every[front(every)]
    scaling = Scaling.of(joint)
    total = hypervolume(scaling.scaled(joint))
    shares, distances = [], []
    for each in fronts:
        if not len(each):
            shares.append(0.0)
            distances.append(float("nan"))
            continue
        scaled = scaling.scaled(each)
        shares.append(hypervolume(scaled) / total)
        apart = np.linalg.norm(scaling.scaled(joint)[:, None] - scaled[None], axis=2)
        distances.append(float(apart.min(axis=1).mean()))
    return FrontStability(tuple(shares), tuple(distances), min(shares) >= STABLE)


def hypervolume(scaled: F) -> float:
    """The volume that a front dominates, up to the reference point 1 + MARGIN in each objective.

    Parameters
    ----------
    scaled : ndarray of float64, shape (points, objectives)
        Scaled objectives.

    Returns
    -------
    float
    """
    from pymoo.indicators.hv import HV

    return float(HV(ref_point=np.full(scaled.shape[1], 1.0 + MARGIN))(scaled))


def spread_points(objectives: F, number: int) -> list[int]:
    """Choose points that are far apart: the best in each objective, then the furthest from those chosen.

    Parameters
    ----------
    objectives : ndarray of float64, shape (points, objectives)
        The front.
    number : int
        Number of points.

    Returns
    -------
    list of int
        Positions in the front, by the first objective.

    Examples
    --------
    >>> spread_points(np.array([[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [4.0, 0.0]]), 3)
    [0, 2, 3]
    """
    scaled = Scaling.of(objectives).scaled(objectives)
    order = [int(k) for k in scaled.argmin(axis=0)]
    chosen = list(dict.fromkeys(order))[:number]
    while len(chosen) < min(number, len(objectives)):
        apart = np.linalg.norm(scaled[:, None] - scaled[chosen][None], axis=2).min(axis=1)
        apart[chosen] = -1.0
        chosen.append(int(apart.argmax()))
    return sorted(chosen, key=lambda k: (float(objectives[k, 0]), k))
