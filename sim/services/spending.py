"""What a month costs: staff in post are paid, and acute care costs what its episodes cost, more over capacity.

Claim     Preventive, responsive and community services spend paid * base_budget / 12, paid being the cost of staff,
          agency staff, lay helpers and automation (services/workforce.py). An acute service spends (1 - cashable) *
          paid * base_budget / 12 + cashable * (care * (1 + premium * overload) + extra), care being episodes at their
          unit cost and extra the cost of staff beyond the baseline's (0 if below), used or not. Whole pence. carried <-
          carried + funding - spent, silo by silo.
Evidence  Unit costs C01-C29 (catalogue). cashable, the share of acute cost that follows demand, is a lever
          (policies/cashable.py): an avoided crisis saves less cash than its unit cost (F05: GBP 3 of A&E cost per GBP
          100 of care cut).
Limits    No capital, no charges to users.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.services.acute import care_cost
from sim.state.codes import ACUTE
from sim.state.world import World


@kernel
def pence(pounds: float) -> Int:
    """Pounds to whole pence, halves up."""
    return np.int64(pounds * 100.0 + 0.5)


@mechanism(
    Phase.ACCOUNTS,
    reads="tally.opened tally.census services.paid services.overload services.granted rules.cashable",
    writes="money.spent money.funding money.carried",
    after="acute_load",
)
@kernel
def pay(w: World, p: NoParams, clock: Clock) -> None:
    services, money, cashable = w.services, w.money, w.rules.cashable[0]
    for s in range(services.domain.size):
        salaries = services.paid[s] * services.base_budget[s] / 12.0
        if services.tier[s] == ACUTE:
            care = care_cost(w, s) * (1.0 + services.premium[s] * services.overload[s])
            extra = max(0.0, services.paid[s] - 1.0) * services.base_budget[s] / 12.0
            salaries = (1.0 - cashable) * salaries + cashable * (care + extra)
        money.spent[s] = pence(max(0.0, salaries))
        money.funding[s] = pence(max(0.0, services.granted[s] / 12.0))
        money.carried[services.silo[s]] += money.funding[s] - money.spent[s]
