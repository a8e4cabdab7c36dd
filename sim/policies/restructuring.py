"""A reorganisation costs staff time for months, and practice and leaders for longer.

Claim     A restructuring happens in each month in which half and the sum of path / 12 since the start pass a whole
          number. It adds `TIME_LOST` = 0.1 to every service's upheaval, up to `MOST_UPHEAVAL` = 0.3 (services/hours.py
          lets it wear off). It takes `PRACTICE_LOST` = 0.3 of practice beyond `LASTING_PRACTICE` = 0.8 in every
          neighbourhood. Each leader goes with probability `LEADER_LOST` = 0.4.
Evidence  assumed; M25, M26 give the direction.
Limits    Structures do not differ: none is better than another. At 0.25 a year the first restructuring comes after two
          years, then one every four.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="restructuring",
    label="Restructurings",
    section="Who decides",
    unit="per year",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed",
    meaning="Reorganisations of services a year beyond today's: 0.25 is one every four years.",
    axis="place",
    acts="when due",
)
TIME_LOST, MOST_UPHEAVAL = 0.1, 0.3  # assumed
"""Share of working time that a restructuring takes at first, and the largest that several take together."""
PRACTICE_LOST, LASTING_PRACTICE, LEADER_LOST = 0.3, 0.8, 0.4  # assumed
"""Share of practice beyond the lasting level that is lost, that level, and the probability that a leader goes."""
STAYS = stream("who leads after a restructuring")


@kernel
def falls_now(path: np.ndarray, month: Int) -> bool:
    """Whether a restructuring happens in a month.

    Parameters
    ----------
    path
        Restructurings a year. Shape (months, 1).
    month
        The month, counted from the start (0).

    Returns
    -------
    bool
        Whether half and the sum of path / 12 since the start pass a whole number in the month.
    """
    due = 0.5
    for m in range(month):
        due += path[m, 0] / 12.0
    now = due + path[month, 0] / 12.0
    falls: bool = np.floor(now + 1e-9) > np.floor(due + 1e-9)
    return falls


@mechanism(
    Phase.POLICY,
    NoParams,
    reads="services.upheaval places.practice places.leader",
    writes="rules.restructuring services.upheaval places.practice places.leader",
    lever="restructuring",
)
@kernel
def reorganise(w: World, path: np.ndarray, clock: Clock) -> None:
    now = falls_now(path, clock.month)
    w.rules.restructuring[0] = 1.0 if now else 0.0
    if not now:
        return
    services, places = w.services, w.places
    for s in range(services.upheaval.size):
        services.upheaval[s] = min(MOST_UPHEAVAL, services.upheaval[s] + TIME_LOST)
    key = month_key(clock.seed, STAYS, clock.month)
    for n in range(places.practice.size):
        places.practice[n] -= PRACTICE_LOST * max(0.0, places.practice[n] - LASTING_PRACTICE)
        if uniform(key, n) < LEADER_LOST:
            places.leader[n] = 0
