"""The function that every worker calls, on this computer or on a cluster: from a batch to its outcomes.

Runs of a group share people, parameters and chance events: their world is built once, and months in which no policy
differs from another are run once. The baseline is always among them, as measures may refer to it. An error of one
policy does not concern the others. Nothing is stored in the caches of worlds and baselines: a sweep would push out what
is wanted again.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from sim.ensemble.paired_runs import PairedRuns
from sim.ensemble.precompile import warm_up
from sim.ensemble.request import Request
from sim.results.comparison import Comparison
from sim.results.identity import version_difference
from sim.results.origin import present_origin
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase, plain
from sim.sweeps import part_files
from sim.sweeps.batch import Batch, BatchOutcome, BatchSetting, Group, RunOutcome
from sim.sweeps.outcomes import tables

if TYPE_CHECKING:
    from sim.twins.stock_flow.family import TwinFamily

LONGEST_ERROR = 1_000
Task = Callable[[Batch], BatchOutcome]
_making = threading.Lock()


def make(setting: bytes) -> Task:
    """Make the function of batches in a worker, once for all batches of a sweep.

    Parameters
    ----------
    setting : bytes
        The pickled `BatchSetting`.

    Returns
    -------
    callable
        From a batch to its outcomes.
    """
    with _making:  # a worker of a cluster may have several threads
        return _made(setting)


def run(setting: bytes, batch: Batch) -> BatchOutcome:
    """Run a batch on a worker of a cluster."""
    return make(setting)(batch)


@lru_cache(maxsize=2)
def _made(content: bytes) -> Task:
    setting: BatchSetting = pickle.loads(content)
    present = dict(present_origin().versions)
    if present != setting.versions:
        changed = version_difference(present, setting.versions) or ""
        wanted = "workers with the versions of the process that started the sweep"
        raise InputError("worker", None, "", wanted, Phrase(changed))
    if setting.engine == "agents":
        warm_up()
    return _Runner(setting)


class _Runner:
    """Runs batches of a sweep."""

    def __init__(self, setting: BatchSetting) -> None:
        self.setting = setting
        self._family = lru_cache(maxsize=4)(self._make_family)

    def __call__(self, batch: Batch) -> BatchOutcome:
        """Run a batch."""
        started = time.perf_counter()
        outcomes: list[RunOutcome] = []
        parts: dict[str, list[pa.Table]] = {}
        for group in batch.groups:
            for run_outcomes, made in self._group(group):
                outcomes += run_outcomes
                for kind, table in made.items():
                    parts.setdefault(kind, []).append(table)
        files = {kind: part_files.encoded(pa.concat_tables(some)) for kind, some in parts.items()}
        return BatchOutcome(tuple(outcomes), files, time.perf_counter() - started)

    def _group(self, group: Group) -> list[tuple[list[RunOutcome], dict[str, pa.Table]]]:
        """Run a group; if there is an error, each of its policies by itself."""
        started = time.perf_counter()
        try:
            made = self._tables(group)
        except Exception as error:  # noqa: BLE001  # the error of a run is stored with it
            if len(group.runs) > 1:
                return [each for run in group.runs for each in self._group(group.only({run}))]
            seconds = time.perf_counter() - started
            return [([RunOutcome(group.runs[0], "failed", error_text(error), seconds)], {})]
        seconds = (time.perf_counter() - started) / len(group.runs)
        return [([RunOutcome(run, "done", "", seconds) for run in group.runs], made)]

    def _tables(self, group: Group) -> dict[str, pa.Table]:
        setting = self.setting
        chosen = sorted({0, *group.policies})  # the first policy is the baseline
        scenarios = [setting.policies[p].model_copy(update={"parameters": group.parameters}) for p in chosen]
        records = (self._agents if setting.engine == "agents" else self._twin)(group, chosen, scenarios)
        place = setting.places[group.place]
        hoods = place.neighbourhoods(setting.people)
        result = Comparison(
            scenarios=tuple(scenarios),
            place=place,
            people=sum(hood.people for hood in hoods),
            seeds=(group.seed,),
            records=records,
            neighbourhoods=tuple(hood.name for hood in hoods),
            seconds=0.0,
            settings={"engine": setting.engine},
        )
        names = {setting.policies[p].name: run for p, run in zip(group.policies, group.runs, strict=True)}
        return tables(result, names, setting.metrics, setting.by)

    def _agents(self, group: Group, _chosen: Sequence[int], scenarios: Sequence[Scenario]) -> dict[str, list[Record]]:
        request = Request(
            scenarios=tuple(scenarios),
            place=self.setting.places[group.place],
            people=self.setting.people,
            seeds=(group.chance,),
            draws="none",
            disabled=(),
            engine="agents",
            threads=1,
            replicates=False,
            cached=False,
        )
        return PairedRuns(request, None).records([group.chance])

    def _twin(self, group: Group, chosen: Sequence[int], _scenarios: Sequence[Scenario]) -> dict[str, list[Record]]:
        wanted = [self.setting.policies[p] for p in chosen]
        made = self._family(group.place).run(group.parameters, scenarios=wanted)
        return {name: [record] for name, record in made.items()}

    def _make_family(self, place: int) -> TwinFamily:
        from sim.twins.stock_flow.family import TwinFamily  # the equations take a second to import

        return TwinFamily(self.setting.policies, self.setting.places[place], self.setting.people)


def error_text(error: BaseException) -> str:
    """The text of an error in one line."""
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return plain(" ".join(text.split()), LONGEST_ERROR)
