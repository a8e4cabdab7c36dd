"""The stock-flow twin of a scenario: the month's mechanisms for average people, as equations."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.place.place import Place
from sim.policies import levers
from sim.scenario.paths import neighbourhood_columns
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.state.world import World
from sim.twins.stock_flow.aggregation import Aggregation, aggregation_of
from sim.twins.stock_flow.balance import Balanced, balance
from sim.twins.stock_flow.baseline import figures_of
from sim.twins.stock_flow.measurement import measure
from sim.twins.stock_flow.month_start import MonthStart, month_steps, table_columns
from sim.twins.stock_flow.trace import traced

A = npt.NDArray[Any]
CACHE_SIZE = 8
"""Number of built worlds, and of baselines balanced in them, that are cached for the next twins."""


class Twin:
    """One scenario for average people.

    Parameters
    ----------
    scenario
        The scenario.
    place
        The place. The default is the scenario's.
    people
        Number of people. The default is the scenario's.
    fifths
        Whether deprivation fifths are separate cells (see `aggregation_of`).
    ages
        Whether children, adults and older people are separate cells (see `aggregation_of`).

    Attributes
    ----------
    aggregation
        The cells.
    balanced
        The steady baseline.
    equations
        The month as equations.
    """

    def __init__(
        self,
        scenario: Scenario,
        place: Place | None = None,
        people: int | None = None,
        *,
        fifths: bool = True,
        ages: bool = True,
    ) -> None:
        self.scenario = scenario
        self.place = place or Place.load(scenario.place)
        size = people if people is not None else scenario.people
        self.hoods = self.place.neighbourhoods(size)
        self.total = sum(n.people for n in self.hoods)
        self.aggregation = aggregation_of(scenario, self.hoods, fifths=fifths, ages=ages)
        self.calibrated = solution_for(scenario, self.place)
        self._services = tuple(s.id for s in load_catalogue())
        hood_columns = neighbourhood_columns(self.hoods)
        self._policy_groups = scenario.groups(hood_columns)[self.aggregation.first()].astype(int)
        axis = {lever.name: lever.axis for lever in levers()}
        self._paths = {
            name: path[:, self.aggregation.first()] if axis[name] == "neighbourhood" else path
            for name, path in scenario.paths(self._services, hood_columns).items()
        }
        self.world, self.balanced = self._balanced(size)
        self.equations = traced(self.start)

    def _balanced(self, size: int | None) -> tuple[World, Balanced]:
        key = _world_key(self.calibrated, self.place, size)
        world = _world_for(key, self.calibrated, self.place, size)
        if len(world.places.code) != len(self.hoods):
            raise ValueError("the built world has other neighbourhoods than the place")
        return world, _balanced_for(key, self.calibrated, world, self.aggregation, self._policy_groups)

    def start(self) -> MonthStart:
        """The start of the first month."""
        b = self.balanced
        params = {name: x.compiled() for name, x in self.calibrated.params.items()}
        return MonthStart(
            aggregation=self.aggregation,
            services=self._services,
            domains=tuple(d.id for d in self.calibrated.domains),
            months=12 * self.scenario.years,
            policy_groups=self._policy_groups,
            steps=month_steps(self.calibrated.params, self._paths),
            age_mix_changes=bool(np.ptp(self._paths.get("ageing_wave", np.zeros(1))) > 0.0),
            tables=table_columns(self.world, self.aggregation),
            params=params,
            people=b.bands.people,
            flows=b.flows,
            state=b.state,
            conditions=b.conditions,
            events=b.events,
        )


_worlds: dict[str, World] = {}


def _world_key(calibrated: Calibrated, place: Place, size: int | None) -> str:
    """A digest of everything that determines a built world."""
    return hashlib.sha256(f"{calibrated.digest()} {size} {place.model_dump_json()}".encode()).hexdigest()


def _world_for(key: str, calibrated: Calibrated, place: Place, size: int | None) -> World:
    """A built world, in which conditional means are measured. The last few worlds are cached."""
    if key not in _worlds:
        while len(_worlds) >= CACHE_SIZE:
            _worlds.pop(next(iter(_worlds)))
        _worlds[key] = calibrated.world(place, size, 0).world
    return _worlds[key]


_balances: dict[tuple[Any, ...], Balanced] = {}


def _balanced_for(
    world_key: str, calibrated: Calibrated, world: World, aggregation: Aggregation, policy_groups: A
) -> Balanced:
    arrays = (aggregation.kind, aggregation.group, policy_groups)
    key = (world_key, aggregation.places, aggregation.ages, *(array.tobytes() for array in arrays))
    if key not in _balances:
        while len(_balances) >= CACHE_SIZE:
            _balances.pop(next(iter(_balances)))
        _balances[key] = balance(figures_of(calibrated, world), measure(world, aggregation), aggregation, policy_groups)
    return _balances[key]
