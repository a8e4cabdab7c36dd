"""More or less money for everything: every budget line is multiplied alike.

Claim     granted[s] <- granted[s] * path. That acute services overspend a smaller line, and what follows, is not
          scripted.
Evidence  D16: core funding per resident -26 % over the 2010s.
Limits    Real terms.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state import World

LEVER = Lever(
    name="total_budget",
    label="Total budget",
    unit="multiple of baseline",
    low=0.6,
    high=1.4,
    baseline=1.0,
    step=0.01,
    source="D16 [IFS24], D19 [IFS15]: -26 % on average, -46 % at the extreme",
    meaning="Multiplies every budget line, in real terms.",
    by_service=True,
)


@mechanism(Phase.POLICY, NoParams, reads="services.granted", writes="services.granted", lever="total_budget")
@kernel
def scale(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.granted.size):
        w.services.granted[s] *= path[clock.month, s]
