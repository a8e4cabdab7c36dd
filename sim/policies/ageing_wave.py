"""A shock: a large generation grows old, so the place has more old people and fewer young people.

Claim     age_mix[q, b] <- the baseline's * (1 + path) from age 65. The younger bands fall in the same proportion to one
          another, so that the number of residents is unchanged. The old gain at most most_replaced of the number of
          younger people in their fifth. Moves follow the mix.
Evidence  A06, M49: direction; size assumed. most_replaced: assumed.
Limits    Residents follow the mix within some years, as homes are let. Old people are as healthy for their age as
          before.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever
from sim.schema.quantities import Params, share
from sim.state.columns import A, column
from sim.state.world import World

LEVER = Lever(
    name="ageing_wave",
    label="Ageing wave",
    section="Shocks",
    unit="share more people aged 65 and over",
    low=0.0,
    high=0.5,
    baseline=0.0,
    step=0.05,
    source="assumed; A06 [DS1]: 18.5 % of people are 65 or over",
    meaning="Share by which the number of people aged 65 and over rises, in a place of the same size.",
    axis="place",
)
OLD = 7
"""First age band of old people, from 65."""


class AgeingWave(Params):
    """The bound of the wave."""

    most_replaced: float = share(
        0.9,
        low=0.5,
        high=0.98,
        source="assumed",
        meaning="largest share of the younger people of a fifth that old people can replace",
    )


class AgeingWaveState(NamedTuple):
    """The age mix without the wave."""

    base_mix: Annotated[A, column("f8", "quintile band", "people", "the age mix at baseline")]

    def start(self, w: World) -> None:
        """Note the age mix of the baseline."""
        self.base_mix[:] = w.places.age_mix


@mechanism(
    Phase.POLICY,
    AgeingWave,
    state=AgeingWaveState,
    reads="ageing_wave.base_mix",
    writes="places.age_mix",
    lever="ageing_wave",
)
@kernel
def age(w: World, setting: tuple[np.ndarray, AgeingWave], clock: Clock) -> None:
    path, p = setting
    state: AgeingWaveState = w.private.ageing_wave
    mix, base = w.places.age_mix, state.base_mix
    wave = path[clock.month, 0]
    for q in range(mix.shape[0]):
        old, young = 0.0, 0.0
        for b in range(mix.shape[1]):
            if b >= OLD:
                old += base[q, b]
            else:
                young += base[q, b]
        more = min(wave * old, p.most_replaced * young)
        for b in range(mix.shape[1]):
            if b >= OLD:
                mix[q, b] = base[q, b] * (1.0 + more / old if old > 0.0 else 1.0)
            else:
                mix[q, b] = base[q, b] * (1.0 - more / young if young > 0.0 else 1.0)
