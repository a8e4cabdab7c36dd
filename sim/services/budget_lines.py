"""Each service has a budget line: the baseline's, until a policy changes it.

Claim     granted[s] = base_budget[s] every month, before policies act on it. refused[s] = refused_base[s] *
          pressure[s], 0.95 at most. No group of people is offered more or less, or refused more often, than others.
Evidence  D01-D22 for the sizes (catalogue). Real terms.
Limits    Pay and prices move with the deflator. What overspends take and savings add: feedback/overspend_recovery.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.state.tables import World

HIGHEST = 0.95
"""No larger share of requests is turned away."""


@mechanism(
    Phase.BUDGET,
    NoParams,
    reads="services.pressure",
    writes="services.granted services.refused aims.offer aims.refuse aims.ask",
    after="rationing",
)
@kernel
def draw_up(w: World, p: NoParams, clock: Clock) -> None:
    services = w.services
    for s in range(services.granted.size):
        services.granted[s] = services.base_budget[s]
        services.refused[s] = min(HIGHEST, services.refused_base[s] * services.pressure[s])
    if w.aims.groups[0] > 0:
        w.aims.offer[:] = 1.0
        w.aims.refuse[:] = 0.0
        w.aims.ask[:] = 1.0
