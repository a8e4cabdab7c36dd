"""A search that was checked: its levers, measures, objectives and limits, and the draws that every mix shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.ensemble import parameter_sampling
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.searches.design import SearchDesign
from sim.searches.goals import Bound, Goal
from sim.searches.lever_space import LeverSpace
from sim.searches.quantities import Quantity
from sim.sweeps.plan import digest_of, scenario_digest

F = npt.NDArray[np.float64]
FORMAT = 1
"""Version of the format of searches on disk."""
EXTENDED: Any = {"question": True, "confirmation": True, "optimiser": {"generations", "seeds"}}
"""Keys of a design that may change between two commands for one folder: they add to a search and change nothing."""


@dataclass(frozen=True)
class SearchPlan:
    """A search that was checked.

    Attributes
    ----------
    design : SearchDesign
        The design.
    baseline : Scenario
        The baseline.
    place : Place
        The place.
    people, residents : int or None, int
        Number of people as stated, and of the place at this size.
    space : LeverSpace
        The levers.
    quantities : tuple of Quantity
        What is measured of each run.
    goals : tuple of Goal
        The objectives.
    bounds : tuple of Bound
        The limits.
    versions : dict of str to str
        Versions of the model and of libraries.
    """

    design: SearchDesign
    baseline: Scenario
    place: Place
    people: int | None
    residents: int
    space: LeverSpace
    quantities: tuple[Quantity, ...]
    goals: tuple[Goal, ...]
    bounds: tuple[Bound, ...]
    versions: dict[str, str]

    @property
    def draw_seeds(self) -> range:
        """Seeds of the draws of the search."""
        return range(self.design.seed, self.design.seed + self.design.draws)

    @property
    def fresh_seeds(self) -> range:
        """Seeds of the draws of the confirmation: none of them is one of the search."""
        after = self.draw_seeds.stop
        return range(after, after + self.design.confirmation.seeds)

    @property
    def evaluations(self) -> int:
        """Number of runs of the twin, at most: each mix with each draw."""
        optimiser = self.design.optimiser
        return len(optimiser.seeds) * optimiser.generations * optimiser.population * self.design.draws

    def drawn(self, seeds: range) -> list[dict[str, float]]:
        """The parameters that seeds draw: those that `sim.compare` draws for them."""
        which = self.design.parameters
        return parameter_sampling.draws(which, seeds, self.place.name, self.baseline.parameters)

    @cached_property
    def identity(self) -> str:
        """A digest of everything on which evaluations and the optimiser's choices depend."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "versions": self.versions,
            "design": self.design.model_dump(mode="json", exclude=EXTENDED),
            "baseline": scenario_digest(self.baseline),
            "parameters": self.baseline.parameters,
            "place": self.place.model_dump(mode="json"),
            "people": self.residents,
            "levers": [lever._asdict() for lever in self.space.levers],
        }
        return digest_of(content)

    def index(self, quantity: Quantity) -> int:
        """Position of a quantity."""
        return self.quantities.index(quantity)
