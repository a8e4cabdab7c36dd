"""Staff are paid more or less, out of the same budget.

Claim     services.pay <- path. The part of a post's cost that is pay rises with it (services/workforce.py), fewer staff
          leave (feedback/burnout.py), and more people apply.
Evidence  E23 [SfC23]: pay is one of five factors between a turnover of 20.6 and 48.7 %. Elasticities assumed.
Limits    The money is the same unless the budget is raised too: better paid, fewer posts.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="pay",
    label="Staff pay",
    section="How staff work",
    unit="multiple of baseline",
    low=0.9,
    high=1.2,
    baseline=1.0,
    step=0.01,
    source="assumed; E23 [SfC23] for the direction",
    meaning="Multiplies pay within the same budget. At higher pay fewer staff leave, and fewer posts are opened.",
    aims=("service",),
    acts_on=("funded",),
)


@mechanism(Phase.POLICY, NoParams, writes="services.pay", lever="pay")
@kernel
def pay(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.pay.size):
        w.services.pay[s] = path[clock.month, s]
