"""Neighbourhoods: deprivation, community groups, practice, exposures and queues."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class NeighbourhoodState(NamedTuple):
    """State of each neighbourhood."""

    first: Annotated[A, column("u4", "neighbourhood_edge", "slot", "first slot; the next one's first ends it")]
    first_dwelling: Annotated[A, column("u4", "neighbourhood_edge", "dwelling", "first dwelling")]
    quintile: Annotated[A, column("u1", "neighbourhood", "index", "deprivation fifth, 0 = most deprived")]
    energy: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "energy of community groups")]
    weight: Annotated[A, column("f8", "neighbourhood", "1 = per head", "share of places offered, relative to people")]
    exposure: Annotated[
        A, column("f8", "domain neighbourhood", "1 = baseline", "multiplies the hazard of getting worse")
    ]
    exposure_top: Annotated[A, column("f8", "domain neighbourhood", "1 = baseline", "exposure that bounds allow for")]
    practice: Annotated[
        A, column("f8", "neighbourhood", "1 = baseline", "quality of practice: multiplies effects of help")
    ]
    practice_low: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "least practice times fit in bounds")]
    practice_high: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "most practice times fit in bounds")]
    outreach: Annotated[
        A, column("f8", "neighbourhood", "per month", "rate at which need without help is found by outreach")
    ]
    outreach_top: Annotated[A, column("f8", "neighbourhood", "per month", "outreach that bounds allow for")]
    nurture: Annotated[
        A, column("f8", "band neighbourhood", "log hazard a year", "resilience given to children, beyond baseline")
    ]
    infants: Annotated[A, column("f8", "neighbourhood", "share", "ill infants sent to hospital beyond the baseline")]
    infants_top: Annotated[A, column("f8", "neighbourhood", "share", "as much of it as bounds allow for")]
    age_mix: Annotated[A, column("f8", "quintile band", "people", "the age mix that moves keep to")]
    code: Annotated[
        A, column("u4", "neighbourhood", "number", "CRC-32 of the name: the same in every run of the place")
    ]
    fit: Annotated[
        A, column("f8", "neighbourhood", "1 = baseline", "multiplies what help does: how well it suits the place")
    ]
    grown: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "groups that people have built up themselves")]
    aid: Annotated[A, column("f8", "neighbourhood", "1 = baseline groups", "mutual aid that a shock called up")]
    fullness: Annotated[A, column("f8", "one", "share", "people sent to groups over the room that groups have")]
    peers: Annotated[A, column("f8", "neighbourhood", "persons", "recovered people who support others")]
    legitimacy: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "belief that services answer to people")]
    queue_row: Annotated[A, column("u4", "queue", "slot", "people waiting, by neighbourhood and domain")]
    queue_what: Annotated[A, column("u1", "queue", "service, +128", "service waited for; 128 more: with serious need")]
    queue_race: Annotated[A, column("f8", "queue", "number", "turn in this month's queue allocation, over the weight")]
    queued: Annotated[A, column("i8", "neighbourhood", "persons", "how many, some perhaps more than are listed")]
    leader: Annotated[A, column("u1", "neighbourhood", "0 or 1", "somebody leads the learning here")]
    spine: Annotated[A, column("f8", "neighbourhood", "0-1", "how far places learn from one another")]
