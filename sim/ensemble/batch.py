"""Many scenarios, each run once: the requested readings of each run are stored, and the run itself is discarded.

A run is identified by everything that determines it (place, people, months, policies, parameters, seeds, the model
itself), not by its name. So a baseline shared by many scenarios runs once, and a run that a folder already holds is not
repeated. Every run of a seed has the same people and the same chance events, so readings of two runs can be compared
seed by seed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from sim.engine.verified_files import JSON, VerifiedFolder
from sim.ensemble.compare import compare
from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.run_limits import Runs, one_job
from sim.place.place import Place
from sim.results.expectation_tests import F, Parts, Read
from sim.scenario.scenario import Scenario
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

SOURCE = Path(__file__).parents[1]
MATTERS = (".py", ".toml", ".npz")
Reading = tuple[str, str]
"""A measure and its groups, as a key."""


@lru_cache(maxsize=1)
def model_digest() -> str:
    """Compute a digest of the model: its code and its figures, without the command line."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        inside = path.relative_to(SOURCE)
        if path.suffix in MATTERS and inside.parts[0] != "cli":
            digest.update(inside.as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Readings:
    """Readings of many scenarios: first `ask` for all of them, then `run`, then `read`.

    Parameters
    ----------
    seeds : int
        Number of runs of each scenario.
    seed : int
        The first seed.
    people : int, optional
        Size of the place; by default that of each scenario.
    threads : int, optional
        Number of runs in parallel; by default one for each processor.
    folder : Path, optional
        Folder in which readings are stored, in JSON documents that are proved before they are used
        (`engine/verified_files.py`). A document that was edited is computed again.
    draws : {"all", "mechanisms", "none"}
        The parameters that each seed draws.
    """

    def __init__(
        self, seeds: int = 20, *, seed: int = 0, people: int | None = None, threads: int | None = None,
        folder: Path | None = None, draws: Draws = "none",
    ) -> None:  # fmt: skip
        """Keep the settings."""
        self.seeds, self.seed, self.people, self.threads, self.draws = seeds, seed, people, threads, draws
        self._files = VerifiedFolder(None if folder is None else folder / "runs", "runs", head=JSON)
        self._scenarios: dict[str, Scenario] = {}
        self._asked: dict[str, dict[Reading, Parts]] = {}
        self._values: dict[str, dict[Reading, F]] = {}

    def ask(self, scenario: Scenario, needs: Iterable[tuple[str, Parts]]) -> None:
        """Request readings of a scenario.

        Parameters
        ----------
        scenario : Scenario
            The scenario.
        needs : iterable of (str, mapping)
            Id of each measure, and groups by axis.
        """
        name = self.digest(scenario)
        self._scenarios.setdefault(name, scenario)
        asked = self._asked.setdefault(name, {})
        for metric, groups in needs:
            asked[_key(metric, groups)] = groups

    def digest(self, scenario: Scenario) -> str:
        """Compute the identity of the run of a scenario.

        Parameters
        ----------
        scenario : Scenario
            The scenario.

        Returns
        -------
        str
            16 hexadecimal digits.
        """
        inputs = {
            "place": Place.load(scenario.place).model_dump(mode="json"),
            "people": self.people if self.people is not None else scenario.people,
            "months": [scenario.start, scenario.years],
            "policies": [policy.model_dump(mode="json") for policy in scenario.moves],
            "parameters": scenario.parameters,
            "calibrate": scenario.calibrate,
            "seeds": [self.seed, self.seeds],
            "draws": self.draws,
            "model": model_digest(),
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]

    def run(self, progress: Progress | None = None) -> tuple[int, int]:
        """Run the scenarios whose readings are not stored.

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
        for name, asked in self._asked.items():
            stored = self._stored(name)
            if set(asked) <= set(stored):
                self._values[name] = stored
        missing = [name for name in self._asked if name not in self._values]
        missing.sort(key=self._world)  # runs of one world in a row: its burn-in is done once
        with one_job(*(self._runs(name) for name in missing)):
            for k, name in enumerate(missing):
                scenario = self._scenarios[name].model_copy(update={"expect": [], "stops": []})

                def on(done: int, _: int, label: str, before: int = k * self.seeds) -> None:
                    if progress is not None:
                        progress(before + done, len(missing) * self.seeds, label)

                result = compare(
                    scenario, seeds=self.seeds, seed=self.seed, people=self.people, threads=self.threads, progress=on,
                    draws=self.draws,
                )  # fmt: skip
                self._values[name] = {
                    key: result.of_groups(scenario.name, key[0], groups) for key, groups in self._asked[name].items()
                }
                self._store(name)
        return len(missing), len(self._asked) - len(missing)

    def read(self, scenarios: Mapping[str, Scenario]) -> Read:
        """Make a reader for the comparison of some scenarios.

        Parameters
        ----------
        scenarios : mapping of str to Scenario
            Scenarios of one world, by the names that the comparison uses.

        Returns
        -------
        callable
            From (scenario, metric, groups) to an array of shape (seeds, years).
        """

        def read(name: str, metric: str, groups: Parts) -> F:
            return self._values[self.digest(scenarios[name])][_key(metric, groups)]

        return read

    def _runs(self, name: str) -> Runs:
        scenario = self._scenarios[name]
        people = self.people if self.people is not None else scenario.people
        place = Place.load(scenario.place)
        return Runs(place, people, scenario.years, 1, self.seeds, self.threads, drawn=self.draws != "none")

    def _world(self, name: str) -> tuple[str, str, str, str]:
        scenario = self._scenarios[name]
        people = f"{self.people or scenario.people}"
        return (scenario.place, people, json.dumps(scenario.parameters, sort_keys=True), scenario.calibrate)

    def _stored(self, name: str) -> dict[Reading, F]:
        """Readings of a run in the folder; none if there is no file, or if it was damaged."""
        shape = self.seeds, self._scenarios[name].years

        def decoded(content: memoryview) -> dict[Reading, F]:
            rows = json.loads(b"{" + content)["readings"]
            values = {(row["metric"], row["groups"]): np.array(row["values"], float) for row in rows}
            if any(array.shape != shape for array in values.values()):
                raise ValueError("other seeds or years")
            return values

        return self._files.get(f"{name}.json", decoded) or {}

    def _store(self, name: str) -> None:
        if self._files.path is None:
            return
        readings = self._values[name] = {**self._stored(name), **self._values[name]}
        rows = [
            {"metric": metric, "groups": groups, "values": [[_as_json(v) for v in row] for row in values]}
            for (metric, groups), values in readings.items()
        ]
        contents = {
            "upstream": VERSION,
            "scenario": self._scenarios[name].model_dump(mode="json"),
            "seeds": [*range(self.seed, self.seed + self.seeds)],
            "readings": rows,
        }
        document = json.dumps(contents, allow_nan=False) + "\n"
        self._files.write(f"{name}.json", document.removeprefix("{").encode())


def _key(metric: str, groups: Parts) -> Reading:
    return metric, json.dumps({axis: list(names) for axis, names in sorted(groups.items())})


def _as_json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
