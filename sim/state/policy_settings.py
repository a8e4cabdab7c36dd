"""Settings that policy levers write and mechanisms read."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class PolicySettings(NamedTuple):
    """Settings other than budgets, and shocks: written by levers, read by mechanisms."""

    seeded: Annotated[
        A, column("f8", "neighbourhood", "share", "community money spent to grow groups, not to commission them")
    ]
    organisers: Annotated[A, column("f8", "neighbourhood", "per 10,000 people", "community organisers")]
    resident_control: Annotated[A, column("f8", "neighbourhood", "share", "community money that residents decide on")]
    peer_support: Annotated[A, column("f8", "neighbourhood", "share", "recovered people invited to support others")]
    mutual_aid: Annotated[A, column("f8", "neighbourhood", "share", "streets whose mutual aid is nurtured")]
    volunteering_days: Annotated[A, column("f8", "neighbourhood", "days a year", "paid time for volunteering")]
    air_and_activity: Annotated[A, column("f8", "neighbourhood", "share", "of a programme for air, parks and activity")]
    housing_quality: Annotated[A, column("f8", "neighbourhood", "share", "of a programme for warm, safe, secure homes")]
    job_security: Annotated[A, column("f8", "neighbourhood", "share", "of a programme for secure work")]
    income_floor: Annotated[A, column("f8", "neighbourhood", "pounds a week", "paid to every adult")]
    unemployment: Annotated[A, column("f8", "neighbourhood", "points", "unemployment above the baseline")]
    pandemic: Annotated[A, column("f8", "neighbourhood", "share", "severity of a pandemic")]
    devolution: Annotated[
        A, column("f8", "neighbourhood", "share", "decisions on the mix of services taken in the place")
    ]
    voice: Annotated[A, column("f8", "neighbourhood", "share", "decisions in which residents are heard")]
    micro_enterprise: Annotated[A, column("f8", "one", "per 100,000 people", "catalysts of micro-enterprises")]
    pooling: Annotated[A, column("f8", "one", "share", "overspends and savings shared over the silos")]
    ring_fence: Annotated[A, column("f8", "one", "share", "part of prevention's baseline line that may not be cut")]
    attention: Annotated[A, column("f8", "one", "gain", "money pulled to acute care by visible overload")]
    cashable: Annotated[A, column("f8", "one", "share", "acute cost that follows demand")]
    most_refused: Annotated[A, column("f8", "one", "share", "largest share of requests that is turned away")]
    usual_refused: Annotated[A, column("f8", "one", "share", "requests turned away at baseline, as the lever counts")]
    restructuring: Annotated[A, column("f8", "one", "per month", "force of a reorganisation going on")]
    joined_up: Annotated[
        A, column("f8", "neighbourhood", "0-1", "hand-overs between services that nobody gets lost in")
    ]
    claim_burden: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "effort to prove a claim")]
    digital: Annotated[A, column("f8", "neighbourhood", "0-1", "asking that is only possible online")]
    digital_ties: Annotated[A, column("f8", "neighbourhood", "ties", "ties kept up online, beyond the baseline")]
    time_to_care: Annotated[A, column("f8", "neighbourhood", "0-1", "time freed to care for one's own")]
    alternatives: Annotated[
        A, column("f8", "neighbourhood", "share", "crises met by an alternative to the acute service")
    ]
    network_crisis: Annotated[
        A, column("f8", "neighbourhood", "0-1", "crises in which a person's own network is brought in")
    ]
    schooling: Annotated[
        A, column("f8", "neighbourhood", "log hazard a year", "resilience that schools give, beyond baseline")
    ]
