"""A crisis lowers resilience, most in childhood; a parent's need lowers a child's resilience, early help raises it.

Claim     A crisis: R <- R - scar * (child_factor if under 18) * (1 + harm * overload of the service that took it)
          * (1 - network * share of crises in which the person's own network is brought in). Where an alternative to
          the usual service took the crisis, the factor of that service applies in addition.
          Every birthday month: R <- R * (1 - fade). A child whose reference person has serious need loses `parent`. A
          child who is helped in any domain gains `early_help`. Every child gains the contribution of children's centres
          and schools beyond the baseline (services/child_services.py). An adult who lives with a person whose serious
          care need is not helped loses `carer` * (1 - time to care). R is then limited to -most_deviation to
          most_deviation.
Evidence  Sign and slowness: F01-F03 (Sure Start: hospital use at 11-15 falls 8 %, custody by 16 by 20 %), F08.
          Sizes: assumed, so that effects stay within those natural experiments. carer: assumed.
Limits    One resilience for all domains. R is in units of the log hazard: R = 0.1 lowers every hazard by a tenth.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import EMPTY_SLOT, RESILIENCE_ONLY, WAITING
from sim.state.updates import birthday_slots
from sim.state.world import World


class Resilience(Params):
    """What raises and lowers resilience."""

    scar: float = number(
        0.10, low=0.0, high=0.25, unit="log hazard units", source="assumed", meaning="resilience lost by a crisis"
    )
    child_factor: float = number(
        2.0,
        low=1.0,
        high=4.0,
        unit="multiplier",
        source="assumed",
        meaning="factor on the resilience lost by a crisis before 18",
    )
    fade: float = number(
        0.08,
        low=0.03,
        high=0.3,
        unit="share per year",
        source="assumed: F01 [IFSss] measures at 11-15 the effect of help before 5, so most of it lasts ten years",
        meaning="part of the distance to the set-point covered in a year",
    )
    parent: float = number(
        0.02,
        low=0.0,
        high=0.06,
        unit="log hazard units per year",
        source="assumed",
        meaning="resilience a child loses in a year with a parent in serious need",
    )
    early_help: float = number(
        0.03,
        low=0.0,
        high=0.08,
        unit="log hazard units per year",
        source="assumed, bounded by F01-F03",
        meaning="resilience a child gains in a year of being helped",
    )
    carer: float = number(
        0.02,
        low=0.0,
        high=0.06,
        unit="log hazard units per year",
        source="assumed; A12, E18 show what strain and isolation cost",
        meaning="resilience an adult loses in a year of living with a person who has serious care need and no help",
    )
    network: float = share(
        0.3,
        low=0.0,
        high=0.6,
        source="assumed; F22 [ODD]: no published size for Open Dialogue yet",
        meaning="cut in the resilience lost where the person's own network is brought into the crisis",
    )
    most_deviation: float = number(
        1.0,
        low=0.5,
        high=2.0,
        unit="log hazard units",
        source="assumed",
        meaning="largest deviation of resilience from its set-point, up or down, after a birthday",
    )


@kernel
def is_strained(w: World, i: Int) -> bool:
    """Whether another person in the home has serious care need without help."""
    people = w.people
    home = np.int64(people.dwelling[i])
    for d in range(people.level.shape[0]):
        if w.rates.informal[d] == 1:
            for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
                if people.level[d, j] == 2 and j != i and people.age[j] != EMPTY_SLOT:
                    if not 0 < np.int64(people.help[d, j]) < WAITING:
                        return True
    return False


@mechanism(
    Phase.MEMORY,
    Resilience,
    reads="screen.event_row screen.event_domain screen.event_to screen.events people.level people.worst people.help "
    "people.age people.band people.neighbourhood screen.event_service dwellings.head services.overload "
    "services.scar services.crisis_share places.nurture rules.time_to_care rules.network_crisis",
    writes="people.resilience people.changed",
    by_part=True,
)
@kernel
def update_resilience(w: World, p: Resilience, clock: Clock) -> None:
    people, services = w.people, w.services
    i: Int
    d: Int
    for k in range(w.screen.events[0]):
        if w.screen.event_to[k] == 3:
            i, d = np.int64(w.screen.event_row[k]), np.int64(w.screen.event_domain[k])
            harm = 0.0
            for s in range(services.domain.size):
                if services.domain[s] == d:
                    harm += services.crisis_share[s, people.band[i]] * services.harm[s] * services.overload[s]
            depth = p.scar * (p.child_factor if people.age[i] < 18 else 1.0) * (1.0 + harm)
            depth *= 1.0 - p.network * w.rules.network_crisis[people.neighbourhood[i]]
            if w.screen.event_service[k] >= 0:
                depth *= services.scar[w.screen.event_service[k]]
            people.resilience[i] = np.float32(people.resilience[i] - depth)
            people.changed[i] |= np.uint8(RESILIENCE_ONLY)
    first, last = birthday_slots(w, clock.month)
    for i in range(first, last, 12):
        if people.age[i] == EMPTY_SLOT:
            continue
        r = people.resilience[i] * (1.0 - p.fade)
        if people.age[i] < 18:
            if people.worst[w.dwellings.head[people.dwelling[i]]] >= 2:
                r -= p.parent
            helped = False
            for d in range(people.level.shape[0]):
                helped = helped or 0 < people.help[d, i] < WAITING
            if helped:
                r += p.early_help
            r += w.places.nurture[people.band[i], people.neighbourhood[i]]
        elif p.carer > 0.0 and is_strained(w, i):
            r -= p.carer * (1.0 - w.rules.time_to_care[people.neighbourhood[i]])
        r = min(p.most_deviation, max(-p.most_deviation, r))
        if r < min(people.resilience[i], 0.0):  # a loss; the bounds already allow for a return to 0
            people.changed[i] |= np.uint8(RESILIENCE_ONLY)
        people.resilience[i] = np.float32(r)
