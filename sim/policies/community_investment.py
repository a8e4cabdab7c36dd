"""The budget of community services is multiplied, and neighbourhoods respond slowly.

Claim     granted[s] <- granted[s] * path for community services, for the part of them that belongs to the
          neighbourhoods aimed at. The money is new and not taken from another line.
Evidence  assumed; F17, F20 are upper bounds from weak designs, F18 a trial that found nothing.
Limits    This lever does not distinguish grown groups from commissioned groups; the whole model does.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.codes import COMMUNITY
from sim.state.updates import GROUP_COLUMNS, fund
from sim.state.world import World

LEVER = Lever(
    name="community_investment",
    label="Community investment",
    section="Money",
    unit="multiple of baseline",
    low=0.0,
    high=4.0,
    baseline=1.0,
    step=0.1,
    source="assumed; F17 [Frome], F18 [DeepEnd], F20 [LAC]",
    meaning="Multiplies the budget of community groups and link workers, with new money.",
    aims=("where",),
    pays="multiple",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads=f"services.granted services.tier {GROUP_COLUMNS}",
    writes="services.granted aims.offer aims.part aims.heads",
    after="total_budget cut_rule prevention_share acute_share",
    lever="community_investment",
)
@kernel
def invest(w: World, path: np.ndarray, clock: Clock) -> None:
    for s in range(w.services.granted.size):
        if w.services.tier[s] == COMMUNITY:
            fund(w, path, clock.month, s)
