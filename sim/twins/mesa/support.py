"""Social support: people nearby who are well give support, people in crisis take it, serious need reduces contact."""

from __future__ import annotations

from sim.networks.support import Support
from sim.twins.mesa.people import PersonAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import ADULT_AGE, SERIOUS

ONLINE_FROM, OLD = 5, 65
"""Age from which people keep up ties online, and age from which only some people do."""


def support_given(p: Support, other: PersonAgent) -> float:
    """The support that a person nearby gives: 1 without serious need, less with serious need, negative in crisis."""
    if other.worst < SERIOUS:
        return 1.0
    return p.burdened if other.worst == SERIOUS else -p.strain


def is_member(town: Town, p: Support, person: PersonAgent) -> bool:
    """Whether a person takes part in a group. The share rises with the groups' energy, in a fixed order of people."""
    if person.age < ADULT_AGE:
        return False
    u = town.permanent_draws("joins community groups")[person.number]
    return u < p.members * person.neighbourhood.energy


def support(town: Town, p: Support, person: PersonAgent) -> float:
    """The support of a person, from 0 to 1."""
    hood = person.neighbourhood
    isolation = p.apart * hood.pandemic
    contact = 0.0
    for other in person.housemates():
        contact += support_given(p, other)
    for other in person.ties:
        if other.is_present:
            contact += support_given(p, other) * (1.0 - isolation)
    if person.age >= ONLINE_FROM:
        contact += hood.digital_ties * (p.online if person.age >= OLD else 1.0)
    if person.worst >= SERIOUS:
        contact *= 1.0 - p.withdrawal
    if is_member(town, p, person):
        contact += p.bonus
    contact = max(0.0, contact)
    return contact / (contact + p.half)
