"""Homes fill, empty and grow old for some decades before anybody has needs.

Claim     Households gathered by age alone (population.py) are not those that births, deaths, leaving home and moves
          settle at: for thirty years more of the old come to live with somebody. So a world first lives through
          `YEARS` of these by themselves, with the published mortality of each age and fifth; then ties are wired and
          first needs handed out among the people who are there.
Evidence  none needed: it makes the start a fixed point of the model's own rules. Years: after these, households by
          age, and ages within bands, change no more than by luck.
Limits    As those of ageing.py, life_and_death.py and moves.py. In these years the ill do not die sooner than others.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams
from sim.people.ageing import Ageing, grow_older
from sim.people.bound_updates import gather
from sim.people.life_and_death import LifeAndDeath, bound, live
from sim.people.moves import Moves, move
from sim.state.tables import World

YEARS = 40


STEPS = ("bound_updates", "life_and_death_bounds", "ageing", "life_and_death", "moves")
"""The mechanisms that go on in these years."""


@kernel
def live_a_month(w: World, nothing: NoParams, ageing: Ageing, life: LifeAndDeath, moves: Moves, clock: Clock) -> None:
    """A month in which people of a part of the place are born, grow older, leave home, move and die, without needs."""
    gather(w, nothing, clock)
    bound(w, life, clock)
    grow_older(w, ageing, clock)
    live(w, life, clock)
    move(w, moves, clock)
