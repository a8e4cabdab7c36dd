"""A shift to prevention costs twice for a while: the new work is paid for before the old work can stop.

Claim     New money = granted - settled of preventive and community services, where positive; settled (the budget a
          service has adjusted to) follows granted in `settles` months. Each month the silo spends set_up * new money /
          12 on rooms, hiring and running old and new work in parallel. Whole pence.
Evidence  set_up, settles: assumed; no row in the register.
Limits    Acute posts also close slowly (services/workforce.py): that is the larger part of double running.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import COMMUNITY, PREVENTIVE
from sim.state.columns import A, column
from sim.state.world import World


class DoubleRunning(Params):
    """Cost of a shift in its first years."""

    set_up: float = share(
        0.15, low=0.0, high=0.5, source="assumed", meaning="cost of double running, as a share of the new money"
    )
    settles: float = number(
        24.0,
        low=6.0,
        high=48.0,
        unit="months",
        source="assumed",
        meaning="time until new money no longer counts as new",
    )


class DoubleRunningState(NamedTuple):
    """Budgets to which services have adjusted."""

    settled: Annotated[A, column("f8", "service", "pounds a year", "granted money to which the service has adapted")]

    def start(self, w: World) -> None:
        """Begin with the granted budgets."""
        self.settled[:] = w.services.granted


@mechanism(
    Phase.ACCOUNTS,
    DoubleRunning,
    state=DoubleRunningState,
    reads="services.granted services.tier services.silo money.spent money.carried",
    writes="double_running.settled money.spent money.carried",
    after="spending semi_fixed_costs",
)
@kernel
def charge_double_running(w: World, p: DoubleRunning, clock: Clock) -> None:
    services, money = w.services, w.money
    state: DoubleRunningState = w.private.double_running
    for s in range(services.domain.size):
        new = services.granted[s] - state.settled[s]
        state.settled[s] += new / p.settles
        if new > 0.0 and (services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY):
            extra = np.int64(math.floor(p.set_up * new / 12.0 * 100.0 + 0.5))
            money.spent[s] += extra
            money.carried[services.silo[s]] -= extra
