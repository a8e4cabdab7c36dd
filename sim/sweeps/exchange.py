"""Sweeps for other programs: SALib's problem, inputs and outputs, and EMA Workbench's experiments and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.scenario.parameters import parameters_of
from sim.schema.errors import InputError, Phrase
from sim.sweeps.paired import checked_metric, checked_place, checked_year, paired_levels, state_means

if TYPE_CHECKING:
    import pandas as pd

    from sim.sweeps.plan import Plan
    from sim.sweeps.results import Sweep

F = npt.NDArray[np.float64]
MODEL = "upstream"
"""Name of the model in experiments."""
EXTRA = "the package ema_workbench: install Upstream with its extra, upstream-simulator[discover]"


def parameter_ends(plan: Plan) -> dict[str, tuple[float, float]]:
    """Ends of each uncertain parameter of a plan: those of its design, or its declared range in all places."""
    declared = [parameters_of(place) for place in plan.places]
    factors = plan.design.uncertainties.factors if plan.design.uncertainties is not None else {}
    out = {}
    for k, name in enumerate(plan.parameter_names):
        factor = factors.get(name)
        if factor is None or factor.values is not None:
            out[name] = float(plan.points[:, k].min()), float(plan.points[:, k].max())
            continue
        low = factor.low if factor.low is not None else max(table[name].spec.low for table in declared)
        high = factor.high if factor.high is not None else min(table[name].spec.high for table in declared)
        out[name] = float(low), float(high)
    return out


def salib_problem(sweep: Sweep) -> dict[str, Any]:
    """The description of the uncertain parameters for SALib."""
    ends = parameter_ends(sweep.plan)
    return {"num_vars": len(ends), "names": list(ends), "bounds": [list(pair) for pair in ends.values()]}


def to_salib(
    sweep: Sweep, metric: str | None, year: int | None, policy: str | None, place: str | None
) -> tuple[dict[str, Any], F, F]:
    """Make what SALib analyses of the difference between a policy and the baseline; see `Sweep.to_salib`."""
    plan = sweep.plan
    measure, at, town = checked_metric(sweep, metric), checked_year(sweep, year), checked_place(sweep, place)
    names = [each.name for each in plan.places]
    if town is None and len(names) > 1:
        raise InputError(sweep.folder, None, "place", "a place, as the sweep has several", Phrase("none"), names)
    if not plan.parameter_names:
        wanted = "a sweep whose design has uncertainties"
        raise InputError(sweep.folder, None, "uncertainties", wanted, Phrase("none"))
    paired = paired_levels(sweep, measure, [at], by_draw=False, place=town)
    others = paired.policies[1:]
    if policy is None and len(others) > 1:
        raise InputError(sweep.folder, None, "policy", "a policy, as the sweep has several", Phrase("none"), others)
    if policy is not None and policy not in others:
        raise InputError(sweep.folder, None, "policy", "a policy of this sweep with finished runs", policy, others)
    k = paired.policies.index(policy or others[0])
    differences = state_means((paired.levels[k] - paired.levels[0])[..., 0])
    outputs = np.full(len(plan.points), np.nan)
    outputs[paired.states["point"].to_numpy(int)] = differences
    return salib_problem(sweep), plan.points.copy(), outputs


def to_ema(
    sweep: Sweep, metrics: list[str] | None, year: int | None, *, levels: bool
) -> tuple[pd.DataFrame, dict[str, F]]:
    """Make experiments and outcomes of EMA Workbench; see `Sweep.to_ema`."""
    import pandas as pd

    plan = sweep.plan
    years = list(range(1, plan.baseline.years + 1)) if year is None else [checked_year(sweep, year)]
    chosen = [checked_metric(sweep, name) for name in (plan.metrics if metrics is None else metrics)]
    if not chosen:
        raise InputError(sweep.folder, None, "metrics", "at least one measure", Phrase("none"), plan.metrics)
    levers = {each.scenario.name: each.levers for each in plan.policies}
    outcomes: dict[str, F] = {}
    experiments = pd.DataFrame()
    for measure in chosen:
        paired = paired_levels(sweep, measure, years)
        values = state_means(np.moveaxis(paired.levels if levels else paired.differences, 2, -1))
        names = paired.policies if levels else paired.policies[1:]
        outcomes[measure.name] = values.reshape(-1, len(years))
        if experiments.empty:
            parts = []
            for name in names:
                point = levers[name] or (np.nan,) * len(plan.lever_names)
                frame = paired.states.reset_index(names="scenario").drop(columns="point")
                parts.append(frame.assign(policy=name, model=MODEL, **dict(zip(plan.lever_names, point, strict=True))))
            experiments = pd.concat(parts, ignore_index=True)
            order = [*paired.parameters, *plan.lever_names, "place", *(["seed"] if not paired.is_crossed else [])]
            experiments = experiments[[*order, "scenario", "policy", "model"]]
    done = np.all([np.isfinite(values).any(axis=1) for values in outcomes.values()], axis=0)
    experiments = experiments[done].reset_index(drop=True)
    return experiments, {
        name: values[done] if year is None else values[done][:, 0] for name, values in outcomes.items()
    }
