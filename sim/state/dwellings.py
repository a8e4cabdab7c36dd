"""Dwellings: consecutive slots, some of them occupied."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class Dwellings(NamedTuple):
    """Homes: consecutive slots, of which some are occupied."""

    first: Annotated[A, column("u4", "dwelling_edge", "slot", "first slot; the next dwelling's first ends it")]
    head: Annotated[A, column("u4", "dwelling", "slot", "the household's reference person")]
    occupants: Annotated[A, column("u1", "dwelling", "persons", "people living there")]
    donor_ages: Annotated[
        A, column("u1", "dwelling place_in_home", "years", "ages of the first household, 255 for none")
    ]
