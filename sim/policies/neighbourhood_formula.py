"""How places are shared between neighbourhoods: equally for each person who waits, or by need.

Claim     weight of a neighbourhood in every queue = (serious need per head in its fifth / that of the whole place)^eta,
          eta being the neighbourhood's. The ratio counts as at least least_need.
Evidence  B15, B16 (less for deprived practices), F28; 0 is per head, above 0 equity, below 0 inverse care. least_need:
          assumed.
Limits    The formula acts on who is served first, not on where staff work.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever
from sim.schema.quantities import Params, share
from sim.state.world import World

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
    meaning="0 treats every neighbourhood alike, above 0 favours neighbourhoods with more need, below 0 the reverse.",
    aims=("where",),
    axis="neighbourhood",
)


class NeighbourhoodFormula(Params):
    """The bound of the ratio."""

    least_need: float = share(
        0.05,
        low=0.01,
        high=0.2,
        source="assumed",
        meaning="lowest need of a fifth per head, over the mean of the place, that the weight counts",
    )


@mechanism(
    Phase.POLICY,
    NeighbourhoodFormula,
    reads="tally.census tally.people places.quintile",
    writes="places.weight",
    lever="neighbourhood_formula",
)
@kernel
def weigh(w: World, setting: tuple[np.ndarray, NeighbourhoodFormula], clock: Clock) -> None:
    path, p = setting
    fifths = w.tally.people.shape[0]
    serious, people = np.zeros(fifths), np.zeros(fifths)
    for q in range(fifths):
        people[q] = max(1, w.tally.people[q].sum())
        for d in range(w.tally.census.shape[0]):
            serious[q] += w.tally.census[d, 2, q].sum()
    mean = max(1e-9, serious.sum() / people.sum())
    for n in range(w.places.weight.size):
        q = w.places.quintile[n]
        w.places.weight[n] = max(p.least_need, serious[q] / people[q] / mean) ** path[clock.month, n]
