"""The net present value of a policy and its parts, as differences from the baseline with their intervals.

Every amount is taken seed by seed (the same people, parameters and chance events), discounted, summed up over the
years of the run, then summarised over seeds like every other difference. Pounds are those of the place, in the prices
of the model. Health is valued at each stated value of a QALY; the net value without a name is that at the Green Book's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.money import switching
from sim.results.money.amounts import STANDARD, amounts, present
from sim.results.money.discounting import discount_factors
from sim.results.money.ledger import OUTSIDE, SPENDERS
from sim.results.money.verdicts import CostVerdict, NetEffect, break_even, costs_first
from sim.results.spread import Replicates
from sim.results.summary import summary
from sim.scenario.valuation import Valuation
from sim.state.codes import SILOS

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]
BEYOND_YEARS = 10
"""Years after the horizon over which the last year's differences are carried on: what the horizon leaves out."""


class PresentValue(NamedTuple):
    """A difference from the baseline.

    Attributes
    ----------
    mean : float
        The mean over seeds.
    q025, q975 : float
        Middle 95% of the seeds.
    ci_low, ci_high : float
        95% interval of the mean; NaN with one seed.
    luck_sd, parameter_sd : float
        Standard deviations between seeds by chance events and by parameters.
    """

    mean: float
    q025: float
    q975: float
    ci_low: float
    ci_high: float
    luck_sd: float
    parameter_sd: float

    def times(self, factor: float) -> PresentValue:
        """Change the unit.

        Parameters
        ----------
        factor : float
            Above 0.

        Returns
        -------
        PresentValue
        """
        return PresentValue(*(factor * value for value in self))

    @property
    def excludes_zero(self) -> bool:
        """Whether the 95% interval of the mean excludes 0."""
        return self.ci_low > 0.0 or self.ci_high < 0.0


