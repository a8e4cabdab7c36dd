"""Replicates: runs that repeat the draw of a seed with other chance events, to estimate the spread by chance.

Two of each eight consecutive seeds have a replicate: those whose number is 0 or 1 modulo 8. So the choice, like the
draw of a parameter, depends on the number of the seed alone, and an ensemble can be split or extended. An ensemble of
at least two seeds in which this rule chooses fewer than two has replicates of its first seeds too, until there are two.
An ensemble that is put together of such parts has all replicates that it would have had if it had been run at once.

A quarter of the seeds costs a quarter of the time. With 20 seeds from 0 on there are 6 pairs, which estimate the
standard deviation by chance to about 30% of itself (1 / sqrt(2 * 6)); sim/results/spread.py pools neighbouring years.
One seed has no replicate: it has no spread to split.
"""

from __future__ import annotations

from collections.abc import Sequence

BLOCK, PER_BLOCK = 8, 2
"""Of so many consecutive seeds, so many have a replicate."""
LEAST = 2
"""Fewest replicates of an ensemble of at least two seeds."""
OTHER_CHANCE = 2**60
"""Distance of the chance seed of a replicate from its seed: beyond every seed that the command line accepts."""


def replicated(seeds: Sequence[int]) -> tuple[int, ...]:
    """Choose the seeds that have a replicate.

    Parameters
    ----------
    seeds : sequence of int
        The seeds of an ensemble.

    Returns
    -------
    tuple of int
        In the order of the seeds.

    Examples
    --------
    >>> replicated(range(20))
    (0, 1, 8, 9, 16, 17)
    >>> replicated(range(100, 104))
    (100, 101)
    """
    if len(seeds) < LEAST:
        return ()
    chosen = {seed for seed in seeds if seed % BLOCK < PER_BLOCK}
    for seed in sorted(seeds):
        if len(chosen) >= LEAST:
            break
        chosen.add(seed)
    return tuple(seed for seed in seeds if seed in chosen)


def chance_seed(seed: int) -> int:
    """Seed of the chance events of a seed's replicate.

    Parameters
    ----------
    seed : int
        The seed.

    Returns
    -------
    int
    """
    return seed + OTHER_CHANCE


def draw_of(number: int) -> int:
    """Seed whose draw of parameters a run has.

    Parameters
    ----------
    number : int
        Seed of the run's chance events.

    Returns
    -------
    int
        The number itself, or the seed that a replicate repeats.
    """
    return number - OTHER_CHANCE if number >= OTHER_CHANCE else number
