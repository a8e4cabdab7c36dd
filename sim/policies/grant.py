"""New money for a service, so many pounds a year for each person who lives here.

Claim     granted[s] <- granted[s] + path * people; where it is aimed at some people, their heads count and the places
          it buys are theirs.
Evidence  assumed; C15-C29 for what a pound buys (catalogue).
Limits    Paid from outside: no other line gives it. Real terms.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World
from sim.state.updates import PARTED, part_out, whole_offer

LEVER = Lever(
    name="grant",
    label="Grant for a service",
    section="Money",
    unit="pounds per head a year",
    low=0.0,
    high=200.0,
    baseline=0.0,
    step=1.0,
    source="assumed",
    meaning="New money from outside for the service it is aimed at, in pounds a year for each person living here.",
    kind="shift",
    aims=("service", "where", "who"),
    needs=("service",),
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads=f"services.granted tally.people aims.heads {PARTED}",
    writes="services.granted aims.offer aims.part aims.heads",
    after="total_budget cut_rule prevention_share acute_share community_investment service_budget",
    lever="grant",
)
@kernel
def add(w: World, path: np.ndarray, clock: Clock) -> None:
    aims, services = w.aims, w.services
    n = services.domain.size
    for s in range(n):
        usual = path[clock.month, s]
        alike = True
        for g in range(1, aims.groups[0]):
            alike = alike and path[clock.month, g * n + s] == usual
        if alike:
            services.granted[s] += usual * w.tally.people.sum()
            continue
        part_out(w, s)
        whole = whole_offer(w, s)
        unit = services.granted[s] / whole if whole > 0.0 else 0.0
        for g in range(aims.groups[0]):
            added = path[clock.month, g * n + s] * aims.heads[g]
            services.granted[s] += added
            if unit * aims.part[g, s] > 0.0:
                aims.offer[g, s] += added / (unit * aims.part[g, s])
