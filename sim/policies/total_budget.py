"""Every budget line gets more or less money, by the same factor.

Claim     granted[s] <- granted[s] * path, for the part of a service that belongs to the people aimed at. That acute
          services overspend a smaller line, and what follows, is not scripted.
Evidence  D16: core funding per resident -26 % over the 2010s.
Limits    Real terms.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.updates import GROUP_COLUMNS, fund
from sim.state.world import World

LEVER = Lever(
    name="total_budget",
    label="Total budget",
    section="Money",
    unit="multiple of baseline",
    low=0.5,
    high=1.5,
    baseline=1.0,
    step=0.01,
    source="D16 [IFS24], D19 [IFS15]: -26 % on average, -46 % at the extreme",
    meaning="Multiplies every budget line, in real terms.",
    aims=("service", "where", "who"),
    acts_on=("funded",),
    pays="multiple",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads=f"services.granted {GROUP_COLUMNS}",
    writes="services.granted aims.offer aims.part aims.heads",
    lever="total_budget",
)
@kernel
def scale(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.granted.size):
        fund(w, path, clock.month, s)
