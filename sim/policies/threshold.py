"""The share of requests to responsive services that is turned away.

Claim     refused[s] <- clip(refused[s] + path - baseline, 0, most_refused) for responsive services, most_refused being
          that of services/budget_lines.py. Where the lever is aimed at some people, only their requests are affected.
Evidence  B20 (39 % of CAMHS referrals closed), B36 (29 % assessed not in need), B23.
Limits    Refusal is random among requests at the level served. Refusing saves assessment time only in the whole model.
          Never read a refusal as a saving without its effect on crises.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.codes import RESPONSIVE
from sim.state.world import World

LEVER = Lever(
    name="threshold",
    label="Share of requests turned away",
    section="Who gets in",
    unit="share of requests",
    low=0.0,
    high=0.8,
    baseline=0.35,
    baseline_range=(0.29, 0.39),
    step=0.01,
    source="B20 [CC24], B36 [DS7],[CIN24]: 29 to 39 %",
    meaning="Share of requests that responsive services turn away. Each service changes by the same number of "
    "percentage points.",
    aims=("service", "where", "who"),
    acts_on=("responsive",),
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="services.refused services.tier aims.groups rules.most_refused rules.usual_refused",
    writes="services.refused aims.refuse",
    lever="threshold",
)
@kernel
def move(w: World, path: np.ndarray, clock: Clock) -> None:
    services, baseline, most = w.services, w.rules.usual_refused[0], w.rules.most_refused[0]
    for s in range(services.refused.size):
        if services.tier[s] == RESPONSIVE:
            moved = services.refused[s] + (path[clock.month, s] - baseline)
            services.refused[s] = min(most, max(0.0, moved))
            for g in range(1, w.aims.groups[0]):
                column = g * services.refused.size + s
                w.aims.refuse[g, s] += path[clock.month, column] - path[clock.month, s]
