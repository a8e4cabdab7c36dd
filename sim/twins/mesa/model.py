"""The town: it steps from month to month, and in each month from mechanism to mechanism."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

import mesa

from sim.engine.schedule import REGISTRY
from sim.feedback import loops
from sim.policies import levers
from sim.scenario.scenario import Scenario
from sim.schema.toml_files import InputError
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS
from sim.state.tables import World
from sim.twins.mesa import data_collector, initial_state, rng
from sim.twins.mesa.month import ONLY_QUICKER, STEPS
from sim.twins.mesa.people import Dwelling, NeighbourhoodAgent, PersonAgent, ServiceAgent, Silo


class LevelChange(NamedTuple):
    """Somebody's need moved to another level this month; a crisis is taken by a service."""

    person: PersonAgent
    domain: int
    to: int
    service: ServiceAgent | None


class MesaModel(mesa.Model):
    """Upstream as a Mesa model: one object for each person, home, neighbourhood, service and budget holder."""

    people: list[PersonAgent]
    dwellings: list[Dwelling]
    neighbourhoods: list[NeighbourhoodAgent]
    services: list[ServiceAgent]
    silos: list[Silo]
    domains: range
    quintiles: range
    bands: range
    rates: SimpleNamespace
    """Monthly probabilities: `sim.state.tables.Rates`, as lists of lists."""
    counts: SimpleNamespace
    """What the month counted: `sim.state.tables.Tally`, as lists of lists."""
    aims: SimpleNamespace
    """Whom policies tell apart: `sim.state.tables.Aims`, as lists of lists."""
    events: list[LevelChange]
    # What is one for the town, or goes by deprivation fifth or purpose.
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
    restructuring: float
    outlay: list[int]

    def __init__(
        self,
        scenario: Scenario | str = "baseline",
        seed: int = 0,
        people: int | None = None,
        disabled: Iterable[str] = (),
        world: World | None = None,
        everybody: bool = False,
    ) -> None:
        """`without` leaves out loops or mechanisms; `world` is a settled world to begin from in place of one made here
        (`first_morning.settled` makes such a one); `everybody` has the collector note each person every month."""
        super().__init__(seed=seed)
        self.scenario = Scenario.load(scenario) if isinstance(scenario, str) else scenario
        self.seed = seed
        self.month = -1
        """The month now, counted from the scenario's start (0); -1 before its first."""
        self.events = []
        morning = world if world is not None else initial_state.settled(self.scenario, seed, people)
        initial_state.build(self, morning)
        self.steps_of_month = self._steps(morning, disabled)
        self._luck: dict[tuple[str, int], list[float]] = {}
        self._lasting: dict[str, list[float]] = {}
        self._newcomers = itertools.count(max(part.unique_id for part in self.agents) + 1)
        for place in self.people:
            if not place.lives:
                place.remove()  # Mesa knows of people, not of empty places
        self.datacollector = data_collector.collector(everybody=everybody)

    def _steps(self, world: World, disabled: Iterable[str]) -> list[tuple[str, Any]]:
        """The steps of every month, in order, each with its parameters or, for a lever, its path."""
        knocked = loops.disabled_mechanisms(disabled)
        baseline = {lever.name: lever.baseline for lever in levers()}
        paths = self.scenario.paths(tuple(s.id for s in load_catalogue()), world.places)
        params = self.scenario.params()
        self._parameters = {
            group: own.model_copy(update=knocked.parameters.get(group, {})) for group, own in params.items()
        }
        out: list[tuple[str, Any]] = []
        for entry in REGISTRY.month():
            if entry.name in knocked.mechanisms or entry.name in ONLY_QUICKER:
                continue
            given: Any
            if entry.lever is not None:
                given = paths[entry.lever].tolist()
                held = knocked.levers.get(entry.lever)
                if held is not None:
                    given = [[held for _ in row] for row in given]
                if all(value == baseline[entry.lever] for row in given for value in row):
                    continue  # a lever that nobody moves does nothing
            else:
                group = entry.params.__module__.rsplit(".", 1)[-1]
                given = self._parameters.get(group) or entry.params()
            out.append((entry.name, given))
        untold = [name for name, _ in out if name not in STEPS]
        if untold:
            raise InputError("the Mesa telling", None, "", "steps that are told here", ", ".join(untold), tuple(STEPS))
        return out

    def step(self) -> None:
        """A month."""
        if not self.running:
            return
        self.begin_month()
        for name, given in self.steps_of_month:
            STEPS[name](self, given)
        self.datacollector.collect(self)  # type: ignore[no-untyped-call]  # Mesa's
        self.running = self.month + 1 < 12 * self.scenario.years

    def begin_month(self) -> None:
        """Turn the page of the calendar: what is counted by the month starts at nothing."""
        self.month += 1
        self._luck.clear()
        for flow in FLOWS:
            setattr(self.counts, flow, _nothing(getattr(self.counts, flow)))

    def parameters(self, group: str) -> Any:
        """The parameters of a mechanism's file."""
        return self._parameters[group]

    def arrived(self, person: PersonAgent) -> None:
        """Tell Mesa of somebody new."""
        person.unique_id = next(self._newcomers)
        self.register_agent(person)  # type: ignore[no-untyped-call]  # Mesa's

    def happened(self, person: PersonAgent, domain: int, to: int, service: ServiceAgent | None = None) -> None:
        """Note that a need has moved."""
        self.events.append(LevelChange(person, domain, to, service))

    def key(self, what: str, number: int = 0) -> int:
        """The key of this month's throws that decide `what`."""
        return rng.month_key(self.seed, rng.stream(what) + number, self.month)

    def lasting_key(self, what: str) -> int:
        """The key of throws that are the same in all months."""
        return rng.month_key(self.seed, rng.stream(what), 0)

    def lasting_luck(self, what: str) -> list[float]:
        """The throw for each place in a home that is the same in all months."""
        if what not in self._lasting:
            self._lasting[what] = rng.uniforms(self.lasting_key(what), len(self.people))
        return self._lasting[what]

    def luck(self, what: str, number: int = 0) -> list[float]:
        """This month's throw for each place in a home, thrown once."""
        if (what, number) not in self._luck:
            self._luck[what, number] = rng.uniforms(self.key(what, number), len(self.people))
        return self._luck[what, number]


def _nothing(counts: Any) -> Any:
    """The same lists of lists, of zeros."""
    if isinstance(counts, list):
        return [_nothing(part) for part in counts]
    return type(counts)(0)
