"""The amounts of an appraisal: differences of a policy from the baseline by seed and year, and their present values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.feedback.loops import disabled_mechanisms
from sim.results.money.discounting import present_values
from sim.results.money.double_running import GROUP, double_running_pounds
from sim.results.money.ledger import FLOWS, SPENDERS, TIERS, Ledger, by_year, services_in_tier
from sim.scenario.valuation import Valuation
from sim.state.codes import SILOS

if TYPE_CHECKING:
    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]
STANDARD = "green_book"
"""The value of a QALY of the net value that has no name."""


def amounts(comparison: Comparison, scenario: str) -> dict[str, F]:
    """Compute the amounts of each year as differences from the baseline, not discounted.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    scenario : str
        Name of the scenario.

    Returns
    -------
    dict of str to ndarray of float64, shape (seeds, years)
        Pounds, but for `qalys`. For each flow of `FLOWS` the total and each spender's (``spending``,
        ``spending.nhs``); each silo's spending by tier (``acute.nhs``); ``budgets``, those of budget holders alone;
        ``centre``, bail-outs less claw-back; ``cost``,
        what is added to budget lines and programmes; ``acute_cash``, cash no longer spent on acute services;
        ``acute_not_cash``, the value of avoided acute episodes beyond that cash; ``double_running``.
    """
    before, after = comparison.ledger(comparison.baseline), comparison.ledger(scenario)
    out: dict[str, F] = {}
    for flow in FLOWS:
        change = by_year(after.flows[flow] - before.flows[flow]) / 100.0
        out[flow] = change.sum(axis=-1)
        out |= {f"{flow}.{spender}": change[..., k] for k, spender in enumerate(SPENDERS)}
    for tier in TIERS:
        change = by_year(after.by_tier(tier) - before.by_tier(tier)) / 100.0
        out |= {f"{tier}.{silo}": change[..., k] for k, silo in enumerate(SILOS)}
    out["budgets"] = out["budget"] - out["budget.outside"]
    out["centre"] = out["bailed_out"] - out["clawed_back"]
    out["cost"] = _added(before, after)
    out["acute_cash"], out["acute_not_cash"] = _of_avoided_episodes(before, after)
    out["double_running"] = _double_running(comparison, scenario) - _double_running(comparison, comparison.baseline)
    out["qalys"] = by_year(after.qalys - before.qalys)
    return out


def present(yearly: Mapping[str, F], valuation: Valuation) -> dict[str, F]:
    """Discount amounts, sum them up to each year, and add the net values.

    Parameters
    ----------
    yearly : mapping of str to ndarray of float64, shape (seeds, years)
        The amounts of `amounts`.
    valuation : Valuation
        Discount rates and values of a QALY.

    Returns
    -------
    dict of str to ndarray of float64, shape (seeds, years)
        The amounts; ``npv_public``; for each value of a QALY ``npv_health.NAME`` and ``npv.NAME``; ``npv_test``, the
        net value if the policy's cost is higher by the uplift of the test.
    """
    out = {
        name: present_values(values, "health", valuation.discount_health)
        if name == "qalys"
        else present_values(values, "money", valuation.discount_money)
        for name, values in yearly.items()
    }
    out["npv_public"] = -out["spending"] - valuation.optimism_bias * out["cost"]
    for value in valuation.qaly_values:
        out[f"npv_health.{value.name}"] = value.pounds * out["qalys"]
        out[f"npv.{value.name}"] = out["npv_public"] + out[f"npv_health.{value.name}"]
    out["npv_test"] = out[f"npv.{STANDARD}"] - valuation.optimism_test * out["cost"]
    return out


def _added(before: Ledger, after: Ledger) -> F:
    """What a policy adds to the budget lines and programmes that it raises, by seed and year; pounds."""
    lines, programmes = (
        by_year(getattr(after, name)) - by_year(getattr(before, name)) for name in ("funding", "outlay")
    )
    added: F = (np.maximum(0.0, lines).sum(axis=-1) + np.maximum(0.0, programmes).sum(axis=-1)) / 100.0
    return added


def _of_avoided_episodes(before: Ledger, after: Ledger) -> tuple[F, F]:
    """Cash saved on acute services, and the rest of the value of episodes avoided, by seed and year; pounds.

    An episode is valued at what one costs on average in the baseline run of the seed. A service without episodes there
    has no average: its value is its cash.
    """
    acute = services_in_tier("acute")
    cash = by_year(before.spent - after.spent)[..., acute] / 100.0
    spent, opened = (counts[..., acute].sum(axis=1) for counts in (before.spent / 100.0, before.opened))
    average = np.divide(spent, opened, out=np.zeros_like(spent, dtype=float), where=opened > 0)
    avoided = by_year(before.opened - after.opened)[..., acute]
    value = np.where((opened > 0)[:, None], avoided * average[:, None], cash)
    return cash.sum(axis=-1), (value - cash).sum(axis=-1)


def _double_running(comparison: Comparison, scenario: str) -> F:
    """Cost of double running in a scenario, by seed and year; pounds."""
    budgets = comparison.ledger(scenario).funding
    if GROUP in disabled_mechanisms(comparison.settings.get("disabled", ())).mechanisms:
        return by_year(np.zeros(budgets.shape[:2]))
    at_start = comparison.ledger(comparison.baseline).funding[:, 0]
    fixed = comparison.scenarios[0].parameters
    drawn = comparison.settings.get("drawn", {})
    runs = [
        double_running_pounds(budgets[k], at_start[k], {**drawn.get(str(seed), {}), **fixed})
        for k, seed in enumerate(comparison.seeds)
    ]
    return by_year(np.stack(runs))
