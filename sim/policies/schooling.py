"""Schools that work on relationships and real problems build up children's resilience.

Claim     rules.schooling <- path: resilience a school child gains in a year beyond the baseline
          (services/child_services.py).
Evidence  assumed; F06 [Villa]: closing clubs lowers school results by 4 % of a standard deviation, 12 % for the poor.
Limits    The gain is the same for every child of a neighbourhood. School results are not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="schooling",
    label="Relational schooling",
    section="Outside services",
    unit="log hazard units a year",
    low=-0.02,
    high=0.02,
    baseline=0.0,
    step=0.002,
    source="assumed",
    meaning="Resilience that school children gain in a year beyond the baseline; below 0 where schools exclude "
    "children.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.schooling", lever="schooling")
@kernel
def school(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.schooling.size):
        w.rules.schooling[n] = path[clock.month, n]
