"""Groups of people whom targeted policies distinguish, and the share of services that each is offered."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class AimGroups(NamedTuple):
    """Groups of people under policies for some people only.

    The people of a scenario with targeted policies are divided into groups by neighbourhood and age. Group 0 is
    everybody without a targeted policy. Without such policies `groups` is 0.
    """

    groups: Annotated[A, column("i8", "one", "groups", "number of groups under targeted policies, 0 for none")]
    group: Annotated[A, column("u1", "neighbourhood band", "index", "the group of those who live there at that age")]
    heads: Annotated[A, column("f8", "group", "persons", "people in the group when its policies began")]
    part: Annotated[
        A, column("f8", "group service", "share", "part of a service that was the group's when policies began")
    ]
    offer: Annotated[A, column("f8", "group service", "1 = as others", "places kept for the group; 0 is closed to it")]
    refuse: Annotated[
        A, column("f8", "group service", "share", "added to the share of the group's requests turned away")
    ]
    ask: Annotated[A, column("f8", "group service", "share", "of those in the group who would ask, who still do")]
