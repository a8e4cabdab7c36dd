"""An acute overspend is partly paid out of next year's prevention; a saving is partly reinvested in prevention.

Claim     At the end of a year a silo that owes more than `reserve` of its year's funding gets (1 - kappa) of the excess
          from the centre. kappa of it is taken from its prevention lines over the next year, at most `most` of them;
          the centre pays what cannot be taken. If the silo has more than `reserve` left, rho of the excess goes to its
          prevention lines and the rest back to the centre. plan[s] = granted[s] * max(floor, 1 + shift / the silo's
          prevention) for preventive and community services, plan[s] = granted[s] for others: a debt is worked off by
          spending less than is granted, and a saving is spent on top. What a ring-fence protects (that part of a line's
          baseline) is never taken: the centre pays instead.
Evidence  D12, D13, D16-D18: early lines lost 40 % while late ones grew. kappa and rho: assumed, equal at baseline so
          that chance alone neither starves nor feeds prevention; each is a lever. reserve, floor, most: assumed.
Limits    The centre pays the whole debt of a silo without prevention lines. The silo carries its debt until it is
          worked off.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, share
from sim.state.codes import COMMUNITY, PREVENTIVE
from sim.state.columns import A, column
from sim.state.world import World


class OverspendRecovery(Params):
    """The reserve, and how much of prevention a debt can take."""

    reserve: float = share(
        0.02, low=0.0, high=0.1, source="assumed", meaning="part of a year's funding kept in reserve"
    )
    floor: float = share(
        0.2, low=0.0, high=0.5, source="assumed", meaning="part of a preventive line that is never cut"
    )
    most: float = share(
        0.6, low=0.2, high=0.8, source="assumed", meaning="largest part of prevention that a year's debt can take"
    )


class OverspendRecoveryState(NamedTuple):
    """What the last accounts mean for prevention this year."""

    shift: Annotated[A, column("f8", "silo", "pounds a year", "added to (or taken from) prevention this year")]


@kernel
def is_prevention(tier: int) -> bool:
    """Preventive and community services count as prevention."""
    return tier == PREVENTIVE or tier == COMMUNITY


@kernel
def ring_fenced(w: World, silo: int) -> float:
    """Pounds a year of a silo's prevention that the ring-fence protects."""
    total = 0.0
    for s in range(w.services.domain.size):
        if w.services.silo[s] == silo and is_prevention(w.services.tier[s]):
            total += min(w.services.granted[s], w.rules.ring_fence[0] * w.services.base_budget[s])
    return total


@kernel
def prevention_of(w: World, silo: int) -> float:
    """Pounds a year granted to a silo's preventive and community services."""
    total = 0.0
    for s in range(w.services.domain.size):
        if w.services.silo[s] == silo and is_prevention(w.services.tier[s]):
            total += w.services.granted[s]
    return total


@mechanism(
    Phase.WORKFORCE,
    OverspendRecovery,
    state=OverspendRecoveryState,
    reads="services.granted services.base_budget services.tier services.silo overspend_recovery.shift rules.ring_fence",
    writes="services.plan",
    name="passing_on",
)
@kernel
def pass_on(w: World, p: OverspendRecovery, clock: Clock) -> None:
    services = w.services
    state: OverspendRecoveryState = w.private.overspend_recovery
    fence_share = w.rules.ring_fence[0]
    for f in range(state.shift.size):
        prevention = prevention_of(w, f)
        factor = max(p.floor, 1.0 + state.shift[f] / prevention) if prevention > 0.0 else 1.0
        for s in range(services.domain.size):
            if services.silo[s] == f:
                granted = services.granted[s]
                if is_prevention(services.tier[s]):
                    protected = min(granted, fence_share * services.base_budget[s])
                    services.plan[s] = max(protected, granted * factor)
                else:
                    services.plan[s] = granted


@mechanism(
    Phase.ACCOUNTS,
    OverspendRecovery,
    state=OverspendRecoveryState,
    reads="services.granted services.base_budget services.tier services.silo money.kappa money.rho rules.ring_fence",
    writes="money.carried money.bailed_out money.clawed_back money.reinvested overspend_recovery.shift",
    after="spending semi_fixed_costs double_running pooled_accounts",
)
@kernel
def settle_year(w: World, p: OverspendRecovery, clock: Clock) -> None:
    money, services = w.money, w.services
    state: OverspendRecoveryState = w.private.overspend_recovery
    for f in range(money.carried.size):
        money.bailed_out[f] = 0
        money.clawed_back[f] = 0
        money.reinvested[f] = 0
    if clock.month % 12 != 11:
        return
    for f in range(money.carried.size):
        funding = 0.0
        prevention = prevention_of(w, f)
        for s in range(services.domain.size):
            if services.silo[s] == f:
                funding += services.granted[s]
        reserve = np.int64(p.reserve * funding * 100.0)
        shift: Int = 0
        if money.carried[f] < -reserve:
            excess = -reserve - money.carried[f]
            bearable = min(p.most * prevention, prevention - ring_fenced(w, f))
            shift = -min(np.int64(money.kappa[f] * excess), np.int64(max(0.0, bearable) * 100.0))
            money.bailed_out[f] = excess + shift
            money.carried[f] += money.bailed_out[f]
        elif money.carried[f] > reserve:
            excess = money.carried[f] - reserve
            if prevention > 0.0:
                shift = np.int64(money.rho[f] * excess)
            money.clawed_back[f] = excess - shift
            money.reinvested[f] = shift
            money.carried[f] -= money.clawed_back[f]
        state.shift[f] = shift / 100.0
