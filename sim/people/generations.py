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

import numpy as np

from sim.engine.columns import at
from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, NoParams
from sim.people.ageing import Ageing, grow_older
from sim.people.life_and_death import LifeAndDeath, bound, live
from sim.people.moves import Moves, move
from sim.people.renewal import gather
from sim.state import World

YEARS = 40


STEPS = ("renewal", "life_and_death_bounds", "ageing", "life_and_death", "moves")
"""The mechanisms that go on in these years."""


@kernel
def live_a_month(
    w: World, addresses: np.ndarray, nothing: NoParams, ageing: Ageing, life: LifeAndDeath, moves: Moves, clock: Clock
) -> None:
    """A month in which people are born, grow older, leave home, move and die, without needs: in one part of the place
    after another, those whose handles have these addresses."""
    for address in addresses:
        part: World = at(w, address)  # type: ignore[call-arg]  # the first argument is the compiler's
        gather(part, nothing, clock)
        bound(part, life, clock)
        grow_older(part, ageing, clock)
        live(part, life, clock)
        move(part, moves, clock)
