"""What a policy asked for, beside what came out: a policy is described by what it did, not by its intention.

The rows of a policy, each with its interval:

| part | rows |
| --- | --- |
| policy | each policy in words, and the variable that its lever acts on, where the model records it |
| spending | spending in scope, of each tier and kind of prevention: budgets that were asked for, and what was spent |
| demand | acute demand |
| centre | bail-outs, claw-back, reinvested savings, new money outside services |
| payer | the change of spending by who pays it; sums to that of spending in scope and new money outside services |

A relative change is that of the means over seeds. What was asked of budgets is computed from the budget levers alone
(sim/results/asked_budgets.py). Money is undiscounted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import REGISTRY, Mechanism
from sim.place.place import Neighbourhood
from sim.results.asked_budgets import BUDGET, asked_budgets
from sim.results.metric_types import Metric, RatioParts
from sim.results.metrics import SPENDING_OF_KIND, metrics
from sim.results.number_text import MINUS, difference_unit, fixed, is_share
from sim.results.policy_words import asked_words
from sim.results.records import Record
from sim.results.summary import SUMMARY, summary
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import levers_by_name, service_ids
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.state.codes import PREVENTION_KINDS, PURPOSES, SILOS

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]
Reader = Callable[["Comparison", str], F]
"""From a comparison and the name of a scenario to levels by seed and year."""
Part = Literal["policy", "spending", "demand", "centre", "payer"]
PER_HEAD, PER_HEAD_IN_ALL, RELATIVE = "£ per person per year", "£ per person", "%"
TIERS = {
    "spend_total": ("acute", "responsive", "preventive", "community"),
    "spend_acute": ("acute",),
    "spend_responsive": ("responsive",),
    "spend_preventive": ("preventive",),
}
"""Measures of spending by tier, with their tiers."""
MEASURE_OF_COLUMN = {
    "services.refused": "turned_away",
    "services.admin_share": "admin_share",
    "services.automation": "admin_share",
    "services.automation_saving": "admin_share",
    "services.lay_staff": "lay_helpers",
    "money.rho": "saving_reinvested",
}
"""Columns that levers write, other than budgets, with the measure that records them."""
PAYERS = {
    "nhs": "the NHS",
    "adult_care": "adult social care",
    "children": "children's services",
    "housing_welfare": "housing and welfare",
    "police": "police and probation",
}
"""Who pays, in words."""
DIGITS = 9
"""Decimals of a change that was asked for."""
MOST_NAMED = 3
"""Largest number of policies that the sentence of a scenario names."""


def _pooled(r: Record) -> RatioParts:
    people = r.monthly["people"].sum(axis=(1, 2))
    return RatioParts(r.monthly["pooled"], ("silo",), people, (), 12.0 / 100.0)


POOLED = Metric("pooled", "From pooled accounts", PER_HEAD, None, 2, _pooled, "money")
"""Money that came from the accounts of other budget holders. It sums to 0 over them, so it stands in no table."""


class AskedRow(NamedTuple):
    """One line of what was asked and what came out.

    Attributes
    ----------
    part : str
        Part of the table.
    name : str
        Id of the measure, the payer, or the lever.
    item : str
        What the row is about; for a policy, what it asks for in words.
    period : str
        The last year, or all years.
    unit : str
        Unit of the change; "" where the model does not record the variable.
    asked : float
        The change that was asked for; NaN where none was, or where it is in words only.
    figures : dict of str to float
        Summary of the change that came out, see `SUMMARY`.
    """

    part: Part
    name: str
    item: str
    period: str
    unit: str
    asked: float
    figures: dict[str, float]

    def flat(self) -> dict[str, Any]:
        """The row as columns."""
        first = {name: getattr(self, name) for name in self._fields[:-1]}
        return first | {name: self.figures.get(name, math.nan) for name in SUMMARY}


def rows(comparison: Comparison, name: str) -> tuple[AskedRow, ...]:
    """List what a scenario asked for, and what came out.

    Parameters
    ----------
    comparison : Comparison
    name : str
        Name of a scenario that is compared with the baseline.

    Returns
    -------
    tuple of AskedRow

    Raises
    ------
    KeyError
        If there is no such scenario, or it is the baseline.
    """
    if name not in comparison.names[1:]:
        raise KeyError(f"no policy called '{name}'; there are {', '.join(comparison.names[1:])}")
    return tuple(_Account(comparison, name).rows())


class _Account:
    """Asked and come out, for one scenario of a comparison."""

    def __init__(self, comparison: Comparison, name: str) -> None:
        """Compute the budgets that were asked for."""
        self.comparison, self.name = comparison, name
        self.metrics = {measure.name: measure for measure in metrics()}
        self.scenario: Scenario = next(s for s in comparison.scenarios if s.name == name)
        self.years = self.scenario.years
        self.period, self.all_years = f"year {self.years}", f"years 1 to {self.years}"
        self.people = float(comparison.people)
        self.budgets = _baseline_budgets(comparison)
        moves_budgets = any(BUDGET in mechanism.writes for mechanism in mechanisms_of(self.scenario))
        self.asked = self._asked() if moves_budgets else None

    @cached_property
    def neighbourhoods(self) -> list[Neighbourhood]:
        """The neighbourhoods of the place."""
        return self.comparison.place.neighbourhoods(self.comparison.people)

    def _asked(self, left_out: tuple[int, ...] = ()) -> F:
        return asked_budgets(self.scenario, self.neighbourhoods, self.budgets, self.people, left_out)

    def rows(self) -> Iterator[AskedRow]:
        """Make all rows."""
        for k, policy in enumerate(self.scenario.moves):
            yield self._policy(k, policy)
        catalogue = load_catalogue()
        for measure, tiers in TIERS.items():
            yield from self._spending(measure, [k for k, s in enumerate(catalogue) if s.tier in tiers])
        for kind in PREVENTION_KINDS:
            services = [k for k, s in enumerate(catalogue) if s.prevention == kind]
            yield from self._spending(SPENDING_OF_KIND[kind], services)
        demand = self.metrics["acute_demand"]
        yield self._relative("demand", demand.name, demand.label, _of(demand))
        mean = f"{demand.label}, mean of {self.all_years}"
        yield AskedRow(
            "demand", demand.name, mean, self.all_years, RELATIVE, math.nan, self._relative_figures(_mean_of(demand))
        )
        for measure in ("bailed_out", "clawed_back", "saving_reinvested", "spend_outside"):
            yield from self._pounds("centre", measure, self.metrics[measure].label, self._of(measure))
        yield from self._payers()

    def _policy(self, k: int, policy: Policy) -> AskedRow:
        """What a policy asks for in words, and the change of the variable that its lever acts on."""
        lever = levers_by_name()[policy.lever]
        baseline = self.scenario.span.baseline_of(lever)
        words = asked_words(policy, lever, baseline)
        (mechanism,) = (m for m in REGISTRY.month() if m.lever == lever.name)
        if BUDGET in mechanism.writes:
            services = self._services_of(k, policy, baseline)
            before = self.budgets[services].sum()
            if self.asked is None or before <= 0.0:
                return AskedRow("policy", lever.name, words, self.period, "", math.nan, {})
            asked = _rounded(100.0 * (self.asked[-1, services].sum() / before - 1.0))
            return self._relative("policy", lever.name, words, self._spent_on(services), asked)
        if lever.name in PURPOSES:
            paid = self._of("spend_outside", "purpose", [PURPOSES.index(lever.name)])
            return next(self._pounds("policy", lever.name, words, paid))
        measures = [measure for column, measure in MEASURE_OF_COLUMN.items() if column in mechanism.writes]
        if not measures:
            return AskedRow("policy", lever.name, words, self.period, "", math.nan, {})
        read, unit = _of_services(measures[0], policy.services), self.metrics[measures[0]].unit
        moved = policy.value - baseline if policy.value is not None else policy.shift or 0.0
        scale = 100.0 if is_share(unit) else 1.0
        figures = {name: scale * value for name, value in self._figures(read, self.years - 1).items()}
        asked = _rounded(scale * moved) if lever.unit == unit else math.nan
        return AskedRow("policy", lever.name, words, self.period, difference_unit(unit), asked, figures)

    def _services_of(self, k: int, policy: Policy, baseline: float) -> list[int]:
        """The services whose budgets a policy moves: those aimed at, or those that move in its own direction."""
        ids = service_ids()
        if policy.services:
            return [ids.index(service) for service in policy.services]
        if self.asked is None:
            return []
        moved = policy.value - baseline if policy.value is not None else policy.shift or 0.0
        change = (self.asked[-1] - self._asked((k,))[-1]) * moved
        return np.flatnonzero(change > 1e-9 * self.budgets.sum() * abs(moved)).tolist()

    def _spending(self, measure: str, services: list[int]) -> Iterator[AskedRow]:
        read, label = self._of(measure), self.metrics[measure].label
        asked: tuple[float, ...] = math.nan, math.nan, math.nan
        before = self.budgets[services].sum()
        if self.asked is not None and before > 0.0:
            change = (self.asked[:, services].sum(axis=1) - before) / self.people
            amounts = 100.0 * change[-1] * self.people / before, change[-1], change.sum()
            asked = tuple(_rounded(amount) for amount in amounts)
        yield self._relative("spending", measure, label, read, asked[0])
        yield from self._pounds("spending", measure, label, read, asked[1:])

    def _payers(self) -> Iterator[AskedRow]:
        by_silo = [[k for k, s in enumerate(load_catalogue()) if s.silo == silo] for silo in SILOS]
        for f, (silo, services) in enumerate(zip(SILOS, by_silo, strict=True)):

            def paid(c: Comparison, name: str, f: int = f, services: list[int] = services) -> F:
                spent = self._spent_on(services)(c, name)
                bailed_out, clawed_back = (self._of(m, "silo", [f])(c, name) for m in ("bailed_out", "clawed_back"))
                return spent - bailed_out + clawed_back - c.grouped(name, POOLED, "year", "silo")[:, f]

            yield from self._pounds("payer", silo, f"Paid by {PAYERS[silo]}", paid)

        def centre(c: Comparison, name: str) -> F:
            return self._of("bailed_out")(c, name) - self._of("clawed_back")(c, name)

        yield from self._pounds("payer", "centre", "Paid by the centre, less claw-back", centre)
        yield from self._pounds("payer", "new_money", "Paid with new money outside services", self._of("spend_outside"))

    # Readers and figures.

    def _of(self, name: str, by: str | None = None, groups: list[int] | None = None) -> Reader:
        return _of(self.metrics[name], by, groups)

    def _spent_on(self, services: list[int]) -> Reader:
        """Read the spending on some services."""
        return self._of("spend_total", "service", services)

    def _pounds(
        self, part: Part, name: str, item: str, read: Reader, asked: tuple[float, ...] = (math.nan, math.nan)
    ) -> Iterator[AskedRow]:
        yield AskedRow(part, name, item, self.period, PER_HEAD, asked[0], self._figures(read, self.years - 1))
        yield AskedRow(part, name, item, self.all_years, PER_HEAD_IN_ALL, asked[1], self._figures(read, None))

    def _relative(self, part: Part, name: str, item: str, read: Reader, asked: float = math.nan) -> AskedRow:
        return AskedRow(part, name, item, self.period, RELATIVE, asked, self._relative_figures(read))

    def _figures(self, read: Reader, year: int | None) -> dict[str, float]:
        """Summarise a change in a year, or summed over all years."""

        def change(c: Comparison) -> F:
            return read(c, self.name) - read(c, c.baseline)

        def of(c: Comparison) -> F:
            values = change(c)
            return values.sum(axis=1, keepdims=True) if year is None else values

        return self._summary(of, 0 if year is None else year)

    def _relative_figures(self, read: Reader) -> dict[str, float]:
        """Summarise a change in the last year in % of the baseline's mean, by linear approximation of the ratio."""
        before, after = read(self.comparison, self.comparison.baseline), read(self.comparison, self.name)
        mean = before.mean(axis=0)
        ratio = np.divide(after.mean(axis=0), mean, out=np.full(self.years, np.nan), where=mean != 0.0)

        def of(c: Comparison) -> F:
            change = read(c, self.name) - ratio * read(c, c.baseline)
            scaled = np.divide(change, mean, out=np.full_like(change, np.nan), where=mean != 0.0)
            out: F = 100.0 * (ratio - 1.0 + scaled)
            return out

        return self._summary(of, self.years - 1)

    def _summary(self, of: Callable[[Comparison], F], at: int) -> dict[str, float]:
        values, replicates = self.comparison.paired(of, "year")
        return {name: float(figures[at]) for name, figures in summary(values, replicates=replicates).items()}