@dataclass(frozen=True)
class Appraisal:
    """The appraisal of one policy against the baseline: `Comparison.money(name)`.

    Attributes
    ----------
    scenario, label : str
        Name and heading of the policy.
    people, years : int
        People of the place, and years of the run.
    valuation : Valuation
        Discount rates and values of a QALY.
    items : dict of str to ndarray of float64, shape (seeds, years)
        Each amount, discounted and summed up to each year.
    replicates : dict of str to Replicates, or None
        The same of runs that repeat the draws of some seeds.
    yearly : dict of str to ndarray of float64, shape (seeds, years)
        Each amount of `amounts` by year, not discounted.
    is_one_run : bool
        Whether the result is one run without chance: the stock-flow twin's.
    """

    scenario: str
    label: str
    people: int
    years: int
    valuation: Valuation
    items: Mapping[str, F]
    replicates: Mapping[str, Replicates] | None
    yearly: Mapping[str, F]
    is_one_run: bool = False

    def __repr__(self) -> str:
        """Policy, people, years and net value in one line."""
        return f"<Appraisal of {self.scenario}: {self.people:,} people, {self.years} years, net £{self.npv.mean:,.0f}>"

    def estimate(self, item: str) -> PresentValue:
        """Summarise an item over seeds.

        Parameters
        ----------
        item : str
            Name of the item, such as ``spending.nhs``.

        Returns
        -------
        PresentValue
            Over all years, discounted.
        """
        return self._estimates[item]

    @cached_property
    def _estimates(self) -> dict[str, PresentValue]:
        names = list(self.items)
        values = np.stack([self.items[name] for name in names], axis=1)
        replicates = None
        if self.replicates is not None:
            each = [self.replicates[name] for name in names]
            replicates = each[0]._replace(values=np.stack([some.values for some in each], axis=1))
        figures = summary(values, replicates=replicates)
        return {
            name: PresentValue(*(float(figures[figure][k, -1]) for figure in PresentValue._fields))
            for k, name in enumerate(names)
        }

    @property
    def npv(self) -> PresentValue:
        """Net present value: public money saved, and health gained at the Green Book's value."""
        return self.estimate(f"npv.{STANDARD}")

    @property
    def npv_public(self) -> PresentValue:
        """Net present value of public money alone: spending saved, less optimism bias."""
        return self.estimate("npv_public")

    @property
    def npv_health(self) -> PresentValue:
        """Value of the health gained, at the Green Book's value of a QALY."""
        return self.estimate(f"npv_health.{STANDARD}")

    @property
    def npv_by_value(self) -> dict[str, PresentValue]:
        """Net present value at each stated value of a QALY, by its name."""
        return {value.name: self.estimate(f"npv.{value.name}") for value in self.valuation.qaly_values}

    @property
    def spending(self) -> PresentValue:
        """Change of public spending: all budget holders, and programmes outside services."""
        return self.estimate("spending")

    @property
    def bailed_out(self) -> PresentValue:
        """Change of what the centre pays for overspends: part of spending."""
        return self.estimate("bailed_out")

    @property
    def clawed_back(self) -> PresentValue:
        """Change of what the centre takes back from savings."""
        return self.estimate("clawed_back")

    @property
    def reinvested(self) -> PresentValue:
        """Change of the savings that budget holders keep for prevention."""
        return self.estimate("reinvested")

    @property
    def qalys(self) -> PresentValue:
        """QALYs gained, deaths counted, discounted at the rate of health."""
        return self.estimate("qalys")

    @property
    def by_silo(self) -> dict[str, PresentValue]:
        """Change of spending of each budget holder, and of programmes outside services; their sum is `spending`."""
        return {spender: self.estimate(f"spending.{spender}") for spender in SPENDERS}

    @property
    def payers(self) -> dict[str, PresentValue]:
        """Change of what each source pays; their sum is `spending`.

        The budget of each holder, the centre (bail-outs less what it claws back), reserves, and money from outside.
        What budget holders pay one another cancels out.
        """
        budgets = {silo: self.estimate(f"budget.{silo}") for silo in SILOS}
        others = {name: self.estimate(name) for name in ("centre", "reserves")}
        return {**budgets, **others, OUTSIDE: self.estimate(f"budget.{OUTSIDE}")}

    @property
    def cashable(self) -> PresentValue:
        """Cash that is no longer spent on acute services; below 0, more is spent."""
        return self.estimate("acute_cash")

    @property
    def not_cashable(self) -> PresentValue:
        """Value of acute episodes avoided, at their average cost, beyond the cash: capacity that is freed, or used."""
        return self.estimate("acute_not_cash")

    @property
    def double_running(self) -> PresentValue:
        """Cost of running old and new services in parallel: part of spending."""
        return self.estimate("double_running")

    @property
    def cost(self) -> PresentValue:
        """What the policy adds to budgets and programmes, before any saving."""
        return self.estimate("cost")

    @property
    def npv_if_costs_rise(self) -> PresentValue:
        """The net value if what the policy adds cost more than planned, by `valuation.optimism_test`."""
        return self.estimate("npv_test")

    @property
    def switch_of_qaly(self) -> switching.QalySwitch:
        """The value of a QALY at which the net value is zero."""
        return switching.qaly_switch(self.items["npv_public"][:, -1], self.items["qalys"][:, -1])

    @property
    def switch_of_cost(self) -> float | None:
        """The relative change of `cost` at which the net value is zero."""
        return switching.change_of_cost(self.npv.mean, self.cost.mean)

    @property
    def switch_of_health(self) -> float | None:
        """The relative change of the effect on health at which the net value is zero."""
        return switching.change_of_health(self.npv_public.mean, self.npv_health.mean)

    @property
    def net_effect(self) -> NetEffect:
        """Spending and QALYs beyond the baseline, discounted and summed up to each year."""
        again = self.replicates
        repeated = None if again is None else (again["spending"], again["qalys"])
        return NetEffect(self.items["spending"], self.items["qalys"], repeated)

    @property
    def break_even(self) -> CostVerdict | None:
        """The year from which a policy that costs more first has cost no more; None if it does not cost more first."""
        return break_even(self.net_effect)[-1] if costs_first(self.items["spending"]) else None

    @property
    def benefit_cost_ratio(self) -> float | None:
        """Value of health gained over net public cost, at the Green Book's value.

        None unless the 95% intervals of the cost and of the gain lie above 0: over a cost near 0 it can be any number.
        """
        money, health = self.npv_public, self.npv_health
        return health.mean / -money.mean if money.ci_high < 0.0 < health.ci_low else None

    @property
    def after_horizon(self) -> PresentValue:
        """Net value if the differences of the last year went on for `BEYOND_YEARS` more years.

        An illustration, and no bound: effects may grow, or fade.
        """
        factors = {
            schedule: discount_factors(self.years + BEYOND_YEARS, schedule, rate)[self.years :].sum()
            for schedule, rate in (
                ("money", self.valuation.discount_money),
                ("health", self.valuation.discount_health),
            )
        }
        pounds = next(value.pounds for value in self.valuation.qaly_values if value.name == STANDARD)
        cost, spending, qalys = (self.yearly[name][:, -1] for name in ("cost", "spending", "qalys"))
        public = -spending - self.valuation.optimism_bias * cost
        net = factors["money"] * public + factors["health"] * pounds * qalys
        figures = summary(net)
        return PresentValue(*(float(figures[figure]) for figure in PresentValue._fields))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The appraisal in words."""
        from sim.results.money.sentences import sentences

        return sentences(self)

    def document(self) -> dict[str, Any]:
        """Collect the appraisal for JSON.

        Returns
        -------
        dict
        """
        from sim.results.money.tables import document

        return document(self)


def appraise(comparison: Comparison, scenario: str) -> Appraisal:
    """Appraise a scenario of a comparison.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    scenario : str
        Name of the scenario.

    Returns
    -------
    Appraisal

    Raises
    ------
    KeyError
        If there is no such scenario, or it is the baseline.
    """
    if scenario not in comparison.names[1:]:
        raise KeyError(f"no policy called '{scenario}'; there are {', '.join(comparison.names[1:]) or 'none'}")
    valuation = comparison.scenarios[0].valuation()
    yearly = amounts(comparison, scenario)
    discounted = present(yearly, valuation)

    def values(of: Comparison) -> F:
        made = discounted if of is comparison else present(amounts(of, scenario), valuation)
        return np.stack(list(made.values()), axis=1)

    of_seeds, repeated = comparison.paired(values, "year")
    return Appraisal(
        scenario=scenario,
        label=comparison.headings[scenario],
        people=comparison.people,
        years=comparison.scenarios[0].years,
        valuation=valuation,
        items={name: of_seeds[:, k] for k, name in enumerate(discounted)},
        replicates=None
        if repeated is None
        else {name: repeated._replace(values=repeated.values[:, k]) for k, name in enumerate(discounted)},
        yearly=yearly,
        is_one_run=comparison.engine == "stocks",
    )
