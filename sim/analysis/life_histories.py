"""Follows people through two runs of the same world: the events of every life under the baseline and a scenario.

Two runs start from copies of one burned-in world and use the same random numbers. Each run is observed from outside:
after each step of a month, the changes in people are read from their columns. Observation changes nothing, and a run
that is not observed has no extra cost. A slot is not a person: births, deaths, moves and departures from the parental
home are followed, and each person has a key (first slot, month and way of arrival) that identifies them in the other
run.

A crisis is counted once, when it begins; each crisis opens one acute episode. Visits to walk-in services without a
crisis (A&E) are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import Clock, Mechanism
from sim.ensemble.compare import in_one_part
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import set_aim_groups
from sim.state.codes import EMPTY_SLOT, WAITING
from sim.state.world import World, handle

A = npt.NDArray[Any]
Kind = Literal[
    "worse", "better", "crisis", "refused", "waits", "gave up", "helped", "help ends", "died", "moved away",
    "left home", "born", "moved in",
]  # fmt: skip
CRISIS = 3


class PersonKey(NamedTuple):
    """The identity of a person in either run: way and month of arrival, and first slot.

    The class name and the fields are part of the hash that assigns pseudonyms and selects life histories.
    """

    came: Literal["lived here", "born", "moved in"]
    month: int
    slot: int


class LifeEvent(NamedTuple):
    """An event in the life of a person."""

    month: int
    age: int
    kind: Kind
    domain: int = -1
    level: int = -1
    service: int = -1


@dataclass
class PersonHistory:
    """The life of one person during a run."""

    key: PersonKey
    age: int
    """At the first month, or on arrival."""
    female: int
    quintile: int
    band: int
    levels: tuple[int, ...]
    """Level of need in each domain at that time."""
    events: list[LifeEvent] = field(default_factory=list)

    @property
    def crises(self) -> int:
        """The number of crises that began."""
        return sum(event.kind == "crisis" for event in self.events)


class PopulationObserver:
    """Runs a copy of a world month by month and logs the events of every person in it."""

    def __init__(self, world: World, scenario: Scenario, params: Mapping[str, Params], seed: int) -> None:
        self.world, self.seed, self.now = in_one_part(world), seed, 0
        set_aim_groups(self.world, scenario)
        services = tuple(s.id for s in load_catalogue())
        self._month = Month(params, scenario.paths(services, world.places))
        self._handle = handle(self.world)
        self._slots: dict[int, PersonHistory] = {}
        self.people: dict[PersonKey, PersonHistory] = {}
        for i in np.flatnonzero(self.world.people.age != EMPTY_SLOT):
            self._arrival(int(i), "lived here")

    def month(self) -> None:
        """Run one month."""
        clock = Clock(np.uint64(self.seed), np.int64(self.now))
        for entry, prepared, run in self._month.walk(self.world, self._handle, clock):
            observe = _OBSERVERS.get(entry.name)
            if observe is None:
                run()
            else:
                observe(self, entry, prepared, clock)
        self.now += 1

    # One method for each observed step. The method calls the step's kernel.

    def _need(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        help_before = self.world.people.help.copy()
        entry.kernel(self._handle, prepared, clock)
        self._levels(0)
        self._help(help_before)

    def _levels(self, first: int) -> None:
        """Logs the changes of level from entry `first` of the month's list of events on."""
        screen, people = self.world.screen, self.world.people
        for k in range(first, int(screen.events[0])):
            i, d, level = int(screen.event_row[k]), int(screen.event_domain[k]), int(screen.event_to[k])
            if level == CRISIS:
                continue  # logged in _episodes, where the service is known
            kind: Kind = "worse" if level > int(people.before[d, i]) else "better"
            self._log(i, kind, d, level)

    def _episodes(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        entry.kernel(self._handle, prepared, clock)
        screen = self.world.screen
        for k in range(int(screen.events[0])):
            if screen.event_to[k] == CRISIS:
                i, d = int(screen.event_row[k]), int(screen.event_domain[k])
                self._log(i, "crisis", d, CRISIS, int(screen.event_service[k]))

    def _help_seeking(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        """Logs requests, refusals and abandoned waits.

        The bit that marks a refusal may be set from an earlier month, so the step is first run once with all bits
        cleared, and undone.
        """
        people = self.world.people
        before = people.help.copy()
        with self._restored(entry.writes):
            people.refused[:] = 0
            entry.kernel(self._handle, prepared, clock)
            failed = people.refused.copy()
        asked = self._services_asked(entry, prepared, clock) if failed.any() else before
        entry.kernel(self._handle, prepared, clock)
        for i in np.flatnonzero(failed):
            for d in range(before.shape[0]):
                if failed[i] >> d & 1:
                    code = int(before[d, i])
                    if code >= WAITING:
                        self._log(int(i), "gave up", d, service=code - WAITING)
                    else:
                        self._log(int(i), "refused", d, service=int(asked[d, i]) - WAITING)
        self._help(before, gave_up=failed)

    def _services_asked(self, entry: Mechanism, prepared: object, clock: Clock) -> A:
        """The service that each person asked: the one for which they would wait if no service refused anyone."""
        services, aims = self.world.services, self.world.aims
        with self._restored((*entry.writes, "services.refused", "services.providers", "aims.refuse")):
            services.refused[:], services.providers[:], aims.refuse[:] = 0.0, 1.0, 0.0
            entry.kernel(self._handle, prepared, clock)
            return self.world.people.help.copy()

    @contextmanager
    def _restored(self, touched: Iterable[str]) -> Iterator[None]:
        """Restores these columns on exit."""
        saved = {name: _column(self.world, name).copy() for name in touched}
        yield
        for name, values in saved.items():
            _column(self.world, name)[:] = values

    def _help_starts(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        before = self.world.people.help.copy()
        entry.kernel(self._handle, prepared, clock)
        self._help(before)

    def _help(self, before: A, gave_up: A | None = None) -> None:
        """Logs help that was requested, began or ended since `before`."""
        after = self.world.people.help
        for d, i in zip(*np.nonzero(before != after), strict=True):
            code_before, code_after = int(before[d, i]), int(after[d, i])
            if code_after >= WAITING:
                self._log(int(i), "waits", int(d), service=code_after - WAITING)
            elif code_after > 0:
                self._log(int(i), "helped", int(d), service=code_after - 1)
            elif code_before < WAITING:
                self._log(int(i), "help ends", int(d), service=code_before - 1)
            elif gave_up is None:
                self._log(int(i), "help ends", int(d), service=code_before - WAITING)

    def _ageing(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        """Logs birthdays' changes of need, and departures from the parental home (the same person in another slot)."""
        people, events_before = self.world.people, int(self.world.screen.events[0])
        before, help_before = people.age.copy(), people.help.copy()
        marks = list(zip(people.neighbourhood, people.female, people.resilience, people.trust, strict=True))
        entry.kernel(self._handle, prepared, clock)
        self._levels(events_before)
        after = people.age
        vacated = {marks[i]: int(i) for i in np.flatnonzero((before != EMPTY_SLOT) & (after == EMPTY_SLOT))}
        self._help_of_remaining(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (after != EMPTY_SLOT)):
            mark = (people.neighbourhood[j], people.female[j], people.resilience[j], people.trust[j])
            person = self._slots.pop(vacated.pop(mark))
            self._slots[int(j)] = person
            self._log(int(j), "left home")
        for i in vacated.values():
            self._departure(i, "moved away", int(before[i]))

    def _life_and_death(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        """Logs deaths and births; children left without an adult move away."""
        people, dwellings = self.world.people, self.world.dwellings
        before, help_before = people.age.copy(), people.help.copy()
        occupied = dwellings.occupants.copy()
        entry.kernel(self._handle, prepared, clock)
        for i in np.flatnonzero((before != EMPTY_SLOT) & (people.age == EMPTY_SLOT)):
            dwelling = people.dwelling[i]
            orphaned = before[i] < 16 and dwellings.occupants[dwelling] == 0 and occupied[dwelling] > 1
            self._departure(int(i), "moved away" if orphaned else "died", int(before[i]))
        self._help_of_remaining(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (people.age != EMPTY_SLOT)):
            self._arrival(int(j), "born")

    def _moves(self, entry: Mechanism, prepared: object, clock: Clock) -> None:
        people = self.world.people
        before, help_before = people.age.copy(), people.help.copy()
        entry.kernel(self._handle, prepared, clock)
        for i in np.flatnonzero((before != EMPTY_SLOT) & (people.age == EMPTY_SLOT)):
            self._departure(int(i), "moved away", int(before[i]))
        self._help_of_remaining(before, help_before)
        for j in np.flatnonzero((before == EMPTY_SLOT) & (people.age != EMPTY_SLOT)):
            self._arrival(int(j), "moved in")

    def _help_of_remaining(self, age_before: A, help_before: A) -> None:
        """Logs help that ends for people who remain.

        A household's help passes to its new reference person, which is not logged as a start.
        """
        people = self.world.people
        ended = (age_before != EMPTY_SLOT) & (people.age != EMPTY_SLOT) & (people.help == 0)
        self._help(np.where(ended, help_before, people.help))

    def _arrival(self, i: int, how: Literal["lived here", "born", "moved in"]) -> None:
        people = self.world.people
        key = PersonKey(how, self.now, i)
        levels = tuple(int(level) for level in people.level[:, i])
        attributes = (int(people.age[i]), int(people.female[i]), int(people.quintile[i]), int(people.band[i]))
        person = PersonHistory(key, *attributes, levels)
        self._slots[i] = self.people[key] = person
        if how != "lived here":
            person.events.append(LifeEvent(self.now, person.age, how))

    def _departure(self, i: int, how: Literal["died", "moved away"], age: int) -> None:
        self._slots.pop(i).events.append(LifeEvent(self.now, age, how))

    def _log(self, i: int, kind: Kind, domain: int = -1, level: int = -1, service: int = -1) -> None:
        person = self._slots.get(i)
        assert person is not None, f"event in slot {i}, which is empty"
        person.events.append(LifeEvent(self.now, int(self.world.people.age[i]), kind, domain, level, service))


def _column(world: World, name: str) -> A:
    table, column = name.split(".")
    values: A = getattr(world.table(table), column)
    return values


_OBSERVERS: dict[str, Callable[[PopulationObserver, Mechanism, object, Clock], None]] = {
    "need": PopulationObserver._need,
    "help_seeking": PopulationObserver._help_seeking,
    "acute_episodes": PopulationObserver._episodes,
    "queue_allocation": PopulationObserver._help_starts,
    "waiting": PopulationObserver._help_starts,
    "ageing": PopulationObserver._ageing,
    "life_and_death": PopulationObserver._life_and_death,
    "moves": PopulationObserver._moves,
}
"""The steps of a month that change the state of a person, and the method that observes each."""


class PairedPopulations(NamedTuple):
    """All people who lived in either run, after the same months."""

    seed: int
    before: Mapping[PersonKey, PersonHistory]
    """Under the baseline."""
    after: Mapping[PersonKey, PersonHistory]
    """Under the scenario."""

    def both(self) -> Iterator[tuple[PersonHistory, PersonHistory]]:
        """Yields the people who lived in both runs, with their life in each."""
        for key, person in self.before.items():
            other = self.after.get(key)
            if other is not None:
                yield person, other


def follow_pair(
    baseline: Scenario,
    scenario: Scenario,
    world: World,
    seed: int,
    params: Mapping[str, Params] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> PairedPopulations:
    """Run both policies on copies of one burned-in world and follow everybody.

    Parameters
    ----------
    baseline, scenario : Scenario
        The two policies.
    world : World
        The burned-in world. It is not changed.
    seed : int
        Seed of the random numbers of both runs.
    params : mapping of str to Params, optional
        Parameters by mechanism; the baseline's parameters by default.
    stop : callable
        Checked before each month.

    Returns
    -------
    PairedPopulations
        The life of every person in each run.

    Raises
    ------
    KeyboardInterrupt
        If `stop` returns True.
    """
    parameters = baseline.params() if params is None else params
    populations = []
    for policy in (baseline, scenario):
        observer = PopulationObserver(world, policy, parameters, seed)
        for _ in range(12 * policy.years):
            if stop():
                raise KeyboardInterrupt
            observer.month()
        populations.append(observer.people)
    return PairedPopulations(seed, *populations)
