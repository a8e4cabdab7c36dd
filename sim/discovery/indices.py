"""Sensitivity indices of a sweep: which uncertain parameters drive the difference of a policy from the baseline.

The output of a point is the mean difference over its seeds, so that indices are about parameters; the part of chance in
the spread between points is stated beside them. A design of the method `sobol` has Sobol' indices, one of the method
`morris` has elementary effects. Every design has PAWN indices (Pianosi and Wagener 2015, Environ. Model. Softw. 67:1),
which compare the distribution of the difference with and without knowledge of a parameter; an input of random numbers
shows how large an index is by chance.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.analysis.sensitivity.indices import LEAST_ROWS, elementary_effects, sobol_indices
from sim.discovery.chance import point_spread
from sim.discovery.features import NOISE
from sim.discovery.result import CROSSED, LAST, NO_CHANCE, OF_CHANCE, ONE_RUN, plainly, units_of
from sim.schema.errors import InputError, Phrase
from sim.sweeps.exchange import salib_problem
from sim.sweeps.paired import PairedLevels, checked_metric, checked_place, checked_year, paired_levels, state_means
from sim.sweeps.results import Sweep, open_sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

F = npt.NDArray[np.float64]
SLICES = 10
"""Slices of a parameter for PAWN indices."""
FEWEST_IN_SLICE = 5
FEWEST = SLICES * FEWEST_IN_SLICE
"""Fewest points for PAWN indices."""


def sweep_sensitivity(
    sweep: str | Path | Sweep,
    *,
    metric: str | None = None,
    year: int | None = None,
    policy: str | None = None,
    place: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute sensitivity indices of the uncertain parameters of a sweep.

    Parameters
    ----------
    sweep : str, Path or Sweep
        A sweep, or its folder. It may be done in part: base samples, or trajectories, with a missing run are left out.
    metric : str, optional
        Id of a measure of the sweep; by default acute demand, or the only measure.
    year : int, optional
        The year; by default the last.
    policy : str, optional
        Only this policy; by default each.
    place : str, optional
        Only this place; by default each.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    dict
        A JSON document: the question, and `indices` with an entry for each policy and place: mean and spread of the
        difference, part by chance, and a row for each parameter.

    Raises
    ------
    InputError
        If there is no sweep, a name is unknown, no parameter varies, or too few points are done.
    """
    opened = sweep if isinstance(sweep, Sweep) else open_sweep(sweep)
    plan, folder = opened.plan, opened.folder
    measure, at = checked_metric(opened, metric), checked_year(opened, year)
    if not plan.parameter_names:
        wanted = "a sweep whose design has uncertainties, as indices are those of its parameters"
        raise InputError(folder, None, "uncertainties", wanted, Phrase("none"))
    checked_place(opened, place)
    names = [place] if place is not None else [each.name for each in plan.places]
    entries = []
    for town in names:
        paired = paired_levels(opened, measure, [at], by_draw=False, place=town)
        if policy is not None and policy not in paired.policies[1:]:
            wanted = "a policy of this sweep with finished runs"
            raise InputError(folder, None, "--policy", wanted, policy, paired.policies[1:])
        chosen = paired.policies[1:] if policy is None else (policy,)
        entries += [_entry(opened, paired, each, town, seed) for each in chosen]
    most = max(entry["points"] for entry in entries)
    if not any(entry["parameters"] for entry in entries):
        wanted = f"at least {FEWEST} points with finished runs, or {LEAST_ROWS} base samples of a sobol design"
        raise InputError(folder, None, "", wanted, Phrase(f"{most:,} of {len(plan.points):,}"))
    assert plan.design.uncertainties is not None
    is_random = plan.design.engine == "agents"
    has_repeats = is_random and any(entry["repeats"] > 1 for entry in entries)
    notes = [OF_CHANCE, CROSSED] if has_repeats else [ONE_RUN if is_random else NO_CHANCE]
    return plainly(
        {
            "folder": str(folder),
            "metric": measure.name,
            "metric_label": measure.label,
            "unit": measure.unit,
            "decimals": measure.decimals,
            "year": at,
            "baseline": plan.baseline.name,
            "engine": plan.design.engine,
            "method": plan.design.uncertainties.method,
            "indices": entries,
            "notes": [*notes, LAST],
        }
    )


