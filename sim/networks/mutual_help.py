"""A shock makes neighbours help each other; this fades within a year or two unless it is supported.

Claim     d(aid)/dt = lift * pandemic / 12 - aid / life, life = fade * (1 + longer * share nurtured). A part `rooted` of
          the nurtured aid that fades becomes grown groups.
Evidence  M40: mutual aid linked streets, many continue; sizes assumed, no row in the register.
Limits    Without a shock there is no mutual aid, nurtured or not: the everyday help of neighbours is part of ties.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World


class MutualHelp(Params):
    """Rise and decline of mutual aid."""

    lift: float = number(
        0.6,
        low=0.1,
        high=1.5,
        unit="energy per year of a full pandemic",
        source="assumed",
        meaning="energy that neighbours add in a year of pandemic",
    )
    fade: float = number(9.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="time that mutual aid lasts")
    longer: float = number(
        2.0, low=0.0, high=5.0, unit="multiple", source="assumed", meaning="how much longer nurtured aid lasts"
    )
    rooted: float = share(
        0.3, low=0.0, high=0.6, source="assumed", meaning="part of fading nurtured aid that becomes groups"
    )


@mechanism(
    Phase.COMMUNITY,
    MutualHelp,
    reads="rules.pandemic rules.mutual_aid places.aid",
    writes="places.aid places.grown",
)
@kernel
def help_each_other(w: World, p: MutualHelp, clock: Clock) -> None:
    aid, nurtured = w.places.aid, w.rules.mutual_aid
    for n in range(aid.size):
        fading = aid[n] / (p.fade * (1.0 + p.longer * nurtured[n]))
        aid[n] += p.lift * w.rules.pandemic[n] / 12.0 - fading
        w.places.grown[n] += p.rooted * nurtured[n] * fading
