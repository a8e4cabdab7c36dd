"""The budgets that policies ask for: the kernels of the budget levers alone, on the baseline's budgets.

Nothing else of the model acts: no overspend, no bail-out, no closure, no staff to hire. The difference between these
budgets and what is spent in a run is what the rest of the model made of the policy. A policy for some people counts by
their share of the residents of the ages that a service serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import REGISTRY, Clock, Mechanism, NoParams
from sim.hazards import TIER_INDEX
from sim.place.place import Neighbourhood
from sim.policies import levers
from sim.scenario import registry  # noqa: F401  (registers every mechanism)
from sim.scenario.paths import TargetColumns, lever_path, neighbourhood_columns
from sim.scenario.policy_checks import service_ids
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.state.codes import NOT_PREVENTION, PREVENTION_KINDS, SILOS

F = npt.NDArray[np.float64]
BUDGET = "services.granted"
"""The column that budget levers write."""


def budget_levers() -> tuple[Mechanism, ...]:
    """List the kernels of the levers that move budgets, in the order of a month."""
    return tuple(m for m in REGISTRY.month() if m.lever is not None and BUDGET in m.writes)


def asked_budgets(
    scenario: Scenario, hoods: Sequence[Neighbourhood], budgets: F, people: float, left_out: Sequence[int] = ()
) -> F:
    """Compute the budget that policies ask for, by year and service.

    Parameters
    ----------
    scenario : Scenario
        Its policies and shocks.
    hoods : sequence of Neighbourhood
        Of the place, at its size.
    budgets : ndarray of float64, shape (services,)
        Budgets at baseline, pounds a year.
    people : float
        Number of people, for grants per head.
    left_out : sequence of int
        Indices of policies that are left out.

    Returns
    -------
    ndarray of float64, shape (years, services)
        Pounds a year, the mean over the months of each year.
    """
    columns = TargetColumns(scenario.moves, service_ids(), neighbourhood_columns(hoods), scenario.name)
    moved = {policy.lever for k, policy in enumerate(scenario.moves) if k not in left_out}
    span, params, by_name = scenario.span, scenario.params(), {lever.name: lever for lever in levers()}
    settings = []
    for mechanism in budget_levers():
        if mechanism.lever in moved:
            lever = by_name[mechanism.lever]
            path = np.clip(lever_path(lever, columns, span, left_out), lever.low, lever.high)
            if lever.axis == "service":
                path = (path.reshape(len(path), -1, budgets.size) * _parts(columns, hoods)).sum(axis=1)
            values = params.get(mechanism.state_name)
            setting = path if mechanism.params is NoParams else (path, values or mechanism.params())
            settings.append((uncompiled(mechanism.kernel), setting, path))
    months: list[F] = []
    known: dict[bytes, F] = {}
    for month in range(span.months):
        key = b"".join(np.ascontiguousarray(path[month]).tobytes() for _, _, path in settings)
        if key not in known:
            world = _world(budgets, people)
            for kernel, setting, _ in settings:
                kernel(world, setting, Clock(np.uint64(0), np.int64(month)))
            known[key] = world.services.granted
        months.append(known[key])
    by_year: F = np.reshape(months, (-1, 12, budgets.size)).mean(axis=1)
    return by_year


def uncompiled(kernel: Any) -> Callable[..., Any]:
    """Return a kernel as plain Python, with the kernels that it calls.

    Parameters
    ----------
    kernel : kernel
        A compiled function of the model.

    Returns
    -------
    callable
        Accepts any objects with the columns that the kernel reads and writes.
    """
    plain = getattr(kernel, "py_func", kernel)
    scope = plain.__globals__
    called = {n: uncompiled(scope[n]) for n in plain.__code__.co_names if hasattr(scope.get(n), "py_func")}
    return FunctionType(plain.__code__, {**scope, **called}, plain.__name__, plain.__defaults__)


def _parts(columns: TargetColumns, hoods: Sequence[Neighbourhood]) -> F:
    """The part of the residents that a service serves in each group of people. Shape (groups, services)."""
    residents = np.array([n.ages for n in hoods], float)
    groups = int(columns.group.max()) + 1 if columns.group.size else 1
    out = np.zeros((groups, len(columns.services)))
    for s, service in enumerate(load_catalogue()):
        served = residents * np.array(service.bands)
        for g in range(groups):
            out[g, s] = served[columns.group == g].sum() / max(1.0, served.sum())
    return out


def _world(budgets: F, people: float) -> Any:
    """The columns of a world that kernels of budget levers use, without groups of people."""
    services = load_catalogue()
    return SimpleNamespace(
        services=SimpleNamespace(
            granted=budgets.copy(),
            base_budget=budgets,
            domain=np.zeros(budgets.size, np.int64),
            silo=np.array([SILOS.index(s.silo) for s in services]),
            tier=np.array([TIER_INDEX[s.tier] for s in services]),
            prevention=np.array(
                [NOT_PREVENTION if s.prevention is None else PREVENTION_KINDS.index(s.prevention) for s in services]
            ),
        ),
        money=SimpleNamespace(carried=np.zeros(len(SILOS))),
        rules=SimpleNamespace(ring_fence=np.zeros(1)),
        aims=SimpleNamespace(groups=np.zeros(1, np.int64)),
        tally=SimpleNamespace(people=np.array([people])),
    )