def _of(measure: Metric, by: str | None = None, groups: list[int] | None = None) -> Reader:
    """Read a measure, or the sum of some of its groups."""

    def read(c: Comparison, scenario: str) -> F:
        levels = c.grouped(scenario, measure, "year", by)
        out: F = levels[:, groups].sum(axis=1) if groups is not None else levels[:, 0]
        return out

    return read


def _mean_of(measure: Metric) -> Reader:
    """Read the mean of a measure over all years, once for each year."""

    def read(c: Comparison, scenario: str) -> F:
        levels = _of(measure)(c, scenario)
        return np.broadcast_to(levels.mean(axis=1, keepdims=True), levels.shape)

    return read


def _of_services(name: str, services: tuple[str, ...]) -> Reader:
    """Read a measure for some services together; for all where none is named."""

    def read(c: Comparison, scenario: str) -> F:
        return c.of_groups(scenario, name, {"service": services} if services else {})

    return read


def mechanisms_of(scenario: Scenario) -> tuple[Mechanism, ...]:
    """List the mechanisms of the levers that a scenario moves.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    tuple of Mechanism
        In the order of a month.
    """
    moved = {policy.lever for policy in scenario.moves}
    return tuple(m for m in REGISTRY.month() if m.lever in moved)


def _rounded(amount: float) -> float:
    """A change that was asked for, without the rounding errors of sums."""
    return round(float(amount), DIGITS) + 0.0


