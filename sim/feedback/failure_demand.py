"""Everyone who asks has to be assessed, helped or not: who is turned away and asks again uses time meant for help.

Claim     asking[s] <- asking[s] + (requests this month / usual requests - asking[s]) / memory. What assessing takes
          from help: services/hours.py; that refused people ask again: people/help_seeking.py.
Evidence  B35, B36 (of referrals to children's social care 22 % come back within a year, 29 % are found not in need).
          memory: assumed. E27's 40 to 80 % of demand is an advocates' claim and is not used.
Limits    `usual` is what the place itself showed in the last `WATCHED` months before the first reported one, so that
          only a change counts. Every assessment takes as long as another.
"""

from __future__ import annotations

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.tables import ACUTE, World

WATCHED = 60
"""Months before the first reported one in which the usual is learnt."""


class FailureDemand(Params):
    """How requests are felt."""

    memory: float = number(
        6.0, low=1.0, high=24.0, unit="months", source="assumed", meaning="months over which requests are felt"
    )


@kernel
def learnt(usual: float, now: float, month: Int) -> float:
    """The running mean of what was seen since `WATCHED` months before the first reported one (or later)."""
    seen = WATCHED + month + 1
    if seen <= 0:
        return usual
    return now if usual <= 0.0 else usual + (now - usual) / seen


@mechanism(
    Phase.ACCOUNTS,
    FailureDemand,
    reads="tally.asked services.helped",
    writes="services.asking services.usual_asked services.usual_helped",
)
@kernel
def assess(w: World, p: FailureDemand, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.base_places[s] <= 0.0:
            continue
        asked = float(w.tally.asked[s].sum())
        if clock.month < 0:
            services.usual_asked[s] = learnt(services.usual_asked[s], asked, clock.month)
            services.usual_helped[s] = learnt(services.usual_helped[s], float(services.helped[s]), clock.month)
        elif services.usual_asked[s] > 0.0:
            services.asking[s] += (asked / services.usual_asked[s] - services.asking[s]) / p.memory