def _entry(sweep: Sweep, paired: PairedLevels, policy: str, town: str, seed: int) -> dict[str, Any]:
    """Indices of a policy in a place."""
    plan = sweep.plan
    k = paired.policies.index(policy)
    differences = (paired.levels[k] - paired.levels[0])[..., 0]
    means = state_means(differences)
    outputs = np.full(len(plan.points), np.nan)
    outputs[paired.states["point"].to_numpy(int)] = means
    is_random = plan.design.engine == "agents"
    done = int(np.isfinite(outputs).sum())
    return {
        "policy": policy,
        "place": town,
        "points": done,
        "points_planned": len(plan.points),
        "repeats": differences.shape[1],
        **point_spread(differences, is_crossed=True, is_random=is_random)._asdict(),
        "parameters": parameter_rows(sweep, outputs, seed),
    }


def parameter_rows(sweep: Sweep, outputs: F, seed: int) -> list[dict[str, Any]]:
    """Compute every index that the design of a sweep has.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    outputs : ndarray of float64, shape (points,)
        The difference of each point of the design; NaN where it is not done.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    list of dict
        A row for each parameter, the most important first, and one for random numbers. Empty with too few points.
    """
    plan = sweep.plan
    assert plan.design.uncertainties is not None
    names, method, units = plan.parameter_names, plan.design.uncertainties.method, units_of(sweep)
    rows: list[dict[str, Any]] = [{"parameter": name, "unit": units.get(name, "")} for name in names]
    order = None
    if method == "sobol" and len(names) > 0:
        table = sobol_indices(names, outputs, seed)
        if bool(table["total"].notna().all()):
            _add(rows, table.drop(columns="name").to_dict("records"))
            order = "total"
    elif method == "morris":
        complete = np.isfinite(outputs.reshape(-1, len(names) + 1)).all(axis=1)
        if complete.sum() > 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a parameter without an effect
                table = elementary_effects(names, plan.points, outputs, seed)
            _add(rows, table.drop(columns="name").to_dict("records"))
            order = "mu_star"
    present = np.isfinite(outputs)
    if present.sum() >= FEWEST and np.ptp(outputs[present]) > 0.0:
        pawn = pawn_indices(sweep, outputs, seed)
        rows.append({"parameter": NOISE, "unit": ""})
        _add(rows, pawn)
        order = order or "pawn"
    if order is None:
        return []
    return sorted(rows, key=lambda row: (row["parameter"] == NOISE, -(row.get(order) or 0.0)))


def _add(rows: list[dict[str, Any]], further: Sequence[Mapping[Any, Any]]) -> None:
    for row, more in zip(rows, further, strict=False):
        row.update({str(key): value for key, value in more.items()})


def pawn_indices(sweep: Sweep, outputs: F, seed: int) -> list[dict[str, float]]:
    """Compute PAWN indices, and one of random numbers last.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    outputs : ndarray of float64, shape (points,)
        The difference of each point of the design; NaN where it is not done.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    list of dict
        For each parameter of the design: `pawn`, the median over slices of the largest distance between the
        distributions, and `pawn_max`.
    """
    from SALib.analyze import pawn

    present = np.isfinite(outputs)
    problem = salib_problem(sweep)
    noise = np.random.default_rng(seed).random(int(present.sum()))
    values = np.column_stack([sweep.plan.points[present], noise])
    wider = {
        "num_vars": problem["num_vars"] + 1,
        "names": [*problem["names"], NOISE],
        "bounds": [*problem["bounds"], [0.0, 1.0]],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an empty slice
        table = pawn.analyze(wider, values, outputs[present], S=SLICES, seed=seed + 1)
    return [
        {"pawn": float(median), "pawn_max": float(maximum)}
        for median, maximum in zip(table["median"], table["maximum"], strict=True)
    ]
