"""What neighbours began in a shock is nurtured: a hub, small grants, somebody who keeps the list.

Claim     rules.mutual_aid <- path. What it does: networks/mutual_help.py.
Evidence  M40: direction; size assumed.
Limits    Does nothing where no shock has called up mutual aid.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="mutual_aid",
    label="Mutual aid that is nurtured",
    section="Community",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M40: direction",
    meaning="Part of the streets whose mutual aid is nurtured after a shock.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.mutual_aid", lever="mutual_aid")
@kernel
def nurture(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.mutual_aid.size):
        w.rules.mutual_aid[n] = path[clock.month, n]
