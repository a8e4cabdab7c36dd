"""Services that can be reached online only exclude people who are not online.

Claim     rules.digital <- path: the share of requests that can be made online only (people/help_seeking.py).
Evidence  assumed.
Limits    The lever saves nothing; the automation lever releases staff time.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="digital_by_default",
    label="Services reached online only",
    section="Who gets in",
    unit="share of requests",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Share of requests for help that can be made online only.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.digital", lever="digital_by_default")
@kernel
def go_online(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.digital.size):
        w.rules.digital[n] = path[clock.month, n]
