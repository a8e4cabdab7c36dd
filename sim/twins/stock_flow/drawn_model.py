"""Figures, tables and parameters of a draw without calibration of agents: those of a reference world, changed directly.

The people and their conditional means are those of one world, which is built from the calibrated reference model.
All that follows from parameters without a run of agents is computed for the draw: targets, rates, services, budgets.
Natural recovery keeps its ratio to the calibrated rates. `balance.py` then solves for rates with which the twin is
steady.

Limits    Figures of the place (households, ties) have no effect here. Baseline asking, mortality multipliers and care
          costs are those of the reference model, before the balance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from sim.calibration.calibrate import solution_for
from sim.hazards import Targets, natural_recovery, targets
from sim.people.domains import ByAgeAndQuintile, Crisis, Domain, load_domains
from sim.place.place import Place
from sim.place.population_mix import ENGLAND, population_mix
from sim.scenario.data_parameters import MONTHS, Key, is_figure, of_england
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Figure
from sim.services.catalogue import Service, load_catalogue
from sim.state.world import World
from sim.twins.stock_flow.baseline import Figures
from sim.world.build import fill_tables

F = npt.NDArray[np.float64]
Setter = Callable[[float], None]
ENGLAND_PEOPLE = 3_000_000 // 100
"""Number of people with England's mix, for whom targets are computed, as for the calibrated model."""


class DrawnFigures:
    """The domains and services, with figures that are set in place. Copies for each draw would take most of its time.

    Attributes
    ----------
    domains, services
        The files, with the values of the last draw.
    """

    def __init__(self) -> None:
        self.domains: tuple[Domain, ...] = tuple(d.model_copy(deep=True) for d in load_domains())
        self.services: tuple[Service, ...] = tuple(s.model_copy(deep=True) for s in load_catalogue())
        owners: dict[str, BaseModel] = {f"services.{s.id}": s for s in self.services}
        owners |= {f"domains.{d.id}": d for d in self.domains}
        self._published = {name: known.value for name, known in of_england().items()}
        self._setters = {
            name: _setter(owners[".".join(name.split(".", 2)[:2])], known.key) for name, known in of_england().items()
        }
        self._changed: set[str] = set()

    def set(self, values: Mapping[str, float]) -> None:
        """Set figures by dotted name. Figures that are not named have their published values."""
        named = {name for name in values if name in self._setters}
        for name in self._changed - named:
            self._setters[name](self._published[name])
        for name in named:
            self._setters[name](values[name])
        self._changed = named


def _setter(part: Any, key: Key) -> Setter:
    """A function that sets the figure, or the multiple of the table, at a key. Models are frozen, so it goes around."""
    if key[-2:] == (MONTHS, "scale"):
        return _months_setter(_part(part, key[:-2]))
    *steps, last = (*key, "value")
    part = _part(part, steps if last == "value" and steps[-1:] != ["scale"] else steps[:-1])
    if isinstance(part, Figure):
        return lambda value: part.__dict__.__setitem__("value", value)
    assert isinstance(part, ByAgeAndQuintile)
    by_age, by_both = part.by_age, part.by_age_and_quintile

    def scale(value: float) -> None:
        if by_age is not None:
            part.__dict__["by_age"] = {band: x * value for band, x in by_age.items()}
        if by_both is not None:
            part.__dict__["by_age_and_quintile"] = {b: tuple(x * value for x in row) for b, row in by_both.items()}

    return scale


def _part(part: Any, steps: Iterable[str | int]) -> Any:
    """The part of a model at the end of some steps."""
    for step in steps:
        part = getattr(part, str(step)) if isinstance(part, BaseModel) else part[step]
    return part


def _months_setter(crisis: Crisis) -> Setter:
    """A function that sets the months of crises after the first, as a multiple of those in the file."""
    published = crisis.mean_months

    def scale(value: float) -> None:
        crisis.__dict__[MONTHS] = {band: 1.0 + (months - 1.0) * value for band, months in published.items()}

    return scale


class DrawnModel:
    """The reference model of a place, and the figures of draws.

    Parameters
    ----------
    place
        The place.
    people
        Number of people.
    world
        The world built from the reference model; see `TwinFamily`.
    """

    def __init__(self, place: Place, world: World) -> None:
        self.calibrated = solution_for(Scenario.load("baseline"), place)
        self.world = world
        self._drawn = DrawnFigures()
        self._defaults = {name: x.compiled() for name, x in self.calibrated.params.items()}
        self._natural = natural_recovery(self.calibrated.domains, self.calibrated.aims)
        self._mix = population_mix(Place.load(ENGLAND), ENGLAND_PEOPLE)

    def params(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Compiled parameters by mechanism."""
        changed: dict[str, dict[str, float]] = {}
        for name, value in values.items():
            group, _, field = name.partition(".")
            if not is_figure(name) and group in self._defaults:
                changed.setdefault(group, {})[field] = float(value)
        return {n: x._replace(**changed[n]) if n in changed else x for n, x in self._defaults.items()}

    def figures(self, values: Mapping[str, float]) -> tuple[Figures, World]:
        """The figures of a draw, and a world with its tables and the people of the reference.

        Parameters
        ----------
        values
            Parameters by dotted name.

        Raises
        ------
        ValueError
            If figures contradict each other (see `sim.hazards.targets`).
        """
        params = self.params(values)
        self._drawn.set(values)
        domains, services, solution = self._drawn.domains, self._drawn.services, self.calibrated.solution
        aims: Targets = targets(domains, services, self._mix, self._mix * solution.households)
        natural = natural_recovery(domains, aims)
        ratio = np.divide(natural, self._natural, out=np.ones_like(natural), where=self._natural > 0.0)
        solution = solution._replace(down=np.minimum(1.0, solution.down * ratio))
        world = _with_empty_tables(self.world)
        fill_tables(world, domains, services, solution, aims, params)
        return Figures(aims, solution, world.services, world.rates, params), world


def _with_empty_tables(world: World) -> World:
    """A world with the same people, and tables of its own for everything that `fill_tables` sets."""
    names = ("services", "rates", "rules", "money", "aims")
    tables = {name: type(getattr(world, name))._make(map(np.zeros_like, getattr(world, name))) for name in names}
    private = {
        name: type(state)._make(map(np.zeros_like, state)) if hasattr(state, "start") else state
        for name, state in vars(world.private).items()
    }
    return world._replace(**tables, private=SimpleNamespace(**private))
