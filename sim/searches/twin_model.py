"""The stock-flow twin as a function of a draw of the parameters and of mixes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.searches.lever_space import LeverSpace
from sim.searches.plan import SearchPlan
from sim.searches.quantities import Quantity, measured
from sim.twins.stock_flow.family import TwinFamily

F = npt.NDArray[np.float64]
DRAW = "draw"
"""Where the twin reports figures of a draw that contradict each other, or have no steady baseline."""
GOLDEN = (5.0**0.5 - 1.0) / 2.0
"""Multiples of it, modulo 1, are apart from one another and from every round number."""
MixModel = Callable[[Mapping[str, float], F], F]
"""From the parameters of a draw and values of mixes, shape (mixes, levers), to quantities, shape (mixes, quantities).

NaN where the draw has no steady baseline.
"""


class TwinSetting(NamedTuple):
    """Everything that the twin needs, as plain data for another process.

    Attributes
    ----------
    baseline : Scenario
        The baseline.
    place : Place
        The place.
    people : int or None
        Number of people.
    space : LeverSpace
        The levers.
    quantities : tuple of Quantity
        What is measured.
    """

    baseline: Scenario
    place: Place
    people: int | None
    space: LeverSpace
    quantities: tuple[Quantity, ...]

    def make(self) -> MixModel:
        """Make the function; importable by its class, so that a worker can make it."""
        return _TwinModel(self)


def twin_setting(plan: SearchPlan) -> TwinSetting:
    """The setting of a plan.

    Parameters
    ----------
    plan : SearchPlan
        The plan.

    Returns
    -------
    TwinSetting
    """
    return TwinSetting(plan.baseline, plan.place, plan.people, plan.space, plan.quantities)


class _SearchFamily(TwinFamily):
    """A family for mixes: all have the structure of its one scenario, as mixes move the same levers everywhere.

    `TwinFamily` compares the targets of each scenario with those of its own, which takes longer than a run.
    """

    def _structure_of(self, scenario: Scenario) -> Any:  # noqa: ARG002  # the same for every mix
        return self._structures[0]


class _TwinModel:
    """Equations of the twin in which all levers of the search move, traced once."""

    def __init__(self, setting: TwinSetting) -> None:
        self.setting = setting
        levers = setting.space.levers
        # Each lever takes a value of its own, and none that of the baseline: the equations have an input for each.
        apart = [lever.low + lever.width * ((k + 1.0) * GOLDEN % 1.0) for k, lever in enumerate(levers)]
        probe = setting.space.scenario(setting.baseline, apart, "all-levers", checked=True)
        self._family = _SearchFamily([probe], setting.place, setting.people)

    def __call__(self, parameters: Mapping[str, float], values: F) -> F:
        space, baseline = self.setting.space, self.setting.baseline
        scenarios = [space.scenario(baseline, row, f"mix-{k}") for k, row in enumerate(values.tolist())]
        out = np.full((len(values), len(self.setting.quantities)), np.nan)
        try:
            records = self._family.run(parameters, scenarios=scenarios)
        except InputError as refused:
            if refused.file != DRAW:
                raise
            return out
        for k, scenario in enumerate(scenarios):
            out[k] = measured(records[scenario.name], self.setting.quantities)
        return out
