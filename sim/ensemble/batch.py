"""Many scenarios, each run once: the requested readings of each run are stored, and the run itself is discarded.

A run is identified by everything that determines it (place, people, months, policies, parameters, draws, seeds, the
model itself), not by its name. So a baseline shared by many scenarios runs once, and a run that a folder already holds
is not repeated. Every run of a seed has the same people, the same chance events and, with draws, the same parameters,
so readings of two runs can be compared seed by seed. A scenario may be run several times, with other seeds, without
draws, or in another place (a copy of the scenario).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.engine.verified_files import JSON, VerifiedFolder
from sim.ensemble.compare import compare
from sim.ensemble.paired_runs import RefusedDrawsError
from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.run_limits import Runs, one_job
from sim.place.place import Place
from sim.results.expectation_tests import F, Parts, Read
from sim.results.measurement import index_scale
from sim.results.metrics import metric as metric_of
from sim.scenario.scenario import Scenario
from sim.schema.model_digest import model_digest
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

Reading = tuple[str, str]
"""A measure and its groups, as a key."""


class Setting(NamedTuple):
    """The seeds of a run, and whether each of them draws its parameters."""

    seeds: tuple[int, ...]
    draws: Draws = "none"


class _Request(NamedTuple):
    """A scenario, its setting, and the readings that are asked for."""

    scenario: Scenario
    setting: Setting
    readings: dict[Reading, Parts]


class _Result(NamedTuple):
    """The seeds that were run, and the readings of each."""

    seeds: tuple[int, ...]
    values: dict[Reading, F]


class Readings:
    """Readings of many scenarios: first `ask` for all of them, then `run`, then `read`.

    Parameters
    ----------
    people : int, optional
        Size of the place; by default that of each scenario.
    threads : int, optional
        Number of runs in parallel; by default one for each processor.
    folder : Path, optional
        Folder in which readings are stored, in JSON documents that are proved before they are used
        (`engine/verified_files.py`). A document that was edited is computed again.

    Attributes
    ----------
    people : int or None
        Size of the place.
    failures : dict of str to RefusedDrawsError
        Scenarios that could not be run because too few draws can be calibrated, by the digest of the run.
    """

    def __init__(
        self, *, people: int | None = None, threads: int | None = None, folder: Path | None = None
    ) -> None:  # fmt: skip
        """Keep the settings."""
        self.people, self.threads = people, threads
        self.failures: dict[str, RefusedDrawsError] = {}
        self._files = VerifiedFolder(None if folder is None else folder / "runs", "runs", head=JSON)
        self._places: dict[str, Any] = {}
        self._requests: dict[str, _Request] = {}
        self._results: dict[str, _Result] = {}

    def ask(self, scenario: Scenario, setting: Setting, needs: Iterable[tuple[str, Parts]]) -> None:
        """Request readings of a scenario.

        Parameters
        ----------
        scenario : Scenario
            The scenario.
        setting : Setting
            Its seeds and draws.
        needs : iterable of (str, mapping)
            Id of each measure, and groups by axis.
        """
        request = self._requests.setdefault(self.digest(scenario, setting), _Request(scenario, setting, {}))
        for metric, groups in needs:
            request.readings[_key(metric, groups)] = groups
            basis = metric_of(metric).index_of
            if basis is not None:
                request.readings[_key(basis, {})] = {}

    def digest(self, scenario: Scenario, setting: Setting) -> str:
        """Compute the identity of the run of a scenario.

        Parameters
        ----------
        scenario : Scenario
            The scenario.
        setting : Setting
            Its seeds and draws.

        Returns
        -------
        str
            16 hexadecimal digits.
        """
        inputs = {
            "place": self._place(scenario.place),
            "people": self.people if self.people is not None else scenario.people,
            "months": [scenario.start, scenario.years],
            "policies": [policy.model_dump(mode="json") for policy in scenario.moves],
            "parameters": scenario.parameters,
            "calibrate": scenario.calibrate,
            "seeds": setting.seeds,
            "draws": setting.draws,
            "model": model_digest(),
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]

    def _place(self, name: str) -> Any:
        """A place as it is written in a document, read once."""
        if name not in self._places:
            self._places[name] = Place.load(name).model_dump(mode="json")
        return self._places[name]

    def run(self, progress: Progress | None = None) -> tuple[int, int]:
        """Run the scenarios whose readings are not stored.

        A scenario of which too few draws can be calibrated is listed in `failures`, and the others are run.

        Parameters
        ----------
        progress : callable, optional
            Called with the number of runs done, the number of all runs, and a label of the last.

        Returns
        -------
        made : int
            Number of scenarios that were run.
        stored : int
            Number of scenarios whose readings were stored before.
        """
        for name, request in self._requests.items():
            stored = self._stored(name)
            if stored is not None and set(request.readings) <= set(stored.values):
                self._results[name] = stored
        missing = [name for name in self._requests if name not in self._results]
        missing.sort(key=self._world)  # runs of one world in a row: its burn-in is done once
        total, before = sum(len(self._requests[name].setting.seeds) for name in missing), 0
        worlds = [self._world(name) for name in missing]
        firsts = {name for k, name in enumerate(missing) if worlds.index(worlds[k]) == k}
        with one_job(*(self._runs(name, is_first=name in firsts) for name in missing)):
            for name in missing:
                seeds = len(self._requests[name].setting.seeds)

                def on(done: int, steps: int, label: str, before: int = before, seeds: int = seeds) -> None:
                    if progress is not None:  # the steps of a comparison are its runs and the calibrations of draws
                        progress(before + seeds * done // max(1, steps), total, label)

                self._run(name, on)
                before += seeds
        return len(missing), len(self._requests) - len(missing)

    def _run(self, name: str, progress: Progress) -> None:
        """Run a scenario and store its readings."""
        request = self._requests[name]
        scenario = request.scenario.model_copy(update={"expect": [], "stops": []})
        try:
            result = compare(
                scenario,
                seeds=request.setting.seeds,
                people=self.people,
                threads=self.threads,
                progress=progress,
                draws=request.setting.draws,
                replicates=False,
            )
        except RefusedDrawsError as error:
            self.failures[name] = error
            return
        self._results[name] = _Result(
            tuple(result.seeds),
            {
                key: result.of_groups(scenario.name, key[0], groups) / result.index_scale(metric_of(key[0]))
                for key, groups in request.readings.items()
            },
        )
        self._store(name)

    def failure(self, scenarios: Iterable[Scenario], setting: Setting) -> RefusedDrawsError | None:
        """Return the reason why one of the scenarios could not be run, or None.

        Parameters
        ----------
        scenarios : iterable of Scenario
            The scenarios.
        setting : Setting
            Their seeds and draws.

        Returns
        -------
        RefusedDrawsError or None
        """
        digests = (self.digest(scenario, setting) for scenario in scenarios)
        return next((self.failures[name] for name in digests if name in self.failures), None)

    def seeds(self, scenarios: Iterable[Scenario], setting: Setting) -> tuple[int, ...]:
        """List the seeds with which all of the scenarios were run: those whose draws can be calibrated.

        Parameters
        ----------
        scenarios : iterable of Scenario
            The scenarios.
        setting : Setting
            Their seeds and draws.

        Returns
        -------
        tuple of int
        """
        made = [self._results[self.digest(scenario, setting)].seeds for scenario in scenarios]
        return tuple(seed for seed in setting.seeds if all(seed in seeds for seeds in made))

    def left_out(self) -> dict[str, tuple[int, ...]]:
        """List the seeds that were left out because their draws cannot be calibrated, by place.

        Returns
        -------
        dict of str to tuple of int
        """
        out: dict[str, set[int]] = {}
        for name, result in self._results.items():
            request = self._requests[name]
            absent = set(request.setting.seeds) - set(result.seeds)
            if absent:
                out.setdefault(Place.load(request.scenario.place).label, set()).update(absent)
        return {place: tuple(sorted(seeds)) for place, seeds in out.items()}

    def read(self, scenarios: Mapping[str, Scenario], setting: Setting, seeds: Sequence[int]) -> Read:
        """Make a reader for the comparison of some scenarios.

        An index is stored before it is scaled, as a run is not stored with its baseline.

        Parameters
        ----------
        scenarios : mapping of str to Scenario
            Scenarios of one world, by the names that the comparison uses. The first is the baseline, whose first year
            is 100 in an index, on average over the seeds.
        setting : Setting
            The setting with which they were run.
        seeds : sequence of int
            The seeds to read, each of which all of the scenarios have.

        Returns
        -------
        callable
            From (scenario, metric, groups) to an array of shape (seeds, years).
        """
        baseline = next(iter(scenarios))

        def stored(name: str, metric: str, groups: Parts) -> F:
            result = self._results[self.digest(scenarios[name], setting)]
            return result.values[_key(metric, groups)][[result.seeds.index(seed) for seed in seeds]]

        def read(name: str, metric: str, groups: Parts) -> F:
            basis = metric_of(metric).index_of
            if basis is None:
                return stored(name, metric, groups)
            return stored(name, metric, groups) * index_scale(stored(baseline, basis, {})[:, 0])

        return read

    def _runs(self, name: str, *, is_first: bool) -> Runs:
        """The size of the runs of a scenario; its draws are calibrated for the first scenario of a world only."""
        scenario, setting, _ = self._requests[name]
        people = self.people if self.people is not None else scenario.people
        is_drawn = is_first and setting.draws != "none"
        return Runs(
            Place.load(scenario.place), people, scenario.years, 1, len(setting.seeds), self.threads, drawn=is_drawn
        )

    def _world(self, name: str) -> tuple[str, str, str, str, Setting]:
        scenario, setting, _ = self._requests[name]
        people = f"{self.people or scenario.people}"
        parameters = json.dumps(scenario.parameters, sort_keys=True)
        return (scenario.place, people, parameters, scenario.calibrate, setting)

    def _stored(self, name: str) -> _Result | None:
        """Readings of a run in the folder; None if there is no file, or if it was damaged."""
        request = self._requests[name]

        def decoded(content: memoryview) -> _Result:
            document = json.loads(b"{" + content)
            seeds = tuple(document["seeds"])
            values = {(row["metric"], row["groups"]): np.array(row["values"], float) for row in document["readings"]}
            shape = len(seeds), request.scenario.years
            if not set(seeds) <= set(request.setting.seeds) or any(array.shape != shape for array in values.values()):
                raise ValueError("other seeds or years")
            return _Result(seeds, values)

        return self._files.get(f"{name}.json", decoded)

    def _store(self, name: str) -> None:
        if self._files.path is None:
            return
        result, stored = self._results[name], self._stored(name)
        if stored is not None and stored.seeds == result.seeds:
            result = self._results[name] = _Result(result.seeds, {**stored.values, **result.values})
        rows = [
            {"metric": metric, "groups": groups, "values": [[_as_json(v) for v in row] for row in values]}
            for (metric, groups), values in result.values.items()
        ]
        request = self._requests[name]
        contents = {
            "upstream": VERSION,
            "scenario": request.scenario.model_dump(mode="json"),
            "draws": request.setting.draws,
            "seeds": list(result.seeds),
            "readings": rows,
        }
        document = json.dumps(contents, allow_nan=False) + "\n"
        self._files.write(f"{name}.json", document.removeprefix("{").encode())


def _key(metric: str, groups: Parts) -> Reading:
    return metric, json.dumps({axis: list(names) for axis, names in sorted(groups.items())})


def _as_json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
