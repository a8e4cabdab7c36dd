"""Stochastic dominance between policies over everything that is not known.

At every point: one policy is nowhere worse than the other. First order: whatever level is wanted, it is reached at as
many points at least; everybody who prefers more to less prefers the policy. Second order: everybody who also dislikes
risk does (Hadar and Russell 1969, Am. Econ. Rev. 59:25). Each order implies the next. All points count alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
ORDERS = ("every point", "first", "second")
"""The orders, the strongest first."""
TOLERANCE = 1e-12
"""Part of the largest gain below which two sums count as equal."""


class Dominance(NamedTuple):
    """A policy that dominates another.

    Attributes
    ----------
    policy, over : int
        Numbers of the policies.
    order : {"every point", "first", "second"}
        The strongest order.
    without_each_seed : bool or None
        Whether it dominates, in this order or a stronger one, also when any one of the seeds is left out; None if each
        point was run once.
    """

    policy: int
    over: int
    order: str
    without_each_seed: bool | None


def dominances(gains: F, without: F | None) -> list[Dominance]:
    """List the pairs of policies of which one dominates the other.

    Parameters
    ----------
    gains : ndarray of float64, shape (policies, states)
        Gains over the baseline: more is better.
    without : ndarray of float64, shape (repeats, policies, states), or None
        The same with each of the repeats left out.

    Returns
    -------
    list of Dominance

    Examples
    --------
    >>> [(d.policy, d.over, d.order) for d in dominances(np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 2.0]]), None)]
    [(1, 0, 'every point'), (2, 0, 'every point')]
    """
    strongest = _orders(gains)
    least = None if without is None else np.max([_orders(each) for each in without], axis=0)
    none = len(ORDERS)
    return [
        Dominance(a, b, ORDERS[strongest[a, b]], None if least is None else bool(least[a, b] <= strongest[a, b]))
        for a in range(len(gains))
        for b in range(len(gains))
        if strongest[a, b] < none
    ]


def _orders(gains: F) -> npt.NDArray[np.intp]:
    """Position in `ORDERS` of the strongest order in which each policy dominates each other; beyond it for none."""
    ranked = np.sort(gains, axis=1)
    tests = gains, ranked, np.cumsum(ranked, axis=1)
    out = np.full((len(gains), len(gains)), len(ORDERS), np.intp)
    least = TOLERANCE * max(1e-300, float(np.abs(gains).max(initial=0.0)) * max(1, gains.shape[1]))
    for order in reversed(range(len(ORDERS))):
        values = tests[order]
        for a in range(len(gains)):
            margin = values[a] - values
            holds = (margin >= -least).all(axis=1) & (margin > least).any(axis=1)
            out[a, holds] = order
    return out
