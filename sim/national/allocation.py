"""The national allocation formula: one pot of money, shared among authorities by people and need, year by year.

Claim     pot(y) = (sum of own budgets) * (1 + growth)^y
          target[a] = pot * people[a] * need[a]^elasticity / sum over authorities
          wanted[a] = (1 - weight) * base[a] * pot / (sum of own budgets) + weight * target[a]
          share of the pot: moves each year by the part `pace` of its distance from wanted, within floor and ceiling
          times the authority's own budget (relative to the pot); the others share what a limit adds or takes.
          people and need are those that the authority's run counted in the year before; in year 1 each has its own
          budget. need is relative to the mean of all people. Pounds are in whole pence that add up to the pot.
Evidence  assumed. The form, weighted capitation with a pace of change, is a custom of health and local finance
          (recalled); no parameter was taken from a source.
Limits    One pot for all budget holders of a place. All lines of an authority change by the same factor. Bail-outs come
          on top of the pot. Nobody changes demand in order to get more.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.schema.quantities import Params, number, share

F = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Need = Literal["serious_need", "acute_demand", "people"]
"""The measure of need per person: months of serious need, the cost of acute episodes, or none."""
STEPS = 200
"""Halvings in the search for the factor at which bounded shares add up to the pot."""


class AllocationFormula(Params):
    """Parameters of the formula. `weight` 0 leaves each authority its own budget."""

    weight: float = share(1.0, source="assumed", meaning="share of the pot that follows the formula")
    elasticity: float = number(
        1.0, low=0.0, high=2.0, unit="exponent", source="assumed",
        meaning="how much an authority's part grows with its need per person; 0 is per head",
    )  # fmt: skip
    pace: float = share(0.25, source="assumed", meaning="share of the distance from the formula that a year closes")
    floor: float = number(
        0.7, low=0.5, high=1.0, unit="multiple of the authority's own budget", source="assumed",
        meaning="least that an authority gets",
    )  # fmt: skip
    ceiling: float = number(
        1.4, low=1.0, high=1.5, unit="multiple of the authority's own budget", source="assumed",
        meaning="most that an authority gets",
    )  # fmt: skip
    growth: float = number(
        0.0, low=-0.05, high=0.05, unit="share a year", source="assumed", meaning="real growth of the pot"
    )


def allocate(formula: AllocationFormula, year: int, base: I64, before: I64, people: I64, need: F) -> I64:
    """Share the pot of a year.

    Parameters
    ----------
    formula : AllocationFormula
        The parameters.
    year : int
        The year, counted from 0.
    base : ndarray of int64, shape (authorities,)
        Budget of each authority without the formula, pence a year.
    before : ndarray of int64, shape (authorities,)
        Allocation of the year before, pence.
    people : ndarray of int64, shape (authorities,)
        Person-months of the year before.
    need : ndarray of float64, shape (authorities,)
        Need per person in the year before, in any unit.

    Returns
    -------
    ndarray of int64, shape (authorities,)
        Pence of each authority, with the sum `pot`.

    Examples
    --------
    >>> own = np.array([100, 300])
    >>> allocate(AllocationFormula(), 1, own, own, np.array([1, 1]), np.array([1.0, 1.0])).tolist()
    [125, 275]
    >>> allocate(AllocationFormula(weight=0.0), 1, own, own, np.array([1, 1]), np.array([1.0, 3.0])).tolist()
    [100, 300]
    """
    total = pot(formula, year, base)
    raised, of_before = total / float(base.sum()), total / float(before.sum())
    weighted = people * (need / (float((people * need).sum()) / float(people.sum()))) ** formula.elasticity
    target = total * weighted / weighted.sum()
    wanted = (1.0 - formula.weight) * (base * raised) + formula.weight * target
    present = before * of_before
    moved: F = present + formula.pace * (wanted - present)
    low, high = (np.asarray(base * raised * limit, np.float64) for limit in (formula.floor, formula.ceiling))
    return in_whole_pence(_bounded(moved, low, high, total), total)


def pot(formula: AllocationFormula, year: int, base: I64) -> int:
    """The money of a year, in pence; years are counted from 0."""
    return round(int(base.sum()) * (1.0 + formula.growth) ** year)


def _bounded(wanted: F, low: F, high: F, total: float) -> F:
    """Amounts in proportion to those that are wanted, within limits, with a sum."""
    if ((wanted >= low) & (wanted <= high)).all():
        return wanted
    least, most = 0.0, float((high / wanted).max())
    for _ in range(STEPS):
        middle = (least + most) / 2.0
        least, most = (middle, most) if np.clip(middle * wanted, low, high).sum() < total else (least, middle)
    return np.asarray(np.clip(most * wanted, low, high))


def in_whole_pence(amounts: F, total: int) -> I64:
    """Round amounts to whole numbers with exactly this sum, by largest remainder; ties go to the first."""
    down = np.floor(amounts).astype(np.int64)
    missing = total - int(down.sum())
    order = np.argsort(down - amounts, kind="stable")
    each, more = divmod(missing, len(amounts))
    down += each
    down[order[:more]] += 1
    return down
