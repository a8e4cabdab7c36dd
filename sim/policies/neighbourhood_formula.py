"""Who gets the places: per head, or by need, between neighbourhoods.

Claim     weight of a neighbourhood in every queue = (its fifth's serious need per head / the place's)^eta,
          eta being that of the neighbourhood.
Evidence  B15, B16 (less for deprived practices), F28; 0 is per head, above 0 equity, below 0 inverse care.
Limits    Acts on who is served first, not on where staff sit.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

LEVER = Lever(
    name="neighbourhood_formula",
    label="Weight of need between neighbourhoods",
    section="Who gets in",
    unit="exponent",
    low=-2.0,
    high=4.0,
    baseline=0.0,
    step=0.1,
    source="B15 [RCGP24], B16 [HFlevel], F28 [HFlevel]: direction; range assumed",
    meaning="0 serves every neighbourhood alike, above 0 favours those with more need, below 0 the reverse.",
    aims=("where",),
    axis="neighbourhood",
)


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="tally.census tally.people places.quintile",
    writes="places.weight",
    lever="neighbourhood_formula",
)
@kernel
def weigh(w: World, path: np.ndarray, clock: Clock) -> None:
    fifths = w.tally.people.shape[0]
    serious, people = np.zeros(fifths), np.zeros(fifths)
    for q in range(fifths):
        people[q] = max(1, w.tally.people[q].sum())
        for d in range(w.tally.census.shape[0]):
            serious[q] += w.tally.census[d, 2, q].sum()
    mean = max(1e-9, serious.sum() / people.sum())
    for n in range(w.places.weight.size):
        q = w.places.quintile[n]
        w.places.weight[n] = max(0.05, serious[q] / people[q] / mean) ** path[clock.month, n]
