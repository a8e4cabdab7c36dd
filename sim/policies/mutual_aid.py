"""Mutual aid that neighbours began in a shock is supported, with a hub, small grants and a coordinator.

Claim     rules.mutual_aid <- path. Effects: networks/mutual_help.py.
Evidence  M40: direction; size assumed.
Limits    The lever has no effect where no shock has called up mutual aid.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="mutual_aid",
    label="Support for mutual aid",
    section="Community",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M40: direction",
    meaning="Share of streets whose mutual aid is supported after a shock.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.mutual_aid", lever="mutual_aid")
@kernel
def nurture(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.mutual_aid.size):
        w.rules.mutual_aid[n] = path[clock.month, n]
