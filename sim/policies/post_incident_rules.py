"""How many rules and checks follow an incident.

Claim     services.response <- path. Rules and checks accumulate and wear off in feedback/bureaucracy.py.
Evidence  assumed; M9 gives the direction.
Limits    Rules prevent no incident in the model.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="post_incident_rules",
    label="Rules and checks after incidents",
    section="Who decides",
    unit="multiple of baseline",
    low=0.0,
    high=2.0,
    baseline=1.0,
    step=0.1,
    source="assumed",
    meaning="Multiplies the rules and checks that follow each crisis.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.response", lever="post_incident_rules")
@kernel
def respond(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.response.size):
        w.services.response[s] = path[clock.month, s]
