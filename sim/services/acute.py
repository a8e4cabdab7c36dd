"""Acute services must serve: each crisis opens an episode, and over capacity care is worse and costs more.

Claim     Each crisis opens one episode in an acute service of its domain, by that service's share of the age band's
          crises, or, for a share of them that policy sets, in an alternative to that service. load <- load + (base_load
          * demand / capacity - load) / memory, demand in pounds of care a month over the baseline's, capacity = posts *
          hours (hours: the time that staff have for people), at least least_capacity; overload = max(0, load - 1).
          Care: new episodes at the cost of an episode, and the domain's other people in crisis, by the service's share,
          at the cost of a month.
Evidence  Utilisation: catalogue. Effects of overload: premium (services/spending.py), harm (people/resilience.py).
          least_capacity: assumed.
Limits    Load is smoothed over `memory` months: a bad week does not show.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number
from sim.state.codes import ACUTE, CHILD_AGES
from sim.state.world import World

SERVICE_DRAW = stream("which acute service")
ALTERNATIVE_DRAW = stream("an alternative to an acute service")


class Acute(Params):
    """How fast load follows demand, and the capacity below which it rises no further."""

    memory: float = number(
        12.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="months over which load is averaged"
    )
    least_capacity: float = number(
        0.05,
        low=0.01,
        high=0.2,
        unit="multiple of baseline",
        source="assumed",
        meaning="smallest capacity that load is measured against",
    )


@kernel
def care_cost(w: World, s: int) -> float:
    """Cost of this month's episodes of an acute service at baseline unit costs, in pounds."""
    opened, staying = 0.0, 0.0
    d = w.services.domain[s]
    for q in range(w.tally.people.shape[0]):
        for b in range(w.tally.people.shape[1]):
            new_episodes = w.tally.opened[s, q, b]
            opened += new_episodes
            if w.services.crisis_share[s, b] > 0.0:
                staying += max(0.0, w.tally.census[d, 3, q, b] * w.services.crisis_share[s, b] - new_episodes)
    pounds: float = opened * w.services.episode_cost[s] + staying * w.services.month_cost[s]
    return pounds


@mechanism(
    Phase.WALK_IN_DEMAND,
    Acute,
    reads="screen.event_row screen.event_domain screen.event_to screen.events people.band people.quintile "
    "people.neighbourhood services.crisis_share services.instead rules.alternatives people.age",
    writes="tally.opened tally.opened_in screen.event_service tally.opened_age",
    name="acute_episodes",
    by_part=True,
)
@kernel
def open_episodes(w: World, p: Acute, clock: Clock) -> None:
    people, services = w.people, w.services
    for k in range(w.screen.events[0]):
        w.screen.event_service[k] = -1
        if w.screen.event_to[k] != 3:
            continue
        i, d = np.int64(w.screen.event_row[k]), np.int64(w.screen.event_domain[k])
        u = uniform(month_key(clock.seed, SERVICE_DRAW + np.uint64(d), clock.month), i)
        for s in range(services.domain.size):
            if services.domain[s] == d and services.tier[s] == ACUTE:
                u -= services.crisis_share[s, people.band[i]]
                if u < 0.0:
                    provider = _alternative(w, clock, i, s)
                    w.tally.opened[provider, people.quintile[i], people.band[i]] += 1
                    w.tally.opened_in[provider, people.neighbourhood[i]] += 1
                    if people.age[i] < CHILD_AGES:
                        w.tally.opened_age[provider, people.age[i], people.quintile[i]] += 1
                    w.screen.event_service[k] = provider
                    break


@kernel
def _alternative(w: World, clock: Clock, i: Int, s: int) -> int:
    """The service that takes the crisis: s, or with the probability set an alternative that serves the person."""
    share = w.rules.alternatives[w.people.neighbourhood[i]]
    if share > 0.0 and uniform(month_key(clock.seed, ALTERNATIVE_DRAW, clock.month), i) < share:
        for t in range(w.services.domain.size):
            if w.services.instead[t] == s and w.services.bands[t, w.people.band[i]] == 1:
                return t
    return s


@mechanism(
    Phase.ACCOUNTS,
    Acute,
    reads="tally.opened tally.census services.posts services.hours",
    writes="services.load services.overload",
    name="acute_load",
)
@kernel
def update_load(w: World, p: Acute, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.tier[s] == ACUTE and services.base_demand[s] > 0.0:
            relative = (
                care_cost(w, s) / services.base_demand[s] / max(p.least_capacity, services.posts[s] * services.hours[s])
            )
            services.load[s] += (services.base_load[s] * relative - services.load[s]) / p.memory
            services.overload[s] = max(0.0, services.load[s] - 1.0)
