"""How far somebody meets the same worker again.

Claim     services.continuity <- path; quality follows (services/quality.py), at a cost in time (services/hours.py).
Evidence  E26 [Barker]: mean usual-provider index 0.61; F13 [Tammes], F14 [Sandvik] for what it does.
Limits    An average: who is known is not told apart.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="continuity",
    label="Continuity of worker",
    section="How staff work",
    unit="multiple of baseline",
    low=0.5,
    high=1.5,
    baseline=1.0,
    step=0.05,
    source="E26 [Barker]: index 0.61, small practices 0.70; range assumed",
    meaning="How far people meet the same worker again, over the baseline's.",
    aims=("service",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.continuity", lever="continuity")
@kernel
def keep(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.continuity.size):
        w.services.continuity[s] = path[clock.month, s]
