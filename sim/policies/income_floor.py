"""Every adult is paid a sum each week: a basic income, or higher benefits.

Claim     rules.income_floor <- path. Effects: networks/exposure.py. Cost: feedback/programme_costs.py.
Evidence  M20, M28: direction; size assumed.
Limits    Nobody works less or more because of the payment, and tax does not take it back.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="income_floor",
    label="Income floor",
    section="Outside services",
    unit="pounds a week for every adult",
    price_year="2023-24",
    low=0.0,
    high=100.0,
    baseline=0.0,
    step=5.0,
    source="assumed; M20, M28: direction",
    meaning="Payment to every adult each week, with new money.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.income_floor", lever="income_floor")
@kernel
def pay_everybody(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.income_floor.size):
        w.rules.income_floor[n] = path[clock.month, n]
