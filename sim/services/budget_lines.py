"""Each service has a budget line: the baseline's, until a policy changes it.

Claim     granted[s] = base_budget[s] every month, before policies act on it. refused[s] = min(most_refused,
          refused_base[s] * pressure[s]). No group of people is offered more or less, or refused more often, than
          others.
Evidence  D01-D22 for the sizes (catalogue). Real terms. most_refused: assumed.
Limits    Pay and prices move with the deflator. Money that overspends take and savings add:
          feedback/overspend_recovery.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, share
from sim.state.world import World


class BudgetLines(Params):
    """The bound of refusals."""

    most_refused: float = share(
        0.95, low=0.8, high=0.99, source="assumed", meaning="largest share of requests that is turned away"
    )


@mechanism(
    Phase.BUDGET,
    BudgetLines,
    reads="services.pressure",
    writes="services.granted services.refused aims.offer aims.refuse aims.ask",
    after="rationing",
)
@kernel
def set_baseline_lines(w: World, p: BudgetLines, clock: Clock) -> None:
    services = w.services
    for s in range(services.granted.size):
        services.granted[s] = services.base_budget[s]
        services.refused[s] = min(p.most_refused, services.refused_base[s] * services.pressure[s])
    if w.aims.groups[0] > 0:
        w.aims.offer[:] = 1.0
        w.aims.refuse[:] = 0.0
        w.aims.ask[:] = 1.0
