"""What no law demands is closed first, and when it opens again nobody knows how it was done.

Claim     Where a silo is granted less than at baseline, statutory services that are not acute get back `first` of what
          they would lose (or of what the silo lacks, if that is less), out of the lines of services no law demands, in
          proportion to their size; the total is unchanged. Know-how of such a service falls to posts / margin in
          `forgets` months and returns in `relearns`; on reopening, places <- places * know-how / (posts / margin),
          where below 1.
Evidence  D12, D18: youth and Sure Start -70 %, family support +43 %; M25: direction. Sizes assumed.
Limits    A pilot is a whole service here. At least a tenth of each line is left.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, World


class NonStatutoryClosure(Params):
    """How the law protects, and how fast work is forgotten."""

    first: float = share(
        0.2,
        low=0.0,
        high=0.8,
        source="assumed; D12 [PBE], D18 [IFS24]: direction",
        meaning="part of a statutory line's cut that others bear",
    )
    margin: float = share(
        0.5, low=0.3, high=0.8, source="assumed", meaning="part of baseline posts that keeps the know-how alive"
    )
    forgets: float = number(9.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="time to forget")
    relearns: float = number(36.0, low=12.0, high=72.0, unit="months", source="assumed", meaning="time to learn again")


@kernel
def at_risk(w: World, s: int) -> bool:
    """Whether no law demands the service."""
    unprotected: bool = w.services.tier[s] != ACUTE and w.services.statutory[s] == 0
    return unprotected


@mechanism(
    Phase.POLICY,
    NonStatutoryClosure,
    reads="services.granted services.base_budget services.silo services.tier services.statutory",
    writes="services.granted",
    after="total_budget cut_rule prevention_share acute_share community_investment service_budget grant",
)
@kernel
def close_first(w: World, p: NonStatutoryClosure, clock: Clock) -> None:
    services = w.services
    for f in range(w.money.shift.size):
        missing, lost, exposed = 0.0, 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                missing += services.base_budget[s] - services.granted[s]
                if at_risk(w, s):
                    exposed += services.granted[s]
                elif services.tier[s] != ACUTE:
                    lost += max(0.0, services.base_budget[s] - services.granted[s])
        moved = min(p.first * min(lost, missing), 0.9 * exposed)
        if moved <= 0.0 or lost <= 0.0:
            continue
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if at_risk(w, s):
                    services.granted[s] *= 1.0 - moved / exposed
                elif services.tier[s] != ACUTE:
                    services.granted[s] += moved * max(0.0, services.base_budget[s] - services.granted[s]) / lost


@mechanism(
    Phase.WORKFORCE,
    NonStatutoryClosure,
    reads="services.posts services.places services.knowhow services.tier services.statutory",
    writes="services.knowhow services.places",
    name="knowhow",
    after="workforce groups_room",
)
@kernel
def forget(w: World, p: NonStatutoryClosure, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if not at_risk(w, s):
            continue
        alive = min(1.0, services.posts[s] / p.margin)
        known = services.knowhow[s]
        services.knowhow[s] += (alive - known) / (p.forgets if alive < known else p.relearns)
        if services.knowhow[s] < alive:
            services.places[s] *= services.knowhow[s] / alive
