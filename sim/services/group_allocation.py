"""Where policies give some people more or less of a service, each group has its own part of the places.

Claim     room[g] = places * part[g] * offer'[g] / sum over h of part[h] * offer'[h], less those of the group who are
          helped now, at least 0; part is the group's share of the service when the policy began. Posts follow money
          with a lag, so offer' = 1 + phi * (offer - 1), phi (0 to 1) being how far posts have followed. People without
          a policy of their own keep their places meanwhile. Where offer is 0 the service is closed to the group: help
          ends and nobody waits.
Evidence  None needed: this is the meaning of a cut, or of new money, for some people only.
Limits    Parts stay as they were when the policy began. Refusals follow the wait of all groups together.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import uniform
from sim.state.codes import WAITING
from sim.state.updates import group_of, set_help, total_offer
from sim.state.world import World


@kernel
def end_closed_help(w: World, s: int) -> None:
    """End the help, and the waiting, of people to whom the service is closed."""
    people, d = w.people, w.services.domain[s]
    closed = False
    for g in range(w.aims.groups[0]):
        closed = closed or w.aims.offer[g, s] <= 0.0
    if not closed:
        return
    i: Int
    for i in range(people.age.size):
        code = np.int64(people.help[d, i])
        if (code == 1 + s or code == WAITING + s) and w.aims.offer[group_of(w, i), s] <= 0.0:
            if code >= WAITING:
                w.tally.gave_up[s, people.quintile[i]] += 1
            set_help(w, d, i, 0)


@kernel
def free_places(w: World, s: int, rounding: np.uint64) -> np.ndarray:
    """How many more people of each group a service can take now.

    Parameters
    ----------
    w
        The world.
    s
        Index of the service.
    rounding
        Key of the month's draws that round places to whole numbers.

    Returns
    -------
    ndarray of int64, shape (groups,)
        Free places by group, at least 0.
    """
    aims, services, people = w.aims, w.services, w.people
    groups = aims.groups[0]
    offered = total_offer(w, s)
    phi = 1.0
    if services.base_budget[s] > 0.0 and services.plan[s] > 0.0 and abs(offered - 1.0) > 1e-6:
        common = services.plan[s] / services.base_budget[s] / offered
        phi = min(1.0, max(0.0, (services.posts[s] / common - 1.0) / (offered - 1.0)))
    parts = np.zeros(groups)
    total = 0.0
    for g in range(groups):
        parts[g] = aims.part[g, s] * (1.0 + phi * (aims.offer[g, s] - 1.0))
        total += parts[g]
    helped = np.zeros(groups, np.int64)
    help_of = people.help[services.domain[s]]
    i: Int
    for i in range(help_of.size):
        if help_of[i] == 1 + s:
            helped[group_of(w, i)] += 1
    room = np.zeros(groups, np.int64)
    for g in range(groups):
        if aims.offer[g, s] > 0.0 and total > 0.0:
            group_places = services.places[s] * parts[g] / total
            u = uniform(rounding, services.domain.size * (g + 1) + s)
            room[g] = max(0, np.int64(math.floor(group_places + u)) - helped[g])
    return room
