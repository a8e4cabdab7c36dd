"""People near you who are well hold you up; those in crisis need holding, and serious need makes one withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.networks.support import Support
from sim.twins.mesa.bookkeeping import OF_AGE, SERIOUS
from sim.twins.mesa.people import PersonAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

ONLINE_FROM, OLD = 5, 65
"""From the first age on people keep up ties online; from the second on only some do."""


def worth(p: Support, other: PersonAgent) -> float:
    """What somebody near gives: 1 if well or nearly so, half with serious need; in crisis they need holding."""
    if other.worst < SERIOUS:
        return 1.0
    return 0.5 if other.worst == SERIOUS else -p.strain


def is_member(town: MesaModel, p: Support, person: PersonAgent) -> bool:
    """Whether somebody takes part in a group: more do where groups are lively, and always the same ones first."""
    if person.age < OF_AGE:
        return False
    luck = town.lasting_luck("joins community groups")[person.number]
    return luck < p.members * person.neighbourhood.energy


def support(town: MesaModel, p: Support, person: PersonAgent) -> float:
    """How far somebody is held up, from 0 to 1."""
    hood = person.neighbourhood
    apart = p.apart * hood.pandemic
    held = 0.0
    for other in person.housemates():
        held += worth(p, other)
    for other in person.ties:
        if other.lives:
            held += worth(p, other) * (1.0 - apart)
    if person.age >= ONLINE_FROM:
        held += hood.digital_ties * (p.online if person.age >= OLD else 1.0)
    if person.worst >= SERIOUS:
        held *= 1.0 - p.withdrawal
    if is_member(town, p, person):
        held += p.bonus
    held = max(0.0, held)
    return held / (held + p.half)
