"""One service gets more or less money, and nothing is taken from another service.

Claim     granted[s] <- granted[s] * path, for the part of the service that belongs to the people aimed at. 0 closes it.
Evidence  D12, D17: single lines lost 40 to 70 % over the 2010s; the top of the range is assumed.
Limits    Real terms. The later work of a closed service's staff is not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.updates import GROUP_COLUMNS, fund
from sim.state.world import World

LEVER = Lever(
    name="service_budget",
    label="Budget of a service",
    section="Money",
    unit="multiple of baseline",
    low=0.0,
    high=5.0,
    baseline=1.0,
    step=0.05,
    source="D12 [PBE], D17 [IFS24]: single lines lost 40 to 70 %; upper end assumed",
    meaning="Multiplies the budget of the chosen service, in real terms and with new money.",
    aims=("service", "where", "who"),
    needs=("service",),
    acts_on=("funded",),
    pays="multiple",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads=f"services.granted {GROUP_COLUMNS}",
    writes="services.granted aims.offer aims.part aims.heads",
    after="total_budget cut_rule prevention_share acute_share community_investment",
    lever="service_budget",
)
@kernel
def scale(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.granted.size):
        fund(w, path, clock.month, s)
