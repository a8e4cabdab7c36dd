"""The function that every worker calls, on this computer or on a cluster: some years of some authorities.

A unit is an authority with a seed and some years in a row, under the baseline and under its policy: both have the same
people and chance events. A unit depends on nothing but what is in it, so it has the same result on any worker.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from sim.calibration.attainable_rates import CalibrationError
from sim.calibration.calibrated_model import Calibrated
from sim.ensemble.precompile import warm_up
from sim.national.hazard_groups import Hazards, authority_place, calibrated_for, place_of_hazards
from sim.national.outcomes import counts, table
from sim.national.planning import SIDES, AuthorityPlan, chance_seed
from sim.national.states import States
from sim.results.origin import present_origin
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.simulation.yearly import run_year
from sim.state.codes import EMPTY_SLOT
from sim.state.world import World
from sim.sweeps import part_files
from sim.sweeps.task import error_text
from sim.world.build import copy

PENCE = 100.0
MODELS = 16
"""Solutions that a worker keeps in memory."""
_making = threading.Lock()


class NationSetting(NamedTuple):
    """Everything that all units of a national run have in common.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The baseline, then the scenarios of policies.
    authorities : tuple of AuthorityPlan
        The authorities.
    hazards : {"supplied", "groups", "own"}
        Where hazards come from.
    drawn : dict of int to dict
        Parameters that each seed draws.
    states, token : str
        The folder of states, and its token.
    versions : dict of str to str
        Versions of the model and the libraries, which a worker must have too.
    """

    scenarios: tuple[Scenario, ...]
    authorities: tuple[AuthorityPlan, ...]
    hazards: Hazards
    drawn: dict[int, dict[str, float]]
    states: str
    token: str
    versions: dict[str, str]


class Unit(NamedTuple):
    """Some years of an authority with a seed.

    Attributes
    ----------
    authority : int
        Number of the authority.
    seed : int
        The seed.
    first : int
        First year, counted from 0.
    multiples : tuple of tuple of float
        Multiples of the budget of each year from 0 to the last one, under the baseline and under the policy.
    keys : tuple of str
        Identity of the run at the start of each of these years, and at the end.
    """

    authority: int
    seed: int
    first: int
    multiples: tuple[tuple[float, ...], ...]
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """Identity of the unit."""
        return self.keys[-1]


@dataclass(frozen=True)
class NationBatch:
    """What a worker is sent: units to run, or hazards to solve.

    Attributes
    ----------
    units : tuple of Unit
        The units.
    solve : tuple of (int, int)
        Authority and seed for which hazards are solved and stored in the cache.
    attempts : int
        How often workers were lost with these before.
    """

    units: tuple[Unit, ...] = ()
    solve: tuple[tuple[int, int], ...] = ()
    attempts: int = 0

    @property
    def runs(self) -> tuple[str, ...]:
        """Names, for the scheduler of a cluster."""
        return tuple(unit.name for unit in self.units) or tuple(f"hazards-{a}-{seed}" for a, seed in self.solve)

    def divided(self) -> list[NationBatch]:
        """Each unit alone, after a worker was lost."""
        alone = [replace(self, units=(unit,), attempts=self.attempts + 1) for unit in self.units]
        return alone + [replace(self, solve=(pair,), attempts=self.attempts + 1) for pair in self.solve]


@dataclass(frozen=True)
class NationOutcome:
    """What a worker returns.

    Attributes
    ----------
    content : bytes
        Parquet file of the rows.
    failed : dict of str to str
        Errors of units, by name, or of hazards.
    refused : dict of int to str
        Seeds whose draw cannot be calibrated, and why.
    seconds : float
        Time of the batch.
    """

    content: bytes = b""
    failed: dict[str, str] | None = None
    refused: dict[int, str] | None = None
    seconds: float = 0.0


def make(setting: bytes) -> Callable[[NationBatch], NationOutcome]:
    """Make the function of batches in a worker, once for all batches."""
    with _making:
        return _made(setting)


def run(setting: bytes, batch: NationBatch) -> NationOutcome:
    """Run a batch on a worker of a cluster."""
    return make(setting)(batch)


@lru_cache(maxsize=2)
def _made(content: bytes) -> Callable[[NationBatch], NationOutcome]:
    setting: NationSetting = pickle.loads(content)
    if dict(present_origin().versions) != setting.versions:
        wanted = "workers with the versions of the process that started the run"
        raise InputError("worker", None, "", wanted, Phrase("other versions"))
    warm_up()
    return _Runner(setting)


class _Runner:
    """Runs batches of a national run."""

    def __init__(self, setting: NationSetting) -> None:
        self.setting = setting
        self._states = States(setting.states, setting.token)
        self._solved = lru_cache(maxsize=MODELS)(self._solve)

    def __call__(self, batch: NationBatch) -> NationOutcome:
        """Run a batch."""
        started = time.perf_counter()
        rows: list[dict[str, Any]] = []
        failed: dict[str, str] = {}
        refused: dict[int, str] = {}
        for authority, seed in batch.solve:
            try:
                self._calibrated(authority, seed)
            except CalibrationError as error:
                refused[seed] = str(error)
        for unit in batch.units:
            try:
                rows += self._rows(unit)
            except Exception as error:  # noqa: BLE001  # the error of a unit is reported with its name
                failed[unit.name] = error_text(error)
        content = part_files.encoded(table(rows)) if rows else b""
        return NationOutcome(content, failed, refused, time.perf_counter() - started)

    def _calibrated(self, authority: int, seed: int) -> Calibrated:
        code = self.setting.authorities[authority].code
        return self._solved(place_of_hazards(code, self.setting.hazards).name, code, seed if self._is_drawn else 0)

    @property
    def _is_drawn(self) -> bool:
        return any(self.setting.drawn.values())

    def _solve(self, _place: str, code: str, seed: int) -> Calibrated:
        return calibrated_for(code, self.setting.hazards, self._scenario(0, seed))

    def _scenario(self, number: int, seed: int) -> Scenario:
        scenario = self.setting.scenarios[number]
        drawn = self.setting.drawn.get(seed) or {}
        return scenario.model_copy(update={"parameters": drawn | scenario.parameters}) if drawn else scenario

    def _rows(self, unit: Unit) -> list[dict[str, Any]]:
        authority = self.setting.authorities[unit.authority]
        chance, number = chance_seed(authority.code, unit.seed), len(SIDES)
        scenarios = [self._scenario(0, unit.seed), self._scenario(authority.policy, unit.seed)]
        calibrated = self._calibrated(unit.authority, unit.seed)
        first, worlds = unit.first, None
        if first:
            worlds = self._states.get(unit.keys[first], unit.keys[0], number)
        if worlds is None:
            first, worlds = 0, self._first_worlds(authority, calibrated, chance)
        params = [scenario.params() for scenario in scenarios]
        rows = []
        last = len(unit.keys) - 2
        for year in range(first, last + 1):
            for k, world in enumerate(worlds):
                multiple = unit.multiples[k][year]
                record = run_year(world, scenarios[k], params[k], chance, year, multiple)
                if year >= unit.first:
                    rows.append(
                        {
                            "unit": unit.keys[year + 1],
                            "code": authority.code,
                            "seed": unit.seed,
                            "side": SIDES[k],
                            "scenario": scenarios[k].name,
                            "year": year + 1,
                            "population": authority.weight.population,
                            "simulated": authority.weight.simulated,
                            "budget": int(np.rint(world.services.base_budget * PENCE).sum()),
                            "multiple": multiple,
                            **counts(record),
                        }
                    )
        if unit.first or last < self.setting.scenarios[0].years - 1:
            self._keep(unit, worlds)
        return rows

    def _keep(self, unit: Unit, worlds: list[World]) -> None:
        """Store the worlds at the end of a unit, unless it is the last; delete those of two years before."""
        end = len(unit.keys) - 1
        if end < self.setting.scenarios[0].years:
            self._states.put(unit.keys[end], unit.keys[0], worlds)
        if end >= 3:
            self._states.drop(unit.keys[end - 2], len(worlds))

    def _first_worlds(self, authority: AuthorityPlan, calibrated: Calibrated, chance: int) -> list[World]:
        """The burned-in world of an authority for each side."""
        place = authority_place(authority.code)
        world = calibrated.burned_in_world(place, authority.weight.simulated, chance)
        present = int((world.people.age != EMPTY_SLOT).sum())
        if present != authority.weight.simulated:
            raise AssertionError(f"{authority.name} begins with {present} people, not {authority.weight.simulated}")
        return [copy(world), world]
