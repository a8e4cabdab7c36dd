"""A catalyst helps local people to set up as small care providers, so that home help becomes easier to find.

Claim     d(micro)/dt = (a catalyst's providers * catalysts - micro) / ripens, micro in places as a share of those of
          the baseline. Preventive care services have base_places * micro more places.
Evidence  M88 (Community Catalysts): direction. Sizes assumed: no row in the register.
Limits    The places help as well as those of the service itself. Their price: feedback/programme_costs.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import CARE, PREVENTIVE
from sim.state.world import World


class MicroEnterprises(Params):
    """The providers that a catalyst helps to set up."""

    providers: float = number(
        0.1,
        low=0.02,
        high=0.3,
        unit="share of places per catalyst per 100,000 people",
        source="assumed",
        meaning="home-help places, as a share of those of the baseline, that result from a catalyst",
    )
    ripens: float = number(
        24.0, low=6.0, high=60.0, unit="months", source="assumed", meaning="time until the providers are set up"
    )


@mechanism(
    Phase.WORKFORCE,
    MicroEnterprises,
    reads="services.domain services.tier services.base_places services.places services.micro rates.kind "
    "rules.micro_enterprise",
    writes="services.places services.micro",
    after="workforce groups_room knowhow",
)
@kernel
def add_places(w: World, p: MicroEnterprises, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.tier[s] == PREVENTIVE and w.rates.kind[services.domain[s]] == CARE:
            services.micro[s] += (p.providers * w.rules.micro_enterprise[0] - services.micro[s]) / p.ripens
            services.places[s] += services.base_places[s] * services.micro[s]
