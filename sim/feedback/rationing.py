"""When the queue grows, more people are turned away; when it shortens, fewer are.

Claim     wait <- wait + (queue / starts - wait) / memory, starts = base_places * posts * flow (how often a place
          becomes free); pressure = clip(wait / wait_base, least_wait, most_wait)^stiffness. Refusals are multiplied by
          pressure.
Evidence  Direction: B20 (of children referred 39 % closed before treatment while 28 % wait), D16-D18. stiffness and the
          bounds: assumed.
Limits    Refusals follow the wait of the place as a whole.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World


class Rationing(Params):
    """How far refusals follow queues."""

    stiffness: float = number(
        0.25, low=0.0, high=1.0, unit="exponent", source="assumed", meaning="how far refusals follow waits"
    )
    memory: float = number(
        12.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="months over which waits are averaged"
    )
    least_wait: float = number(
        0.05,
        low=0.01,
        high=0.2,
        unit="multiple of baseline",
        source="assumed",
        meaning="shortest wait that refusals respond to",
    )
    most_wait: float = number(
        20.0,
        low=5.0,
        high=50.0,
        unit="multiple of baseline",
        source="assumed",
        meaning="longest wait that refusals respond to",
    )


class RationingState(NamedTuple):
    """The wait to which refusals respond."""

    wait: Annotated[A, column("f8", "service", "months", "smoothed mean wait")]

    def start(self, w: World) -> None:
        """Begin with the wait at baseline."""
        self.wait[:] = w.services.wait_base


@mechanism(
    Phase.BUDGET,
    Rationing,
    state=RationingState,
    reads="services.queue services.posts services.base_places",
    writes="rationing.wait services.pressure",
)
@kernel
def ration(w: World, p: Rationing, clock: Clock) -> None:
    services = w.services
    state: RationingState = w.private.rationing
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.base_places[s] <= 0.0 or services.wait_base[s] <= 0.0:
            continue
        # Starts a month, from the turnover of places: a smooth figure where counts are small.
        starts = services.base_places[s] * max(1e-9, services.posts[s]) * services.flow[s]
        now = services.queue[s] / max(1e-9, starts)
        state.wait[s] += (now - state.wait[s]) / p.memory
        relative = min(p.most_wait, max(p.least_wait, state.wait[s] / services.wait_base[s]))
        services.pressure[s] = relative**p.stiffness
