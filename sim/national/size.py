"""The size of a national run, stated before it starts: people, hours, memory and gigabytes.

Times were measured on one core of the computer of `benchmarks/README.md`, for authorities of 1,500 to 40,000 simulated
people; they are coarse: half to three times.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.national.hazard_groups import place_of_hazards
from sim.national.planning import SIDES, NationPlan
from sim.sweeps.size import duration, size

SECONDS_PER_BUILD, SECONDS_PER_PERSON_BUILT = 0.05, 30e-6
"""Building a world with its burn-in."""
SECONDS_PER_YEAR, SECONDS_PER_PERSON_YEAR = 0.010, 1.5e-6
"""A year of a run."""
SECONDS_PER_STATE, SECONDS_PER_PERSON_STORED = 0.015, 1.0e-6
"""Storing and reading the worlds of a year, if years are coupled."""
SECONDS_PER_SOLUTION = 8.0
"""Solving the hazards of a group."""
BYTES_PER_ROW, BYTES_PER_STATE, BYTES_PER_PERSON_STORED = 900, 400_000, 130
"""Disk: a row of outcomes, and a stored world."""
BYTES_PER_WORKER, BYTES_PER_PERSON = 450_000_000, 600
"""Memory of a worker: the process with its solutions, and the worlds of one authority."""
NAMES_SHOWN = 5


class NationSize(NamedTuple):
    """The size of what is still to be run.

    Attributes
    ----------
    years : int
        Number of years of authorities, over all seeds.
    seconds : float
        Time with all workers.
    stored : float
        Bytes on disk, at most.
    memory : float
        Bytes of memory of one worker.
    solutions : int
        Number of solutions of hazards that may have to be made; those in the cache take no time.
    """

    years: int
    seconds: float
    stored: float
    memory: float
    solutions: int

    def lines(self, plan: NationPlan, workers: int) -> list[str]:
        """The size in words, with authorities that have a finer scale."""
        people = sum(a.weight.simulated for a in plan.authorities)
        number = len(plan.authorities)
        text = f"{number} authorit{'y' if number == 1 else 'ies'}, {plan.population:,} people, {people:,} simulated"
        seeds = _counted(len(plan.design.numbers), "seed")
        lines = [f"{text}; {_counted(plan.years, 'year')}, {seeds}, baseline and policy"]
        if plan.finer:
            names = ", ".join(f"{a.name} (1 in {float(a.weight.exact):.3g})" for a in plan.finer[:NAMES_SHOWN])
            more = f" and {len(plan.finer) - NAMES_SHOWN} more" if len(plan.finer) > NAMES_SHOWN else ""
            why = f"finer scale than 1 in {plan.design.scale}, for the fewest people that are possible"
            lines.append(f"{why}: {names}{more}")
        if self.years:
            crew = _counted(workers, "worker")
            lines.append(
                f"about {duration(self.seconds)} with {crew} (half to three times), "
                f"{size(self.memory)} of memory for each, up to {size(self.stored)} on disk; "
                f"at most {self.solutions} solutions of hazards, fewer if they are in the cache"
            )
        return lines


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def size_of(plan: NationPlan, years: int, workers: int) -> NationSize:
    """Estimate the size of some years of authorities of a plan.

    Parameters
    ----------
    plan : NationPlan
        The plan.
    years : int
        Number of years of authorities that are not done.
    workers : int
        Number of workers.

    Returns
    -------
    NationSize
    """
    simulated = [authority.weight.simulated for authority in plan.authorities]
    seeds, sides = len(plan.design.numbers), len(SIDES)
    share = years / max(1, len(simulated) * plan.years * seeds)
    built = sum(SECONDS_PER_BUILD + SECONDS_PER_PERSON_BUILT * people for people in simulated) * seeds
    run = sum(SECONDS_PER_YEAR + SECONDS_PER_PERSON_YEAR * people for people in simulated) * seeds * plan.years * sides
    stored = 0.0
    if plan.is_coupled:
        each = sum(SECONDS_PER_STATE + SECONDS_PER_PERSON_STORED * people for people in simulated)
        run += 2.0 * each * seeds * (plan.years - 1) * sides
        stored = sum(BYTES_PER_STATE + BYTES_PER_PERSON_STORED * people for people in simulated) * 2 * sides
    places = {place_of_hazards(a.code, plan.design.hazards).name for a in plan.authorities}
    solutions = 0 if plan.design.hazards == "supplied" and plan.design.draws == "none" else len(places)
    solutions *= seeds if plan.design.draws != "none" else 1
    seconds = (built + run) * share + (solutions * SECONDS_PER_SOLUTION if years else 0.0)
    stored += years * sides * BYTES_PER_ROW
    return NationSize(
        years, seconds / max(1, workers), stored, BYTES_PER_WORKER + BYTES_PER_PERSON * max(simulated), solutions
    )
