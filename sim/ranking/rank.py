"""`sim.rank`: brings the interventions of the library to one budget, runs them, and ranks them.

Interventions are run in groups with the baseline, so that memory does not grow with their number. The people, draws and
chance events of a seed are the same in every group. With a folder, finished runs are stored at once, and the same call
continues.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.ensemble.compare import compare
from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.replicates import replicated
from sim.ensemble.run_limits import Runs, one_job
from sim.place.place import Place
from sim.ranking.budget import OPTION, Budget, Fit, budget_of, fitted
from sim.ranking.criteria import Effects, effects
from sim.ranking.interventions import (
    MONTHS_BEFORE,
    RAMP_MONTHS,
    Intervention,
    Library,
    SetApart,
    interventions,
    start_of,
)
from sim.ranking.programme_cost import added_to_lines, first_budgets, programme_cost
from sim.ranking.ranking import RankedIntervention, Ranking
from sim.results import folder_lock, result_folder
from sim.results.comparison import Comparison
from sim.results.money.discounting import present_values
from sim.results.policy_words import asked_words
from sim.results.run_files import DIGITS
from sim.results.run_store import RUNS, UNFINISHED, RunStore, run_format
from sim.scenario.policy_checks import levers_by_name
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.simulation.simulate import Progress

DEFAULT_BUDGET, DEFAULT_YEARS, DEFAULT_PEOPLE = "10", 10, 30_000
"""Pounds a head a year, length of the runs, and the largest number of people, if none is stated."""
GROUP = 5
"""Interventions that are run together with the baseline."""
LEAST_YEARS = MONTHS_BEFORE // 12 + 1
OTHER_FILES = ("run.json", "sweep.json")
"""Files of a folder that is that of a comparison or of a sweep."""
Notify = Callable[[str], None]


def rank(
    place: str | Place = "anytown",
    *,
    budget: str | float = DEFAULT_BUDGET,
    only: Iterable[str] | None = None,
    people: int | None = None,
    years: int = DEFAULT_YEARS,
    seeds: int = 20,
    seed: int = 0,
    draws: Draws | None = "all",
    threads: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
) -> Ranking:
    """Rank the interventions of the library for one place under one budget.

    Each intervention is made larger or smaller until it costs the budget. All are then run with the same people, draws
    of parameters and chance events, and ranked by acute demand avoided, health gained, public money saved, net value
    and the gap between deprivation fifths, for each pound that they cost.

    Parameters
    ----------
    place : str or Place
        Name, file or Place.
    budget : str or float
        Pounds a head a year, or per cent of spending in scope, such as "1%".
    only : iterable of str, optional
        Names of interventions or scenarios, or paths of scenario files; by default all interventions of the library.
    people : int, optional
        Number of people; by default those of the place, and at most 30,000.
    years : int
        Length of the runs.
    seeds : int
        Number of draws.
    seed : int
        The first seed.
    draws : {"all", "mechanisms", "none"}
        The parameters that each seed draws, as in `compare`.
    threads : int, optional
        Runs in parallel, one for each processor by default.
    out : str or Path, optional
        A folder for finished runs, with which the same call continues.
    progress : callable, optional
        Called with the number of runs done, the number of all runs, and a label.
    notify : callable, optional
        Called with lines of text: the size of the ranking, and what is stored. By default they are printed to standard
        error.

    Returns
    -------
    Ranking

    Raises
    ------
    InputError
        If the place, an intervention or the budget is wrong, or no intervention can be brought to the budget.

    Examples
    --------
    >>> import sim
    >>> ranking = sim.rank("anytown", only=["grant-gp", "outreach"], budget=5, people=1_500, years=2, seeds=2,
    ...                    draws="none", notify=print)
    2 interventions at £5.00 a head a year, and the baseline: 6 runs of 1,500 people and 2 years
    >>> ranking
    <Ranking for anytown: 2 interventions, £5.00 a head a year, 1,500 people, 2 years, 2 draws>
    """
    say = notify or _print
    stated = budget_of(budget)
    if years < LEAST_YEARS:
        wanted = f"at least {LEAST_YEARS} years, as interventions start after {MONTHS_BEFORE} months"
        raise InputError("--years", None, "", wanted, years)
    placed = place if isinstance(place, Place) else Place.load(place)
    size = people if people is not None else min(DEFAULT_PEOPLE, placed.population)
    placed.check_people(size)
    named = place if isinstance(place, str) else None
    baseline = Scenario.load("baseline").with_settings(place=named, people=size, years=years)
    library = interventions(baseline, only)
    with contextlib.ExitStack() as stack:
        folder = None
        if out is not None:
            folder = _folder_of_ranking(Path(out))
            stack.enter_context(folder_lock.locked(folder))
        task = _Task(baseline, placed, size, seeds, seed, draws or "none", threads, folder, say)
        stack.enter_context(one_job(*task.all_runs(library)))
        return task.ranking(library, stated, progress)


class _Plan(NamedTuple):
    """Interventions at one budget.

    Attributes
    ----------
    budget, present, spending : float
        Pounds a head a year; their present value over all years; spending in scope, pounds a head a year.
    scaled : dict of str to Scenario
        Each intervention at the budget.
    apart : list of SetApart
        Those that cannot be brought to it.
    """

    budget: float
    present: float
    spending: float
    scaled: dict[str, Scenario]
    apart: list[SetApart]


class _Task:
    """The settings that all runs of a ranking share."""

    def __init__(
        self,
        baseline: Scenario,
        place: Place,
        people: int,
        seeds: int,
        seed: int,
        draws: Draws,
        threads: int | None,
        folder: Path | None,
        say: Notify,
    ) -> None:
        """Keep the settings."""
        self._baseline, self._place, self._people = baseline, place, people
        self._seeds, self._seed, self._draws, self._threads = seeds, seed, draws, threads
        self._folder, self._say = folder, say
        self._reported: set[str] = set()
        self._digests: list[str] = []

    def all_runs(self, library: Library) -> tuple[Runs, ...]:
        """The runs that are about to be made, for the estimate of memory and time."""
        years, drawn = self._baseline.years, self._draws != "none"
        programmes = sum(each.buys_programmes for each in library.interventions)
        search = Runs(self._place, self._people, years, 1 + programmes, 1, self._threads, times=3)
        groups = -(-len(library.interventions) // GROUP)
        ranked = Runs(self._place, self._people, years, GROUP + 1, self._seeds, self._threads, drawn=drawn)
        # Draws are calibrated, and worlds built, for the first group only.
        return (search, ranked, *[ranked._replace(drawn=False)] * max(0, groups - 1))

    def ranking(self, library: Library, stated: Budget, progress: Progress | None) -> Ranking:
        """Bring the interventions to the budget, run them, and collect the results."""
        plan = self._plan(library, stated)
        if not plan.scaled:
            reasons = "; ".join(f"{each.name}: {each.reason}" for each in (*library.apart, *plan.apart))
            wanted = "at least one intervention that can be brought to the budget"
            raise InputError(OPTION, None, "", wanted, Phrase(f"none ({reasons})"))
        names = list(plan.scaled)
        ranked: list[RankedIntervention] = []
        by_name = {each.name: each for each in library.interventions}
        groups = [names[k : k + GROUP] for k in range(0, len(names), GROUP)]
        repeats = len(replicated(range(self._seed, self._seed + self._seeds))) if self._draws != "none" else 0
        each_policy = self._seeds + repeats
        self._say(
            f"{len(names)} intervention{'s' if len(names) > 1 else ''} at £{plan.budget:,.2f} a head a year, and the "
            f"baseline: {(len(names) + 1) * each_policy:,} runs of {self._people:,} people and "
            f"{self._baseline.years} years"
        )
        # A draw is calibrated once, in the first group.
        steps = [(len(group) + 1) * each_policy for group in groups]
        steps[0] += self._seeds if self._draws != "none" else 0
        result: Comparison | None = None
        for k, group in enumerate(groups):
            shown = None if progress is None else _part_of(progress, k, steps)
            result = self._compared([plan.scaled[name] for name in group], shown)
            ranked += [_ranked(by_name[name], plan.scaled[name], result) for name in group]
        assert result is not None
        if self._folder is not None:
            _keep_runs(self._folder, self._digests)
        return Ranking(
            place=self._place.name,
            place_label=self._place.label,
            people=result.people,
            years=self._baseline.years,
            seeds=result.seeds,
            repeated=() if result.replicates is None else result.replicates.seeds,
            draws=result.draws,
            budget=plan.budget,
            budget_present=plan.present,
            spending=plan.spending,
            start=start_of(self._baseline),
            ramp_months=RAMP_MONTHS,
            valuation=self._baseline.valuation(),
            interventions=tuple(ranked),
            apart=(*plan.apart, *library.apart),
            refused=result.refused,
        )

    def _plan(self, library: Library, stated: Budget) -> _Plan:
        """Find the size of each intervention at the budget, with the central parameters."""
        rate = self._baseline.valuation().discount_money
        central = self._central([])
        budgets = first_budgets(central)[0]
        people = float(central.people)
        hoods = self._place.neighbourhoods(self._people)
        spending = float(budgets.sum()) / people
        by_name = {each.name: each for each in library.interventions}

        def costs(factors: Mapping[str, float]) -> dict[str, float]:
            scaled = {name: by_name[name].scaled(factor) for name, factor in factors.items()}
            programmes = [scaled[name] for name in factors if by_name[name].buys_programmes]
            ran = self._central(programmes) if programmes else central
            out = {}
            for name, scenario in scaled.items():
                if by_name[name].buys_programmes:
                    yearly = programme_cost(ran, name)[0]
                else:
                    yearly = added_to_lines(scenario, hoods, budgets, people)
                out[name] = float(present_values(yearly, "money", rate)[-1]) / people
            return out

        pounds = stated.pounds(spending)
        pound = self._baseline.with_policy(
            "grant", shift=1.0, service="gp", start=start_of(self._baseline), over_months=RAMP_MONTHS
        )
        yearly = pounds * added_to_lines(pound, hoods, budgets, people) / people
        target = float(present_values(yearly, "money", rate)[-1])
        sizes = fitted(costs, {each.name: each.largest for each in library.interventions}, target)
        apart = [_too_small(by_name[name], fit, pounds, target) for name, fit in sizes.items() if not fit.fits]
        scaled = {name: by_name[name].scaled(fit.factor) for name, fit in sizes.items() if fit.fits}
        return _Plan(pounds, target, spending, scaled, apart)

    def _central(self, scenarios: Sequence[Scenario]) -> Comparison:
        """One run of some scenarios with the central parameters."""
        return compare(
            self._baseline,
            *scenarios,
            place=self._place,
            people=self._people,
            seeds=[self._seed],
            draws="none",
            threads=self._threads,
        )

    def _say_once(self, text: str) -> None:
        """Report what is stored: groups have the same seeds, and one line is enough."""
        if text not in self._reported:
            self._reported.add(text)
            self._say(text)

    def _compared(self, scenarios: Sequence[Scenario], progress: Progress | None) -> Comparison:
        with contextlib.ExitStack() as stack:
            store = None
            if self._folder is not None:
                store = stack.enter_context(RunStore(self._folder, self._say_once))
            result = compare(
                self._baseline,
                *scenarios,
                place=self._place,
                people=self._people,
                seeds=self._seeds,
                seed=self._seed,
                draws=self._draws,
                threads=self._threads,
                progress=progress,
                store=store,
            )
        self._digests.append(run_format(result).comparison[:DIGITS])
        return result


def _ranked(intervention: Intervention, scaled: Scenario, result: Comparison) -> RankedIntervention:
    again: Effects | None = None
    if result.replicates is not None:
        again = effects(replace(result.replicates, index_base=result), scaled.name)
    span, by_name = scaled.span, levers_by_name()
    words = tuple(
        asked_words(policy, by_name[policy.lever], span.baseline_of(by_name[policy.lever]))
        for policy in scaled.policies
    )
    return RankedIntervention(
        name=scaled.name,
        label=scaled.label,
        funding=intervention.funding,
        size=words,
        effects=effects(result, scaled.name),
        replicates=again,
        money=result.money(scaled.name),
    )


def _too_small(intervention: Intervention, fit: Fit, pounds: float, target: float) -> SetApart:
    """The reason why an intervention cannot be brought to the budget."""
    if fit.cost <= 0.0:
        reason = "it adds money to no line or programme"
    elif fit.cost < target:
        most = np.floor(100.0 * pounds * fit.cost / target) / 100.0
        reason = f"at its largest size it costs £{most:,.2f} a head a year, less than the budget"
    else:
        reason = "no size was found at which it costs the budget within 1%"
    return SetApart(intervention.name, intervention.label, reason)


def _folder_of_ranking(out: Path) -> Path:
    """The folder of a ranking as an absolute path. Refuses that of a comparison or a sweep."""
    folder = result_folder.writable(out)
    for name in OTHER_FILES:
        if (folder / name).exists():
            came = Phrase(f"the folder of another command, with {name}")
            raise InputError(folder, None, "--out", "an empty or new folder, or that of a ranking", came)
    return folder


def _keep_runs(folder: Path, digests: Iterable[str]) -> None:
    """Move the runs of a complete ranking into its folder, and delete those of another ranking there."""
    unfinished, present = folder_lock.place_beside(folder) / f"{folder.name}{UNFINISHED}", folder / RUNS
    wanted = set(digests)
    for digest in wanted:
        for path in sorted((unfinished / digest).glob("*")):
            (present / digest).mkdir(parents=True, exist_ok=True)
            path.replace(present / digest / path.name)
        shutil.rmtree(unfinished / digest, ignore_errors=True)
    with contextlib.suppress(OSError):  # it has runs of another ranking, or is not there
        unfinished.rmdir()
    for path in present.iterdir():
        if path.name not in wanted:
            shutil.rmtree(path, ignore_errors=True)


def _part_of(progress: Progress, number: int, steps: Sequence[int]) -> Progress:
    """The progress of one of several groups, as a part of all of them, of which each has so many steps."""

    def part(done: int, total: int, label: str) -> None:
        within = round(steps[number] * done / total) if total else 0
        progress(sum(steps[:number]) + within, sum(steps), label)

    return part


def _print(text: str) -> None:
    import os

    if "UPSTREAM_QUIET" not in os.environ:
        print(text, file=sys.stderr, flush=True)
