"""How much people must prove before they are helped: forms, evidence, interviews.

Claim     rules.claim_burden <- path. It multiplies the share of requests lost to each serious need
          (people/help_seeking.py).
Evidence  assumed; B20, B22: fewer than four in ten referred finish.
Limits    The burden is the same for all services of a neighbourhood.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="claim_burden",
    label="Burden of claiming help",
    section="Who gets in",
    unit="multiple of baseline",
    low=0.0,
    high=4.0,
    baseline=1.0,
    step=0.1,
    source="assumed: 0 is help on request, 4 a claim that most people under strain give up",
    meaning="How much people must prove before they get help. People with the most serious needs give up first.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.claim_burden", lever="claim_burden")
@kernel
def ask_for_proof(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.claim_burden.size):
        w.rules.claim_burden[n] = path[clock.month, n]
