"""What a worker is sent and what it returns: plain data, so that it can be sent to another process or computer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.sweeps.design import Engine

Status = Literal["done", "failed", "set aside"]
"""Whether a run was computed, ended with an error, or killed its worker three times."""


class SweepPolicy(NamedTuple):
    """A policy of a sweep.

    Attributes
    ----------
    scenario : Scenario
        The scenario with the policies of its point of the levers.
    source : str
        Name of the scenario in the design.
    levers : tuple of float or None
        The point of the levers; None for the baseline without these.
    digest : str
        SHA-256 of the scenario's canonical form.
    """

    scenario: Scenario
    source: str
    levers: tuple[float, ...] | None
    digest: str


class Group(NamedTuple):
    """Runs of several policies that have the same people, parameters and chance events.

    Attributes
    ----------
    place : int
        Number of the place.
    point : int
        Number of the point of the uncertainties.
    seed : int
        The seed.
    replicate : int
        Number of the replicate, from 0.
    block : int
        Number of the calibration that the runs need, or -1 if none is made.
    chance : int
        Seed of the chance events.
    parameters : dict of str to float
        Parameters that differ from the declared ones.
    policies : tuple of int
        Numbers of the policies.
    runs : tuple of str
        Identity of the run of each policy.
    """

    place: int
    point: int
    seed: int
    replicate: int
    block: int
    chance: int
    parameters: dict[str, float]
    policies: tuple[int, ...]
    runs: tuple[str, ...]

    def only(self, runs: set[str]) -> Group:
        """The group with some of its runs."""
        pairs = [(p, run) for p, run in zip(self.policies, self.runs, strict=True) if run in runs]
        return self._replace(policies=tuple(p for p, _ in pairs), runs=tuple(run for _, run in pairs))


class BatchSetting(NamedTuple):
    """Everything that the batches of a sweep have in common.

    Attributes
    ----------
    policies : tuple of Scenario
        The scenarios, the baseline first, without parameters.
    places : tuple of Place
        The places.
    people : int or None
        Number of people.
    engine : {"agents", "stocks"}
        The implementation.
    metrics, by : tuple of str
        Measures to store, and axes for groups.
    versions : dict of str to str
        Versions of the model and the libraries, which a worker must have too.
    """

    policies: tuple[Scenario, ...]
    places: tuple[Place, ...]
    people: int | None
    engine: Engine
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    versions: dict[str, str]


@dataclass(frozen=True)
class Batch:
    """Some groups that one worker runs together.

    Attributes
    ----------
    groups : tuple of Group
        The groups.
    attempts : int
        How often workers were lost with these runs before.
    """

    groups: tuple[Group, ...]
    attempts: int = 0

    @property
    def runs(self) -> tuple[str, ...]:
        """Identity of each run."""
        return tuple(run for group in self.groups for run in group.runs)

    def divided(self) -> list[Batch]:
        """Each run as a batch by itself, after a worker was lost."""
        return [
            replace(self, groups=(group.only({run}),), attempts=self.attempts + 1)
            for group in self.groups
            for run in group.runs
        ]


class RunOutcome(NamedTuple):
    """What became of a run.

    Attributes
    ----------
    run : str
        Identity of the run.
    status : {"done", "failed", "set aside"}
        Whether there are outcomes.
    error : str
        The error of a failed run, or "".
    seconds : float
        Time on its worker: its part of that of its group.
    """

    run: str
    status: Status
    error: str
    seconds: float


@dataclass(frozen=True)
class BatchOutcome:
    """What a worker returns for a batch.

    Attributes
    ----------
    runs : tuple of RunOutcome
        One for each run.
    tables : dict of str to bytes
        Parquet files of the runs that were computed: `outcomes`, and `groups` if there are axes.
    seconds : float
        Time of the batch.
    """

    runs: tuple[RunOutcome, ...]
    tables: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
