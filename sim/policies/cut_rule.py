"""How a cut is shared: equally between all lines, or borne by the lines that are not acute.

Claim     A share x of what acute lines would lose is given back to them and taken from the other lines of the same
          silo, in proportion to their size. The other lines lose at most most_taken of what they have. x = 0 cuts every
          line alike, x = 1 protects acute care wholly within that bound.
Evidence  D12, D17, D18: early intervention lost 42 %, youth and Sure Start 70 %, while statutory care grew. most_taken:
          assumed.
Limits    At least a part 1 - most_taken of each line is left.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever, OtherLever
from sim.schema.quantities import Params, share
from sim.state.codes import ACUTE
from sim.state.world import World

LEVER = Lever(
    name="cut_rule",
    label="Protection of acute budgets in a cut",
    section="Money",
    unit="share",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="D12 [PBE], D17, D18 [IFS24]",
    meaning="Share of a cut to acute budgets that the other budgets bear instead: 0% is an equal cut, 100% "
    "protects acute services.",
    axis="place",
    acts="with others",
    acts_with=(OtherLever(lever="total_budget", side="below", tiers=("acute",)),),
)


class CutRule(Params):
    """The bound of what is taken."""

    most_taken: float = share(
        0.9, low=0.6, high=0.98, source="assumed", meaning="largest share of the other lines that can be taken"
    )


@mechanism(
    Phase.POLICY,
    CutRule,
    reads="services.granted services.base_budget services.silo services.tier",
    writes="services.granted",
    after="total_budget",
    lever="cut_rule",
)
@kernel
def spare_acute(w: World, setting: tuple[np.ndarray, CutRule], clock: Clock) -> None:
    path, p = setting
    services = w.services
    for f in range(w.money.carried.size):
        lost, others = 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    lost += max(0.0, services.base_budget[s] - services.granted[s])
                else:
                    others += services.granted[s]
        moved = min(lost * path[clock.month, 0], p.most_taken * others)
        if moved <= 0.0 or lost <= 0.0:
            continue
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == ACUTE:
                    services.granted[s] += moved * max(0.0, services.base_budget[s] - services.granted[s]) / lost
                else:
                    services.granted[s] *= 1.0 - moved / others
