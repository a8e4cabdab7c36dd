"""One year of a run at a time, so that the budget of the next year may follow from what the last one counted.

The months are those of an unbroken run: months are counted from the start of the scenario, and all memory of a run
is in its world, which may be stored between two years (`sim/cache/worlds.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.engine.recorder import ArrayRecorder
from sim.engine.schedule import Clock
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import Params
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.simulation.simulate import set_aim_groups
from sim.state.world import World, handle

BUDGET = "total_budget"
"""The lever that multiplies every budget line."""


def run_year(
    world: World, scenario: Scenario, params: Mapping[str, Params], seed: int, year: int, multiple: float = 1.0
) -> Record:
    """Run one year of a scenario on a world.

    Parameters
    ----------
    world : World
        A world at the start of that year; changed in place.
    scenario : Scenario
        The scenario.
    params : mapping of str to Params
        Parameters by mechanism module.
    seed : int
        Seed of the chance events.
    year : int
        The year, counted from 0.
    multiple : float
        Every budget line of the year is multiplied by this, besides what the scenario does.

    Returns
    -------
    Record
        What each of the 12 months counted.
    """
    set_aim_groups(world, scenario)
    paths = dict(scenario.paths(tuple(service.id for service in load_catalogue()), world.places))
    first = 12 * year
    if multiple != 1.0:
        budget = np.array(paths[BUDGET], np.float64)
        budget[first : first + 12] *= multiple
        paths[BUDGET] = budget
    month = Month(params, paths)
    monthly = ArrayRecorder({name: array.array(world) for name, array in RECORDED.items()}, 12)
    yearly = ArrayRecorder({name: array.array(world) for name, array in RECORDED_BY_YEAR.items()}, 1)
    world_handle = handle(world)
    for m in range(12):
        month(world, world_handle, Clock(np.uint64(seed), np.int64(first + m)))
        monthly.note(m)
        yearly.add(0)
    return Record(seed, monthly.rows, yearly.rows)
