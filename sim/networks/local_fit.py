"""A place that decides for itself can fit its services to its people's needs, if its practice is relational.

Claim     fit[n] moves by 1 / lag of the way a month towards 1 + devolution * (by_practice * (practice - 1) + varies *
          z) + by_voice * voice * (1 + organised * ties online), limited to lowest to highest. z in (-1, 1) is a chance
          effect of the neighbourhood that stays the same: local decisions alone do not change the mean of places, and
          change their spread by `varies`.
Evidence  M43, M80 (devolution is necessary, not sufficient), M41, M42: direction. Sizes assumed.
Limits    The content of decisions is not modelled, only how well it fits. Slower decisions appear as the lag.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World

DECISIONS = stream("how well a place decides")


class LocalFit(Params):
    """Effects of local decisions and resident voice on fit, and the range of fit."""

    by_practice: float = number(
        0.5,
        low=0.0,
        high=1.0,
        unit="fit per unit of practice",
        source="assumed; M80: direction",
        meaning="fit gained by full devolution for each unit of practice above the baseline",
    )
    varies: float = share(
        0.2,
        low=0.0,
        high=0.4,
        source="assumed; M43: direction",
        meaning="variation of fit between places that decide for themselves",
    )
    by_voice: float = share(
        0.04,
        low=0.0,
        high=0.1,
        source="assumed; M42: direction",
        meaning="fit gained if residents are heard on all decisions",
    )
    organised: float = number(
        0.5,
        low=0.0,
        high=1.5,
        unit="multiple per tie",
        source="assumed; M41: direction",
        meaning="rise in the effect of voice where people with a need in common meet online",
    )
    lag: float = number(
        24.0, low=6.0, high=60.0, unit="months", source="assumed", meaning="time for fit to follow its causes"
    )
    lowest: float = number(
        0.7, low=0.4, high=0.9, unit="1 = baseline", source="assumed", meaning="lowest fit that a place moves towards"
    )
    highest: float = number(
        1.3, low=1.1, high=1.6, unit="1 = baseline", source="assumed", meaning="highest fit that a place moves towards"
    )


@kernel
def target_fit(w: World, p: LocalFit, seed: np.uint64, n: int) -> float:
    """The fit that neighbourhood n moves towards."""
    z = 2.0 * uniform(month_key(seed, DECISIONS, 0), n) - 1.0
    local = p.by_practice * (w.places.practice[n] - 1.0) + p.varies * z
    voice = p.by_voice * w.rules.voice[n] * (1.0 + p.organised * w.rules.digital_ties[n])
    target: float = 1.0 + w.rules.devolution[n] * local + voice
    return min(p.highest, max(p.lowest, target))


@mechanism(
    Phase.COMMUNITY,
    LocalFit,
    reads="places.practice places.fit rules.devolution rules.voice rules.digital_ties",
    writes="places.fit",
    after="exposure",
)
@kernel
def update_fit(w: World, p: LocalFit, clock: Clock) -> None:
    fit = w.places.fit
    n: Int
    for n in range(fit.size):
        fit[n] += (target_fit(w, p, clock.seed, n) - fit[n]) / p.lag
