"""Politics answers what is seen: overload of acute care pulls money from everything else.

Claim     rules.attention <- path. What it does: feedback/political_attention.py.
Evidence  M81: direction; size assumed.
Limits    The same for all silos.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="political_salience",
    label="Pull of visible crises",
    section="Money",
    unit="gain",
    low=0.0,
    high=2.0,
    baseline=0.0,
    step=0.1,
    source="assumed; M81: direction",
    meaning="Part of the acute lines that is added to them, out of other lines, for each unit by which their load "
    "is above the usual.",
    axis="place",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.attention", lever="political_salience")
@kernel
def heed(w: World, path: np.ndarray, clock: Clock) -> None:
    w.rules.attention[0] = path[clock.month, 0]
