"""Doors that are only online are shut to those who are not.

Claim     rules.digital <- path: part of asking that is possible online only (people/help_seeking.py).
Evidence  assumed.
Limits    Saves nothing here; staff time released is the automation lever's.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="digital_by_default",
    label="Services reached online only",
    section="Who gets in",
    unit="share of asking",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Part of asking for help that is possible only online.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.digital", lever="digital_by_default")
@kernel
def go_online(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.digital.size):
        w.rules.digital[n] = path[clock.month, n]
