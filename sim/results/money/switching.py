"""Switching values: how different a value, a cost or an effect must be for the net value of a policy to be zero."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.money.verdicts import fieller

F = npt.NDArray[np.float64]
Case = Literal["worth above", "worth below", "better at any value", "worse at any value", "no difference"]
"""How the net value depends on the value of a QALY.

Worth above: the policy costs more and gains health, so its net value is positive above the switching value. Worth
below: the policy spends less and loses health, so its net value is positive below it.
"""


class QalySwitch(NamedTuple):
    """The value of a QALY at which the net value of a policy is zero.

    Attributes
    ----------
    case : str
        How the net value depends on the value of a QALY.
    pounds : float or None
        The value, where there is one.
    ci_low, ci_high : float or None
        Its 95% interval by Fieller's theorem; None where that is not bounded, or with one seed.
    """

    case: Case
    pounds: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


def qaly_switch(public: F, qalys: F) -> QalySwitch:
    """Find the value of a QALY at which the net value is zero.

    Parameters
    ----------
    public : ndarray of float64, shape (seeds,)
        Net present value of public money: spending saved.
    qalys : ndarray of float64, shape (seeds,)
        QALYs gained.

    Returns
    -------
    QalySwitch

    Examples
    --------
    A cut saves £1m and loses 20 QALYs: worth it only for who values a QALY below £50,000.

    >>> qaly_switch(np.array([1e6]), np.array([-20.0]))
    QalySwitch(case='worth below', pounds=50000.0, ci_low=None, ci_high=None)
    """
    money, health = float(public.mean()), float(qalys.mean())
    if not np.any(public) and not np.any(qalys):
        return QalySwitch("no difference")
    if money >= 0.0 and health >= 0.0:
        return QalySwitch("better at any value")
    if money <= 0.0 and health <= 0.0:
        return QalySwitch("worse at any value")
    low, high = fieller(-public, qalys)
    ends = (low, high) if np.isfinite(low) and low > 0.0 else (None, None)
    return QalySwitch("worth above" if health > 0.0 else "worth below", -money / health, *ends)


def change_of_cost(net: float, cost: float) -> float | None:
    """Find the relative change of a policy's cost at which its net value is zero.

    Parameters
    ----------
    net : float
        Net present value.
    cost : float
        Present value of what the policy adds to budgets and programmes.

    Returns
    -------
    float or None
        0.2 for a fifth higher. None if the policy adds nothing, or even without any cost its net value would not be
        positive.

    Examples
    --------
    >>> change_of_cost(-50.0, 100.0), change_of_cost(-150.0, 100.0)
    (-0.5, None)
    """
    return net / cost if cost > 0.0 and net > -cost else None


def change_of_health(public: float, health: float) -> float | None:
    """Find the relative change of a policy's effect on health at which its net value is zero.

    Parameters
    ----------
    public, health : float
        Net present value of public money, and value of the health gained.

    Returns
    -------
    float or None
        -0.2 for a fifth smaller. None if the effect on health would have to turn round.

    Examples
    --------
    >>> change_of_health(-50.0, 100.0), change_of_health(50.0, 100.0)
    (-0.5, None)
    """
    return -public / health - 1.0 if health != 0.0 and public / health < 0.0 else None
