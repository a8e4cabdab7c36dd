"""A shock: more old people, fewer young ones, as a large generation grows old.

Claim     age_mix[q, b] <- the baseline's * (1 + path) from 65 on, younger bands being lowered alike so that as many
          people live here. Moves follow the mix.
Evidence  A06, M49: direction; size assumed.
Limits    Who lives here follows within some years, as homes are let; the old are as healthy as before for their age.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="ageing_wave",
    label="Ageing wave",
    section="Shocks",
    unit="share more people of 65 and over",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed; A06 [DS1]: 18.5 % of people are 65 or over",
    meaning="How many more people of 65 and over there are, in as large a place.",
    axis="place",
)
OLD = 7
"""First age band of the old, from 65."""


@mechanism(Phase.POLICY, NoParams, reads="places.base_mix", writes="places.age_mix", lever="ageing_wave")
@kernel
def age(w: World, path: np.ndarray, clock: Clock) -> None:
    mix, base = w.places.age_mix, w.places.base_mix
    wave = path[clock.month, 0]
    for q in range(mix.shape[0]):
        old, young = 0.0, 0.0
        for b in range(mix.shape[1]):
            if b >= OLD:
                old += base[q, b]
            else:
                young += base[q, b]
        more = min(wave * old, 0.9 * young)
        for b in range(mix.shape[1]):
            if b >= OLD:
                mix[q, b] = base[q, b] * (1.0 + more / old if old > 0.0 else 1.0)
            else:
                mix[q, b] = base[q, b] * (1.0 - more / young if young > 0.0 else 1.0)
