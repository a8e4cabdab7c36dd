"""The services on which a lever acts: something changes for every service that is accepted, nothing for the others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest
from strategies import LEVERS, SERVICES, Columns, calibrated, columns, moved, same, scenario, town

from sim.engine.schedule import Clock
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import services_of
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.simulation.month import Month
from sim.simulation.simulate import set_aim_groups
from sim.state.world import handle
from sim.world.build import copy

MONTHS = 16
PEOPLE = 5_000
"""A town in which children come into care in the first month: bureaucracy compares with that month."""
BY_SERVICE = tuple(name for name, lever in LEVERS.items() if "service" in lever.aims)
OUTCOMES = ("people", "dwellings", "places", "ties", "tally", "money")
"""Tables of state beyond the services' own settings: residents, their homes and places, counts and accounts."""


def months(case: Scenario) -> Iterator[Columns]:
    """The outcomes of a small town after each month."""
    world = copy(town(PEOPLE, 0))
    set_aim_groups(world, case)
    month, world_handle = Month(calibrated().params, case.paths(SERVICES, world.places)), handle(world)
    for m in range(MONTHS):
        month(world, world_handle, Clock(np.uint64(0), np.int64(m)))
        yield {name: array for name, array in columns(world).items() if name.split(".")[0] in OUTCOMES}


@lru_cache(maxsize=1)
def baseline_months() -> list[Columns]:
    """The outcomes of the baseline, copied."""
    return [{name: array.copy() for name, array in row.items()} for row in months(scenario())]


def changes(policy: Policy) -> bool:
    """Whether a policy, unchecked, changes any outcome within the months."""
    case = scenario().model_copy(update={"policies": [policy]})
    pairs = zip(months(case), baseline_months(), strict=True)
    return any(not same(row[name], before[name]) for row, before in pairs for name in before)


def ends(name: str) -> list[float]:
    """The ends of a lever's range that are not its baseline; the far end first."""
    lever = LEVERS[name]
    return sorted({lever.low, lever.high} - {lever.baseline}, key=lambda end: -abs(end - lever.baseline))


@pytest.mark.parametrize("name", BY_SERVICE)
def test_a_lever_acts_on_the_services_that_it_accepts(name: str) -> None:
    """Moved to an end of its range for one accepted service alone, a lever changes some outcome."""
    idle = [s for s in services_of(name) if not any(changes(moved(LEVERS[name], end, service=s)) for end in ends(name))]
    assert idle == []


@pytest.mark.parametrize("name", [name for name in BY_SERVICE if len(services_of(name)) < len(SERVICES)])
def test_a_lever_is_refused_for_the_services_on_which_it_does_not_act(name: str) -> None:
    """Moved for all other services at once, to either end, a lever changes no outcome; each of them is refused."""
    others = [service for service in SERVICES if service not in services_of(name)]
    for end in ends(name):
        assert not changes(moved(LEVERS[name], end, service=others))
        for service in others:
            with pytest.raises(InputError, match=f"a service on which '{name}' acts, got '{service}'"):
                scenario(policies=[moved(LEVERS[name], end, service=service)])
