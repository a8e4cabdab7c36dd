"""What an intervention does by each criterion, in each draw, and for each pound that it costs.

Every amount is a present value over the years of the run, as a difference from the baseline with the same people,
parameters and chance events. The pound is one of `programme_cost`: what the plan adds to lines and programmes in that
draw. It is known from the plan and the prices, so it is above 0 in every draw; where it is not, there is no ratio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.ranking.programme_cost import programme_cost
from sim.results.metric_series import MetricSeries
from sim.results.metrics import metric
from sim.results.money.amounts import STANDARD, amounts, present
from sim.results.money.discounting import present_values
from sim.results.summary import summary
from sim.services.catalogue import load_catalogue
from sim.state.codes import SILOS

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]
ACUTE, GAP = "acute_demand", "gap_most_least_deprived"


class Criterion(NamedTuple):
    """A criterion of the ranking. More is better.

    Attributes
    ----------
    name : str
        Its name in files.
    label : str
        Its name in tables.
    unit : str
        Unit for each pound, or million pounds, of the budget.
    effect_unit : str
        Unit of the effect itself.
    scale : float
        Factor of the ratio: 1e6 for each million pounds.
    decimals : int
        Decimals of the ratio in tables.
    meaning : str
        A sentence.
    """

    name: str
    label: str
    unit: str
    effect_unit: str
    scale: float
    decimals: int
    meaning: str


CRITERIA = (
    Criterion(
        "acute",
        "Acute demand avoided",
        "£ for each £1",
        "£ per person",
        1.0,
        2,
        "Acute episodes avoided, each at its unit cost. It is not cash: most acute cost is beds and buildings.",
    ),
    Criterion(
        "health",
        "Health gained",
        "QALYs for each £1 million",
        "QALYs per 1,000 people",
        1e6,
        1,
        "QALYs, deaths counted, discounted at the rate of health.",
    ),
    Criterion(
        "money",
        "Public money saved",
        "£ for each £1",
        "£ per person",
        1.0,
        2,
        "Public spending avoided, with what the intervention itself costs. New money that saves nothing has −1; money "
        "that moves between lines and changes nothing has 0.",
    ),
    Criterion(
        "value",
        "Net value",
        "£ for each £1",
        "£ per person",
        1.0,
        2,
        "Public money saved, and health gained at the stated value of a QALY.",
    ),
    Criterion(
        "fairness",
        "Gap narrowed",
        "£ for each £1",
        "£ per person",
        1.0,
        2,
        "How far acute demand per person in the most and the least deprived fifth come together, in the pounds of the "
        "first criterion.",
    ),
)
"""The criteria, in the order of tables."""


class Effects(NamedTuple):
    """What an intervention does and costs in each draw.

    Attributes
    ----------
    values : ndarray of float64, shape (draws, criteria)
        Effects in the `effect_unit` of each criterion, present values.
    per_pound : ndarray of float64, shape (draws, criteria)
        Effects for each pound that the intervention costs; NaN if its cost is not surely above 0.
    cost : ndarray of float64, shape (draws,)
        What it adds to lines and programmes: pounds per person, present value.
    demand : ndarray of float64, shape (draws,)
        Change of acute demand, the mean of all years, in per cent of the baseline's mean.
    by_silo : ndarray of float64, shape (draws, silos)
        Acute demand avoided, by the budget holder that must answer it: pounds per person, present value. Their sum is
        the first criterion.
    """

    values: F
    per_pound: F
    cost: F
    demand: F
    by_silo: F


def effects(comparison: Comparison, name: str) -> Effects:
    """Compute what an intervention does in each draw of a comparison.

    Parameters
    ----------
    comparison : Comparison
        A comparison with the intervention.
    name : str
        Its name.

    Returns
    -------
    Effects
    """
    people, valuation = float(comparison.people), comparison.scenarios[0].valuation()
    money = present(amounts(comparison, name), valuation)

    def pounds(measure: str, by: str | None = None) -> F:
        made = metric(measure)
        levels = [comparison.grouped(of, made, "year", by) for of in (name, comparison.baseline)]
        out: F = (levels[1] - levels[0]) / comparison.index_scale(made)
        return present_values(out, "money", valuation.discount_money)[..., -1]

    by_service = pounds(ACUTE, "service")
    services = MetricSeries(comparison, metric(ACUTE)).groups("service")
    silo_of: dict[str | None, str] = {service.id: service.silo for service in load_catalogue()}
    silos = np.array([silo_of[each] for each in services])
    by_silo = np.stack([by_service[:, silos == silo].sum(axis=1) for silo in SILOS], axis=1)

    before, after = (
        comparison.grouped(of, metric(ACUTE), "year", None)[:, 0].mean(axis=1) for of in (comparison.baseline, name)
    )
    values = np.stack(
        [
            pounds(ACUTE)[:, 0],
            1000.0 * money["qalys"][:, -1] / people,
            money["npv_public"][:, -1] / people,
            money[f"npv.{STANDARD}"][:, -1] / people,
            pounds(GAP)[:, 0],
        ],
        axis=1,
    )
    planned = programme_cost(comparison, name)
    cost = present_values(planned, "money", valuation.discount_money)[:, -1] / people
    change = 100.0 * (after - before) / before.mean()
    return Effects(values, per_pound(values, cost), cost, change, by_silo)


def per_pound(values: F, cost: F) -> F:
    """Divide effects by what an intervention costs.

    Parameters
    ----------
    values : ndarray of float64, shape (draws, criteria)
        Effects.
    cost : ndarray of float64, shape (draws,)
        Pounds per person.

    Returns
    -------
    ndarray of float64, shape (draws, criteria)
        In the unit of each criterion; NaN if the cost is not surely above 0.
    """
    if not surely_costs(cost):
        return np.full_like(values, np.nan)
    people = np.array([1000.0 if c.name == "health" else 1.0 for c in CRITERIA])
    scale = np.array([c.scale for c in CRITERIA])
    out: F = values / people * scale / cost[:, None]
    return out


def surely_costs(cost: F) -> bool:
    """Test whether a cost is above 0 in every draw, and the 95% interval of its mean as well.

    Parameters
    ----------
    cost : ndarray of float64, shape (draws,)

    Returns
    -------
    bool

    Examples
    --------
    >>> surely_costs(np.array([9.0, 10.0])), surely_costs(np.array([1.0, 10.0])), surely_costs(np.array([0.0, 0.0]))
    (True, False, False)
    """
    low = float(summary(cost)["ci_low"])
    return bool((cost > 0.0).all()) and not low <= 0.0
