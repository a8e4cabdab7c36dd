"""How far staff decide how their work is done.

Claim     services.autonomy <- path. Effects: feedback/burnout.py, services/hours.py, services/quality.py,
          services/practice.py.
Evidence  F21 [KPMG]: self-managed nursing, a case study; E23 [SfC23]. Effects assumed, well below F21.
Limits    The scale is relative: 0.5 is today's.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="autonomy",
    label="Staff autonomy",
    section="How staff work",
    unit="0 none, 0.5 today, 1 full",
    low=0.0,
    high=1.0,
    baseline=0.5,
    step=0.05,
    source="assumed; F21 [KPMG], E23 [SfC23] for the direction",
    meaning="How far staff decide how they work. With more autonomy fewer staff burn out, and areas with a "
    "leader learn more.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.autonomy", lever="autonomy")
@kernel
def trust(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.autonomy.size):
        w.services.autonomy[s] = path[clock.month, s]
