"""Lay helpers work alongside paid staff if they are asked, until most people who could be recruited have been.

Claim     used = helpers at work / (pool * adults). Per worker: lay <- lay + (lay_staff - lay) / find * max(0, 1 - used)
          - quit * (1 + tiring * used) * lay, where the first term counts only while more are wanted.
Evidence  pool: A18 [CLS18], 22 % of adults volunteered monthly in 2017-18, about 16 % now (recalled): those who left.
          find, quit, tiring: assumed. Work and cost of helpers: services/hours.py, quality.py, workforce.py.
Limits    These are helpers of services only; community groups are separate. All helpers are alike.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World

ADULT = 4
"""The first age band of adults."""


class LayHelpers(Params):
    """Recruitment of lay helpers, and how long they stay."""

    pool: float = share(
        0.06,
        low=0.02,
        high=0.15,
        source="A18 [CLS18]: 22 % in 2017-18 less some 16 % now, recalled",
        meaning="adults who could be recruited as helpers beyond present volunteers",
    )
    find: float = number(
        12.0, low=3.0, high=36.0, unit="months", source="assumed", meaning="time to find, vet and train helpers"
    )
    quit: float = number(
        0.02, low=0.005, high=0.08, unit="share per month", source="assumed", meaning="helpers who stop in a month"
    )
    tiring: float = number(
        3.0,
        low=0.0,
        high=10.0,
        unit="multiple",
        source="assumed",
        meaning="how much more often they stop as the pool is used up",
    )


@mechanism(Phase.WORKFORCE, LayHelpers, reads="tally.people services.lay_staff services.workers", writes="services.lay")
@kernel
def find_helpers(w: World, p: LayHelpers, clock: Clock) -> None:
    services = w.services
    adults = w.tally.people[:, ADULT:].sum()
    helpers = 0.0
    for s in range(services.domain.size):
        helpers += services.lay[s] * services.workers[s]
    used = helpers / max(1.0, p.pool * adults)
    for s in range(services.domain.size):
        lay = services.lay[s]
        if services.workers[s] <= 0.0 or (lay == 0.0 and services.lay_staff[s] == 0.0):
            continue
        recruited = max(0.0, services.lay_staff[s] - lay) / p.find * max(0.0, 1.0 - used)
        services.lay[s] = max(0.0, lay + recruited - p.quit * (1.0 + p.tiring * used) * lay)
