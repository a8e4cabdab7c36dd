"""What happens on average where the month draws lots for places, or rounds: leaders, meetings, luck with decisions.

Each function stands in for one of the same name in the model (see `Twin`), and takes the same arguments. Places of a
kind are alike, so a leader is the part of places that have one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.policies.restructuring import GONE, LOST, LOW, TIME
from sim.services.practice import LEAST, MOST, _means, learning, practice_target
from sim.state.tables import COMMUNITY, PREVENTIVE
from sim.twins.stock_flow import symbolic
from sim.twins.stock_flow.symbolic import Expr, cells, choose, least, most


class Path:
    """A lever's value over the months, by column."""

    def __init__(self, name: str, values: Any) -> None:
        self.name, self.values = name, values

    def __getitem__(self, at: tuple[Any, int]) -> Any:
        column = self.values[:, at[1]]
        return symbolic.series(column, f"lever {self.name} {at[1]}")


def uniform(*_: Any) -> float:
    """The middle of all draws."""
    return 0.5


def month_key(*_: Any) -> int:
    """No draw has an address here."""
    return 0


def pence(pounds: Any) -> Any:
    """Pounds to pence, not rounded."""
    return pounds * 100.0


def resident_fit(p: Any, _seed: Any, _n: int) -> float:
    """What full resident control adds to groups, on average."""
    mean: float = (1.0 - p.captured) * p.gain - p.captured * p.captors
    return mean


def is_split(w: Any, s: int) -> bool:
    """Whether groups of people are ever offered different parts of a service."""
    first = w.aims.offer[0, s]
    others = [w.aims.offer[g, s] for g in range(1, w.aims.groups[0])]
    return any(x is not first and not (symbolic.known(x, first) and x == first) for x in others)


def falls_now(path: Path, _month: Any) -> Any:
    """Whether a restructuring falls in a month."""
    due = 0.5 + np.cumsum(path.values[:, 0]) / 12.0
    before = np.concatenate([[0.5], due[:-1]])
    return symbolic.series(np.floor(due + 1e-9) > np.floor(before + 1e-9), "a restructuring falls")


def reorganise(w: Any, path: Path, clock: Any) -> None:
    """A restructuring: of the leaders, the expected part goes."""
    now = falls_now(path, clock.month)
    falls = now if isinstance(now, Expr) else float(now)
    w.rules.restructuring[0] = falls
    services, places = w.services, w.places
    for s in range(services.upheaval.size):
        services.upheaval[s] = choose(
            symbolic.compare(">", falls, 0.0), least(0.3, services.upheaval[s] + TIME), services.upheaval[s]
        )
    for n in range(places.practice.size):
        places.practice[n] = places.practice[n] - falls * LOST * most(0.0, places.practice[n] - LOW)
        places.leader[n] = places.leader[n] * (1.0 - falls * GONE)


def lead(w: Any, p: Any, _clock: Any) -> None:
    """Leaders of groups, expected. Kinds of neighbourhood do not lie beside one another."""
    leaders, led = w.places.leaders, w.places.led
    for n in range(leaders.size):
        more = 1.0 + p.welcome * (w.places.energy[n] - 1.0) + p.by_organiser * w.rules.organisers[n]
        leaders[n] = leaders[n] - leaders[n] / p.tenure + least(1.0, p.leaders / p.tenure * most(0.0, more))
        led[n] = led[n] + (leaders[n] / p.leaders - 1.0 - led[n]) / p.ripens


def learn_and_lead(w: Any, p: Any, _clock: Any) -> None:
    """Practice: the mean over places alike, of which some are led. Places that meet differ by what their leaders make;
    who looks better is copied, and is so by the expectation of a normal difference seen with an error."""
    plain = w.plain
    practice, leader, spine = w.places.practice, w.places.leader, w.places.spine
    learn = plain(learning)(w, p)
    autonomy, burnout = plain(_means)(w)
    target = plain(practice_target)
    goes = p.go * least(3.0, most(0.3, 1.0 + 2.0 * burnout))
    for n in range(practice.size):
        led = leader[n]
        wanted = led * target(p, learn, 1) + (1.0 - led) * target(p, learn, 0)
        apart = target(p, learn, 1) - target(p, learn, 0)
        slow = (1.0 / p.pace) / (1.0 / p.pace + p.go / (1.0 - p.led))
        variance = 2.0 * apart * apart * led * (1.0 - led) * slow
        gain = variance / symbolic.power(2.0 * math.pi * (variance + p.error**2 / 3.0), 0.5)
        copied = spine[n] * p.meeting * p.depth * (led + 0.5 * (1.0 - led)) * gain
        practice[n] = least(MOST, most(LEAST, practice[n] + (wanted - practice[n]) / p.pace + copied))
        comes = p.go * p.led / (1.0 - p.led) * most(0.2, 1.0 + 2.0 * spine[n] + autonomy - 0.5)
        leader[n] = led - goes * led + comes * (1.0 - led)


def pool(w: Any, _p: Any, clock: Any) -> None:
    """Pooled accounts at the year's end, not in whole pence, so that nothing is left to the last silo."""
    services, money = w.services, w.money
    share = w.rules.pooling[0]
    ends = symbolic.compare("=", clock.month % 12, 11.0)
    pot = sum((share * x for x in money.carried.tolist()), start=0.0)
    owed = symbolic.compare("<", pot, 0.0)
    every, upstream = cells(np.zeros(money.carried.size)), cells(np.zeros(money.carried.size))
    for s in range(services.granted.size):
        f = services.silo[s]
        every[f] = every[f] + services.granted[s]
        if services.tier[s] in (PREVENTIVE, COMMUNITY):
            upstream[f] = upstream[f] + services.granted[s]
    whole = choose(owed, every.sum(), upstream.sum())
    for f in range(money.carried.size):
        taken = pot * (choose(owed, every[f], upstream[f]) / whole)
        money.pooled[f] = choose(ends, taken - share * money.carried[f], 0.0)
        money.carried[f] = money.carried[f] + money.pooled[f]
