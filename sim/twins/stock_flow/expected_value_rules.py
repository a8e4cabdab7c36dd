"""Expected values where the month draws random numbers for neighbourhoods, or rounds: leaders, meetings, decisions.

Each function replaces the function of the same name in the model (see `Twin`) and has the same arguments.
Neighbourhoods of a kind are alike, so `leader` is the share of neighbourhoods that have a leader.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.policies.restructuring import LASTING_PRACTICE, LEADER_LOST, MOST_UPHEAVAL, PRACTICE_LOST, TIME_LOST
from sim.services.practice import _means, learning, practice_target
from sim.state.codes import COMMUNITY, PREVENTIVE
from sim.twins.stock_flow import symbolic
from sim.twins.stock_flow.symbolic import Expr, cells, choose, least, most


class Path:
    """A lever's value over the months, by column, as a series."""

    def __init__(self, name: str, values: Any) -> None:
        self.name, self.values = name, values

    def __getitem__(self, at: tuple[Any, int]) -> Any:
        return self.series(self.values[:, at[1]], f"lever {self.name} {at[1]}")

    def series(self, values: Any, name: str) -> Any:
        """Values by month as a series."""
        return symbolic.series(values, name)


def uniform(*_: Any) -> float:
    """The mean of all draws."""
    return 0.5


def month_key(*_: Any) -> int:
    """A constant: the twin draws no random numbers, so it needs no key."""
    return 0


def pence(pounds: Any) -> Any:
    """Pounds as pence, not rounded."""
    return pounds * 100.0


def resident_fit(p: Any, _seed: Any, _n: int) -> float:
    """The expected effect of full resident control on groups."""
    mean: float = (1.0 - p.captured) * p.gain - p.captured * p.captors
    return mean


def is_split(w: Any, s: int) -> bool:
    """Whether the offer of a service differs between groups of people in any month."""
    first = w.aims.offer[0, s]
    others = [w.aims.offer[g, s] for g in range(1, w.aims.groups[0])]
    return any(x is not first and not (symbolic.are_numbers(x, first) and x == first) for x in others)


RESTRUCTURING = "a restructuring falls"


def restructurings(path: Any) -> Any:
    """Whether a restructuring happens, by month, from the restructurings a year by month."""
    due = 0.5 + np.cumsum(path) / 12.0
    before = np.concatenate([[0.5], due[:-1]])
    return np.floor(due + 1e-9) > np.floor(before + 1e-9)


def falls_now(path: Path, _month: Any) -> Any:
    """Whether a restructuring happens in a month, as a series."""
    return path.series(restructurings(path.values[:, 0]), RESTRUCTURING)


def reorganise(w: Any, path: Path, clock: Any) -> None:
    """Apply a restructuring. The expected share of leaders leaves."""
    now = falls_now(path, clock.month)
    falls = now if isinstance(now, Expr) else float(now)
    w.rules.restructuring[0] = falls
    services, places = w.services, w.places
    for s in range(services.upheaval.size):
        services.upheaval[s] = choose(
            symbolic.compare(">", falls, 0.0),
            least(MOST_UPHEAVAL, services.upheaval[s] + TIME_LOST),
            services.upheaval[s],
        )
    for n in range(places.practice.size):
        places.practice[n] = places.practice[n] - falls * PRACTICE_LOST * most(
            0.0, places.practice[n] - LASTING_PRACTICE
        )
        places.leader[n] = places.leader[n] * (1.0 - falls * LEADER_LOST)


def lead(w: Any, p: Any, _clock: Any) -> None:
    """Update the expected number of group leaders. Nothing spreads between kinds of neighbourhood."""
    leaders, led = w.private.groups.leaders, w.private.groups.led
    for n in range(leaders.size):
        increase = 1.0 + p.welcome * (w.places.energy[n] - 1.0) + p.by_organiser * w.rules.organisers[n]
        leaders[n] = leaders[n] - leaders[n] / p.tenure + least(1.0, p.leaders / p.tenure * most(0.0, increase))
        led[n] = led[n] + (leaders[n] / p.leaders - 1.0 - led[n]) / p.ripens


def learn_and_lead(w: Any, p: Any, _clock: Any) -> None:
    """Update mean practice and the share of neighbourhoods with a leader.

    Neighbourhoods of a kind differ by whether they have a leader. Those that appear better are copied. The gain is the
    expected value of a normally distributed difference that is observed with an error.
    """
    plain = w.plain
    practice, leader, spine = w.places.practice, w.places.leader, w.places.spine
    learn = plain(learning)(w, p)
    autonomy, burnout = plain(_means)(w)
    target = plain(practice_target)
    departures = p.go * least(p.most_go_factor, most(p.least_go_factor, 1.0 + 2.0 * burnout))
    for n in range(practice.size):
        led = leader[n]
        wanted = led * target(p, learn, 1) + (1.0 - led) * target(p, learn, 0)
        difference = target(p, learn, 1) - target(p, learn, 0)
        persistence = (1.0 / p.pace) / (1.0 / p.pace + p.go / (1.0 - p.led))
        variance = 2.0 * difference * difference * led * (1.0 - led) * persistence
        gain = variance / symbolic.power(2.0 * math.pi * (variance + p.error**2 / 3.0), 0.5)
        copied = spine[n] * p.meeting * p.depth * (led + 0.5 * (1.0 - led)) * gain
        practice[n] = least(p.highest, most(p.lowest, practice[n] + (wanted - practice[n]) / p.pace + copied))
        arrivals = p.go * p.led / (1.0 - p.led) * most(p.least_come_factor, 1.0 + 2.0 * spine[n] + autonomy - 0.5)
        leader[n] = led - departures * led + arrivals * (1.0 - led)


def pool(w: Any, _p: Any, clock: Any) -> None:
    """Pool accounts at the end of a year, without rounding to pence, so that no remainder goes to the last silo."""
    services, money = w.services, w.money
    share = w.rules.pooling[0]
    year_ends = symbolic.compare("=", clock.month % 12, 11.0)
    pot = sum((share * x for x in money.carried.tolist()), start=0.0)
    is_debt = symbolic.compare("<", pot, 0.0)
    budgets, prevention_budgets = cells(np.zeros(money.carried.size)), cells(np.zeros(money.carried.size))
    for s in range(services.granted.size):
        f = services.silo[s]
        budgets[f] = budgets[f] + services.granted[s]
        if services.tier[s] in (PREVENTIVE, COMMUNITY):
            prevention_budgets[f] = prevention_budgets[f] + services.granted[s]
    total = choose(is_debt, budgets.sum(), prevention_budgets.sum())
    for f in range(money.carried.size):
        received = pot * (choose(is_debt, budgets[f], prevention_budgets[f]) / total)
        money.pooled[f] = choose(year_ends, received - share * money.carried[f], 0.0)
        money.carried[f] = money.carried[f] + money.pooled[f]
