"""What people must prove before they are helped: forms, evidence, interviews.

Claim     rules.claim_burden <- path: multiplies what each serious need costs in lost requests (people/help_seeking.py).
Evidence  assumed; B20, B22: fewer than four in ten referred finish.
Limits    The same for all services of a neighbourhood.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="claim_burden",
    label="Burden of claiming help",
    section="Who gets in",
    unit="multiple of baseline",
    low=0.0,
    high=4.0,
    baseline=1.0,
    step=0.1,
    source="assumed: 0 is help on request, 4 a claim that most of the stretched give up",
    meaning="What must be proved before help is given; those with most serious needs give up first.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.claim_burden", lever="claim_burden")
@kernel
def ask_for_proof(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.claim_burden.size):
        w.rules.claim_burden[n] = path[clock.month, n]
