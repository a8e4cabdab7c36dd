"""Reorganisations: staff time is lost for months, what was learnt and who led it for longer.

Claim     A restructuring falls in each month in which half and the sum of path / 12 since the start pass a whole
          number. It adds `TIME` to every service's upheaval (services/hours.py lets it wear off), takes `LOST` of
          practice beyond `LOW` in every neighbourhood, and each leader goes with probability `GONE`.
Evidence  assumed; M25, M26 give the direction.
Limits    Structures do not differ: none is better than another. At 0.25 a year the first falls after two years, then
          one every four.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.tables import World

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
)
TIME, LOST, GONE, LOW = 0.1, 0.3, 0.4, 0.8
STAYS = stream("who leads after a restructuring")


@kernel
def falls_now(path: np.ndarray, month: Int) -> bool:
    """Whether the restructurings due up to a month, and half a one, pass a whole number in it."""
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
        services.upheaval[s] = min(0.3, services.upheaval[s] + TIME)
    key = month_key(clock.seed, STAYS, clock.month)
    for n in range(places.practice.size):
        places.practice[n] -= LOST * max(0.0, places.practice[n] - LOW)
        if uniform(key, n) < GONE:
            places.leader[n] = 0
