"""Children's centres and schools reach every child around them, not only the children they help by name.

Claim     Children of the ages a centre serves gain childhood * (coverage - 1) * gradient of resilience a year, gradient
          being 1 + steep * (shape by fifth - 1), coverage = (1 + half) * posts / (posts + half): the nearer to
          everybody, the less another centre adds. Infants' serious illness is found sooner: admissions under 2 rise by
          signpost * (coverage - 1) * gradient, where that is above 0. School children gain what policy makes schools
          give, and a little where parks teach.
Evidence  childhood, signpost: catalogue (F01-F03). gradient: F02 [IFSss19]: admissions at 11 fall by 19 % in the
          poorest 30 % of areas and not at all in the richest. steep: 1 fits them. half: assumed.
Limits    All children of a neighbourhood gain alike. The gain that a closed centre no longer gives is lost only to the
          children of that time.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import AGE_BANDS, Params, number
from sim.state.updates import offer_to
from sim.state.world import World

GRADIENT = np.array([2.0, 1.5, 1.0, 0.4, 0.1])
"""Gain by deprivation fifth, most deprived first, mean 1: the shape that fits F02's two ends."""
SCHOOL_AGE = np.array([first >= 5 and last <= 17 for first, last in AGE_BANDS])


class ChildServices(Params):
    """Gains of children, and how reach grows with posts."""

    half: float = number(
        2.0,
        low=0.5,
        high=5.0,
        unit="multiples of baseline posts",
        source="assumed",
        meaning="posts at which centres reach half of what they could at most",
    )
    steep: float = number(
        1.0,
        low=0.0,
        high=1.1,
        unit="multiple",
        source="F02 [IFSss19]",
        meaning="how far the gain follows deprivation, as a multiple of the published gradient",
    )
    parks: float = number(
        0.001,
        low=0.0,
        high=0.004,
        unit="log hazard units a year",
        source="assumed; M35: direction",
        meaning="resilience school children gain a year from a full programme for parks that teach",
    )


@kernel
def coverage(p: ChildServices, posts: float) -> float:
    """Reach of a universal offer with so many posts; both 1 at baseline."""
    return (1.0 + p.half) * posts / (posts + p.half)


@mechanism(
    Phase.COMMUNITY,
    ChildServices,
    reads="aims.groups aims.group aims.offer aims.part services.posts services.childhood services.signpost "
    "services.bands places.quintile rules.schooling rules.air_and_activity",
    writes="places.nurture places.infants",
)
@kernel
def nurture(w: World, p: ChildServices, clock: Clock) -> None:
    services, places = w.services, w.places
    for n in range(places.quintile.size):
        gradient = p.steep * GRADIENT[places.quintile[n]] + (1.0 - p.steep)
        places.infants[n] = 0.0
        for b in range(places.nurture.shape[0]):
            school_gain = w.rules.schooling[n] + p.parks * w.rules.air_and_activity[n]
            places.nurture[b, n] = school_gain if SCHOOL_AGE[b] else 0.0
            for s in range(services.domain.size):
                if services.childhood[s] > 0.0 and services.bands[s, b] == 1:
                    added = coverage(p, services.posts[s] * offer_to(w, s, n, b)) - 1.0
                    places.nurture[b, n] += services.childhood[s] * added * gradient
                    if b == 0:
                        places.infants[n] += max(0.0, services.signpost[s] * added * gradient)
