"""Silos that pool their budgets share what is left and what is owed; the rest stays in its own pocket.

Claim     Before a year is settled, each silo puts the share `pooling` of what it has left, or owes, into one pot. What
          the pot owes is shared by silos in proportion to what they are granted; what it has left goes where it can be
          reinvested, in proportion to what is granted to prevention. Whole pence; the pot ends empty.
Evidence  M44 (wrong pockets), M45: direction. How money is shared out: assumed.
Limits    What pooling does to duplicated work and shared records is not here.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.tables import COMMUNITY, PREVENTIVE, World


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
    pot: Int = 0
    for f in range(silos):
        given = np.int64(w.rules.pooling[0] * money.carried[f])
        money.pooled[f] = -given
        pot += given
    weight = np.zeros(silos)
    for s in range(services.granted.size):
        upstream = services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY
        if pot < 0 or upstream:
            weight[services.silo[s]] += services.granted[s]
    total = weight.sum()
    left = pot
    last = 0
    for f in range(silos):
        if weight[f] > 0.0:
            taken = np.int64(pot * (weight[f] / total))
            money.pooled[f] += taken
            left -= taken
            last = f
    money.pooled[last] += left
    for f in range(silos):
        money.carried[f] += money.pooled[f]