def _baseline_budgets(comparison: Comparison) -> F:
    """The budgets of services in the baseline's first year, pounds a year, the mean over seeds."""
    yearly = [record.monthly["funding"][:12].sum(axis=0) / 100.0 for record in comparison.records[comparison.baseline]]
    out: F = np.mean(yearly, axis=0)
    return out


# Words.


def sentence(comparison: Comparison, name: str, of_policy: tuple[AskedRow, ...] | None = None) -> str:
    """Describe a policy by what it asked for and what came out.

    Parameters
    ----------
    comparison : Comparison
    name : str
        Name of the scenario.
    of_policy : tuple of AskedRow, optional
        Its rows, if they are known.

    Returns
    -------
    str
        A change counts as clear where its 95% interval excludes 0.
    """
    table = of_policy if of_policy is not None else rows(comparison, name)
    asked = [_in_sentence(row.item).replace(": ", " ", 1) for row in table if row.part == "policy"]
    more = len(asked) - MOST_NAMED
    first = "; ".join(asked[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    last = next(row.period for row in table if row.part == "spending")
    relative = {row.name: row for row in table if row.unit == RELATIVE and row.period == last and row.part != "policy"}
    pounds = {row.name: row for row in table if row.unit == PER_HEAD and row.part in ("spending", "centre")}
    clear, unclear = [], []
    for measure in (*TIERS, *SPENDING_OF_KIND.values(), "acute_demand"):
        row = relative[measure]
        label = _in_sentence(row.item).removesuffix(" spending") if measure in pounds else _in_sentence(row.item)
        label = _in_sentence(row.item) if measure == "spend_total" else label
        if is_clear(row):
            head = f" ({pounds_text(pounds[measure])} a head)" if measure == "spend_total" else ""
            clear.append(f"{label} {percent_text(row.figures['mean'])}{head}")
        else:
            unclear.append(label)
    text = f"Asked: {first or 'nothing'}. Came out in {last}: {', '.join(clear) or 'no clear change'}."
    if clear and unclear:
        text += f" No clear change in {', '.join(unclear)}."
    for measure, verb, cause in (("bailed_out", "paid", "for overspends"), ("clawed_back", "took back", "of savings")):
        if is_clear(pounds[measure]):
            amount = pounds_text(pounds[measure])
            direction = "less" if amount.startswith(MINUS) else "more"
            text += f" The centre {verb} {amount[1:]} a head {direction} {cause} in that year."
    return text


def _in_sentence(label: str) -> str:
    return label[:1].lower() + label[1:]


def is_clear(row: AskedRow) -> bool:
    """Test whether the 95% interval of a change excludes 0; with one run, whether there is a change."""
    low, high, mean = (row.figures.get(name, math.nan) for name in ("ci_low", "ci_high", "mean"))
    if math.isnan(low):
        return not math.isnan(mean) and mean != 0.0
    return low > 0.0 or high < 0.0


def percent_text(value: float) -> str:
    """Write a relative change in per cent.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> percent_text(-6.72)
    '−6.7%'
    """
    return f"{fixed(value, 1, signed=True, minus=MINUS)}%"


def pounds_text(row: AskedRow) -> str:
    """Write the mean change of money: without pence from 10 pounds on."""
    value = row.figures["mean"]
    text = fixed(abs(value), 0 if abs(value) >= 10.0 else 2)
    return f"{'+' if value > 0.0 else MINUS}£{text}"
