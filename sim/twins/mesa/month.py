"""The steps of a month: each mechanism's telling, under the mechanism's name.

Which step comes when is the model's own order (MODEL.md, 3), not this file's: here a name is joined to what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

Step = Callable[["MesaModel", Any], None]
"""What happens in a step, given the town and the step's parameters; for a lever, its path over the months, a list of
rows with one value a column: `path[town.month][column]`."""

STEPS: dict[str, Step] = {}

ONLY_QUICKER = frozenset(
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
"""Steps by which the core finds the few to whom something could happen. Here everybody is asked, so there is nothing
to do; how people are held up by those near them is worked out when it is needed."""


def step(name: str) -> Callable[[Step], Step]:
    """Tell the step of this name."""

    def enter(told: Step) -> Step:
        if name in STEPS:
            raise ValueError(f"the step '{name}' is told twice")
        STEPS[name] = told
        return told

    return enter
