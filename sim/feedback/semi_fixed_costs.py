"""A bed that stands empty still costs money: only part of acute cost follows demand, and part of that follows late.

Claim     gap = an acute service's cost of the month less posts * base_budget / 12. smooth <- smooth + (gap - smooth) /
          lag. Cost <- cost + (1 - stuck) * ((1 - late) * gap + late * smooth) - gap, stuck = 1 - cashable / its
          baseline. Whole pence.
Evidence  F05 (GBP 3 of A&E cost per GBP 100 of care cut), M45 (cashability, lag). lag, late: assumed.
Limits    A rise is paid as late as a fall. What does not follow demand at baseline already: services/spending.py.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, World

USUAL = 0.4
"""Part of acute cost that follows demand at baseline: one less the fixed part in services/spending.py."""


class SemiFixedCosts(Params):
    """How late cost follows demand."""

    lag: float = number(
        12.0, low=1.0, high=36.0, unit="months", source="assumed", meaning="time until capacity follows"
    )
    late: float = share(0.25, low=0.0, high=0.9, source="assumed", meaning="part of what follows that follows late")


@kernel
def followed(p: SemiFixedCosts, gap: float, smooth: float, cashable: float) -> float:
    """How much dearer than its baseline an acute service is, of a cost that is dearer by `gap`."""
    return cashable / USUAL * ((1.0 - p.late) * gap + p.late * smooth)


@mechanism(
    Phase.ACCOUNTS,
    SemiFixedCosts,
    reads="money.spent money.carried services.tier services.silo services.posts services.base_budget "
    "services.cost_gap rules.cashable",
    writes="money.spent money.carried services.cost_gap",
    after="spending",
)
@kernel
def stick(w: World, p: SemiFixedCosts, clock: Clock) -> None:
    services, money = w.services, w.money
    for s in range(services.domain.size):
        if services.tier[s] != ACUTE or services.base_budget[s] <= 0.0:
            continue
        spent = money.spent[s]
        usual = services.posts[s] * services.base_budget[s] / 12.0 * 100.0
        gap = spent - usual
        services.cost_gap[s] += (gap - services.cost_gap[s]) / p.lag
        pence = usual + followed(p, gap, services.cost_gap[s], w.rules.cashable[0])
        money.spent[s] = np.int64(math.floor(max(0.0, pence) + 0.5))
        money.carried[services.silo[s]] += spent - money.spent[s]
