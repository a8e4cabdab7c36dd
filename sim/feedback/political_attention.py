"""A crisis that everybody sees pulls money to where it is seen, most of all before an election.

Claim     seen = mean over a silo's acute services, by budget, of max(0, load / usual load - 1). Its acute lines gain
          attention * seen * (1 + swing * cos(2 pi * months since an election / cycle)) of what they are granted; the
          other lines lose it in proportion to their size, at most a fifth of them. The total is unchanged.
Evidence  M81: direction. Sizes assumed; attention is 0 at baseline.
Limits    No headline asks for prevention. Elections fall on the first month and every `cycle` months after.
"""

from __future__ import annotations

import math

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, World

DEEPEST = 0.2
"""No larger part of the other lines is taken."""


class PoliticalAttention(Params):
    """The clock of politics."""

    cycle: float = number(48.0, low=12.0, high=60.0, unit="months", source="assumed", meaning="time between elections")
    swing: float = share(0.5, low=0.0, high=1.0, source="assumed", meaning="how far attention swings with elections")


@mechanism(
    Phase.POLICY,
    PoliticalAttention,
    reads="services.granted services.load services.base_load services.base_budget services.silo services.tier "
    "rules.attention",
    writes="services.granted",
    after="total_budget cut_rule prevention_share acute_share community_investment non_statutory_closure political_salience",
)
@kernel
def pull(w: World, p: PoliticalAttention, clock: Clock) -> None:
    gain = w.rules.attention[0]
    if gain <= 0.0:
        return
    services = w.services
    gain *= 1.0 + p.swing * math.cos(2.0 * math.pi * clock.month / p.cycle)
    for f in range(w.money.shift.size):
        seen, acute, base, others = 0.0, 0.0, 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    over = services.load[s] / services.base_load[s] - 1.0 if services.base_load[s] > 0.0 else 0.0
                    seen += services.base_budget[s] * max(0.0, over)
                    base += services.base_budget[s]
                    acute += services.granted[s]
                else:
                    others += services.granted[s]
        if base <= 0.0 or acute <= 0.0 or others <= 0.0:
            continue
        moved = min(gain * seen / base * acute, DEEPEST * others)
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    services.granted[s] *= 1.0 + moved / acute
                else:
                    services.granted[s] *= 1.0 - moved / others
