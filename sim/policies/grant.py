"""New money for a service, in pounds a year for each person who lives in the place.

Claim     granted[s] <- granted[s] + path * people. Where the grant is aimed at some people, it is path * the number of
          those people, and the places it buys are for them.
Evidence  assumed; C15-C29 for what a pound buys (catalogue).
Limits    The money comes from outside: no other line gives it. Real terms.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.updates import GROUP_COLUMNS, set_group_parts, total_offer
from sim.state.world import World

LEVER = Lever(
    name="grant",
    label="Grant for a service",
    section="Money",
    unit="pounds per head a year",
    price_year="2023-24",
    low=0.0,
    high=200.0,
    baseline=0.0,
    step=1.0,
    source="assumed",
    meaning="New money from outside for the chosen service, in pounds a year for each resident.",
    kind="shift",
    aims=("service", "where", "who"),
    needs=("service",),
    pays="pounds per head",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads=f"services.granted tally.people aims.heads {GROUP_COLUMNS}",
    writes="services.granted aims.offer aims.part aims.heads",
    after="total_budget cut_rule prevention_share acute_share community_investment service_budget",
    lever="grant",
)
@kernel
def add(w: World, path: np.ndarray, clock: Clock) -> None:
    aims, services = w.aims, w.services
    n = services.domain.size
    for s in range(n):
        common = path[clock.month, s]
        uniform_grant = True
        for g in range(1, aims.groups[0]):
            uniform_grant = uniform_grant and path[clock.month, g * n + s] == common
        if uniform_grant:
            services.granted[s] += common * w.tally.people.sum()
            continue
        set_group_parts(w, s)
        offered = total_offer(w, s)
        unit = services.granted[s] / offered if offered > 0.0 else 0.0
        for g in range(aims.groups[0]):
            added = path[clock.month, g * n + s] * aims.heads[g]
            services.granted[s] += added
            if unit * aims.part[g, s] > 0.0:
                aims.offer[g, s] += added / (unit * aims.part[g, s])
