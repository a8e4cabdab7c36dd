"""Prevention gets a lasting minimum: no cut, shift, political attention or debt takes its lines below it.

Claim     granted[s] of preventive and community services >= path * base_budget[s]. The missing sum is taken from the
          silo's other lines in proportion to their size, at most most_taken of them. rules.ring_fence <- path keeps
          debts from it too (feedback/overspend_recovery.py).
Evidence  M3: direction; D04, D12 show what happens without one. Size assumed. most_taken: assumed.
Limits    A silo with no other line has no ring-fence.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever, OtherLever
from sim.schema.quantities import Params, share
from sim.state.codes import COMMUNITY, PREVENTIVE
from sim.state.world import World

LEVER = Lever(
    name="ring_fence",
    label="Ring-fence for prevention",
    section="Money",
    unit="share of baseline budgets",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M3: direction",
    meaning="Share of each preventive and community service's baseline budget that nothing may take.",
    axis="place",
    acts="year end",
    acts_with=(
        OtherLever(lever="total_budget", side="below", tiers=("preventive", "community")),
        OtherLever(lever="community_investment", side="below"),
        OtherLever(lever="service_budget", side="below", tiers=("preventive", "community")),
        OtherLever(lever="prevention_share", side="below"),
        OtherLever(lever="acute_share", side="above"),
        OtherLever(lever="political_salience", side="above"),
    ),
)


class RingFence(Params):
    """The bound of what is taken."""

    most_taken: float = share(
        0.8, low=0.5, high=0.95, source="assumed", meaning="largest share of the other lines that can be taken"
    )


@mechanism(
    Phase.POLICY,
    RingFence,
    reads="services.granted services.base_budget services.silo services.tier",
    writes="services.granted rules.ring_fence",
    after="total_budget cut_rule prevention_share acute_share community_investment non_statutory_closure "
    "political_attention",
    lever="ring_fence",
)
@kernel
def fence(w: World, setting: tuple[np.ndarray, RingFence], clock: Clock) -> None:
    path, p = setting
    services = w.services
    floor = path[clock.month, 0]
    w.rules.ring_fence[0] = floor
    for f in range(w.money.carried.size):
        missing, others = 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    missing += max(0.0, floor * services.base_budget[s] - services.granted[s])
                else:
                    others += services.granted[s]
        moved = min(missing, p.most_taken * others)
        if moved <= 0.0:
            continue
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    gap = max(0.0, floor * services.base_budget[s] - services.granted[s])
                    services.granted[s] += moved * gap / missing
                else:
                    services.granted[s] *= 1.0 - moved / others
