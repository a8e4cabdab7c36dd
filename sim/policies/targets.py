"""How far targets from above steer the work.

Claim     services.targets <- path. More people are seen (services/hours.py), help fits less (services/quality.py), and
          staff wear out (feedback/burnout.py).
Evidence  assumed; M14, M15, M94 give the direction.
Limits    The scale is relative: 0.5 is today's. Figures are not falsified.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="targets",
    label="Steering by targets",
    section="Who decides",
    unit="0 none, 0.5 today, 1 full",
    low=0.0,
    high=1.0,
    baseline=0.5,
    step=0.05,
    source="assumed",
    meaning="How far targets from above steer the work. With more targets, more people are seen, less well.",
    aims=("service",),
    acts_on=("funded",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.targets", lever="targets")
@kernel
def steer(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.targets.size):
        w.services.targets[s] = path[clock.month, s]
