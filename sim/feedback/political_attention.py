"""Crises that everybody sees draw money to acute services, most of all around an election.

Claim     overload = mean over a silo's acute services, by budget, of max(0, load / baseline load - 1). Its acute lines
          gain attention * overload * (1 + swing * cos(2 pi * months since an election / cycle)) of what they are
          granted. The other lines lose it in proportion to their size, at most `most_taken` of them. The total is
          unchanged.
Evidence  M81: direction. Sizes assumed; attention is 0 at baseline.
Limits    No political attention goes to prevention. Elections fall on the first month and every `cycle` months after.
"""

from __future__ import annotations

import math

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE
from sim.state.world import World


class PoliticalAttention(Params):
    """The electoral cycle, and how much money attention can move."""

    cycle: float = number(48.0, low=12.0, high=60.0, unit="months", source="assumed", meaning="time between elections")
    swing: float = share(0.5, low=0.0, high=1.0, source="assumed", meaning="how far attention swings with elections")
    most_taken: float = share(
        0.2, low=0.05, high=0.5, source="assumed", meaning="largest part of other lines that attention can take"
    )


@mechanism(
    Phase.POLICY,
    PoliticalAttention,
    reads="services.granted services.load services.base_load services.base_budget services.silo services.tier "
    "rules.attention",
    writes="services.granted",
    after="total_budget cut_rule prevention_share acute_share community_investment non_statutory_closure "
    "political_salience",
)
@kernel
def shift_to_acute(w: World, p: PoliticalAttention, clock: Clock) -> None:
    gain = w.rules.attention[0]
    if gain <= 0.0:
        return
    services = w.services
    gain *= 1.0 + p.swing * math.cos(2.0 * math.pi * clock.month / p.cycle)
    for f in range(w.money.carried.size):
        overload, acute, base, others = 0.0, 0.0, 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    excess = services.load[s] / services.base_load[s] - 1.0 if services.base_load[s] > 0.0 else 0.0
                    overload += services.base_budget[s] * max(0.0, excess)
                    base += services.base_budget[s]
                    acute += services.granted[s]
                else:
                    others += services.granted[s]
        if base <= 0.0 or acute <= 0.0 or others <= 0.0:
            continue
        moved = min(gain * overload / base * acute, p.most_taken * others)
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    services.granted[s] *= 1.0 + moved / acute
                else:
                    services.granted[s] *= 1.0 - moved / others
