"""Each service has a budget line: last year's baseline, less what prevention must pay back, plus what was saved.

Claim     plan[s] = base_budget[s] for every service; preventive and community lines of a silo share money.shift of
          their silo in proportion to their size, and never fall below `floor` of the baseline.
Evidence  assumed; D12-D17 show which lines gave way.
Limits    Real terms: pay and prices move with the deflator. Policies change the plan after this.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, share
from sim.state import COMMUNITY, PREVENTIVE, World


class BudgetLines(Params):
    """How far a line can fall."""

    floor: float = share(0.2, low=0.0, high=0.5, source="assumed", meaning="part of a preventive line that is never cut")


@kernel
def is_prevention(tier: int) -> bool:
    """Preventive and community services count as prevention."""
    return tier == PREVENTIVE or tier == COMMUNITY


@mechanism(Phase.BUDGET, BudgetLines, reads="money.shift", writes="services.plan")
@kernel
def draw_up(w: World, p: BudgetLines, clock: Clock) -> None:  # noqa: ARG001
    services = w.services
    for f in range(w.money.shift.size):
        lines = 0.0
        for s in range(services.domain.size):
            if services.silo[s] == f and is_prevention(services.tier[s]):
                lines += services.base_budget[s]
        factor = 1.0
        if lines > 0.0:
            factor = max(p.floor, 1.0 + w.money.shift[f] / lines)
        for s in range(services.domain.size):
            if services.silo[s] == f:
                services.plan[s] = services.base_budget[s]
                if is_prevention(services.tier[s]):
                    services.plan[s] *= factor
