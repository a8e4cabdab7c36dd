"""Whoever changed this month gets new bounds: one list of them, for every mechanism that bounds its draws.

Claim     renew = the slots with `changed` set, in order.
Evidence  none needed: bookkeeping.
Limits    A mechanism that changes what a bound rests on must set `changed`, or leave the bound above the truth.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.mechanism import Clock, NoParams, Phase, mechanism
from sim.state import World


@mechanism(Phase.REFRESH, NoParams, reads="people.changed", writes="screen.renew screen.renewals")
@kernel
def gather(w: World, p: NoParams, clock: Clock) -> None:
    changed, renew = w.people.changed, w.screen.renew
    k: Int = 0
    for i in range(changed.size):
        renew[k] = np.uint32(i)
        k += np.int64(changed[i])
        if k == renew.size:
            break
    w.screen.renewals[0] = k
