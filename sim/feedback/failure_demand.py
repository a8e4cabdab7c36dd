"""Everybody who asks must be assessed, helped or not: people turned away who ask again use time meant for help.

Claim     asking[s] <- asking[s] + (requests this month / baseline requests - asking[s]) / memory, from the first
          reported month on. The time that assessing takes from help: services/hours.py. Refused people ask again:
          people/help_seeking.py.
Evidence  B35, B36 (of referrals to children's social care 22 % come back within a year, 29 % are found not in need).
          memory: assumed. E27's 40 to 80 % of demand is an advocates' claim and is not used.
Limits    Baseline requests are the place's own mean over the last `REFERENCE_MONTHS` months before the first reported
          month, so that only a change counts. Every assessment takes the same time.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World

REFERENCE_MONTHS = 60
"""Months before the first reported month over which a place's baseline counts are averaged."""


class FailureDemand(Params):
    """How fast time follows requests."""

    memory: float = number(
        6.0, low=1.0, high=24.0, unit="months", source="assumed", meaning="months over which requests are averaged"
    )


class FailureDemandState(NamedTuple):
    """The requests that a place is used to."""

    usual_asked: Annotated[A, column("f8", "service", "requests", "requests a month before the first reported one")]


@kernel
def running_mean(mean: float, value: float, month: Int) -> float:
    """Update a mean over the months since `REFERENCE_MONTHS` before the first reported month.

    Parameters
    ----------
    mean
        The mean before this month; 0 or less if there is none yet.
    value
        This month's value.
    month
        The month, counted from the first reported one (0): below 0 while a baseline is averaged.

    Returns
    -------
    float
        The mean with this month in it; unchanged in earlier months.
    """
    months = REFERENCE_MONTHS + month + 1
    if months <= 0:
        return mean
    return value if mean <= 0.0 else mean + (value - mean) / months


@mechanism(
    Phase.ACCOUNTS,
    FailureDemand,
    state=FailureDemandState,
    reads="tally.asked services.helped",
    writes="services.asking failure_demand.usual_asked services.usual_helped",
)
@kernel
def update_asking(w: World, p: FailureDemand, clock: Clock) -> None:
    services = w.services
    state: FailureDemandState = w.private.failure_demand
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE or services.base_places[s] <= 0.0:
            continue
        asked = float(w.tally.asked[s].sum())
        if clock.month < 0:
            state.usual_asked[s] = running_mean(state.usual_asked[s], asked, clock.month)
            services.usual_helped[s] = running_mean(services.usual_helped[s], float(services.helped[s]), clock.month)
        elif state.usual_asked[s] > 0.0:
            services.asking[s] += (asked / state.usual_asked[s] - services.asking[s]) / p.memory
