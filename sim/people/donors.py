"""Somebody like you: people who move in have the needs of a random person of their age and fifth at baseline.

Claim     A newcomer copies the levels, resilience and trust of a donor: a person of the settled baseline of England's
          mix with the same age band, deprivation fifth and role in the household (and, unless they are the reference
          person, the same level of the household's own needs). So needs go together in newcomers as in everybody.
Evidence  none needed: hot-deck imputation, a custom of surveys and microsimulation. The donors come with the
          calibration.
Limits    Newcomers come from places that stay at baseline, whatever policy is run here. Their help does not move along.
"""

from __future__ import annotations

from sim.engine.jit import Int, kernel
from sim.state.tables import World

HEAD, MEMBER = 0, 1


@kernel
def donor(w: World, role: int, household_level: int, b: int, q: int, u: float) -> int:
    """The row of a random donor of this kind, or -1 if there is none."""
    ranges = w.rates.donor_range
    wanted = 0 if role == HEAD else household_level
    for k in range(4):
        level = (wanted + k) % 4
        start, stop = ranges[role, level, b, q, 0], ranges[role, level, b, q, 1]
        if stop > start:
            row: int = start + int(u * (stop - start))
            return row
    return -1


@kernel
def household_level(w: World, i: Int) -> int:
    """The highest level among a person's household domains."""
    worst = 0
    for d in range(w.people.level.shape[0]):
        if w.rates.household[d] == 1:
            worst = max(worst, w.people.level[d, i])
    return worst
