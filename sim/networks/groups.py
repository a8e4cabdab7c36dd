"""Community groups grow slowly where there is money and people for them, and fade faster when it goes.

Claim     dE/dt = (E* - E) / build if E < E*, (E* - E) / fade if E > E*; E* = (community money / its baseline)^lean;
          where money is for some neighbourhoods only, the money there.
Evidence  build, fade: assumed (M61: slow build, fast loss). lean: assumed, less than proportional.
Limits    One energy a neighbourhood; leaders, spread between neighbours and burnout come with the whole model.
"""

from __future__ import annotations

from sim.bookkeeping import offer_in
from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, number
from sim.state import COMMUNITY, World


class Groups(Params):
    """How groups answer to money."""

    build: float = number(48.0, low=24.0, high=96.0, unit="months", source="assumed", meaning="time to grow")
    fade: float = number(18.0, low=6.0, high=36.0, unit="months", source="assumed", meaning="time to fade")
    lean: float = number(
        0.5, low=0.2, high=1.0, unit="exponent", source="assumed", meaning="how far energy follows money"
    )


@mechanism(
    Phase.COMMUNITY, Groups, reads="services.plan aims.groups aims.group aims.offer aims.part", writes="places.energy"
)
@kernel
def grow(w: World, p: Groups, clock: Clock) -> None:
    services = w.services
    now, before = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY:
            now += services.plan[s]
            before += services.base_budget[s]
    target = (max(0.0, now) / before) ** p.lean if before > 0.0 else 1.0
    energy = w.places.energy
    for n in range(energy.size):
        if w.aims.groups[0] > 0:
            now = 0.0
            for s in range(services.domain.size):
                if services.tier[s] == COMMUNITY:
                    now += services.plan[s] * offer_in(w, s, n)
            target = (max(0.0, now) / before) ** p.lean if before > 0.0 else 1.0
        energy[n] += (target - energy[n]) / (p.build if energy[n] < target else p.fade)
