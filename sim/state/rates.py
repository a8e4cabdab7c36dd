"""Rates of the burned-in world: hazards, mortality, attendance and asking."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.state.columns import A, column


class Rates(NamedTuple):
    """Monthly probabilities solved by calibration, and constants of the domains. Read only during a run."""

    up: Annotated[A, column("f8", "domain level band quintile", "per month", "getting one level worse, modifiers at 1")]
    down: Annotated[A, column("f8", "domain level band", "per month", "getting one level better, without help")]
    ask: Annotated[A, column("f8", "service", "per month", "asking a service while in need and without help")]
    asks: Annotated[A, column("f8", "domain level band", "per month", "asking any service: the sum of `ask`")]
    omega: Annotated[A, column("f8", "domain domain", "per level", "how the second's level raises the first's hazard")]
    household: Annotated[A, column("u1", "domain", "0 or 1", "the level belongs to the household")]
    donor_level: Annotated[A, column("u1", "donor domain", "0-3", "needs of people of the burned-in baseline, to copy")]
    donor_resilience: Annotated[A, column("f4", "donor", "log hazard units", "their resilience")]
    donor_trust: Annotated[A, column("f4", "donor", "0-1", "their trust")]
    donor_range: Annotated[
        A, column("i8", "role level band quintile edge", "row", "first and last + 1 donor of a kind")
    ]
    resilience: Annotated[A, column("f8", "band quintile", "log hazard units", "mean resilience, given to the newborn")]
    trust: Annotated[A, column("f8", "band quintile", "0-1", "mean trust, given to the newborn")]
    death: Annotated[A, column("f8", "age quintile", "per month", "dying, level multipliers at 1")]
    death_ahead: Annotated[
        A, column("f8", "age quintile", "per month", "the most of it over some years from that age on")
    ]
    door: Annotated[A, column("i8", "door", "service", "services that anybody may walk into")]
    walk_in: Annotated[
        A, column("f8", "door band quintile", "per month", "attending without a crisis, need being helped")
    ]
    knock: Annotated[A, column("f8", "door domain level", "per month", "extra attendances with need and no help")]
    walks_in: Annotated[A, column("u1", "door band", "0 or 1", "somebody of the age may come through the door")]
    waits_for: Annotated[A, column("i8", "domain", "domain", "whose serious need must be helped to leave, or -1")]
    asked_every: Annotated[A, column("i8", "one", "years", "after which the survey asks the same person again")]
    informal: Annotated[A, column("u1", "domain", "0 or 1", "people at home can do much of what is needed")]
    crisis_arrives: Annotated[A, column("f8", "door domain", "share", "crises that come through this door too")]
    kind: Annotated[A, column("i8", "domain", "code", "place of the domain in `KINDS`, -1 for another")]
