"""How much of acute cost follows demand, and so how much money an avoided crisis saves.

Claim     rules.cashable <- path. Effects: services/spending.py.
Evidence  F05 [W1815]: GBP 3 of A&E cost per GBP 100 of care cut; size assumed.
Limits    The share is the same for all acute services.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="cashable",
    label="Acute cost that follows demand",
    section="Money",
    unit="share",
    low=0.0,
    high=0.8,
    baseline=0.4,
    baseline_range=(0.15, 0.7),
    baseline_source="assumed",
    step=0.05,
    source="assumed; F05 [W1815]: small",
    meaning="Share of acute cost that falls when demand falls and rises when demand rises. The rest is beds and "
    "buildings.",
    axis="place",
)


@mechanism(Phase.POLICY, NoParams, writes="rules.cashable", lever="cashable")
@kernel
def follow(w: World, path: np.ndarray, clock: Clock) -> None:
    w.rules.cashable[0] = path[clock.month, 0]
