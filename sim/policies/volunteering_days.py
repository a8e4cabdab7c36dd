"""Employers give paid days for volunteering.

Claim     rules.volunteering_days <- path. Effects: networks/groups.py.
Evidence  M20: direction; size assumed.
Limits    Time to care for one's own family is a separate lever.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="volunteering_days",
    label="Paid volunteering days",
    section="Community",
    unit="days a year",
    low=0.0,
    high=12.0,
    baseline=0.0,
    step=1.0,
    source="assumed; M20: direction",
    meaning="Days a year for which every employer pays its staff to volunteer.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.volunteering_days", lever="volunteering_days")
@kernel
def free_time(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.volunteering_days.size):
        w.rules.volunteering_days[n] = path[clock.month, n]
