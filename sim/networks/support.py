"""Household members, ties and groups that are well give support; people in crisis take it, and serious need reduces it.

Claim     S = g / (g + half), g = (sum over ties and household of worth[worst level of the other], and ties online) * (1
          - withdrawal if the person's own need is serious or worse) + member bonus if the person is a member of a
          group, g >= 0. worth: 1 well or emerging, burdened serious, -strain in crisis. P(member) = members * energy of
          the neighbourhood's groups, from the age of 16. A full pandemic cuts `apart` of the ties outside the home.
          Ties online count from the age of 5, for `online` of people of 65 and over.
Evidence  A19: about five close ties. E17-E19: what ties do for survival (size of the effect: people/need.py). burdened,
          strain, withdrawal: assumed. Membership: A18.
Limits    A tie exists or not; a person who moves into a slot inherits its ties. Support is computed only for people
          whose need may get worse this month.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.prefetch import prefetch
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.columns import A
from sim.state.world import World

MEMBER = stream("joins community groups")
AHEAD = 4
"""Number of people ahead for which ties are prefetched; the start of their ties is prefetched twice as far ahead."""
LINE = 8
"""Distance, in ties, after which ties may lie in another cache line."""


class Support(Params):
    """The value of ties and of membership in groups."""

    half: float = number(
        2.0,
        low=1.0,
        high=4.0,
        unit="ties",
        source="assumed",
        meaning="ties with well people that give half of full support",
    )
    burdened: float = share(0.5, source="assumed", meaning="support that a tie with a person in serious need gives")
    strain: float = share(0.5, source="assumed", meaning="support that a tie in crisis takes away")
    withdrawal: float = share(
        0.3,
        low=0.0,
        high=0.6,
        source="assumed; direction A12 (lonely: 15 % of disabled people, 3 % of others)",
        meaning="part of a person's ties lost with serious need",
    )
    members: float = share(
        0.16, low=0.12, high=0.22, source="A18 [CLS18]", meaning="adults who take part in a group when energy is 1"
    )
    bonus: float = number(
        0.75, low=0.2, high=1.5, unit="ties", source="assumed", meaning="value of membership, in ties with well people"
    )
    online: float = share(
        0.33, low=0.1, high=0.7, source="assumed", meaning="people of 65 and over who keep up ties online"
    )
    apart: float = share(
        0.4, low=0.1, high=0.8, source="assumed", meaning="part of ties outside the home that a full pandemic cuts"
    )


@kernel
def tie_values(p: Support) -> A:
    """The value of a tie by `worst` of the other person; 0 for an empty slot. Shape (8,)."""
    return np.array([1.0, 1.0, p.burdened, -p.strain, 0.0, 0.0, 0.0, 0.0])


@kernel
def membership_key(seed: np.uint64) -> np.uint64:
    """The key of the draws of membership, which are the same in all months."""
    return month_key(seed, MEMBER, 0)


@kernel
def is_member(w: World, p: Support, key: np.uint64, i: Int) -> bool:
    """Whether a person takes part in a group of the neighbourhood. The key is `membership_key`."""
    energy = w.places.energy[w.people.neighbourhood[i]]
    member: bool = w.people.age[i] >= 16 and uniform(key, i) < p.members * energy
    return member


@kernel
def support(w: World, p: Support, seed: np.uint64, i: Int) -> float:
    """Support of a person, 0-1, from last month's state of household members and ties."""
    return support_of(w, p, tie_values(p), i, is_member(w, p, membership_key(seed), i))


@kernel
def support_of(w: World, p: Support, worth: A, i: Int, member: bool) -> float:
    """Support of a person, 0-1, with a known membership.

    Parameters
    ----------
    w : World
    p : Support
    worth : array of float, shape (8,)
        Value of a tie by the other person's worst level (`tie_values`).
    i : int
        Person.
    member : bool
        Whether the person is a member of a group.
    """
    people = w.people
    worst, start, to, first = people.worst, w.ties.start, w.ties.to, w.dwellings.first
    g, apart = 0.0, p.apart * w.rules.pandemic[people.neighbourhood[i]]
    home = np.int64(people.dwelling[i])
    j: Int
    for j in range(np.int64(first[home]), np.int64(first[home + 1])):
        if j != i:
            g += worth[worst[j]]
    for k in range(np.int64(start[i]), np.int64(start[i + 1])):
        g += worth[worst[np.int64(to[k])]] * (1.0 - apart)
    if people.age[i] >= 5:
        g += w.rules.digital_ties[people.neighbourhood[i]] * (p.online if people.age[i] >= 65 else 1.0)
    if people.worst[i] >= 2:
        g *= 1.0 - p.withdrawal
    if member:
        g += p.bonus
    g = max(0.0, g)
    return g / (g + p.half)


@inlined
def ask_for_ties(w: World, later: Int, sooner: Int) -> None:
    """Prefetch the start of the ties of a person further ahead, and the ties of a person less far ahead."""
    prefetch(w.ties.start, later)
    first = np.int64(w.ties.start[sooner])
    prefetch(w.ties.to, first)
    prefetch(w.ties.to, first + LINE)


@mechanism(
    Phase.SUPPORT,
    Support,
    reads="people.worst people.age dwellings.first ties.start ties.to places.energy rules.pandemic "
    "rules.digital_ties screen.worse_row screen.worse",
    writes="screen.support",
    by_part=True,
    beyond="people.worst",
)
@kernel
def compute_support(w: World, p: Support, clock: Clock) -> None:
    key, worth = membership_key(clock.seed), tie_values(p)
    for d in range(w.people.level.shape[0]):
        row, support_row = w.screen.worse_row[d], w.screen.support[d]
        for k in range(w.screen.worse[d]):
            if k + 2 * AHEAD < w.screen.worse[d]:
                ask_for_ties(w, np.int64(row[k + 2 * AHEAD]), np.int64(row[k + AHEAD]))
            i = np.int64(row[k])
            support_row[k] = np.float32(support_of(w, p, worth, i, is_member(w, p, key, i)))
