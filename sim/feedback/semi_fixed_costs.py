"""An empty bed still costs money: only part of acute cost follows demand, and part of that follows late.

Claim     gap = an acute service's cost of the month less posts * base_budget / 12. smooth <- smooth + (gap - smooth) /
          lag. Cost <- cost + (1 - late) * gap + late * smooth - gap. Cost is at least 0, in whole pence.
Evidence  F05 (GBP 3 of A&E cost per GBP 100 of care cut), M45 (cashability, lag). lag, late: assumed.
Limits    A rise is paid as late as a fall. The part of cost that does not follow demand: services/spending.py.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World


class SemiFixedCosts(Params):
    """How late cost follows demand."""

    lag: float = number(
        12.0, low=1.0, high=36.0, unit="months", source="assumed", meaning="time for capacity to follow demand"
    )
    late: float = share(0.25, low=0.0, high=0.9, source="assumed", meaning="part of the cost that follows demand late")


class SemiFixedCostsState(NamedTuple):
    """Gaps in cost that are charged late."""

    cost_gap: Annotated[A, column("f8", "service", "pence a month", "smoothed acute cost less its baseline")]


@kernel
def charged_gap(p: SemiFixedCosts, gap: float, smooth: float) -> float:
    """The part of a gap in cost that is charged.

    Parameters
    ----------
    p
        Parameters of semi-fixed costs.
    gap
        Cost of the month less that of its posts at baseline.
    smooth
        The gap averaged over `lag` months, in the same unit.
    """
    return (1.0 - p.late) * gap + p.late * smooth


@mechanism(
    Phase.ACCOUNTS,
    SemiFixedCosts,
    state=SemiFixedCostsState,
    reads="money.spent money.carried services.tier services.silo services.posts services.base_budget",
    writes="money.spent money.carried semi_fixed_costs.cost_gap",
    after="spending",
)
@kernel
def charge_gap(w: World, p: SemiFixedCosts, clock: Clock) -> None:
    services, money = w.services, w.money
    state: SemiFixedCostsState = w.private.semi_fixed_costs
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE or services.base_budget[s] <= 0.0:
            continue
        spent = money.spent[s]
        baseline = services.posts[s] * services.base_budget[s] / 12.0 * 100.0
        gap = spent - baseline
        state.cost_gap[s] += (gap - state.cost_gap[s]) / p.lag
        pence = baseline + charged_gap(p, gap, state.cost_gap[s])
        money.spent[s] = np.int64(math.floor(max(0.0, pence) + 0.5))
        money.carried[services.silo[s]] += spent - money.spent[s]
