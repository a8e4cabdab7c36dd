"""For how many years a contract fixes the work.

Claim     services.contract_length <- path. Fit falls as contracts grow longer (services/quality.py), and each contract
          takes time (services/hours.py).
Evidence  M65 gives the direction; five years, the claim's own figure, is the baseline. Effects assumed.
Limits    The end of a contract has no effect except the time that a new contract takes.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="contract_length",
    label="Length of contracts",
    section="Who decides",
    unit="years",
    low=1.0,
    high=10.0,
    baseline=5.0,
    baseline_range=(3.0, 8.0),
    step=0.5,
    source="assumed; five years is M65's figure",
    meaning="Years for which a contract fixes the work. Under long contracts help fits less well; short "
    "contracts take more time.",
    aims=("service",),
    acts_on=("staffed", "funded"),
)


@mechanism(Phase.POLICY, NoParams, writes="services.contract_length", lever="contract_length")
@kernel
def sign(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.contract_length.size):
        w.services.contract_length[s] = path[clock.month, s]
