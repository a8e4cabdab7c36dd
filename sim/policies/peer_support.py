"""People who have recovered are asked to support others.

Claim     rules.peer_support <- path. Effects: networks/peers.py, networks/exposure.py.
Evidence  M33, M76: direction; size assumed.
Limits    The lever only invites people; where groups are commissioned instead of grown, fewer become peers.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="peer_support",
    label="Recovered people invited to support others",
    section="Community",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M33, M76: direction",
    meaning="Share of people leaving serious mental-health or family need who are asked to become peers, and "
    "supported as peers.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.peer_support", lever="peer_support")
@kernel
def ask(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.peer_support.size):
        w.rules.peer_support[n] = path[clock.month, n]
