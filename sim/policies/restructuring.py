"""A reorganisation costs staff time for months, and practice and leaders for longer.

Claim     A restructuring happens in each month in which half and the sum of path / 12 since the start pass a whole
          number. It adds time_lost to every service's upheaval, up to most_upheaval (services/hours.py lets it wear
          off). It takes practice_lost of practice beyond lasting_practice in every neighbourhood. Each leader goes with
          probability leader_lost.
Evidence  assumed; M25, M26 give the direction.
Limits    Structures do not differ: none is better than another. At 0.25 a year the first restructuring comes after two
          years, then one every four.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever
from sim.schema.quantities import Params, number, share
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
STAYS = stream("who leads after a restructuring")


class Restructuring(Params):
    """Losses in a restructuring."""

    time_lost: float = share(
        0.1, low=0.02, high=0.25, source="assumed", meaning="working time that a restructuring takes at first"
    )
    most_upheaval: float = share(
        0.3, low=0.15, high=0.6, source="assumed", meaning="working time that several restructurings take at most"
    )
    practice_lost: float = share(
        0.3, low=0.0, high=0.6, source="assumed", meaning="part of practice beyond the lasting level that is lost"
    )
    lasting_practice: float = number(
        0.8,
        low=0.5,
        high=0.95,
        unit="1 = baseline",
        source="assumed",
        meaning="practice that no restructuring takes",
    )
    leader_lost: float = number(
        0.4,
        low=0.1,
        high=0.8,
        unit="probability",
        source="assumed",
        meaning="probability that a leader goes in a restructuring",
    )


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
    Restructuring,
    reads="services.upheaval places.practice places.leader",
    writes="rules.restructuring services.upheaval places.practice places.leader",
    lever="restructuring",
)
@kernel
def reorganise(w: World, setting: tuple[np.ndarray, Restructuring], clock: Clock) -> None:
    path, p = setting
    now = falls_now(path, clock.month)
    w.rules.restructuring[0] = 1.0 if now else 0.0
    if not now:
        return
    services, places = w.services, w.places
    for s in range(services.upheaval.size):
        services.upheaval[s] = min(p.most_upheaval, services.upheaval[s] + p.time_lost)
    key = month_key(clock.seed, STAYS, clock.month)
    for n in range(places.practice.size):
        places.practice[n] -= p.practice_lost * max(0.0, places.practice[n] - p.lasting_practice)
        if uniform(key, n) < p.leader_lost:
            places.leader[n] = 0
