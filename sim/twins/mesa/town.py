"""The town that the steps of a month read and change: its objects, its counters and its random numbers.

The modules of the steps depend on the class `Town` only. `sim.twins.mesa.model` builds a town and runs the steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import mesa

from sim.twins.mesa import rng
from sim.twins.mesa.people import Dwelling, NeighbourhoodAgent, PersonAgent, ServiceAgent, Silo


class LevelChange(NamedTuple):
    """A change of a person's level of need in this month. A crisis also has the acute service that took it."""

    person: PersonAgent
    domain: int
    new_level: int
    service: ServiceAgent | None


class Town(mesa.Model):
    """The state of a town: one object for each person, dwelling, neighbourhood, service and silo, and shared values."""

    seed: int
    month: int
    """The current month, counted from the scenario's start (0); -1 before the first month."""
    people: list[PersonAgent]
    dwellings: list[Dwelling]
    neighbourhoods: list[NeighbourhoodAgent]
    services: list[ServiceAgent]
    silos: list[Silo]
    domains: range
    quintiles: range
    bands: range
    rates: SimpleNamespace
    """Monthly probabilities: `sim.state.rates.Rates`, as nested lists."""
    counts: SimpleNamespace
    """Counters of the month: `sim.state.counters.Counters`, as nested lists."""
    aims: SimpleNamespace
    """Groups of people that policies distinguish: `sim.state.aim_groups.AimGroups`, as nested lists."""
    events: list[LevelChange]
    """Changes of need in this month."""
    # Values with one entry for the town, or one for each deprivation fifth or purpose.
    age_mix: list[list[float]]
    base_mix: list[list[float]]
    full: list[list[float]]
    full_in_all: list[float]
    fullness: float
    micro_enterprise: float
    pooling: float
    ring_fence: float
    attention: float
    cashable: float
    most_refused: float
    usual_refused: float
    restructuring: float
    outlay: list[int]

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed
        self.month = -1
        self.events = []
        self._parameters: dict[str, Any] = {}
        self._newcomer_ids: Iterator[int] = iter(())
        self._draws: dict[tuple[str, int], list[float]] = {}
        self._permanent_draws: dict[str, list[float]] = {}

    def parameters(self, group: str) -> Any:
        """The parameters of one parameter group, which has the name of the mechanism's file."""
        return self._parameters[group]

    def register_newcomer(self, person: PersonAgent) -> None:
        """Register a new resident with Mesa, under a new identifier."""
        person.unique_id = next(self._newcomer_ids)
        self.register_agent(person)  # type: ignore[no-untyped-call]  # Mesa's

    def record_level_change(
        self, person: PersonAgent, domain: int, new_level: int, service: ServiceAgent | None = None
    ) -> None:
        """Add a change of need to the month's events."""
        self.events.append(LevelChange(person, domain, new_level, service))

    def key(self, name: str, number: int = 0) -> int:
        """The key of this month's random numbers in the stream `name`, or in the stream `number` places after it."""
        return rng.month_key(self.seed, rng.stream(name) + number, self.month)

    def draws(self, name: str, number: int = 0) -> list[float]:
        """This month's random number for each slot in the stream `name`. The list is made once a month."""
        if (name, number) not in self._draws:
            self._draws[name, number] = rng.uniforms(self.key(name, number), len(self.people))
        return self._draws[name, number]

    def permanent_key(self, name: str) -> int:
        """The key of random numbers that are the same in all months."""
        return rng.month_key(self.seed, rng.stream(name), 0)

    def permanent_draws(self, name: str) -> list[float]:
        """The random number for each slot that is the same in all months."""
        if name not in self._permanent_draws:
            self._permanent_draws[name] = rng.uniforms(self.permanent_key(name), len(self.people))
        return self._permanent_draws[name]
