"""The Mesa model: it builds a town and runs the mechanisms of every month in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from sim.engine.schedule import REGISTRY, NoParams
from sim.feedback import loops
from sim.policies import LEVER_GROUP, levers
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.services.catalogue import load_catalogue
from sim.state.counters import FLOWS
from sim.state.world import World
from sim.twins.mesa import (
    accounts,
    budget,
    communities,
    data_collector,
    demography,
    help_seeking,
    initial_state,
    moves,
    need,
    policies,
    quality,
    survey,
    trust_and_resilience,
    waiting,
    walk_in_demand,
    workforce,
)
from sim.twins.mesa.month import ACCELERATION_STEPS, STEPS
from sim.twins.mesa.town import Town

STEP_MODULES = (
    accounts,
    budget,
    communities,
    demography,
    help_seeking,
    moves,
    need,
    policies,
    quality,
    survey,
    trust_and_resilience,
    waiting,
    walk_in_demand,
    workforce,
)
"""The modules that implement steps. Importing a module registers its steps in `month.STEPS`."""


class MesaModel(Town):
    """Upstream as a Mesa model: one object for each person, dwelling, neighbourhood, service and silo."""

    def __init__(
        self,
        scenario: Scenario | str = "baseline",
        seed: int = 0,
        people: int | None = None,
        disabled: Iterable[str] = (),
        world: World | None = None,
        collect_agents: bool = False,
    ) -> None:
        """Build the town and prepare the steps of a month.

        Parameters
        ----------
        scenario
            A scenario, or the name of a shipped scenario.
        seed
            Seed of the run's random numbers.
        people
            Number of people. The default is the scenario's.
        disabled
            Loops or mechanisms to disable.
        world
            A burned-in world to start from (see `initial_state.burned_in_world`). The default is to make one.
        collect_agents
            Whether the data collector also records every person, service and neighbourhood each month.

        Raises
        ------
        InputError
            If a step of the month has no implementation in this package.
        """
        super().__init__(seed)
        self.scenario = Scenario.load(scenario) if isinstance(scenario, str) else scenario
        start = world if world is not None else initial_state.burned_in_world(self.scenario, seed, people)
        initial_state.build(self, start)
        self.steps_of_month = self._month_steps(start, disabled)
        self._newcomer_ids = itertools.count(max(agent.unique_id for agent in self.agents) + 1)
        for person in self.people:
            if not person.is_present:
                person.remove()  # Mesa registers residents, not empty slots
        self.datacollector = data_collector.collector(agents=collect_agents)

    def _month_steps(self, world: World, disabled: Iterable[str]) -> list[tuple[str, Any]]:
        """The steps of every month, in order, each with its parameters or, for a lever, its path and any parameters."""
        knockout = loops.disabled_mechanisms(disabled)
        baseline = {lever.name: lever.baseline for lever in levers()}
        paths = self.scenario.paths(tuple(s.id for s in load_catalogue()), world.places)
        params = self.scenario.params()
        baseline |= params[LEVER_GROUP].model_dump()
        self._parameters = {
            group: values.model_copy(update=knockout.parameters.get(group, {})) for group, values in params.items()
        }
        out: list[tuple[str, Any]] = []
        for entry in REGISTRY.month():
            if entry.name in knockout.mechanisms or entry.name in ACCELERATION_STEPS:
                continue
            argument: Any
            group = entry.params.__module__.rsplit(".", 1)[-1]
            parameters = self._parameters.get(group) or entry.params()
            if entry.lever is not None:
                argument = paths[entry.lever].tolist()
                fixed = knockout.levers.get(entry.lever)
                if fixed is not None:
                    argument = [[fixed for _ in row] for row in argument]
                if all(value == baseline[entry.lever] for row in argument for value in row):
                    continue  # a lever that stays at its baseline changes nothing
                if entry.params is not NoParams:
                    argument = argument, parameters
            else:
                argument = parameters
            out.append((entry.name, argument))
        missing = [name for name, _ in out if name not in STEPS]
        if missing:
            raise InputError(
                "the Mesa implementation", None, "", "steps that it implements", ", ".join(missing), tuple(STEPS)
            )
        return out

    def step(self) -> None:
        """Run one month."""
        if not self.running:
            return
        self.begin_month()
        for name, argument in self.steps_of_month:
            STEPS[name](self, argument)
        self.datacollector.collect(self)  # type: ignore[no-untyped-call]  # Mesa's
        self.running = self.month + 1 < 12 * self.scenario.years

    def begin_month(self) -> None:
        """Advance the calendar by a month and set the month's counters to 0."""
        self.month += 1
        self._draws.clear()
        for flow in FLOWS:
            setattr(self.counts, flow, _zeros(getattr(self.counts, flow)))


def _zeros(counts: Any) -> Any:
    """Nested lists of the same shape that hold zeros."""
    if isinstance(counts, list):
        return [_zeros(part) for part in counts]
    return type(counts)(0)
