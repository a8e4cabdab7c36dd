"""Work is secure: predictable hours, fair notice, employers who keep people on.

Claim     rules.job_security <- path. Effects: networks/exposure.py.
Evidence  M50, M70, E16 [Benn20]: direction; size assumed.
Limits    Employers' costs beyond the programme are not counted.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="job_security",
    label="Job security",
    section="Outside services",
    unit="share of a programme",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M50, E16 [Benn20]: direction",
    meaning="Size of the programme for secure work, as a share of a full programme, paid with new money.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.job_security", lever="job_security")
@kernel
def secure_work(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.job_security.size):
        w.rules.job_security[n] = path[clock.month, n]
