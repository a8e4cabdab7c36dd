"""People who have a say in their help take part in it: slowly at first, and for years after the offer ends.

Claim     reached = min(1, coproduction * mean trust / baseline trust); coproduced <- coproduced + (reached -
          coproduced) / learn if reached is above it, / forget if below. Coproduction makes help fit
          (services/quality.py) and takes time (services/hours.py).
Evidence  assumed; M21, M58, M73, M90 give the direction: uptake depends on trust, and what was made together lasts.
Limits    The place has one level of trust, from a sample of its people. Uptake does not differ between people.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import EMPTY_SLOT, REFERENCE_TRUST
from sim.state.world import World

SAMPLE_SIZE = 20_000
"""Slots whose trust is averaged, about."""


class CoproductionUptake(Params):
    """How fast coproduction is taken up and lost."""

    learn: float = number(
        12.0, low=6.0, high=36.0, unit="months", source="assumed", meaning="months to take up coproduction"
    )
    forget: float = number(
        36.0,
        low=12.0,
        high=120.0,
        unit="months",
        source="assumed",
        meaning="months for coproduction to fade after the offer",
    )


@kernel
def mean_trust(w: World) -> float:
    """Mean trust, 0 to 1, of a sample of people."""
    age, trust = w.people.age, w.people.trust
    step = max(1, age.size // SAMPLE_SIZE)
    total, people = 0.0, 0
    for i in range(0, age.size, step):
        if age[i] != EMPTY_SLOT:
            total += np.float64(trust[i])
            people += 1
    return total / max(1, people)


@mechanism(
    Phase.WORKFORCE,
    CoproductionUptake,
    reads="people.age people.trust services.coproduction",
    writes="services.coproduced",
)
@kernel
def update_uptake(w: World, p: CoproductionUptake, clock: Clock) -> None:
    services = w.services
    if services.coproduction.max() <= 0.0 and services.coproduced.max() <= 0.0:
        return
    relative_trust = mean_trust(w) / REFERENCE_TRUST
    for s in range(services.domain.size):
        gap = min(1.0, services.coproduction[s] * relative_trust) - services.coproduced[s]
        services.coproduced[s] += gap / (p.learn if gap > 0.0 else p.forget)
