"""The people of a place: one row for each slot of a dwelling."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class People(NamedTuple):
    """One row for each slot; the slots of a dwelling are consecutive, and so are the dwellings of a neighbourhood."""

    age: Annotated[A, column("u1", "person", "years", "age at last birthday, 255 for an empty slot")]
    band: Annotated[A, column("u1", "person", "index", "age band")]
    quintile: Annotated[A, column("u1", "person", "index", "deprivation fifth of the neighbourhood, 0 = most deprived")]
    female: Annotated[A, column("u1", "person", "0 or 1", "sex recorded as female")]
    neighbourhood: Annotated[A, column("u4", "person", "index", "neighbourhood of the slot")]
    dwelling: Annotated[A, column("u4", "person", "index", "dwelling of the slot")]
    level: Annotated[A, column("u1", "domain person", "0-3", "level of need")]
    before: Annotated[A, column("u1", "domain person", "0-3", "level of need at the start of the month")]
    worst: Annotated[
        A,
        column(
            "u1", "person", "0-3, +4", "highest level over the domains at the start of the month; 4 more: nobody there"
        ),
    ]
    help: Annotated[A, column("u1", "domain person", "code", "no help, helped by, or waiting for a service")]
    resilience: Annotated[A, column("f4", "person", "log hazard units", "resilience, 0 = its set-point")]
    trust: Annotated[A, column("f4", "person", "0-1", "trust in services")]
    changed: Annotated[A, column("u1", "person", "bits", "what of the person changed, so that bounds are due")]
    up_bound: Annotated[A, column("u1", "domain person", "bound", "no draw above this can make need worse")]
    down_bound: Annotated[
        A, column("u1", "domain person", "bound", "no draw below its complement can make need better")
    ]
    ask_bound: Annotated[A, column("u1", "domain person", "bound", "no draw further above one half is a help event")]
    refused: Annotated[A, column("u1", "person", "bits", "domains in which the last request came to nothing")]
