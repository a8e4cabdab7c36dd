"""Budget holders pool their budgets: all of them share what each overspends or saves.

Claim     rules.pooling <- path. Effects: feedback/pooled_accounts.py.
Evidence  M44, M45: direction; size assumed.
Limits    All silos pool the same share.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="pooling",
    label="Pooled budgets",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M44, M45: direction",
    meaning="Share of every budget holder's overspend or saving that is shared with the others at the end of a year.",
    axis="place",
    acts="year end",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.pooling", lever="pooling")
@kernel
def join(w: World, path: np.ndarray, clock: Clock) -> None:
    w.rules.pooling[0] = path[clock.month, 0]
