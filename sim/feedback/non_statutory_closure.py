"""Services that no law requires are cut first, and a service that reopens must learn its work again.

Claim     Where a silo is granted less than at baseline, statutory services that are not acute get back `first` of what
          they would lose (or of what the silo lacks, if that is less). The sum is taken from the lines of services that
          no law requires, in proportion to their size, at most `most_taken` of them; the total is unchanged. Know-how
          of such a service falls to min(1, posts / margin) in `forgets` months and returns in `relearns`; on reopening,
          places <- places * know-how / min(1, posts / margin), where that is below 1.
Evidence  D12, D18: youth and Sure Start -70 %, family support +43 %; M25: direction. Sizes assumed.
Limits    A pilot is a whole service in the model.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World


class NonStatutoryClosure(Params):
    """How far statutory services are protected, and how fast know-how is lost."""

    first: float = share(
        0.2,
        low=0.0,
        high=0.8,
        source="assumed; D12 [PBE], D18 [IFS24]: direction",
        meaning="part of a statutory line's cut that non-statutory services bear",
    )
    most_taken: float = share(
        0.9, low=0.5, high=0.95, source="assumed", meaning="largest part of non-statutory lines that can be taken"
    )
    margin: float = share(
        0.5, low=0.3, high=0.8, source="assumed", meaning="part of baseline posts at which know-how is complete"
    )
    forgets: float = number(
        9.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="time for know-how to be lost"
    )
    relearns: float = number(
        36.0, low=12.0, high=72.0, unit="months", source="assumed", meaning="time for know-how to return"
    )


class NonStatutoryClosureState(NamedTuple):
    """Know-how of services that may close."""

    knowhow: Annotated[A, column("f8", "service", "1 = baseline", "what its staff know of work that was once closed")]

    def start(self, _w: World) -> None:
        """Begin with all know-how."""
        self.knowhow[:] = 1.0


@kernel
def is_non_statutory(w: World, s: int) -> bool:
    """Whether no law requires the service, acute services apart."""
    non_statutory: bool = w.services.tier[s] != ACUTE and w.services.statutory[s] == 0
    return non_statutory


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
    for f in range(w.money.carried.size):
        missing, lost, exposed = 0.0, 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                missing += services.base_budget[s] - services.granted[s]
                if is_non_statutory(w, s):
                    exposed += services.granted[s]
                elif services.tier[s] != ACUTE:
                    lost += max(0.0, services.base_budget[s] - services.granted[s])
        moved = min(p.first * min(lost, missing), p.most_taken * exposed)
        if moved <= 0.0 or lost <= 0.0:
            continue
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if is_non_statutory(w, s):
                    services.granted[s] *= 1.0 - moved / exposed
                elif services.tier[s] != ACUTE:
                    services.granted[s] += moved * max(0.0, services.base_budget[s] - services.granted[s]) / lost


@mechanism(
    Phase.WORKFORCE,
    NonStatutoryClosure,
    state=NonStatutoryClosureState,
    reads="services.posts services.places services.tier services.statutory",
    writes="non_statutory_closure.knowhow services.places",
    name="knowhow",
    after="workforce groups_room",
)
@kernel
def update_knowhow(w: World, p: NonStatutoryClosure, clock: Clock) -> None:
    services = w.services
    state: NonStatutoryClosureState = w.private.non_statutory_closure
    for s in range(services.domain.size):
        if not is_non_statutory(w, s):
            continue
        complete = min(1.0, services.posts[s] / p.margin)
        before = state.knowhow[s]
        state.knowhow[s] += (complete - before) / (p.forgets if complete < before else p.relearns)
        if state.knowhow[s] < complete:
            services.places[s] *= state.knowhow[s] / complete
