"""`sim.nation`: run all authorities, or some, and store each year of each at once; the same call again continues.

Without a formula each authority runs alone, all years in one go. With one, a year of all authorities is finished before
the next begins: the formula needs what all of them counted. Seeds follow one another; this process holds the counts of
one seed at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.national.allocation import AllocationFormula, allocate
from sim.national.design import NationDesign
from sim.national.execution import NationExecution, NationWorkers
from sim.national.hazard_groups import place_of_hazards
from sim.national.outcomes import acute_services, fifths, unit_costs
from sim.national.planning import DIGITS, SIDES, NationPlan, planned
from sim.national.result_files import finish
from sim.national.results import Nation
from sim.national.size import size_of
from sim.national.store import NationStore
from sim.national.task import NationOutcome, NationSetting, Unit, make, run
from sim.results import folder_lock, result_folder
from sim.schema.errors import InputError, Phrase, plain
from sim.simulation.simulate import Progress
from sim.sweeps.sweep import MOST_WORKERS, check_space, print_note

I64 = npt.NDArray[np.int64]
MOST_REFUSED = 0.25
"""Largest share of draws that may be refused."""
SHOWN_FINER = 5
"""Number of authorities with a finer scale that are named."""


def nation(
    design: str | Path | NationDesign | Mapping[str, Any],
    out: str | Path,
    *,
    scale: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
) -> Nation | None:
    """Run many authorities under a baseline and their policies, and store the results in a folder.

    Parameters
    ----------
    design : str, Path, NationDesign or mapping
        A TOML file, or its content.
    out : str or Path
        The folder, which is created.
    scale : int, optional
        People of an authority for each simulated person, in place of the design's.
    workers : int, optional
        Number of processes; by default one for each processor.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers run the authorities.
    dry_run : bool
        Whether to state the size only, and run nothing.
    progress : callable, optional
        Called with the number of years of authorities that are done, the number of all, and a label.
    notify : callable, optional
        Called with lines of text. By default they are printed to standard error.

    Returns
    -------
    Nation or None
        The results; None for a dry run.

    Raises
    ------
    InputError
        If the design is wrong, the folder is that of something else or in use, or the scheduler cannot be reached.
    NationError
        If a run ended with an error. Finished runs are stored.
    """
    say = notify or print_note
    plan = planned(design, scale=scale)
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError("--workers", None, "", f"a whole number from 1 to {MOST_WORKERS:,}", workers)
    folder = result_folder.writable(Path(out))
    with contextlib.ExitStack() as stack:
        stack.enter_context(folder_lock.locked(folder))
        store = NationStore(folder, plan, say)
        crew = workers or os.cpu_count() or 1
        total = len(plan.authorities) * plan.years * len(plan.design.numbers)
        expected = size_of(plan, max(0, total - len(store.done)), crew)
        for line in expected.lines(plan, crew):
            say(line)
        check_space(folder, expected.stored)
        if dry_run:
            return None
        states, token = store.begin()
        drawn = plan.drawn(plan.design.numbers)
        setting = NationSetting(
            plan.scenarios, plan.authorities, plan.design.hazards, drawn, states, token, plan.versions
        )
        content = pickle.dumps(setting)
        pool: Any
        if scheduler is not None:
            from sim.sweeps.cluster import Cluster

            pool = stack.enter_context(Cluster(content, scheduler, run))
        else:
            from sim.ensemble.precompile import warm_up
            from sim.sweeps.pool import Pool

            warm_up()
            pool = stack.enter_context(Pool(content, crew, make))
        seeds = _NationRun(plan, store, cast(NationWorkers, pool), progress, say).run()
        store.compact()
        store.drop_states()
        return finish(store, seeds, say)


class _Counted(NamedTuple):
    """What the formula needs of a year, by side and authority."""

    budget: I64
    months: I64
    need: npt.NDArray[np.float64]


class _NationRun:
    """The years of all authorities, seed after seed."""

    def __init__(
        self,
        plan: NationPlan,
        store: NationStore,
        workers: NationWorkers,
        progress: Progress | None,
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._store, self._progress, self._say = plan, store, progress, say
        self._execution = NationExecution(
            workers, lambda unit: f"{plan.authorities[unit.authority].name}, seed {unit.seed}"
        )
        self._recent: list[pa.Table] = []
        self._done = self._stepped = 0
        self._total = len(plan.authorities) * plan.years * len(plan.design.numbers)

    def run(self) -> tuple[int, ...]:
        """Run all seeds, and return those whose draws could be calibrated."""
        seeds = self._solved(self._plan.design.numbers)
        for seed in seeds:
            self._run_seed(seed)
        return seeds

    def _report(self, steps: int, label: str) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._total, label)

    def _solved(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """Solve the hazards of each group and draw that has years to run, and return the seeds that can be used."""
        plan = self._plan
        is_drawn = plan.design.draws != "none"
        firsts: dict[str, int] = {}
        for k, authority in enumerate(plan.authorities):
            firsts.setdefault(place_of_hazards(authority.code, plan.design.hazards).name, k)
        pairs = [(k, seed) for seed in (seeds if is_drawn else seeds[:1]) for k in firsts.values()]
        if self._total <= len(self._store.done) and not is_drawn:
            return tuple(seeds)
        self._report(0, "solving hazards")
        refused = self._execution.solve(pairs, lambda: self._report(0, "solving hazards"))
        for seed, reason in refused.items():
            self._say(plain(f"seed {seed} is left out: its draw cannot be calibrated ({reason})"))
        usable = tuple(seed for seed in seeds if seed not in refused)
        if len(refused) > MOST_REFUSED * len(seeds) or not usable:
            came = Phrase(f"{len(refused)} of {len(seeds)} that cannot be")
            raise InputError("design", None, "draws", "draws of which at least 75% can be calibrated", came)
        self._total -= len(refused) * plan.years * len(plan.authorities)
        return usable

    def _run_seed(self, seed: int) -> None:
        plan = self._plan
        count = len(plan.authorities)
        multiples: list[list[list[float]]] = [[[] for _ in range(count)] for _ in SIDES]
        keys = [[self._key(plan.identity, authority.code, seed)] for authority in plan.authorities]
        before: list[I64] | None = None
        for first, years in self._spans():
            if plan.design.allocation is not None and first:
                counted = self._counted(seed, first)
                before, factors = self._shared(plan.design.allocation, first, counted, before)
            else:
                factors = [[1.0] * count, [authority.budget for authority in plan.authorities]]
            for year in range(first, first + years):
                for a in range(count):
                    for side in range(len(SIDES)):
                        multiples[side][a].append(factors[side][a])
                    keys[a].append(self._key(keys[a][-1], year, [multiples[side][a][-1] for side in range(len(SIDES))]))
            units = [
                Unit(a, seed, first, tuple(tuple(multiples[side][a]) for side in range(len(SIDES))), tuple(keys[a]))
                for a in range(count)
            ]
            self._run_units([unit for unit in units if unit.name not in self._store.done], years, seed)
            self._report(years * sum(unit.name in self._store.done for unit in units) - self._stepped, f"seed {seed}")

    def _spans(self) -> Iterator[tuple[int, int]]:
        """First year and number of years of what is run in one go."""
        if not self._plan.is_coupled:
            yield 0, self._plan.years
            return
        for year in range(self._plan.years):
            yield year, 1

    def _run_units(self, units: list[Unit], years: int, seed: int) -> None:
        weights = [authority.weight.simulated for authority in self._plan.authorities]
        self._recent, self._stepped = [], 0
        units.sort(key=lambda unit: (-weights[unit.authority], unit.authority))

        def add(outcome: NationOutcome, number: int) -> None:
            if outcome.content:
                self._recent.append(self._store.add(outcome.content))
            steps = years * (number - len(outcome.failed or {}))
            self._stepped += steps
            self._report(steps, f"seed {seed}")

        self._execution.run(units, lambda unit: weights[unit.authority] + 5_000.0, add)

    @staticmethod
    def _key(*parts: Any) -> str:
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:DIGITS]

    def _counted(self, seed: int, year: int) -> list[_Counted]:
        """What the runs of the year before counted, by side, scaled to the people of each authority."""
        measures = [*fifths("months"), *fifths("need"), *(c for s in acute_services() for c in fifths(f"episodes_{s}"))]
        columns = ["code", "side", "seed", "year", "budget", *measures]
        recent = [table.select(columns) for table in self._recent]
        complete = sum(table.num_rows for table in recent) == len(SIDES) * len(self._plan.authorities)
        frame = (pa.concat_tables(recent) if complete else self._store.rows(seed, columns, year)).to_pandas()
        out = []
        for side in SIDES:
            rows = frame[frame["side"] == side].set_index("code").loc[[a.code for a in self._plan.authorities]]
            exact = [authority.weight for authority in self._plan.authorities]
            months = [int(w.of(row).sum()) for w, row in zip(exact, rows[fifths("months")].to_numpy(), strict=True)]
            budget = [int(w.of(np.array([row]))[0]) for w, row in zip(exact, rows["budget"], strict=True)]
            if self._plan.design.need == "people":
                need = np.ones(len(rows))
            elif self._plan.design.need == "serious_need":
                need = rows[fifths("need")].to_numpy().sum(axis=1) / rows[fifths("months")].to_numpy().sum(axis=1)
            else:
                cost = sum(
                    pounds * rows[fifths(f"episodes_{service}")].to_numpy().sum(axis=1)
                    for service, pounds in unit_costs().items()
                )
                need = np.asarray(cost / rows[fifths("months")].to_numpy().sum(axis=1))
            out.append(_Counted(np.array(budget, np.int64), np.array(months, np.int64), need))
        return out

    def _shared(
        self, formula: AllocationFormula, year: int, counted: list[_Counted], before: list[I64] | None
    ) -> tuple[list[I64], list[list[float]]]:
        """Share the pot of each side for a year. Returns the allocations, and the multiples of own budgets."""
        allocations, factors = [], []
        budgets = [np.ones(len(self._plan.authorities)), np.array([a.budget for a in self._plan.authorities])]
        for side, of_side in enumerate(counted):
            base = np.rint(of_side.budget * budgets[side]).astype(np.int64)
            last = base if before is None else before[side]
            amounts = allocate(formula, year, base, last, of_side.months, of_side.need)
            allocations.append(amounts)
            factors.append(np.where(amounts == base, budgets[side], amounts / of_side.budget).tolist())
        return allocations, factors
