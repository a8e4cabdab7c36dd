"""People who move in have the needs of a random person of their age and deprivation fifth at baseline.

Claim     A newcomer copies the levels, resilience and trust of a donor: a person of the burned-in baseline of England's
          mix with the same age band, deprivation fifth and role in the household (and, unless they are the reference
          person, the same level of the household's own needs). Needs therefore occur together in newcomers as they do
          in everybody. If no donor has that level, the next level is tried.
Evidence  none needed: hot-deck imputation, a custom of surveys and microsimulation. The donors come with the
          calibration.
Limits    Newcomers come from places that stay at baseline, whatever policy is run in this place. The help that they had
          does not move with them. Nobody moves in during a crisis: it becomes serious need (moves.py).
"""

from __future__ import annotations

from sim.engine.jit import Int, kernel
from sim.state.world import World

HEAD, MEMBER = 0, 1


@kernel
def donor(w: World, role: int, household_level: int, b: int, q: int, u: float) -> int:
    """The row of a random donor of a kind, or -1 if there is none.

    Parameters
    ----------
    w : World
        Donors are in `rates.donor_range`, sorted by role, household level, age band and fifth.
    role : int
        `HEAD` (reference person) or `MEMBER` of the household.
    household_level : int
        Highest level of the household's own needs; ignored for a reference person.
    b, q : int
        Age band and deprivation fifth.
    u : float
        Random number from 0 to 1.
    """
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
