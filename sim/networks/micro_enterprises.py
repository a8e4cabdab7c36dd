"""A catalyst helps local people to set up as small care providers, and home help becomes easier to find.

Claim     d(micro)/dt = (a catalyst's providers * catalysts - micro) / ripens, micro in places as a share of the
          baseline's; preventive care services have base_places * micro more places.
Evidence  M88 (Community Catalysts): direction. Sizes assumed: no row in the register.
Limits    Their places help as well as the service's own; their price stands in feedback/programme_costs.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.tables import CARE, PREVENTIVE, World


class MicroEnterprises(Params):
    """What a catalyst brings about."""

    providers: float = number(
        0.1,
        low=0.02,
        high=0.3,
        unit="share of places per catalyst per 100,000 people",
        source="assumed",
        meaning="home-help places, as a share of the baseline's, that a catalyst brings about",
    )
    ripens: float = number(24.0, low=6.0, high=60.0, unit="months", source="assumed", meaning="time until they are up")


@mechanism(
    Phase.WORKFORCE,
    MicroEnterprises,
    reads="services.domain services.tier services.base_places services.places services.micro rates.kind "
    "rules.micro_enterprise",
    writes="services.places services.micro",
    after="workforce groups_room knowhow",
)
@kernel
def set_up(w: World, p: MicroEnterprises, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.tier[s] == PREVENTIVE and w.rates.kind[services.domain[s]] == CARE:
            services.micro[s] += (p.providers * w.rules.micro_enterprise[0] - services.micro[s]) / p.ripens
            services.places[s] += services.base_places[s] * services.micro[s]
