"""The steps of a month: the implementation of each mechanism, registered under the mechanism's name.

The order of the steps is the model's own order (MODEL.md, 3). This file only connects names with implementations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.twins.mesa.town import Town

Step = Callable[[Town, Any], None]
"""The implementation of a step. Its arguments are the town and the step's parameters. The argument of a lever is its
path over the months: a list of rows with one value for each column, `path[town.month][column]`; or the pair (path,
parameters) if the lever has parameters."""

STEPS: dict[str, Step] = {}
"""The implementation of each step, by the step's name."""

ACCELERATION_STEPS = frozenset(
    {
        "room_of_bounds",
        "bound_updates",
        "need_bounds",
        "help_seeking_bounds",
        "walk_in_demand_bounds",
        "life_and_death_bounds",
        "support",
        "queues",
    }
)
"""Steps by which the core selects the few people who may have an event. This implementation visits everybody, so these
steps have nothing to do. It computes a person's support when a step needs the value."""


def step(name: str) -> Callable[[Step], Step]:
    """Return a decorator that registers a function as the implementation of a step.

    Raises
    ------
    ValueError
        If the step already has an implementation.
    """

    def register(implementation: Step) -> Step:
        if name in STEPS:
            raise ValueError(f"the step '{name}' is implemented twice")
        STEPS[name] = implementation
        return implementation

    return register
