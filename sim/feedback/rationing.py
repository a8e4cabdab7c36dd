"""When the queue grows, the threshold goes up; when it shortens, it comes down.

Claim     wait <- wait + (queue / starts - wait) / memory, starts = base_places * posts * flow (how often a place falls
          free); pressure = (wait / wait_base)^stiffness, the ratio kept within 0.05 to 20; refusals are multiplied by
          it.
Evidence  Direction: B20 (of children referred 39 % closed before treatment while 28 % wait), D16-D18. stiffness:
          assumed.
Limits    Refusals follow the wait of the place as a whole.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.tables import ACUTE, World


class Rationing(Params):
    """How thresholds answer to queues."""

    stiffness: float = number(
        0.25, low=0.0, high=1.0, unit="exponent", source="assumed", meaning="how far refusals follow waits"
    )
    memory: float = number(
        12.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="months that are averaged"
    )


@mechanism(
    Phase.BUDGET,
    Rationing,
    reads="services.queue services.posts services.base_places",
    writes="services.wait services.pressure",
)
@kernel
def ration(w: World, p: Rationing, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.base_places[s] <= 0.0 or services.wait_base[s] <= 0.0:
            continue
        # Starts a month, by the places' own turnover: a smooth figure where counts are small.
        starts = services.base_places[s] * max(1e-9, services.posts[s]) * services.flow[s]
        now = services.queue[s] / max(1e-9, starts)
        services.wait[s] += (now - services.wait[s]) / p.memory
        relative = min(20.0, max(0.05, services.wait[s] / services.wait_base[s]))
        services.pressure[s] = relative**p.stiffness
