"""Results of a national run: the table of authorities by year, and fifths of authorities in the last year."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.national.outcomes import unit_costs
from sim.national.planning import SIDES, AuthorityPlan, NationPlan
from sim.national.totals import Check, code_of, measures

F = npt.NDArray[np.float64]
LEVEL = 0.975
CAUTION = (
    "Illustrative: an authority differs from another in its residents only, and its hazards reproduce England's "
    "published rates. The figures say nothing about a real area, and do not rank authorities."
)


class Nation(NamedTuple):
    """The results of a national run.

    Attributes
    ----------
    folder : Path
        The folder.
    plan : NationPlan
        The plan.
    seeds : tuple of int
        Seeds that were run.
    totals : DataFrame
        Whole totals, by seed, side, year and code.
    authorities : DataFrame
        The table of authorities and the nation by year, means over seeds.
    checks : tuple of Check
        Checks of sums.
    """

    folder: Path
    plan: NationPlan
    seeds: tuple[int, ...]
    totals: pd.DataFrame
    authorities: pd.DataFrame
    checks: tuple[Check, ...]

    @property
    def failed(self) -> int:
        """Number of sums that differ."""
        return sum(check.failed for check in self.checks)


def authority_table(plan: NationPlan, totals: pd.DataFrame) -> pd.DataFrame:
    """The table of authorities by year.

    Whole numbers are means over seeds, rounded for each authority; those of the nation are their sums.
    """
    nation_code = code_of(plan)
    cost = _demand(totals, "")
    by_year = totals.assign(demand=cost, gap=_demand(totals, "_1") - _demand(totals, "_5"))
    first = by_year[(by_year["code"] == nation_code) & (by_year["side"] == "baseline") & (by_year["year"] == 1)]
    scale = 100.0 / float(first["demand"].mean())
    by_year["demand"] *= scale
    by_year["gap"] *= scale
    wide = by_year.pivot_table(index=["code", "year"], columns=["side", "seed"], dropna=False,
                               values=["demand", "gap", "people", "episodes", "spent", "allocated"])  # fmt: skip
    out = pd.DataFrame(index=wide.index)
    for name in ("people", "episodes", "spent", "allocated"):
        for side in SIDES:
            out[f"{name}_{side}"] = np.floor(wide[name][side].mean(axis=1) + 0.5).astype(np.int64)
    for name in ("people", "episodes", "spent", "allocated"):
        for side in SIDES:
            column = f"{name}_{side}"
            parts = out[column].drop(nation_code, level="code").groupby(level="year").sum()
            out.loc[[nation_code], column] = parts.to_numpy()
    out["acute_demand_baseline"] = wide["demand"]["baseline"].mean(axis=1)
    out["acute_demand_policy"] = wide["demand"]["policy"].mean(axis=1)
    for name, column in (("demand", "difference"), ("gap", "gap_difference")):
        each = (wide[name]["policy"] - wide[name]["baseline"]).to_numpy()
        mean, low, high = interval(each)
        out[column], out[f"{column}_ci_low"], out[f"{column}_ci_high"] = mean, low, high
    out["gap_baseline"] = wide["gap"]["baseline"].mean(axis=1)
    out["gap_policy"] = wide["gap"]["policy"].mean(axis=1)
    about = {a.code: a for a in plan.authorities}
    table = out.reset_index()
    order = {code: k for k, code in enumerate([nation_code, *about])}
    table["order"] = table["code"].map(order)
    table = table.sort_values(["year", "order"], ignore_index=True).drop(columns="order")
    texts: dict[str, Callable[[AuthorityPlan], str]] = {
        "name": lambda a: a.name, "region": lambda a: a.region, "tier": lambda a: str(a.tier),
        "policy": lambda a: plan.scenarios[a.policy].name, "simulated": lambda a: str(a.weight.simulated),
        "population": lambda a: str(a.weight.population),
    }  # fmt: skip
    all_of = {"name": "all authorities", "region": "", "tier": "", "policy": "",
              "simulated": str(sum(a.weight.simulated for a in plan.authorities)),
              "population": str(plan.population)}  # fmt: skip
    for k, (name, text) in enumerate(texts.items()):
        table.insert(1 + k, name, [all_of[name] if c == nation_code else text(about[c]) for c in table["code"]])
    for name in ("simulated", "population"):
        table[name] = table[name].astype(np.int64)
    return table


def _demand(totals: pd.DataFrame, end: str) -> Any:
    """Pounds of acute episodes at unit costs per person and year; NaN where nobody lives."""
    pounds = sum(cost * totals[f"episodes_{service}{end}"] for service, cost in unit_costs().items())
    months = totals[f"months{end}"].where(totals[f"months{end}"] > 0)
    return 12.0 * pounds / months


def interval(values: F) -> tuple[F, F, F]:
    """Mean over seeds and its 95% interval; NaN with one seed.

    Parameters
    ----------
    values : ndarray of float64, shape (rows, seeds)
        Values.

    Returns
    -------
    mean, low, high : ndarray of float64, shape (rows,)
    """
    seeds = values.shape[1]
    mean = values.mean(axis=1)
    if seeds == 1:
        nothing = np.full_like(mean, np.nan)
        return mean, nothing, nothing
    from scipy import stats

    half = stats.t.ppf(LEVEL, seeds - 1) * values.std(axis=1, ddof=1) / np.sqrt(seeds)
    return mean, mean - half, mean + half


def doubt(plan: NationPlan, seeds: Sequence[int]) -> str:
    """What the intervals hold, in words."""
    if len(seeds) == 1:
        return "One seed: there is no interval."
    if plan.design.draws == "none":
        return f"Intervals: 95%, over {len(seeds)} seeds, chance alone; the parameters have their central values."
    return (
        f"Intervals: 95%, over {len(seeds)} draws of parameters, each with its own chance events: chance and "
        "parameters together. The form of the model is in no interval."
    )


class TierRow(NamedTuple):
    """A fifth of authorities by deprivation, or all authorities, in the last year.

    Attributes
    ----------
    label : str
        Which authorities.
    people, spent : int
        People, and pence under the policy.
    baseline, policy, difference, low, high : float
        Acute demand, and the difference with its 95% interval.
    """

    label: str
    people: int
    spent: int
    baseline: float
    policy: float
    difference: float
    low: float
    high: float


def by_tier(result: Nation) -> list[TierRow]:
    """Acute demand in the last year by fifth of authorities, and of all of them."""
    plan, totals = result.plan, result.totals
    nation_code = code_of(plan)
    first = totals[(totals["code"] == nation_code) & (totals["side"] == "baseline") & (totals["year"] == 1)]
    scale = 100.0 / float(_demand(first, "").mean())
    last = totals[totals["year"] == plan.years]
    tiers = {a.code: a.tier for a in plan.authorities}
    out = []
    for tier in (*sorted(set(tiers.values())), None):
        codes = [code for code, other in tiers.items() if other == tier] if tier else [nation_code]
        sums = last[last["code"].isin(codes)].groupby(["side", "seed"])[measures()].sum()
        demand = (scale * _demand(sums, "")).unstack("seed")
        mean, low, high = interval((demand.loc["policy"] - demand.loc["baseline"]).to_numpy()[None])
        ends = {1: ", most deprived", 5: ", least deprived"}
        label = f"fifth {tier}{ends.get(tier, '')} ({len(codes)})" if tier else f"all ({len(tiers)})"
        of_policy = sums.loc["policy"]
        out.append(
            TierRow(
                label,
                round(of_policy["people"].mean()),
                round(of_policy["spent"].mean()),
                float(demand.loc["baseline"].mean()),
                float(demand.loc["policy"].mean()),
                float(mean[0]),
                float(low[0]),
                float(high[0]),
            )
        )
    return out
