"""Budget holders that pool their budgets share surpluses and debts; the rest stays in each one's own account.

Claim     Before a year's accounts are closed, each silo puts the share `pooling` of its surplus or debt into one pool.
          A debt of the pool is shared by silos in proportion to what they are granted. A surplus goes where it can be
          reinvested, in proportion to what is granted to prevention. Whole pence; the pool ends empty.
Evidence  M44 (wrong pockets), M45: direction. The rule for sharing: assumed.
Limits    The effects of pooling on duplicated work and shared records are not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.codes import COMMUNITY, PREVENTIVE
from sim.state.world import World


@mechanism(
    Phase.ACCOUNTS,
    NoParams,
    reads="services.granted services.silo services.tier money.carried rules.pooling",
    writes="money.carried money.pooled",
    after="spending semi_fixed_costs double_running",
)
@kernel
def pool(w: World, p: NoParams, clock: Clock) -> None:
    services, money = w.services, w.money
    silos = money.carried.size
    for f in range(silos):
        money.pooled[f] = 0
    if clock.month % 12 != 11 or w.rules.pooling[0] <= 0.0:
        return
    pool_balance: Int = 0
    for f in range(silos):
        contribution = np.int64(w.rules.pooling[0] * money.carried[f])
        money.pooled[f] = -contribution
        pool_balance += contribution
    weight = np.zeros(silos)
    for s in range(services.granted.size):
        upstream = services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY
        if pool_balance < 0 or upstream:
            weight[services.silo[s]] += services.granted[s]
    total = weight.sum()
    remainder = pool_balance
    last = 0
    for f in range(silos):
        if weight[f] > 0.0:
            part = np.int64(pool_balance * (weight[f] / total))
            money.pooled[f] += part
            remainder -= part
            last = f
    money.pooled[last] += remainder
    for f in range(silos):
        money.carried[f] += money.pooled[f]
