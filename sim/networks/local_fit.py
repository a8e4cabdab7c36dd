"""A place that decides for itself can fit what it offers to what its people need, if its practice is relational.

Claim     fit[n] moves by 1 / lag of the way a month towards 1 + devolution * (by_practice * (practice - 1) + varies *
          z) + by_voice * voice * (1 + organised * ties online), z in (-1, 1) the neighbourhood's own luck: deciding
          locally alone moves the mean of places by nothing and their spread by `varies`.
Evidence  M43, M80 (devolution is necessary, not sufficient), M41, M42: direction. Sizes assumed.
Limits    Headed for 0.7 to 1.3 at the utmost. What is decided is not modelled, only how well it suits. Slower decisions
          show as the lag.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import World

LUCK = stream("how well a place decides")
LEAST, MOST = 0.7, 1.3
"""No fit lies beyond."""


class LocalFit(Params):
    """What local decisions and resident voice do."""

    by_practice: float = number(
        0.5,
        low=0.0,
        high=1.0,
        unit="fit per unit of practice",
        source="assumed; M80: direction",
        meaning="fit gained by full devolution for each unit of practice above the baseline",
    )
    varies: float = share(
        0.2, low=0.0, high=0.4, source="assumed; M43: direction", meaning="how far places that decide alone differ"
    )
    by_voice: float = share(
        0.04, low=0.0, high=0.1, source="assumed; M42: direction", meaning="fit gained if residents are heard on all"
    )
    organised: float = number(
        0.5,
        low=0.0,
        high=1.5,
        unit="multiple per tie",
        source="assumed; M41: direction",
        meaning="how much more voice does where people with a need in common find each other online",
    )
    lag: float = number(24.0, low=6.0, high=60.0, unit="months", source="assumed", meaning="time until fit follows")


@kernel
def wanted_fit(w: World, p: LocalFit, seed: np.uint64, n: int) -> float:
    """Where fit is heading in neighbourhood n."""
    luck = 2.0 * uniform(month_key(seed, LUCK, 0), n) - 1.0
    local = p.by_practice * (w.places.practice[n] - 1.0) + p.varies * luck
    heard = p.by_voice * w.rules.voice[n] * (1.0 + p.organised * w.rules.digital_ties[n])
    wanted: float = 1.0 + w.rules.devolution[n] * local + heard
    return min(MOST, max(LEAST, wanted))


@mechanism(
    Phase.COMMUNITY,
    LocalFit,
    reads="places.practice places.fit places.first rules.devolution rules.voice rules.digital_ties",
    writes="places.fit",
    after="exposure",
)
@kernel
def suit(w: World, p: LocalFit, clock: Clock) -> None:
    fit = w.places.fit
    n: Int
    for n in range(fit.size):
        fit[n] += (wanted_fit(w, p, clock.seed, n) - fit[n]) / p.lag
