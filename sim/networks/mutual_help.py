"""A shock makes neighbours help each other; it fades within a year or two unless somebody nurtures it.

Claim     d(aid)/dt = lift * pandemic / 12 - aid / life, life = fade * (1 + longer * share nurtured). Of what fades
          where it is nurtured, `rooted` becomes grown groups.
Evidence  M40: mutual aid linked streets, many continue; sizes assumed, no row in the register.
Limits    Without a shock there is no aid here, nurtured or not: neighbours' usual help stands in ties.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import World


class MutualHelp(Params):
    """How mutual aid comes and goes."""

    lift: float = number(
        0.6,
        low=0.1,
        high=1.5,
        unit="energy per year of a full pandemic",
        source="assumed",
        meaning="energy that neighbours add in a year of pandemic",
    )
    fade: float = number(9.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="time mutual aid lasts")
    longer: float = number(
        2.0, low=0.0, high=5.0, unit="multiple", source="assumed", meaning="how much longer it lasts where nurtured"
    )
    rooted: float = share(
        0.3, low=0.0, high=0.6, source="assumed", meaning="part of nurtured aid that settles into groups"
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
