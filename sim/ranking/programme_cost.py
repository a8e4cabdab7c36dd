"""What a policy adds to the budget lines and programmes that it raises, as it was planned: the budget that it needs.

Lines are those that the policy asks for (sim/results/asked_budgets.py), without overspends, bail-outs or chance, from
the budgets of the same draw. Programmes outside services are paid as the run has paid them: price times size, at the
prices of the draw. Lines that lose money do not count: moving £10 costs £10, and another line pays it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.place.place import Neighbourhood
from sim.results.asked_budgets import asked_budgets, budget_levers
from sim.results.money.ledger import by_year
from sim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]


def added_to_lines(scenario: Scenario, hoods: Sequence[Neighbourhood], budgets: F, people: float) -> F:
    """Compute what a policy adds to the budget lines that it raises.

    Parameters
    ----------
    scenario : Scenario
        The policy.
    hoods : sequence of Neighbourhood
        Of the place, at its size.
    budgets : ndarray of float64, shape (services,)
        Budgets at baseline, pounds a year.
    people : float
        Number of people.

    Returns
    -------
    ndarray of float64, shape (years,)
        Pounds a year.
    """
    if not {policy.lever for policy in scenario.policies} & {lever.lever for lever in budget_levers()}:
        return np.zeros(scenario.years)
    asked = asked_budgets(scenario, hoods, budgets, people)
    added: F = np.maximum(0.0, asked - budgets).sum(axis=1)
    return added


def first_budgets(comparison: Comparison) -> F:
    """Read the budgets of the baseline in its first year, in which no policy holds.

    Parameters
    ----------
    comparison : Comparison
        A comparison.

    Returns
    -------
    ndarray of float64, shape (seeds, services)
        Pounds a year.
    """
    funding = comparison.ledger(comparison.baseline).funding[:, :12]
    out: F = funding.sum(axis=1) / 100.0
    return out


def programme_cost(comparison: Comparison, name: str) -> F:
    """Compute what a policy adds to lines and programmes in each draw and year.

    Parameters
    ----------
    comparison : Comparison
        A comparison with the policy.
    name : str
        Name of the policy.

    Returns
    -------
    ndarray of float64, shape (seeds, years)
        Pounds of the place, not discounted.
    """
    scenario = next(s for s in comparison.scenarios if s.name == name)
    hoods = comparison.place.neighbourhoods(comparison.people)
    drawn = comparison.settings.get("drawn", {})
    before, after = comparison.ledger(comparison.baseline), comparison.ledger(name)
    programmes = np.maximum(0.0, by_year(after.outlay - before.outlay)).sum(axis=-1) / 100.0
    lines = []
    for seed, budgets in zip(comparison.seeds, first_budgets(comparison), strict=True):
        parameters = {**drawn.get(str(seed), {}), **scenario.parameters}
        of_draw = scenario.model_copy(update={"parameters": parameters})
        lines.append(added_to_lines(of_draw, hoods, budgets, float(comparison.people)))
    out: F = programmes + np.stack(lines)
    return out
