"""Money moves upstream: preventive and community lines gain what responsive and acute lines lose.

Claim     In each silo a share x of its plan is moved; the gaining lines share it in proportion to their size, the
          losing lines give it in proportion to theirs. A losing side keeps at least a fifth of its plan. The total is
          unchanged.
Evidence  D02, D13, D17 show the shares and how far they moved in a decade (5 to 15 points).
Limits    A silo with no line on one of the sides is left alone.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import COMMUNITY, PREVENTIVE, World

LEVER = Lever(
    name="prevention_share",
    label="Share of spending moved upstream",
    section="Money",
    unit="share of budget",
    low=-0.05,
    high=0.1,
    baseline=0.0,
    step=0.005,
    source="D02 [Pulse], D13 [DS9],[Barn], D17 [IFS24]: shares moved by 3 to 15 points in a decade",
    meaning="Moves this share of the planned budget to preventive and community services, in every silo that has any.",
    kind="shift",
    axis="place",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="services.granted services.silo services.tier",
    writes="services.granted",
    after="total_budget cut_rule",
    lever="prevention_share",
)
@kernel
def move_upstream(w: World, path: np.ndarray, clock: Clock) -> None:
    services = w.services
    for f in range(w.money.shift.size):
        gaining, losing = 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    gaining += services.granted[s]
                else:
                    losing += services.granted[s]
        if gaining <= 0.0 or losing <= 0.0:
            continue
        moved = path[clock.month, 0] * (gaining + losing)
        moved = max(-0.8 * gaining, min(0.8 * losing, moved))
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    services.granted[s] *= 1.0 + moved / gaining
                else:
                    services.granted[s] *= 1.0 - moved / losing
