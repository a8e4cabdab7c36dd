"""Politics responds to visible crises: overload of acute care draws money from everything else.

Claim     rules.attention <- path. Effects: feedback/political_attention.py.
Evidence  M81: direction; size assumed.
Limits    The gain is the same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="political_salience",
    label="Pull of visible crises on budgets",
    section="Money",
    unit="gain",
    low=0.0,
    high=2.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M81: direction",
    meaning="Share of acute budgets that is added to them, out of other budgets, for each unit by which their "
    "load is above the usual load.",
    axis="place",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.attention", lever="political_salience")
@kernel
def heed(w: World, path: np.ndarray, clock: Clock) -> None:
    w.rules.attention[0] = path[clock.month, 0]
