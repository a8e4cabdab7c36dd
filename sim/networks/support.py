"""People near you who are well hold you up; those in crisis need holding, and serious need makes one withdraw.

Claim     S = g / (g + half), g = (sum over ties and household of worth[worst level of the other]) * (1 - withdrawal if
          one's own need is serious or worse) + member bonus * energy of the neighbourhood's groups, g >= 0.
          worth: 1 well or emerging, 1/2 serious, -strain in crisis.
Evidence  A19: about five close ties. E17-E19: what ties do for survival (size of the effect: people/need.py).
          strain, withdrawal: assumed. Membership: A18.
Limits    A tie is there or not; who moves into a slot inherits its ties. Needed only for people whose need may get
          worse this month, and worked out only for them.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, inlined, kernel
from sim.engine.prefetch import ask_for
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import A, World

MEMBER = stream("joins community groups")
AHEAD = 4
"""How many people ahead the ties of somebody are asked for; where they are noted, twice as many."""
LINE = 8
"""Ties further on that may lie in another line of memory."""


class Support(Params):
    """What a tie is worth."""

    half: float = number(
        2.0, low=1.0, high=4.0, unit="ties", source="assumed", meaning="well ties that give half of full support"
    )
    strain: float = share(0.5, source="assumed", meaning="support that a tie in crisis takes away")
    withdrawal: float = share(
        0.3,
        low=0.0,
        high=0.6,
        source="assumed; direction A12 (lonely: 15 % of disabled people, 3 % of others)",
        meaning="part of one's ties that falls still with serious need",
    )
    members: float = share(
        0.16, low=0.12, high=0.22, source="A18 [CLS18]", meaning="adults who take part in a group when energy is 1"
    )
    bonus: float = number(
        0.75, low=0.2, high=1.5, unit="ties", source="assumed", meaning="what membership is worth, in well ties"
    )
    online: float = share(
        0.33, low=0.1, high=0.7, source="assumed", meaning="people of 65 and over who keep up ties online"
    )
    apart: float = share(
        0.4, low=0.1, high=0.8, source="assumed", meaning="part of ties outside the home that a full pandemic cuts"
    )


@kernel
def worths(p: Support) -> A:
    """What a tie to somebody is worth, by `worst`: nothing while nobody is there."""
    return np.array([1.0, 1.0, 0.5, -p.strain, 0.0, 0.0, 0.0, 0.0])


@kernel
def joining(seed: np.uint64) -> np.uint64:
    """The key of the draws that say who is a member: the same in all months."""
    return month_key(seed, MEMBER, 0)


@kernel
def is_member(w: World, p: Support, key: np.uint64, i: Int) -> bool:
    """Whether a person takes part in a group of the neighbourhood. The key is `joining`."""
    energy = w.places.energy[w.people.neighbourhood[i]]
    member: bool = w.people.age[i] >= 16 and uniform(key, i) < p.members * energy
    return member


@kernel
def support(w: World, p: Support, seed: np.uint64, i: Int) -> float:
    """Support of one person from last month's state of those near them, 0-1."""
    return support_of(w, p, worths(p), i, is_member(w, p, joining(seed), i))


@kernel
def support_of(w: World, p: Support, worth: A, i: Int, member: bool) -> float:
    """The same, where it is known whether they are a member of a group. `worth`: see `worths`."""
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
    """Ask memory where the ties of one begin whose turn is later, and for the ties of one whose turn is sooner."""
    ask_for(w.ties.start, later)
    first = np.int64(w.ties.start[sooner])
    ask_for(w.ties.to, first)
    ask_for(w.ties.to, first + LINE)


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
def lend(w: World, p: Support, clock: Clock) -> None:
    key, worth = joining(clock.seed), worths(p)
    for d in range(w.people.level.shape[0]):
        row, given = w.screen.worse_row[d], w.screen.support[d]
        for k in range(w.screen.worse[d]):
            if k + 2 * AHEAD < w.screen.worse[d]:
                ask_for_ties(w, np.int64(row[k + 2 * AHEAD]), np.int64(row[k + AHEAD]))
            i = np.int64(row[k])
            given[k] = np.float32(support_of(w, p, worth, i, is_member(w, p, key, i)))
