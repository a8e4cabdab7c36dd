"""Staff spend working time on learning: they help less now and better later.

Claim     services.training <- path, time that is not help (services/hours.py). Practice follows (services/practice.py).
Evidence  assumed; M13 gives the direction.
Limits    Training raises the practice of a place, not of a person: leavers take nothing with them.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="training",
    label="Time in training",
    section="How staff work",
    unit="share of working time",
    low=0.0,
    high=0.1,
    baseline=0.0,
    step=0.01,
    source="assumed",
    meaning="Share of working time spent on training, beyond the baseline's.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.training", lever="training")
@kernel
def release(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.training.size):
        w.services.training[s] = path[clock.month, s]
