"""Some people who have recovered support others, if they are invited; peers cannot be bought.

Claim     d(peers)/dt = invited * peer_support * (1 - bought_out * (1 - seeded)) * recoveries - peers / tenure, with
          recoveries the people who leave serious mental or family need this month. Effect of peers on others:
          networks/exposure.py.
Evidence  M33, M76: direction. Sizes assumed: no row in the register.
Limits    A peer supports the neighbourhood, not a particular person.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import FAMILY, MENTAL
from sim.state.columns import A, column
from sim.state.world import World


class Peers(Params):
    """The share of recovered people who become peers, and the time that they stay peers."""

    invited: float = share(
        0.2, low=0.05, high=0.5, source="assumed", meaning="recovered people who become peers if all are invited"
    )
    tenure: float = number(
        18.0, low=6.0, high=48.0, unit="months", source="assumed", meaning="time that a person stays a peer"
    )
    bought_out: float = share(
        0.6, low=0.0, high=1.0, source="assumed; M33: direction", meaning="peers lost if all groups are commissioned"
    )


class PeersState(NamedTuple):
    """Recoveries of the month."""

    recovered: Annotated[
        A, column("f8", "neighbourhood", "persons", "people who left serious mental or family need this month")
    ]


@mechanism(
    Phase.MEMORY,
    Peers,
    state=PeersState,
    reads="screen.events screen.event_row screen.event_domain screen.event_to people.before people.neighbourhood "
    "rates.kind rules.peer_support rules.seeded",
    writes="peers.recovered places.peers",
    by_part=True,
)
@kernel
def become_peers(w: World, p: Peers, clock: Clock) -> None:
    screen, people, places = w.screen, w.people, w.places
    state: PeersState = w.private.peers
    first, last = w.part.neighbourhood[0], w.part.neighbourhood[1]
    for n in range(first, last):
        state.recovered[n] = 0.0
    for k in range(screen.events[0]):
        i, d = np.int64(screen.event_row[k]), np.int64(screen.event_domain[k])
        kind, before = w.rates.kind[d], people.before[d, i]
        if (kind == MENTAL or kind == FAMILY) and before >= 2 and screen.event_to[k] < before:
            state.recovered[people.neighbourhood[i]] += 1.0
    for n in range(first, last):
        joining = p.invited * w.rules.peer_support[n] * (1.0 - p.bought_out * (1.0 - w.rules.seeded[n]))
        places.peers[n] += joining * state.recovered[n] - places.peers[n] / p.tenure
