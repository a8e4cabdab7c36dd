"""Before anybody has needs, a place runs through some decades of births, deaths, ageing and moves.

Claim     Households formed by age alone (population.py) are not those at which births, deaths, leaving home and moves
          are in equilibrium: over thirty years more old people come to live with others. A world therefore first runs
          through `YEARS` years of these processes alone, with the published mortality of each age and fifth. Ties are
          then wired, and first needs assigned, among the people who live in the place at the end.
Evidence  none needed: it makes the start a fixed point of the model's own rules. Years: after these, households by
          age, and ages within bands, change no more than by chance.
Limits    As those of ageing.py, life_and_death.py and moves.py. In these years people with needs do not die sooner than
          others.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams
from sim.people.ageing import Ageing, grow_older
from sim.people.bound_updates import collect_changed
from sim.people.life_and_death import LifeAndDeath, apply_deaths_and_births, bound
from sim.people.moves import Moves, move
from sim.state.world import World

YEARS = 40


STEPS = ("bound_updates", "life_and_death_bounds", "ageing", "life_and_death", "moves")
"""The mechanisms that run in these years."""


@kernel
def run_demographic_month(
    w: World, no_params: NoParams, ageing: Ageing, life: LifeAndDeath, moves: Moves, clock: Clock
) -> None:
    """Run one month of births, ageing, leaving home, moves and deaths in a part of the place, without needs."""
    collect_changed(w, no_params, clock)
    bound(w, life, clock)
    grow_older(w, ageing, clock)
    apply_deaths_and_births(w, life, clock)
    move(w, moves, clock)
