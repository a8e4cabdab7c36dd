"""The runs of a comparison: a seed has its people, its chance events and, with draws, its parameters, for all policies.

A run is numbered by the seed of its chance events. A replicate has the draw of one seed and another number
(sim/ensemble/replicates.py). Worlds and baseline runs are cached in memory and on disk under their content, with draws
as without. A seed whose draw cannot be calibrated has no run; too many such seeds end the comparison, as the others
would no longer stand for the ranges of the parameters.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TypeVar

from sim.cache import records as cached_records
from sim.cache import worlds
from sim.calibration.attainable_rates import CalibrationError
from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.ensemble import parameter_sampling
from sim.ensemble.memory_cache import baseline_records, burned_in_worlds, world_key
from sim.ensemble.replicates import draw_of, replicated
from sim.ensemble.request import Request
from sim.ensemble.run_limits import LARGEST_CACHED
from sim.place.place import Place
from sim.results.records import Record
from sim.results.run_files import RunKey
from sim.results.run_store import RunStore
from sim.scenario.data_parameters import set_in_england, set_in_place
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.simulation.simulate import Progress, ensemble, set_aim_groups
from sim.state.world import World
from sim.world.build import copy

T = TypeVar("T")
MOST_REFUSED = 0.25
"""Largest share of draws that may be refused."""
REASONS_SHOWN = 3


class RefusedDrawsError(InputError):
    """Raised if more than a quarter of the draws cannot be calibrated."""


def side_by_side(make: Callable[[int, Callable[[], bool]], T], seeds: Sequence[int], threads: int) -> list[T]:
    """Apply a function to each seed, several seeds at a time.

    Parameters
    ----------
    make : callable
        Called with a seed, and with a function that returns whether to stop.
    seeds : sequence of int
        The seeds.
    threads : int
        Number of seeds at a time.

    Returns
    -------
    list
        The results, in the order of the seeds.
    """
    stopped = threading.Event()
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        return list(pool.map(lambda seed: make(seed, stopped.is_set), seeds))
    except BaseException:
        stopped.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def run_key(number: int) -> RunKey:
    """Make the key of the runs of a seed or replicate in a store.

    Parameters
    ----------
    number : int
        Seed of the runs' chance events.

    Returns
    -------
    RunKey
    """
    return RunKey(draw_of(number), draw_of(number) != number)


class PairedRuns:
    """Makes the runs of a request, some seeds at a time.

    Parameters
    ----------
    request : Request
        What is run.
    progress : callable, optional
        Called with the number of steps done, the number of all steps, and a label of the last. A step is a run, or the
        calibration of a draw.
    store : RunStore, optional
        Runs that are not repeated, and where finished runs are stored.

    Attributes
    ----------
    drawn : dict of int to dict
        The parameters that each seed drew, by dotted name.
    refused : dict of int to str
        Seeds whose draws could not be calibrated, and why.
    """

    def __init__(self, request: Request, progress: Progress | None, store: RunStore | None = None) -> None:
        """Draw the parameters of the seeds."""
        self.request = request
        self.drawn: dict[int, dict[str, float]] = {}
        self.refused: dict[int, str] = {}
        self._progress, self._store = progress, store
        self._done, self._tried, self._counting = 0, 0, threading.Lock()
        self._baseline = request.scenarios[0]
        self._threads = request.threads or os.cpu_count() or 1
        self._is_cached = request.cached and request.residents <= LARGEST_CACHED
        if request.draws != "none":
            fixed = self._baseline.parameters
            draws = parameter_sampling.draws(request.draws, request.seeds, self._baseline.place, fixed)
            self.drawn = dict(zip(request.seeds, draws, strict=True))
        repeats = len(replicated(request.seeds)) if self.drawn and request.replicates else 0
        self._steps = (len(request.seeds) + repeats) * len(request.scenarios) + len(self.drawn)
        self._about = world_key(self._baseline, request.place, request.people)
        # Each draw is calibrated once, and its content is digested once, for all runs that have it.
        self._calibrated: Callable[[int | None], tuple[Calibrated, Place]] = lru_cache(maxsize=None)(self._calibrate)
        self._world_digest = lru_cache(maxsize=None)(self._digest_of_world)
        self._report(0, "getting ready")

    def usable(self, seeds: Sequence[int]) -> list[int]:
        """Calibrate the draws of some seeds, several at a time.

        Parameters
        ----------
        seeds : sequence of int
            The seeds.

        Returns
        -------
        list of int
            The seeds whose draws are calibrated: all of them without draws.

        Raises
        ------
        RefusedDrawsError
            If more than a quarter of all draws so far are refused.
        """
        if not self.drawn:
            return list(seeds)

        def refusal(seed: int, _stop: Callable[[], bool]) -> str:
            try:
                self._calibrated(seed)
            except CalibrationError as error:
                return str(error)
            finally:
                self._report(1, f"calibrating the draw of seed {seed}")
            return ""

        new = [seed for seed in seeds if not self.are_stored([seed])]
        self._report(len(seeds) - len(new), "draws calibrated before")
        reasons = dict.fromkeys(seeds, "")
        reasons |= dict(zip(new, side_by_side(refusal, new, self._threads), strict=True))
        self.refused |= {seed: reason for seed, reason in reasons.items() if reason}
        self._tried += len(seeds)
        if len(self.refused) > MOST_REFUSED * self._tried:
            raise self._too_many_refused()
        usable = [seed for seed, reason in reasons.items() if not reason]
        self._report(len(self.request.scenarios) * (len(seeds) - len(usable)), "draws calibrated")
        return usable

    def records(self, numbers: Sequence[int]) -> dict[str, list[Record]]:
        """Run every scenario for some seeds or replicates.

        Parameters
        ----------
        numbers : sequence of int
            Seeds of chance events.

        Returns
        -------
        dict of str to list of Record
            Records of each scenario by name, in the order of the numbers.
        """
        request = self.request
        scenarios = list(request.scenarios)
        done = {} if self._store is None else self._store.read([run_key(number) for number in numbers])
        missing = [number for number in numbers if run_key(number) not in done]
        self._report(len(done) * len(scenarios), "runs of before")

        def on_seed(number: int, records: Mapping[str, Record]) -> None:
            done[run_key(number)] = dict(records)
            if self._store is not None:
                self._store.put(run_key(number), records)

        if request.engine == "mesa":
            self._mesa_records(missing, on_seed)
        else:
            ensemble(
                self._world, scenarios, missing, self._threads, self._progress_of_run, request.disabled, self._recall,
                self._variant, not self._is_cached, on_seed,
            )  # fmt: skip
        return {scenario.name: [done[run_key(number)][scenario.name] for number in numbers] for scenario in scenarios}

    def are_stored(self, numbers: Sequence[int]) -> bool:
        """Whether all runs of some seeds or replicates are stored."""
        return self._store is not None and all(self._store.path(run_key(number)) is not None for number in numbers)

    def _variant(self, scenario: Scenario, number: int) -> Scenario:
        """The scenario as a run has it, with the parameters of its draw."""
        parameters = self.drawn.get(draw_of(number), {}) | scenario.parameters
        return scenario if parameters == scenario.parameters else scenario.model_copy(update={"parameters": parameters})

    def _calibrate(self, seed: int | None) -> tuple[Calibrated, Place]:
        """The inputs of a world, and the place with its parameters: of a seed's draw, or of all seeds (None)."""
        scenario = self._baseline if seed is None else self._variant(self._baseline, seed)
        place = self.request.place
        placed = set_in_place(place, scenario.parameters)
        label = "calibrating" if seed is None else f"calibrating the draw of seed {seed}"

        def solved(of: Scenario) -> Calibrated:
            return solution_for(of, place, lambda _done, _total, _label: self._report(0, label))

        if seed is None or not self._baseline.parameters or self._baseline.calibrate != "none":
            return solved(scenario), placed
        # The hazards are solved for the draw, and not for the parameters that the scenario changes in this world.
        drawn = self._baseline.model_copy(update={"parameters": self.drawn[seed], "calibrate": "fast"})
        domains, services = set_in_england(scenario.parameters)
        return solved(drawn)._replace(params=scenario.params(), domains=domains, services=services), placed

    def _source(self, number: int) -> int | None:
        """The seed of the draw that a run has; None if all runs have the same parameters."""
        return draw_of(number) if self.drawn else None

    def _digest_of_world(self, source: int | None) -> str:
        calibrated, placed = self._calibrated(source)
        return worlds.digest_of(calibrated, placed, self.request.people)

    def _world(self, number: int) -> World:
        """The burned-in world of a run, shared by all scenarios."""
        people = self.request.people

        def make() -> World:
            calibrated, placed = self._calibrated(self._source(number))
            if not self._is_cached:
                each = max(1, self._threads // len(self.request.seeds))
                return calibrated.burned_in_world(placed, people, number, threads=each)
            return worlds.burned_in_world(self._world_digest(self._source(number)), calibrated, placed, people, number)

        return burned_in_worlds.get((self._about, self._key(number)), make) if self._is_cached else make()

    def _key(self, number: int) -> Hashable:
        """Identity of a run, or of its world, among those of the same scenario and place."""
        return number, tuple(sorted(self.drawn.get(draw_of(number), {}).items()))

    def _recall(self, scenario: Scenario, number: int, make: Callable[[], Record]) -> Record:
        """A run of the baseline from a cache, if possible; a run of a policy is made."""
        if scenario is not self._baseline or not self._is_cached:
            return make()
        once = make
        if not (scenario.policies or scenario.shocks):
            world, run_as = self._world_digest(self._source(number)), self._variant(scenario, number)
            digest = cached_records.digest_of(world, run_as, self.request.disabled)
            once = partial(cached_records.cached_record, digest, number, make)
        story = self._about, scenario.model_dump_json(), self.request.disabled
        return baseline_records.get((story, self._key(number)), once)

    def _mesa_records(self, numbers: Sequence[int], on_seed: Callable[[int, Mapping[str, Record]], None]) -> None:
        """Make runs of the Mesa implementation, in turn: plain Python gains nothing from threads."""
        from sim.twins.mesa.record import record

        for number in numbers:
            records: dict[str, Record] = {}
            for scenario in self.request.scenarios:
                run_as, start = self._variant(scenario, number), copy(self._world(number))
                set_aim_groups(start, run_as)
                records[scenario.name] = record(start, run_as, number, self.request.disabled)
                self._progress_of_run(0, 0, f"{scenario.name}, seed {number}")
            on_seed(number, records)

    def _progress_of_run(self, _done: int, _total: int, label: str) -> None:
        name, _, number = label.rpartition(" ")
        seed = draw_of(int(number))
        self._report(1, label if seed == int(number) else f"{name} {seed} with other chance events")

    def _report(self, steps: int, label: str) -> None:
        """Count steps that are done, and report the progress."""
        with self._counting:
            self._done += steps
            if self._progress is not None:
                self._progress(self._done, self._steps, label)

    def _too_many_refused(self) -> RefusedDrawsError:
        reasons = [f"seed {seed}: {reason}" for seed, reason in list(self.refused.items())[:REASONS_SHOWN]]
        came = f"{len(self.refused)} of {self._tried} that cannot be ({'; '.join(reasons)}"
        came += "; …)" if len(self.refused) > REASONS_SHOWN else ")"
        wanted = f"draws of the parameters of which at least {1 - MOST_REFUSED:.0%} can be calibrated"
        return RefusedDrawsError("compare", None, "draws", wanted, Phrase(came))
