"""A shock: more people than usual are out of work.

Claim     rules.unemployment <- path. Effects: networks/exposure.py.
Evidence  E16 [Benn20], E13 [ONSflow].
Limits    The effect of a recession on public budgets is a separate lever (total_budget).
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="recession",
    label="Recession",
    section="Shocks",
    unit="percentage points of unemployment",
    low=0.0,
    high=6.0,
    baseline=0.0,
    step=0.5,
    source="E16 [Benn20]: for each point; range assumed",
    meaning="Unemployment above the usual level, in percentage points.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.unemployment", lever="recession")
@kernel
def lay_off(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.unemployment.size):
        w.rules.unemployment[n] = path[clock.month, n]
