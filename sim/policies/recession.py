"""A shock: more people are out of work than usual.

Claim     rules.unemployment <- path. What it does: networks/exposure.py.
Evidence  E16 [Benn20], E13 [ONSflow].
Limits    What a recession does to public budgets is a lever of its own (total_budget).
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="recession",
    label="Recession",
    section="Shocks",
    unit="points of unemployment",
    low=0.0,
    high=6.0,
    baseline=0.0,
    step=0.5,
    source="E16 [Benn20]: for each point; range assumed",
    meaning="Unemployment above the usual, in percentage points.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.unemployment", lever="recession")
@kernel
def lay_off(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.unemployment.size):
        w.rules.unemployment[n] = path[clock.month, n]
