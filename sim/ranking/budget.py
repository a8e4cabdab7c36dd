"""One budget for all interventions: the size of each at which what it adds has the same present value.

The budget is so many pounds a head a year from the first month of the policies, reached in steps over the same months.
An intervention is made larger or smaller, all of its policies together, until the present value of what it adds over
the years of the run equals that of the budget, at the central parameters. So an intervention with another timetable is
larger in some years and smaller in others. At other prices, which each draw has, the same plan costs more or less.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sim.schema.errors import InputError

OPTION = "--budget"
LARGEST_POUNDS, LARGEST_PERCENT = 200.0, 10.0
"""Largest budgets: the end of the range of a grant, and of the share that moves between lines."""
TOLERANCE = 0.01
"""Largest relative difference between what an intervention costs and the budget."""
AIM = 0.001
"""Relative difference at which the search ends at once."""
ROUNDS = 8
"""Largest number of rounds of the search. What costs in proportion to its size needs two."""
Costs = Callable[[Mapping[str, float]], Mapping[str, float]]
"""From the factor of each intervention to its cost."""


class Budget(NamedTuple):
    """A budget as it was stated.

    Attributes
    ----------
    amount : float
        Pounds a head a year, or per cent of spending in scope.
    is_share : bool
        Whether it is per cent.
    """

    amount: float
    is_share: bool

    def pounds(self, spending_per_head: float) -> float:
        """Pounds a head a year.

        Parameters
        ----------
        spending_per_head : float
            Spending in scope of the baseline, pounds a head a year.

        Returns
        -------
        float
        """
        return self.amount / 100.0 * spending_per_head if self.is_share else self.amount


class Fit(NamedTuple):
    """The size at which an intervention costs the budget.

    Attributes
    ----------
    factor : float
        The factor of its policies; NaN if there is none.
    cost : float
        What it costs there; if there is no such factor, what it costs at its largest size.
    """

    factor: float
    cost: float

    @property
    def fits(self) -> bool:
        """Whether there is such a size."""
        return math.isfinite(self.factor)


def budget_of(value: str | float) -> Budget:
    """Read a budget.

    Parameters
    ----------
    value : str or float
        Pounds a head a year, such as 10 or "£10", or per cent of spending in scope, such as "1%".

    Returns
    -------
    Budget

    Raises
    ------
    InputError
        If it is neither, or out of range.

    Examples
    --------
    >>> budget_of("1%"), budget_of(10)
    (Budget(amount=1.0, is_share=True), Budget(amount=10.0, is_share=False))
    """
    wanted = (
        f"pounds a head a year above 0 and up to {LARGEST_POUNDS:g}, such as 10, or per cent of spending in scope "
        f"above 0 and up to {LARGEST_PERCENT:g}, such as 1%"
    )
    match = re.fullmatch(r"£?\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)", str(value).strip())
    if match is None or ("£" in str(value) and match[2]):
        raise InputError(OPTION, None, "", wanted, value)
    budget = Budget(float(match[1]), bool(match[2]))
    if not 0.0 < budget.amount <= (LARGEST_PERCENT if budget.is_share else LARGEST_POUNDS):
        raise InputError(OPTION, None, "", wanted, value)
    return budget


def fitted(costs: Costs, largest: Mapping[str, float], target: float) -> dict[str, Fit]:
    """Find the size of each intervention at which it costs the budget.

    Parameters
    ----------
    costs : callable
        Computes the cost of some interventions at some factors. A cost rises with the factor, from 0 at 0.
    largest : mapping of str to float
        The largest factor of each intervention.
    target : float
        The budget, in the unit of the costs, above 0.

    Returns
    -------
    dict of str to Fit
        In the order of `largest`. An intervention whose cost at its largest size is below the budget has none.

    Notes
    -----
    The false-position method of all interventions together, each within its own bracket, with the Illinois rule.

    Examples
    --------
    >>> sizes = fitted(lambda at: {name: 40.0 * x for name, x in at.items()}, {"hubs": 1.0}, 10.0)
    >>> sizes["hubs"]
    Fit(factor=0.25, cost=10.0)
    """
    at_most = costs(dict(largest))
    searches = {name: _Search(target, largest[name], at_most[name]) for name in largest}
    for _ in range(ROUNDS):
        open_searches = {name: search for name, search in searches.items() if not search.ended}
        if not open_searches:
            break
        tried = {name: search.next_factor() for name, search in open_searches.items()}
        for name, cost in costs(tried).items():
            searches[name].add(tried[name], cost)
    return {name: search.fit() for name, search in searches.items()}


class _Search:
    """The search for one intervention."""

    def __init__(self, target: float, largest: float, at_most: float) -> None:
        self._target = target
        self._low, self._below = 0.0, -target
        self._high, self._above = largest, at_most - target
        self._best, self._cost = largest, at_most
        self._side = 0

    @property
    def ended(self) -> bool:
        return self._above < 0.0 or abs(self._cost - self._target) <= AIM * self._target

    def next_factor(self) -> float:
        return self._low - self._below * (self._high - self._low) / (self._above - self._below)

    def add(self, factor: float, cost: float) -> None:
        error = cost - self._target
        if abs(error) < abs(self._cost - self._target):
            self._best, self._cost = factor, cost
        side = 1 if error > 0.0 else -1
        if side > 0:
            self._high, self._above = factor, error
            self._below /= 2.0 if self._side == side else 1.0
        else:
            self._low, self._below = factor, error
            self._above /= 2.0 if self._side == side else 1.0
        self._side = side

    def fit(self) -> Fit:
        near = abs(self._cost - self._target) <= TOLERANCE * self._target
        return Fit(self._best if near else math.nan, self._cost)
