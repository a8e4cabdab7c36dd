"""How often people meet the same worker again.

Claim     services.continuity <- path. Quality follows (services/quality.py), at a cost in time (services/hours.py).
Evidence  E26 [Barker]: mean usual-provider index 0.61; F13 [Tammes], F14 [Sandvik] for the effect.
Limits    Continuity is an average: the model does not record which worker a person knows.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="continuity",
    label="Seeing the same worker",
    section="How staff work",
    unit="multiple of baseline",
    low=0.5,
    high=1.5,
    baseline=1.0,
    step=0.05,
    source="E26 [Barker]: index 0.61, small practices 0.70; range assumed",
    meaning="How often people meet the same worker again, compared with the baseline.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.continuity", lever="continuity")
@kernel
def keep(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.continuity.size):
        w.services.continuity[s] = path[clock.month, s]
